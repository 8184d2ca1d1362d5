"""A unit of the document → a draft of a feature: its requirements, criteria and fields, each with its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from brengine import ids
from brengine.domain import LineKind
from brengine.reading import fields, titles
from brengine.reading.fields import Attributes
from brengine.reading.markdown import Block, Part
from brengine.reading.units import NAME_COLUMNS, Unit
from brengine.source import Source, Span

_GIVEN = re.compile(
    r"^[\W_]*(?:given|when|dado|dada|cuando|quando|étant donné|quand|angenommen|wenn|假设|当|前提|もし|дано|когда)\b",
    re.IGNORECASE,
)
_THEN = re.compile(
    r"^[\W_]*(?:when|then|and|but|entonces|então|então|y|e|cuando|quando|alors|et|dann|und|wenn|那么|并且|ならば|"
    r"тогда|и)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\b(?:then|shall|must|entonces|então|alors|dann|тогда)\b|那么|ならば", re.IGNORECASE)
_NORM = re.compile(r"\b(?:SHALL|MUST)\b|(?:必须|应当|しなければならない|해야 한다)")


_DEMAND = re.compile(
    r"^(?:requirement|description|criterion|criteria|acceptance|behaviou?r|what|text|要求|需求|描述|说明|要件|内容|説明|요구사항|설명|"
    r"descripción|descrição|description|beschreibung|anforderung|описание|требование)",
    re.IGNORECASE,
)
LONG = 1_500
"""Characters of a description that is one requirement; a longer one is one for each of its paragraphs."""
_ONE_LINE = ("needs", "outside")
_ENDS_ITSELF = (*_ONE_LINE, "priority", "status")
"""Fields whose value on their own line is all that they say: what follows is not theirs."""


class Row(NamedTuple):
    """A requirement or criterion as it is read: the text, where it stands, an id given to it."""

    text: str
    place: Span
    given: str = ""
    above: str = ""
    """What the text is about: the bullets above it, or the other cells of its row."""

    @property
    def full(self) -> str:
        """The text behind what it is about."""
        return f"{self.above}: {self.text}" if self.above else self.text


class Wish(NamedTuple):
    """A dependency as it is written. `strict`: it must name a feature; else it may be something outside."""

    text: str
    place: Span
    strict: bool = True
    quiet: bool = False
    """A sentence that may mean a feature: nothing is said where it does not."""


@dataclass(slots=True)
class Draft:
    """A feature while it is read, before ids are given and references resolved."""

    name: str
    span: Span
    place: Span
    attributes: Attributes
    description: list[str] = field(default_factory=list)
    requirements: list[Row] = field(default_factory=list)
    criteria: list[Row] = field(default_factory=list)
    priority: str = ""
    needs: list[Wish] = field(default_factory=list)
    done: bool = False
    built: list[Row] = field(default_factory=list)
    """Requirements that carry a done mark."""
    described: Span | None = None
    """Where the description begins."""
    later: list[tuple[Row, str]] = field(default_factory=list)
    """What is put off or ruled out within the feature, and why."""
    number: int = 0
    """By which number the document knows it."""
    marks: list[tuple[Span, LineKind]] = field(default_factory=list)
    unknown: list[tuple[Span, tuple[str, ...]]] = field(default_factory=list)
    """Attributes that mean nothing here, with their places."""
    lent: bool = False
    """The requirements are the criteria, for want of others."""
    bare: bool = False
    """Nothing says what it must do but its name."""


def draft(unit: Unit, source: Source) -> Draft:
    """The unit, read."""
    return _Reader(unit, source).read()


class _Reader:
    """Reads one unit; a label holds until the next one."""

    def __init__(self, unit: Unit, source: Source) -> None:
        self.unit = unit
        self.source = source
        self.said, labelled = fields.apart(unit.name)
        text, attributes = fields.attributes(fields.unmarked(self.said))
        self.draft = Draft("", unit.span, unit.place, attributes)
        self._labelled(labelled, unit.place)
        self.draft.name, self.rest = self._named(text)
        raw = fields.attributes(unit.part.title if unit.part is not None else unit.name)[0]
        self.draft.done = fields.ticked(raw) or titles.is_done(raw)
        self.draft.priority = self.draft.priority or fields.priority_in_title(raw)

    def _labelled(self, rows: Sequence[tuple[int, str, str]], place: Span) -> None:
        """Fields that stand in the text of a bullet, on lines of their own."""
        for offset, found, rest in rows:
            line = place.line + offset
            self._take(found, rest, Span(line, 1, line, max(1, len(self.source.lines[line - 1]))))
            self.draft.marks.append((Span(line), "attribute"))

    def _named(self, text: str) -> tuple[str, str]:
        if self.unit.kind in ("heading", "row", "lines"):
            return titles.bare(text), ""
        name, rest = fields.bold_name(text)
        if name == text:
            return text.rstrip(":： "), ""
        return titles.bare(name), rest

    def read(self) -> Draft:
        unit, draft = self.unit, self.draft
        if self.rest:
            draft.description.append(self.rest)
        if unit.part is not None:
            self._part(unit.part)
        self._blocks(unit.blocks, "")
        self._cells()
        self._demands()
        return draft

    def _demands(self) -> None:
        """Where nothing is marked as a requirement, the criteria are, else the description, else the name."""
        draft = self.draft
        if draft.requirements or draft.built:
            return
        draft.requirements, draft.criteria = draft.criteria, []
        draft.lent = bool(draft.requirements)
        text = " ".join(" ".join(draft.description).split())
        if not draft.requirements and self.unit.kind in ("item", "row") and not self.unit.blocks:
            whole, _ = fields.attributes(fields.unmarked(self.said))
            if self.unit.kind == "row" and text:
                draft.requirements.append(Row(text, draft.place, "", whole))
            else:
                draft.requirements.append(Row(whole, draft.place, "", _lead_in(self.unit.group)))
        elif not draft.requirements and text:
            pieces = [text] if len(text) <= LONG else [" ".join(piece.split()) for piece in draft.description]
            draft.requirements += [Row(piece, draft.described or draft.place) for piece in pieces if piece]
        elif not draft.requirements:
            draft.bare = True
            draft.requirements.append(Row(draft.name, draft.place))

    # --- headings below ---------------------------------------------------------------------------------------------

    def _part(self, part: Part) -> None:
        stack: list[tuple[Part, str, str]] = [(part, "", "")]
        while stack:
            inner, kind, title = stack.pop()
            why = titles.aside(inner.title) if inner is not part else ""
            if why:
                self.draft.later.append((Row(titles.bare(inner.title), inner.span), why))
                continue
            self._blocks(inner.body, kind, title)
            for below in reversed(inner.parts):
                stack.append(self._below(below, kind))

    def _below(self, part: Part, above: str) -> tuple[Part, str, str]:
        found, rest = fields.label(f"{titles.read(part.title).bare}: ") if ":" in part.title else ("", "")
        kind = found or fields.title_label(part.title)
        if rest:
            self.draft.description.append(rest)
        if not kind and titles.is_remark(part.title):
            kind = "description"
        scenario = re.match(r"(?i)\s*(?:scenario|user scenario|case|场景|시나리오|シナリオ)\b", part.title)
        return part, kind or (above if above == "criteria" else "requirements"), part.title if scenario else ""

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _blocks(self, blocks: Iterable[Block], kind: str, scenario: str = "") -> None:
        opened = kind
        lead = ""
        for block in blocks:
            if block.kind == "paragraph":
                kind = self._paragraph(block, kind, opened)
                lead = _lead_in(block.text)
            elif block.kind == "list" and scenario:
                self._scenario(block, scenario)
            elif block.kind == "list":
                self._list(block, kind, lead)
                lead = ""
            elif block.kind == "table":
                self._table(block, kind)
            elif block.kind == "quote":
                self._blocks(block.inside, "description")
            elif block.kind not in ("rule", "row", "cell"):
                self.draft.description.append(block.text or self.source.slice(block.span))

    def _paragraph(self, block: Block, kind: str, opened: str = "") -> str:
        label = opened if opened in (*_ENDS_ITSELF, "criteria") else ""
        said: list[str] = []
        for offset, line in enumerate(block.text.split("\n")):
            found, rest = fields.label(line)
            place = Span(block.span.line + offset, block.span.column, block.span.line + offset, len(line) + 1)
            if found == "hint":
                self._take(found, rest, place)
                found = ""
            if found:
                label = found
                kind = "" if rest and found in _ENDS_ITSELF else found
                self.draft.marks.append((place, "attribute"))
            elif fields.unknown_label(line):
                label = kind = ""
            text = (rest if found else line).strip()
            if text and found:
                self._take(found, text, place)
                label = "" if found in _ENDS_ITSELF else label
            elif text and label in (*_ENDS_ITSELF, "criteria", "requirements") and not said:
                self._take(label, text, place)
            elif text:
                said.append(text)
        if said:
            text = "\n".join(said)
            wanted = kind if kind in ("criteria",) and label else "description"
            if _NORM.search(text) and wanted == "description":
                wanted = "requirements"
                text = " ".join(text.split())
            self._take(wanted, text, block.span)
        return kind

    def _list(self, block: Block, kind: str, lead: str = "") -> None:
        rows: list[Row] = []
        for item in block.children("item"):
            text, place = own_text(item)
            found, rest = fields.label(fields.unmarked(text))
            if found == "hint":
                self._take(found, rest, place)
            if found and _is_field(found, item, rest):
                if rest:
                    self._take(found, rest, place)
                self.draft.marks.append((place, "attribute"))
                self._blocks([inner for inner in item.inside if inner.kind != "paragraph"], found)
                continue
            rows += self._items(item, kind, lead)
        wanted = kind or "requirements"
        for row in _scenes(rows):
            self._take(wanted, *row)

    def _items(self, item: Block, kind: str = "", above: str = "") -> list[Row]:
        """A bullet and the bullets below it, each a text of its own that names the bullet above."""
        found: list[Row] = []
        stack = [(item, above)]
        while stack:
            block, prefix = stack.pop()
            text, place = own_text(block)
            text, labelled = fields.apart(text)
            self._labelled(labelled, place)
            if labelled:
                place = Span(place.line, place.column, place.line + labelled[0][0] - 1)
            bare, attributes = fields.attributes(fields.unmarked(text))
            if attributes.unknown:
                self.draft.unknown.append((place, attributes.unknown))
            why = fields.put_off(bare)
            if why:
                self.draft.later.append((Row(bare, block.span, attributes.id, prefix), why))
                continue
            if bare and fields.ticked(text) and kind != "criteria":
                self.draft.built.append(Row(bare, place, attributes.id, prefix))
            elif bare:
                found.append(Row(bare, place, attributes.id, prefix))
            for inner in block.inside:
                if inner.kind in ("fence", "table", "html", "quote") or (
                    inner.kind == "paragraph" and inner.span.line != place.line
                ):
                    self.draft.description.append(inner.text or self.source.slice(inner.span))
            below = [i for inner in block.inside if inner.kind == "list" for i in inner.children("item")]
            stack += [(inner, lead(prefix, bare)) for inner in reversed(below)]
        return found

    def _scenario(self, block: Block, title: str) -> None:
        """A scenario's bullets are one criterion, told under its name."""
        rows = [row for item in block.children("item") for row in self._items(item)]
        if rows:
            span = Span(rows[0].place.line, rows[0].place.column, rows[-1].place.end_line)
            self._take("criteria", " ".join(row.text for row in rows), span, "", titles.bare(title))

    def _table(self, block: Block, kind: str) -> None:
        lines = [row for row in block.walk() if row.kind == "row"]
        head = [cell.text for cell in lines[0].children("cell")] if lines else []
        if kind not in ("requirements", "criteria") and not any(NAME_COLUMNS.match(titles.read(t).bare) for t in head):
            self.draft.description.append(self.source.slice(block.span))
            return
        column = _main_column(head, lines[1:])
        for line in lines[1:]:
            cells = [cell.text.strip() for cell in line.children("cell")]
            text = cells[column] if column < len(cells) else ""
            others = [cell for n, cell in enumerate(cells) if n != column and cell]
            if text or others:
                given = others[0] if others and ids.is_number(others[0].lower()) else ""
                wanted = kind if kind == "criteria" else "requirements"
                self._take(wanted, text or others[0], line.span, given, " — ".join(others if text else others[1:]))

    def _cells(self) -> None:
        for name, text in self.unit.cells.items():
            found, _ = fields.label(f"{name}: x")
            if found in ("priority", *_ONE_LINE, "status") or (found in ("criteria", "requirements") and text.strip()):
                self._take(found, text, self.unit.place)
            elif text.strip() and text.strip() not in ("-", "—"):
                self.draft.description.append(text.strip() if found == "description" else f"{name}: {text.strip()}")

    def _take(self, kind: str, text: str, place: Span, given: str = "", above: str = "") -> None:
        draft = self.draft
        if kind == "priority":
            draft.priority = text
        elif kind == "status":
            draft.done = draft.done or fields.done_status(text)
            draft.description.append(f"Status: {text}")
        elif kind in _ONE_LINE:
            for name in fields.references(text):
                draft.needs.append(Wish(name, place, kind == "needs"))
            draft.marks.append((place, "attribute"))
        elif kind == "hint":
            draft.needs += [Wish(name, place, strict=False, quiet=True) for name in fields.references(text)]
        elif kind == "criteria":
            draft.criteria.append(Row(text, place, given, above))
        elif kind == "requirements":
            draft.requirements.append(Row(text, place, given, above))
        else:
            draft.described = draft.described or place
            draft.description.append(text)


def _lead_in(text: str) -> str:
    """The sentence before a list that its bullets complete: `The app must not:`; "" for labels and names."""
    last = text.rstrip().split("\n")[-1].strip("*_ ")
    short = last.endswith((":", "：")) and len(last) < 120 and len(last.split()) > 2
    return last.rstrip(":： *_") if short and not fields.label(last)[0] else ""


def lead(above: str, text: str) -> str:
    """What the bullets below a bullet are about."""
    own = text.rstrip(":： ")
    return (f"{above}: {own}" if above else own) if own and len(above) < 400 else above


def _main_column(head: Sequence[str], lines: Sequence[Block]) -> int:
    """The column that says what is demanded: by its heading, else the one with the longest texts."""
    for number, title in enumerate(head):
        if _DEMAND.match(titles.read(title).bare):
            return number
    lengths = [sum(len(c.text) for line in lines for c in line.children("cell")[n : n + 1]) for n in range(len(head))]
    return lengths.index(max(lengths)) if lengths else 0


def own_text(item: Block) -> tuple[str, Span]:
    """The first paragraph of a list item, and where it stands."""
    first = next((block for block in item.inside if block.kind == "paragraph"), None)
    return (first.text, first.span) if first else ("", item.span)


def _is_field(found: str, item: Block, rest: str) -> bool:
    """A labelled bullet is a field; one of description with a text of its own and nothing below is a requirement.

    So is one of priority or status whose text is no such value, and a sentence that begins like a dependency.
    """
    if found == "hint":
        return False
    if found == "priority":
        return fields.priority_of(rest) is not None and len(rest.split()) < 5
    if found == "status":
        return fields.is_status(rest)
    return found != "description" or not rest or any(inner.kind == "list" for inner in item.inside)


def _scenes(rows: Sequence[Row]) -> list[Row]:
    """Given, When and Then in bullets of their own are one criterion."""
    found: list[Row] = []
    is_open = False
    for row in rows:
        whole = bool(_WHOLE.search(row.text[1:])) and bool(_GIVEN.match(row.text))
        if is_open and _THEN.match(row.text) and not whole:
            last = found[-1]
            span = Span(last.place.line, last.place.column, row.place.end_line)
            found[-1] = Row(f"{last.text} {row.text}", span, last.given, last.above)
            continue
        found.append(row)
        is_open = bool(_GIVEN.match(row.text)) and not whole
    return found
