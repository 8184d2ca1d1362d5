"""What a build would do, and for how much: batches, reasons, the forecast; the question before the first paid run."""

from __future__ import annotations

import json
import sys
from collections.abc import Container, Iterable, Mapping, Sequence

import click

from brengine import cli_forecast, forecast_report, select, spec_report
from brengine.backing import ASKS_API
from brengine.conditions import Attempt
from brengine.counted import counted
from brengine.domain import Task
from brengine.errors import InputError
from brengine.forecast import Work
from brengine.select import Selected
from brengine.stale import Rung
from brengine.standing import Standing
from brengine.wiring import Project

Row = dict[str, object]
HOW = {
    Rung.ASK: "ask",
    Rung.RESTORE: "restore and verify (no ask)",
    Rung.VERIFY: "verify (no ask)",
    Rung.ASSEMBLE: "put together from its regions and verify (no ask)",
    Rung.FRESH: "up to date",
}


def preview(project: Project, targets: Sequence[str], *, jobs: int | None = None, as_json: bool = False) -> None:
    """Print what a build would run, batch by batch, with reasons, and the forecast of it."""
    chosen = select.select_all(project.plan, targets) if as_json else announced(project, targets)
    found = stale(project, chosen)
    works = cli_forecast.works(project, found)
    if as_json:
        row: Row = {"targets": [one.name for one in chosen], **_row(project, found, works)}
        row["forecast"] = forecast_report.as_json(cli_forecast.expected(project, works, jobs))
        click.echo(json.dumps(row, indent=1, ensure_ascii=False))
        return
    for diagnostic in project.plan.diagnostics:
        click.echo(f"{diagnostic.severity}: {diagnostic.message} [{diagnostic.rule}]", err=True)
    if not found:
        click.echo(f"Everything is up to date ({counted(len(project.plan.tasks), 'task')}): a build would run nothing.")
        return
    numbers = {batch.id: number for number, batch in enumerate(project.plan.batches, start=1)}
    refused = cli_forecast.refused(project)
    for work in works:
        batch = project.board.batches[work.batch]
        count = len(batch.tasks)
        click.echo(f"\nBatch {numbers[batch.id]}: {batch.title} ({counted(count, 'task')})  {batch.id}")
        for ask in work.asks:
            click.echo(f"  one ask, at most {ask.bound:,} tokens")
        for standing in (found[name] for name in batch.tasks if name in found):
            click.echo(f"  {standing.task.name} ({standing.task.minutes} min): {how(project, standing, refused)}")
            for line in reason_lines(standing):
                click.echo(f"    {line}")
    click.echo(f"\n{len(found)} of {counted(len(project.plan.tasks), 'task')} to do")
    for line in forecast_report.lines(cli_forecast.expected(project, works, jobs), cli_forecast.note(project, works)):
        click.echo(line)


def _row(project: Project, found: Mapping[str, Standing], works: Sequence[Work]) -> Row:
    """What `br plan --format json` prints (docs/formats.md)."""
    numbers = {batch.id: number for number, batch in enumerate(project.plan.batches, start=1)}
    batches, refused = [], cli_forecast.refused(project)
    for work in works:
        batch = project.board.batches[work.batch]
        row: Row = {"id": batch.id, "number": numbers[batch.id], "title": batch.title, "needs": list(batch.needs)}
        row["asks"] = [{"tasks": ask.tasks, "model": ask.model, "tokens": ask.bound} for ask in work.asks]
        row["tasks"] = [_task_row(project, found[name], refused) for name in batch.tasks if name in found]
        batches.append(row)
    return {
        "tasks": len(project.plan.tasks),
        "stale": len(found),
        "batches": batches,
        "diagnostics": [spec_report.diagnostic_row(diagnostic) for diagnostic in project.plan.diagnostics],
    }


def _task_row(project: Project, standing: Standing, refused: Container[Attempt]) -> Row:
    one = standing.task
    row: Row = {"id": one.id, "name": one.name, "minutes": one.minutes, "how": how(project, standing, refused)}
    return row | {"reasons": [str(reason) for reason in standing.reasons]}


def how(project: Project, standing: Standing, refused: Container[Attempt]) -> str:
    """What would be done for a task: an answer that is stored already is not asked for again."""
    if standing.rung is not Rung.ASK or project.asker.lacks(standing):
        return HOW[standing.rung]
    if cli_forecast.exhausted(project, standing, refused):
        return "no attempt is left; `br retry` asks anew"
    again = cli_forecast.tried(project, standing, refused)
    return "ask for a repair of its refused answer" if again else "judge the stored answer (no ask)"


def approve(project: Project, found: Mapping[str, Standing], yes: bool, jobs: int) -> None:
    """Before a project's first paid run without a cap: the forecast, and a question. Raises InputError where not."""
    if not _first_paid(project, yes):
        return
    works = cli_forecast.works(project, found)
    if not any(work.asks for work in works):
        return
    note = cli_forecast.note(project, works)
    told = forecast_report.sentence(cli_forecast.expected(project, works, jobs), note)
    _agreed(f"{counted(len(found), 'task')}, {told}")


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
