"""The small protocols through which the engine touches the world. Adapters live one floor up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from brengine.asks import Ask, Prompt, Reply, Usage, Waiting
from brengine.domain import Task
from brengine.verdict import Gates, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one command: seconds of wall clock, memory, processes, bytes of a file and of captured output."""

    seconds: float = 120.0
    memory_mb: int = 2048
    processes: int = 64
    file_mb: int = 64
    output_bytes: int = 2_000_000
    tree_mb: int = 1024
    """What may lie in the folders that the command writes."""
    tmp_mb: int = 512
    """What its temporary directory in memory holds."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. Output is UTF-8 with replacement.

    `ended` is `exit`, `timeout`, `processes`, `memory`, `disk` or `signal`.
    """

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    seconds: float
    ended: str = "exit"


class Commands(Protocol):
    """The one door through which every command of a model's or a project's making is launched."""

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        limits: Limits,
        env: Mapping[str, str] | None = None,
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
    ) -> CommandResult:
        """Run to the end within limits, in a scrubbed environment; the whole process tree is gone afterwards.

        Behind the fence are `cwd` and `writes`, to be written, and `reads`. Raises EngineError where there is no fence.
        """
        ...


class Meter(Protocol):
    """What a paid backend tells its tries to, within one ask."""

    def count(self, usage: Usage, cost: float | None = None) -> None:
        """Tokens that a try took which gave no reply, and its dollars where they are known otherwise than by price."""
        ...

    def allow(self) -> None:
        """Raises OverBudget where another try may not be sent."""
        ...


@runtime_checkable
class Counter(Protocol):
    """A backend that can tell how many tokens a prompt has without answering it."""

    def count(self, ask: Ask, prompt: Prompt) -> int | None:
        """Tokens of the whole prompt; None where that cannot be told now. Costs nothing, raises nothing."""
        ...


class Backend(Protocol):
    """What answers a prompt. Raises BackendError; never returns a partial answer as a whole one."""

    name: str
    paid: bool
    """True where an answer costs something: then it is within the budget."""

    def answer(self, ask: Ask, prompt: Prompt) -> Reply | Waiting:
        """Answer one ask. Called from several threads at once."""
        ...


@dataclass(frozen=True, slots=True)
class Tree:
    """What a backend that works in a folder is given there: copies of files, and which of them it may write."""

    files: Mapping[str, bytes]
    declared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check is given: the task, the staging tree, the digests of its declared files, and the gates."""

    task: Task
    root: Path
    gates: Gates
    undeclared: tuple[str, ...] = field(default=())
    """Files that the reply wrote besides the declared ones (the engine refuses those before staging)."""
    under: tuple[str, ...] = field(default=())
    """For a task of kind tests: the targets of what it needs directly."""


class Checker(Protocol):
    """Judges one task in a staging tree by running what its kind asks for."""

    def unverifiable(self, task: Task) -> str:
        """Why nothing here can verify a task, "" where something can: then it is not worth asking for."""
        ...

    def check(self, subject: Subject) -> Verdict:
        """Run every check that applies to the task's kind. Never raises for what the files contain."""
        ...

    def project(self, root: Path, tests: Sequence[str], targets: Sequence[str], gates: Gates) -> Verdict:
        """One run of all tests of the project, with the coverage of all targets; findings name the test file."""
        ...
