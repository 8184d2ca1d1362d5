"""`br status`: what is built, what is not and why, what was spent, and what to do next."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from brengine import completion, conditions
from brengine.asks import Member
from brengine.conditions import Condition, Known
from brengine.counted import counted
from brengine.ledger import history
from brengine.places import Places, shown
from brengine.rows import Row
from brengine.spending import Spend, spent
from brengine.standing import Standing
from brengine.task_report import condition_row
from brengine.wiring import Project

LISTED = 20
"""Tasks of one state that are listed; the rest is counted."""
NEXT = 5
"""Commands of one kind that are proposed."""
WIDTH = 160


def machine(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`, or `--format json`: the same."""
    choice = click.Choice(["text", "json"])
    command = click.option("--json", "form", flag_value="json", help="For machines.")(command)
    return click.option("--format", "form", type=choice, default="text", help="json is for machines.")(command)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that the status tells."""

    tasks: Mapping[str, Condition]
    features: Sequence[tuple[str, int, int]]
    """(feature, tasks that are built, all)."""
    settled: tuple[completion.Settled, ...]
    spend: Spend
    lost: Sequence[tuple[str, ...]]
    """Tasks of each ask that is in flight, or that was when a run was ended."""
    holder: str
    """The process that builds here now, "" where none does."""
    leavers: Mapping[str, tuple[str, ...]]
    notes: Sequence[str]


@click.command()
@machine
@click.pass_obj
def status(where: Places, form: str) -> None:
    """What is built, what is stale and why, what failed, waits or is held up, what was spent, and what to do next."""
    look = _look(Project(where))
    if form == "json":
        click.echo(json.dumps(_row(look), indent=1, ensure_ascii=False))
        return
    for line in _lines(look):
        click.echo(line)


def conditions_of(
    project: Project, standings: Mapping[str, Standing], rows: Sequence[Row] | None = None
) -> dict[str, Condition]:
    """Every task's condition, as journal, prompts and files are now."""
    state = project.ledger.state

    def stored(member: Member) -> object:
        return state.replies.get((member.task, member.key, member.attempt))

    known = Known(
        conditions.past(history(project.places.journal) if rows is None else rows),
        stored,
        state.bases,
        state.asked_again,
        state.questions,
        _awaited(project.places),
        project.settings.attempts,
        project.board.closure,
    )
    return conditions.conditions(standings, known)


def _awaited(where: Places) -> dict[str, tuple[str, str]]:
    """Ask id → (prompt, reply) of prompts for a person whose reply is not saved yet."""
    found = {}
    for prompt in sorted((where.state / "manual").glob("*.prompt.md")):
        reply = prompt.with_name(prompt.name.replace(".prompt.md", ".reply.md"))
        if not reply.is_file() or not reply.stat().st_size:
            found[prompt.name.removesuffix(".prompt.md")] = (shown(prompt), shown(reply))
    return found


def _look(project: Project) -> Look:
    state, standings, rows = project.ledger.state, project.board.all(), history(project.places.journal)
    tasks = conditions_of(project, standings, rows)
    done = frozenset(name for name, standing in standings.items() if not standing.reasons)
    red = frozenset(name for name, one in tasks.items() if one.state == "failed")
    counts: dict[str, list[bool]] = {}
    for name, task in project.board.tasks.items():
        counts.setdefault(task.feature, []).append(name in done)
    return Look(
        tasks,
        [(feature, sum(built), len(built)) for feature, built in counts.items()],
        completion.settle(project.plan, done, red, state.records),
        spent(rows)[0],
        [tuple(task for task, _, _ in row["members"]) for row in state.in_flight.values()],
        project.writer.holder,
        {name: tuple(path for path, _ in record.outputs) for name, record in project.board.leavers().items()},
        state.notes,
    )


def _lines(look: Look) -> Iterator[str]:
    states = [one.state for one in look.tasks.values()]
    counts = ", ".join(f"{states.count(kind)} {kind}" for kind in conditions.STATES if kind in states)
    yield f"{counted(len(states), 'task')}: {counts or 'none'}"
    for feature, built, count in look.features:
        yield f"  {feature}: {built} of {count} built"
    for kind in ("failed", "waiting", "stale", "skipped", "not built"):
        yield from _listed(kind, [one for one in look.tasks.values() if one.state == kind])
    verified = sum(s.fate == "verified" for s in look.settled)
    yield f"requirements: {verified} of {len(look.settled)} verified ({completion.rate(look.settled):.0f} %)"
    for s in look.settled:
        if s.fate != "verified":
            yield f"  line {s.line}: {s.text}: {s.fate} ({s.why})"
    yield f"spent: {look.spend}"
    for names in look.lost:
        told = f"in flight ({look.holder})" if look.holder else "possibly paid, not received"
        yield f"{told}: the ask for {', '.join(names)}"
    for name, files in look.leavers.items():
        yield f"left the plan: {name} ({', '.join(files)})"
    for note in look.notes:
        yield f"note: {note}"
    todo = list(_next(look))
    if todo:
        yield "Needs you"
        wide = max(len(command) for command, _ in todo)
        yield from (f"  {command:<{wide}}  {why}" for command, why in todo)


def _listed(kind: str, found: Sequence[Condition]) -> Iterator[str]:
    """The tasks of one state: each with its reasons, and with the first thing that was found."""
    if found:
        yield f"{kind}:"
    for one in found[:LISTED]:
        told = "; ".join(filter(None, (_shortened(one.reasons), one.note)))
        yield f"  {one.task}: {textwrap.shorten(told, WIDTH, placeholder=' …')}"
        if one.findings:
            number = f"attempt {one.attempt}: " if one.attempt else ""
            yield f"    {number}{textwrap.shorten(one.findings[0], WIDTH, placeholder=' …')}"
        if one.prompt:
            yield f"    answer {one.prompt}"
            yield f"    in {one.reply}"
    if len(found) > LISTED:
        yield f"  and {len(found) - LISTED} more: `br task list --state {kind!r}`"


def _shortened(reasons: Sequence[str]) -> str:
    """The first reasons, and how many more there are."""
    more = [f"and {len(reasons) - 2} more"] if len(reasons) > 2 else []
    return "; ".join([*reasons[:2], *more])


def _next(look: Look) -> Iterator[tuple[str, str]]:
    """(command, what it is for), what is most urgent first."""
    by_state = {kind: [one for one in look.tasks.values() if one.state == kind] for kind in conditions.STATES}
    for one in by_state["failed"][:NEXT]:
        number = f" --attempt {one.attempt}" if one.attempt else ""
        yield f"br task show {one.task}{number}", "what it was refused for"
        yield f"br retry {one.task}", "ask anew; your edit of its files goes into the prompt"
    for prompt in list(dict.fromkeys(one.prompt for one in by_state["waiting"]))[:NEXT]:
        one = next(one for one in by_state["waiting"] if one.prompt == prompt)
        yield f"br task execute --manual {one.task} --reply FILE", f"answer {prompt}"
    if look.holder:
        yield "br log", f"another run is at work: {look.holder}"
    elif by_state["stale"] or by_state["not built"]:
        yield "br plan", "what a build would ask, and for how much"
        count = len(by_state["stale"]) + len(by_state["not built"])
        yield "br build", f"{counted(count, 'task')} to do"
    if look.leavers:
        yield "br clean --orphans", "remove the unedited files of tasks that left the plan"


def _row(look: Look) -> dict[str, Any]:
    """The object of `br status --json` (docs/formats.md)."""
    states = [one.state for one in look.tasks.values()]
    return {
        "counts": {kind: states.count(kind) for kind in conditions.STATES},
        "features": [{"id": name, "built": built, "tasks": count} for name, built, count in look.features],
        "tasks": [{"id": one.task, **condition_row(one)} for one in look.tasks.values()],
        "requirements": [
            {"id": s.requirement, "line": s.line, "text": s.text, "fate": s.fate, "why": s.why, "tasks": list(s.tasks)}
            for s in look.settled
        ],
        "completion": round(completion.rate(look.settled), 1),
        "spent": look.spend.row(),
        "running": look.holder,
        "in_flight": [list(names) for names in look.lost],
        "left_the_plan": [{"task": name, "files": list(files)} for name, files in look.leavers.items()],
        "notes": list(look.notes),
        "needs_you": [{"command": command, "why": why} for command, why in _next(look)],
    }
