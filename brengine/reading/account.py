"""What became of every line of a document. Pure."""

from __future__ import annotations

from itertools import groupby

from brengine.domain import Account, LineKind
from brengine.source import Source, Span


class Lines:
    """The owner of each line; what is claimed later is finer and wins."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._owner: list[tuple[LineKind, str] | None] = [None for _ in source.lines]

    def claim(self, span: Span, kind: LineKind, of: str = "") -> None:
        """These lines became this."""
        for number in range(max(span.line, 1), min(span.end_line, len(self._owner)) + 1):
            self._owner[number - 1] = (kind, of)

    def account(self) -> tuple[Account, ...]:
        """Runs of lines with the same owner, in order; together they are the whole document."""
        rows = [
            (number, owner or ("blank", "") if owner or not line.strip() else ("context", "unclaimed"))
            for number, (owner, line) in enumerate(zip(self._owner, self._source.lines, strict=True), start=1)
        ]
        found = []
        for (kind, of), run in groupby(rows, key=lambda row: row[1]):
            numbers = [number for number, _ in run]
            found.append(Account(Span(numbers[0], 1, numbers[-1]), kind, of))
        return tuple(found)
