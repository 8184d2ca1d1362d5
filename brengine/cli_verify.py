"""`br verify`: the evidence, taken again; and what rests on it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from brengine import cli_reading, completion, report, select
from brengine.cli_build import build_all
from brengine.cli_words import TARGET
from brengine.completion import Settled
from brengine.errors import InputError
from brengine.places import Places
from brengine.verdict import Evidence
from brengine.wiring import Project

NOBODY = "`br verify` asks nobody"


@click.command()
@click.argument("targets", nargs=-1, type=TARGET)
@click.option("--changed", is_flag=True, help="Only what is stale, or rests on what is.")
@click.option("--trace", is_flag=True, help="Then show each requirement with its tasks, tests and evidence.")
@click.option("--no-run", is_flag=True, help="Run nothing: show the recorded evidence (with --trace).")
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=None, help="Verifications at once.")
@click.pass_obj
def verify(
    where: Places, /, targets: tuple[str, ...], changed: bool, trace: bool, no_run: bool, jobs: int | None
) -> int:
    """Run the checks of everything that is built, or of TARGETS, again. Nobody is asked, no file is changed.

    What does not pass any more is not done: `br status` and `br build` know it from then on.
    """
    if no_run and not trace:
        raise InputError("there is nothing to show", "--no-run goes with --trace")
    code = 0 if no_run else _run(where, targets, changed, jobs)
    for line in _trace(Project(where)) if trace else ():
        click.echo(line)
    return code


def _run(where: Places, targets: tuple[str, ...], changed: bool, jobs: int | None) -> int:
    project = Project(where)
    cli_reading.settle(project, False)
    chosen = {name for found in select.select_all(project.plan, targets) for name in found.tasks}
    built = [
        name for name, standing in project.board.all().items() if standing.record and (not chosen or name in chosen)
    ]
    if not built:
        raise InputError("nothing of that is built yet", "`br build` builds it")
    again = frozenset(() if changed else built)
    code = build_all(where, [f"task:{name}" for name in built], jobs=jobs, keep_going=True, closed=NOBODY, again=again)
    board = Project(where).board
    return code if code > 1 else 0 if all(board.is_done(name) for name in built) else 1


def _trace(project: Project) -> Iterator[str]:
    """Requirement → tasks → tests → evidence, and how many of all are verified."""
    standings = project.board.all()
    done = frozenset(name for name, s in standings.items() if not s.reasons)
    failed = frozenset(name for name, s in standings.items() if s.record and s.record.failed)
    settled = completion.settle(project.plan, done, failed, project.ledger.state.records)
    for one in settled:
        yield from _requirement(project, one)
    verified = sum(one.fate == "verified" for one in settled)
    yield f"\n{verified} of {len(settled)} requirements verified ({completion.rate(settled):.0f} %)"


def _requirement(project: Project, one: Settled) -> Iterator[str]:
    yield f"\nline {one.line}: {report.first_line(one.text)}"
    yield f"  {one.fate}" + (f" ({one.why})" if one.why else "")
    for name in one.tasks:
        record, task = project.ledger.state.records.get(name), project.board.tasks[name]
        yield f"  {name}: {', '.join(task.files)}"
        for evidence in record.evidence if record else ():
            yield f"    {evidence.check:<12} {_told(evidence)}"


def _told(evidence: Evidence) -> str:
    """What a check did, in numbers."""
    if evidence.status == "not applicable":
        return f"not applicable: {evidence.reason}"
    counts = f"{evidence.executed} run, {evidence.failed} failed" if evidence.executed else ""
    if evidence.percent is not None:
        counts = f"{report.percent(evidence.percent)} of {evidence.coverable} lines and branches"
    return ", ".join(part for part in (evidence.status, counts) if part)
