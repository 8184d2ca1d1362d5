"""The file monitor: while an agent works in a folder, what it writes is told as it appears, and a stall is noticed."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from brengine.events import Sink, Stalled, Wrote

MOST_ENTRIES = 5_000
"""Files and folders that are looked at; a folder with more is no answer to any ask."""
MOST_LEVELS = 32
MOST_TOLD = 500
"""Events for one ask, after which its files are no longer told one by one."""
LONGEST_LOOK = 1.0
"""Seconds between two looks where nothing is heard of."""
STEP_MS, DEBOUNCE_MS = 50, 200
"""A change is told when nothing more came for the one, and after the other at the latest."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path: a plain `file`, a `link`, or something `other`; a change of any number is a change."""

    kind: str
    size: int
    changed: int
    """Nanoseconds."""
    inode: int
    names: int
    """How many names the file has: more than one means that it may lie elsewhere, too."""


def sweep(root: Path) -> dict[str, Entry]:
    """Everything below a folder but folders, by relative path; no link is followed. Ends at a bound, unsorted."""
    found: dict[str, Entry] = {}
    stack, seen = [("", 0)], 0
    while stack and seen <= MOST_ENTRIES:
        folder, level = stack.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError:
            continue
        for entry in entries:
            seen += 1
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode) and level < MOST_LEVELS:
                stack.append((path, level + 1))
            else:
                found[path] = _entry(status)
    return found


def _entry(status: os.stat_result) -> Entry:
    plain, link = stat.S_ISREG(status.st_mode), stat.S_ISLNK(status.st_mode)
    kind = "file" if plain else "link" if link else "other"
    return Entry(kind, status.st_size, status.st_mtime_ns, status.st_ino, status.st_nlink)


class Monitor:
    """Watches a folder in a thread of its own, from the beginning to the end of a `with` block, however it ends."""

    def __init__(
        self,
        root: Path,
        members: tuple[str, ...],
        declared: tuple[str, ...],
        sink: Sink,
        stall: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`stall`: seconds without a written file and without `heard` that count as a stall."""
        self._root = root
        self._members = members
        self._declared = frozenset(declared)
        self._sink = sink
        self._stall = stall
        self._clock = clock
        self._pause = max(0.05, min(LONGEST_LOOK, stall / 4))
        self._stop = threading.Event()
        self._mutex = threading.Lock()
        self._seen: dict[str, Entry] = {}
        self._told = 0
        self._active = clock()
        self._stalled = False
        self._thread = threading.Thread(target=self._watch, name="br-monitor", daemon=True)

    def __enter__(self) -> Self:
        self._seen = sweep(self._root)
        self.heard()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._files()

    def heard(self) -> None:
        """The agent said something: it does not stall."""
        with self._mutex:
            self._active, self._stalled = self._clock(), False

    def _watch(self) -> None:
        """Look whenever something changed, and from time to time."""
        try:
            for _ in self._wakes():
                self._files()
                self._silence()
        except Exception:  # a system that cannot tell of changes, or has no watches left, is looked at by the clock
            while not self._stop.wait(self._pause):
                self._files()
                self._silence()

    def _wakes(self) -> Iterator[object]:
        from watchfiles import watch

        yield from watch(
            self._root,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            rust_timeout=int(self._pause * 1000),
            yield_on_timeout=True,
            stop_event=self._stop,
            raise_interrupt=False,
        )

    def _files(self) -> None:
        """Tell what appeared or changed since the last look."""
        now = sweep(self._root)
        fresh = [path for path in sorted(now) if now[path] != self._seen.get(path)]
        self._seen = now
        if fresh:
            self.heard()
        for path in fresh[: max(0, MOST_TOLD - self._told)]:
            self._told += 1
            self._sink(Wrote(self._members, path, path in self._declared))

    def _silence(self) -> None:
        with self._mutex:
            silent = self._clock() - self._active
            told, self._stalled = self._stalled, self._stalled or silent >= self._stall
        if self._stalled and not told:
            self._sink(Stalled(self._members, silent))
