"""What goes on, at a terminal: lines as they come, and below them what runs, what is done, what it costs, how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from brengine import completion
from brengine.events import Asked, BatchEnded, BatchStarted, Event, PlanAmended, Replied, RunStarted, TaskEnded, Wrote
from brengine.events import Unanswered as Lost
from brengine.report import Reporter, first_line, short
from brengine.verdict import Record

SHOWN = 4
"""Batches and asks that are shown one by one; the rest is counted."""
REFRESHES = 4.0
ENOUGH = 2
"""Batches that must have ended before a guess at the time left is shown."""


@dataclass(slots=True)
class Going:
    """What is going on: asks in flight and batches at work, with the moment when each began."""

    asks: dict[tuple[str, ...], float] = field(default_factory=dict)
    written: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    """Declared files that appeared for asks in flight, the latest last."""
    batches: dict[str, tuple[str, float]] = field(default_factory=dict)
    total: int = 0
    """Tasks that are to be done."""
    ended: int = 0
    left: int = 0
    """Batches that have not ended."""
    took: float = 0.0
    """Seconds from the first batch to the last that ended."""


class LiveReporter(Reporter):
    """A reporter for a terminal. Use it as a context: what it draws is gone afterwards."""

    def __init__(self, console: Console, *, here: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(self.say, here=here, clock=clock)
        self._console = console
        self._now = clock
        self._going = Going()
        self._state = threading.Lock()
        """Guards what is drawn. Never held while a line is printed: who draws has the console, and waits for this."""
        self._finished = 0
        self._live = Live(self, console=console, refresh_per_second=REFRESHES, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """One line above what is drawn."""
        self._console.print(Text(text), soft_wrap=True)

    def __call__(self, event: Event) -> None:
        with self._state:
            self._follow(event)
        super().__call__(event)

    def end(self, settled: tuple[completion.Settled, ...], records: dict[str, Record], needs: Sequence[str]) -> None:
        """How a run ended; nothing is drawn any more."""
        self._live.stop()
        super().end(settled, records, needs)

    def _follow(self, event: Event) -> None:
        going = self._going
        if isinstance(event, RunStarted | PlanAmended):
            going.total = event.stale if isinstance(event, RunStarted) else going.total
            going.left = len(event.plan.batches)
        elif isinstance(event, Asked):
            going.asks[event.members] = self._now()
        elif isinstance(event, Replied | Lost):
            going.asks.pop(event.members, None)
            going.written.pop(event.members, None)
        elif isinstance(event, Wrote) and event.declared and event.members in going.asks:
            paths = going.written.setdefault(event.members, [])
            paths[:] = [*(path for path in paths if path != event.path), event.path]
        elif isinstance(event, BatchStarted):
            going.batches[event.batch.id] = (event.batch.title, self._now())
        elif isinstance(event, BatchEnded):
            going.batches.pop(event.batch.id, None)
            going.left, self._finished = max(0, going.left - 1), self._finished + 1
            going.took = self.seconds
        elif isinstance(event, TaskEnded):
            going.ended += 1

    def _wrote(self, event: Wrote) -> None:
        """A declared file stands in the row of its ask."""
        if not event.declared:
            self._undeclared(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._state:
            lines = self._lines()
        for line in lines:
            text = Text(line, style="dim", no_wrap=True, overflow="ellipsis")
            text.truncate(options.max_width, overflow="ellipsis")
            yield text

    def _lines(self) -> list[str]:
        going, totals, now = self._going, self.totals, self._now()
        asked = [(f"asking for {short(names)}{self._files(names)}", began) for names, began in going.asks.items()]
        busy = [(f"verifying {name} ({title})", began) for name, (title, began) in going.batches.items()]
        rows = sorted([*asked, *busy], key=lambda row: row[1])
        lines = [f"  {now - began:5.0f} s  {text}" for text, began in rows[:SHOWN]]
        lines += [f"           and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
        parts = [f"{min(going.ended, going.total)} of {going.total} tasks", f"{totals.asks + totals.replayed} asks"]
        parts += [f"{totals.usage.total:,} tokens", f"${totals.cost:.2f}", f"{self.seconds:.0f} s"]
        left = self._left()
        return [*lines, "  " + " · ".join([*parts, *([left] if left else [])])]

    def _files(self, names: tuple[str, ...]) -> str:
        """What was written for an ask so far: the latest file, and how many others."""
        paths = self._going.written.get(names, [])
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        return f": {first_line(paths[-1])}{more}" if paths else ""

    def _left(self) -> str:
        """A guess at the time left, from the batches that have ended."""
        if self._finished < ENOUGH or not self._going.left:
            return ""
        seconds = self._going.took / self._finished * self._going.left
        return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"
