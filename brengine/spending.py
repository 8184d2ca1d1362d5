"""What was spent so far, by the journal: in all, and for each task. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from brengine.counted import counted, repaired

Row = Mapping[str, Any]


@dataclass(slots=True)
class Spend:
    """Asks and what they took. Of an ask for several tasks each has an equal share of the tokens and dollars."""

    asks: int = 0
    """Asks that a backend answered, repairs included."""
    repairs: int = 0
    """Those of them that were no first attempt."""
    replayed: int = 0
    """Answers that came from recordings: nothing was spent on them."""
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    cost: float = 0.0
    """Dollars, as far as prices are known."""
    unpriced: int = 0
    """Asks whose price is unknown: their dollars are in no sum."""
    unanswered: int = 0
    """Asks that no reply came to, though their tries took tokens."""

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        return round(self.tokens_in + self.tokens_out)

    def __str__(self) -> str:
        if not (self.asks or self.replayed or self.unanswered):
            return "nothing"
        parts = [counted(self.asks, "ask")]
        parts[0] += f" ({repaired(self.repairs)})" if self.repairs else ""
        parts += [f"{self.replayed} replayed"] if self.replayed else []
        parts += [f"{self.unanswered} without an answer"] if self.unanswered else []
        parts += [f"{self.tokens:,} tokens ({round(self.tokens_in):,} in, {round(self.tokens_out):,} out)"]
        price = f"${self.cost:.4f}"
        if self.unpriced:
            price = f"{price}, and {self.unpriced} of unknown price" if self.cost else "dollars unknown"
        return ", ".join([*parts, price])

    def row(self) -> dict[str, Any]:
        """For machines; `cost` is null where no price is known."""
        cost = None if self.unpriced and not self.cost else round(self.cost, 6)
        counts = {"asks": self.asks, "repairs": self.repairs, "replayed": self.replayed, "unanswered": self.unanswered}
        tokens = {"tokens_in": round(self.tokens_in), "tokens_out": round(self.tokens_out)}
        return {**counts, **tokens, "cost": cost, "unpriced": self.unpriced}


def spent(rows: Iterable[Row]) -> tuple[Spend, dict[str, Spend]]:
    """(what was spent in all, plans and readings included; what for each task). Odd rows are passed over."""
    total, by_task = Spend(), dict[str, Spend]()
    members: dict[str, list[str]] = {}
    for row in rows:
        try:
            if row["t"] == "intent":
                members[row["ask"]] = [str(task) for task, _, _ in row["members"]]
            elif row["t"] == "reply" and not row.get("edited"):
                tasks, again = [str(task) for task, _, _ in row["members"]], row["members"][0][2] > 1
                _add(row, tasks, total, by_task, replayed=row["backend"] == "replay", again=again)
            elif row["t"] == "gone" and row.get("usage"):
                _add(row, members.get(row["ask"], []), total, by_task, lost=True)
        except (KeyError, TypeError, ValueError, IndexError):
            continue
    return total, by_task


def _add(
    row: Row,
    tasks: list[str],
    total: Spend,
    by_task: dict[str, Spend],
    *,
    replayed: bool = False,
    again: bool = False,
    lost: bool = False,
) -> None:
    tokens_in, tokens_out, *cached = (0, 0) if replayed else row["usage"]
    cost = 0.0 if replayed else row["cost"]
    for spend, share in ((total, 1), *((by_task.setdefault(task, Spend()), len(tasks)) for task in tasks)):
        spend.replayed += replayed
        spend.unanswered += lost
        spend.asks += not (replayed or lost)
        spend.repairs += again and not replayed
        spend.tokens_in += (tokens_in + sum(cached)) / share
        spend.tokens_out += tokens_out / share
        spend.cost += (cost or 0.0) / share
        spend.unpriced += cost is None
