"""A text with its path, and places in it (lines and columns are 1-based)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source: from (line, column) to (end_line, end_column), all 1-based, the end inclusive."""

    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __post_init__(self) -> None:
        if self.end_line < self.line:
            object.__setattr__(self, "end_line", self.line)

    @property
    def lines(self) -> range:
        """Every line number that the span touches."""
        return range(self.line, self.end_line + 1)


def runs(lines: Iterable[int]) -> list[tuple[int, int]]:
    """(first, last) of each run of numbers that follow each other."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(lines)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


@dataclass(frozen=True, slots=True)
class Source:
    """A text and the path by which messages name it (relative to where the user stands)."""

    path: str
    text: str
    lines: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The lines without their ends, as CommonMark counts them."""

    def __post_init__(self) -> None:
        text = self.text.replace("\r\n", "\n").replace("\r", "\n")
        object.__setattr__(self, "lines", tuple(text.split("\n")))

    def slice(self, span: Span) -> str:
        """The whole lines of a span, joined by \\n."""
        return "\n".join(self.lines[span.line - 1 : span.end_line])

    def find(self, needle: str, after: int = 1) -> Span:
        """The first place of `needle` from line `after` on, or the start of that line when it is absent."""
        for number, line in enumerate(self.lines[after - 1 :], start=after):
            column = line.find(needle)
            if column >= 0:
                return Span(number, column + 1, number, column + len(needle))
        return Span(after)
