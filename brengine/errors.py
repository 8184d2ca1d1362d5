"""Every way to fail, and the one place where the text of a failure is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from brengine.source import Source, Span

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message about a place in a source, as a compiler would give it."""

    rule: str
    severity: Severity
    message: str
    path: str
    span: Span | None = None
    hint: str = ""
    excerpt: str = ""
    """The line that the span begins on, kept here so that rendering needs no file."""

    @property
    def place(self) -> str:
        """`path:line:column`, or the path alone."""
        return f"{self.path}:{self.span.line}:{self.span.column}" if self.span else self.path


class BrError(Exception):
    """The root: `message` is one line for a person, `hint` what to do about it. `exit_code` is DESIGN 10's."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(BrError):
    """Bad input of the user's: spec, rules, settings or arguments. Carries diagnostics where there are places."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "", diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message, hint)
        self.diagnostics = diagnostics


class UnsureReading(InputError):
    """The specification can be read in more than one way, and nobody has settled which."""


class TooLarge(InputError):
    """What a prompt must hold does not fit its limit."""


class EngineError(BrError):
    """The engine could not do its work: a broken tool, disk, lock or backend."""


class StateError(EngineError):
    """State on disk that cannot be read or written."""


class LockedError(EngineError):
    """Another build holds the workspace."""


class OverBudget(EngineError):
    """What the run may spend would not hold: nothing more is asked, what is paid for stays."""

    exit_code = 4


class Declined(EngineError):
    """A person at the terminal left an ask, or its answer, alone."""


class BackendError(EngineError):
    """No reply could be had. `retryable` says whether the same ask may be sent again in this run."""

    def __init__(self, message: str, hint: str = "", *, kind: str = "backend", retryable: bool = False) -> None:
        super().__init__(message, hint)
        self.kind = kind
        self.retryable = retryable


NO_KEY = "ANTHROPIC_API_KEY is not set: export it, or answer the prompts yourself with --backend manual"


class MissingKey(BackendError):
    """A backend has no credentials; said before anything is planned or asked."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name closest to `name`, or an empty string when none is near."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return matches[0] if matches else ""


def diagnose(
    source: Source, span: Span | None, rule: str, severity: Severity, message: str, hint: str = ""
) -> Diagnostic:
    """A diagnostic on `source` with the excerpt filled in."""
    lines = source.lines
    excerpt = lines[span.line - 1] if span and 0 < span.line <= len(lines) else ""
    return Diagnostic(rule, severity, message, source.path, span, hint, excerpt)


def render(diagnostic: Diagnostic) -> str:
    """`severity: message [rule]`, the place, the excerpt with a caret, the hint."""
    out = [f"{diagnostic.severity}: {diagnostic.message} [{diagnostic.rule}]", f" --> {diagnostic.place}"]
    if diagnostic.span and diagnostic.excerpt.strip():
        out += _excerpt(diagnostic.span, diagnostic.excerpt)
    if diagnostic.hint:
        out.append(f"hint: {diagnostic.hint}")
    return "\n".join(out)


def _excerpt(span: Span, text: str) -> list[str]:
    number = str(span.line)
    gutter = " " * len(number)
    shown = text.expandtabs(1)[:160]
    start = min(span.column - 1, len(shown))
    end = span.end_column if span.end_line == span.line and span.end_column >= span.column else len(shown)
    caret = " " * start + "^" * max(1, min(end, len(shown)) - start)
    return [f"{gutter} |", f"{number} | {shown}", f"{gutter} | {caret}"]
