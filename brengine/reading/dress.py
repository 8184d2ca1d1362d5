"""Odd line forms put into Markdown, line by line: bullets of other kinds, headings without a space, outlines. Pure.

The number of lines never changes, and nothing is written anywhere: positions hold in the user's own text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_LINE = 2000
"""Longer lines are left as they are: they are no headings or labels."""
_FENCE = re.compile(r"^\s{0,12}(`{3,}|~{3,})")
_TIGHT = re.compile(r"^(#{1,6})([^\W_].{0,100})$")
_ESCAPED = re.compile(r"^(\s*)\\(#{1,6}\s|[-*+]\s)")
_BULLET = re.compile(r"^(\s*)[•●▪◦‣∙■□◆➤➢►»](?:\s*)(?=\S)")
_DASH = re.compile(r"^(\s*)-(?=[^\W\d_])(?=\S+\s)")
_NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2})*[.)]?|[IVX]{1,4}[.)]|[A-Z][.)])\s+(\S.{1,79})$")
_CAPS = re.compile(r"^[^a-z\W\d][^a-z]{2,60}:?$")
_LABEL = re.compile(r"^[^\W\d_][^:.!?]{1,58}:$")
_EMOJI = re.compile(r"^[\u2600-\u27bf\U0001f300-\U0001faff]\ufe0f?\s*\S.{1,78}$")
_LIST = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s")
DIRECTIVES = ("#include", "#define", "#pragma", "#endif", "#ifdef", "#region", "#!")


@dataclass(frozen=True, slots=True)
class Dressed:
    """The lines as Markdown, and the numbers of those whose heading lacked a space or was a label."""

    lines: tuple[str, ...]
    tight: tuple[int, ...] = ()
    promoted: tuple[int, ...] = ()


def dress(lines: Sequence[str], start: int) -> Dressed:
    """`lines` from index `start` (after the front matter) on, each in its Markdown form."""
    out = ["" for _ in lines[:start]]
    free = list(_outside(lines, start))
    tight: list[int] = []
    for number, inside in enumerate(free, start=start):
        line = lines[number]
        made = line if inside or len(line) > MAX_LINE else _line(line)
        if made != line and made.startswith("#") and line.startswith("#"):
            tight.append(number + 1)
        out.append(made)
    if any(line.startswith("#") for line, inside in zip(out[start:], free, strict=True) if not inside) or _setext(out):
        return Dressed(tuple(out), tuple(tight))
    promoted = _promote(out, start, free)
    return Dressed(tuple(out), tuple(tight), tuple(promoted))


def _outside(lines: Sequence[str], start: int) -> list[bool]:
    """For each line from `start`, whether it is in or at a fence."""
    fence = ""
    found = []
    for line in lines[start:]:
        match = _FENCE.match(line[:200])
        if fence:
            found.append(True)
            if match and match[1].startswith(fence) and not line.strip().strip("`~"):
                fence = ""
        elif match:
            fence = match[1]
            found.append(True)
        else:
            found.append(False)
    return found


def _line(line: str) -> str:
    line = _ESCAPED.sub(r"\1\2", line)
    line = _BULLET.sub(r"\1- ", line)
    line = _DASH.sub(r"\1- ", line)
    match = _TIGHT.match(line)
    if match and not line.startswith(DIRECTIVES):
        return f"{match[1]} {match[2]}"
    return line


def _setext(lines: Sequence[str]) -> bool:
    return any(
        re.fullmatch(r"={3,}\s*|-{3,}\s*", line) and above.strip() and not _LIST.match(above) and "|" not in above
        for above, line in pairwise(lines)
    )


def _promote(lines: list[str], start: int, free: Sequence[bool]) -> list[int]:
    """In a text without headings, make its label lines headings; the style met first is the outermost."""
    levels: dict[str, int] = {}
    made: list[int] = []
    for index in range(start, len(lines)):
        style = "" if free[index - start] else _style(lines, index)
        if not style:
            continue
        first = not made and not levels and not any(line.strip() for line in lines[start:index])
        level = 1 if first and style == "caps" else levels.setdefault(style, min(2 + len(levels), 5))
        made.append(index + 1)
        lines[index] = f"{'#' * level} {lines[index].strip().rstrip(':')}"
    return made


def _style(lines: Sequence[str], index: int) -> str:
    """Which kind of label a line is, "" for none."""
    line = lines[index].rstrip()
    if not line or line[0] in " \t|>" or len(line) > 90 or (_LIST.match(line) and not _NUMBERED.match(line)):
        return ""
    if _CAPS.match(line) and any(c.isalpha() for c in line):
        return "caps"
    if _EMOJI.match(line):
        return "emoji"
    if _LABEL.match(line) and len(line.split()) <= 6:
        return "label"
    match = _NUMBERED.match(line)
    if match and not line.endswith((".", ";", ",")) and not _continues(lines, index):
        depth = match[1].strip(".)").count(".")
        kind = "number" if match[1][0].isdigit() else "letter"
        return f"{kind}{depth}{match[1][-1] if not match[1][-1].isalnum() else ''}"
    return ""


def _continues(lines: Sequence[str], index: int) -> bool:
    """True when the line is part of a numbered list: the next or the last line that says something is one too."""
    after = next((line for line in lines[index + 1 :] if line.strip()), "")
    return bool(_NUMBERED.match(after.rstrip())) or after.startswith(("   ", "\t"))
