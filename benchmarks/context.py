"""What prompts hold: are all covered lines there, within the limit, and what room is left for the rest.

    python benchmarks/context.py FOLDER [--limit 4000]

FOLDER holds specifications, planned by the rules, their readings accepted. Every first ask of every plan is rendered
as a build would. A covered text is there when each of its lines is, apart from those that a contract in the same
prompt says word for word. A document has an API part when a heading names an API, endpoints or an interface.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from brengine import places, prompt
from brengine.asks import Prompt
from brengine.domain import Task
from brengine.errors import InputError, TooLarge
from brengine.reading.options import Options
from brengine.wiring import Project

API = re.compile(r"^#{1,6}.*\b(api|endpoints?|interfaces?|routes?|signatures?|reference)\b", re.I | re.M)


@dataclass
class Row:
    """What was seen of one document."""

    api: bool
    asks: int = 0
    tasks: int = 0
    whole: int = 0
    most: int = 0
    left_out: int = 0
    refused: int = 0


def rendered(folder: Path, path: Path, limit: int) -> Iterator[tuple[tuple[Task, ...], Prompt | None]]:
    """(members, prompt) of every first ask; no prompt where what it must hold does not fit."""
    root = folder / path.stem
    root.mkdir()
    (root / "PROJECT_SPEC.md").write_bytes(path.read_bytes())
    (root / "br.toml").write_text(f"[build]\ncontext_tokens = {limit}\n")
    project = Project(places.Places(root, root), options=Options(accept=True))
    for batch in project.plan.batches:
        wanted = [project.board.standing(name) for name in batch.tasks if not project.board.tasks[name].assembles]
        try:
            for members, made in project.asker.prompts(wanted) if wanted else ():
                yield tuple(standing.task for standing in members), made
        except TooLarge:
            yield tuple(standing.task for standing in wanted), None


def holds(task: Task, made: Prompt) -> bool:
    """True where every covered line of a task is in its prompt."""
    there = prompt.plain(made.user)
    return all(prompt.plain(line) in there for cover in task.covers for line in cover.text.split("\n"))


def seen(folder: Path, path: Path, limit: int) -> Row:
    """The figures of one document."""
    row = Row(bool(API.search(path.read_text(encoding="utf-8-sig", errors="replace"))))
    for tasks, made in rendered(folder, path, limit):
        row.tasks += len(tasks)
        if made is None:
            row.refused += 1
            continue
        row.asks += 1
        row.whole += sum(holds(task, made) for task in tasks)
        row.most = max(row.most, made.context_tokens)
        row.left_out += bool(made.left_out)
    return row


@click.command()
@click.argument("documents", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--limit", default=4000)
def main(documents: Path, limit: int) -> None:
    """Print the shares over all documents, and over those with an API part."""
    began, rows = time.monotonic(), []
    with TemporaryDirectory() as folder:
        for path in sorted(p for p in documents.rglob("*") if p.suffix in (".md", ".txt")):
            try:
                rows.append(seen(Path(folder), path, limit))
            except InputError:
                continue
    for name, chosen in (("all", rows), ("with an API part", [row for row in rows if row.api])):
        tasks, whole, asks = (sum(getattr(row, of) for row in chosen) for of in ("tasks", "whole", "asks"))
        print(f"{name}: {len(chosen)} documents, {tasks} tasks in {asks} asks")
        print(f"  prompt holds every covered line   {100 * whole / max(1, tasks):.1f} % of tasks")
        print(f"  most context in a prompt          {max((row.most for row in chosen), default=0):,} tokens")
        print(f"  does not fit, told before asking  {sum(row.refused for row in chosen)} asks")
        print(f"  something informing left out      {sum(row.left_out for row in chosen)} asks")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
