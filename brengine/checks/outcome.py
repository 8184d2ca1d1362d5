"""What every check answers, and the tools that it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from brengine.ports import CommandResult, Commands, Limits
from brengine.verdict import Evidence, Finding, Gates
from brengine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Checked:
    """Evidence and findings of one check; `errored` tells why the check itself could not be carried out."""

    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    errored: str = ""


@dataclass(frozen=True, slots=True)
class Tools:
    """The door to commands, and the interpreter that runs what is checked."""

    commands: Commands
    python: str


def not_applicable(check: str, reason: str) -> Checked:
    """A check that has nothing to look at: recorded as such, never as passed."""
    return Checked((Evidence(check, "not applicable", reason=reason),))


def judged(check: str, findings: tuple[Finding, ...], command: str = "", exit_code: int | None = None) -> Checked:
    """Passed without findings, failed with them."""
    status = "failed" if findings else "passed"
    return Checked((Evidence(check, status, command=command, exit_code=exit_code),), findings)  # type: ignore[arg-type]


def limits_of(gates: Gates, seconds: float | None = None) -> Limits:
    """The limits that one command of a check runs under; `seconds`: another time than the gates'."""
    return Limits(gates.seconds if seconds is None else seconds, gates.memory_mb, gates.processes)


@dataclass(frozen=True, slots=True)
class Private:
    """Folders outside the staging tree: what is `told` to a command, to be read only, and its `results`."""

    told: Path
    results: Path


@contextmanager
def private_folders() -> Iterator[Private]:
    """Folders for configuration and for results, for as long as a check runs."""
    with TemporaryDirectory(prefix="br-check-") as folder:
        made = Private(Path(folder, "told"), Path(folder, "results"))
        made.told.mkdir(mode=0o755)
        made.results.mkdir(mode=0o700)
        yield made


def content(root: Path, path: str, most: int = 16 << 20) -> bytes:
    """A file after a command could change it: through no link, never a pipe; empty where it is gone or too large."""
    found = Workspace(root).read(path) or b""
    return found if len(found) <= most else b""


FULL = {"memory": "it took more memory than its limit", "disk": "it wrote more than it may, or the disk is nearly full"}
"""How a command ended that had to be ended -> what is said of it."""


def stable(argv: tuple[str, ...], python: str, folder: Path, root: Path) -> str:
    """A command as evidence shows it: the same on every machine and in every run."""
    words = [word.replace(python, "python").replace(str(folder), "$TMP").replace(str(root), ".") for word in argv]
    return " ".join(words)


def tail(text: str, characters: int = 1500) -> str:
    """The end of a text, which is where failures say what they are."""
    stripped = text.strip()
    return stripped if len(stripped) <= characters else "…" + stripped[-characters:]


def script_findings(check: str, path: str, result: CommandResult, seconds: int) -> tuple[Finding, ...]:
    """Findings about a script that should have ended with exit code 0."""
    if result.ended == "timeout":
        message = f"it did not end within the limit of {seconds} seconds"
        return (Finding(check, message, path, hint="end sooner"),)
    if result.ended in FULL:
        return (Finding(check, f"{FULL[result.ended]}, and was ended", path, hint="use less"),)
    if result.exit_code != 0:
        message = f"it ended with {result.exit_code}: {tail(result.stderr)}"
        return (Finding(check, message, path, hint="it must run and exit with 0"),)
    return ()
