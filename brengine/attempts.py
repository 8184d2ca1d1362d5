"""The attempts at one task: which came furthest, whether they are stuck, and what their authors say of others. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from brengine.candidates import Candidate
from brengine.domain import Task
from brengine.plans import anchors
from brengine.plans.replies import Question
from brengine.verdict import Outcome, Verdict, signature

RAN = ("tests", "examples", "blocks", "performance")
"""Checks that run code: what they find may be a need's fault."""


@dataclass(slots=True)
class Tries:
    """The attempts at one task in a run."""

    last: int
    """The number of the last one that is allowed."""
    stuck: bool = False
    """The latest failed as the one before it."""
    best: Candidate | None = None
    """The one that came furthest: most checks passed, then fewest findings, then the latest."""
    _best: tuple[int, int] = (-1, 0)
    _before: frozenset[tuple[str, str, str]] = frozenset()

    def failed(self, candidate: Candidate, verdict: Verdict) -> None:
        """Take a failed one into account."""
        now = signature(verdict.findings)
        self.stuck, self._before = bool(now) and now == self._before, now
        score = (sum(e.status == "passed" for e in verdict.evidence), -len(verdict.findings))
        if self.best is None or score >= self._best:
            self.best, self._best = candidate, score


@dataclass(frozen=True, slots=True)
class Blame:
    """An author whose task failed says that a need is wrong."""

    need: str
    key: str
    """The need's ask Key digest."""
    by: str
    said: str


def names(word: str, task: Task) -> bool:
    """True where a word names a task: its id or name, one of its files, one of its contracts."""
    return word in (task.id, task.name, *task.files, *(contract.name for contract in task.defines))


def tests_only(task: Task, candidate: Candidate, verdict: Verdict) -> tuple[str, ...]:
    """The tests, where code that had passed went red by what its needs do now, and nothing else is wrong."""
    red = all(finding.check == "tests" for finding in verdict.findings)
    return task.tests if red and task.kind == "code" and candidate.outcome is Outcome.VERIFIED else ()


def about(question: Question, task: Task) -> bool:
    """True where a question names the task, one of its files, or a line that it covers."""
    if question.kind == "conflict":
        lines = {quote.line for quote in anchors.read(question.about)[0]}
        return any(lines & set(cover.span.lines) for cover in task.covers)
    return any(word in question.said for word in (task.id, task.name, *task.files))
