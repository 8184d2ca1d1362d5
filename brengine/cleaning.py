"""Removing what the engine made: only files that it wrote, as it wrote them. An edited file always stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from brengine.verdict import Record
from brengine.wiring import Project


def clean_outputs(project: Project, tasks: Sequence[str], *, dry_run: bool) -> Iterator[str]:
    """Remove the recorded, unedited outputs of these tasks; a line for each file that goes or stays."""
    for name in tasks:
        record = project.ledger.state.records.get(name)
        if record:
            yield from _remove(project, record, dry_run)


def clean_orphans(project: Project, *, dry_run: bool) -> Iterator[str]:
    """Remove the unedited outputs of tasks that the plan no longer has, and forget those tasks."""
    for name, record in project.board.leavers().items():
        kept = False
        for line in _remove(project, record, dry_run):
            kept = kept or line.startswith("kept")
            yield line
        if not dry_run and not kept:
            project.ledger.append({"t": "forget", "task": name})


def clean_state(project: Project, *, dry_run: bool) -> Iterator[str]:
    """Remove `.br/`: journal, stored replies, caches. br.lock and the outputs stay."""
    state = project.places.state
    if state.is_dir():
        yield f"{'would remove' if dry_run else 'removed'} {state.name}/ (stored replies and caches)"
        if not dry_run:
            project.ledger.close()
            shutil.rmtree(state)


def _remove(project: Project, record: Record, dry_run: bool) -> Iterator[str]:
    owned = {path for task in project.plan.tasks if task.id != record.task for path in task.files}
    for path, recorded in record.outputs:
        now = project.workspace.digest(path)
        if not now:
            continue
        if path in owned:
            yield f"kept {path} (another task owns it now)"
        elif now != recorded:
            yield f"kept {path} (edited since it was built)"
        else:
            yield f"{'would remove' if dry_run else 'removed'} {path}"
            if not dry_run:
                project.workspace.remove(path)
