"""What informs an ask besides what it must hold: code examples of the document, files beside the tasks'. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from brengine.domain import Task
from brengine.reading import markdown
from brengine.source import Source

MOST_NEIGHBOURS = 8


@dataclass(frozen=True, slots=True)
class Example:
    """A code block of the document, and which names of an ask's contracts it uses."""

    first: int
    last: int
    text: str
    uses: tuple[str, ...]


def examples(document: Source, tasks: Sequence[Task]) -> Iterator[Example]:
    """Code blocks that use a name which the tasks define, and of which they cover no line."""
    names = dict.fromkeys(c.name.rpartition(".")[2] for task in tasks for c in task.defines)
    covered = {line for task in tasks for cover in task.covers for line in cover.span.lines}
    for fence in markdown.fences(document):
        text = "\n".join(fence.lines)
        words = set(re.findall(r"\w+", text))
        uses = tuple(name for name in names if name in words)
        if uses and not covered & set(fence.numbers):
            yield Example(fence.numbers[0], fence.numbers[-1], text, uses)


def neighbours(tasks: Sequence[Task], everyone: Sequence[Task]) -> str:
    """A line for each task whose files stand beside those of an ask: dependents first, then the same feature's.

    What it needs is not among them: the contracts of that say where it lies.
    """
    own = {task.id for task in tasks}
    told = own | {need.task for task in tasks for need in task.needs}
    features = {task.feature for task in tasks}
    others = [task for task in everyone if task.id not in told]
    above = [t for t in others if own & {need.task for need in t.needs}]
    ranked = [*above, *(t for t in others if t.feature in features)]
    near = list({task.id: task for task in ranked}.values())[:MOST_NEIGHBOURS]
    return "\n".join(f"{', '.join(task.files)}: {task.name}" for task in near)


def words_of(tasks: Sequence[Task]) -> str:
    """What the tasks are about, as one text: names, covered lines, contracts, acceptance."""
    rows = [
        text
        for task in tasks
        for text in (
            task.name,
            *(cover.text for cover in task.covers),
            *(f"{c.name} {c.text}" for c in task.defines),
            *(a.text for a in task.acceptance),
        )
    ]
    return "\n".join(rows)
