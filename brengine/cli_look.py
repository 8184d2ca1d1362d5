"""`br log`, `br graph`, `br prompt`: looking back, at how things hang together, and at what would be sent."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import click

from brengine import cli_status, graph_report, ledger, log_report, select
from brengine.cli_preview import require_task
from brengine.cli_words import TARGET, TASK
from brengine.places import Places
from brengine.stale import Rung
from brengine.task_report import left_out
from brengine.wiring import Project


@click.command()
@click.option("-n", "--last", type=click.IntRange(1), default=20, help="So many runs, the latest last.")
@click.option("--stats", is_flag=True, help="How often first answers passed, by size of the ask, model and template.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def log(where: Places, last: int, stats: bool, as_json: bool) -> None:
    """Past runs of this workspace: what was asked and spent, what was built.

    The journal under .br/ tells it: a fresh clone has none.
    """
    rows = ledger.history(where.journal)
    if stats:
        found = log_report.stats(rows)
        lines = [json.dumps({group: asdict(tries) for group, tries in found.items()}, indent=1)]
        told = lines if as_json else list(log_report.shown_stats(found)) if found else ["No answer was judged yet."]
    else:
        runs = log_report.runs(rows)[-last:]
        lines = [json.dumps([asdict(run) for run in runs], indent=1)]
        told = lines if as_json else list(log_report.shown(runs)) or ["No run yet."]
    for line in told:
        click.echo(line)


@click.command()
@click.argument("targets", nargs=-1, type=TARGET)
@click.option("--by", type=click.Choice(graph_report.LEVELS), default="task", help="What the nodes are.")
@click.option("--format", "form", type=click.Choice(graph_report.FORMS), default="tree", help="Text, or for a tool.")
@click.pass_obj
def graph(where: Places, targets: tuple[str, ...], by: graph_report.Level, form: graph_report.Form) -> None:
    """Show what needs what: everything, or TARGETS with what they need.

    `br graph --format dot | dot -Tsvg` draws it; mermaid goes into Markdown.
    """
    project = Project(where)
    chosen = [task for found in select.select_all(project.plan, targets) for task in found.tasks]
    standings = project.board.all()
    wanted = {need for task in chosen for need in (task, *project.board.closure(task))} or set(standings)
    tasks = tuple(task for task in project.plan.tasks if task.id in wanted)
    batches = [replace(b, tasks=tuple(t for t in b.tasks if t in wanted)) for b in project.plan.batches]
    plan = replace(project.plan, tasks=tasks, batches=tuple(b for b in batches if b.tasks))
    states = {name: one.state for name, one in cli_status.conditions_of(project, standings).items()}
    for line in graph_report.rendered(graph_report.nodes(plan, states, by), form):
        click.echo(line)


@click.group()
def prompt() -> None:
    """Look at prompts."""


@prompt.command("show")
@click.argument("target", type=TASK)
@click.option("--alone", is_flag=True, help="Only this task, whatever would be asked for with it.")
@click.pass_obj
def prompt_show(where: Places, target: str, alone: bool) -> None:
    """Print exactly what would be sent for a task, with those of its batch that would be asked for with it.

    What it was made from, and what did not fit, is told on standard error.
    """
    project = Project(where)
    found = require_task(select.select(project.plan, target), project.board.tasks)
    board = project.board
    own = board.standing(found.id)
    mates = [board.standing(name) for name in board.batches[board.batch_of[found.id]].tasks]
    wanted = [standing for standing in mates if standing.rung is Rung.ASK]
    together = wanted if own in wanted and not alone else [own]
    shown = next(p for members, p in project.asker.prompts(together) if own in members)
    click.echo(f"{shown.system}\n\n{shown.user}")
    size = f"at most {shown.size:,} tokens, {shown.context_tokens:,} of them context"
    told = f"{shown.template}: {size}; {left_out(shown)}"
    click.echo(told if own.rung is Rung.ASK else f"{told}; {found.id} is not to be asked for now", err=True)
