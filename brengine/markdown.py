"""Markdown as a tree of headings, lists and other blocks with positions, through a real CommonMark parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from brengine.source import Source, Span


@dataclass(slots=True)
class Block:
    """One block: `heading`, `list`, `item`, `paragraph` or `other`, with its lines and what is inside."""

    kind: str
    span: Span
    text: str = ""
    level: int = 0
    inside: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Part:
    """A heading with the blocks up to the next heading, and the parts below it. The root has no heading."""

    heading: Block | None
    span: Span
    body: list[Block] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

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


def read(source: Source) -> Part:
    """The text as a tree of parts. Never raises; time is near-linear in the text."""
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable("table")
    front = front_matter_end(source)
    lines = source.lines
    text = "\n".join(["" for _ in lines[:front]] + list(lines[front:]))
    return _parts(_blocks(parser.parse(text), source), len(lines))


def front_matter_end(source: Source) -> int:
    """How many lines the front matter takes (0: there is none)."""
    lines = source.lines
    if lines[0].strip() != "---":
        return 0
    return next((n + 1 for n, line in enumerate(lines[1:200], start=1) if line.strip() in ("---", "...")), 0)


def _blocks(tokens: list[Token], source: Source) -> list[Block]:
    root = Block("root", Span(1))
    stack = [root]
    for token in tokens:
        if token.nesting == 1:
            block = _opened(token)
            stack[-1].inside.append(block)
            stack.append(block)
        elif token.nesting == -1:
            stack.pop()
        elif token.type == "inline":
            _take_text(stack[-1], token, source)
        elif token.map:
            span = Span(token.map[0] + 1, 1, token.map[1])
            stack[-1].inside.append(Block("other", span, source.slice(span)))
    return root.inside


def _opened(token: Token) -> Block:
    start, end = token.map or (0, 0)
    kinds = {"heading_open": "heading", "paragraph_open": "paragraph", "list_item_open": "item"}
    kinds |= {"bullet_list_open": "list", "ordered_list_open": "list"}
    level = int(token.tag[1]) if token.type == "heading_open" else 0
    return Block(kinds.get(token.type, "other"), Span(start + 1, 1, max(start + 1, end)), level=level)


def _take_text(block: Block, token: Token, source: Source) -> None:
    """The inline text as it is written, and the column that it begins at."""
    block.text = token.content
    start, end = token.map or (0, 1)
    first = token.content.split("\n", 1)[0]
    line = source.lines[start] if start < len(source.lines) else ""
    column = line.find(first.strip()) + 1 if first.strip() else 1
    block.span = Span(
        start + 1, max(column, 1), max(end, start + 1), len(source.lines[max(end, start + 1) - 1].rstrip())
    )


def _parts(blocks: list[Block], count: int) -> Part:
    root = Part(None, Span(1, 1, count))
    path = [root]
    for block in blocks:
        if block.kind != "heading":
            path[-1].body.append(block)
            continue
        while path[-1].level >= block.level:
            _end(path.pop(), block.span.line - 1)
        part = Part(block, Span(block.span.line, 1, count))
        path[-1].parts.append(part)
        path.append(part)
    return root


def _end(part: Part, line: int) -> None:
    part.span = Span(part.span.line, 1, max(part.span.line, line))
