"""Plan files as text: readable YAML, spec lines quoted in place, and edits that leave the rest as it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from brengine import yamlsource
from brengine.domain import Surface
from brengine.plans import anchors
from brengine.plans.files import VERSION, PlanFile, Planned, PlannedRuling, Quotes, home
from brengine.source import Source

HEAD = """\
# {title}
# Yours to edit: what you change wins, and survives planning anew. `br plan --check` says whether it still holds.
# Lines after a bar quote the specification; the text counts, the number only says where it stood.
"""
WIDTH = 110
Row = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """Block style, texts of several lines as they are, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


class _Short(list[str]):
    """A list that is written on one line."""


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.Node:
    plain = all(line == line.rstrip() for line in data.split("\n")) and "\t" not in data
    style = "|" if "\n" in data and plain else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Short, lambda d, data: d.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True))


def dump(plan: PlanFile, title: str) -> str:
    """A whole plan file, with a head that says what it is."""
    return HEAD.format(title=" ".join(title.split())) + body(plan)


def body(plan: PlanFile) -> str:
    """A plan file without its head."""
    row: Row = {"plan": plan.feature, "version": VERSION}
    sections = (
        ("surface", [_surface(item) for item in plan.surface]),
        ("rulings", [_ruling(item) for item in plan.rulings]),
        ("tasks", [_task(item) for item in plan.tasks]),
    )
    text = _yaml(row) + "".join(f"\n{name}:\n{_items(rows)}" for name, rows in sections if rows)
    return text + (f"\n{_yaml({'unplanned': _quoted(plan.unplanned)})}" if plan.unplanned else "")


def splice(
    source: Source, key: str, changed: Mapping[str, Planned | PlannedRuling], dropped: Iterable[str], feature: str
) -> str:
    """The text of a plan file with some of its `tasks` or `rulings` replaced, added or taken out.

    Everything else keeps its bytes, comments included.
    """
    document = yamlsource.load(source)
    rows: Sequence[Row] = (document.value or {}).get(key) or []
    lines = source.text.replace("\r\n", "\n").split("\n")
    starts = [document.place((key, index)).line for index in range(len(rows))]
    end = _end(document, key, lines)
    gone = set(dropped)
    pieces: list[str] = []
    seen: set[str] = set()
    for index, row in enumerate(rows):
        name = str(row.get("id", ""))
        name = name if key == "rulings" or "." in name else f"{feature}.{name}"
        seen.add(name)
        last = starts[index + 1] - 1 if index + 1 < len(rows) else end
        if name in changed:
            pieces.append(_items([_row(changed[name])]).rstrip("\n"))
        elif name not in gone:
            pieces.append("\n".join(lines[starts[index] - 1 : last]).rstrip("\n"))
    pieces += [_items([_row(item)]).rstrip("\n") for name, item in changed.items() if name not in seen]
    body = "\n".join(pieces)
    if not rows:
        at = next((i for i, line in enumerate(lines) if line.split("#")[0].strip() in (f"{key}:", f"{key}: []")), None)
        kept = [line for i, line in enumerate(lines) if i != at]
        head = "\n".join(kept).rstrip("\n")
        return f"{head}\n\n{key}:\n{body}\n" if body else f"{head}\n"
    before, after = lines[: starts[0] - 1], lines[end:]
    if not body:
        before = before[:-1]
    return "\n".join([*before, *([body] if body else []), *after]).rstrip("\n") + "\n"


def with_unplanned(source: Source, quotes: Quotes) -> str:
    """The text of a plan file with its `unplanned` lines replaced."""
    return _without(source, "unplanned") + (f"\n{_yaml({'unplanned': _quoted(quotes)})}" if quotes else "")


def with_surface(source: Source, surface: Sequence[Surface]) -> str:
    """The text of a plan file with its surface replaced."""
    return _without(source, "surface") + (f"\nsurface:\n{_items([_surface(s) for s in surface])}" if surface else "")


def _without(source: Source, key: str) -> str:
    document = yamlsource.load(source)
    lines = source.text.replace("\r\n", "\n").split("\n")
    if key in (document.value or {}):
        start = document.places[(key, "")].line
        end = _end(document, key, lines)
        lines = [*lines[: start - 1], *lines[end:]]
    return "\n".join(lines).rstrip("\n") + "\n"


def _end(document: yamlsource.Document, key: str, lines: Sequence[str]) -> int:
    """The number of the last line of a top-level key's value."""
    tops = [span.line for path, span in document.places.items() if len(path) == 2 and path[1] == ""]
    start = document.places.get((key, ""))
    following = [line for line in tops if start and line > start.line]
    end = min(following, default=len(lines) + 1) - 1
    while end > 0 and not lines[end - 1].strip():
        end -= 1
    return end


def _row(item: Planned | PlannedRuling) -> Row:
    return _task(item) if isinstance(item, Planned) else _ruling(item)


def _yaml(value: object) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False
    )
    return text


def _items(rows: Sequence[Row]) -> str:
    text = "".join(_yaml([row]) for row in rows)
    return "".join(f"  {line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))


def _quoted(quotes: Quotes) -> str:
    if all(quote.text is None for quote in quotes):
        return anchors.ranges(quote.line for quote in quotes)
    rows = [f"{q.line}| {q.text}" if q.text is not None else str(q.line) for q in quotes]
    return "\n".join(rows) + "\n"


def _surface(item: Surface) -> Row:
    return {"name": item.name, "kind": item.kind, "mark": item.mark, "form": item.form, "task": item.task}


def _ruling(item: PlannedRuling) -> Row:
    row: Row = {"id": item.id, "mark": item.mark}
    row |= {"confirm": True} if item.confirm else {}
    row |= {"text": item.text}
    row |= {"lines": _quoted(item.lines)} if item.lines else {}
    row |= {"tasks": _Short(item.tasks)} if item.tasks else {}
    return row | _made(item)


def _task(item: Planned) -> Row:
    row: Row = {"id": item.id, "name": item.name, "kind": item.kind}
    row |= {key: value for key, value in (("layer", item.layer), ("done", item.done)) if value}
    row |= {"domain": item.domain, "complexity": item.complexity, "minutes": item.minutes}
    row |= {"coverage": item.coverage} if item.coverage is not None else {}
    row["targets"] = _Short(item.targets)
    row |= {key: _Short(value) for key, value in (("tests", item.tests), ("reads", item.reads)) if value}
    needs = [{"task": n.task, **({"uses": _Short(n.uses)} if n.uses else {})} for n in item.needs]
    row |= {"needs": needs} if needs else {}
    row |= {"defines": [_contract(item, c.name, c.path, c.text) for c in item.defines]} if item.defines else {}
    row |= {"covers": _quoted(item.covers)} if item.covers else {}
    accepted = [_accepted(a.text, a.kind, a.lines) for a in item.acceptance]
    return row | ({"acceptance": accepted} if accepted else {}) | _made(item)


def _made(item: Planned | PlannedRuling) -> Row:
    return {"made": item.made} if item.made else {}


def _contract(item: Planned, name: str, path: str, text: str) -> Row:
    return {"name": name, **({"path": path} if path != home(item.targets) else {}), "text": text}


def _accepted(text: str, kind: str, lines: Quotes) -> Row:
    return {"text": text, **({"kind": kind} if kind != "rule" else {}), **({"lines": _quoted(lines)} if lines else {})}
