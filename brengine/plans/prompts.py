"""What the asks of planning are rendered from. Pure: equal plans and texts give equal bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from brengine import digest, templates
from brengine.asks import Member, Prompt
from brengine.domain import PROJECT, Feature, Ruling, Spec, Surface, Task
from brengine.errors import Diagnostic
from brengine.plans import anchors, literals, writing
from brengine.plans.anchors import Quote
from brengine.plans.files import PlanFile, Planned
from brengine.plans.surface import stated
from brengine.source import Source
from brengine.templates import Template
from brengine.tokens import upper_bound

WHOLE_TOKENS = 12_000
"""Tokens of a specification up to which the architecture ask holds all of it."""
CHUNK_TOKENS = 9_000
LINE_TOKENS = 9
"""What a line's number and its end, or the mark of a gap before it, take."""
CONTEXT_LINES = 4
Values = Mapping[str, object]


def path_of(feature: str) -> str:
    """The plan file of a feature."""
    return f"plan/{feature}.yaml"


CHANGES = path_of("changes")


def render(system: Template, body: Template, values: Values) -> Prompt:
    """The prompt, its nonce derived from the rest of it."""
    stable = templates.render(system, {})
    nonce = digest.of_value("nonce/1", [stable, templates.render(body, {**values, "nonce": ""})])[:12]
    return Prompt(stable, templates.render(body, {**values, "nonce": nonce}), nonce, f"{body.name}@{body.version}")


def member(name: str, values: Values, system: Template, body: Template, attempt: int = 1) -> Member:
    """Who is asked, and by which values: recordings are found without the versions of the templates."""
    recorded = digest.of_value("planning/1", [name, digest.canonical(_plain(values))])
    versions = [f"{template.name}@{template.version}" for template in (system, body)]
    return Member(name, digest.of_value("planning/1", [recorded, versions]), recorded, attempt)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | bool | None) else repr(value)


def numbered(source: Source, lines: Iterable[int] | None = None) -> str:
    """Lines of a text with their numbers; a gap is shown as `…`."""
    wanted = sorted(set(lines)) if lines is not None else range(1, len(source.lines) + 1)
    rows, last = [], 0
    for number in wanted:
        if number > len(source.lines):
            break
        if last and number > last + 1 and any(t.strip() for t in source.lines[last : number - 1]):
            rows.append("…")
        rows.append(f"{number}| {source.lines[number - 1].rstrip()}".rstrip())
        last = number
    return "\n".join(rows)


def around(source: Source, lines: Iterable[int], beside: int = CONTEXT_LINES) -> set[int]:
    """Lines with their neighbours and the heading above each."""
    found: set[int] = set()
    for number in lines:
        found |= set(range(max(1, number - beside), min(len(source.lines), number + beside) + 1))
        above = [n for n in range(number, 0, -1) if source.lines[n - 1].startswith("#")]
        found |= set(above[:1])
    return found


# --- the architecture ---------------------------------------------------------------------------------------------


def architecture(
    spec: Spec, source: Source, about: Values, given: Sequence[Surface], notes: Sequence[str], whole: bool
) -> dict[str, object]:
    """Values of the architecture ask. `about`: project, toolchain, profile."""
    shown = None if whole else _outline(spec, source, notes)
    ignored = [n for row in spec.reading.ignored for n in row.span.lines]
    return {
        **about,
        "given": [{"name": item.name, "form": item.form} for item in given],
        "features": [feature_values(feature) for feature in spec.features],
        "ignored": anchors.ranges(ignored),
        "text": numbered(source, shown),
        "notes": list(notes),
        "whole": whole,
        "paths": [path_of(PROJECT), *(path_of(feature.id) for feature in spec.features)],
    }


def for_review(values: Values, source: Source, rulings: Sequence[Ruling]) -> str:
    """The text that a plan is reviewed with: all of it, or what the architect saw and what rulings are about."""
    if values["whole"]:
        return str(values["text"])
    seen = {quote.line for quote in anchors.read(str(values["text"]).replace("…", ""))[0]}
    return numbered(source, within(source, seen, [{n for ruling in rulings for n in ruling.lines}]))


def feature_values(feature: Feature) -> dict[str, object]:
    """A feature as templates see it."""
    return {
        "id": feature.id,
        "name": feature.name,
        "first": feature.span.line,
        "last": feature.span.end_line,
        "rows": anchors.ranges(row.span.line for row in feature.requirements) or "none",
        "needs": ", ".join(feature.needs),
    }


def _outline(spec: Spec, source: Source, notes: Sequence[str]) -> set[int]:
    """What is left of a text that is too long: headings, requirements, what the notes speak of.

    Then, as far as there is room, lines that state names and those that hold exact texts.
    """
    found = {n for n, line in enumerate(source.lines, start=1) if line.startswith("#")}
    found |= {n for feature in spec.features for row in feature.requirements for n in row.span.lines}
    for note in notes:
        kind, _, rest = note.partition(" ")
        quotes, _ = anchors.read(rest.partition(":")[0])
        found |= {quote.line for quote in quotes[:3]} if kind in ("NAME", "RULE", "CONFLICT") else set()
    exact = [{row.line for row in stated(source)}, {row.line for row in literals.of(source)}]
    return within(source, found, exact)


def within(source: Source, lines: set[int], more: Iterable[set[int]], limit: int = WHOLE_TOKENS) -> set[int]:
    """The lines, and of each further set those that fit the limit of tokens together with all before."""
    found, used = set(lines), upper_bound(numbered(source, lines))
    for number in (n for group in more for n in sorted(group)):
        cost = upper_bound(source.lines[number - 1]) + LINE_TOKENS
        if number not in found and used + cost <= limit:
            found.add(number)
            used += cost
    return found


def chunks(source: Source, weigh: int, cost: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of the parts of a long text, cut before headings where they can be. `cost`: tokens per line."""
    found: list[tuple[int, int]] = []
    first, used, heading = 1, 0, 0
    for number, line in enumerate(source.lines, start=1):
        if line.startswith("#") and number > first:
            heading = number
        while used + cost[number - 1] > weigh and number > first:
            end = heading - 1 if heading > first and heading - first > (number - first) // 2 else number - 1
            found.append((first, end))
            first, heading = end + 1, 0
            used = sum(cost[end : number - 1])
        used += cost[number - 1]
    return [*found, (first, len(source.lines))]


# --- plans in prompts ---------------------------------------------------------------------------------------------


def shown_plan(plan: PlanFile, tasks: Iterable[Planned], located: Mapping[str, Sequence[int]]) -> str:
    """Tasks as YAML, their covers as numbers of today. `located`: task id → lines."""
    rows = [
        replace(
            task,
            covers=tuple(Quote(n) for n in located.get(task.id, ())),
            acceptance=tuple(replace(a, lines=tuple(Quote(q.line) for q in a.lines)) for a in task.acceptance),
            made="",
        )
        for task in tasks
    ]
    return writing.body(replace(plan, tasks=tuple(rows), rulings=(), surface=(), unplanned=())).strip()


def one_line(task: Task, covers: bool = False) -> str:
    """A task in one line: its files, the names that it defines, and the lines that it covers where that is wanted."""
    names = ", ".join(contract.name for contract in task.defines)
    lines = anchors.ranges(n for cover in task.covers for n in cover.span.lines) if covers else ""
    told = f"{task.id}: {', '.join(task.targets)}" + (f"; defines {names}" if names else "")
    return told + (f"; covers lines {lines}" if lines else "")


def with_contracts(task: Task) -> str:
    """A task with the whole texts of its contracts."""
    contracts = "\n".join(contract.text for contract in task.defines)
    return f"{one_line(task)}\n{contracts}".rstrip()


def reviewed(task: Task) -> str:
    """A task as the reviewer sees it: contracts, covered lines, needs, acceptance."""
    needs = "; ".join(f"{need.task} ({', '.join(need.uses)})" for need in task.needs)
    lines = anchors.ranges(n for cover in task.covers for n in cover.span.lines)
    said = [f"accepts: {a.text}" for a in task.acceptance if a.kind in ("rule", "criterion")]
    rows = [f"covers lines {lines}" if lines else "covers no line", *([f"uses {needs}"] if needs else [])]
    return "\n".join([f"TASK {with_contracts(task)}", *rows, *said, ""])


def ruled(ruling: Ruling) -> str:
    """A ruling in one line, with what it is about and whom it binds."""
    lines = f"; lines {anchors.ranges(ruling.lines)}" if ruling.lines else ""
    binds = ", ".join(ruling.tasks) or "all tasks"
    return f"{ruling.id} ({ruling.mark}{lines}; binds {binds}): {' '.join(ruling.text.split())}"


_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*")


def names(text: str) -> frozenset[str]:
    """The words of a finding that may be ids."""
    return frozenset(_NAME.findall(text))


def complaint(found: Diagnostic) -> str:
    """A finding as the mending ask shows it."""
    where = f"{found.place}: " if found.path.startswith("plan/") else ""
    return f"{where}{found.message}" + (f" ({found.hint})" if found.hint else "")
