"""Events as plain lines for a person: batch by batch, then a summary. One lock keeps parallel batches apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from brengine import completion, spec_report
from brengine.asks import Usage
from brengine.counted import counted, repaired
from brengine.domain import PROJECT, Plan
from brengine.errors import BrError, InputError, render
from brengine.events import (
    Asked,
    AttemptFailed,
    BatchEnded,
    BatchStarted,
    Event,
    Fenced,
    Noted,
    PlanAmended,
    ProjectChecked,
    Replied,
    RunStarted,
    Stalled,
    TaskEnded,
    Unanswered,
    Wrote,
)
from brengine.verdict import Evidence, Finding, Outcome, Record

MARK = {
    Outcome.BUILT: "✓",
    Outcome.RESTORED: "✓",
    Outcome.VERIFIED: "✓",
    Outcome.UP_TO_DATE: "·",
    Outcome.FAILED: "✗",
    Outcome.ERRORED: "!",
    Outcome.SKIPPED: "-",
    Outcome.WAITING: "?",
}
SHOWN_FINDINGS = 3
LONGEST = 200
"""Characters of a line that others wrote."""


@dataclass(slots=True)
class Totals:
    """What a run did, for its summary."""

    asks: int = 0
    replayed: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    unpriced: int = 0
    repaired: int = 0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    project: tuple[Evidence, ...] = ()
    fence: str = ""


class Reporter:
    """Turns events into lines. `live` prints each line at once; else a batch is printed when it ends.

    Paths below `here` are shown relative to it.
    """

    def __init__(
        self, write: Callable[[str], None], *, here: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._here = f"{here.rstrip('/')}/" if here else ""
        self.live = True
        self.quiet = False
        """True: only how the run ended is told."""
        self._clock = clock
        self._start = clock()
        self._mutex = threading.RLock()
        self._batch = threading.local()
        self.totals = Totals()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A run has ended, however it did."""

    def say(self, text: str) -> None:
        """One line that is no event's."""
        if not self.quiet:
            self._write(text)

    def __call__(self, event: Event) -> None:
        with self._mutex:
            getattr(self, f"_{type(event).__name__.lower()}")(event)

    def up_to_date(self, count: int) -> None:
        """Nothing was to be done."""
        self._write(f"Everything is up to date ({counted(count, 'task')}): nothing asked, nothing run.")

    def end(self, settled: tuple[completion.Settled, ...], records: dict[str, Record], needs: Sequence[str]) -> None:
        """How a run ended, and what needs a person."""
        for line in (*self.summary(settled, records), *(["Needs you"] if needs else []), *needs):
            self._write(line)

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._start

    def evidence(self, records: dict[str, Record]) -> tuple[Evidence, ...]:
        """What the sums of a run rest on: the run of the whole project, else every task's own."""
        return self.totals.project or tuple(e for r in records.values() if r.task != PROJECT for e in r.evidence)

    def summary(self, settled: tuple[completion.Settled, ...], records: dict[str, Record]) -> list[str]:
        """The lines that end a run."""
        totals = self.totals
        ended = totals.outcomes.values()
        done = sum(outcome.done for outcome in ended)
        parts = [f"{sum(o is kind for o in ended)} {kind}" for kind in MARK if any(o is kind for o in ended)]
        evidence = self.evidence(records)
        verified = sum(s.fate == "verified" for s in settled)
        rows = [
            ("tasks", f"{done} of {len(totals.outcomes)} done ({', '.join(parts) or 'none'})"),
            ("tests", f"{completion.tests_run(evidence)} passed" if done else "none"),
            ("coverage", percent(completion.coverage(evidence) if done else None)),
            ("asks", self._asks()),
            (
                "tokens",
                f"{totals.usage.total:,}" + (" (as recorded)" if totals.replayed else "") + cached(totals.usage),
            ),
            ("cost", f"${totals.cost:.4f}" + (f" and {totals.unpriced} of unknown price" if totals.unpriced else "")),
            *([("fence", totals.fence)] if totals.fence else []),
            ("time", f"{self.seconds:.1f} s"),
            ("completion", f"{completion.rate(settled):.0f} % ({verified} of {len(settled)} requirements verified)"),
        ]
        return ["Summary", *(f"  {name:<11} {text}" for name, text in rows)]

    def _asks(self) -> str:
        totals = self.totals
        sent = f"{totals.asks} sent"
        replayed = f", {totals.replayed} replayed from recordings (no model was asked)" if totals.replayed else ""
        repairs = f", {repaired(totals.repaired)}" if totals.repaired else ""
        return sent + replayed + repairs

    def _tokens(self) -> str:
        recorded = " (as recorded)" if self.totals.replayed else ""
        return f"{self.totals.usage.total:,}{recorded}{cached(self.totals.usage)}"

    # --- one method per event -----------------------------------------------------------------------------------

    def _line(self, text: str = "") -> None:
        if self.quiet:
            return
        text = text.replace(self._here, "") if self._here else text
        held = getattr(self._batch, "lines", None)
        if held is None:
            self._write(text)
        else:
            held.append(text)

    def _runstarted(self, event: RunStarted) -> None:
        plan = event.plan
        self._line(spec_report.extracted(tuple(feature.name for feature in plan.spec.features)))
        self._line(f"{_size(plan)}; {event.stale} to do")
        if event.backend == "replay":
            self._line("Replaying recorded replies: no model is asked and nothing is paid.")
        self._line()

    def _planamended(self, event: PlanAmended) -> None:
        self._line(f"{_size(event.plan)} by the amended plan\n")

    def _batchstarted(self, event: BatchStarted) -> None:
        if not self.live:
            self._batch.lines = []
        count = len(event.batch.tasks)
        self._line(f"Batch {event.number}: {event.batch.title} ({counted(count, 'task')})")

    def _batchended(self, event: BatchEnded) -> None:
        self._line()
        held = getattr(self._batch, "lines", None)
        if held is not None:
            self._batch.lines = None
            for text in held:
                self._write(text)

    def _asked(self, event: Asked) -> None:
        """Told by reporters that show what is in flight."""

    def _replied(self, event: Replied) -> None:
        totals, reply = self.totals, event.reply
        if reply.backend == "replay":
            totals.replayed += 1
        else:
            totals.asks += 1
        totals.repaired += event.attempt > 1
        totals.usage = totals.usage + reply.usage
        totals.cost += reply.cost or 0.0
        totals.unpriced += reply.cost is None

    def _unanswered(self, event: Unanswered) -> None:
        self.totals.asks += 1
        self.totals.usage = self.totals.usage + event.usage
        self.totals.cost += event.cost

    def _wrote(self, event: Wrote) -> None:
        """An undeclared file is a warning at once; what then becomes of the ask is the reply checks' to say."""
        if event.declared:
            self._line(f"  + {first_line(event.path)} (for {short(event.members)})")
        else:
            self._undeclared(event)

    def _undeclared(self, event: Wrote) -> None:
        what = f"{first_line(event.path)} was written for {short(event.members)} and is not declared"
        self._line(f"  warning: {what}: the answer will be refused")

    def _stalled(self, event: Stalled) -> None:
        self._line(f"  warning: nothing was heard of {short(event.members)} for {event.seconds:.0f} s")

    def _attemptfailed(self, event: AttemptFailed) -> None:
        what = "asking again with these findings" if event.again else "no attempt is left"
        if not event.findings:
            return
        self._line(f"  ↻ {event.task.name}: attempt {event.attempt} of {event.attempts} was not accepted; {what}")
        for finding in event.findings[:SHOWN_FINDINGS]:
            self._line(f"      {found(finding)}")
        if len(event.findings) > SHOWN_FINDINGS:
            self._line(f"      … and {len(event.findings) - SHOWN_FINDINGS} more")

    def _taskended(self, event: TaskEnded) -> None:
        self.totals.outcomes[event.task.id] = event.outcome
        phrase = event.task.done if event.outcome.done and event.task.done else event.task.name
        tail = measured(event.evidence) if event.outcome.done else str(event.outcome)
        how = f" ({event.outcome})" if event.outcome in (Outcome.RESTORED, Outcome.VERIFIED, Outcome.UP_TO_DATE) else ""
        note = f" — {event.note}" if event.note else ""
        self._line(f"  {MARK[event.outcome]} {phrase:<32} {tail}{how}{note}")
        for finding in event.findings[:SHOWN_FINDINGS]:
            self._line(f"      {found(finding)}")

    def _projectchecked(self, event: ProjectChecked) -> None:
        self.totals.project = event.verdict.evidence
        if event.verdict.findings or event.verdict.errored:
            self._line("✗ The tests of the whole project are red")
            for finding in event.verdict.findings[:SHOWN_FINDINGS]:
                self._line(f"      {found(finding)}")
            if event.verdict.errored:
                self._line(f"      {event.verdict.errored}")
        else:
            self._line(f"✓ The whole project: {measured(event.verdict.evidence)}")
        self._line()

    def _noted(self, event: Noted) -> None:
        self._line(f"note: {event.text}")

    def _fenced(self, event: Fenced) -> None:
        self.totals.fence = event.fence.name + ("" if event.fence.whole else " (not whole)")
        if not event.fence.whole:
            self._line(f"note: commands run behind a fence with gaps ({event.fence.name}): {event.fence.said}")


def _size(plan: Plan) -> str:
    """`12 tasks in 9 batches`."""
    return f"{counted(len(plan.tasks), 'task')} in {counted(len(plan.batches), 'batch')}"


def short(names: Sequence[str]) -> str:
    """The first of several names, and how many more there are."""
    first = names[0] if names else ""
    return f"{first} and {len(names) - 1} more" if len(names) > 1 else first


def measured(evidence: tuple[Evidence, ...]) -> str:
    """`18 tests passed, 98 % covered`, or what else was run."""
    parts = []
    count = completion.tests_run(evidence)
    if count:
        parts.append(f"{counted(count, 'test')} passed")
    covered = completion.coverage(evidence)
    if covered is not None:
        parts.append(f"{percent(covered)} covered")
    if not parts:
        parts = [f"{e.check} ok" for e in evidence if e.status == "passed" and e.check != "files"]
    return ", ".join(parts) or "checked"


def cached(usage: Usage) -> str:
    """How much of the prompts came from the endpoint's cache; "" where nothing did."""
    share = 100 * usage.cache_read_tokens // usage.prompt if usage.prompt else 0
    return f", {share} % of the prompts from the cache" if usage.cache_read_tokens else ""


def percent(value: float | None) -> str:
    """`98 %`, rounded down so that 99.9 is never shown as 100; `not measured` for None."""
    return "not measured" if value is None else f"{int(value)} %"


def failure(error: BrError) -> str:
    """An error as a person reads it: its diagnostics with excerpts, then one line and a hint."""
    out = [render(d) for d in error.diagnostics] if isinstance(error, InputError) else []
    said = [d.message for d in error.diagnostics] if isinstance(error, InputError) else []
    if error.message not in said:
        out.append(f"error: {error.message}")
    if error.hint and not (isinstance(error, InputError) and error.diagnostics):
        out.append(f"hint: {error.hint}")
    return ("\n\n" if said else "\n").join(out)


def found(finding: Finding) -> str:
    """A finding in one line: of a failing test, the place and what went wrong there."""
    text = str(finding)
    wrong = next((line[1:].strip() for line in text.split("\n") if line.startswith("E  ")), "")
    return first_line(f"{first_line(text)}: {wrong}" if wrong else text)


def first_line(text: str) -> str:
    """The first line of a text without control characters; what is longer than LONGEST ends with `…`."""
    line = text.strip().split("\n", 1)[0]
    shown = "".join(c if c.isprintable() else "�" for c in line[:LONGEST])
    return shown if len(line) <= LONGEST else f"{shown[:-1]}…"
