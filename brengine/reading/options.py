"""What the user, or a second reader, has settled about how a document is read. Values only; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Include = Literal["done", "deferred"]


@dataclass(frozen=True, slots=True)
class Lined:
    """A feature as a second reader found it: its name and its lines."""

    name: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Settled:
    """A reading that was accepted: remembered by the lock, so that the question is asked once."""

    how: str = ""
    """The accepted way, as `Reading.how` says it; where `text` is empty it holds for later states of the document."""
    text: str = ""
    """The digest of the text that `lined` and `nothing` are about; for another text they say nothing."""
    lined: tuple[Lined, ...] = ()
    nothing: str = ""
    """Why a second reader found nothing to build, "" where it found features."""


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for one reading."""

    accept: bool = False
    """Take the best reading, however unsure."""
    reading: str = ""
    """The accepted way to read it, as `Reading.how` says it."""
    include: tuple[Include, ...] = ()
    """Build what is marked done, or deferred, too."""
    off: tuple[str, ...] = ()
    """Rules whose warnings and notes are not wanted."""
    lined: tuple[Lined, ...] = ()
    """A second reader's features; they win."""
    nothing: str = ""
    """Why a second reader found nothing to build."""


def with_settled(options: Options, settled: Settled, text: str) -> Options:
    """The options with what was settled for this text (by its digest); br.toml's own `reading` wins."""
    own = options.reading
    same = settled.text == text and not own
    return Options(
        options.accept,
        own or ("" if settled.text else settled.how),
        options.include,
        options.off,
        settled.lined if same else (),
        settled.nothing if same else "",
    )
