"""`br spec check` and `br spec analyze`: how a specification is read, and the tasks it leads to."""

from __future__ import annotations

import json
from pathlib import Path

import click

from brengine import places, report
from brengine.domain import Spec
from brengine.errors import Diagnostic, render
from brengine.places import Places
from brengine.wiring import Project


@click.group()
def spec() -> None:
    """Check a specification, or show the tasks it leads to."""


@spec.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format", "how", type=click.Choice(["text", "json"]), default="text", help="json is for editors and CI."
)
@click.pass_obj
def check(where: Places, file: Path | None, how: str) -> int:
    """Say how FILE (or the project's specification) is read: features, context, and every diagnostic with its place.

    Exits with 3 when there is an error.
    """
    from brengine import spec as reader

    source = places.read_spec(where, places.read_settings(where), file)
    parsed = reader.parse(source)
    errors = sum(d.severity == "error" for d in parsed.diagnostics)
    if how == "json":
        click.echo(json.dumps(_as_json(parsed, errors), indent=1, ensure_ascii=False))
        return 3 if errors else 0
    for diagnostic in parsed.diagnostics:
        click.echo(render(diagnostic) + "\n")
    for line in _read(parsed):
        click.echo(line)
    warnings = sum(d.severity == "warning" for d in parsed.diagnostics)
    click.echo(f"{source.path}: {errors} errors, {warnings} warnings")
    return 3 if errors else 0


@spec.command("analyze")
@click.option("--spec", "given", type=click.Path(path_type=Path), default=None, help="The specification's file.")
@click.option("--explain", is_flag=True, help="Say which rule made each task and which lines it covers.")
@click.pass_obj
def analyze(where: Places, given: Path | None, explain: bool) -> None:
    """Show the features of the specification and the tasks that the rules make of them. Writes nothing."""
    project = Project(where, spec=given)
    plan = project.plan
    for diagnostic in plan.diagnostics:
        click.echo(render(diagnostic) + "\n", err=True)
    click.echo(report.extracted(tuple(feature.name for feature in plan.spec.features)))
    titles = {feature.id: feature.name for feature in plan.spec.features}
    for feature in dict.fromkeys(task.feature for task in plan.tasks):
        tasks = [task for task in plan.tasks if task.feature == feature]
        click.echo(f"\n{titles.get(feature, feature)}: {len(tasks)} tasks, {sum(t.minutes for t in tasks)} min")
        for number, task in enumerate(tasks, start=1):
            click.echo(f"  {number:>2}. {task.name} ({task.minutes} min)")
            if explain:
                lines = ", ".join(str(cover.span.line) for cover in task.covers)
                click.echo(f"      rule {task.rule}; lines {lines or 'none'}; {', '.join(task.files)}")


def _read(parsed: Spec) -> list[str]:
    lines = [report.extracted(tuple(feature.name for feature in parsed.features))]
    for feature in parsed.features:
        span = f"lines {feature.span.line}–{feature.span.end_line}"
        count = f"{len(feature.requirements)} requirements, {len(feature.criteria)} criteria"
        lines.append(f"  {feature.id}: {feature.name} ({span}; {count})")
    for section in parsed.sections:
        binds = "binds every task" if section.binding else "context"
        lines.append(f"  {section.title} (lines {section.span.line}–{section.span.end_line}): {section.role}, {binds}")
    return lines


def _as_json(parsed: Spec, errors: int) -> dict[str, object]:
    status = "nothing" if not parsed.features else "ask" if errors else "read"
    return {
        "status": status,
        "features": [
            {
                "id": feature.id,
                "name": feature.name,
                "line": feature.span.line,
                "end_line": feature.span.end_line,
                "requirements": [{"id": r.id, "text": r.text, "line": r.span.line} for r in feature.requirements],
            }
            for feature in parsed.features
        ],
        "diagnostics": [_row(diagnostic) for diagnostic in parsed.diagnostics],
    }


def _row(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "rule": diagnostic.rule,
        "severity": diagnostic.severity,
        "line": diagnostic.span.line if diagnostic.span else 0,
        "column": diagnostic.span.column if diagnostic.span else 0,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }
