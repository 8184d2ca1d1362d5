"""A specification's text → Spec. Pure, never raises; every line is accounted for."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from brengine import ids
from brengine.domain import PROJECT, Feature, Ignored, Reading, Requirement, Spec
from brengine.errors import Diagnostic, diagnose
from brengine.reading import candidates, choose, features, fields, lint, markdown, references, refusal, titles, units
from brengine.reading.account import Lines
from brengine.reading.candidates import SURE
from brengine.reading.features import Draft, Row
from brengine.reading.markdown import Part, Tree
from brengine.reading.options import Options
from brengine.reading.sections import Sections
from brengine.reading.units import Candidate, Unit
from brengine.source import Source, Span

SMALLEST = "the smallest specification: `## Features`, below it `- Name`, below that `  - what it must do`"
DONE = "marked as done"
ASIDE = 0.85
"""How sure a reading that was not taken must be to be spoken of."""
MAX_TEXT = 4_000_000
"""Characters of a document; a longer one is no specification."""


@dataclass(slots=True)
class _Draft:
    """What is made of the document before ids are given."""

    candidate: Candidate | None
    drafts: list[Draft] = field(default_factory=list)
    done: list[tuple[Draft, bool]] = field(default_factory=list)
    """Features with nothing left to build; True where the mark is at the name."""
    aside: list[Draft] = field(default_factory=list)
    """Features that are done, or not for now."""
    ignored: list[Ignored] = field(default_factory=list)
    taken: list[Span] = field(default_factory=list)


def parse(
    source: Source,
    known: Mapping[str, Mapping[str, str]] | None = None,
    known_names: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> Spec:
    """The specification. `known` is what a lock remembers: feature id → requirement id → text; names by feature id."""
    with _uncollected():
        return _parse(source, known or {}, known_names or {}, options or Options())


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection while the tree is built: it takes a third of the time and finds nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _parse(
    source: Source, known: Mapping[str, Mapping[str, str]], known_names: Mapping[str, str], options: Options
) -> Spec:
    if not source.text.strip() or len(source.text) > MAX_TEXT:
        return _unread(source)
    tree = markdown.read(source)
    ways = candidates.find(tree)
    best = choose.choose(ways, tree, source, options)
    nothing = options.nothing or ("" if options.lined else refusal.why(source, tree, best.confidence if best else 0.0))
    best = None if nothing else best
    made = _drafts(best, source, options)
    if best is not None and best.confidence < SURE and not made.drafts:
        made = _with_work(ways, source, options) or made
    return _assemble(source, tree, made, ways, nothing, known, known_names, options)


def _with_work(ways: Sequence[Candidate], source: Source, options: Options) -> _Draft | None:
    """The surest reading that leaves something to build: that nothing is left is only believed of a sure one."""
    found = (_drafts(way, source, options) for way in ways)
    return next((made for made in found if made.drafts), None)


def known_of(spec: Spec) -> dict[str, dict[str, str]]:
    """Feature id → requirement id → text: what a lock remembers, so that rewording moves no id."""
    return {feature.id: {r.id: r.full for r in feature.requirements} for feature in spec.features}


def names_of(spec: Spec) -> dict[str, str]:
    """Feature id → name, for the same purpose."""
    return {feature.id: titles.unprioritised(feature.name) for feature in spec.features}


def _unread(source: Source) -> Spec:
    empty = not source.text.strip()
    rule, why = (
        ("empty-spec", "the specification is empty") if empty else ("too-large", "it is too large for a specification")
    )
    span = Span(1, 1, len(source.lines))
    lines = Lines(source)
    lines.claim(span, "ignored", why)
    said = Diagnostic(rule, "error", why, source.path, None, SMALLEST)
    reading = Reading("nothing", 1.0, why, None, (), (Ignored(span, why),), lines.account())
    return Spec(source.path, "", diagnostics=(said,), reading=reading)


# --- drafts -------------------------------------------------------------------------------------------------------


def _drafts(candidate: Candidate | None, source: Source, options: Options) -> _Draft:
    made = _Draft(candidate)
    if candidate is None:
        return made
    for number, unit in enumerate(candidate.units, start=1):
        made.taken.append(unit.span)
        draft = features.draft(unit, source)
        draft.number = titles.feature_number(unit.part.title) if unit.part is not None else 0
        draft.number = draft.number or number
        why = _why_not(unit, draft, candidate, options)
        if why == DONE:
            made.done.append((draft, draft.done))
        if why:
            made.aside.append(draft)
            made.ignored.append(Ignored(unit.span, f"{draft.name}: {why}"))
            continue
        if "done" in options.include:
            draft.requirements, draft.built = [*draft.built, *draft.requirements], []
            draft.requirements.sort(key=lambda row: row.place.line)
        _put_off(draft, made, options)
        made.ignored += [Ignored(row.place, f"{row.text[:80]}: {DONE}") for row in draft.built]
        made.drafts.append(draft)
    for unit in candidate.removed:
        made.taken.append(unit.span)
        made.ignored.append(Ignored(unit.span, f"{titles.bare(unit.name)}: taken back by the document"))
    for part in candidate.common:
        _share(part, made, source)
    return made


def _put_off(draft: Draft, made: _Draft, options: Options) -> None:
    """Bullets and parts within a feature that are not for now are ignored, with the reason."""
    for row, why in draft.later:
        if why == "for later" and "deferred" in options.include and row.place.line == row.place.end_line:
            draft.requirements.append(row)
        else:
            made.ignored.append(Ignored(row.place, f"{row.text[:80]}: {why}"))
    draft.requirements.sort(key=lambda row: row.place.line)


def _why_not(unit: Unit, draft: Draft, candidate: Candidate, options: Options) -> str:
    ticked = draft.done or (bool(draft.built) and not draft.requirements)
    if ticked and "done" not in options.include:
        return DONE
    later = (unit.group and titles.is_deferred(unit.group)) or titles.is_tagged_later(unit.name)
    if later and "deferred" not in options.include:
        return "for later"
    return "out of scope" if unit.group and titles.is_out(unit.group) else ""


def _share(part: Part, made: _Draft, source: Source) -> None:
    """A kit's common requirements go to the feature whose words they share most, the first of equals.

    Only its name and prose count: a new bullet moves no requirement from one feature to another.
    """
    if not made.drafts or part.heading is None:
        return
    reader = features.draft(units.of_heading(part), source)
    made.taken.append(Span(part.span.line, 1, part.own_end))
    for row in reader.requirements if not reader.bare else []:
        owner = max(made.drafts, key=lambda draft: _likeness(row.text, draft))
        if owner.lent:
            owner.requirements, owner.criteria, owner.lent = [], owner.requirements, False
        owner.requirements.append(row)
    made.ignored += [Ignored(row.place, f"{row.text[:80]}: {DONE}") for row in reader.built]


def _likeness(text: str, draft: Draft) -> float:
    mine = titles.content_words(text)
    theirs = titles.content_words(" ".join([draft.name, *draft.description]))
    return len(mine & theirs) / (1 + len(mine)) + len(mine & titles.content_words(draft.name)) * 0.2


# --- assembly -----------------------------------------------------------------------------------------------------


def _assemble(
    source: Source,
    tree: Tree,
    made: _Draft,
    ways: Sequence[Candidate],
    nothing: str,
    known: Mapping[str, Mapping[str, str]],
    known_names: Mapping[str, str],
    options: Options,
) -> Spec:
    sections = Sections(source, tree, made.taken)
    sections.read()
    said: list[Diagnostic] = [*lint.of_lines(tree, source), *lint.problems(made.drafts, source), *lint.pointer(source)]
    found = _features(made, tree, source, known, known_names, said)
    criteria = _requirements(sections.criteria, {}, "criterion", source, said)
    ignored = tuple(sorted([*made.ignored, *sections.ignored], key=lambda i: i.span.line))
    reading = _reading(made, ways, nothing, ignored, _account(source, made, found, sections, criteria), options)
    said += [*_about(reading, made, source), *_unknown_way(ways, source, options), *_left_aside(ways, made, source)]
    order = sorted((d for d in said if d.severity == "error" or d.rule not in options.off), key=_line)
    title = lint.title_of(tree, source)
    finished = tuple(_finished(draft) for draft, named in made.done if not named or reading.status == "nothing")
    return Spec(
        source.path, title, found, tuple(sections.found), criteria, tuple(order), reading, sections.coverage, finished
    )


def _finished(draft: Draft) -> Feature:
    """A feature that is there already: shown, not built."""
    name = ids.own_id(titles.unprioritised(draft.name), draft.attributes.id, "feature")
    return Feature(name, draft.name, draft.span)


def _line(diagnostic: Diagnostic) -> int:
    return diagnostic.span.line if diagnostic.span else 0


def _reading(
    made: _Draft, ways: Sequence[Candidate], nothing: str, ignored: tuple[Ignored, ...], lines: Lines, options: Options
) -> Reading:
    best, account = made.candidate, lines.account()
    others = tuple(way.how for way in ways if best is None or way.how != best.how)[:4]
    if best is None:
        return Reading("nothing", 0.9, nothing or "there are no features in it", None, others, ignored, account)
    if not made.drafts:
        return Reading(
            "nothing",
            best.confidence,
            "everything in it is marked as done or for later",
            best.span,
            others,
            ignored,
            account,
        )
    sure = best.confidence >= SURE or options.accept or best.how == options.reading
    status: Literal["read", "ask"] = "read" if sure else "ask"
    return Reading(status, best.confidence, best.how, best.span, others, ignored, account)


def _about(reading: Reading, made: _Draft, source: Source) -> list[Diagnostic]:
    if reading.status == "nothing" and made.candidate is not None:
        message = f"there is nothing left to build here: {reading.how}"
        return [diagnose(source, reading.span, "all-done", "warning", message, "--include done builds it all the same")]
    if reading.status == "nothing":
        return [
            diagnose(
                source, Span(1), "no-features", "error", f"there is nothing to build here: {reading.how}", SMALLEST
            )
        ]
    if reading.status == "ask":
        found = f"{len(made.drafts)} features from {reading.how}"
        message = f"not sure how to read it: {found} (confidence {reading.confidence:.2f})"
        hint = "--accept-reading takes it so; or mark the features with `## Features` and a bullet or sub-heading each"
        return [diagnose(source, reading.span, "unsure-reading", "error", message, hint)]
    return []


def _left_aside(ways: Sequence[Candidate], made: _Draft, source: Source) -> list[Diagnostic]:
    """Another part of the document that names features just as well, and is read as context."""
    best = made.candidate
    if best is None or best.confidence < SURE:
        return []
    mine = {line for unit in best.units for line in unit.span.lines}
    others = [
        w for w in ways if w is not best and w.confidence > ASIDE and w.containers and not mine & set(w.span.lines)
    ]
    return [
        diagnose(
            source,
            Span(way.span.line),
            "also-features",
            "warning",
            f"these may be features too, and are read as context: {way.how} ({len(way.units)})",
            f"to read these instead, put into br.toml: [spec] reading = {way.how!r}",
        )
        for way in others[:3]
    ]


def _unknown_way(ways: Sequence[Candidate], source: Source, options: Options) -> list[Diagnostic]:
    known = [way.how for way in ways]
    if not options.reading or options.lined or options.nothing or options.reading in known:
        return []
    message = f"it can no longer be read as was settled: {options.reading}"
    hint = f"the ways to read it are: {'; '.join(known[:4])}" if known else ""
    return [diagnose(source, Span(1), "unknown-reading", "warning", message, hint)]


def _features(
    made: _Draft,
    tree: Tree,
    source: Source,
    known: Mapping[str, Mapping[str, str]],
    names: Mapping[str, str],
    said: list[Diagnostic],
) -> tuple[Feature, ...]:
    drafts = made.drafts
    texts = [titles.unprioritised(draft.name) for draft in drafts]
    found, renamed = ids.assign(texts, [draft.attributes.id for draft in drafts], names, "feature")
    for old, new in renamed:
        place = next(draft.place for draft, text in zip(drafts, texts, strict=True) if text == new)
        said.append(diagnose(source, place, "renamed", "note", f"feature {old!r} is now {new!r}: it keeps its id"))
    own = [f"{name}-feature" if name == PROJECT else name for name in found]
    by_id = dict(zip(ids.apart(own), drafts, strict=True))
    needs, unresolved = references.resolve(by_id, made.aside, tree, source)
    said += [*unresolved, *lint.cycle(needs, by_id, source)]
    return tuple(_feature(name, draft, needs[name], known.get(name, {}), source, said) for name, draft in by_id.items())


def _feature(
    name: str, draft: Draft, needs: tuple[str, ...], known: Mapping[str, str], source: Source, said: list[Diagnostic]
) -> Feature:
    values = draft.attributes.values
    return Feature(
        name,
        draft.name,
        draft.span,
        "\n".join(draft.description),
        _requirements(draft.requirements, known, "requirement", source, said),
        _requirements(draft.criteria, {}, "criterion", source, said),
        fields.priority_of(values.get("priority", "") or draft.priority) or "medium",
        needs,
        values.get("domain", ""),
        int(values["coverage"]) if values.get("coverage", "").isdigit() else None,
    )


def _requirements(
    rows: Sequence[Row], known: Mapping[str, str], fallback: str, source: Source, said: list[Diagnostic]
) -> tuple[Requirement, ...]:
    texts = [row.full for row in rows]
    found, renamed = ids.assign(texts, [row.given for row in rows], known, fallback)
    for old, new in renamed:
        place = next(row.place for row in rows if row.full == new)
        said.append(diagnose(source, place, "renamed", "note", f"{old[:80]!r} is now {new[:80]!r}: it keeps its id"))
    return tuple(
        Requirement(name, row.text, row.place, row.above) for name, row in zip(ids.apart(found), rows, strict=True)
    )


def _account(
    source: Source, made: _Draft, found: Sequence[Feature], sections: Sections, criteria: Sequence[Requirement]
) -> Lines:
    lines = Lines(source)
    for section in sections.found:
        lines.claim(section.span, "context", section.title)
    for part in made.candidate.containers if made.candidate else ():
        lines.claim(part.heading.span if part.heading else part.span, "container", titles.bare(part.title))
    for feature, draft in zip(found, made.drafts, strict=True):
        lines.claim(feature.span, "description", feature.name)
        lines.claim(draft.place, "feature", feature.name)
        for span, kind in draft.marks:
            lines.claim(span, kind, feature.name)
        for row in feature.requirements:
            if row.span != draft.place:
                lines.claim(row.span, "requirement", feature.name)
        for row in feature.criteria:
            lines.claim(row.span, "criterion", feature.name)
    for criterion in criteria:
        lines.claim(criterion.span, "criterion", "the whole document")
    for ignored in (*made.ignored, *sections.ignored):
        lines.claim(ignored.span, "ignored", ignored.why)
    for part in made.candidate.common if made.candidate else ():
        if part.heading:
            lines.claim(part.heading.span, "container", titles.bare(part.title))
    return lines
