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
class Options:
    """What the user has settled about the reading."""

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
