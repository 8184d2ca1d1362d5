"""The fenced blocks of a document. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from brengine.source import Source

_OPEN = re.compile(r"^\s*(```+|~~~+)\s*([\w+-]*)")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: its language, its lines, and the number of the first of them."""

    language: str
    lines: tuple[str, ...]
    first: int

    @property
    def numbers(self) -> range:
        """The numbers of its lines, the marks around them included."""
        return range(self.first - 1, self.first + len(self.lines) + 1)


def fences(source: Source) -> Iterator[Fence]:
    """The fenced blocks in order; one that is not closed ends with the document."""
    lines, number = source.lines, 0
    while number < len(lines):
        opened = _OPEN.match(lines[number])
        number += 1
        if opened:
            begin = number
            while number < len(lines) and not lines[number].strip().startswith(opened[1]):
                number += 1
            yield Fence(opened[2].lower(), tuple(lines[begin:number]), begin + 1)
            number += 1
