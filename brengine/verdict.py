"""The nouns of judging: findings, evidence, verdicts, records, outcomes, and the gates that a task must pass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One complaint of a check, with a place and what would satisfy it."""

    check: str
    message: str
    path: str = ""
    line: int = 0
    hint: str = ""
    lines: tuple[int, ...] = ()
    """Every line that it is about, where it is about several."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}: " if self.line else f"{self.path}: " if self.path else ""
        return f"[{self.check}] {place}{self.message}"


def signature(findings: Sequence[Finding]) -> frozenset[tuple[str, str, str]]:
    """What findings complain of, whatever numbers they name: equal for the same failure at two attempts."""
    rows = [(found.check, found.path, (found.message.strip() or " ").split("\n", 1)[0]) for found in findings]
    return frozenset((check, path, re.sub(r"0x[0-9a-f]+|[0-9.]+", "#", line)) for check, path, line in rows)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one check did: executed with these numbers, or not applicable and why."""

    check: str
    status: Literal["passed", "failed", "not applicable"]
    reason: str = ""
    command: str = ""
    exit_code: int | None = None
    executed: int = 0
    failed: int = 0
    skipped: int = 0
    covered: int = 0
    """Lines and branches covered, of `coverable`."""
    coverable: int = 0

    @property
    def percent(self) -> float | None:
        """Coverage in per cent, or None where nothing was measured."""
        return 100.0 * self.covered / self.coverable if self.coverable else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one task's files: passed only with evidence, without findings and without a cause."""

    task: str
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    errored: str = ""
    """Why a check itself could not run; an errored verdict is never passed."""
    seconds: float = field(default=0.0, compare=False)
    """How long it took, where that was measured."""

    @property
    def passed(self) -> bool:
        """True only where something was executed or parsed, nothing was found, and no checker broke."""
        ran = any(e.status == "passed" for e in self.evidence)
        return ran and not self.findings and not self.errored and all(e.status != "failed" for e in self.evidence)


PROPERTIES = {
    "network": "nothing is reached but a loopback of its own",
    "reads": "no file of yours is read",
    "writes": "nothing outside its own folders is written",
    "processes": "no process outside is reached",
}
"""What a fence may hold."""


@dataclass(frozen=True, slots=True)
class Fence:
    """What keeps commands in: a mechanism, and what it was seen to hold when it was tried."""

    name: str
    """`namespaces`, `landlock` or `limits`."""
    network: bool
    """Nothing is reached but a loopback that no other program is on."""
    reads: bool
    """Nothing is read but the system's programs, the interpreter and the command's own folders."""
    writes: bool
    """Nothing outside the command's own folders and its temporary directory is changed."""
    processes: bool
    """No process outside is seen, signalled or looked into."""
    notes: tuple[str, ...] = ()
    """What does not hold, or why no better mechanism is used."""

    @property
    def whole(self) -> bool:
        """True where everything holds."""
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """What does not hold, in words."""
        return tuple(words for name, words in PROPERTIES.items() if not getattr(self, name))

    @property
    def said(self) -> str:
        """What does not hold, and why."""
        return "; ".join((*(f"it does not hold that {words}" for words in self.missing), *self.notes))


@dataclass(frozen=True, slots=True)
class Spent:
    """Asks, and the task's share of their tokens and dollars (None: a price is unknown)."""

    asks: int
    tokens: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """Evidence for one built task: the only door to done."""

    task: str
    name: str
    ask: tuple[tuple[str, str], ...]
    """The ask Key's inputs."""
    verify: tuple[tuple[str, str], ...]
    """The verify Key's inputs."""
    outputs: tuple[tuple[str, str], ...]
    """(path, SHA-256) of every file that it owns, sorted."""
    evidence: tuple[Evidence, ...]
    attempt: int = 1
    model: str = ""
    adopted: bool = False
    """True where a person's edit was verified and taken over."""
    failed: str = ""
    """Set when later evidence went against it (a red test of the whole project): then it is not done."""
    spent: Spent | None = None
    """What the files cost to get; None where they were not asked for here."""


class Outcome(StrEnum):
    """How a task ended in a run."""

    BUILT = "built"
    RESTORED = "restored"
    VERIFIED = "verified"
    UP_TO_DATE = "up to date"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"
    WAITING = "waiting"
    WOULD_RUN = "would run"

    @property
    def done(self) -> bool:
        """True for the four outcomes that rest on evidence."""
        return self in (Outcome.BUILT, Outcome.RESTORED, Outcome.VERIFIED, Outcome.UP_TO_DATE)


@dataclass(frozen=True, slots=True)
class CustomCheck:
    """A check of the project's own: a command, the files that it is for, and the format of what it says."""

    name: str
    command: tuple[str, ...]
    """`{files}` stands for the task's files that match."""
    files: tuple[str, ...] = ("*.py",)
    kinds: tuple[str, ...] = ("code", "tests")
    format: Literal["lines", "sarif", "junit"] = "lines"


@dataclass(frozen=True, slots=True)
class Gates:
    """What a task must pass: its coverage goal, the time limit of one command, the attempts allowed."""

    coverage: int = 90
    seconds: int = 120
    memory_mb: int = 2048
    processes: int = 64
    teeth: bool = True
    """True where tests must fail when the functions that they are for are emptied."""
    checks: tuple[CustomCheck, ...] = ()
