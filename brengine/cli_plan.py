"""`br plan`: the plan as it would be reviewed, made by asking where that is wanted, and what a build would do."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from brengine import cli_budget, cli_ending, cli_preview, cli_reading, plan_report, planner, room, spec_report
from brengine.batch import Fits
from brengine.cli_words import TARGET
from brengine.counted import counted
from brengine.errors import render
from brengine.places import Places
from brengine.reading.options import Options
from brengine.wiring import Project

BY_RULES = (
    "There are no plan files: the rules make the plan.\n"
    "`br spec analyze --matrix` tells which task answers for which requirement; `br plan --model` has plan files made."
)


@click.command()
@click.argument("targets", nargs=-1, type=TARGET)
@click.option("--model", is_flag=True, help="Have the model plan: makes plan/*.yaml, or lets them follow an edit.")
@click.option("--check", is_flag=True, help="Judge the plan files and stop; asks nobody. Exits with 3 on errors.")
@click.option("--rulings", is_flag=True, help="List what the plan decides where the specification is silent.")
@click.option("--batches", is_flag=True, help="Say why each batch is as it is.")
@click.option("--ledger", is_flag=True, help="List lines and exact texts that no task, or no test, answers for.")
@cli_budget.BACKEND
@click.option("--record", type=click.Path(path_type=Path), default=None, help="Record every reply there.")
@click.option("--spec", type=click.Path(path_type=Path), default=None, help="The specification's file.")
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=None, help="Workers that the forecast counts on.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="json is for machines.")
@cli_reading.ACCEPT
@click.option("-y", "--yes", is_flag=True, help="Do not ask before the first paid ask.")
@cli_budget.capped
@click.pass_obj
def plan(
    where: Places,
    /,
    targets: tuple[str, ...],
    model: bool,
    check: bool,
    rulings: bool,
    batches: bool,
    ledger: bool,
    backend: str | None,
    record: Path | None,
    spec: Path | None,
    accept_reading: bool,
    jobs: int | None,
    form: str,
    yes: bool,
    **capped: Any,
) -> int:
    """Show the plan and what a build would do, why, and what it would take: asks, tokens, dollars, time.

    Writes nothing, unless planner = "model" (or --model) and the plan files are to be made or to follow an edit of the
    specification: then the model is asked, and plan/*.yaml are written for you to read, edit and commit.
    """
    options = Options(accept=accept_reading)
    caps = cli_budget.taken(capped)
    project = Project(where, spec=spec, options=options, backend=backend or "", record=record, caps=caps)
    if check:
        return _checked(project)
    cli_reading.settle(project, accept_reading, ask_model=model or project.settings.planner == "model")
    if (model or project.settings.planner == "model") and project.unplanned:
        cli_preview.approve_plan(project, yes)
        planner.ensure(project, partial(click.echo, err=form == "json"))
    if form == "json":
        cli_preview.preview(project, targets, jobs=jobs, as_json=True)
        return 0
    if rulings or batches or ledger:
        lines = [*(plan_report.rulings(project.plan, True) if rulings else ())]
        lines += plan_report.batches(project.plan, _fits(project)) if batches else ()
        lines += (_ledgers(project, True) if project.inputs.plans else [BY_RULES]) if ledger else ()
        for line in lines or ["The plan has no rulings."]:
            click.echo(line)
        return 0
    for line in (*spec_report.headline(project.plan.spec), *_review(project)):
        click.echo(line)
    cli_preview.preview(project, targets, jobs=jobs)
    return 0


def _fits(project: Project) -> Fits:
    plan = project.plan
    return room.of(plan.tasks, plan.rulings, plan.spec, project.settings).fits


def _checked(project: Project) -> int:
    """Everything that is wrong with the plan files, as a compiler would tell it."""
    if not project.inputs.plans:
        click.echo(BY_RULES)
        return 0
    found = planner.Planner(project, click.echo).judged()
    for diagnostic in found:
        click.echo(render(diagnostic) + "\n")
    errors = sum(d.severity == "error" for d in found)
    count = len(project.inputs.plans)
    click.echo(f"{counted(count, 'plan file')}: {counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}")
    return 3 if errors else 0


def _review(project: Project) -> list[str]:
    """The plan as a reviewer reads it, where plan files say more than the rules do."""
    found = project.plan
    if not project.inputs.plans:
        return []
    return [
        *plan_report.surface(found),
        *plan_report.modules(found),
        *plan_report.rulings(found, False),
        *plan_report.requirements(found),
        *_ledgers(project, False),
        *plan_report.difference(project.last_plan, found),
        "",
        plan_report.width(found),
    ]


def _ledgers(project: Project, everything: bool) -> list[str]:
    assembled, ground = planner.Planner(project, click.echo).ground_of_plan()
    tests = cli_ending.test_texts(project, project.plan.tasks)
    return list(plan_report.ledgers(assembled, ground, project.plan, tests, everything))
