"""What an ask, and a verification, take in this project: measured from its journal, else assumed and said so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

ANSWER_TOKENS = 4_000
"""Output tokens per task of an ask: the recorded answers of the example are 7,500 characters a task, by the estimate
of tokens.py at most 4,800 tokens, of which its margin is a fifth."""
REPAIRS = 0.1
"""Repair asks per task: of the 60 tasks of the example and of the three plans in docs/evidence.md, 4 needed one."""
ANSWER_SPEED = 50.0
"""Output tokens per second: a guess at a hosted model, never measured here."""
CHECK_SECONDS = 2.0
"""Seconds in which one task is verified: what the tasks of the example take, with coverage, on two processors."""
PROJECT_SHARE = 0.25
"""What a task with tests adds to the test run of the whole project, of what its own verification takes: likewise."""
FIGURES = ("tokens in", "tokens out", "seconds of an ask", "repairs", "seconds of a verification")
"""What may be assumed, by name."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What things take here. `asks` and `checks` are how many of them were measured; `assumed` names the rest."""

    shrink: float = 1.0
    """Input tokens for each token of the upper-bound estimate of a prompt."""
    answer: float = ANSWER_TOKENS
    """Output tokens per task of an ask."""
    seconds: float = ANSWER_TOKENS / ANSWER_SPEED
    """Seconds per task of an ask."""
    repairs: float = REPAIRS
    """Repair asks per task."""
    check: float = CHECK_SECONDS
    """Seconds in which a task is verified once."""
    project: float | None = None
    """Seconds per task with tests in which the whole project is tested; None where that was not measured."""
    asks: int = 0
    checks: int = 0
    assumed: tuple[str, ...] = FIGURES

    def whole(self, tested: int) -> float:
        """Seconds in which a project is tested with so many tasks that have tests."""
        return tested * (self.check * PROJECT_SHARE if self.project is None else self.project)


@dataclass(slots=True)
class _Sums:
    """Sums over a journal."""

    asks: int = 0
    tasks: int = 0
    """Members of all asks."""
    firsts: int = 0
    """Members of first asks."""
    repairs: int = 0
    bound: int = 0
    bounded: int = 0
    """Input tokens of the asks whose bound is known."""
    answer: int = 0
    answered: int = 0
    """Members of the asks whose output tokens are known."""
    seconds: float = 0.0
    timed: int = 0
    """Members of the asks that were timed."""
    check: float = 0.0
    checks: int = 0
    project: float = 0.0


def measured(rows: Iterable[Row], backend: str, tested: int) -> Pace:
    """The pace of a project with so many tasks that have tests, by its journal.

    Asks count that this backend answered; asks for plans do not.
    """
    sums = _Sums()
    bases: dict[tuple[str, str], int] = {}
    for row in rows:
        try:
            _take(sums, row, backend, bases)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            continue
    return _pace(sums, tested)


def _take(sums: _Sums, row: Row, backend: str, bases: dict[tuple[str, str], int]) -> None:
    kind = row["t"]
    if kind == "retry":
        bases[row["task"], row["key"]] = int(row["base"])
    elif (
        kind == "reply"
        and not row.get("edited")
        and row["backend"] == backend
        and row["template"].split("@")[0] in ("task", "repair")
    ):
        _reply(sums, row, bases)
    elif kind == "judged":
        _check(sums, row)
    elif kind == "promoted":
        for fields in row["records"]:
            _check(sums, fields)
    elif kind == "record" and "seconds" in row:
        sums.project = float(row["seconds"])


def _is_of_a_task(row: Row) -> bool:
    """True for asks about tasks; what a person put in the place of an answer is none."""
    return row["template"].split("@")[0] in ("task", "repair") and not row.get("edited")


def _reply(sums: _Sums, row: Row, bases: Mapping[tuple[str, str], int]) -> None:
    task, key, attempt = row["members"][0]
    size, (tokens_in, tokens_out, *cached) = len(row["members"]), row["usage"]
    again = int(attempt) > bases.get((task, key), 0) + 1
    sums.asks += 1
    sums.tasks += size
    sums.repairs += again
    sums.firsts += 0 if again else size
    if row.get("bound") and tokens_in:
        sums.bound += int(row["bound"])
        sums.bounded += int(tokens_in) + sum(cached)
    if tokens_out:
        sums.answer += int(tokens_out)
        sums.answered += size
    if row.get("seconds") is not None:
        sums.seconds += float(row["seconds"])
        sums.timed += size


def _check(sums: _Sums, row: Row) -> None:
    """Verifications that ran nothing (a reply that was malformed) took no time and do not count."""
    seconds = float(row.get("seconds", 0.0))
    sums.check += seconds
    sums.checks += seconds > 0


def _pace(sums: _Sums, tested: int) -> Pace:
    unknown = Pace()
    have = (sums.bounded, sums.answered, sums.timed, sums.firsts, sums.checks)
    return Pace(
        sums.bounded / sums.bound if sums.bounded else unknown.shrink,
        sums.answer / sums.answered if sums.answered else unknown.answer,
        sums.seconds / sums.timed if sums.timed else unknown.seconds,
        sums.repairs / sums.firsts if sums.firsts else unknown.repairs,
        sums.check / sums.checks if sums.checks else unknown.check,
        sums.project / tested if sums.project and tested else None,
        sums.asks,
        sums.checks,
        tuple(name for name, count in zip(FIGURES, have, strict=True) if not count),
    )
