"""How a specification was read, for people and for machines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brengine.domain import Feature, Ignored, Requirement, Spec
from brengine.errors import Diagnostic
from brengine.source import Span

Row = dict[str, object]


def extracted(names: Sequence[str]) -> str:
    """`Extracted 1 feature: User Authentication`."""
    return f"Extracted {len(names)} feature{'' if len(names) == 1 else 's'}: {', '.join(names)}"


def headline(spec: Spec) -> tuple[str, ...]:
    """What was found, and from where: `Read from sub-headings of "Core Features" (lines 61–140, confidence 0.94)`."""
    reading = spec.reading
    if reading.status == "nothing":
        return (f"There is nothing to build here: {reading.how}.",)
    where = f"{_lines(reading.span)}, " if reading.span else ""
    names = [feature.name for feature in spec.features]
    return extracted(names), f"Read from {reading.how} ({where}confidence {reading.confidence:.2f})"


def interpretation(spec: Spec) -> Iterator[str]:
    """The headline, the features, what is done or ignored and why, the context, and other ways to read it."""
    yield from headline(spec)
    for feature in spec.features:
        yield f"  {feature.id}: {feature.name} ({_lines(feature.span)}; {_counts(feature)})"
    if spec.finished:
        yield f"Marked as done: {', '.join(feature.name for feature in spec.finished)}"
    for row in spec.reading.ignored:
        yield f"Ignored {_lines(row.span)}: {row.why}"
    heads = {row.span.line for row in spec.reading.account if row.kind == "container"}
    for section in spec.sections:
        if section.span.line in heads and not section.text:
            continue
        binds = "binds every task" if section.binding else "context"
        yield f"  {section.title} ({_lines(section.span)}): {section.role}, {binds}"
    if spec.reading.status == "ask":
        for other in spec.reading.others:
            yield f"It could also be read as: {other}"


def coverage(spec: Spec) -> Iterator[str]:
    """What each run of lines became; together the rows are the whole document."""
    for row in spec.reading.account:
        place = f"{row.span.line}–{row.span.end_line}" if row.span.end_line > row.span.line else str(row.span.line)
        yield f"{place:>11}  {row.kind:<11}  {row.of[:90]}".rstrip()


def as_json(spec: Spec) -> Row:
    """The reading as `br spec check --format json` prints it."""
    reading = spec.reading
    return {
        "status": reading.status,
        "confidence": reading.confidence,
        "how": reading.how,
        "others": list(reading.others),
        "features": [*map(_feature, spec.features), *({**_feature(f), "done": True} for f in spec.finished)],
        "criteria": [_requirement(c) for c in spec.criteria],
        "ignored": [_ignored(row) for row in reading.ignored],
        "diagnostics": [diagnostic_row(diagnostic) for diagnostic in spec.diagnostics],
    }


def diagnostic_row(diagnostic: Diagnostic) -> Row:
    """One diagnostic; what has no place of its own is at the first line."""
    return {
        "rule": diagnostic.rule,
        "severity": diagnostic.severity,
        "line": diagnostic.span.line if diagnostic.span else 1,
        "column": diagnostic.span.column if diagnostic.span else 1,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }


def _feature(feature: Feature) -> Row:
    return {
        "id": feature.id,
        "name": feature.name,
        "line": feature.span.line,
        "end_line": feature.span.end_line,
        "priority": feature.priority,
        "needs": list(feature.needs),
        "description": feature.description,
        "requirements": [_requirement(r) for r in feature.requirements],
        "criteria": [_requirement(c) for c in feature.criteria],
    }


def _requirement(row: Requirement) -> Row:
    """The text verbatim; `above` is what a nested bullet or a row is about."""
    found: Row = {"id": row.id, "text": row.text, "line": row.span.line}
    return found | ({"above": row.above} if row.above else {})


def _ignored(row: Ignored) -> Row:
    return {"line": row.span.line, "end_line": row.span.end_line, "why": row.why}


def _lines(span: Span) -> str:
    return f"lines {span.line}–{span.end_line}" if span.end_line > span.line else f"line {span.line}"


def _counts(feature: Feature) -> str:
    rows = (("requirement", "requirements", feature.requirements), ("criterion", "criteria", feature.criteria))
    parts = [f"{len(found)} {one if len(found) == 1 else many}" for one, many, found in rows]
    tail = [f"needs {', '.join(feature.needs)}"] if feature.needs else []
    return ", ".join([*parts, *([feature.priority] if feature.priority != "medium" else []), *tail])
