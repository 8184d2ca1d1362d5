"""Markdown as a tree of headings, lists, tables and other blocks with positions, through a real CommonMark parser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from brengine.reading.dress import Dressed, dress
from brengine.source import Source, Span

NESTING = 60
"""Blocks are read to this depth; what is deeper stays text of the block above."""
MAX_INDENT = 200
_KINDS = {
    "heading_open": "heading",
    "paragraph_open": "paragraph",
    "list_item_open": "item",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "tr_open": "row",
    "th_open": "cell",
    "td_open": "cell",
    "blockquote_open": "quote",
    "fence": "fence",
    "code_block": "fence",
    "html_block": "html",
    "hr": "rule",
}


@dataclass(slots=True)
class Block:
    """One block (heading, list, item, paragraph, table, row, cell, quote, fence, html, rule) with what is inside."""

    kind: str
    span: Span
    text: str = ""
    level: int = 0
    ordered: bool = False
    inside: list[Block] = field(default_factory=list)

    def children(self, kind: str) -> list[Block]:
        """The blocks of a kind directly inside."""
        return [block for block in self.inside if block.kind == kind]

    def walk(self) -> Iterator[Block]:
        """This block and all inside, in order of the text."""
        stack = [self]
        while stack:
            block = stack.pop()
            yield block
            stack.extend(reversed(block.inside))


@dataclass(slots=True)
class Part:
    """A heading with the blocks up to the next heading, and the parts below it. The root has no heading."""

    heading: Block | None
    span: Span
    body: list[Block] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    above: Part | None = field(default=None, repr=False)

    @property
    def level(self) -> int:
        """1–6, 0 for the root."""
        return self.heading.level if self.heading else 0

    @property
    def title(self) -> str:
        """The heading's text, "" for the root."""
        return self.heading.text if self.heading else ""

    @property
    def own_end(self) -> int:
        """The last line before the first part below."""
        return self.parts[0].span.line - 1 if self.parts else self.span.end_line

    def walk(self) -> Iterator[Part]:
        """This part and all below, in order of the text."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.parts))

    def trail(self) -> Iterator[Part]:
        """The parts above it, from the nearest outwards, without the root."""
        part = self.above
        while part is not None and part.heading is not None:
            yield part
            part = part.above


@dataclass(frozen=True, slots=True)
class Tree:
    """A document's parts, and which of its lines were odd."""

    root: Part
    front: int
    """How many lines the front matter takes."""
    dressed: Dressed


def read(source: Source) -> Tree:
    """The text as a tree of parts. Never raises; time is near-linear in the text."""
    front = front_matter_end(source)
    dressed = dress(source.lines, front)
    return Tree(_parts(_blocks(_tokens(dressed.lines), source), len(source.lines)), front, dressed)


def _tokens(lines: Sequence[str]) -> list[Token]:
    parser = MarkdownIt("commonmark", {"maxNesting": NESTING}).enable("table").disable("reference")
    parser.core.ruler.disable(["inline", "text_join"])
    return parser.parse("\n".join(map(_shallow, lines)))


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: its language, its lines without their common indent, and the number of the first of them."""

    language: str
    lines: tuple[str, ...]
    first: int
    numbers: range
    """The numbers of its lines, the marks around them included."""


@lru_cache(maxsize=4)
def fences(source: Source) -> tuple[Fence, ...]:
    """The fenced blocks of a document in order; one that is not closed ends with what it stands in."""
    front = front_matter_end(source)
    found = []
    for token in _tokens(["" for _ in range(front)] + list(source.lines[front:])):
        if token.type == "fence" and token.map:
            first, last = token.map
            language = token.info.split()[0].lower() if token.info.split() else ""
            lines = tuple(token.content.removesuffix("\n").split("\n")) if token.content else ()
            found.append(Fence(language, lines, first + 2, range(first + 1, last + 1)))
    return tuple(found)


def front_matter_end(source: Source) -> int:
    """How many lines the front matter takes (0: there is none)."""
    lines = source.lines
    if lines[0].strip() != "---":
        return 0
    end = next((n + 1 for n, line in enumerate(lines[1:200], start=1) if line.strip() in ("---", "...")), 0)
    inside = [line for line in lines[1 : end - 1] if line.strip()]
    return end if inside and any(re.match(r"[\w\"'-]+\s*:", line) for line in inside) else 0


def _shallow(line: str) -> str:
    """A line whose marks nest absurdly deep, as plain text: no person wrote it."""
    head = line[:MAX_INDENT]
    if len(line) > MAX_INDENT and (not head.strip() or not head.strip(" \t>-+*#")):
        return "x" + line.strip()[:1]
    return line


def _blocks(tokens: Sequence[Token], source: Source) -> list[Block]:
    root = Block("root", Span(1))
    stack = [root]
    for token in tokens:
        if token.nesting == 1:
            block = _opened(token, stack[-1])
            stack[-1].inside.append(block)
            stack.append(block)
        elif token.nesting == -1:
            stack.pop()
        elif token.type == "inline":
            _take_text(stack[-1], token, source)
        elif token.map:
            span = Span(token.map[0] + 1, 1, token.map[1])
            stack[-1].inside.append(Block(_KINDS.get(token.type, "other"), span, source.slice(span)))
    return root.inside


def _opened(token: Token, above: Block) -> Block:
    start, end = token.map or (above.span.line - 1, above.span.end_line)
    level = int(token.tag[1]) if token.type == "heading_open" else 0
    span = Span(start + 1, 1, max(start + 1, end))
    return Block(_KINDS.get(token.type, "other"), span, level=level, ordered=token.type == "ordered_list_open")


def _take_text(block: Block, token: Token, source: Source) -> None:
    """The inline text as it is written, and the column that it begins at."""
    block.text = token.content
    start, end = token.map or (block.span.line - 1, block.span.line)
    first = token.content.split("\n", 1)[0].strip()
    line = source.lines[start] if start < len(source.lines) else ""
    column = line.find(first) + 1 if first else 1
    last = max(end, start + 1)
    width = len(source.lines[last - 1].rstrip())
    if block.kind == "cell" and column:
        width = column + len(first) - 1
    block.span = Span(start + 1, max(column, 1), last, width)


def _parts(blocks: Sequence[Block], count: int) -> Part:
    root = Part(None, Span(1, 1, count))
    path = [root]
    for block in blocks:
        if block.kind != "heading":
            path[-1].body.append(block)
            continue
        while path[-1].level >= block.level:
            _end(path.pop(), block.span.line - 1)
        part = Part(block, Span(block.span.line, 1, count), above=path[-1])
        path[-1].parts.append(part)
        path.append(part)
    return root


def _end(part: Part, line: int) -> None:
    part.span = Span(part.span.line, 1, max(part.span.line, line))
