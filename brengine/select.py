"""What a person's word for a feature, task, batch or file means. Abbreviations count when they are unambiguous."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brengine.domain import Plan
from brengine.errors import InputError, nearest


@dataclass(frozen=True, slots=True)
class Selected:
    """What one word selects: doit's name for it, the tasks it stands for, and whether it was an abbreviation."""

    name: str
    """`feature:<id>`, `task:<id>` or `batch:<id>`."""
    tasks: tuple[str, ...]
    abbreviated: bool = False


def select(plan: Plan, word: str) -> Selected:
    """The one thing that `word` names: an id, a file path, or an unambiguous part of one. Raises InputError."""
    by_file = {path: task.id for task in plan.tasks for path in task.files}
    path = word.removeprefix("./")
    if path in by_file:
        return Selected(f"task:{by_file[path]}", (by_file[path],))
    kind, _, rest = word.partition(":")
    kinds = (kind,) if rest and kind in ("feature", "task", "batch") else ("feature", "task", "batch")
    wanted = rest if rest and kind in ("feature", "task", "batch") else word
    names = [name for name in _names(plan) if name.split(":", 1)[0] in kinds]
    for rank, fits in enumerate(_RANKS):
        found = [name for name in names if fits(name.split(":", 1)[1], wanted.lower())]
        found = _preferred(found) if rank else found
        if len(found) == 1 or (rank == 0 and found):
            return Selected(found[0], _tasks(plan, found[0]), abbreviated=rank > 0)
        if found:
            raise InputError(f"{word!r} is ambiguous", f"one of: {', '.join(found[:8])}")
    close = _closest(wanted, [name.split(":", 1)[1] for name in names])
    hint = f"did you mean {close!r}?" if close else "`br task list` shows every task, `br plan` every batch"
    raise InputError(f"nothing is called {word!r}", hint)


def _closest(word: str, names: Sequence[str]) -> str:
    """The name of which the whole, or an end that begins at a word, is nearest to what was said; "" where none is."""
    ends = {end: name for name in reversed(names) for end in (*_parts(name), name)}
    return ends.get(nearest(word, ends), "")


def select_all(plan: Plan, words: Sequence[str]) -> tuple[Selected, ...]:
    """Each word's meaning, in order."""
    return tuple(select(plan, word) for word in words)


def _exact(name: str, word: str) -> bool:
    return name.lower() == word


def _slug(name: str, word: str) -> bool:
    return name.rsplit(".", 1)[-1] == word


def _word_start(name: str, word: str) -> bool:
    return any(part.startswith(word) for part in _parts(name))


def _inside(name: str, word: str) -> bool:
    return word in name.lower()


_RANKS = (_exact, _slug, _word_start, _inside)


def _parts(name: str) -> list[str]:
    """Every end of a name that begins at a word: `add-password-reset` → itself, `password-reset`, `reset`."""
    words = name.lower().rsplit(".", 1)[-1].split("-")
    return ["-".join(words[start:]) for start in range(len(words))]


def _preferred(found: list[str]) -> list[str]:
    """Features before tasks before batches: a batch's name holds its tasks' names."""
    for kind in ("feature:", "task:", "batch:"):
        of_kind = [name for name in found if name.startswith(kind)]
        if of_kind:
            return of_kind
    return found


def _names(plan: Plan) -> list[str]:
    features = dict.fromkeys(task.feature for task in plan.tasks)
    tasks = [f"task:{task.id}" for task in plan.tasks]
    return [*(f"feature:{feature}" for feature in features), *tasks, *(f"batch:{b.id}" for b in plan.batches)]


def _tasks(plan: Plan, name: str) -> tuple[str, ...]:
    kind, _, wanted = name.partition(":")
    if kind == "feature":
        return tuple(task.id for task in plan.tasks if task.feature == wanted)
    if kind == "task":
        return (wanted,)
    return next(batch.tasks for batch in plan.batches if batch.id == wanted)
