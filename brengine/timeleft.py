"""How long a run will still take: its jobs as the forecast schedules them, timed by those that have ended. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from brengine import forecast
from brengine.domain import Plan
from brengine.events import (
    Asked,
    BatchEnded,
    BatchStarted,
    Event,
    PlanAmended,
    ProjectChecked,
    Replied,
    RunStarted,
    TaskEnded,
    Unanswered,
)
from brengine.forecast import Asking, Job, Work
from brengine.pace import Pace

ENOUGH = 2
"""Jobs of a kind that must have ended in this run before its own pace counts."""
EVERY = 1.0
"""Seconds between two schedules; in between the time left is counted down."""


@dataclass(slots=True)
class _Timed:
    """What jobs of one kind have taken: seconds of so many tasks, in so many jobs."""

    seconds: float = 0.0
    tasks: int = 0
    ended: int = 0

    def add(self, seconds: float, tasks: int) -> None:
        self.seconds, self.tasks, self.ended = self.seconds + seconds, self.tasks + max(1, tasks), self.ended + 1

    def each(self, before: float | None) -> float | None:
        """Seconds per task: of this run where enough has ended, else as before; None where neither is known."""
        return self.seconds / self.tasks if self.ended >= ENOUGH else before


@dataclass(slots=True)
class TimeLeft:
    """Follows the events of a run; `seconds` answers how many are left, None where nothing tells."""

    clock: Callable[[], float]
    workers: int = 1
    processors: int = 64
    _works: dict[str, Work] = field(default_factory=dict)
    _batch_of: dict[str, str] = field(default_factory=dict)
    _pace: Pace = field(default_factory=Pace)
    _asks: _Timed = field(default_factory=_Timed)
    _checks: _Timed = field(default_factory=_Timed)
    _begun: dict[str, float] = field(default_factory=dict)
    """Job → the moment when it began."""
    _ended: set[str] = field(default_factory=set)
    _stuck: set[str] = field(default_factory=set)
    """Batches of which a task was not built."""
    _looked: float | None = None
    _left: float | None = None
    _tested: int = 0

    def follow(self, event: Event) -> None:
        """Take an event into account."""
        now = self.clock()
        if isinstance(event, RunStarted):
            self.workers, self.processors, self._pace = event.workers, event.processors, event.pace or self._pace
            self._begin(event.plan, event.works or _everything(event.plan))
        elif isinstance(event, PlanAmended):
            self._begin(event.plan, [w for w in _everything(event.plan) if f"batch:{w.batch}" not in self._ended])
        elif isinstance(event, Asked):
            if event.attempt == 1 or self._ask(event.members) not in self._ended:
                self._begun.setdefault(self._ask(event.members), now)
        elif isinstance(event, Replied | Unanswered):
            self._end(self._ask(event.members), self._asks, len(event.members), now)
        elif isinstance(event, BatchStarted):
            self._begun[f"batch:{event.batch.id}"] = now
            self._ended.add(f"ask:{event.batch.id}")  # what is not asked for by now is not asked for before it
        elif isinstance(event, TaskEnded):
            if not event.outcome.done:
                self._stuck.add(self._batch_of.get(event.task.id, ""))
        elif isinstance(event, BatchEnded):
            work = self._works.get(event.batch.id)
            self._end(f"batch:{event.batch.id}", self._checks, work.checks if work else len(event.batch.tasks), now)
            if event.batch.id in self._stuck:
                self._skip_above(event.batch.id)
        elif isinstance(event, ProjectChecked):
            self._ended.add(forecast.PROJECT)

    def seconds(self) -> float | None:
        """Seconds left from now."""
        now = self.clock()
        if self._looked is None or now - self._looked >= EVERY:
            self._looked, self._left = now, self._schedule(now)
        return None if self._left is None else max(0.0, self._left - (now - self._looked))

    def _skip_above(self, batch: str) -> None:
        """What needs a batch that was not built, directly or not, is not verified in this run."""
        held = {batch}
        for work in self._works.values():  # needs stand before what needs them
            if held & set(work.needs):
                held.add(work.batch)
                self._ended.add(f"batch:{work.batch}")

    def _begin(self, plan: Plan, works: Sequence[Work]) -> None:
        self._works = {work.batch: work for work in works}
        self._batch_of = {task: batch.id for batch in plan.batches for task in batch.tasks}
        self._tested = forecast.tested(plan.tasks)

    def _ask(self, members: Sequence[str]) -> str:
        return f"ask:{self._batch_of.get(members[0], members[0])}" if members else ""

    def _end(self, job: str, timed: _Timed, tasks: int, now: float) -> None:
        began = self._begun.pop(job, None)
        if began is not None and job not in self._ended:
            timed.add(now - began, tasks)
        self._ended.add(job)

    def _schedule(self, now: float) -> float | None:
        """The makespan of what has not ended, what goes on counted as far as it is left."""
        known = "seconds of an ask" not in self._pace.assumed
        ask = self._asks.each(self._pace.seconds if known else None)
        known = "seconds of a verification" not in self._pace.assumed
        repairs = self._pace.repairs * (self._pace.check + (ask or 0.0))
        check = self._checks.each(self._pace.check + repairs if known else None)
        pace = replace(self._pace, seconds=ask or 0.0, check=check or 0.0, repairs=0.0)
        todo = [
            job for job in forecast.jobs(list(self._works.values()), pace, self._tested) if job.id not in self._ended
        ]
        kinds = {job.id.split(":")[0] for job in todo}
        if not todo or ("ask" in kinds and ask is None) or ("batch" in kinds and check is None):
            return None
        left = [self._remaining(job, now) for job in todo]
        return forecast.makespan(left, self.workers, self.processors, self._begun)

    def _remaining(self, job: Job, now: float) -> Job:
        began = self._begun.get(job.id)
        return job if began is None else replace(job, seconds=max(0.0, job.seconds - (now - began)))


def _everything(plan: Plan) -> list[Work]:
    """Every batch of a plan, where it is not known what is stale."""
    return [Work(b.id, len(b.tasks), (Asking(len(b.tasks), "", ""),), b.needs) for b in plan.batches]
