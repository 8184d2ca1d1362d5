"""What an ask for tasks must hold, and whether that fits the limit of a prompt. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brengine import prompt
from brengine.domain import Contract, Ruling, Spec, Task
from brengine.settings import Settings
from brengine.tokens import upper_bound
from brengine.verdict import Gates

MOST_PER_CHARACTER = 2.5
"""Tokens that an ASCII character takes at most: shorter texts fit without counting."""


class Room:
    """Weighs tasks of one plan by the upper-bound estimate of tokens."""

    def __init__(self, tasks: Sequence[Task], rulings: Sequence[Ruling], spec: Spec, gates: Gates, limit: int) -> None:
        self._by_id: Mapping[str, Task] = {task.id: task for task in tasks}
        self._rulings = rulings
        self._sections = frozenset(section.text for section in spec.sections if section.binding)
        self._gates = gates
        self._limit = limit

    def fits(self, tasks: Sequence[Task]) -> bool:
        """True where one prompt may hold all that these tasks must be told."""
        texts = self._texts(tasks)
        plain = all(text.isascii() for text in texts)
        return (plain and sum(map(len, texts)) * MOST_PER_CHARACTER <= self._limit) or _weigh(texts) <= self._limit

    def weight(self, tasks: Sequence[Task]) -> int:
        """Tokens that one prompt for these tasks must hold."""
        return _weigh(self._texts(tasks))

    def parts(self, task: Task) -> dict[str, int]:
        """What takes the room, roughly: the parts of an estimate do not add up to the token."""
        covered = "\n".join(cover.text for cover in task.covers)
        said = [a.text for a in task.acceptance if a.kind != "literal" and a.text not in covered]
        found = {
            "covered lines": upper_bound(covered),
            "own contracts": upper_bound(prompt.contracts_text(task.defines)),
            "acceptance": upper_bound("\n".join(said)),
            "contracts of needs": upper_bound(prompt.contracts_text(self._used([task]))),
            "rulings": upper_bound("\n".join(self._binding([task]))),
        }
        return {**found, "names, files and gates": max(0, self.weight([task]) - sum(found.values()))}

    def _texts(self, tasks: Sequence[Task]) -> list[str]:
        """Sections that bind are said once for all, like rulings and contracts."""
        shown = frozenset(c.text for task in tasks for c in task.covers if c.text in self._sections)
        own = prompt.said(tasks, {task.id: self._gates for task in tasks}, shown)
        return [*own, *shown, *self._binding(tasks), prompt.contracts_text(self._used(tasks))]

    def _used(self, tasks: Sequence[Task]) -> list[Contract]:
        """The contracts of needs outside these tasks that they use, each once."""
        ids = {task.id for task in tasks}
        needs = [need for task in tasks for need in task.needs if need.task not in ids and need.task in self._by_id]
        found = [c for need in needs for c in self._by_id[need.task].defines if c.name in need.uses]
        return list(dict.fromkeys(found))

    def _binding(self, tasks: Sequence[Task]) -> list[str]:
        ids = {task.id for task in tasks}
        return [ruling.text for ruling in self._rulings if not ruling.tasks or ids & set(ruling.tasks)]


def of(tasks: Sequence[Task], rulings: Sequence[Ruling], spec: Spec, settings: Settings) -> Room:
    """The room of a plan's tasks under the settings of its project."""
    return Room(tasks, rulings, spec, settings.gates(), settings.context_tokens)


def _weigh(texts: Sequence[str]) -> int:
    return sum(upper_bound(text) for text in texts)
