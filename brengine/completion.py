"""What became of every requirement: verified, failed, unverifiable (why), or not built. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from brengine.domain import Plan, Task
from brengine.verdict import Evidence, Record

Fate = Literal["verified", "failed", "unverifiable", "not built"]


@dataclass(frozen=True, slots=True)
class Settled:
    """One requirement's fate, the tasks that answer for it, and why it is not verified."""

    requirement: str
    text: str
    line: int
    fate: Fate
    tasks: tuple[str, ...]
    why: str = ""


def settle(
    plan: Plan, done: frozenset[str], failed: frozenset[str], records: Mapping[str, Record]
) -> tuple[Settled, ...]:
    """The fate of every requirement of the plan, in order of the spec. `done` are the tasks that are fresh now."""
    found = []
    for feature in plan.spec.features:
        for requirement in feature.requirements:
            name = f"{feature.id}/{requirement.id}"
            tasks = tuple(task for task in plan.tasks if name in task.requirements)
            fate, why = _fate(tasks, done, failed, records)
            ids = tuple(task.id for task in tasks)
            found.append(Settled(name, requirement.text, requirement.span.line, fate, ids, why))
    return tuple(found)


def rate(settled: tuple[Settled, ...]) -> float:
    """Verified of all, in per cent; what cannot be verified counts in the denominator. 0 where there are none."""
    return 100.0 * sum(s.fate == "verified" for s in settled) / len(settled) if settled else 0.0


def _fate(
    tasks: tuple[Task, ...], done: frozenset[str], failed: frozenset[str], records: Mapping[str, Record]
) -> tuple[Fate, str]:
    red = [task.id for task in tasks if task.id in failed]
    if red:
        return "failed", f"{', '.join(red)} failed"
    open_ones = [task.id for task in tasks if task.id not in done]
    if open_ones:
        return "not built", f"{', '.join(open_ones)} not built"
    if not any(_ran_tests(records.get(task.id)) for task in tasks):
        return "unverifiable", "no test runs for it"
    return "verified", ""


def _ran_tests(record: Record | None) -> bool:
    return record is not None and any(e.check == "tests" and e.executed > e.failed for e in record.evidence)


def tests_run(evidence: tuple[Evidence, ...]) -> int:
    """How many tests were executed in all."""
    return sum(e.executed for e in evidence if e.check == "tests")


def coverage(evidence: tuple[Evidence, ...]) -> float | None:
    """Covered lines and branches of all that were measured, in per cent; None where nothing was."""
    coverable = sum(e.coverable for e in evidence)
    return 100.0 * sum(e.covered for e in evidence) / coverable if coverable else None
