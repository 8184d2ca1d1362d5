"""What goes on, at a terminal: lines as they come, and below them what runs, what is done, what it costs, how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from brengine import completion
from brengine.counted import counted
from brengine.events import Asked, BatchEnded, BatchStarted, Event, Replied, RunStarted, TaskEnded, Wrote
from brengine.events import Unanswered as Lost
from brengine.forecast_report import duration
from brengine.report import Reporter, first_line, short
from brengine.timeleft import TimeLeft
from brengine.verdict import Record

SHOWN = 4
"""Batches and asks that are shown one by one; the rest is counted."""
REFRESHES = 4.0


@dataclass(slots=True)
class Going:
    """What is going on: asks in flight and batches at work, with the moment when each began."""

    asks: dict[tuple[str, ...], tuple[int, float]] = field(default_factory=dict)
    """Members → the attempt, and when it was sent."""
    written: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    """Declared files that appeared for asks in flight, the latest last."""
    batches: dict[str, tuple[str, float]] = field(default_factory=dict)
    total: int = 0
    """Tasks that are to be done."""
    ended: int = 0
    queue: set[str] = field(default_factory=set)
    """Batches that are not staged yet."""


class LiveReporter(Reporter):
    """A reporter for a terminal. Use it as a context: what it draws is gone afterwards."""

    def __init__(self, console: Console, *, here: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(self.say, here=here, clock=clock)
        self._console = console
        self._now = clock
        self._going = Going()
        self._seen = threading.Lock()
        """For what is drawn. Who draws holds the terminal, so nobody may write to the terminal while holding this."""
        self._left = TimeLeft(clock)
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
        with self._seen:
            self._follow(event)
        super().__call__(event)

    def end(self, settled: tuple[completion.Settled, ...], records: dict[str, Record], needs: Sequence[str]) -> None:
        """How a run ended; nothing is drawn any more."""
        self._live.stop()
        super().end(settled, records, needs)

    def _follow(self, event: Event) -> None:
        going = self._going
        self._left.follow(event)
        if isinstance(event, RunStarted):
            going.total = event.stale
            going.queue = {work.batch for work in event.works}
        elif isinstance(event, Asked):
            going.asks[event.members] = (event.attempt, self._now())
        elif isinstance(event, Replied | Lost):
            going.asks.pop(event.members, None)
            going.written.pop(event.members, None)
        elif isinstance(event, Wrote) and event.declared and event.members in going.asks:
            paths = going.written.setdefault(event.members, [])
            paths[:] = [*(path for path in paths if path != event.path), event.path]
        elif isinstance(event, BatchStarted):
            going.batches[event.batch.id] = (event.batch.title, self._now())
            going.queue.discard(event.batch.id)
        elif isinstance(event, BatchEnded):
            going.batches.pop(event.batch.id, None)
        elif isinstance(event, TaskEnded):
            going.ended += 1

    def _wrote(self, event: Wrote) -> None:
        """A declared file stands in the row of its ask."""
        if not event.declared:
            self._undeclared(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._seen:
            lines = self._lines(options.max_width)
        for line in lines:
            text = Text(line, style="dim", no_wrap=True, overflow="ellipsis")
            text.truncate(options.max_width, overflow="ellipsis")
            yield text

    def _lines(self, width: int) -> list[str]:
        going, totals, now = self._going, self.totals, self._now()
        asked = [(self._asking(names, attempt), began) for names, (attempt, began) in going.asks.items()]
        busy = [(f"verifying {name} ({title})", began) for name, (title, began) in going.batches.items()]
        rows = sorted([*asked, *busy], key=lambda row: row[1])
        lines = [f"  {now - began:5.0f} s  {text}" for text, began in rows[:SHOWN]]
        lines += [f"           and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
        left = self._left.seconds()
        parts = {
            f"{min(going.ended, going.total):,} of {counted(going.total, 'task')}": 0,
            counted(totals.asks + totals.replayed, "ask"): 5,
            counted(totals.usage.total, "token"): 4,
            f"${totals.cost:.2f}": 2,
            duration(self.seconds): 3,
        }
        parts |= {f"{len(going.queue):,} batches in the queue": 6} if len(going.queue) > 1 else {}
        parts |= {} if left is None or left < 1 else {f"about {duration(left)} left": 1}
        return [*lines, _fitted(parts, width)]

    def _asking(self, names: tuple[str, ...], attempt: int) -> str:
        again = f", attempt {attempt}" if attempt > 1 else ""
        return f"asking for {short(names)}{again}{self._files(names)}"

    def _files(self, names: tuple[str, ...]) -> str:
        """What was written for an ask so far: the latest file, and how many others."""
        paths = self._going.written.get(names, [])
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        return f": {first_line(paths[-1])}{more}" if paths else ""


def _fitted(parts: Mapping[str, int], width: int) -> str:
    """One line of the parts in their order; where it is too narrow, those of the highest numbers are left out."""
    kept = list(parts)
    while len(kept) > 1 and len(" · ".join(kept)) + 2 > width:
        kept.remove(max(kept, key=parts.__getitem__))
    return "  " + " · ".join(kept)
