"""How a run ends: the summary, what needs a person, the exit code."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import click

from brengine import completion
from brengine.asks import Waiting
from brengine.counted import counted
from brengine.domain import Task
from brengine.errors import BrError
from brengine.places import shown
from brengine.report import Reporter, failure
from brengine.standing import Standing
from brengine.verdict import Outcome
from brengine.wiring import Project

POLL = 0.5
"""Seconds between two looks for a person's reply."""


def closing(project: Project, reporter: Reporter, stale: Mapping[str, Standing], code: int) -> int:
    """Say how a run ended, what needs a person, and answer the exit code."""
    outcomes = reporter.totals.outcomes
    outcomes.update(project.engine.outcomes)
    for name in stale:  # what its needs' new files did not touch is fresh again, without having been looked at
        outcomes.setdefault(name, Outcome.UP_TO_DATE if project.board.is_done(name) else Outcome.SKIPPED)
        if name in project.asker.waiting and outcomes[name] is Outcome.SKIPPED:
            outcomes[name] = Outcome.WAITING
    records = dict(project.ledger.state.records)
    done = frozenset(name for name in project.board.tasks if project.board.is_done(name))
    failed = frozenset(name for name, outcome in outcomes.items() if outcome is Outcome.FAILED)
    settled = completion.settle(project.plan, done, failed, records)
    reporter.end(settled, records, _needs_you(project, outcomes, settled))
    errors = [error for error in project.engine.failures if isinstance(error, BrError)]
    if project.asker.over:
        click.echo(failure(project.asker.over), err=True)
        errors.append(project.asker.over)
    if errors:
        return max(error.exit_code for error in errors)
    if any(outcome is Outcome.ERRORED for outcome in outcomes.values()):
        return 2
    return 1 if code else 0


def _needs_you(
    project: Project, outcomes: Mapping[str, Outcome], settled: Sequence[completion.Settled]
) -> Sequence[str]:
    lines = []
    for name, outcome in outcomes.items():
        if outcome is Outcome.FAILED:
            lines.append(f"  {name} failed: see `br task show {name}`")
            lines.append(f"    ask anew: `br retry {name}`")
    lines += _awaited(project.asker.waiting)
    for s in settled:
        if s.fate == "unverifiable":
            lines.append(f"  line {s.line}: {s.text!r} is unverifiable ({s.why})")
    lines += _untested(project)
    for name, record in project.board.leavers().items():
        files = ", ".join(path for path, _ in record.outputs)
        lines.append(f"  {name} left the plan, its files are kept ({files}): `br clean --orphans` removes the unedited")
    return lines


def _awaited(waiting: Mapping[str, Waiting]) -> Iterable[str]:
    """One line for each prompt that a person is to answer."""
    for where in dict.fromkeys(waiting.values()):
        names = [name for name, other in waiting.items() if other == where]
        verb = "waits" if len(names) == 1 else "wait"
        yield f"  {', '.join(names)} {verb} for a reply:"
        yield f"    answer {shown(Path(where.prompt_path))}"
        yield f"    in {shown(Path(where.reply_path))}, and build again"


def until_replied(waiting: Mapping[str, Waiting], say: Callable[[str], None]) -> None:
    """Return when one of the awaited replies was saved, whole as far as a size that stays can tell."""
    for line in _awaited(waiting):
        say(line.replace(", and build again", "; this goes on when it is saved"))
    paths = [Path(where.reply_path) for where in dict.fromkeys(waiting.values())]
    before = [_size(path) for path in paths]
    while True:
        time.sleep(POLL)
        now = [_size(path) for path in paths]
        if any(size and size == old for size, old in zip(now, before, strict=True)):
            return
        before = now


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _untested(project: Project) -> Sequence[str]:
    """One line about exact texts of the specification that the tests of done tasks do not hold."""
    if not project.inputs.plans:
        return []
    from brengine.plans import literals

    tasks = [task for task in project.plan.tasks if project.board.is_done(task.id)]
    tests = test_texts(project, tasks)
    missing = [row for row in literals.held(project.source, tasks, tests) if row.tasks and row.tested is False]
    if not missing:
        return []
    first = textwrap.shorten(missing[0].found.text, 60, placeholder=" …")
    told = f"{counted(len(missing), 'exact text')} of the specification in no test"
    return [f"  {told}, the first on line {missing[0].found.line} ({first!r}): `br plan --ledger`"]


def test_texts(project: Project, tasks: Sequence[Task]) -> Mapping[str, str]:
    """The test files of tasks that are there: path → text."""
    from brengine.plan_report import tests_of

    contents = {path: project.workspace.read(path) for task in tasks for path in tests_of(task)}
    return {path: content.decode("utf-8", "replace") for path, content in contents.items() if content}
