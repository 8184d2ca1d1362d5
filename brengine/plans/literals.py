"""The ledger of literals: exact texts that a specification states, and where each of them is held. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from brengine.domain import Task
from brengine.reading.markdown import fences
from brengine.source import Source

LiteralKind = Literal["message", "option", "sample", "example"]
MAX_CHARACTERS = 2_000
_TICKS = re.compile(r"(?<!`)`([^`\n]{2,300})`(?!`)")
_QUOTED = re.compile(r"[\"“]([^\"“”\n]{3,300})[\"”]")
_OPTION = re.compile(r"(?<![\w-])(--[a-z][\w-]+)")
_WORDY = re.compile(r"\w{2,}\W+\w")
_COMMAND = re.compile(r"(?:pip3?|pipx|uv|poetry|npm|npx|yarn|pnpm|node|python3?|pytest|git|make|docker|curl|cargo|go) ")
_CODE = re.compile(r"[(){}=<>]|\w\.\w|^\$|^[\w./-]+$|::|->")
_CONSOLE = ("console", "shell", "sh", "bash", "text", "", "json", "txt", "output", "csv")


@dataclass(frozen=True, slots=True)
class Found:
    """An exact text with the line on which it begins."""

    text: str
    line: int
    kind: LiteralKind


@lru_cache(maxsize=8)
def of(source: Source) -> tuple[Found, ...]:
    """The exact texts of a document: messages, options, output that is shown, examples with their results."""
    return tuple(dict.fromkeys(_found(source)))


def within(source: Source, lines: Iterable[int]) -> tuple[Found, ...]:
    """Those that begin on one of these lines."""
    wanted = set(lines)
    return tuple(found for found in of(source) if found.line in wanted)


def _found(source: Source) -> Iterator[Found]:
    blocks = list(fences(source))
    inside = {number for block in blocks for number in block.numbers}
    plain = [n for n in range(1, len(source.lines) + 1) if n not in inside]
    found = [one for number in plain for one in _inline(source.lines[number - 1], number)]
    found += [one for block in blocks for one in _block(block.lines, block.first, block.language)]
    yield from sorted(found, key=lambda one: one.line)


def _inline(line: str, number: int) -> Iterator[Found]:
    for match in _TICKS.finditer(line):
        text = match[1].strip()
        if _WORDY.search(text) and not _CODE.search(text) and not _COMMAND.match(text):
            yield Found(text, number, "message")
    for match in _QUOTED.finditer(_TICKS.sub(" ", line)):
        text = match[1].strip()
        if len(text.split()) > 2 or (" " in text and (text[-1] in ".!?:" or "{" in text)):
            yield Found(text, number, "message")
    for option in _OPTION.findall(line):
        yield Found(option, number, "option")


def _block(lines: Sequence[str], first: int, language: str) -> Iterator[Found]:
    """Runs of output below a command, whole blocks of output, and doctests."""
    if language in ("python", "pycon", "py", "") and any(line.strip().startswith(">>>") for line in lines):
        yield from _doctests(lines, first)
        return
    if language not in _CONSOLE or not any(line.strip() for line in lines):
        return
    if any(re.match(r"\s*[├└│]|\s*\S+/\s*$", line) for line in lines):
        return  # a drawing of folders
    starts = [index for index, line in enumerate(lines) if line.startswith("$ ")]
    if language in ("shell", "sh", "bash", "") and not starts:
        return
    for begin, end in zip([*starts, *([] if starts else [-1])], [*starts[1:], len(lines)], strict=True):
        text = "\n".join(line.rstrip() for line in lines[begin + 1 : end]).strip("\n")
        if text.strip() and len(text) <= MAX_CHARACTERS:
            yield Found(text, first + begin + 1, "sample")


def _doctests(lines: Sequence[str], first: int) -> Iterator[Found]:
    index = 0
    while index < len(lines):
        if lines[index].strip().startswith(">>>"):
            end = index + 1
            while end < len(lines) and lines[end].strip() and not lines[end].strip().startswith(">>>"):
                end += 1
            text = "\n".join(line.strip() for line in lines[index:end])
            if end > index + 1 and len(text) <= MAX_CHARACTERS:
                yield Found(text, first + index, "example")
            index = end
        else:
            index += 1


@dataclass(frozen=True, slots=True)
class Held:
    """What became of one literal: the tasks that accept it or cover its line, and whether a test holds it."""

    found: Found
    tasks: tuple[str, ...]
    tested: bool | None
    """None where no test is there yet."""


def held(source: Source, tasks: Sequence[Task], files: Mapping[str, str]) -> tuple[Held, ...]:
    """The ledger. `files` maps the paths of tests to their texts, as far as they are there."""
    rows = []
    for found in of(source):
        mine = [task for task in tasks if _answers(task, found)]
        tests = list(files.values())
        tested = any(_holds(text, found) for text in tests) if tests else None
        rows.append(Held(found, tuple(task.id for task in mine), tested))
    return tuple(rows)


def _answers(task: Task, found: Found) -> bool:
    """True where a task's acceptance or contracts say the text, or where it covers the line."""
    said = [*(accepted.text for accepted in task.acceptance), *(contract.text for contract in task.defines)]
    return any(found.text in text for text in said) or any(found.line in c.span.lines for c in task.covers)


def _holds(test: str, found: Found) -> bool:
    """True where a test's text has the literal: all of it, or each of its lines (blocks are often built of lines)."""
    if found.kind == "example":
        results = found.text.split("\n")[1:]
        call = found.text.split("\n")[0].removeprefix(">>>").strip()
        return call in test or all(row.strip() in test for row in results)
    pieces = [piece for piece in re.split(r"\{[^}]*\}|<[^>]*>|\s*\n\s*", found.text) if piece.strip()]
    plain = test.replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'")
    return all(piece.strip() in plain or piece.strip() in test for piece in pieces)
