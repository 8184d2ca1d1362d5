"""Events as JSON lines for machines: one object for each, `event` names it (docs/formats.md)."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from brengine import completion
from brengine.asks import Usage
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
from brengine.report import Reporter
from brengine.verdict import Finding, Record

SCHEMA = 1
"""Bumped when a field changes its meaning or goes; new fields and events may come at any time."""
Row = dict[str, Any]
_NAME = re.compile(r"(?<!^)(?=[A-Z])")


class JsonReporter(Reporter):
    """A reporter that writes JSON lines instead of text."""

    def __init__(self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(lambda text: None, clock=clock)
        self._out = write
        self._own = threading.Lock()

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        self._emit(row(event))

    def up_to_date(self, count: int) -> None:
        """Nothing was to be done."""
        self._emit({"event": "up_to_date", "schema": SCHEMA, "tasks": count})

    def end(self, settled: tuple[completion.Settled, ...], records: dict[str, Record], needs: Sequence[str]) -> None:
        """The sums of a run."""
        totals = self.totals
        outcomes = [str(outcome) for outcome in totals.outcomes.values()]
        evidence = self.evidence(records)
        self._emit(
            {
                "event": "run_ended",
                "tasks": {name: outcomes.count(name) for name in dict.fromkeys(outcomes)},
                "tests": completion.tests_run(evidence),
                "coverage": completion.coverage(evidence),
                "asks": totals.asks,
                "replayed": totals.replayed,
                "repairs": totals.repaired,
                "usage": _usage(totals.usage),
                "cost": totals.cost,
                "unpriced": totals.unpriced,
                "seconds": round(self.seconds, 3),
                "completion": completion.rate(settled),
                "needs_you": [line.strip() for line in needs],
            }
        )

    def _emit(self, fields: Row) -> None:
        text = json.dumps(fields, ensure_ascii=False)
        with self._own:
            self._out(text)


def row(event: Event) -> Row:
    """An event as a JSON object."""
    match event:
        case RunStarted(plan, stale, backend, _, _, workers):
            counts = {"tasks": len(plan.tasks), "batches": len(plan.batches), "stale": stale, "backend": backend}
            counts["workers"] = workers
            found: Row = {"schema": SCHEMA, **counts, "features": [feature.id for feature in plan.spec.features]}
        case PlanAmended(plan):
            found = {"tasks": len(plan.tasks), "batches": len(plan.batches)}
        case BatchStarted(batch, number, stale_ones):
            found = {"batch": batch.id, "number": number, "title": batch.title}
            found |= {"tasks": list(batch.tasks), "stale": list(stale_ones)}
        case BatchEnded(batch, number):
            found = {"batch": batch.id, "number": number}
        case Asked(members, attempt, model):
            found = {"tasks": list(members), "attempt": attempt, "model": model}
        case Replied(members, attempt, reply, paid):
            found = {"tasks": list(members), "attempt": attempt, "paid": paid, "backend": reply.backend}
            found |= {"model": reply.model, "stop": reply.stop, "usage": _usage(reply.usage), "cost": reply.cost}
        case Unanswered(members, usage, cost):
            found = {"tasks": list(members), "usage": _usage(usage), "cost": cost}
        case Wrote() | Stalled():
            found = _working(event)
        case AttemptFailed(task, attempt, attempts, findings, again):
            found = {"task": task.id, "attempt": attempt, "of": attempts, "again": again}
            found["findings"] = _findings(findings)
        case TaskEnded():
            found = _task_ended(event)
        case ProjectChecked(verdict):
            found = {"passed": verdict.passed, "findings": _findings(verdict.findings)}
        case Noted() | Fenced():
            found = _told(event)
    return {"event": _NAME.sub("_", type(event).__name__).lower(), **found}


def _working(event: Wrote | Stalled) -> Row:
    if isinstance(event, Stalled):
        return {"tasks": list(event.members), "seconds": round(event.seconds, 3)}
    return {"tasks": list(event.members), "path": event.path, "declared": event.declared}


def _told(event: Noted | Fenced) -> Row:
    if isinstance(event, Noted):
        return {"text": event.text}
    fence = event.fence
    return {"name": fence.name, "whole": fence.whole, "missing": list(fence.missing), "notes": list(fence.notes)}


def _task_ended(event: TaskEnded) -> Row:
    return {
        "task": event.task.id,
        "outcome": str(event.outcome),
        "tests": completion.tests_run(event.evidence),
        "coverage": completion.coverage(event.evidence),
        "reasons": [str(reason) for reason in event.reasons],
        "findings": _findings(event.findings),
        "note": event.note,
    }


def _usage(usage: Usage) -> Row:
    return {
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cache_read": usage.cache_read_tokens,
        "cache_write": usage.cache_write_tokens,
    }


def _findings(findings: Sequence[Finding]) -> list[Row]:
    return [{"check": f.check, "path": f.path, "line": f.line, "message": f.message} for f in findings]
