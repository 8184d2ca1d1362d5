"""What is no feature: the sections of a document, with their roles, and what they ignore. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from brengine import ids
from brengine.domain import Ignored, Section
from brengine.reading import features, fields, titles
from brengine.reading.features import Row
from brengine.reading.markdown import Block, Part, Tree
from brengine.source import Source, Span


class Sections:
    """Collects the sections, the criteria that they state, and the lines that are passed over."""

    def __init__(self, source: Source, tree: Tree, taken: Sequence[Span]) -> None:
        self.source = source
        self.tree = tree
        self.found: list[Section] = []
        self.criteria: list[Row] = []
        self.ignored: list[Ignored] = []
        self.coverage: int | None = None
        self._taken = {line for span in taken for line in span.lines}
        self._ids: set[str] = set()

    def read(self) -> None:
        """Read everything that is not taken."""
        front, root = self.tree.front, self.tree.root
        if front:
            self._section("front matter", Span(1, 1, front))
        for span in self._free(front + 1, root.own_end):
            self._section("preamble", span)
        for part in root.parts:
            self._part(part)
        self.found.sort(key=lambda section: section.span.line)

    def _part(self, part: Part) -> None:
        stack = [part]
        while stack:
            inner = stack.pop()
            if inner.span.line in self._taken:
                continue
            whole = not any(line in self._taken for line in inner.span.lines)
            if whole and (inner.level > 1 or not inner.parts) and not _holds_others(inner):
                self._section(inner.title, inner.span, inner, [b for p in inner.walk() for b in p.body])
                continue
            for number, span in enumerate(self._free(inner.span.line, inner.own_end)):
                title = inner.title if not number else f"{inner.title} {span.line}"
                self._section(title, span, inner if not number else None, inner.body)
            stack += reversed(inner.parts)

    def _free(self, first: int, last: int) -> Iterator[Span]:
        """The runs of lines from first to last that are not taken and say something."""
        start = 0
        for line in range(first, last + 2):
            free = line <= last and line not in self._taken
            if free and not start:
                start = line
            elif not free and start:
                if any(self.source.lines[n - 1].strip() for n in range(start, line)):
                    yield Span(start, 1, line - 1)
                start = 0

    def _section(self, title: str, span: Span, part: Part | None = None, blocks: Iterable[Block] = ()) -> None:
        skip = 1 if part is not None and span.line == part.span.line else 0
        body = self.source.slice(Span(span.line + skip, 1, span.end_line)) if span.end_line >= span.line + skip else ""
        why = titles.aside(title) if part is not None else ""
        above = next((titles.aside(p.title) for p in part.trail() if titles.aside(p.title)), "") if part else ""
        why = why or above
        role = "other" if why == "for later" else titles.role(title)
        name = self._id(title)
        self.found.append(Section(name, titles.read(title).bare or title, role, span, body.strip()))
        if why:
            self.ignored.append(Ignored(span, f"{titles.read(title).bare}: {why}"))
        elif role == "acceptance":
            self._criteria(blocks)
        elif role == "non-functional":
            self._measurable(blocks)

    def _id(self, title: str) -> str:
        name, number = ids.slug(title, "section"), 1
        while name in self._ids:
            number += 1
            name = f"{ids.slug(title, 'section')}-{number}"
        self._ids.add(name)
        return name

    def _criteria(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            if block.kind == "list" and block.span.line not in self._taken:
                self.criteria += _rows(block)

    def _measurable(self, blocks: Iterable[Block]) -> None:
        """Non-functional demands with a number are criteria; one of coverage is a goal."""
        for block in blocks:
            for row in _stated(block) if block.span.line not in self._taken else ():
                goal = coverage(row.text)
                if goal is not None:
                    self.coverage = goal
                elif (block.kind == "list" and re.search(r"\d", row.text)) or _MEASURE.search(row.text):
                    self.criteria.append(row)


def _holds_others(part: Part) -> bool:
    """True for a part of no role of its own above parts that bind or state criteria: they are sections themselves."""
    telling = ("tech-stack", "layout", "acceptance", "non-functional", "constraints")
    return titles.role(part.title) in ("other", "overview") and any(
        titles.role(below.title) in telling and titles.is_section(below.title)
        for below in part.walk()
        if below is not part
    )


_MEASURE = re.compile(
    r"\d\s*(?:ms|s|sec|seconds?|minutes?|hours?|%|percent|[kmgt]i?b|mb/s|rps|qps|fps|requests?|users?|connections?|"
    r"毫秒|秒|分钟|ミリ秒|초|segundos?|secondes?|sekunden?|секунд\w*)(?!\w)",
    re.IGNORECASE,
)


def _stated(block: Block) -> list[Row]:
    """What a block states: its bullets, the rows of a table, a short paragraph."""
    if block.kind == "list":
        return _rows(block)
    if block.kind == "table":
        lines = [row for row in block.walk() if row.kind == "row"][1:]
        texts = [" — ".join(c.text.strip() for c in line.children("cell") if c.text.strip()) for line in lines]
        return [Row(text, line.span) for text, line in zip(texts, lines, strict=True) if text]
    if block.kind == "paragraph" and len(block.text) < 400:
        return [Row(" ".join(block.text.split()), block.span)]
    return []


def _rows(block: Block) -> list[Row]:
    """The bullets of a list, those below naming the one above."""
    found: list[Row] = []
    stack = [(item, "") for item in reversed(block.children("item"))]
    while stack:
        item, prefix = stack.pop()
        text, place = features.own_text(item)
        bare, attributes = fields.attributes(fields.unmarked(text))
        below = [i for inner in item.inside if inner.kind == "list" for i in inner.children("item")]
        if bare and not (below and bare.endswith(":")):
            found.append(Row(bare, place, attributes.id, prefix))
        stack += [(inner, features.lead(prefix, bare)) for inner in reversed(below)]
    return found


def coverage(text: str) -> int | None:
    """The per cent in `test coverage ≥ 90 %` and the like, else None."""
    match = re.search(
        r"\bcoverage\b\D{0,30}?(\d{1,3})\s*%|(\d{1,3})\s*%\+?\s*(?:\w+\s+){0,3}coverage\b", text[:500], re.IGNORECASE
    )
    value = int(match[1] or match[2]) if match else 101
    return value if value <= 100 else None
