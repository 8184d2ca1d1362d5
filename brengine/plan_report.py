"""A plan as a person reads it before building: surface, modules, rulings, requirements, batches, ledgers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from brengine import graph
from brengine.batch import Fits
from brengine.counted import counted
from brengine.domain import Batch, Plan, Ruling, Task
from brengine.plans import judge, literals
from brengine.plans.assembly import Assembled
from brengine.plans.judge import Ground

SHOWN = 90


def surface(plan: Plan) -> Iterator[str]:
    """What the outside relies on, with who makes it."""
    if plan.surface:
        yield f"\nSurface: {len(plan.surface)} ({sum(s.mark == 'given' for s in plan.surface)} given)"
    for item in plan.surface:
        yield f"  {item.kind:<9}{_line(item.form, item.name)}  [{item.mark}] {item.task}"


def modules(plan: Plan) -> Iterator[str]:
    """Files with their tasks and contracts; files of no contract in one line."""
    yield f"\nModules: {counted(len({path for task in plan.tasks for path in task.targets}), 'file')}"
    for task in plan.tasks:
        paths = f"{task.targets[0]}" + (f" and {len(task.targets) - 1} more" if len(task.targets) > 1 else "")
        yield f"  {paths}  {task.id}"
        for contract in task.defines[:6]:
            yield f"      {_line(contract.text, contract.name)}"
        if len(task.defines) > 6:
            yield f"      and {len(task.defines) - 6} more"


def _line(text: str, name: str) -> str:
    """The line of a text that says most about a name."""
    rows = [row.strip() for row in text.split("\n") if row.strip()]
    telling = next((row for row in rows if row.startswith(("def ", "class ", "async def ")) and name in row), None)
    first = telling or (rows[0] if rows else name)
    if first.endswith(("(", "{")):  # it goes on over the next lines
        first = " ".join(rows[rows.index(first) :])
    shown = first if name in first else f"{name}: {first}"
    return shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"


def rulings(plan: Plan, everything: bool) -> Iterator[str]:
    """What the specification leaves open and the plan decides; what a person should confirm comes first."""
    confirm = [ruling for ruling in plan.rulings if ruling.confirm]
    others = [ruling for ruling in plan.rulings if not ruling.confirm]
    if confirm:
        yield f"\nRulings to confirm: {len(confirm)} (edit them under plan/)"
        yield from (row for ruling in confirm for row in _ruling(ruling))
    if others and everything:
        yield f"\nOther rulings: {len(others)}"
        yield from (row for ruling in others for row in _ruling(ruling))
    elif others:
        yield f"  and {len(others)} other rulings: `br plan --rulings`"


def _ruling(ruling: Ruling) -> Iterator[str]:
    where = f" (lines {', '.join(map(str, ruling.lines[:6]))})" if ruling.lines else ""
    yield f"  {ruling.id} [{ruling.mark}]{where}"
    yield from (f"      {row}" for row in ruling.text.split("\n"))


def requirements(plan: Plan) -> Iterator[str]:
    """Requirement → tasks → tests."""
    rows = [(f"{feature.id}/{r.id}", r) for feature in plan.spec.features for r in feature.requirements]
    if rows:
        yield f"\nRequirements: {len(rows)}"
    for name, row in rows:
        tasks = [task for task in plan.tasks if name in task.requirements]
        tests = dict.fromkeys(path for task in tasks for path in tests_of(task))
        shown = row.text if len(row.text) <= 60 else f"{row.text[:59]}…"
        yield f"  line {row.span.line:>4}  {shown:<60}  {', '.join(t.id for t in tasks)}  {', '.join(tests)}"


def tests_of(task: Task) -> tuple[str, ...]:
    """The test files that a task writes."""
    return (*task.tests, *(task.targets if task.kind == "tests" else ()))


def batches(plan: Plan, fits: Fits) -> Iterator[str]:
    """Each batch with the reason for its size, and how many tasks share one. `fits`: what one prompt can hold."""
    by_id = {task.id: task for task in plan.tasks}
    yield f"\nBatches: {len(plan.batches)}"
    for number, batch in enumerate(plan.batches, start=1):
        members = [by_id[name] for name in batch.tasks]
        yield f"  {number:>3}. {batch.title} ({sum(t.minutes for t in members)} min): {why(batch, plan, fits)}"
        yield from (f"       {task.id}" for task in members)
    shared, all_of = share(plan)
    yield f"  {shared} of {all_of} tasks that are not complex are in batches of 2–3" if all_of else ""


def why(batch: Batch, plan: Plan, fits: Fits) -> str:
    """Why these tasks are asked for together, or this one alone."""
    by_id = {task.id: task for task in plan.tasks}
    members = [by_id[name] for name in batch.tasks]
    return _together(members, batch) if len(members) > 1 else _alone(members[0], plan, fits)


def _together(members: Sequence[Task], batch: Batch) -> str:
    needs = set.intersection(*({need.task for need in task.needs} for task in members))
    told = f"they share {', '.join(sorted(needs))}" if needs else "the same layer"
    inner = any(need.task in batch.tasks for task in members for need in task.needs)
    return f"together in feature, domain and layer; {'one needs the other' if inner else told}"


def _alone(task: Task, plan: Plan, fits: Fits) -> str:
    """The first of the causes that a task stands alone by."""
    mine = (task.feature, task.domain, task.layer)
    mates = [t for t in plan.tasks if t.id != task.id and (t.feature, t.domain, t.layer) == mine]
    simple = [mate for mate in mates if mate.complexity != "complex"]
    causes = (
        (bool(task.assembles), "the engine puts it together, nobody is asked"),
        (task.complexity == "complex", "it is complex"),
        (not mates, f"the only task of {task.feature} in its domain and layer"),
        (not simple, "the others of its feature are complex"),
        (not any(fits([task, mate]) for mate in simple), "one prompt cannot hold it with another of its feature"),
        (True, "the others of its feature are above or below it, or their batches are full"),
    )
    return f"alone: {next(cause for holds, cause in causes if holds)}"


def share(plan: Plan) -> tuple[int, int]:
    """(tasks that are not complex in batches of 2–3, all tasks that are not complex and are asked for)."""
    by_id = {task.id: task for task in plan.tasks}
    size = {name: len(batch.tasks) for batch in plan.batches for name in batch.tasks}
    asked = [name for name, task in by_id.items() if task.complexity != "complex" and not task.assembles]
    return sum(size[name] > 1 for name in asked), len(asked)


def width(plan: Plan) -> str:
    """How much may go on at once, and how long the longest chain is."""
    edges = {task.id: [need.task for need in task.needs] for task in plan.tasks}
    minutes = {task.id: task.minutes for task in plan.tasks}
    left = graph.remaining(edges, minutes)
    depth: dict[str, int] = {}
    for name in graph.order(edges):
        depth[name] = 1 + max((depth[need] for need in edges[name]), default=0)
    levels = list(depth.values())
    widest = max((levels.count(level) for level in set(levels)), default=0)
    waits = (
        "all asks may go out at once" if all(t.defines or t.kind != "code" or t.assembles for t in plan.tasks) else ""
    )
    total, longest = sum(minutes.values()), max(left.values(), default=0)
    told = f"Work {total} min, longest chain {longest} min, up to {widest} tasks side by side"
    return f"{told}; {waits}" if waits else told


def ledgers(
    assembled: Assembled, ground: Ground, plan: Plan, tests: Mapping[str, str], everything: bool
) -> Iterator[str]:
    """Lines and literals of the specification: who answers for them, and what nobody does."""
    left = judge.uncovered(assembled, ground)
    owed = judge.owed(ground)
    yield f"\nLines: {len(owed) - len(left)} of {len(owed)} that somebody must answer for are covered or ruled on"
    yield from (f"  line {n}: {ground.source.lines[n - 1].strip()[:SHOWN]}" for n in (left if everything else left[:5]))
    rows = literals.held(ground.source, plan.tasks, tests)
    missing = [row for row in rows if not row.tasks]
    have = len(rows) - len(missing)
    yield f"Literals: {have} of {len(rows)} exact texts stand on lines that a task covers, or in its plan"
    for row in missing if everything else missing[:5]:
        yield f"  line {row.found.line}: {row.found.kind} {' '.join(row.found.text.split())[:SHOWN]!r} reaches no task"
    if tests:
        untested = [row for row in rows if row.tasks and not row.tested]
        yield f"Tests hold {sum(bool(row.tested) for row in rows)} of them"
        for row in untested if everything else untested[:5]:
            shown = " ".join(row.found.text.split())[:SHOWN]
            yield f"  line {row.found.line}: {row.found.kind} {shown!r} is in no test ({', '.join(row.tasks)})"


def difference(old: Plan | None, new: Plan) -> Iterator[str]:
    """What changed since the last plan: tasks, contracts, rulings."""
    if old is None:
        return
    before, after = ({task.id: task for task in plan.tasks} for plan in (old, new))
    added = [name for name in after if name not in before]
    gone = [name for name in before if name not in after]
    changed = {name: _changed(before[name], after[name]) for name in after if name in before}
    changed = {name: fields for name, fields in changed.items() if fields}
    ruled_before, ruled_after = ({r.id: r.text for r in plan.rulings} for plan in (old, new))
    ruled = [name for name in ruled_after if ruled_before.get(name) != ruled_after[name]]
    if not (added or gone or changed or ruled or ruled_before.keys() - ruled_after.keys()):
        return
    yield "\nSince the last plan"
    yield from (f"  + {name}" for name in added)
    yield from (f"  - {name}" for name in gone)
    yield from (f"  ~ {name}: {', '.join(fields)}" for name, fields in changed.items())
    yield from (f"  {'~' if name in ruled_before else '+'} ruling {name}" for name in ruled)
    yield from (f"  - ruling {name}" for name in ruled_before if name not in ruled_after)


def _changed(old: Task, new: Task) -> list[str]:
    fields = ("targets", "tests", "needs", "reads", "defines", "kind", "domain", "complexity", "minutes", "name")
    found = [name for name in fields if getattr(old, name) != getattr(new, name)]
    if [cover.text for cover in old.covers] != [cover.text for cover in new.covers]:
        found.append("covered lines")
    if [a.text for a in old.acceptance] != [a.text for a in new.acceptance]:
        found.append("acceptance")
    return found
