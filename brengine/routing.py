"""Which model answers which ask. Pure; the model is in no Key: another one makes nothing stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from brengine.domain import Complexity, Task

_HARDER: tuple[Complexity, ...] = ("simple", "medium", "complex")


@dataclass(frozen=True, slots=True)
class Routes:
    """`default` wherever nothing else is named."""

    default: str
    by_complexity: dict[Complexity, str] = field(default_factory=dict)
    repair: str = ""
    """For asks after a failed attempt."""
    stuck: str = ""
    """For asks after the same failure twice."""
    plan: str = ""
    """For plans, reviews and readings."""

    def first(self, tasks: Sequence[Task]) -> str:
        """For a first ask: by the most complex of its tasks."""
        hardest = max((task.complexity for task in tasks), key=_HARDER.index, default=_HARDER[0])
        return self.by_complexity.get(hardest) or self.default

    def again(self, task: Task, stuck: bool = False) -> str:
        """For a repair: the model that is named for it, else the task's own."""
        return (self.stuck if stuck else "") or self.repair or self.first([task])

    def planning(self) -> str:
        """For asks that are about no task."""
        return self.plan or self.default

    @property
    def all(self) -> tuple[str, ...]:
        """Every model that may be asked."""
        named = (self.default, *self.by_complexity.values(), self.repair, self.stuck, self.plan)
        return tuple(dict.fromkeys(name for name in named if name))
