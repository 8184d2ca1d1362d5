"""The forecast of a build, from where the tasks stand, the journal and the prices."""

from __future__ import annotations

import os
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from brengine import conditions, ledger, pace, places, prices
from brengine.asks import Usage
from brengine.conditions import Attempt
from brengine.events import RunStarted
from brengine.forecast import Asking, Forecast, Price, Work, forecast, tested
from brengine.pace import Pace
from brengine.stale import Rung
from brengine.standing import Standing
from brengine.wiring import Project

FREE = ("manual", "replay")
"""Backends that are paid for by nobody, and that no time can be told of."""
NOTES = {
    "manual": "you answer the prompts: the time that you take is not in it",
    "replay": "recorded replies answer: they cost nothing, and come at once",
    "command": "what your command costs is not known here",
}


def works(project: Project, found: Mapping[str, Standing], sized: bool = True) -> tuple[Work, ...]:
    """What is to be done for the tasks found stale, batch by batch. `sized`: with the size of each prompt."""
    made = []
    known = refused(project)
    for batch in project.plan.batches:
        members = [found[name] for name in batch.tasks if name in found]
        if not members:
            continue
        asked = [standing for standing in members if project.asker.lacks(standing)]
        asks = _askings(project, asked, sized) if asked else ()
        asks += tuple(repair for standing in members if (repair := _repair(project, standing, known, sized)))
        waits = any(project.board.waits(project.board.tasks[name]) for name in batch.tasks)
        made.append(Work(batch.id, len(members), asks, batch.needs, waits))
    return tuple(made)


def _askings(project: Project, asked: Sequence[Standing], sized: bool) -> tuple[Asking, ...]:
    routes = project.settings.routes()
    sent = [(members, prompt.size) for members, prompt in project.asker.prompts(asked)] if sized else [(asked, 0)]
    return tuple(
        Asking(len(members), routes.first([s.task for s in members]), routes.again(members[0].task), bound)
        for members, bound in sent
    )


def refused(project: Project) -> frozenset[Attempt]:
    """Answers that were judged and not accepted, by the journal."""
    return conditions.past(ledger.history(project.places.journal)).refused


def tried(project: Project, standing: Standing, known: Container[Attempt]) -> int:
    """How many stored answers of a task that must be asked for were refused, where a repair is asked for next; else 0.

    Answers that `br retry` set aside do not count.
    """
    count = _refusals(project, standing, known)
    return count if count < project.settings.attempts else 0


def exhausted(project: Project, standing: Standing, known: Container[Attempt]) -> bool:
    """True where a task must be asked for and every attempt was refused."""
    return _refusals(project, standing, known) >= project.settings.attempts


def _refusals(project: Project, standing: Standing, known: Container[Attempt]) -> int:
    """How many stored answers of a task that must be asked for there are, where all were refused; else 0."""
    if standing.rung is not Rung.ASK:
        return 0
    count, red = conditions.answered(standing, project.asker.base(standing), project.asker.stored, known)
    return count if red else 0


def _repair(project: Project, standing: Standing, known: Container[Attempt], sized: bool) -> Asking | None:
    """The repair that is asked for first: of about the size of a first ask for the task alone."""
    count = tried(project, standing, known)
    if not count:
        return None
    (first,) = _askings(project, [standing], sized)
    return replace(first, model=first.repair, tried=count)


def expected(project: Project, todo: Sequence[Work], jobs: int | None = None) -> Forecast:
    """The forecast of what is to be done on so many workers (None: as br.toml says)."""
    return forecast(
        todo,
        pace_of(project),
        attempts=project.settings.attempts,
        price=_price(project),
        workers=jobs or project.settings.jobs,
        processors=os.cpu_count() or 1,
        tested=tested(project.plan.tasks),
    )


def started(project: Project, found: Mapping[str, Standing], jobs: int) -> RunStarted:
    """The event that begins a run, with what the time left is told from."""
    todo, cores = works(project, found, sized=False), os.cpu_count() or 1
    return RunStarted(project.plan, len(found), project.backend_name, todo, pace_of(project), jobs, cores)


def pace_of(project: Project) -> Pace:
    """The pace of a project with the backend that would be asked."""
    name = project.backend_name
    found = pace.measured(ledger.history(project.places.journal), name, tested(project.plan.tasks))
    if name not in FREE:
        return found
    return replace(found, seconds=0.0, assumed=tuple(said for said in found.assumed if said != pace.FIGURES[2]))


def note(project: Project, todo: Sequence[Work]) -> str:
    """What is special about who would answer."""
    return NOTES.get(project.backend_name, "") or agents_price(project, sum(len(work.asks) for work in todo))


def agents_price(project: Project, asks: int) -> str:
    """What asks of an agent may cost; "" for other backends, whose prices are by tokens."""
    if project.backend_name != "claude-code":
        return ""
    most = project.settings.claude_code.max_cost
    bound = f"at most ${most * asks:.2f}, since it stops at ${most:g} an ask" if most else "nothing bounds its dollars"
    return f"an agent sends its prompt again with every turn: {bound}"


def _price(project: Project) -> Price:
    if project.backend_name in FREE:
        return lambda model, usage: 0.0
    if project.backend_name == "command":
        return lambda model, usage: None
    if project.backend_name == "claude-code":
        most = project.settings.claude_code.max_cost or None
        return lambda model, usage: most
    table, today = places.read_prices(project.places, project.settings), time.strftime("%Y-%m-%d")

    def price(model: str, usage: Usage) -> float | None:
        return prices.cost(model, usage, table, today)

    return price
