"""Past runs, from the journal: what was asked and spent, and how often first answers passed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brengine.counted import counted

Row = Mapping[str, Any]


@dataclass(slots=True)
class Run:
    """One run: what was called when (ISO time), what it asked for and spent, what it ended with."""

    at: str = ""
    what: str = "before runs were noted"
    asks: int = 0
    replayed: int = 0
    repairs: int = 0
    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    done: int = 0
    refused: int = 0
    """Attempts that were judged and not accepted."""
    fence: str = ""
    """What kept its commands in, where any were run."""

    @property
    def empty(self) -> bool:
        """True where nothing was asked, judged or recorded."""
        return not (self.asks or self.replayed or self.done or self.refused)


def runs(rows: Iterable[Row]) -> list[Run]:
    """The runs in order. Rows of another shape are passed over."""
    found = [Run()]
    for row in rows:
        try:
            _take(found, row)
        except (KeyError, TypeError, ValueError):
            continue
    return [run for run in found if run.at or not run.empty]


def _take(found: list[Run], row: Row) -> None:
    kind, run = row["t"], found[-1]
    if kind == "run":
        found.append(Run(str(row["at"]), str(row["what"])))
    elif kind == "reply" and not row.get("edited"):
        recorded = row["backend"] == "replay"
        run.replayed += recorded
        run.asks += not recorded
        run.repairs += row["members"][0][2] > 1
        run.tokens += 0 if recorded else sum(row["usage"])
        run.cost += row["cost"] or 0.0
        run.unpriced += row["cost"] is None
    elif kind == "gone" and row.get("usage"):
        run.asks += 1
        run.tokens += sum(row["usage"])
        run.cost += row["cost"] or 0.0
        run.unpriced += row["cost"] is None
    elif kind == "promoted":
        run.done += len(row["records"])
    elif kind == "judged":
        run.refused += bool(row["findings"])
    elif kind == "fence":
        run.fence = str(row["name"])


@dataclass(slots=True)
class Tries:
    """How first answers fared in one group of asks."""

    tasks: int = 0
    passed: int = 0


@dataclass(slots=True)
class _Asked:
    """A task at one ask Key: the group of its first ask, and what became of it."""

    groups: tuple[str, ...]
    refused: bool = False


def stats(rows: Iterable[Row]) -> dict[str, Tries]:
    """First-attempt pass rate by size of the ask, model and template. Tasks never judged do not count."""
    asked: dict[tuple[str, str], _Asked] = {}
    done: set[tuple[str, str]] = set()
    names: dict[str, tuple[str, str]] = {}
    for row in rows:
        try:
            _follow(row, asked, done, names)
        except (KeyError, TypeError, ValueError):
            continue
    found: dict[str, Tries] = {}
    for name, entry in asked.items():
        for group in entry.groups if name in done or entry.refused else ():
            tries = found.setdefault(group, Tries())
            tries.tasks += 1
            tries.passed += not entry.refused
    return dict(sorted(found.items()))


def _follow(
    row: Row, asked: dict[tuple[str, str], _Asked], done: set[tuple[str, str]], names: dict[str, tuple[str, str]]
) -> None:
    if row["t"] == "reply":
        for task, key, attempt in row["members"]:
            if attempt == 1:
                size = len(row["members"])
                groups = (f"tasks in the ask: {size}", f"model: {row['model'] or row['backend']}")
                asked[task, key] = _Asked((*groups, f"template: {row.get('template', 'unknown')}"))
                names[task] = (task, key)
    elif row["t"] == "judged" and row["attempt"] == 1 and (row["task"], row["key"]) in asked:
        asked[row["task"], row["key"]].refused |= bool(row["findings"])
    elif row["t"] == "promoted":
        done.update(names[fields["task"]] for fields in row["records"] if fields["task"] in names)


def shown(found: Sequence[Run]) -> Iterator[str]:
    """Two lines for each run, the latest last; times are UTC."""
    for run in found:
        asks = counted(run.asks, "ask") + (f", {run.replayed} replayed" if run.replayed else "")
        asks += f" ({counted(run.repairs, 'repair')})" if run.repairs else ""
        price = f"${run.cost:.4f}" + (f" and {run.unpriced} of unknown price" if run.unpriced else "")
        ended = f"{counted(run.done, 'task')} done, {counted(run.refused, 'answer')} refused"
        told = f"{asks}, {counted(run.tokens, 'token')}, {price}; {ended}"
        told += f"; fence: {run.fence}" if run.fence else ""
        yield f"{f'{run.at[:19]} UTC'.replace('T', ' ', 1) if run.at else '-'}  {run.what}"
        yield f"  {told}"


def shown_stats(found: Mapping[str, Tries]) -> Iterator[str]:
    """The pass rates, group by group."""
    yield "First answers that passed"
    for group, tries in found.items():
        yield f"  {group:<40} {tries.passed} of {tries.tasks} ({100 * tries.passed / tries.tasks:.0f} %)"
