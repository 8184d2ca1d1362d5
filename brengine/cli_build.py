"""`br plan`, `br build`, `br run`, `br retry`: what would be done, and doing it."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from brengine import cli_budget, cli_reading, completion, places, prices, select, spec_report
from brengine.asks import Usage, Waiting
from brengine.domain import Task
from brengine.errors import BrError, InputError
from brengine.events import PlanAmended, RunStarted
from brengine.places import Places
from brengine.reading.options import Options
from brengine.report import Reporter, failure
from brengine.select import Selected
from brengine.settings import BACKENDS
from brengine.stale import Rung
from brengine.standing import Standing
from brengine.verdict import Outcome
from brengine.wiring import Project
from brengine.writer import stop_at_ctrl_c

ANSWER_TOKENS = 4_000
"""Tokens of an answer, for the price of a plan: what most took when batches were tried."""
AMENDMENTS = 3
"""How often a build amends its plan and goes on."""

HOW = {
    Rung.ASK: "ask",
    Rung.RESTORE: "restore and verify (no ask)",
    Rung.VERIFY: "verify (no ask)",
    Rung.ASSEMBLE: "put together from its regions and verify (no ask)",
    Rung.FRESH: "up to date",
}


def build_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every building command has."""
    for option in (
        click.option("-j", "--jobs", type=click.IntRange(1, 64), default=None, help="Asks and batches at once."),
        click.option("-k", "--keep-going", is_flag=True, help="Build the rest when a task fails."),
        click.option("--backend", type=click.Choice(BACKENDS), default=None),
        click.option("--record", type=click.Path(path_type=Path), default=None, help="Record every reply there."),
        click.option("--spec", type=click.Path(path_type=Path), default=None, help="The specification's file."),
        cli_reading.ACCEPT,
    ):
        command = option(command)
    return cli_budget.capped(command)


@click.command()
@click.argument("targets", nargs=-1)
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
        preview(project, targets)
        return 0
    return build_all(where, targets, **options)


@click.command()
@click.option("--auto", "mode", flag_value="auto", default="auto", help="Build without questions (the default).")
@build_options
@click.pass_obj
def run(where: Places, /, mode: str, **options: Any) -> int:
    """Build everything, without questions: the same engine as `br build`."""
    return build_all(where, (), **options)


@click.command()
@click.argument("target")
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
            tried = [n for (task, asked, n) in project.ledger.state.replies if task == name and asked == key]
            recorded = [standing.record.attempt] if standing.record else []
            base = max([*tried, *recorded, 1])
            project.ledger.append({"t": "retry", "task": name, "key": key, "base": base})
    project.engine.end()
    return build_all(where, (chosen.name,), **options)


@click.command()
@click.argument("targets", nargs=-1, required=True)
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
            raise InputError(f"{name} cannot be adopted: {', '.join(missing)} is not there", "write it, or `br build`")
    for name in sorted(_needed(project, chosen) - set(chosen)):
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
    **capped: Any,
) -> int:
    """Build and report; answers the exit code. `closed`: why nobody may be asked."""
    reporter = Reporter(click.echo, here=str(Path.cwd()))
    caps = cli_budget.taken(capped)
    project = Project(where, backend=backend or "", spec=spec, record=record, sink=reporter, caps=caps, closed=closed)
    width = jobs or project.settings.jobs
    reporter.live = width == 1
    if not closed and not project.ledger.state.records:
        project.require_backend()
    cli_reading.settle(project, accept_reading)
    if not closed and project.settings.planner == "model" and project.unplanned:
        from brengine import planner

        planner.ensure(project, click.echo)
    chosen = _announced(project, targets)
    if _nothing_to_do(project, chosen):
        project.keep_plan()
        if not project.plan.tasks:
            for line in spec_report.headline(project.plan.spec):
                click.echo(line)
            return 0
        count = len(project.plan.tasks) if not chosen else len({t for c in chosen for t in c.tasks})
        click.echo(f"Everything is up to date ({count} task{'s' if count != 1 else ''}): nothing asked, nothing run.")
        return 0
    stale = _stale(project, chosen)
    if not closed and any(standing.rung is Rung.ASK for standing in stale.values()):
        project.require_backend()
    stop_at_ctrl_c()
    where.root.mkdir(parents=True, exist_ok=True)
    project.engine.begin(" ".join(["br", *sys.argv[1:]]))
    reporter(RunStarted(project.plan, len(stale), project.backend_name))
    code = _rounds(project, targets, reporter, width, keep_going)
    return _closing(project, reporter, stale, code)


def _rounds(project: Project, targets: Sequence[str], reporter: Reporter, width: int, keep_going: bool) -> int:
    """Build; where authors asked for what the plan lacks, amend the plan and build what that changed."""
    for number in range(AMENDMENTS + 1):
        project.engine.begin(" ".join(["br", *sys.argv[1:]]))
        try:
            code = _run(project, select.select_all(project.plan, targets), width, keep_going)
        finally:
            project.engine.end()
        if not project.ledger.state.questions or number == AMENDMENTS:
            break
        from brengine import planner

        click.echo("\nThe plan is amended by what its authors asked:")
        planner.ensure(project, click.echo)
        if project.ledger.state.questions:
            break
        reporter(PlanAmended(project.plan))
    return code


def _run(project: Project, chosen: Sequence[Selected], width: int, keep_going: bool) -> int:
    from brengine import doit_bridge, doit_memory

    tasks = frozenset(task for c in chosen for task in (*c.tasks, *_needed(project, c.tasks)))
    names = doit_bridge.in_order(project, tasks if chosen else None)
    code = doit_bridge.run(project, names, jobs=width, keep_going=keep_going)
    if project.engine.project is None and not project.engine.project_fresh():
        code = max(code, 0 if project.engine.check_project() else 1)
    doit_memory.remember(project.places)
    return code


def _announced(project: Project, targets: Sequence[str]) -> tuple[Selected, ...]:
    chosen = select.select_all(project.plan, targets)
    for word, found in zip(targets, chosen, strict=True):
        if found.abbreviated:
            click.echo(f"{word} is {found.name}")
    return chosen


def _nothing_to_do(project: Project, chosen: Sequence[Selected]) -> bool:
    state = project.ledger.state
    if state.promotions or state.in_flight or _stale(project, chosen) or not project.engine.project_fresh():
        return False
    if state.unfolded:  # left over by planning, or by a run that was ended: it goes into br.lock
        project.engine.begin("br build")
        project.engine.end()
    return True


def _stale(project: Project, chosen: Sequence[Selected]) -> Mapping[str, Standing]:
    board = project.board
    wanted = {task for c in chosen for task in c.tasks} or set(board.tasks)
    wanted |= _needed(project, wanted)
    wanted = {member for task in wanted for member in board.batches[board.batch_of[task]].tasks}
    return {name: s for name, s in board.all().items() if s.reasons and name in wanted}


def _needed(project: Project, tasks: Iterable[str]) -> set[str]:
    return {need for task in tasks for need in project.board.closure(task)}


def _closing(project: Project, reporter: Reporter, stale: Mapping[str, Standing], code: int) -> int:
    outcomes = reporter.totals.outcomes
    outcomes.update(project.engine.outcomes)
    for name in stale:
        outcomes.setdefault(name, Outcome.SKIPPED)
        if name in project.asker.waiting and outcomes[name] is Outcome.SKIPPED:
            outcomes[name] = Outcome.WAITING
    records = dict(project.ledger.state.records)
    done = frozenset(name for name in project.board.tasks if project.board.is_done(name))
    failed = frozenset(name for name, outcome in outcomes.items() if outcome is Outcome.FAILED)
    settled = completion.settle(project.plan, done, failed, records)
    for line in reporter.summary(settled, records):
        click.echo(line)
    for line in _needs_you(project, outcomes, settled):
        click.echo(line)
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
            lines.append(f"  {name} failed: look at it with `br task show {name}`, ask anew with `br retry {name}`")
    lines += _awaited(project.asker.waiting)
    for s in settled:
        if s.fate == "unverifiable":
            lines.append(f"  line {s.line}: {s.text!r} is unverifiable ({s.why})")
    lines += _untested(project)
    for name, record in project.board.leavers().items():
        files = ", ".join(path for path, _ in record.outputs)
        lines.append(f"  {name} left the plan, its files are kept ({files}): `br clean --orphans` removes the unedited")
    return ["Needs you", *lines] if lines else []


def _awaited(waiting: Mapping[str, Waiting]) -> Iterable[str]:
    """One line for each prompt that a person is to answer."""
    for where in dict.fromkeys(waiting.values()):
        names = [name for name, other in waiting.items() if other == where]
        verb = "waits" if len(names) == 1 else "wait"
        yield f"  {', '.join(names)} {verb} for a reply: answer {where.prompt_path}"
        yield f"    in {where.reply_path}, and build again"


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
    shown = textwrap.shorten(missing[0].found.text, 60, placeholder=" …")
    told = f"{len(missing)} exact text{'s' if len(missing) > 1 else ''} of the specification in no test"
    return [f"  {told}, the first on line {missing[0].found.line} ({shown!r}): `br plan --ledger`"]


def test_texts(project: Project, tasks: Sequence[Task]) -> Mapping[str, str]:
    """The test files of tasks that are there: path → text."""
    from brengine.plan_report import tests_of

    contents = {path: project.workspace.read(path) for task in tasks for path in tests_of(task)}
    return {path: content.decode("utf-8", "replace") for path, content in contents.items() if content}


# --- previewing ---------------------------------------------------------------------------------------------------


def preview(project: Project, targets: Sequence[str]) -> None:
    """Print what a build would run, batch by batch, with reasons and expected tokens."""
    chosen = _announced(project, targets)
    stale = _stale(project, chosen)
    for diagnostic in project.plan.diagnostics:
        click.echo(f"{diagnostic.severity}: {diagnostic.message} [{diagnostic.rule}]", err=True)
    if not stale:
        click.echo(f"Everything is up to date ({len(project.plan.tasks)} tasks): a build would run nothing.")
        return
    asks = tokens = 0
    for number, batch in enumerate(project.plan.batches, start=1):
        members = [stale[name] for name in batch.tasks if name in stale]
        if not members:
            continue
        count = len(batch.tasks)
        click.echo(f"\nBatch {number}: {batch.title} ({count} task{'s' if count > 1 else ''})  {batch.id}")
        asked = [standing for standing in members if standing.rung is Rung.ASK]
        if asked:
            for sent in _expected_tokens(project, asked):
                asks, tokens = asks + 1, tokens + sent
                click.echo(f"  one ask, at most {sent:,} tokens")
        for standing in members:
            click.echo(f"  {standing.task.name} ({standing.task.minutes} min): {HOW[standing.rung]}")
            for line in reason_lines(standing):
                click.echo(f"    {line}")
    click.echo(f"\n{len(stale)} of {len(project.plan.tasks)} tasks, {asks} asks, at most {tokens:,} tokens to send")
    click.echo(_price(project, asks, tokens))


def _price(project: Project, asks: int, tokens: int) -> str:
    """What the asks would cost, said with what it rests on."""
    model = project.settings.model
    dollars = prices.cost(model, Usage(tokens, asks * ANSWER_TOKENS), places.read_prices(), time.strftime("%Y-%m-%d"))
    if dollars is None:
        return f"The price of {model} is unknown"
    return f"At most ${dollars:.2f} with {model}, if no answer takes more than {ANSWER_TOKENS:,} tokens"


def _expected_tokens(project: Project, asked: Sequence[Standing]) -> Sequence[int]:
    from brengine.tokens import upper_bound

    return [upper_bound(prompt.system + prompt.user) for _, prompt in project.asker.prompts(asked)]


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
