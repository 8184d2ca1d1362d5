"""What a repair ask shows of a failure: findings by class within a bound, and the code that they are about. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from brengine import interface
from brengine.tokens import upper_bound
from brengine.verdict import Finding

CLASSES = (
    "refusal",
    "cut",
    "reply",
    "weakened",
    "files",
    "components",
    "tests",
    "coverage",
    "links",
    "blocks",
    "examples",
    "performance",
    "teeth",
    "clash",
)
"""Checks by which findings are grouped, in the order in which they are mended."""
FINDING_CHARACTERS, FEWEST_CHARACTERS = 1500, 300
AROUND = 4
"""Lines shown before and after one that a finding or a traceback names."""
MOST_LINES = 60
MOST_PLACES = 6


@dataclass(frozen=True, slots=True)
class Failure:
    """The findings of one class, as a prompt shows them."""

    kind: str
    findings: tuple[str, ...]
    more: int = 0
    """How many others of the class there is no room for."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Numbered lines of a file that a finding is about. `vital`: worth showing even beside the whole file."""

    path: str
    title: str
    text: str
    vital: bool = False


def failures(findings: Sequence[Finding], limit: int) -> tuple[Failure, ...]:
    """Findings by class, of each class at least one, in all at most `limit` estimated tokens beyond those."""
    by_class: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: CLASSES.index(f.check) if f.check in CLASSES else len(CLASSES)):
        by_class.setdefault(finding.check, []).append(finding)
    kept: dict[str, list[str]] = {kind: [_first(rows[0], limit // len(by_class))] for kind, rows in by_class.items()}
    left = limit - sum(upper_bound(row) for rows in kept.values() for row in rows)
    for kind, rows in by_class.items():
        for finding in rows[1:]:
            cost = upper_bound(shown(finding))
            if cost > left:
                break
            kept[kind].append(shown(finding))
            left -= cost
    return tuple(Failure(kind, tuple(rows), len(by_class[kind]) - len(rows)) for kind, rows in kept.items())


def _first(finding: Finding, limit: int) -> str:
    """The one finding of a class that is always told: as short as need be, never less than a few lines."""
    characters = FINDING_CHARACTERS
    while characters > FEWEST_CHARACTERS and upper_bound(shown(finding, characters)) > limit:
        characters = max(FEWEST_CHARACTERS, characters // 2)
    return shown(finding, characters)


def shown(finding: Finding, characters: int = FINDING_CHARACTERS) -> str:
    """A finding as the prompt shows it: bounded, with its hint, its class left out."""
    text = str(finding).removeprefix(f"[{finding.check}] ")
    if len(text) > characters:
        text = f"{text[: characters // 3]}\n…\n{text[-2 * characters // 3 :]}"
    return f"{text} ({finding.hint})" if finding.hint else text


def excerpts(findings: Iterable[Finding], files: Mapping[str, bytes]) -> tuple[Excerpt, ...]:
    """The code that findings are about: failing tests, lines of tracebacks, lines that nothing ran, broken syntax."""
    texts = {path: content.decode("utf-8", "replace").split("\n") for path, content in files.items()}
    found = [excerpt for finding in findings for excerpt in _of(finding, texts)]
    return tuple(dict.fromkeys(found))[:MOST_PLACES]


def _of(finding: Finding, texts: Mapping[str, list[str]]) -> Iterator[Excerpt]:
    own = texts.get(finding.path, [])
    if finding.check == "tests":
        yield from _test(finding, own)
        for path, line in _traceback(finding.message, texts):
            if path != finding.path:
                yield _lines(path, texts[path], range(line - AROUND, line + AROUND + 1), f"around line {line}")
    elif finding.lines and own:
        yield _lines(finding.path, own, finding.lines, "lines that nothing ran", vital=True)
    elif finding.line and own:
        around = range(finding.line - AROUND, finding.line + AROUND + 1)
        yield _lines(finding.path, own, around, f"around line {finding.line}", vital=True)


def _test(finding: Finding, lines: list[str]) -> Iterator[Excerpt]:
    """The function that failed, by its name at the beginning of the finding."""
    name = re.match(r"(\w+)", finding.message)
    tree = interface.parse("\n".join(lines))
    for node in ast.walk(tree) if tree and name else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name and node.name == name[1]:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield _lines(finding.path, lines, range(first, (node.end_lineno or first) + 1), node.name)
            return


def _traceback(message: str, texts: Mapping[str, list[str]]) -> Iterator[tuple[str, int]]:
    """(path, line) of every place in files of the task that a traceback names."""
    for match in re.finditer(r"^(?:\./)?([\w./-]+):(\d{1,6}): ", message, re.M):
        if match[1] in texts:
            yield match[1], int(match[2])


def _lines(path: str, lines: list[str], numbers: Iterable[int], what: str, vital: bool = False) -> Excerpt:
    there = [number for number in numbers if 0 < number <= len(lines)]
    rows = [f"{number}| {lines[number - 1]}" for number in there[:MOST_LINES]]
    return Excerpt(path, f"{path}, {what}", "\n".join(rows), vital)
