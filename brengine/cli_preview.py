"""What a build would do, and for how much: batches, reasons, tokens, dollars."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import click

from brengine import places, prices, select
from brengine.asks import Usage
from brengine.backing import ASKS_API
from brengine.domain import Task
from brengine.errors import InputError
from brengine.select import Selected
from brengine.stale import Rung
from brengine.standing import Standing
from brengine.wiring import Project

ANSWER_TOKENS = 4_000
"""Tokens of an answer, for the price of a plan: what most took when batches were tried."""
HOW = {
    Rung.ASK: "ask",
    Rung.RESTORE: "restore and verify (no ask)",
    Rung.VERIFY: "verify (no ask)",
    Rung.ASSEMBLE: "put together from its regions and verify (no ask)",
    Rung.FRESH: "up to date",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One ask as it would be sent: to which model, with at most so many tokens."""

    model: str
    tokens: int


def preview(project: Project, targets: Sequence[str]) -> None:
    """Print what a build would run, batch by batch, with reasons and expected tokens."""
    chosen = announced(project, targets)
    found = stale(project, chosen)
    for diagnostic in project.plan.diagnostics:
        click.echo(f"{diagnostic.severity}: {diagnostic.message} [{diagnostic.rule}]", err=True)
    if not found:
        click.echo(f"Everything is up to date ({len(project.plan.tasks)} tasks): a build would run nothing.")
        return
    sent: list[Sent] = []
    for number, batch in enumerate(project.plan.batches, start=1):
        members = [found[name] for name in batch.tasks if name in found]
        if not members:
            continue
        count = len(batch.tasks)
        click.echo(f"\nBatch {number}: {batch.title} ({count} task{'s' if count > 1 else ''})  {batch.id}")
        asked = [standing for standing in members if standing.rung is Rung.ASK]
        if asked:
            for one in _expected(project, asked):
                sent.append(one)
                click.echo(f"  one ask, at most {one.tokens:,} tokens")
        for standing in members:
            click.echo(f"  {standing.task.name} ({standing.task.minutes} min): {HOW[standing.rung]}")
            for line in reason_lines(standing):
                click.echo(f"    {line}")
    total = sum(one.tokens for one in sent)
    click.echo(f"\n{len(found)} of {len(project.plan.tasks)} tasks, {len(sent)} asks, at most {total:,} tokens to send")
    click.echo(_price(project, sent))


def approve(project: Project, found: Mapping[str, Standing], yes: bool) -> None:
    """Before a project's first paid run without a cap: the forecast, and a question. Raises InputError where not."""
    asked = [standing for standing in found.values() if standing.rung is Rung.ASK]
    if not asked or not _first_paid(project, yes):
        return
    by_batch: dict[str, list[Standing]] = {}
    for standing in asked:
        by_batch.setdefault(project.board.batch_of[standing.task.id], []).append(standing)
    sent = [one for members in by_batch.values() for one in _expected(project, members)]
    tokens = sum(one.tokens for one in sent)
    asks = f"{len(asked)} tasks, {len(sent)} asks, at most {tokens:,} tokens to send without repairs"
    _agreed(f"{asks}. {_price(project, sent)}")


def approve_plan(project: Project, yes: bool) -> None:
    """The same before the model is asked for a plan. Raises InputError where not."""
    if not _first_paid(project, yes):
        return
    from brengine.tokens import upper_bound

    size = upper_bound(project.source.text)
    _agreed(
        f"a plan is asked for first, from a specification of at most {size:,} tokens, in several asks of that order"
    )


def _first_paid(project: Project, yes: bool) -> bool:
    paid = any(stored.reply.backend in ASKS_API for stored in project.ledger.state.replies.values())
    return not yes and not paid and project.pays and project.budget.uncapped


def _agreed(told: str) -> None:
    hint = "say --yes, or set a cap: --max-cost DOLLARS (or [budget] in br.toml)"
    if not sys.stdin.isatty():
        raise InputError(f"this is the first paid run of this project, and nothing caps it: {told}", hint)
    click.echo(f"The first paid run of this project: {told}.")
    if not click.confirm("Go on?"):
        raise InputError("nothing was sent", hint)


def agents_price(project: Project, asks: int) -> str:
    """What asks of an agent may cost; "" for other backends, whose prices are by tokens."""
    if project.backend_name != "claude-code":
        return ""
    most = project.settings.claude_code.max_cost
    bound = f"at most ${most * asks:.2f}, since it stops at ${most:g} an ask" if most else "nothing bounds its dollars"
    return f"an agent sends its prompt again with every turn: {bound}"


def _price(project: Project, sent: Sequence[Sent]) -> str:
    """What the asks would cost, said with what it rests on."""
    if not sent:
        return "Nothing is to be asked, nothing to be paid"
    agents = agents_price(project, len(sent))
    if agents:
        return agents[0].upper() + agents[1:]
    table, today = places.read_prices(), time.strftime("%Y-%m-%d")
    models = list(dict.fromkeys(one.model for one in sent))
    costs = [prices.cost(one.model, Usage(one.tokens, ANSWER_TOKENS), table, today) for one in sent]
    if any(cost is None for cost in costs):
        unknown = next(one.model for one, cost in zip(sent, costs, strict=True) if cost is None)
        return f"The price of {unknown} is unknown"
    dollars = sum(cost for cost in costs if cost is not None)
    return f"At most ${dollars:.2f} with {', '.join(models)}, if no answer takes more than {ANSWER_TOKENS:,} tokens"


def _expected(project: Project, asked: Sequence[Standing]) -> Sequence[Sent]:
    routes = project.settings.routes()
    return [
        Sent(routes.first([standing.task for standing in members]), prompt.size)
        for members, prompt in project.asker.prompts(asked)
    ]


def reason_lines(standing: Standing) -> Sequence[str]:
    """One line per reason, the first six."""
    lines = [str(reason) for reason in standing.reasons[:6]]
    more = len(standing.reasons) - len(lines)
    return [*lines, f"… and {more} more"] if more > 0 else lines


def require_task(chosen: Selected, tasks: Mapping[str, Task]) -> Task:
    """The one task that a word selects; InputError when it is several."""
    if len(chosen.tasks) != 1:
        raise InputError(f"{chosen.name} is {len(chosen.tasks)} tasks", f"name one: {', '.join(chosen.tasks[:6])}")
    return tasks[chosen.tasks[0]]


def announced(project: Project, targets: Sequence[str]) -> tuple[Selected, ...]:
    """What the words select; an abbreviation is said in full."""
    chosen = select.select_all(project.plan, targets)
    for word, found in zip(targets, chosen, strict=True):
        if found.abbreviated:
            click.echo(f"{word} is {found.name}")
    return chosen


def stale(project: Project, chosen: Sequence[Selected]) -> Mapping[str, Standing]:
    """Where the tasks stand that are to be worked on: those chosen (none: all), their needs, their batches."""
    board = project.board
    wanted = {task for c in chosen for task in c.tasks} or set(board.tasks)
    wanted |= needed(project, wanted)
    wanted = {member for task in wanted for member in board.batches[board.batch_of[task]].tasks}
    return {name: s for name, s in board.all().items() if s.reasons and name in wanted}


def needed(project: Project, tasks: Iterable[str]) -> set[str]:
    """Everything that the tasks need, transitively."""
    return {need for task in tasks for need in project.board.closure(task)}
