"""Packing tasks into batches: 1–3 of one feature, domain and layer, convex in the graph, stable under edits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from brengine import graph
from brengine.domain import Batch, Priority, Task

CAPACITY: Mapping[str, int] = {"simple": 3, "medium": 2, "complex": 1}
"""How many tasks a batch may hold when this is its most complex member (DESIGN 5)."""
MAX_MINUTES = 240
RANK: Mapping[Priority, int] = {"high": 0, "medium": 1, "low": 2}


@dataclass(slots=True)
class _Open:
    """A batch while it is packed. `level` is its depth among the batches of its region."""

    level: int
    members: list[Task] = field(default_factory=list)

    def takes(self, task: Task) -> bool:
        size = min(CAPACITY[member.complexity] for member in [*self.members, task])
        minutes = sum(member.minutes for member in self.members) + task.minutes
        return len(self.members) < size and minutes <= MAX_MINUTES


Fits = Callable[[Sequence[Task]], bool]


def _anything(tasks: Sequence[Task]) -> bool:
    return True


def batches(tasks: Sequence[Task], fits: Fits = _anything) -> tuple[Batch, ...]:
    """All tasks in batches, in order of execution: needs first, then priority, then the longest remaining path.

    Tasks must be validated (acyclic, known needs). The batch graph has no cycle: a task joins an open batch only
    when all its other needs lie on lower levels (a batch that nobody needs yet is raised for that), and when no member
    that it needs leaves its contracts unstated. `fits` says whether one prompt holds what tasks must be told.
    Levels are counted within a region (features that need each other), so an edit in one feature moves no batch of
    another.
    """
    by_id = {task.id: task for task in tasks}
    home: dict[str, _Open] = {}
    for region in _regions(tasks):
        _pack(region, home, fits)
    packed = list({id(box): box for box in (home[task.id] for task in tasks)}.values())
    return _ordered([_batch(box, home) for box in packed], by_id)


def _regions(tasks: Sequence[Task]) -> list[list[Task]]:
    feature_of = {task.id: task.feature for task in tasks}
    edges: dict[str, list[str]] = {task.feature: [] for task in tasks}
    for task in tasks:
        edges[task.feature] += [feature_of[n.task] for n in task.needs if feature_of[n.task] != task.feature]
    number = graph.groups(edges)
    regions: dict[int, list[Task]] = {}
    for task in tasks:
        regions.setdefault(number[task.feature], []).append(task)
    return list(regions.values())


def _pack(region: list[Task], home: dict[str, _Open], fits: Fits) -> None:
    by_id = {task.id: task for task in region}
    edges = {task.id: [need.task for need in task.needs if need.task in by_id] for task in region}
    latest: dict[tuple[str, str, str], _Open] = {}
    needed: set[int] = set()
    for name in graph.order(edges):
        task = by_id[name]
        group = (task.feature, task.domain, task.layer)
        box = latest.get(group)
        below = [home[need] for need in edges[name] if home[need] is not box]
        deepest = max((other.level for other in below), default=-1)
        blind = any(home[need] is box and not by_id[need].defines for need in edges[name])
        room = box is not None and box.takes(task) and not blind and fits([*box.members, task])
        if box and room and deepest >= box.level and id(box) not in needed:
            box.level = deepest + 1  # nobody waits for it yet: it may wait for what its new member needs
        if box is None or not room or deepest >= box.level:
            own = max((home[need].level for need in edges[name]), default=-1)
            box = latest[group] = _Open(own + 1)
        box.members.append(task)
        home[name] = box
        needed |= {id(home[need]) for need in edges[name] if home[need] is not box}


def _batch(box: _Open, home: Mapping[str, _Open]) -> Batch:
    first = box.members[0]
    needs = [home[need.task] for task in box.members for need in task.needs]
    below = {_name(other) for other in needs if other is not box}
    title = first.layer or f"{first.domain.capitalize()} layer"
    ids = tuple(task.id for task in box.members)
    return Batch(_name(box), title, first.feature, first.domain, ids, tuple(sorted(below)))


def _name(box: _Open) -> str:
    slugs = [task.id.split(".", 1)[-1] for task in box.members]
    return f"{box.members[0].feature}.{'+'.join(slugs)}"


def _ordered(made: list[Batch], by_id: Mapping[str, Task]) -> tuple[Batch, ...]:
    edges = {batch.id: batch.needs for batch in made}
    cost = {batch.id: sum(by_id[task].minutes for task in batch.tasks) for batch in made}
    rank = {batch.id: min(RANK[by_id[task].priority] for task in batch.tasks) for batch in made}
    left = graph.remaining(edges, cost)
    named = {batch.id: batch for batch in made}
    return tuple(named[name] for name in graph.order(edges, key=lambda name: (rank[name], -left[name])))
