"""What happens in a run, as values: the engine emits them, a reporter shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brengine.asks import Reply, Usage, Waiting
from brengine.domain import Batch, Plan, Reason, Task
from brengine.forecast import Work
from brengine.pace import Pace
from brengine.verdict import Evidence, Fence, Finding, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The plan is fixed; `stale` tasks of all are about to be worked on."""

    plan: Plan
    stale: int
    backend: str
    works: tuple[Work, ...] = ()
    """What is to be done, batch by batch, as the forecast has it; empty where that was not looked at."""
    pace: Pace | None = None
    """What things took here before."""
    workers: int = 1
    processors: int = 64


@dataclass(frozen=True, slots=True)
class PlanAmended:
    """The plan was amended during a run; what follows is about this one."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class BatchStarted:
    """A batch is staged and verified from here on; `number` is its place in the plan, from 1."""

    batch: Batch
    number: int
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt goes out to a backend that answers by itself; a reply or `Unanswered` follows."""

    members: tuple[str, ...]
    attempt: int
    model: str


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply was stored (`paid` when a backend gave it now, else it was found in the store)."""

    members: tuple[str, ...]
    attempt: int
    reply: Reply
    paid: bool


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An ask was sent and gave no reply; its tries took so many tokens, for so many dollars."""

    members: tuple[str, ...]
    usage: Usage
    cost: float


@dataclass(frozen=True, slots=True)
class Wrote:
    """While an agent works on an ask, a file appeared or changed in its folder."""

    members: tuple[str, ...]
    path: str
    """Relative to that folder. Untrusted."""
    declared: bool
    """False: the reply checks will refuse it."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """An agent has neither written a file nor said anything for so many seconds; told once for each stall."""

    members: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """A candidate was judged and is not good; a repair ask may follow."""

    task: Task
    attempt: int
    attempts: int
    findings: tuple[Finding, ...]
    again: bool


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A task's end in this run, with the evidence it rests on or the findings it failed by."""

    task: Task
    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    reasons: tuple[Reason, ...] = ()
    note: str = ""
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class BatchEnded:
    """All members of a batch have ended."""

    batch: Batch
    number: int


@dataclass(frozen=True, slots=True)
class ProjectChecked:
    """The one test run of the whole project."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Noted:
    """Something a person should know: recovered state, a clash, a leaver."""

    text: str


@dataclass(frozen=True, slots=True)
class Fenced:
    """The first command of a run is about to be run, behind this fence."""

    fence: Fence


Event = (
    RunStarted
    | PlanAmended
    | BatchStarted
    | Asked
    | Replied
    | Unanswered
    | Wrote
    | Stalled
    | AttemptFailed
    | TaskEnded
    | BatchEnded
    | ProjectChecked
    | Noted
    | Fenced
)
Sink = Callable[[Event], None]
