"""Prompts: which pieces of context fit the limit, and the rendered text. Pure: equal requests give equal bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from brengine import assembling, digest
from brengine.asks import Prompt
from brengine.domain import Contract, Cover, Task
from brengine.errors import TooLarge
from brengine.templates import Template, render
from brengine.tokens import upper_bound
from brengine.verdict import Finding, Gates

NONCE_DIGITS = 12
FINDING_CHARACTERS = 1500
MAX_GAP = 2
"""Lines from one covered line to the next that are shown as one text: no more than a blank one between."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of context: whole in the prompt, or left out. Lower ranks are taken first."""

    tag: str
    title: str
    text: str
    rank: int
    required: bool = False


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
    """Tokens that the context may take, by the upper-bound estimate."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair ask adds: which attempt it is, of how many, and what was found."""

    attempt: int
    last: int
    findings: tuple[Finding, ...]
    stuck: bool = False
    """The same was found at the attempt before."""


def pack(pieces: Sequence[Piece], used: int, limit: int) -> tuple[tuple[Piece, ...], tuple[str, ...], int]:
    """(pieces that fit in their order, titles left out, tokens in all). Required ones first, then by rank.

    `used` are the tokens that the tasks take already. Raises TooLarge when what is required does not fit.
    """
    total = used + sum(upper_bound(piece.text) for piece in pieces if piece.required)
    if total > limit:
        raise TooLarge(
            f"what the prompt must hold takes {total:,} tokens, the limit is {limit:,}",
            "raise context_tokens in br.toml, or split the requirement",
        )
    kept = {piece for piece in pieces if piece.required}
    for piece in sorted((p for p in pieces if not p.required), key=lambda p: (p.rank, p.title)):
        cost = upper_bound(piece.text)
        if total + cost <= limit:
            kept.add(piece)
            total += cost
    left_out = tuple(piece.title for piece in pieces if piece not in kept)
    return tuple(piece for piece in pieces if piece in kept), left_out, total


def build(request: Request, system: Template, body: Template, repair: Repair | None = None) -> Prompt:
    """The prompt of an ask. The nonce is derived from the rest of the text, so equal requests are equal bytes."""
    tasks = [task_values(task, request.gates[task.id], request.shown) for task in request.tasks]
    used = sum(upper_bound("\n".join(_texts(values))) for values in tasks)
    findings = [found(finding) for finding in repair.findings] if repair else []
    used += sum(upper_bound(text) for text in findings)
    pieces, left_out, total = pack(request.pieces, used, request.limit)
    values: dict[str, object] = {
        "project": {"name": request.project},
        "pieces": pieces,
        "tasks": tasks,
        "paths": [path for task in request.tasks for path in task.files],
        "nonce": "",
    }
    if repair:
        values |= {"findings": findings, "attempt": repair.attempt, "last": repair.last, "stuck": repair.stuck}
        values["unshown"] = [piece.title for piece in request.pieces if piece.tag == "attempt" and piece not in pieces]
    stable = render(system, {})
    nonce = digest.of_value("nonce/1", [stable, render(body, values)])[:NONCE_DIGITS]
    text = render(body, values | {"nonce": nonce})
    return Prompt(stable, text, nonce, f"{body.name}@{body.version}", total, left_out)


def task_values(task: Task, gates: Gates, shown: frozenset[str]) -> dict[str, object]:
    """A task as templates see it. What the covered lines say already is not said again as acceptance."""
    covered = {cover.text for cover in task.covers}
    return {
        "name": task.name,
        "kind": task.kind,
        "files": [shown_file(path) for path in task.files],
        "contracts": contracts_text(task.defines),
        "covers": _blocks([cover for cover in task.covers if cover.text not in shown]),
        "acceptance": [a.text for a in task.acceptance if a.text not in covered and a.kind != "literal"],
        "gates": gates_text(task, gates),
    }


def _blocks(covers: Sequence[Cover]) -> list[dict[str, object]]:
    """Covered lines as templates see them; single lines that follow each other are one text."""
    found: list[dict[str, object]] = []
    last: Cover | None = None
    for cover in covers:
        follows = last and not (cover.requirement or last.requirement or "\n" in cover.text)
        if last and follows and 0 < cover.span.line - last.span.end_line <= MAX_GAP:
            found[-1]["text"] = f"{found[-1]['text']}\n{cover.text}"
        else:
            found.append({"line": cover.span.line, "text": cover.text})
        last = cover
    return found


def shown_file(path: str) -> str:
    """A file as a task's author is told of it: what a region is stands with it."""
    file = assembling.file_of(path)
    if file == path:
        return path
    return (
        f"{path} (a region of {file}: regions are put together in the order of their names, imports first; each parses "
        "by itself, begins with the imports that it needs, and uses names of other regions without importing them)"
    )


def said(task: Task, gates: Gates, shown: frozenset[str]) -> list[str]:
    """Every text that a task itself puts into a prompt. `shown`: covered texts that stand there already."""
    return list(_texts(task_values(task, gates, shown)))


def _texts(value: object) -> Iterator[str]:
    """Every text in a value that templates see, for counting."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
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


def found(finding: Finding) -> str:
    """A finding as the prompt shows it: bounded, with its hint."""
    text = str(finding)
    if len(text) > FINDING_CHARACTERS:
        text = f"{text[: FINDING_CHARACTERS // 3]}\n…\n{text[-2 * FINDING_CHARACTERS // 3 :]}"
    return f"{text} ({finding.hint})" if finding.hint else text
