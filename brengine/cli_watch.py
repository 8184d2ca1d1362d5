"""`br watch`: the plan anew on every save, and a build where that is wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from brengine import cli_build, cli_preview, spec_report
from brengine.errors import BrError
from brengine.places import Places
from brengine.reading.options import Options
from brengine.report import failure
from brengine.wiring import Project
from brengine.writer import stop_at_ctrl_c

QUIET_MS = 300
"""Milliseconds without a further change after which a save counts as whole."""


@click.command()
@click.option("--build", "builds", is_flag=True, help="Build after every save that leaves something to do.")
@cli_build.build_options
@click.pass_obj
def watch(where: Places, /, builds: bool, **options: Any) -> None:
    """Show the new plan whenever the specification, br.toml, rules, prompts or plan files are saved.

    Nobody is asked without --build. Ctrl-C ends it.
    """
    from watchfiles import watch as changes

    stop_at_ctrl_c()
    project = Project(where, spec=options["spec"])
    watched = _watched(project, options["spec"])
    folders = sorted({path if path.is_dir() else path.parent for path in watched})
    looked = False
    for found in changes(*folders, step=QUIET_MS, rust_timeout=QUIET_MS, yield_on_timeout=True):
        if not looked:  # saves are heard of from here on, those during this look included
            looked = True
            _look(where, builds, options)
        saved = sorted({Path(name) for _, name in found if _counts(Path(name), watched)})
        if saved:
            click.echo(f"\n{time.strftime('%H:%M:%S')}  saved: {', '.join(path.name for path in saved)}")
            _look(where, builds, options)


def _watched(project: Project, spec: Path | None) -> list[Path]:
    """What a plan is made from: files and folders, as far as they are there."""
    where, settings = project.places, project.settings
    names = ("br.toml", settings.rules, settings.prompts, settings.plans)
    document = spec.resolve() if spec else where.project / project.source.path
    return [path for path in (document, *(where.project / name for name in names)) if path.exists()]


def _counts(path: Path, watched: list[Path]) -> bool:
    return any(path == one or one in path.parents for one in watched)


def _look(where: Places, builds: bool, options: dict[str, Any]) -> None:
    """The plan as it is now; a mistake in the specification is told, and watching goes on."""

    def show() -> None:
        project = Project(where, spec=options["spec"], options=Options(accept=options["accept_reading"]))
        for line in spec_report.headline(project.plan.spec):
            click.echo(line)
        cli_preview.preview(project, ())

    _told(show)
    if builds:
        _told(lambda: cli_build.build_all(where, (), **options))


def _told(act: Callable[[], object]) -> None:
    try:
        act()
    except BrError as error:
        click.echo(failure(error), err=True)
