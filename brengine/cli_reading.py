"""How an unsure reading is settled: accepted, read again by the model, or asked about."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from brengine import report, spec_report
from brengine.asks import Waiting
from brengine.domain import Spec
from brengine.errors import BackendError, BrError, UnsureReading
from brengine.reading.options import Settled
from brengine.wiring import Project

ACCEPT = click.option(
    "--accept-reading", is_flag=True, help="Take the best reading of an unclear specification (a build remembers it)."
)


def settle(project: Project, accept: bool = False, ask_model: bool = True) -> None:
    """Make sure that the plan can be made: settle an unsure reading. Raises UnsureReading where nobody can.

    `accept` takes the best reading; else the model reads it again (where `ask_model`, and there is one to ask); else a
    person at a terminal is asked.
    """
    try:
        project.plan  # noqa: B018 - made here, and kept
        return
    except UnsureReading as error:
        unsure = error
    spec = read(project)
    if accept:
        project.settle(Settled(spec.reading.how))
    elif not (ask_model and _by_model(project)) and not _by_person(project, spec):
        raise unsure


def read(project: Project) -> Spec:
    """The specification as it is read now, sure or not."""
    from brengine import spec as reader

    return reader.parse(project.source, project.known_ids, project.known_names, project.options)


def second_reading(project: Project) -> Sequence[str]:
    """Have a second reader read it and remember what it says; the findings that it was refused by, none when taken.

    Raises BackendError where no reply can be had, or where a person is to give it.
    """
    from brengine import second_reader

    answer = project.second_reader()
    if isinstance(answer, Waiting):
        raise BackendError("a second reader is awaited", f"answer {answer.prompt_path} in {answer.reply_path}")
    if not answer.findings:
        project.settle(second_reader.settled(answer, project.source))
    return answer.findings


def _by_model(project: Project) -> bool:
    if not project.settings.reading.second_reader:
        return False
    try:
        project.require_backend()
        findings = second_reading(project)
    except BackendError as error:
        click.echo(f"note: no second reader: {report.first_line(error.message)}", err=True)
        return False
    for finding in findings:
        click.echo(f"note: the second reader was refused: {report.first_line(finding)}", err=True)
    if findings:
        return False
    click.echo("The rules were not sure how to read this; a second reader (the model) said:")
    for line in spec_report.interpretation(read(project)):
        click.echo(line)
    click.echo("")
    return True


def _by_person(project: Project, spec: Spec) -> bool:
    """Ask at a terminal which way to read it; the answer is remembered."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    for line in spec_report.interpretation(spec):
        click.echo(line)
    ways = [spec.reading.how, *spec.reading.others]
    for number, way in enumerate(ways, start=1):
        click.echo(f"  {number}  {way}")
    chosen = click.prompt("Which way is right (0: none)", type=click.IntRange(0, len(ways)), default=1)
    if not chosen:
        return False
    project.settle(Settled(ways[chosen - 1]))
    try:
        project.plan  # noqa: B018 - the answer may lead to other errors, which are told as ever
    except BrError:
        project.__dict__.pop("plan", None)
    click.echo(f"Remembered. To settle it in br.toml: [spec] reading = {ways[chosen - 1]!r}\n")
    return True
