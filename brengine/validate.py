"""What a plan must satisfy before anything is asked: ids, owners, edges, paths, coverage of requirements. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from brengine import acceptance
from brengine.domain import Spec, Task
from brengine.errors import Diagnostic, nearest
from brengine.reply import path_problem
from brengine.rules import MINUTES
from brengine.source import Span

Places = Mapping[str, tuple[str, Span]]
"""Task id -> the path and place in a plan file that it comes from."""


def problems(tasks: Sequence[Task], spec: Spec, places: Places | None = None) -> tuple[Diagnostic, ...]:
    """Every error of a plan, each at the line of the plan file or of the specification that it comes from."""
    by_id = {task.id: task for task in tasks}
    found = [*_twice(tasks, spec), *_owners(tasks, spec), *_paths(tasks, spec), *_edges(tasks, by_id, spec)]
    found += _uncovered(tasks, spec)
    if not any(d.said.rule in ("unknown-need", "duplicate-task") for d in found):
        found += _cycle(by_id, spec)
    at = places or {}
    return tuple(replace(d.said, path=at[d.task][0], span=at[d.task][1]) if d.task in at else d.said for d in found)


@dataclass(frozen=True, slots=True)
class _Problem:
    """A diagnostic, and the task that it is about."""

    said: Diagnostic
    task: str = ""


def _at(task: Task, spec: Spec, rule: str, message: str, hint: str = "") -> _Problem:
    span = next((cover.span for cover in task.covers if cover.requirement), None)
    span = span or (task.covers[0].span if task.covers else Span(1))
    return _Problem(Diagnostic(rule, "error", message, spec.path, span, hint), task.id)


def _twice(tasks: Sequence[Task], spec: Spec) -> Iterator[_Problem]:
    seen: dict[str, Task] = {}
    for task in tasks:
        if task.id in seen:
            hint = "reword one of the bullets, or give it an id of its own: {#id}"
            yield _at(task, spec, "duplicate-task", f"two tasks are called {task.id}", hint)
        seen[task.id] = task
        if task.minutes not in MINUTES and not task.assembles:
            yield _at(task, spec, "task-size", f"{task.id} takes {task.minutes} minutes, not 60, 90 or 120")


def _owners(tasks: Sequence[Task], spec: Spec) -> Iterator[_Problem]:
    """One owner for each path, whatever its case; no path is another's folder."""
    owner: dict[str, Task] = {}
    for task in tasks:
        for path in task.files:
            other = owner.get(path.casefold())
            if other is not None:
                yield _at(task, spec, "two-owners", f"{path} is made by {_line(task)} and by {_line(other)}")
            owner[path.casefold()] = task
    for path, task in owner.items():
        for parent in PurePosixPath(path).parents:
            if str(parent) in owner:
                yield _at(
                    task, spec, "two-owners", f"{parent} is a file of {owner[str(parent)].id} and a folder of {path}"
                )


def _line(task: Task) -> str:
    span = next((cover.span for cover in task.covers if cover.requirement), None)
    return f"{task.id} (line {span.line})" if span else task.id


def _paths(tasks: Sequence[Task], spec: Spec) -> Iterator[_Problem]:
    for task in tasks:
        if not task.targets:
            yield _at(task, spec, "no-target", f"{task.id} makes no file")
        for path in task.files:
            if acceptance.is_inside(path):
                yield _at(task, spec, "acceptance", f"{task.id} would write {path}", "acceptance/ is the author's own")
        for path in (*task.files, *task.reads):
            problem = path_problem(path)
            if problem:
                yield _at(task, spec, "unsafe-path", f"{path!r} of {task.id}: {problem}")
        if task.kind == "code" and not task.tests and not task.assembles:
            yield _at(task, spec, "no-tests", f"{task.id} is code and declares no test file")


def _edges(tasks: Sequence[Task], by_id: Mapping[str, Task], spec: Spec) -> Iterator[_Problem]:
    for task in tasks:
        for need in task.needs:
            other = by_id.get(need.task)
            if other is None:
                close = nearest(need.task, by_id)
                hint = f"did you mean {close!r}?" if close else ""
                yield _at(task, spec, "unknown-need", f"{task.id} needs {need.task}, which is no task", hint)
                continue
            missing = [name for name in need.uses if name not in {c.name for c in other.defines}]
            if missing:
                message = f"{task.id} uses {', '.join(missing)} of {other.id}, which does not define it"
                yield _at(task, spec, "unknown-contract", message)


def _uncovered(tasks: Sequence[Task], spec: Spec) -> Iterator[_Problem]:
    covered = {name for task in tasks for name in task.requirements}
    for feature in spec.features:
        for requirement in feature.requirements:
            if f"{feature.id}/{requirement.id}" not in covered:
                message = f"no task covers {requirement.text!r}"
                hint = "a rule or a task of the plan must take it"
                yield _Problem(Diagnostic("uncovered", "error", message, spec.path, requirement.span, hint))


def _cycle(by_id: Mapping[str, Task], spec: Spec) -> Iterator[_Problem]:
    """The first cycle with its path. Depth-first without recursion: plans may be deep."""
    state: dict[str, int] = {}
    for start in by_id:
        trail: list[str] = []
        stack = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                state[name] = 2
                trail.pop()
                continue
            if state.get(name) == 2:
                continue
            if state.get(name) == 1:
                path = " → ".join([*trail[trail.index(name) :], name])
                yield _at(by_id[name], spec, "cycle", f"tasks need each other in a circle: {path}")
                return
            state[name] = 1
            trail.append(name)
            stack.append((name, True))
            stack += [(need.task, False) for need in by_id[name].needs]
