"""The units that a container holds: its sub-headings, list items, table rows or bold paragraphs. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from brengine.reading import titles
from brengine.reading.markdown import Block, Part
from brengine.source import Span

GROUP = re.compile(
    r"^(?:must|should|could|won'?t|nice)[ -]?(?:to )?(?:have)?s?\b|^p[0-4]\b|^(?:high|medium|low|optional|"
    r"required)\b(?: priority)?"
    r"|^(?:mvp|phase|epic|sprint|release|version|tier|milestone|v\d)\b",
    re.IGNORECASE,
)
"""Titles of groups of features, not of features."""
GROUP_TAIL = re.compile(
    r"[(（](?:phase|priority|priorität|priorité|prioridad|우선순위|优先级|優先度)\s*\d[^()（）]*[)）]", re.IGNORECASE
)
NAME_COLUMNS = re.compile(
    r"^(?:features?|names?|functions?|titles?|requirements?|capabilit(?:y|ies)|modules?|functionality|"
    r"user stor(?:y|ies)|stor(?:y|ies)"
    r"|descriptions?|功能|名称|機能|機能名|기능|기능명|funcionalidad|funcionalidade|fonctionnalité|funktion|"
    r"функция|tính năng)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Unit:
    """One feature to be: its name as written, all its lines, where the name stands, and its blocks."""

    name: str
    span: Span
    place: Span
    kind: str
    """heading, item, row, paragraph or lines."""
    part: Part | None = None
    blocks: list[Block] = field(default_factory=list)
    group: str = ""
    """The title of the group that it stands in, if any (`Must have`)."""
    cells: dict[str, str] = field(default_factory=dict)
    """For a row: the other columns by their headings."""

    @property
    def bodied(self) -> bool:
        """True when something is said below the name."""
        return bool(self.blocks or (self.part and (self.part.body or self.part.parts)) or self.cells)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to read the document."""

    how: str
    """What marks the features, for a person: `sub-headings of "Core Features"`."""
    units: tuple[Unit, ...]
    confidence: float
    containers: tuple[Part, ...] = ()
    removed: tuple[Unit, ...] = ()
    common: tuple[Part, ...] = ()
    """Parts whose items are requirements of all the units (a kit's `Functional Requirements`)."""

    @property
    def span(self) -> Span:
        """From the first unit's first line to the last one's last."""
        found = self.units or self.removed
        return Span(min(u.span.line for u in found), 1, max(u.span.end_line for u in found))


def headings(part: Part) -> list[Unit]:
    """The sub-headings that may be features: not those of known sections."""
    named = [below for below in part.parts if below.title.strip()]
    return [of_heading(below) for below in named if "{#" in below.title or not titles.is_frame(below.title)]


def of_heading(part: Part) -> Unit:
    """A heading with everything below it."""
    assert part.heading is not None
    return Unit(titles.feature_name(part.title) or part.title, part.span, part.heading.span, "heading", part)


def items(part: Part) -> list[Unit]:
    """The top-level list items; blocks between lone numbered items belong to the item above."""
    lists = [block for block in part.body if block.kind == "list"]
    ordered = [block for block in lists if block.ordered and len(block.inside) == 1]
    alternate = len(ordered) > 1 and any(not block.ordered for block in lists)
    found: list[Unit] = []
    label = ""
    for number, block in enumerate(part.body):
        end = part.body[number + 1].span.line - 1 if number + 1 < len(part.body) else part.own_end
        if block.kind == "list" and (not alternate or block.ordered):
            found += _of_list(block, end, label)
        elif found and (alternate or block.kind in ("fence", "table")):
            found[-1].blocks.append(block)
            found[-1].span = Span(found[-1].span.line, 1, end)
        elif block.kind == "paragraph" and _is_label(block.text):
            label = block.text
    return found


def _is_label(text: str) -> bool:
    return len(text) < 60 and "\n" not in text and text.rstrip("*_ ").endswith(":")


def _of_list(block: Block, last: int, label: str) -> list[Unit]:
    found = []
    rows = block.children("item")
    for number, item in enumerate(rows):
        end = rows[number + 1].span.line - 1 if number + 1 < len(rows) else last
        first = next((inner for inner in item.inside if inner.kind == "paragraph"), None)
        place = first.span if first else item.span
        rest = [inner for inner in item.inside if inner is not first]
        span = Span(item.span.line, 1, max(end, item.span.line))
        found.append(Unit(first.text if first else "", span, place, "item", None, rest, label))
    return found


def rows(part: Part) -> list[Unit]:
    """The rows of the part's tables, named by the column that names features, else by the first that is no number."""
    found: list[Unit] = []
    for table in part.body:
        if table.kind == "table":
            found += of_table(table)
    return found


def of_table(table: Block) -> list[Unit]:
    """The rows below the heading row; an empty first row is none."""
    lines = [block for block in table.walk() if block.kind == "row"]
    if len(lines) < 2:
        return []
    head = [cell.text for cell in lines[0].children("cell")]
    names = [titles.read(text).bare for text in head]
    column = _name_column(names, lines[1:])
    found = []
    for line in lines[1:]:
        cells = line.children("cell")
        if column < len(cells) and cells[column].text.strip():
            others = {names[n] or str(n): cell.text for n, cell in enumerate(cells) if n != column and n < len(names)}
            span = Span(cells[0].span.line)
            found.append(Unit(cells[column].text, span, cells[column].span, "row", cells=others))
    return found


def _name_column(names: Sequence[str], lines: Sequence[Block]) -> int:
    for number, name in enumerate(names):
        if NAME_COLUMNS.match(name):
            return number
    for number in range(len(names)):
        texts = [line.children("cell")[number].text for line in lines if number < len(line.children("cell"))]
        if sum(len(text) > 4 for text in texts) * 2 > len(texts):
            return number
    return 0


def bold(part: Part) -> list[Unit]:
    """Paragraphs that are, or begin with, a bold name, each with the blocks up to the next one."""
    found: list[Unit] = []
    for number, block in enumerate(part.body):
        end = part.body[number + 1].span.line - 1 if number + 1 < len(part.body) else part.own_end
        if block.kind == "paragraph" and _names_one(block.text):
            found.append(Unit(block.text, Span(block.span.line, 1, end), block.span, "paragraph"))
        elif found:
            found[-1].blocks.append(block)
            found[-1].span = Span(found[-1].span.line, 1, end)
    return found


def _names_one(text: str) -> bool:
    """True for a paragraph that begins with a bold name, or with `Feature 2: name`."""
    first = text.split("\n", 1)[0]
    return bool(re.match(r"(?:\d+[.)]\s*)?\*\*[^*\n]{2,100}\*\*", first) or titles.feature_name(first))


def grouped(part: Part) -> bool:
    """True when the part's sub-headings are groups of features: priorities, phases, `Core features`."""
    below = [p for p in part.parts if not titles.is_section(p.title)]
    if len(below) == 1:
        return bool(titles.rank(below[0].title)[0]) or _is_group(below[0])
    ranks = [titles.rank(p.title) for p in below]
    named = all(rank for rank, _ in ranks) and any(alone for _, alone in ranks) and layered(part)
    return bool(below) and (named or all(map(_is_group, below)))


def layered(part: Part) -> bool:
    """True when every sub-heading holds nothing but several headings of its own."""
    below = [p for p in part.parts if not titles.is_section(p.title)]
    return bool(below) and all(not p.body and len(p.parts) > 1 for p in below)


def _is_group(part: Part) -> bool:
    title = titles.read(part.title)
    return bool(GROUP.match(title.bare) or GROUP_TAIL.search(title.bare))
