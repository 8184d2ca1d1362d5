"""Prompts: which pieces of context fit the limit, and the rendered text. Pure: equal requests give equal bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from brengine import assembling, digest, repairing
from brengine.asks import Prompt
from brengine.domain import Contract, Cover, Task
from brengine.packing import Packed, Piece, pack
from brengine.source import runs
from brengine.templates import Template, render
from brengine.tokens import upper_bound
from brengine.verdict import Finding, Gates

NONCE_DIGITS = 12
FINDINGS_SHARE = 0.3
"""How much of the limit findings may take, beyond one of each class."""
FILES = ("current", "attempt")
"""Tags of pieces that are files of the tasks."""
SAID_AGAIN = 16
"""Characters from which on a covered line is left out where a contract says the same."""
MAX_GAP = 2
"""Lines from one covered line to the next that are shown as one text: no more than a blank one between."""


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that a prompt is made from."""

    project: str
    tasks: tuple[Task, ...]
    gates: Mapping[str, Gates]
    """Task id -> its gates."""
    pieces: tuple[Piece, ...]
    shown: frozenset[str]
    """Covered texts that a piece shows already, once for all tasks."""
    limit: int
    """Tokens that the context may take."""
    scale: float = 1.0
    """Tokens per token of the upper-bound estimate, where something is known about that."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair ask adds: which attempt it is, of how many, and what was found."""

    attempt: int
    last: int
    findings: tuple[Finding, ...]
    stuck: bool = False
    """The same was found at the attempt before."""
    only: tuple[str, ...] = ()
    """The files that may be given, where that is not all of them."""

    @property
    def longer(self) -> bool:
        """True where the answer before was cut: this one may be longer."""
        return any(finding.check == "cut" for finding in self.findings)


def build(request: Request, system: Template, body: Template, repair: Repair | None = None) -> Prompt:
    """The prompt of an ask. The nonce is derived from the rest of the text, so equal requests are equal bytes."""
    tasks = tasks_values(request.tasks, request.gates, request.shown)
    used = sum(upper_bound("\n".join(_texts(values))) for values in tasks)
    limit = int(request.limit / request.scale)
    bound = used + sum(upper_bound(piece.text) for piece in request.pieces if piece.required)
    room = min(int(FINDINGS_SHARE * limit), limit - bound)
    failures = repairing.failures(repair.findings, room) if repair else ()
    told = sum(upper_bound(text) for failure in failures for text in failure.findings)
    packed = pack(request.pieces, used + told, limit, most=max(limit, request.limit) + told)
    paths = [*repair.only] if repair and repair.only else [path for task in request.tasks for path in task.files]
    values: dict[str, object] = {
        "project": {"name": request.project},
        "pieces": packed.pieces,
        "tasks": tasks,
        "paths": paths,
        "unshown": unshown(request.pieces, packed, paths),
        "nonce": "",
    }
    if repair:
        values |= {"failures": failures, "attempt": repair.attempt, "last": repair.last, "stuck": repair.stuck}
        values["only"] = repair.only
    stable = render(system, {})
    nonce = digest.of_value("nonce/1", [stable, render(body, values)])[:NONCE_DIGITS]
    text = render(body, values | {"nonce": nonce})
    name = f"{body.name}@{body.version}"
    took = math.ceil(packed.total * request.scale)
    return Prompt(stable, text, nonce, name, took, packed.left_out, packed.shortened)


def unshown(pieces: Sequence[Piece], packed: Packed, paths: Container[str]) -> list[str]:
    """Files that stand there and are not shown whole: whoever changes them writes them whole."""
    lost = {*packed.left_out, *packed.shortened}
    return [p.title for p in pieces if p.tag in FILES and p.title in lost and p.title in paths]


def tasks_values(tasks: Sequence[Task], gates: Mapping[str, Gates], shown: frozenset[str]) -> list[dict[str, object]]:
    """Tasks as templates see them. `shown`: covered texts that stand in the prompt already."""
    found, said = [], shown
    for task in tasks:
        found.append(_task_values(task, gates[task.id], said, said - shown))
        said |= {cover.text for cover in task.covers}
    return found


def _task_values(task: Task, gates: Gates, said: frozenset[str], above: frozenset[str]) -> dict[str, object]:
    """What the covered lines, or a task above, say already is not said again."""
    covered = {cover.text for cover in task.covers}
    contracts = contracts_text(task.defines)
    again = [line for cover in task.covers if cover.text in above for line in cover.span.lines]
    return {
        "name": task.name,
        "kind": task.kind,
        "files": [shown_file(path) for path in task.files],
        "contracts": contracts,
        "covers": _blocks([cover for cover in task.covers if cover.text not in said], plain(contracts)),
        "above": ", ".join(f"{a}–{b}" if b > a else str(a) for a, b in runs(sorted(set(again)))),
        "acceptance": [a.text for a in task.acceptance if a.text not in covered and a.kind != "literal"],
        "gates": gates_text(task, gates),
    }


def _blocks(covers: Sequence[Cover], contracts: str) -> list[dict[str, object]]:
    """Covered lines as templates see them; single lines that follow each other are one text."""
    found: list[dict[str, object]] = []
    last: Cover | None = None
    for cover in covers:
        follows = last and not (cover.requirement or last.requirement or "\n" in cover.text)
        if last and follows and 0 < cover.span.line - last.span.end_line <= MAX_GAP:
            found[-1]["text"] = f"{found[-1]['text']}\n{cover.text}"
        else:
            found.append(
                {"line": cover.span.line, "text": cover.text if cover.requirement else _left(cover, contracts)}
            )
        last = cover
    return found


def _left(cover: Cover, contracts: str) -> str:
    """A covered text without those of its lines that the contracts say word for word, all but the first."""
    first, *rest = cover.text.split("\n")
    left = [line for line in rest if len(plain(line)) < SAID_AGAIN or plain(line) not in contracts]
    return "\n".join([first, *left])


def plain(text: str) -> str:
    """A text without what marks it up, for comparing what is said."""
    return " ".join(re.sub(r"^[\s*+#>-]+|[`*_]", "", text, flags=re.MULTILINE).split())


def shown_file(path: str) -> str:
    """A file as a task's author is told of it: what a region is stands with it."""
    file = assembling.file_of(path)
    if file == path:
        return path
    return (
        f"{path} (a region of {file}: regions are put together in the order of their names, imports first; each parses "
        "by itself, begins with the imports that it needs, and uses names of other regions without importing them)"
    )


def said(tasks: Sequence[Task], gates: Mapping[str, Gates], shown: frozenset[str]) -> list[str]:
    """Every text that each task puts into a prompt. `shown`: covered texts that stand there already."""
    return ["\n".join(_texts(values)) for values in tasks_values(tasks, gates, shown)]


def _texts(value: object) -> Iterator[str]:
    """Every text in a value that templates see, for counting."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value != "":
        yield str(value)


def contracts_text(contracts: Sequence[Contract]) -> str:
    """The texts of contracts under the path of the file that holds them."""
    paths = dict.fromkeys(contract.path for contract in contracts)
    return "\n".join(
        "\n".join([f"in {path}:", *(c.text.rstrip() for c in contracts if c.path == path)]) for path in paths
    )


def gates_text(task: Task, gates: Gates) -> str:
    """One sentence: what the engine will run, and what must come out."""
    limit = f"each run ends within {gates.seconds} seconds"
    if task.kind == "code":
        cover = f"cover at least {gates.coverage} % of the lines and branches of your targets"
        return f"your tests run and pass, at least one, and {cover}; pragmas do not count; {limit}"
    if task.kind == "tests":
        return f"the tests run and pass, at least one, against the real code; {limit}"
    if task.kind == "documentation":
        return f"relative links resolve; all ```python blocks, joined in order, run and exit 0; {limit}"
    if task.kind == "examples":
        return f"every script runs and exits 0 without arguments; {limit}"
    return "the files parse"
