"""`br plan`, `br build`, `br run`, `br retry`: what would be done, and doing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from brengine import cli_budget, cli_ending, cli_forecast, cli_preview, cli_reading, select, spec_report
from brengine.asking import Person
from brengine.cli_words import TARGET
from brengine.errors import InputError
from brengine.events import PlanAmended
from brengine.places import Places
from brengine.reading.options import Options
from brengine.report import Reporter
from brengine.report_json import JsonReporter
from brengine.select import Selected
from brengine.stale import Rung
from brengine.wiring import Project
from brengine.writer import stop_at_ctrl_c

AMENDMENTS = 3
"""How often a build amends its plan and goes on."""


def build_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every building command has."""
    command = cli_budget.capped(command)
    for option in reversed(
        (
            click.option("-j", "--jobs", type=click.IntRange(1, 64), default=None, help="Asks and batches at once."),
            click.option("-k", "--keep-going", is_flag=True, help="Build the rest when a task fails."),
            cli_budget.BACKEND,
            click.option("--record", type=click.Path(path_type=Path), default=None, help="Record every reply there."),
            click.option("--wait", is_flag=True, help="With the manual backend: go on whenever a reply is saved."),
            click.option("-y", "--yes", is_flag=True, help="Do not ask before the first paid run."),
            click.option("-q", "--quiet", is_flag=True, help="Tell only how it ended."),
            click.option("--json", "as_json", is_flag=True, help="Events as JSON lines (docs/formats.md)."),
            click.option("--spec", type=click.Path(path_type=Path), default=None, help="The specification's file."),
            cli_reading.ACCEPT,
        )
    ):
        command = option(command)
    return command


@click.command()
@click.argument("targets", nargs=-1, type=TARGET)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would run, and why; write nothing.")
@build_options
@click.pass_obj
def build(where: Places, /, targets: tuple[str, ...], dry_run: bool, **options: Any) -> int:
    """Build what is stale: everything, or TARGETS (a feature, task, batch or file; abbreviations will do)."""
    if dry_run:
        project = Project(where, spec=options["spec"], options=Options(accept=options["accept_reading"]))
        for line in spec_report.headline(project.plan.spec):
            click.echo(line)
        if project.settings.planner == "model" and project.unplanned:
            click.echo("note: a build asks the model for the plan first (`br plan` does that alone)", err=True)
        cli_preview.preview(project, targets, jobs=options["jobs"])
        return 0
    return build_all(where, targets, **options)


@click.command()
@click.argument("targets", nargs=-1, type=TARGET)
@click.option("--auto", "mode", flag_value="auto", default="auto", help="Build without questions (the default).")
@click.option("--interactive", "mode", flag_value="interactive", help="Approve each prompt, see each answer.")
@build_options
@click.pass_obj
def run(where: Places, /, targets: tuple[str, ...], mode: str, **options: Any) -> int:
    """Build everything, or TARGETS, in a mode: the same engine as `br build`."""
    if mode == "interactive":
        from brengine.cli_interactive import AtTerminal

        return build_all(where, targets, **{**options, "jobs": 1, "yes": True}, person=AtTerminal)
    return build_all(where, targets, **options)


@click.command()
@click.argument("target", type=TARGET)
@build_options
@click.pass_obj
def retry(where: Places, /, target: str, **options: Any) -> int:
    """Ask anew for TARGET: earlier attempts are set aside, files that stand there go into the prompt."""
    project = Project(where, backend=options["backend"] or "", spec=options["spec"])
    cli_reading.settle(project, options["accept_reading"])
    chosen = select.select(project.plan, target)
    project.require_backend()
    project.engine.begin("br retry")
    for name in chosen.tasks:
        standing = project.board.standing(name)
        if standing.reasons:
            key = standing.ask.digest
            base = project.ledger.last_attempt(name, key)
            project.ledger.append({"t": "retry", "task": name, "key": key, "base": base})
    project.engine.end()
    return build_all(where, (chosen.name,), **options)


@click.command()
@click.argument("targets", nargs=-1, required=True, type=TARGET)
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=None, help="Verifications at once.")
@click.pass_obj
def adopt(where: Places, targets: tuple[str, ...], jobs: int | None) -> int:
    """Take the files of TARGETS as they stand for the answer: verified by the ordinary checks, nobody is asked.

    What does not pass fails with its findings, and the files are kept.
    """
    project = Project(where)
    cli_reading.settle(project, False)
    chosen = [name for found in select.select_all(project.plan, targets) for name in found.tasks]
    _adoptable(project, chosen)
    project.engine.begin("br adopt")
    for name in chosen:
        standing = project.board.standing(name)
        if standing.rung is Rung.ASK:
            project.ledger.append({"t": "adopt", "task": name, "key": standing.ask.digest})
    project.engine.end()
    build_all(where, targets, jobs=jobs, closed="`br adopt` asks nobody")
    board = Project(where).board
    return 0 if all(board.is_done(name) for name in chosen) else 1


def _adoptable(project: Project, chosen: Sequence[str]) -> None:
    """Refuse where files are missing, or where what the targets need would have to be asked for."""
    for name in chosen:
        missing = [path for path, content in project.board.standing(name).present.items() if not content]
        if missing:
            are, it = ("is", "it") if len(missing) == 1 else ("are", "them")
            raise InputError(
                f"{name} cannot be adopted: {', '.join(missing)} {are} not there", f"write {it}, or `br build`"
            )
    for name in sorted(cli_preview.needed(project, chosen) - set(chosen)):
        if project.board.standing(name).rung is Rung.ASK:
            raise InputError(f"{name} is needed, and not built", f"adopt it as well, or `br build {name}` first")


# --- building -----------------------------------------------------------------------------------------------------


def build_all(
    where: Places,
    targets: Sequence[str],
    *,
    jobs: int | None = None,
    keep_going: bool = False,
    backend: str | None = None,
    record: Path | None = None,
    spec: Path | None = None,
    accept_reading: bool = False,
    closed: str = "",
    quiet: bool = False,
    as_json: bool = False,
    yes: bool = False,
    wait: bool = False,
    person: Callable[[Project], Person] | None = None,
    again: frozenset[str] = frozenset(),
    **capped: Any,
) -> int:
    """Build and report; answers the exit code.

    `closed`: why nobody may be asked; `person`: who decides each ask; `again`: tasks to verify anyway.
    """
    reporter = _reporter(quiet, as_json, drawn=person is None)
    caps = cli_budget.taken(capped)
    project = Project(
        where,
        backend=backend or "",
        spec=spec,
        record=record,
        sink=reporter,
        caps=caps,
        closed=closed,
        person=person,
        again=again,
    )
    width = jobs or project.settings.jobs
    reporter.live = width == 1
    project.require_fence()
    if not closed and not project.ledger.state.records:
        project.require_backend()
    cli_reading.settle(project, accept_reading)
    if not closed:
        _planned(project, reporter, yes)
    chosen = cli_preview.announced(project, targets)
    if _nothing_to_do(project, chosen):
        _say_up_to_date(project, chosen, reporter)
        return 0
    stale = cli_preview.stale(project, chosen)
    if not closed and any(standing.rung is Rung.ASK for standing in stale.values()):
        project.require_backend()
        cli_preview.approve(project, stale, yes, width)
    stop_at_ctrl_c()
    where.root.mkdir(parents=True, exist_ok=True)
    project.engine.begin(" ".join(["br", *sys.argv[1:]]))
    reporter(cli_forecast.started(project, stale, width))
    with reporter:
        code = _rounds(project, targets, reporter, width, keep_going, wait)
    return cli_ending.closing(project, reporter, stale, code)


def _planned(project: Project, reporter: Reporter, yes: bool) -> None:
    """Have the plan made that a model is to make, where it is not there or behind."""
    if project.settings.planner == "model" and project.unplanned:
        cli_preview.approve_plan(project, yes)
        from brengine import planner

        planner.ensure(project, reporter.say)


def _say_up_to_date(project: Project, chosen: Sequence[Selected], reporter: Reporter) -> None:
    project.keep_plan()
    if project.plan.tasks:
        reporter.up_to_date(len({t for c in chosen for t in c.tasks}) if chosen else len(project.plan.tasks))
        return
    for line in spec_report.headline(project.plan.spec):
        click.echo(line)


def _reporter(quiet: bool, as_json: bool, drawn: bool) -> Reporter:
    """Events for machines, what goes on for a terminal, plain lines for everything else."""
    here = str(Path.cwd())
    if as_json:
        return JsonReporter(click.echo)
    if drawn and sys.stdout.isatty() and not quiet:
        from rich.console import Console

        from brengine.report_live import LiveReporter

        console = Console(highlight=False)
        if not console.is_dumb_terminal:
            return LiveReporter(console, here=here)
    reporter = Reporter(click.echo, here=here)
    reporter.quiet = quiet
    return reporter


def _rounds(
    project: Project, targets: Sequence[str], reporter: Reporter, width: int, keep_going: bool, wait: bool
) -> int:
    """Build; go on where authors asked for what the plan lacks, or where a person's reply was awaited and came."""
    amended = 0
    while True:
        project.engine.begin(" ".join(["br", *sys.argv[1:]]))
        try:
            code = _run(project, select.select_all(project.plan, targets), width, keep_going)
        finally:
            project.engine.end()
        if project.ledger.state.questions and amended < AMENDMENTS:
            amended += 1
            if not _amended(project, reporter):
                return code
        elif project.engine.blamed and not _ends(project):
            blamed = ", ".join(project.engine.blamed)
            reporter.say(f"\nAsked again, for what authors of dependents say is wrong: {blamed}")
            project.replan()
        elif wait and project.asker.waiting:
            cli_ending.until_replied(project.asker.waiting, reporter.say)
            project.replan()
        else:
            return code


def _ends(project: Project) -> bool:
    """True where nothing more is to be asked in this run: a person or the budget said so, or nobody answers."""
    asker = project.asker
    return bool(asker.closed or asker.over or asker.declined or project.engine.failures)


def _amended(project: Project, reporter: Reporter) -> bool:
    """Amend the plan by what authors asked; True where that answered them."""
    from brengine import planner

    reporter.say("\nThe plan is amended by what its authors asked:")
    planner.ensure(project, reporter.say)
    if project.ledger.state.questions:
        return False
    reporter(PlanAmended(project.plan))
    return True


def _run(project: Project, chosen: Sequence[Selected], width: int, keep_going: bool) -> int:
    from brengine import doit_bridge, doit_memory

    tasks = frozenset(task for c in chosen for task in (*c.tasks, *cli_preview.needed(project, c.tasks)))
    names = doit_bridge.in_order(project, tasks if chosen else None)
    code = doit_bridge.run(project, names, jobs=width, keep_going=keep_going)
    if project.engine.project is None and not project.engine.project_fresh():
        code = max(code, 0 if project.engine.check_project() else 1)
    doit_memory.remember(project.places)
    return code


def _nothing_to_do(project: Project, chosen: Sequence[Selected]) -> bool:
    state = project.ledger.state
    if state.promotions or state.in_flight or cli_preview.stale(project, chosen) or not project.engine.project_fresh():
        return False
    if state.unfolded:  # left over by planning, or by a run that was ended: it goes into br.lock
        project.engine.begin("br build")
        project.engine.end()
    return True
