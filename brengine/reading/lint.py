"""What is odd in a specification that was read: vague, twice, empty, tight headings, placeholders. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from brengine.errors import Diagnostic, diagnose, nearest
from brengine.reading import fields, titles, words
from brengine.reading.features import Draft, Row
from brengine.reading.markdown import Tree
from brengine.source import Source, Span

RULES = {
    "empty-spec": "the document is empty",
    "no-features": "no features were found",
    "all-done": "everything is marked as done or for later",
    "unsure-reading": "the features could be read in more than one way",
    "also-features": "another part of the document may name features",
    "unknown-reading": "the settled way to read it is no longer there",
    "heading-space": "a heading without a space after #",
    "empty-feature": "a feature that says nothing but its name",
    "vague": "a requirement that no test can check",
    "placeholder": "something is still to be filled in",
    "open-question": "a question that the document leaves open",
    "duplicate": "two features or requirements with one name",
    "duplicate-id": "an id given twice",
    "unknown-reference": "a dependency on a feature that is not there",
    "outside-dependency": "a dependency on something that is no feature",
    "dependency-cycle": "features that need each other in a circle",
    "unknown-attribute": "an attribute that means nothing",
    "unknown-priority": "a priority that is not known",
    "renamed": "a text was reworded and keeps its id",
    "elsewhere": "the document points to another for what it wants",
}
"""Every rule of the reader with what it says; all but errors can be switched off in br.toml."""
# What authors leave to be filled in (TODO among it), looked for in their text: a pattern, nothing left to do here.
_PLACEHOLDER = re.compile(
    r"\bTBD\b|\bTODO\b|\b[Tt]o be (?:defined|determined|decided)\b|\[[A-Z][a-z][\w ]{2,40}\](?!\()|\?\?\?"
)
_QUESTION = re.compile(r"NEEDS CLARIFICATION")
_CALLED = re.compile(
    r"\b[Tt]he\s+[`*]{1,2}([\w.-]{2,40})[`*]{1,2}\s+(?:project|tool|library|application|app|program|package)\b"
    r"|\bThe ([A-Z][\w-]{1,30}) (?:project|tool|library|application|app|program|package|platform)\b"
    r"|(?m:^\W*(?:[Pp]roject|[Aa]pp|[Pp]roduct) [Nn]ame\W{1,6}([\w][\w .-]{1,40}))"
    r"|[`*]{1,2}([A-Za-z][\w.-]{1,40})[`*]{1,2} (?:is|aims|provides|allows|helps|enables|offers)\b"
    r"|(?m:^(?!This|It|The|Our|There|That|What)([A-Z][\w-]{2,30}) (?:is an?|is designed|aims to|provides)\b)"
)
_VAGUE = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, words.VAGUE))})(?![\w-])", re.IGNORECASE)
_TESTABLE = re.compile(
    r"\d|`|\"|“|https?:|\b(?:if|when|unless|until|within|returns?|rejects?|refused?|shows?|lists?|saves?|sends?)\b",
    re.IGNORECASE,
)


def problems(drafts: Sequence[Draft], source: Source) -> Iterator[Diagnostic]:
    """Warnings and errors about the drafts."""
    yield from _twice([Row(d.name, d.place, d.attributes.id) for d in drafts], "feature", source)
    for draft in drafts:
        if draft.bare:
            message, hint = f"feature {draft.name!r} has no requirements", "write below it, as bullets, what it must do"
            yield diagnose(source, draft.place, "empty-feature", "warning", message, hint)
        yield from _twice(draft.requirements, "requirement", source)
        yield from _attributes(draft, source)
        if draft.priority and fields.priority_of(draft.priority) is None:
            message = f"priority {draft.priority!r} is not known: medium it is"
            yield diagnose(source, draft.place, "unknown-priority", "warning", message, "one of: high, medium, low")
        for row in draft.requirements:
            yield from _weak(row, draft, source)


def _weak(row: Row, draft: Draft, source: Source) -> Iterator[Diagnostic]:
    match = _VAGUE.search(row.text) if not draft.criteria and len(row.text) < 120 else None
    if match and not _TESTABLE.search(row.text):
        message = f"{match[0]!r} cannot be tested: nothing says what is enough"
        yield diagnose(source, row.place, "vague", "warning", message, "give a number, or an acceptance criterion")
    if _QUESTION.search(row.text):
        yield diagnose(
            source, row.place, "open-question", "warning", "this is left open", "decide it, or the model will"
        )
    elif len(row.text) < 300 and _PLACEHOLDER.search(row.text):
        yield diagnose(source, row.place, "placeholder", "warning", "something is still to be filled in here")


def _attributes(draft: Draft, source: Source) -> Iterator[Diagnostic]:
    for place, unknown in [(draft.place, draft.attributes.unknown), *draft.unknown]:
        for key in unknown:
            close = nearest(key, fields.ATTRIBUTES)
            hint = f"did you mean {close!r}?" if close else f"one of: {', '.join(fields.ATTRIBUTES)}"
            yield diagnose(source, place, "unknown-attribute", "error", f"unknown attribute {key!r}", hint)


def _twice(rows: Sequence[Row], what: str, source: Source) -> Iterator[Diagnostic]:
    texts: set[str] = set()
    given: set[str] = set()
    for row in rows:
        text, place, name = row.full, row.place, row.given
        if name and name in given:
            yield diagnose(source, place, "duplicate-id", "error", f"the id {name!r} is given twice", "choose another")
        elif not name and text in texts:
            message = f"the {what} {text[:80]!r} is there twice: the two cannot be told apart"
            yield diagnose(source, place, "duplicate", "warning", message, "give one an id of its own: {#id}")
        texts.add(text)
        given.add(name)


def of_lines(tree: Tree, source: Source) -> Iterator[Diagnostic]:
    """What is odd about single lines."""
    for number in tree.dressed.tight:
        yield diagnose(source, Span(number), "heading-space", "note", "read as a heading", "put a space after the #")


def cycle(needs: Mapping[str, Sequence[str]], drafts: Mapping[str, Draft], source: Source) -> Iterator[Diagnostic]:
    """The first circle of features that need each other."""
    state: dict[str, int] = {}
    for start in needs:
        trail: list[str] = []
        stack = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                state[name] = 2
                trail.pop()
            elif state.get(name) == 1:
                path = " → ".join(drafts[n].name for n in [*trail[trail.index(name) :], name])
                message = f"features need each other in a circle: {path}"
                yield diagnose(
                    source, drafts[name].place, "dependency-cycle", "error", message, "take one dependency out"
                )
                return
            elif not state.get(name):
                state[name] = 1
                trail.append(name)
                stack.append((name, True))
                stack += [(other, False) for other in needs[name]]


def pointer(source: Source) -> Iterator[Diagnostic]:
    """A spec that says that it stands elsewhere is not self-contained."""
    for number, line in enumerate(source.lines[:400], start=1):
        match = re.search(
            r"(?i)\b(?:see|refer to|defined in|described in)\s+\[[^\]]{1,80}\]\(([^)#:]{1,120}\.md)\b", line[:1000]
        )
        if match:
            message = f"what {match[1]!r} says is not read"
            yield diagnose(source, Span(number, match.start() + 1, number, match.end()), "elsewhere", "note", message)


def title_of(tree: Tree, source: Source) -> str:
    """The document's title: its first heading of level 1 that names a product, else the name that the text gives."""
    heads = [part.title for part in tree.root.walk() if part.level == 1]
    named = next((t for t in heads[:1] if not titles.is_section(t) and titles.read(t).words not in words.UNNAMED), "")
    if named:
        return titles.bare(named)
    match = _CALLED.search("\n".join(source.lines[:60])[:8000])
    found = next((text for text in match.groups() if text), "") if match else ""
    return found or (titles.bare(heads[0]) if heads else source.path)
