"""`br spec check` and `br spec analyze`: how a specification is read, and the tasks it leads to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from brengine import cli_budget, cli_reading, places, report, spec_report
from brengine.counted import counted
from brengine.domain import Plan, Spec
from brengine.errors import Diagnostic, InputError, render
from brengine.places import Places
from brengine.reading.options import Include, Options
from brengine.wiring import Project


@click.group()
def spec() -> None:
    """Check a specification, or show the tasks it leads to."""


@spec.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format", "how", type=click.Choice(["text", "json"]), default="text", help="json is for editors and CI."
)
@click.option("--coverage", is_flag=True, help="Say what became of every line.")
@click.option("--second-reader", is_flag=True, help="Have the model read it too (costs an ask; the answer is kept).")
@click.option(
    "--include",
    multiple=True,
    type=click.Choice(["done", "deferred"]),
    help="Read what is marked as done, or for later, as still to be built.",
)
@cli_budget.BACKEND
@click.option("--record", type=click.Path(path_type=Path), default=None, help="Record the second reader's reply there.")
@cli_reading.ACCEPT
@click.pass_obj
def check(
    where: Places,
    file: Path | None,
    how: str,
    coverage: bool,
    second_reader: bool,
    include: tuple[Include, ...],
    backend: str | None,
    record: Path | None,
    accept_reading: bool,
) -> int:
    """Say how FILE (or the project's specification) is read: features, context, and every diagnostic with its place.

    FILE needs no project around it. Exits with 3 when there is an error, or when it is not clear how to read it.
    """
    try:
        options = Options(accept=accept_reading, include=include)
        project = Project(
            where, spec=file, options=options, backend=backend or "", record=record, foreign=_foreign(where, file)
        )
        refused = cli_reading.second_reading(project) if second_reader else ()
        parsed = cli_reading.read(project)
    except InputError as error:
        if how == "text":
            raise
        click.echo(json.dumps(_unreadable(error), indent=1, ensure_ascii=False))
        return 3
    errors = sum(d.severity == "error" for d in parsed.diagnostics)
    for finding in refused:
        click.echo(f"note: the second reader was refused: {report.first_line(finding)}", err=True)
    if how == "json":
        click.echo(json.dumps(spec_report.as_json(parsed), indent=1, ensure_ascii=False))
    else:
        for line in _told(parsed, coverage):
            click.echo(line)
    return 3 if errors else 0


def _foreign(where: Places, file: Path | None) -> bool:
    """True for a file that is not the project's own specification."""
    if file is None:
        return False
    own = places.spec_path(where, places.read_settings(where))
    return file.resolve() != own.resolve()


def _told(parsed: Spec, coverage: bool) -> Iterator[str]:
    for diagnostic in parsed.diagnostics:
        yield render(diagnostic) + "\n"
    yield from spec_report.interpretation(parsed)
    if coverage:
        yield from ("", "What became of every line:", *spec_report.coverage(parsed))
    errors, warnings = (sum(d.severity == kind for d in parsed.diagnostics) for kind in ("error", "warning"))
    yield f"{parsed.path}: {counted(errors, 'error')}, {counted(warnings, 'warning')}"


def _unreadable(error: InputError) -> dict[str, object]:
    """What cannot even be read as text, in the shape of every other answer."""
    said = error.diagnostics or (Diagnostic("unreadable", "error", error.message, "", None, error.hint),)
    rows = [spec_report.diagnostic_row(diagnostic) for diagnostic in said]
    empty: dict[str, object] = {"status": "nothing", "confidence": 1.0, "how": error.message, "others": []}
    return {**empty, "features": [], "ignored": [], "diagnostics": rows}


@spec.command("analyze")
@click.option("--spec", "given", type=click.Path(path_type=Path), default=None, help="The specification's file.")
@click.option("--explain", is_flag=True, help="Say which rule made each task and which lines it covers.")
@click.option("--matrix", is_flag=True, help="List requirement → tasks, and task → requirements.")
@cli_reading.ACCEPT
@click.pass_obj
def analyze(where: Places, given: Path | None, explain: bool, matrix: bool, accept_reading: bool) -> None:
    """Show the features of the specification and the tasks that the rules make of them. Writes nothing."""
    project = Project(where, spec=given, options=Options(accept=accept_reading))
    plan = project.plan
    for diagnostic in plan.diagnostics:
        click.echo(render(diagnostic) + "\n", err=True)
    for line in spec_report.headline(plan.spec):
        click.echo(line)
    titles = {feature.id: feature.name for feature in plan.spec.features}
    for feature in dict.fromkeys(task.feature for task in plan.tasks):
        tasks = [task for task in plan.tasks if task.feature == feature]
        click.echo(
            f"\n{titles.get(feature, feature)}: {counted(len(tasks), 'task')}, {sum(t.minutes for t in tasks)} min"
        )
        for number, task in enumerate(tasks, start=1):
            click.echo(f"  {number:>2}. {task.name} ({task.minutes} min)")
            if explain:
                lines = ", ".join(str(cover.span.line) for cover in task.covers)
                click.echo(f"      rule {task.rule}; lines {lines or 'none'}; {', '.join(task.files)}")
                needs = ", ".join(need.task for need in task.needs)
                click.echo(f"      {task.id}" + (f" needs {needs}" if needs else ""))
    for line in _matrix(plan) if matrix else ():
        click.echo(line)


def _matrix(plan: Plan) -> Iterator[str]:
    """Requirements ↔ tasks, both ways."""
    yield "\nRequirement → tasks"
    for feature in plan.spec.features:
        for requirement in feature.requirements:
            name = f"{feature.id}/{requirement.id}"
            tasks = [task.id for task in plan.tasks if name in task.requirements]
            yield f"  line {requirement.span.line}: {requirement.text[:80]} → {', '.join(tasks)}"
    yield "\nTask → requirements"
    for task in plan.tasks:
        yield f"  {task.id} → {', '.join(task.requirements) or 'none of its own'}"
