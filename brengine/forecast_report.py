"""A forecast as a person, and as a machine, reads it. Pure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from brengine.counted import counted
from brengine.forecast import Forecast, Job
from brengine.pace import FIGURES, Pace

Row = dict[str, object]
WIDTH = 80
SHOWN = 6
"""Jobs of the critical path that are named; the longest of them."""


def lines(found: Forecast, note: str = "") -> Iterator[str]:
    """The forecast with what it rests on. `note`: what is special about who answers."""
    yield "Forecast"
    for name, text in (
        ("asks", _asks(found).replace(" asks", "", 1).replace(" ask", "", 1)),
        ("tokens", _tokens(found)),
        ("dollars", _dollars(found)),
        ("wall time", f"about {duration(found.seconds)} on {counted(found.workers, 'worker')}"),
        ("critical path", f"about {duration(found.critical)}" if found.chain else ""),
        *(("", row) for row in _chain(found.chain)),
        ("rests on", _rests_on(found.pace)),
        ("note", note),
    ):
        if text:
            yield from _row(name, text)


def _row(name: str, text: str) -> list[str]:
    """A name and its text; what is longer than a line of a common terminal goes on below."""
    first, after = f"  {name:<14} ", " " * 17
    if not name:
        return [first + text]
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=after, break_long_words=False, break_on_hyphens=False
    )


def sentence(found: Forecast, note: str = "") -> str:
    """The same in one line, for a question."""
    parts = (_asks(found), f"{_tokens(found)} tokens", _dollars(found), f"about {duration(found.seconds)}")
    return "; ".join((*parts, *([note] if note else []))) + " (`br plan` tells what that rests on)"


def as_json(found: Forecast) -> Row:
    """The same for machines; dollars are null where a price is unknown."""
    pace = found.pace
    return {
        "asks": found.asks,
        "repairs": round(found.repairs, 2),
        "most_asks": found.most,
        "tokens_in": round(found.tokens_in),
        "tokens_out": round(found.tokens_out),
        "dollars": found.dollars,
        "most_dollars": found.most_dollars,
        "unpriced": list(found.unpriced),
        "seconds": round(found.seconds, 1),
        "workers": found.workers,
        "critical_path": {
            "seconds": round(found.critical, 1),
            "jobs": [{"job": job.id, "seconds": round(job.seconds, 1)} for job in found.chain],
        },
        "rests_on": {"asks": pace.asks, "verifications": pace.checks, "assumed": list(pace.assumed)},
    }


def _asks(found: Forecast) -> str:
    if not found.asks:
        return "none"
    repairs = f" and about {counted(round(found.repairs), 'repair')}" if round(found.repairs) else ""
    return f"{counted(found.asks, 'ask')}{repairs}, {found.most} with every attempt used"


def _tokens(found: Forecast) -> str:
    return f"about {_rough(found.tokens_in)} in, {_rough(found.tokens_out)} out" if found.asks else "none"


def _dollars(found: Forecast) -> str:
    """`about $0.12 with claude-sonnet-5-5; with every attempt used about $0.31`, or that the price is unknown."""
    if found.unpriced:
        return f"unknown: there is no price of {', '.join(found.unpriced)}"
    if not found.dollars or not found.most_dollars:
        return "nothing is to be paid"
    told = f"about ${_money(found.dollars)} with {', '.join(found.models)}"
    return f"{told}; with every attempt used about ${_money(found.most_dollars)}"


def _money(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def _chain(chain: Sequence[Job]) -> list[str]:
    """The jobs that take longest, in order, one a line, and how many others lie between."""
    named = set(sorted(range(len(chain)), key=lambda number: -chain[number].seconds)[:SHOWN])
    told = [f"{duration(job.seconds):>8}  {job.id}" for number, job in enumerate(chain) if number in named]
    more = [f"{'':>8}  and {counted(len(chain) - len(told), 'shorter one')} between"] if len(chain) > len(told) else []
    return [*told, *more]


def _rests_on(pace: Pace) -> str:
    """What was measured, and what is assumed."""
    values = (
        "prompts at their upper bound",
        f"{pace.answer:,.0f} tokens out a task",
        f"{duration(pace.seconds)} a task of an ask",
        f"{pace.repairs:g} repairs a task",
        f"{pace.check:g} s to verify a task",
    )
    assumed = ", ".join(text for name, text in zip(FIGURES, values, strict=True) if name in pace.assumed)
    have = [counted(pace.asks, "ask")] if pace.asks else []
    have += [counted(pace.checks, "verification")] if pace.checks else []
    told = f"{' and '.join(have)} of this project" if have else "no ask or verification of this project yet"
    return f"{told}; assumed: {assumed}" if assumed else told


def _rough(value: float) -> str:
    """Two digits that count: more would pretend."""
    digits = max(0, len(str(int(value))) - 2)
    return f"{round(value, -digits):,.0f}"
