"""Plan files × specification → tasks, rulings and surface, and what has moved away since they were written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from brengine import assembling, graph, ids
from brengine.domain import PROJECT, Acceptance, Cover, Need, Ruling, Spec, Surface, Task
from brengine.plans import files, literals
from brengine.plans.anchors import Present, Quote
from brengine.plans.files import PlanFile, Planned, PlannedRuling, words
from brengine.source import Source, Span


@dataclass(frozen=True, slots=True)
class Drift:
    """How the specification differs from what the plan quotes of it."""

    changed: Mapping[Quote, int] = field(default_factory=dict)
    """Lines that are quoted and gone → the line that each became (0: none)."""
    fresh: tuple[int, ...] = ()
    """Lines that nothing quotes and that are no later form of a quoted one."""

    def __bool__(self) -> bool:
        return bool(self.changed or self.fresh)


@dataclass(frozen=True, slots=True)
class Assembled:
    """What the plan files say of the specification as it is now."""

    tasks: tuple[Task, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    surface: tuple[Surface, ...] = ()
    places: Mapping[str, tuple[str, Span]] = field(default_factory=dict)
    """Task id → its place in a plan file."""
    drift: Drift = field(default_factory=Drift)
    claimed: frozenset[int] = frozenset()
    """Lines that a task or a ruling answers for."""


def assemble(plans: Sequence[PlanFile], spec: Spec, source: Source) -> Assembled:
    """The tasks in the order of the features, the product's own last; covers and acceptance from the text of today."""
    quotes = [quote for plan in plans for quote in quotes_of(plan)]
    present = Present(source.lines, quotes)
    drift = _drift(present, quotes)
    if not plans:
        return Assembled()
    order = {feature.id: index for index, feature in enumerate(spec.features)}
    rows = sorted((task for plan in plans for task in plan.tasks), key=lambda t: order.get(t.feature, len(order)))
    where = {row.id: _lines(present, drift, row.covers) for row in rows}
    tasks = _parts(_completed([_task(row, where[row.id], present, drift, spec, source) for row in rows]))
    written = [ruling for plan in plans for ruling in plan.rulings]
    rulings = tuple(made for ruling in written if (made := _ruling(ruling, present, drift, where)))
    claimed = {line for lines in where.values() for line in lines} | {line for r in rulings for line in r.lines}
    places = {row.id: (row.path, row.span) for row in rows}
    surface = tuple(item for plan in plans for item in plan.surface)
    return Assembled(tuple(tasks), rulings, surface, places, drift, frozenset(claimed))


def quotes_of(plan: PlanFile) -> list[Quote]:
    """Every line that a plan file quotes."""
    found = [quote for task in plan.tasks for quote in task.covers]
    found += [quote for task in plan.tasks for accepted in task.acceptance for quote in accepted.lines]
    found += [quote for ruling in plan.rulings for quote in ruling.lines]
    return [*found, *plan.unplanned]


def _drift(present: Present, quotes: Sequence[Quote]) -> Drift:
    located = present.locate(quotes)
    held = set(located.lines)
    free = [n for n, text in enumerate(present.texts, start=1) if text.strip() and n not in held]
    lost = tuple(dict.fromkeys(quote for quote in located.lost if quote.text is not None))
    after = present.successors(lost, free)
    taken = set(after.values())
    fresh = tuple(number for number in free if number not in taken)
    return Drift({quote: after.get(quote, 0) for quote in lost}, fresh)


def _lines(present: Present, drift: Drift, quotes: Sequence[Quote]) -> tuple[int, ...]:
    """Where quotes stand now; an edited line stands for the one that it was."""
    located = present.locate(quotes)
    return tuple(sorted({*located.lines, *(drift.changed.get(q, 0) for q in located.lost)} - {0}))


def _task(row: Planned, lines: tuple[int, ...], present: Present, drift: Drift, spec: Spec, source: Source) -> Task:
    feature = next((f for f in spec.features if f.id == row.feature), None)
    covers, accepted = _covers(lines, spec, source)
    said = [Acceptance(a.text, a.kind, _lines(present, drift, a.lines)) for a in row.acceptance]
    known = "\n".join([*(a.text for a in said), *(c.text for c in row.defines)])
    exact = [Acceptance(found.text, "literal", (found.line,)) for found in literals.within(source, lines)]
    kept = [a for a in dict.fromkeys(exact) if row.kind in ("code", "tests") and a.text not in known]
    goal = row.coverage if row.coverage is not None else feature.coverage if feature else None
    return Task(
        id=row.id,
        name=row.name,
        feature=row.feature,
        kind=row.kind,
        targets=row.targets,
        tests=row.tests,
        needs=row.needs,
        reads=row.reads,
        domain=row.domain,
        complexity=row.complexity,
        minutes=row.minutes,
        priority=feature.priority if feature else "medium",
        acceptance=(*accepted, *said, *kept),
        defines=row.defines,
        covers=covers,
        done=row.done,
        layer=row.layer,
        rule=row.path,
        coverage=goal if goal is not None else spec.coverage,
    )


def _covers(lines: Sequence[int], spec: Spec, source: Source) -> tuple[tuple[Cover, ...], tuple[Acceptance, ...]]:
    """(covers, acceptance of the requirements among them): requirements by their ids, the rest line by line.

    So lines that are inserted between them, blank or not, wake nobody.
    """
    wanted = set(lines)
    covers: list[Cover] = []
    accepted: list[Acceptance] = []
    for feature in spec.features:
        for row in feature.requirements:
            if row.span.line in wanted:
                covers.append(Cover(row.span, row.full, f"{feature.id}/{row.id}"))
                accepted.append(Acceptance(row.full, "requirement", tuple(row.span.lines)))
                wanted -= set(row.span.lines)
    covers += [Cover(Span(n), source.lines[n - 1].rstrip()) for n in sorted(wanted) if source.lines[n - 1].strip()]
    return tuple(sorted(covers, key=lambda cover: cover.span.line)), tuple(accepted)


def _ruling(row: PlannedRuling, present: Present, drift: Drift, where: Mapping[str, Sequence[int]]) -> Ruling | None:
    """Binding for the tasks that it names (`all`: for every one), else for those that cover its lines, else for all.

    None where all its lines are gone: there is nothing left to rule on.
    """
    lines = _lines(present, drift, row.lines)
    if row.lines and not lines:
        return None
    tasks = row.tasks or tuple(name for name, covered in where.items() if set(covered) & set(lines))
    tasks = () if files.EVERY in tasks else tasks
    return Ruling(row.id, row.text, row.mark, tasks, lines, row.confirm)


# --- what follows from contracts ----------------------------------------------------------------------------------


def owners(tasks: Iterable[Task]) -> dict[str, str]:
    """Name → the one task that defines it; names that two define are left out."""
    found: dict[str, str] = {}
    twice = set()
    for task in tasks:
        for contract in task.defines:
            if found.get(contract.name, task.id) != task.id:
                twice.add(contract.name)
            found[contract.name] = task.id
    return {name: task for name, task in found.items() if name not in twice}


def used_in_contracts(task: Task) -> frozenset[str]:
    """Names like `FareError` or `MAX_AGE` that the texts of a task's contracts speak of.

    Lines that import (what a package re-exports) tell all that there is to know by themselves.
    """
    own = {contract.name for contract in task.defines}
    rows = [row for contract in task.defines for row in contract.text.split("\n")]
    said = words("\n".join(row for row in rows if not row.startswith(("import ", "from "))))
    return frozenset(word for word in said - own if word[:1].isupper())


def _completed(tasks: Sequence[Task]) -> list[Task]:
    """The tasks with the needs that their contracts, and the lines that they cover, imply, where that is no circle."""
    owner = owners(tasks)
    homes = {assembling.module_of(path): task.id for task in tasks for path in task.targets if path.endswith(".py")}
    edges = {task.id: {need.task for need in task.needs} for task in tasks}
    found = []
    for task in tasks:
        uses = {need.task: dict.fromkeys(need.uses) for need in task.needs}
        for module in _shown_imports(task):
            other = homes.get(module, task.id)
            if other != task.id and other not in uses and task.id not in graph.closure(edges, [other]):
                uses[other] = {}
                edges[task.id].add(other)
        for name in sorted(used_in_contracts(task)):
            other = owner.get(name, task.id)
            if other == task.id or (other not in uses and task.id in graph.closure(edges, [other])):
                continue
            uses.setdefault(other, {})[name] = None
            edges[task.id].add(other)
        found.append(replace(task, needs=tuple(Need(name, tuple(names)) for name, names in uses.items())))
    return found


_IMPORT = re.compile(r"^\W*(?:from|import)\s+(\w[\w.]*)", re.MULTILINE)


def _shown_imports(task: Task) -> list[str]:
    """The modules that the covered lines of a task import which uses what others made: they must be there."""
    if task.kind not in ("tests", "examples", "documentation"):
        return []
    return list(dict.fromkeys(name for cover in task.covers for name in _IMPORT.findall(cover.text)))


# --- regions ------------------------------------------------------------------------------------------------------


def regions(tasks: Iterable[Task]) -> dict[str, dict[str, Task]]:
    """File → region path → the task that makes it, in the order in which regions are put together."""
    found: dict[str, dict[str, Task]] = {}
    for task in tasks:
        for path in task.targets:
            if assembling.MARK in path:
                found.setdefault(assembling.file_of(path), {})[path] = task
    return {file: dict(sorted(parts.items())) for file, parts in found.items()}


def _parts(tasks: list[Task]) -> list[Task]:
    """The tasks, and one for each file that is put together from regions. Who needs a region's name needs its task."""
    made = list(tasks)
    for file, parts in regions(tasks).items():
        makers = list({task.id: task for task in parts.values()}.values())
        features = {task.feature for task in makers}
        feature = features.pop() if len(features) == 1 else PROJECT
        needs = tuple(Need(task.id, tuple(contract.name for contract in task.defines)) for task in makers)
        made.append(
            Task(
                id=f"{feature}.assemble-{ids.plain_slug(file, 'file')}",
                name=f"Assemble {file}",
                feature=feature,
                kind="code",
                targets=(file,),
                needs=needs,
                domain=makers[0].domain,
                complexity="simple",
                minutes=0,
                priority=makers[0].priority,
                done=f"{file} assembled",
                layer="Assembly",
                rule="regions",
                assembles=tuple(parts),
            )
        )
    return made
