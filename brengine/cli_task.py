"""`br task`, `br why`, `br clean`: looking at what is there, and taking it away."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

import click

from brengine import cleaning, cli_status, conditions, select, task_report
from brengine.cli_build import build_all
from brengine.cli_preview import HOW, require_task
from brengine.cli_words import FEATURE, TARGET, TASK
from brengine.conditions import STATES
from brengine.domain import Reason, ReasonKind
from brengine.errors import InputError
from brengine.ledger import history
from brengine.places import Places
from brengine.spending import Spend, spent
from brengine.standing import Standing
from brengine.wiring import Project


@click.group()
def task() -> None:
    """List tasks, show one, or execute one by hand."""


COLUMNS = ("position", "batch", "priority", "minutes", "state", "domain", "feature", "id", "name")


@task.command("list")
@click.argument("targets", nargs=-1, type=TARGET)
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only those in this state.")
@click.option("--domain", "domains", multiple=True, help="Only those of this domain.")
@click.option("--feature", "features", multiple=True, type=FEATURE, help="Only those of this feature.")
@click.option("--sort", type=click.Choice(COLUMNS), default="position", help="By this column.")
@cli_status.machine
@click.pass_obj
def task_list(
    where: Places,
    targets: tuple[str, ...],
    states: tuple[str, ...],
    domains: tuple[str, ...],
    features: tuple[str, ...],
    sort: str,
    form: str,
) -> None:
    """Every task (or those of TARGETS) in order of execution: position, batch, priority, minutes, state.

    Options of one kind add to each other, of several kinds all must hold.
    """
    project = Project(where)
    chosen = {name for found in select.select_all(project.plan, targets) for name in found.tasks}
    named = [select.select(project.plan, f"feature:{word.removeprefix('feature:')}") for word in features]
    of_features = {name for found in named for name in found.tasks}
    rows = [
        row
        for row in _rows(project)
        if (not targets or row["id"] in chosen)
        and (not features or row["id"] in of_features)
        and (not states or row["state"] in states)
        and (not domains or row["domain"] in domains)
    ]
    from brengine.batch import RANK

    rows.sort(key=lambda row: RANK[row[sort]] if sort == "priority" else row[sort])
    if form == "json":
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    click.echo(f"{'#':>3}  {'batch':>5}  {'priority':<8}  {'min':>3}  {'state':<10}  {'domain':<14}  task")
    for row in rows:
        place = f"{row['position']:>3}  {row['batch']:>5}  {row['priority']:<8}  {row['minutes']:>3}"
        click.echo(f"{place}  {row['state']:<10}  {row['domain']:<14}  {row['id']}")


def _rows(project: Project) -> list[dict[str, Any]]:
    """A row of COLUMNS for every task in order of execution."""
    found = cli_status.conditions_of(project, project.board.all())
    ordered = [(number, name) for number, batch in enumerate(project.plan.batches, start=1) for name in batch.tasks]
    rows = []
    for position, (number, name) in enumerate(ordered, start=1):
        one, state = project.board.tasks[name], found[name].state
        values = (position, number, one.priority, one.minutes, state, one.domain, one.feature, name, one.name)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


@task.command("show")
@click.argument("target", type=TASK)
@click.option("--attempt", type=click.IntRange(1), default=None, help="Show an answer of before, and what was found.")
@cli_status.machine
@click.pass_obj
def task_show(where: Places, target: str, attempt: int | None, form: str) -> None:
    """Show one task: files, needs, contracts, spec lines, acceptance, evidence, what was spent on it.

    `br prompt show` has its prompt.
    """
    project = Project(where)
    found = require_task(select.select(project.plan, target), project.board.tasks)
    standings = project.board.all()
    standing = standings[found.id]
    if attempt is not None:
        for line in _attempt(project, standing, attempt):
            click.echo(line)
        return
    shown = task_report.Shown(
        standing,
        cli_status.conditions_of(project, standings)[found.id],
        project.board.batch_of[found.id],
        spent(history(where.journal))[1].get(found.id, Spend()),
        project.prompter.task([standing]),
    )
    if form == "json":
        click.echo(json.dumps(task_report.row(shown), indent=1, ensure_ascii=False))
        return
    for line in task_report.lines(shown):
        click.echo(line)


@task.command("execute")
@click.argument("target", type=TASK)
@click.option("--manual", is_flag=True, required=True, help="You answer the prompt yourself.")
@click.option("--reply", type=click.Path(path_type=Path, allow_dash=True), default=None, help="The reply (- is stdin).")
@click.option("--editor", is_flag=True, help="Write the reply in your editor ($EDITOR).")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="Record the reply there.")
@click.pass_obj
def task_execute(
    where: Places, target: str, manual: bool, reply: Path | None, editor: bool, record: Path | None
) -> int:
    """Build one task with the prompt answered by hand: writes the prompt, takes the reply, verifies it.

    `br prompt show TASK` prints the same prompt alone, for a clipboard: `br prompt show TASK | xclip`.
    """
    project = Project(where, backend="manual")
    found = require_task(select.select(project.plan, target), project.board.tasks)
    name = f"task:{found.id}"
    if reply is None and not editor:
        return build_all(where, (name,), backend="manual", record=record)
    text = "" if reply is None else sys.stdin.read() if str(reply) == "-" else _reply_text(reply)
    build_all(where, (name,), backend="manual", record=record)
    text = _edited() if reply is None else text
    asked = conditions.past(history(where.journal)).asked
    own = {f"{ask}.prompt.md" for ask, members in asked.items() if any(name == found.id for name, _, _ in members)}
    folder = where.state / "manual"
    waiting = sorted(p for p in folder.glob("*.prompt.md") if p.name in own and not _reply_of(p).exists())
    if not waiting:
        raise InputError(f"no prompt waits for a reply to {found.id}", f"`br why {found.id}` tells its state")
    _reply_of(max(waiting, key=lambda p: p.stat().st_mtime_ns)).write_text(text, encoding="utf-8")
    return build_all(where, (name,), backend="manual", record=record)


def _edited() -> str:
    """What a person wrote in their editor. Raises InputError where that is nothing."""
    text = click.edit("", extension=".md", require_save=False) or ""
    if not text.strip():
        raise InputError("the editor gave no reply", "nothing was taken; the prompt still waits")
    return text


def _reply_of(prompt: Path) -> Path:
    return prompt.with_name(prompt.name.replace(".prompt.md", ".reply.md"))


def _reply_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read the reply {path}: {error.strerror}") from error


@click.command()
@click.argument("target", type=TARGET)
@click.pass_obj
def why(where: Places, target: str) -> None:
    """Why TARGET (a task, feature, batch or file) is stale: every reason, with before and after."""
    project = Project(where)
    chosen = select.select(project.plan, target)
    standings = project.board.all()
    for name in chosen.tasks:
        standing = standings[name]
        if not standing.reasons:
            click.echo(f"{name}: up to date")
            continue
        click.echo(f"{name}: {HOW[standing.rung]}")
        for reason in standing.reasons:
            for line in _explained(project, standing, reason):
                click.echo(f"  {line}")


@click.command()
@click.argument("targets", nargs=-1, type=TARGET)
@click.option("--orphans", is_flag=True, help="The files of tasks that left the plan.")
@click.option("--outputs", is_flag=True, help="The files of the targets given, or of all tasks.")
@click.option("--state", is_flag=True, help="`.br/`: stored replies and caches (they cost money to make again).")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_obj
def clean(where: Places, targets: tuple[str, ...], orphans: bool, outputs: bool, state: bool, dry_run: bool) -> None:
    """Remove what was built. A file that you edited, or that brengine did not make, is never removed."""
    project = Project(where)
    if not (orphans or outputs or state or targets):
        raise InputError("say what to clean", "TARGETS, --outputs, --orphans or --state; -n only shows it")
    chosen = select.select_all(project.plan, targets)
    names = [name for c in chosen for name in c.tasks] or list(project.board.tasks)
    if not dry_run:
        project.engine.begin("br clean")
    lines = list(_cleaned(project, names if outputs or targets else (), orphans, dry_run))
    if not dry_run:
        project.engine.end()
    if state:
        lines += cleaning.clean_state(project, dry_run=dry_run)
    for line in lines or ["nothing to remove"]:
        click.echo(line)


def _cleaned(project: Project, names: Sequence[str], orphans: bool, dry_run: bool) -> Iterator[str]:
    yield from cleaning.clean_outputs(project, names, dry_run=dry_run)
    if orphans:
        yield from cleaning.clean_orphans(project, dry_run=dry_run)


def _attempt(project: Project, standing: Standing, attempt: int) -> Iterator[str]:
    """The stored answer of an attempt at the present ask Key, and the findings that it was judged by."""
    name, key = standing.task.id, standing.ask.digest
    stored = project.ledger.state.replies.get((name, key, attempt))
    if stored is None:
        known = sorted(n for task, asked, n in project.ledger.state.replies if (task, asked) == (name, key))
        hint = f"there are: {', '.join(map(str, known))}" if known else "it was not asked for as it is now"
        raise InputError(f"there is no attempt {attempt} of {name}", hint)
    rows = history(project.places.journal)
    own = [row for row in rows if row["t"] == "reply" and [name, key, attempt] in row.get("members", [])]
    judged = [
        row
        for row in rows
        if row["t"] == "judged" and (row.get("task"), row.get("key"), row.get("attempt")) == (name, key, attempt)
    ]
    reply = stored.reply
    price = "unknown" if reply.cost is None else f"${reply.cost:.4f}"
    yield f"attempt {attempt} of {name}: {reply.model or reply.backend}, {reply.usage.total:,} tokens, {price}"
    for what, words in (("left_out", "left out of its prompt"), ("shortened", "shortened in its prompt")):
        if own and own[-1].get(what):
            yield f"  {words}: {', '.join(own[-1][what])}"
    for finding in judged[-1].get("findings", []) if judged else []:
        yield f"  {finding}"
    yield f"\n{project.asker.text(stored)}"


def _explained(project: Project, standing: Standing, reason: Reason) -> Iterator[str]:
    yield str(reason)
    if reason.kind is not ReasonKind.ASK_CHANGED or standing.record is None:
        if reason.before or reason.after:
            yield f"  {reason.before[:16] or 'absent'} → {reason.after[:16] or 'absent'}"
        return
    before = project.board.kept_values(standing.record).get(reason.about)
    after = project.board.ask_values(standing.task.id).get(reason.about)
    lines = unified_diff(_lines(before), _lines(after), lineterm="", n=0)
    yield from (f"  {line}" for line in list(lines)[3:13] if line.strip())


def _lines(value: object) -> list[str]:
    if value is None:
        return []
    return value.split("\n") if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False).split("\n")
