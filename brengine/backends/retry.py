"""When the same request may be sent again, and after how long: the one owner of retries, over tenacity's arithmetic."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tenacity import RetryCallState, wait_random_exponential

from brengine.errors import BackendError

FIRST, LONGEST = 1.0, 60.0
"""Bounds of the jittered exponential wait, in seconds."""
LONGEST_TOLD = 120.0
"""A retry-after is obeyed up to this many seconds."""
POLL = 0.05
"""Seconds between two looks at whether the one that tries was let in."""
BREAK_AFTER = 8
"""Failures in a row, of all workers together, after which nothing is sent for a while."""
BREAK_FOR = 30.0
"""Seconds for which nothing is sent then, but for one request that finds out."""
TRIES = 4
"""How often a request that failed otherwise than by rate limit or overload is sent in all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request gave no reply. `waits` marks rate limit and overload, which are waited out and cost no try."""

    message: str
    kind: str
    retryable: bool = False
    waits: bool = False
    retry_after: float | None = None
    hint: str = ""

    def error(self) -> BackendError:
        """The fault as the engine sees it."""
        return BackendError(self.message, self.hint, kind=self.kind, retryable=self.retryable)


@dataclass(slots=True)
class Gate:
    """One pause for all workers: after a 429 or 529 nobody sends before `until` (monotonic seconds).

    Then one worker tries; the others wait for what comes of it, so a storm costs one request for each pause.
    """

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    until: float = 0.0
    troubled: bool = False
    """True from a refusal to the next request that is let in."""
    trying: bool = False
    """One worker is finding out whether the trouble is over."""
    failures: int = 0
    """Requests in a row that failed by something else than a refusal."""
    broken_until: float = 0.0
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Return when sending is allowed."""
        while (pause := self._pause()) > 0:
            self.sleep(pause)

    @property
    def busy(self) -> bool:
        """True where asks wait, or are not sent at all: nothing else is to be sent either."""
        with self._mutex:
            return self.troubled or self.until > self.clock() or self.failures >= BREAK_AFTER

    def _pause(self) -> float:
        with self._mutex:
            left = self.until - self.clock()
            if left > 0:
                return left
            if self.troubled and self.trying:
                return POLL
            self.trying = self.troubled
            return 0.0

    def close_for(self, seconds: float) -> None:
        """Let nobody send for so long."""
        with self._mutex:
            self.until = max(self.until, self.clock() + seconds)
            self.troubled, self.trying = True, False

    def release(self) -> None:
        """Who tried got no answer: another may try, when the pause is over."""
        with self._mutex:
            self.trying = False

    def opened(self) -> None:
        """A request was let in, or failed by something else than a refusal: all may send."""
        with self._mutex:
            self.troubled = self.trying = False

    def answered(self) -> None:
        """A whole reply came: what failed before is forgotten."""
        with self._mutex:
            self.failures = 0

    def failed(self) -> None:
        """A request failed by something else than a refusal; many in a row break the circuit for everyone."""
        with self._mutex:
            self.failures += 1
            if self.failures >= BREAK_AFTER:
                self.broken_until = self.clock() + BREAK_FOR

    def broken(self) -> Fault | None:
        """Why nothing is sent now; None where it may be. After a while one is let through to find out."""
        with self._mutex:
            if self.failures < BREAK_AFTER:
                return None
            if self.clock() >= self.broken_until:
                self.broken_until = self.clock() + BREAK_FOR
                return None
        return Fault(
            f"not sent: the last {self.failures} requests failed", "broken", hint="build again when it answers"
        )


@dataclass(slots=True)
class Patience:
    """How much one ask has waited and tried so far."""

    limit: float
    waited: float = 0.0
    tries: int = 0
    waits: int = 0

    def after(self, fault: Fault) -> float | None:
        """Seconds to wait before the next try, or None when there is to be none."""
        if not fault.retryable:
            return None
        if fault.waits:
            self.waits += 1
        else:
            self.tries += 1
        told = min(fault.retry_after, LONGEST_TOLD) if fault.retry_after is not None else None
        pause = backoff(self.tries + self.waits) if told is None else max(0.0, told)
        if self.tries >= TRIES or self.waited + pause > self.limit:
            return None
        self.waited += pause
        return pause


def backoff(number: int) -> float:
    """Full jitter: between 0 and 1, 2, 4, … seconds, at most 60, for the first, second, third … wait."""
    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number = number
    return float(wait_random_exponential(multiplier=FIRST, max=LONGEST)(state))
