"""A specification's text → Spec. Pure, never raises; every line ends in a feature, a section or a diagnostic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brengine import ids, markdown
from brengine import spec_fields as fields
from brengine.domain import Feature, Requirement, Section, Spec
from brengine.errors import Diagnostic, Severity, diagnose, nearest
from brengine.markdown import Block, Part
from brengine.source import Source, Span
from brengine.spec_fields import Attributes

SMALLEST = "the smallest specification: `## Features`, below it `- Name`, below that `  - what it must do`"


@dataclass(slots=True)
class Draft:
    """A feature while it is read: texts and places, before ids are given and references resolved."""

    name: str
    span: Span
    place: Span
    attributes: Attributes
    description: list[str] = field(default_factory=list)
    requirements: list[tuple[str, Span, str]] = field(default_factory=list)
    """(text, place, explicit id)."""
    criteria: list[tuple[str, Span, str]] = field(default_factory=list)
    priority: str = ""
    needs: list[tuple[str, Span]] = field(default_factory=list)


@dataclass(slots=True)
class Reading:
    """What has been read so far."""

    source: Source
    drafts: list[Draft] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    criteria: list[tuple[str, Span, str]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def say(self, span: Span | None, rule: str, severity: Severity, message: str, hint: str = "") -> None:
        self.diagnostics.append(diagnose(self.source, span, rule, severity, message, hint))


def parse(
    source: Source, known: Mapping[str, Mapping[str, str]] | None = None, known_names: Mapping[str, str] | None = None
) -> Spec:
    """The specification. `known` is what a lock remembers: feature id → requirement id → text; names by feature id."""
    reading = Reading(source)
    if not source.text.strip():
        reading.say(None, "empty-spec", "error", "the specification is empty", SMALLEST)
        return Spec(source.path, "", diagnostics=tuple(reading.diagnostics))
    root = markdown.read(source)
    _preamble(root, reading)
    for part in root.parts:
        _part(part, reading)
    features = _features(reading, known or {}, known_names or {})
    if not reading.drafts:
        reading.say(Span(1), "no-features", "error", "there are no features to build here", SMALLEST)
    title = next((part.title for part in root.walk() if part.level == 1), "") or source.path
    criteria = _requirements(reading.criteria, {}, "criterion", reading)
    sections = tuple(sorted(reading.sections, key=lambda section: section.span.line))
    order = sorted(reading.diagnostics, key=lambda d: d.span.line if d.span else 0)
    return Spec(source.path, fields.plain_title(title), features, sections, criteria, tuple(order))


def known_of(spec: Spec) -> dict[str, dict[str, str]]:
    """Feature id → requirement id → text: what a lock remembers, so that rewording moves no id."""
    return {feature.id: {r.id: r.text for r in feature.requirements} for feature in spec.features}


def names_of(spec: Spec) -> dict[str, str]:
    """Feature id → name, for the same purpose."""
    return {feature.id: feature.name for feature in spec.features}


# --- parts --------------------------------------------------------------------------------------------------------


def _preamble(root: Part, reading: Reading) -> None:
    """What stands before the first heading: front matter, then plain text."""
    front = markdown.front_matter_end(reading.source)
    if front:
        _section(reading, "front matter", Span(1, 1, front))
    if root.own_end > front:
        lists = [b for b in root.body if b.kind == "list"]
        text = reading.source.slice(Span(front + 1, 1, root.own_end)).strip()
        _section(reading, "preamble", Span(front + 1, 1, root.own_end))
        if lists and text:
            message = "a list stands before any heading: it is kept as context, not read as features"
            reading.say(lists[0].span, "unknown-shape", "warning", message, "put it under `## Features`")


def _part(part: Part, reading: Reading) -> None:
    title, attributes = fields.attributes(part.title)
    name = fields.feature_heading(title)
    if name:
        _heading_feature(part, name, attributes, reading)
    elif fields.is_container(title):
        _container(part, reading)
    elif part.parts and (part.level == 1 or any(_leads_to_features(below) for below in part.parts)):
        _section(reading, title, Span(part.span.line, 1, part.own_end), part.body)
        for below in part.parts:
            _part(below, reading)
    else:
        blocks = [block for inner in part.walk() for block in inner.body]
        _section(reading, title, part.span, blocks)


def _leads_to_features(part: Part) -> bool:
    return any(fields.is_container(inner.title) or fields.feature_heading(inner.title) for inner in part.walk())


def _section(reading: Reading, title: str, span: Span, blocks: Sequence[Block] = ()) -> None:
    role = fields.role_of(title)
    skip = 1 if span.line <= span.end_line and title not in ("preamble", "front matter") else 0
    body = reading.source.slice(Span(span.line + skip, 1, span.end_line)) if span.end_line >= span.line + skip else ""
    taken = {section.id for section in reading.sections}
    name = ids.slug(title, "section")
    number = 1
    while name in taken:
        number += 1
        name = f"{ids.slug(title, 'section')}-{number}"
    reading.sections.append(Section(name, fields.plain_title(title), role, span, body.strip()))
    if role == "acceptance":
        for block in blocks:
            for text, place, given in _items(block, reading):
                reading.criteria.append((text, place, given))


def _container(part: Part, reading: Reading) -> None:
    lists = [block for block in part.body if block.kind == "list"]
    _section(reading, part.title, Span(part.span.line, 1, _heading_end(part, lists)))
    for number, block in enumerate(part.body):
        if block.kind == "list":
            following = part.body[number + 1].span.line if number + 1 < len(part.body) else part.own_end + 1
            _list_features(block, following - 1, reading)
        elif (lists and block.span.line > lists[0].span.line) or not (lists or part.parts):
            message = "this part of the features is in a shape that is not read: it is kept as context"
            reading.say(block.span, "unknown-shape", "warning", message, "give each feature a bullet or a sub-heading")
            if lists:
                _section(reading, f"{part.title} {block.span.line}", _to(block, part, number), ())
    for below in part.parts:
        title, attributes = fields.attributes(below.title)
        if fields.is_section(title):
            _part(below, reading)
            continue
        _heading_feature(below, fields.feature_heading(title) or fields.plain_title(title), attributes, reading)


def _heading_end(part: Part, lists: Sequence[Block]) -> int:
    return lists[0].span.line - 1 if lists else part.own_end


def _to(block: Block, part: Part, number: int) -> Span:
    end = part.body[number + 1].span.line - 1 if number + 1 < len(part.body) else part.own_end
    return Span(block.span.line, 1, max(block.span.line, end))


# --- features -----------------------------------------------------------------------------------------------------


def _list_features(block: Block, last: int, reading: Reading) -> None:
    """A feature for each bullet; its nested bullets are the requirements. A flat list is one requirement each."""
    items = [item for item in block.inside if item.kind == "item"]
    for number, item in enumerate(items):
        end = items[number + 1].span.line - 1 if number + 1 < len(items) else last
        text, place = _own_text(item)
        bare, attributes = fields.attributes(fields.unmarked(text))
        name, rest = fields.bold_name(bare)
        draft = Draft(name, Span(item.span.line, 1, max(end, item.span.line)), place, attributes)
        if rest:
            draft.description.append(rest)
        _read_blocks(_without_own_text(item), draft, reading)
        if not draft.requirements and not any(b.inside for i in items for b in i.inside if b.kind == "list"):
            draft.requirements.append((bare, place, ""))
        reading.drafts.append(draft)


def _heading_feature(part: Part, name: str, attributes: Attributes, reading: Reading) -> None:
    assert part.heading is not None
    draft = Draft(name, part.span, part.heading.span, attributes)
    _read_blocks(part.body, draft, reading)
    for below in part.walk():
        if below is part:
            continue
        kind, rest = fields.label(f"{fields.plain_title(below.title)}: ")
        _read_blocks(below.body, draft, reading, kind or "description")
        if not kind:
            message = f"{below.title!r} is no part of a feature that is known here: its bullets are read as description"
            reading.say(below.heading.span if below.heading else None, "unknown-shape", "warning", message)
        elif rest:
            draft.description.append(rest)
    reading.drafts.append(draft)


def _read_blocks(blocks: Sequence[Block], draft: Draft, reading: Reading, kind: str = "") -> None:
    """Read labels, paragraphs and lists in order; a label holds until the next one."""
    for block in blocks:
        if block.kind == "paragraph":
            kind = _read_paragraph(block, draft, kind)
        elif block.kind == "list":
            _read_list(block, draft, reading, kind)
        elif block.kind == "other":
            draft.description.append(block.text or reading.source.slice(block.span))


def _read_paragraph(block: Block, draft: Draft, kind: str) -> str:
    for offset, line in enumerate(block.text.split("\n")):
        label, rest = fields.label(line)
        place = Span(block.span.line + offset, block.span.column, block.span.line + offset, len(line) + 1)
        kind = label or kind
        said = (rest if label else line).strip()
        if said:
            _take(kind if label else "description", said, place, draft)
    return kind


def _read_list(block: Block, draft: Draft, reading: Reading, kind: str) -> None:
    for item in block.inside:
        text, place = _own_text(item)
        label, rest = fields.label(fields.unmarked(text))
        nested = [inner for inner in item.inside if inner.kind == "list"]
        if label:
            if rest:
                _take(label, rest, place, draft)
            for inner in nested:
                _read_list(inner, draft, reading, label)
            continue
        for line, spot, given in _items_of(item, reading):
            _take(kind or "requirements", line, spot, draft, given)


def _take(kind: str, text: str, place: Span, draft: Draft, given: str = "") -> None:
    if kind == "priority":
        draft.priority = text
    elif kind == "needs":
        draft.needs += [(name, place) for name in _references(text)]
    elif kind == "criteria":
        draft.criteria.append((text, place, given))
    elif kind == "requirements":
        draft.requirements.append((text, place, given))
    else:
        draft.description.append(text)


def _references(text: str) -> list[str]:
    names = [name.strip(" .*_`#") for name in text.replace(" and ", ",").replace(";", ",").split(",")]
    return [name for name in names if name.lower() not in fields.NOTHING]


def _own_text(item: Block) -> tuple[str, Span]:
    first = next((block for block in item.inside if block.kind == "paragraph"), None)
    return (first.text, first.span) if first else ("", item.span)


def _without_own_text(item: Block) -> list[Block]:
    first = next((block for block in item.inside if block.kind == "paragraph"), None)
    return [block for block in item.inside if block is not first]


def _items(block: Block, reading: Reading) -> list[tuple[str, Span, str]]:
    found: list[tuple[str, Span, str]] = []
    for item in block.inside if block.kind == "list" else ():
        found += _items_of(item, reading)
    return found


def _items_of(item: Block, reading: Reading, above: str = "") -> list[tuple[str, Span, str]]:
    """A bullet and the bullets below it, each a text of its own that names the bullet above."""
    found: list[tuple[str, Span, str]] = []
    stack = [(item, above)]
    while stack:
        block, prefix = stack.pop()
        text, place = _own_text(block)
        bare, attributes = fields.attributes(fields.unmarked(text))
        _check_attributes(attributes, place, reading)
        if bare:
            found.append((f"{prefix}{bare}", place, attributes.id))
        below = [i for inner in block.inside if inner.kind == "list" for i in inner.inside if i.kind == "item"]
        stack += [(inner, f"{prefix}{bare.rstrip(':')}: " if bare else prefix) for inner in reversed(below)]
    return found


# --- ids and references -------------------------------------------------------------------------------------------


def _features(
    reading: Reading, known: Mapping[str, Mapping[str, str]], names: Mapping[str, str]
) -> tuple[Feature, ...]:
    drafts = reading.drafts
    _complain_twice([(d.name, d.place, d.attributes.id) for d in drafts], "feature", reading)
    given = [draft.attributes.id for draft in drafts]
    found, renamed = ids.assign([draft.name for draft in drafts], given, names, "feature")
    for old, new in renamed:
        place = next(draft.place for draft in drafts if draft.name == new)
        reading.say(place, "renamed", "note", f"feature {old!r} is now {new!r}: it keeps its id")
    return tuple(
        _feature(draft, name, known.get(name, {}), dict(zip(found, drafts, strict=True)), reading)
        for draft, name in zip(drafts, found, strict=True)
    )


def _feature(
    draft: Draft, name: str, known: Mapping[str, str], drafts: Mapping[str, Draft], reading: Reading
) -> Feature:
    _check_attributes(draft.attributes, draft.place, reading)
    _find_demands(draft)
    if not draft.requirements:
        hint = "write below it, as bullets, what it must do"
        reading.say(draft.place, "empty-feature", "warning", f"feature {draft.name!r} has no requirements", hint)
    _complain_twice(draft.requirements, "requirement", reading)
    values = draft.attributes.values
    wanted = [*draft.needs, *((n, draft.place) for n in values.get("needs", "").split(",") if n)]
    needs = [_resolve(text, place, drafts, reading) for text, place in wanted]
    return Feature(
        name,
        draft.name,
        draft.span,
        "\n".join(draft.description),
        _requirements(draft.requirements, known, "requirement", reading),
        _requirements(draft.criteria, {}, "criterion", reading),
        fields.priority_of(_priority(draft, reading)) or "medium",
        tuple(dict.fromkeys(need for need in needs if need)),
        values.get("domain", ""),
        int(values["coverage"]) if values.get("coverage", "").isdigit() else None,
    )


def _find_demands(draft: Draft) -> None:
    """Where nothing is marked as a requirement, the criteria are what is demanded, else the description is."""
    if not draft.requirements:
        draft.requirements, draft.criteria = draft.criteria, []
    text = " ".join(" ".join(draft.description).split())
    if not draft.requirements and text:
        draft.requirements.append((text, draft.place, ""))


def _priority(draft: Draft, reading: Reading) -> str:
    text = draft.attributes.values.get("priority", "") or draft.priority
    if text and fields.priority_of(text) is None:
        hint = "one of: high, medium, low"
        reading.say(draft.place, "unknown-priority", "warning", f"priority {text!r} is not known: medium it is", hint)
    return text


def _requirements(
    rows: Sequence[tuple[str, Span, str]], known: Mapping[str, str], fallback: str, reading: Reading
) -> tuple[Requirement, ...]:
    texts = [text for text, _, _ in rows]
    found, renamed = ids.assign(texts, [given for _, _, given in rows], known, fallback)
    for old, new in renamed:
        place = next(place for text, place, _ in rows if text == new)
        reading.say(place, "renamed", "note", f"{old!r} is now {new!r}: it keeps its id")
    return tuple(Requirement(name, text, place) for name, (text, place, _) in zip(found, rows, strict=True))


def _resolve(text: str, place: Span, drafts: Mapping[str, Draft], reading: Reading) -> str:
    """The id of the feature that a reference names: by id, name, or `Feature N`."""
    wanted = text.lower().removeprefix("the ").removesuffix(" feature").strip()
    for number, (name, draft) in enumerate(drafts.items(), start=1):
        if wanted in (name, draft.name.lower(), f"feature {number}", ids.slug(draft.name, "feature")):
            return name
    inside = [name for name, draft in drafts.items() if wanted in draft.name.lower().split()]
    if len(inside) == 1:
        return inside[0]
    close = nearest(wanted, [draft.name.lower() for draft in drafts.values()])
    hint = f"did you mean {close!r}?" if close else f"the features are: {', '.join(d.name for d in drafts.values())}"
    reading.say(place, "unknown-reference", "error", f"there is no feature {text!r} to depend on", hint)
    return ""


def _check_attributes(attributes: Attributes, place: Span, reading: Reading) -> None:
    for key in attributes.unknown:
        close = nearest(key, fields.ATTRIBUTES)
        hint = f"did you mean {close!r}?" if close else f"one of: {', '.join(fields.ATTRIBUTES)}"
        reading.say(place, "unknown-attribute", "error", f"unknown attribute {key!r}", hint)


def _complain_twice(rows: Sequence[tuple[str, Span, str]], what: str, reading: Reading) -> None:
    texts: set[str] = set()
    given: set[str] = set()
    for text, place, name in rows:
        if name and name in given:
            reading.say(place, "duplicate-id", "error", f"the id {name!r} is given twice", "choose another")
        elif not name and text in texts:
            message = f"the {what} {text!r} is there twice: the two cannot be told apart"
            reading.say(place, "duplicate", "warning", message, "give one an id of its own: {#id}")
        texts.add(text)
        given.add(name)
