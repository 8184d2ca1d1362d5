"""What a run may spend: reserved before each ask and settled after it, so it holds under any number of workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from brengine.asks import Usage
from brengine.counted import counted
from brengine.errors import OverBudget

LONGER = 2
"""How many times as long an answer may be after one that was cut."""
Price = Callable[[str, Usage], float | None]
"""Dollars for a model's tokens, or None where the price is unknown."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Bounds of one run; None where there is none. Seconds count from the run's first moment."""

    cost: float | None = None
    tokens: int | None = None
    asks: int | None = None
    seconds: float | None = None


UNCAPPED = Caps()


@dataclass(slots=True, eq=False)
class Slot:
    """One ask in flight: the most that a try of it may take, and what tries that failed have taken."""

    model: str
    most: Usage
    cost: float
    used: Usage = field(default_factory=Usage)
    used_cost: float = 0.0


class Budget:
    """Reserves and settles. Safe to use from several threads; also the meter that a paid backend tells its tries."""

    def __init__(
        self,
        caps: Caps,
        longest: int,
        price: Price,
        clock: Callable[[], float] = time.monotonic,
        *,
        ceiling: float | None = None,
    ) -> None:
        """`longest`: tokens of the longest answer. `ceiling`: dollars at which the backend itself ends an ask."""
        self._caps = caps
        self._longest = longest
        self._price = price
        self._ceiling = ceiling
        self._clock = clock
        self._began = clock()
        self._free = threading.Condition()
        self._open: list[Slot] = []
        self._own = threading.local()
        self.asks = 0
        self.tokens = 0
        self.cost = 0.0

    @property
    def uncapped(self) -> bool:
        """True where nothing bounds what the run spends."""
        return self._caps == UNCAPPED

    def reserve(self, prompt_tokens: int, model: str = "", longer: bool = False) -> Slot:
        """Room for one ask, of a `longer` answer; waits while asks in flight may leave some. Raises OverBudget."""
        most = Usage(prompt_tokens, self._longest * (LONGER if longer else 1))
        slot = Slot(model, most, self._dear(model, most))
        with self._free:
            while over := self._over(slot):
                if not (self._open and over.waits):
                    raise over.error
                self._free.wait(timeout=1.0)
            self._open.append(slot)
            self.asks += 1
        self._own.slot = slot
        return slot

    def settle(self, slot: Slot, usage: Usage, cost: float | None) -> None:
        """What an ask took in all, tries that failed included; the rest is free again. Unknown cost: the most."""
        with self._free:
            self._open.remove(slot)
            self.tokens += max(0, usage.total - slot.used.total)
            self.cost += max(0.0, (slot.cost if cost is None else cost) - slot.used_cost)
            self._free.notify_all()

    def give_up(self, slot: Slot) -> None:
        """An ask ended without an answer: what its tries took is counted already."""
        with self._free:
            self._open.remove(slot)
            self._free.notify_all()

    # --- the meter of a backend ---------------------------------------------------------------------------------

    def count(self, usage: Usage, cost: float | None = None) -> None:
        """What a failed try of this thread's ask took; priced here where its dollars are not given."""
        slot: Slot | None = getattr(self._own, "slot", None)
        if slot is None or not (usage.total or cost):
            return
        cost = (self._price(slot.model, usage) or 0.0) if cost is None else cost
        with self._free:
            slot.used, slot.used_cost = slot.used + usage, slot.used_cost + cost
            self.tokens += usage.total
            self.cost += cost

    def allow(self) -> None:
        """Raises OverBudget where there is no room for another try of this thread's ask."""
        slot: Slot | None = getattr(self._own, "slot", None)
        if slot is None:
            return
        with self._free:
            over = self._over(None)
        if over:
            raise over.error

    # --- within the lock ----------------------------------------------------------------------------------------

    def _over(self, wanted: Slot | None) -> _Over | None:
        """What stands against the asks in flight and one more; None where all fits."""
        caps, slots = self._caps, [*self._open, *([wanted] if wanted else [])]
        if caps.seconds is not None and self._clock() - self._began >= caps.seconds:
            return _Over(f"the time for asking is over ({caps.seconds:g} s)", waits=False)
        if caps.asks is not None and wanted and self.asks >= caps.asks:
            return _Over(f"{counted(self.asks, 'ask')} sent, {caps.asks} allowed", waits=False)
        tokens = self.tokens + sum(slot.most.total for slot in slots)
        if caps.tokens is not None and tokens > caps.tokens:
            most = max(slot.most.total for slot in slots) if slots else 0
            told = f"{self.tokens:,} of {caps.tokens:,} tokens are spent, and an ask may take {most:,}"
            return _Over(told, waits=self.tokens + most <= caps.tokens)
        cost = self.cost + sum(slot.cost for slot in slots)
        if caps.cost is not None and cost > caps.cost + 1e-9:
            dear = max(slot.cost for slot in slots) if slots else 0.0
            told = f"${self.cost:.4f} of ${caps.cost:g} are spent, and an ask may cost ${dear:.4f}"
            return _Over(told, waits=self.cost + dear <= caps.cost + 1e-9)
        return None

    def _dear(self, model: str, most: Usage) -> float:
        """The most that these tokens may cost: every token of the prompt may be one that is written to a cache."""
        if self._ceiling is not None:
            return self._ceiling
        written = Usage(0, most.output_tokens, 0, most.input_tokens)
        return max(self._price(model, most) or 0.0, self._price(model, written) or 0.0)


@dataclass(frozen=True, slots=True)
class _Over:
    """Why there is no room, and whether asks in flight may leave some."""

    message: str
    waits: bool

    @property
    def error(self) -> OverBudget:
        return OverBudget(
            f"stopped by the budget: {self.message}",
            "raise the cap, or lower max_output_tokens; the same command goes on where this one stopped",
        )
