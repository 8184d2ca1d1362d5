"""Which reading of a document is taken: a second reader's, the one that the user accepted, or the surest. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from brengine.reading import units
from brengine.reading.markdown import Block, Tree
from brengine.reading.options import Lined, Options
from brengine.reading.units import Candidate, Unit
from brengine.source import Source, Span


def choose(ways: Sequence[Candidate], tree: Tree, source: Source, options: Options) -> Candidate | None:
    """The reading to take: a second reader's, the accepted one, else the surest; None when there is nothing to read."""
    if options.lined:
        return _of_lines(options.lined, tree, source)
    accepted = next((way for way in ways if options.reading and way.how == options.reading), None)
    best = accepted or (ways[0] if ways else None)
    return best or _whole(tree)


def _whole(tree: Tree) -> Candidate | None:
    """The whole document as one feature: when nothing else can be made of it."""
    parts, body = tree.root.parts, tree.root.body
    if not parts and not body:
        return None
    span = Span(tree.front + 1, 1, tree.root.span.end_line)
    name = " ".join(body[0].text.split()[:8]) if body else ""
    unit = units.of_heading(parts[0]) if parts else Unit(name, span, Span(body[0].span.line), "lines", None, body)
    return Candidate("the whole document as one feature", (unit,), 0.2)


def _of_lines(lined: Sequence[Lined], tree: Tree, source: Source) -> Candidate:
    found = []
    for row in lined:
        span = Span(row.line, 1, row.end_line)
        part = next(
            (p for p in tree.root.walk() if p.heading and p.span.line == row.line and p.span.end_line <= row.end_line),
            None,
        )
        unit = units.of_heading(part) if part else _cut(span, tree, source)
        unit.name, unit.span = row.name, span
        found.append(unit)
    return Candidate("a second reader", tuple(found), 0.9)


def _cut(span: Span, tree: Tree, source: Source) -> Unit:
    """The blocks within a range of lines; headings in it count as labels. What is no block is taken line by line."""
    blocks: list[Block] = []
    for part in tree.root.walk():
        for block in part.body:
            items = block.children("item") if block.kind == "list" else []
            if span.line <= block.span.line and block.span.end_line <= span.end_line:
                blocks += _outlined(block, source) if block.span.line == span.line else [block]
            else:
                inside = [i for i in items if span.line <= i.span.line and i.span.end_line <= span.end_line]
                blocks += [Block("list", Span(i.span.line, 1, i.span.end_line), inside=[i]) for i in inside]
    blocks.sort(key=lambda block: block.span.line)
    return Unit("", span, Span(span.line), "lines", None, blocks or [_said(span, source)])


def _said(span: Span, source: Source) -> Block:
    """Lines that are no block of their own: a row of a table, a part of a paragraph."""
    rows = [
        " — ".join(cell.strip() for cell in line.strip().strip("|").split("|"))
        for line in source.lines[span.line - 1 : span.end_line]
    ]
    return Block("paragraph", span, "\n".join(row for row in rows if row))


def _outlined(block: Block, source: Source) -> list[Block]:
    """A paragraph whose later lines are indented below its first: each of them stands for itself."""
    lines = [(n, source.lines[n - 1]) for n in block.span.lines]
    if block.kind != "paragraph" or len(lines) < 2 or not all(line[:1].isspace() for _, line in lines[1:]):
        return [block]
    items = []
    for number, line in lines[1:]:
        place = Span(number, len(line) - len(line.lstrip()) + 1, number, len(line))
        items.append(Block("item", place, inside=[Block("paragraph", place, line.strip())]))
    first = Block("paragraph", Span(block.span.line), lines[0][1].strip())
    return [first, Block("list", Span(lines[1][0], 1, lines[-1][0]), inside=items)]
