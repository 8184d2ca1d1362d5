"""Spec lines as a plan file quotes them, and where they stand in the text of today. Pure.

A quote is `24| the line as it was`. The number says where it stood; the text decides where it stands now, so lines
that are inserted elsewhere move nothing. `24-30, 41` names lines without quoting them: valid for the present text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from statistics import median

from brengine.source import runs

_QUOTE = re.compile(r"^\s*(\d{1,7})\s*\|(?: (.*)|\s*)$")
_RANGES = re.compile(r"^\s*\d{1,7}(?:\s*[-–]\s*\d{1,7})?(?:\s*,\s*\d{1,7}(?:\s*[-–]\s*\d{1,7})?)*\s*,?\s*$")
_RANGE = re.compile(r"(\d{1,7})(?:\s*[-–]\s*(\d{1,7}))?")
_MENTION = re.compile(rf"\blines?\s+({_RANGE.pattern}(?:\s*(?:,|and|or)\s*{_RANGE.pattern})*)")
SIMILAR = 0.5
"""How alike an edited line must be to the one that it stands for."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A line of the specification as it was quoted: its number then, and its text (None: only the number)."""

    line: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """Where quotes stand now: line numbers in order, and the quotes that stand nowhere."""

    lines: tuple[int, ...] = ()
    lost: tuple[Quote, ...] = ()


def read(text: str) -> tuple[tuple[Quote, ...], str]:
    """(the quotes and ranges of a text, the first row that is neither or "")."""
    found: list[Quote] = []
    for row in text.split("\n"):
        quote = _QUOTE.match(row)
        if quote:
            if (quote[2] or "").strip():
                found.append(Quote(int(quote[1]), (quote[2] or "").rstrip()))
        elif _RANGES.match(row):
            for match in _RANGE.finditer(row):
                first, last = int(match[1]), int(match[2] or match[1])
                if last < first or last - first > 20_000:
                    return tuple(found), row
                found += [Quote(number) for number in range(first, last + 1)]
        elif row.strip():
            return tuple(found), row
    return tuple(found), ""


def mentioned(text: str) -> frozenset[int]:
    """The numbers that a text speaks of as lines: `line 12`, `lines 3-5, 9`."""
    found: set[int] = set()
    for said in _MENTION.finditer(text):
        for match in _RANGE.finditer(said[1]):
            first, last = int(match[1]), int(match[2] or match[1])
            found |= set(range(first, min(last, first + 500) + 1))
    return frozenset(found)


class Present:
    """The text of today, in which quotes are looked up."""

    def __init__(self, texts: Sequence[str], quotes: Iterable[Quote] = ()) -> None:
        """`quotes` are all quotes of the plan: unique ones among them tell how far lines have moved."""
        self.texts = texts
        self._at: dict[str, list[int]] = {}
        for number, text in enumerate(texts, start=1):
            if text.strip():
                self._at.setdefault(text.rstrip(), []).append(number)
        moved = {q.line: self._at[q.text][0] - q.line for q in quotes if q.text and len(self._at.get(q.text, ())) == 1}
        self._moved: Mapping[int, int] = moved
        self._common = int(median(moved.values())) if moved else 0

    def locate(self, quotes: Sequence[Quote]) -> Located:
        """Where the quotes stand. Equal lines are told apart by how far their neighbours have moved."""
        lines: list[int] = []
        lost: list[Quote] = []
        for quote in quotes:
            number = self._one(quote)
            if number:
                lines.append(number)
            else:
                lost.append(quote)
        return Located(tuple(sorted(set(lines))), tuple(lost))

    def _one(self, quote: Quote) -> int:
        if quote.text is None:
            return quote.line if 1 <= quote.line <= len(self.texts) else 0
        places = self._at.get(quote.text.rstrip(), [])
        if len(places) < 2:
            return places[0] if places else 0
        expected = quote.line + self._delta(quote.line)
        return min(places, key=lambda number: abs(number - expected))

    def _delta(self, line: int) -> int:
        if line in self._moved:
            return self._moved[line]
        near = min(self._moved, key=lambda other: (abs(other - line), other), default=None)
        return self._moved[near] if near is not None and abs(near - line) <= 40 else self._common

    def successors(self, lost: Iterable[Quote], free: Iterable[int]) -> dict[Quote, int]:
        """What lost lines became: the most alike of the free lines, near where they stood."""
        left = set(free)
        pairs = []
        for quote in lost:
            expected = quote.line + self._delta(quote.line)
            for number in left:
                if quote.text and abs(number - expected) <= 60:
                    likeness = _likeness(quote.text, self.texts[number - 1])
                    if likeness >= SIMILAR:
                        pairs.append((-likeness, abs(number - expected), quote.line, number, quote))
        found: dict[Quote, int] = {}
        for *_, number, quote in sorted(pairs, key=lambda row: row[:4]):
            if quote not in found and number in left:
                found[quote] = number
                left.discard(number)
        return found


def _likeness(before: str, after: str) -> float:
    return SequenceMatcher(None, before.split(), after.split(), autojunk=False).ratio()


def ranges(lines: Iterable[int]) -> str:
    """1, 2, 3, 7 → `1-3, 7`."""
    return ", ".join(f"{a}-{b}" if b > a else str(a) for a, b in runs(lines))
