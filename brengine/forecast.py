"""What a build would take: asks, tokens, dollars, time on so many workers, and the longest chain. Pure.

Work is scheduled as doit does it: whatever is ready goes to a free worker, earlier batches first; asks whose contracts
are stated are ready at once, verification follows the order of needs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from brengine.asks import Usage
from brengine.domain import Task
from brengine.pace import Pace

Price = Callable[[str, Usage], float | None]
"""Dollars for a model's tokens, or None where the price is unknown."""
PROJECT = "verify:project"


@dataclass(frozen=True, slots=True)
class Asking:
    """One ask as it would be sent: for so many tasks, to a model (another for repairs), of at most `bound` tokens."""

    tasks: int
    model: str
    repair: str
    bound: int = 0
    tried: int = 0
    """Attempts that were refused already: then it is a repair."""


@dataclass(frozen=True, slots=True)
class Work:
    """One batch that is to be worked on; what is up to date is in none."""

    batch: str
    checks: int
    """Tasks that are verified."""
    asks: tuple[Asking, ...] = ()
    needs: tuple[str, ...] = ()
    """Batches that are promoted before it is verified."""
    waits: bool = False
    """True where its ask waits for them, since they state no contracts."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one worker does at a time, for so many seconds, after what it needs."""

    id: str
    seconds: float
    needs: tuple[str, ...] = ()
    heavy: bool = False
    """True where it takes a processor, not only a worker."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a build would take. Everything but `asks`, `most` and `workers` is about so much."""

    asks: int
    repairs: float
    """Asks after a failed attempt, as often as they were needed so far."""
    most: int
    """Asks if every task takes every attempt that it has."""
    tokens_in: float
    tokens_out: float
    dollars: float | None
    """None where a price is unknown."""
    most_dollars: float | None
    """Dollars of `most` asks."""
    models: tuple[str, ...]
    """Who is asked."""
    unpriced: tuple[str, ...]
    """Models whose price is unknown."""
    seconds: float
    """Wall time."""
    workers: int
    chain: tuple[Job, ...]
    """The critical path: jobs that wait for each other and take longest together."""
    pace: Pace

    @property
    def critical(self) -> float:
        """Seconds of the critical path: less time no number of workers makes of it."""
        return sum(job.seconds for job in self.chain)


def forecast(
    works: Sequence[Work],
    pace: Pace,
    *,
    attempts: int,
    price: Price,
    workers: int,
    processors: int,
    tested: int,
) -> Forecast:
    """The forecast of a build of `works`, where so many tasks of the project have tests; no work takes nothing."""
    pace = replace(pace, repairs=min(pace.repairs, attempts - 1))
    sent = [ask for work in works for ask in work.asks]
    todo = jobs(works, pace, tested)
    members = sum(ask.tasks for ask in sent)
    costs = [_costs(ask, pace, attempts, price) for ask in sent]
    unpriced = tuple(dict.fromkeys(name for ask in sent for name in _unpriced(ask, pace, attempts, price)))
    tokens_in = sum(ask.bound * pace.shrink * (1 + pace.repairs * ask.tasks) for ask in sent)
    return Forecast(
        asks=len(sent),
        repairs=members * pace.repairs,
        most=len(sent) + sum(_again(ask, attempts) for ask in sent),
        tokens_in=tokens_in,
        tokens_out=members * pace.answer * (1 + pace.repairs),
        dollars=None if unpriced else sum(cost for cost, _ in costs),
        most_dollars=None if unpriced else sum(cost for _, cost in costs),
        models=tuple(dict.fromkeys(ask.model for ask in sent)),
        unpriced=unpriced,
        seconds=makespan(todo, workers, processors),
        workers=workers,
        chain=longest(todo),
        pace=pace,
    )


def _costs(ask: Asking, pace: Pace, attempts: int, price: Price) -> tuple[float, float]:
    """(dollars as it goes on average, dollars with every attempt used) of one ask and its repairs."""
    tokens_in = round(ask.bound * pace.shrink)
    first = price(ask.model, Usage(tokens_in, round(pace.answer * ask.tasks))) or 0.0
    again = ask.tasks * (price(ask.repair, Usage(tokens_in, round(pace.answer))) or 0.0)
    return first + again * pace.repairs, first + again / ask.tasks * _again(ask, attempts)


def _again(ask: Asking, attempts: int) -> int:
    """Repairs that may still follow an ask."""
    return ask.tasks * max(0, attempts - 1 - ask.tried)


def _unpriced(ask: Asking, pace: Pace, attempts: int, price: Price) -> tuple[str, ...]:
    wanted = (ask.model, ask.repair) if attempts > 1 else (ask.model,)
    usage = Usage(round(ask.bound * pace.shrink), round(pace.answer))
    return tuple(name for name in wanted if price(name, usage) is None)


def jobs(works: Sequence[Work], pace: Pace, tested: int) -> tuple[Job, ...]:
    """The jobs of works in order of priority, and the test of the whole project behind them."""
    known = {work.batch for work in works}
    found: list[Job] = []
    for work in works:
        needs = tuple(f"batch:{need}" for need in work.needs if need in known)
        members = sum(ask.tasks for ask in work.asks)
        own = (f"ask:{work.batch}",) if work.asks else ()
        if own:
            found.append(Job(own[0], members * pace.seconds, needs if work.waits else ()))
        repairs = members * pace.repairs
        seconds = (work.checks + repairs) * pace.check + repairs * pace.seconds
        found.append(Job(f"batch:{work.batch}", seconds, (*own, *needs), heavy=True))
    if found:
        ends = tuple(job.id for job in found if job.heavy)
        found.append(Job(PROJECT, pace.whole(tested), ends, heavy=True))
    return tuple(found)


def tested(tasks: Sequence[Task]) -> int:
    """How many tasks the test run of the whole project is about."""
    return sum(bool(task.tests) or task.kind == "tests" for task in tasks)


def makespan(todo: Sequence[Job], workers: int, processors: int, begun: Collection[str] = ()) -> float:
    """Seconds in which so many workers do all jobs: a ready job never waits while a worker is free.

    Earlier jobs go first, those in `begun` before all. Heavy jobs hold their worker until a processor is free.
    """
    rank = {job.id: (job.id not in begun, number) for number, job in enumerate(todo)}
    by_id = {job.id: job for job in todo}
    missing, above = _edges(todo)
    ready = [(rank[name], name) for name, count in missing.items() if not count]
    heapq.heapify(ready)
    free, running = workers, list[tuple[float, str]]()
    benches, now = [0.0] * max(1, processors), 0.0
    while ready or running:
        while ready and free:
            job = by_id[heapq.heappop(ready)[1]]
            begins = max(now, heapq.heappop(benches)) if job.heavy else now
            if job.heavy:
                heapq.heappush(benches, begins + job.seconds)
            heapq.heappush(running, (begins + job.seconds, job.id))
            free -= 1
        now, ended = heapq.heappop(running)
        free += 1
        for name in above[ended]:
            missing[name] -= 1
            if not missing[name]:
                heapq.heappush(ready, (rank[name], name))
    return now


def longest(todo: Sequence[Job]) -> tuple[Job, ...]:
    """The chain of jobs, each needing the one before, that takes longest. `todo` must be free of circles."""
    by_id = {job.id: job for job in todo}
    missing, above = _edges(todo)
    ready = [name for name, count in missing.items() if not count]
    ends: dict[str, float] = {}
    via: dict[str, str] = {}
    for name in ready:  # grows while it is walked
        before = max((need for need in by_id[name].needs if need in by_id), key=ends.__getitem__, default="")
        ends[name] = by_id[name].seconds + ends.get(before, 0.0)
        via[name] = before
        for other in above[name]:
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    last = max(ends, key=ends.__getitem__, default="")
    chain: list[Job] = []
    while last:
        chain.append(by_id[last])
        last = via[last]
    return tuple(reversed(chain))


def _edges(todo: Sequence[Job]) -> tuple[dict[str, int], Mapping[str, Sequence[str]]]:
    """(how many needs of each job are among them, the jobs above each)."""
    above: dict[str, list[str]] = {job.id: [] for job in todo}
    for job in todo:
        for need in dict.fromkeys(job.needs):
            if need in above:
                above[need].append(job.id)
    missing = {job.id: sum(need in above for need in dict.fromkeys(job.needs)) for job in todo}
    return missing, above
