"""The graph of a plan as text for people and tools: a tree, DOT, Mermaid, JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from brengine.domain import Plan

Level = Literal["task", "batch", "feature"]
LEVELS: tuple[Level, ...] = ("task", "batch", "feature")
Form = Literal["tree", "dot", "mermaid", "json"]
FORMS: tuple[Form, ...] = ("tree", "dot", "mermaid", "json")


@dataclass(frozen=True, slots=True)
class Node:
    """A task, batch or feature: its id, what people call it, its state, and the ids that it needs."""

    id: str
    title: str
    state: str
    needs: tuple[str, ...]


def nodes(plan: Plan, states: Mapping[str, str], level: Level) -> tuple[Node, ...]:
    """The nodes in order of execution. `states`: task id → word; a group has the words of its tasks."""
    ordered = [name for batch in plan.batches for name in batch.tasks]
    by_id = {task.id: task for task in plan.tasks}
    groups = _groups(plan, ordered, level)
    home = {task: group for group, members in groups.items() for task in members}
    titles = {
        "task": {task.id: task.name for task in plan.tasks},
        "batch": {batch.id: batch.title for batch in plan.batches},
        "feature": {feature.id: feature.name for feature in plan.spec.features},
    }[level]
    found = []
    for group, members in groups.items():
        needs = dict.fromkeys(home[need.task] for task in members for need in by_id[task].needs)
        needs.pop(group, None)
        state = ", ".join(dict.fromkeys(states.get(task, "") for task in members))
        found.append(Node(group, titles.get(group, group), state, tuple(needs)))
    return tuple(found)


def _groups(plan: Plan, ordered: Sequence[str], level: Level) -> dict[str, list[str]]:
    batch_of = {task: batch for batch in plan.batches for task in batch.tasks}
    found: dict[str, list[str]] = {}
    for task in ordered:
        names = {"task": task, "batch": batch_of[task].id, "feature": batch_of[task].feature}
        found.setdefault(names[level], []).append(task)
    return found


def rendered(found: Sequence[Node], form: Form) -> Iterator[str]:
    """The lines of one form."""
    forms = {"tree": _tree, "dot": _dot, "mermaid": _mermaid, "json": _json}
    return forms[form](found)


def _tree(found: Sequence[Node]) -> Iterator[str]:
    """What nobody needs stands left, what it needs below it; a node is opened once and named afterwards."""
    by_id = {node.id: node for node in found}
    needed = {need for node in found for need in node.needs}
    opened: set[str] = set()

    def below(name: str, lead: str, mark: str, inner: str) -> Iterator[str]:
        node = by_id[name]
        again = name in opened and node.needs
        yield f"{lead}{mark}{name}  [{node.state}]{' (see above)' if again else ''}"
        if again:
            return
        opened.add(name)
        for index, need in enumerate(node.needs):
            last = index == len(node.needs) - 1
            yield from below(need, lead + inner, "└─ " if last else "├─ ", "   " if last else "│  ")

    for node in found:
        if node.id not in needed:
            yield from below(node.id, "", "", "")


def _dot(found: Sequence[Node]) -> Iterator[str]:
    yield "digraph plan {"
    yield "  rankdir=LR; node [shape=box];"
    for node in found:
        yield f"  {_quoted(node.id)} [label={_quoted(f'{node.title} [{node.state}]')}];"
    for node in found:
        yield from (f"  {_quoted(need)} -> {_quoted(node.id)};" for need in node.needs)
    yield "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _mermaid(found: Sequence[Node]) -> Iterator[str]:
    number = {node.id: f"n{index}" for index, node in enumerate(found)}
    yield "graph LR"
    for node in found:
        label = f"{node.title} [{node.state}]".replace('"', "#quot;")
        yield f'  {number[node.id]}["{label}"]'
    for node in found:
        yield from (f"  {number[need]} --> {number[node.id]}" for need in node.needs)


def _json(found: Sequence[Node]) -> Iterator[str]:
    rows = [{"id": n.id, "title": n.title, "state": n.state, "needs": list(n.needs)} for n in found]
    yield json.dumps(rows, indent=1, ensure_ascii=False)
