"""The second reader: a model that answers with line ranges, and the checks of what it says against the text. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from brengine.reading.options import Lined
from brengine.source import Source

ATTEMPTS = 2
"""Asks for one text: the first, and one with what was wrong with its answer."""
CLIP = 240
"""Characters of a line that the second reader is shown."""
LIKE = 0.6
"""The share of a name's words that must stand at the beginning of its lines."""
_FEATURE = re.compile(r"^[\s*-]*FEATURE\s+(\d{1,7})\s*[-–—]\s*(\d{1,7})\s*[:：]\s*(\S.*)$")
_NOTHING = re.compile(r"^[\s*-]*NOTHING\s*[:：]\s*(\S.*)$")
_END = re.compile(r"^[\s*-]*END\s+(\d{1,7})\s*$")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reply says. It counts only without findings."""

    lined: tuple[Lined, ...] = ()
    nothing: str = ""
    findings: tuple[str, ...] = ()


def numbered(source: Source) -> str:
    """The text with a number before each line, long lines clipped."""
    width = len(str(len(source.lines)))
    return "\n".join(
        f"{number:>{width}}| {line[:CLIP]}{'…' if len(line) > CLIP else ''}"
        for number, line in enumerate(source.lines, start=1)
    )


def check(reply: str, stop: str, source: Source) -> Answer:
    """The answer in a reply, checked against the text: ranges in it, apart, each beginning with its name."""
    lined, nothing, ends = [], "", []
    for line in reply.splitlines():
        feature, none, end = _FEATURE.match(line), _NOTHING.match(line), _END.match(line)
        if feature:
            lined.append(Lined(feature[3].strip().strip("`"), int(feature[1]), int(feature[2])))
        elif none:
            nothing = none[1].strip()[:300]
        elif end:
            ends.append(int(end[1]))
    findings = [found for row in lined for found in _of_one(row, source)] + _of_all(lined)
    if stop != "end_turn":
        findings.append(f"the reply did not end by itself ({stop})")
    if ends != [len(lined)]:
        findings.append(f"it must end with `END {len(lined)}`: the number of its FEATURE lines")
    if bool(lined) == bool(nothing):
        findings.append("it must give FEATURE lines, or one NOTHING line")
    return Answer(tuple(sorted(lined, key=lambda row: row.line)), nothing, tuple(findings))


def _of_one(row: Lined, source: Source) -> list[str]:
    said = f"FEATURE {row.line}-{row.end_line}: {row.name[:80]}"
    if not 1 <= row.line <= row.end_line <= len(source.lines):
        return [f"{said}: the text has lines 1 to {len(source.lines)}"]
    first = source.lines[row.line - 1].strip()
    if not first:
        return [f"{said}: line {row.line} is empty"]
    if not _names(row.name, first):
        return [f"{said}: line {row.line} does not name it; it says {first[:80]!r}"]
    return []


def _of_all(lined: list[Lined]) -> list[str]:
    rows = sorted(lined, key=lambda row: row.line)
    return [
        f"lines {other.line}-{one.end_line} are in {one.name[:60]!r} and in {other.name[:60]!r}"
        for one, other in pairwise(rows)
        if other.line <= one.end_line
    ]


def _names(name: str, text: str) -> bool:
    wanted, there = _words(name), _words(text)
    return bool(wanted) and len(wanted & there) >= LIKE * len(wanted)


def _words(text: str) -> set[str]:
    """Words, and pairs of characters where a script has no spaces between words."""
    plain = unicodedata.normalize("NFKC", text).lower()
    found: set[str] = set()
    for word in re.findall(r"[^\W_]+", plain):
        if re.match(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", word):
            found |= {word[n : n + 2] for n in range(max(1, len(word) - 1))}
        else:
            found.add(word)
    return found
