"""What a reply cost, from a table of prices with dates. An unknown model costs None, never 0. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brengine import yamlsource
from brengine.asks import Usage
from brengine.source import Source

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens from a day on (ISO date), for prompts of more than `above` tokens."""

    since: str
    above: int
    tokens_in: float
    tokens_out: float
    cache_write: float
    cache_read: float


Table = Mapping[str, Sequence[Price]]


def load(source: Source) -> Table:
    """The table of a prices file. Raises InputError with the place of what is wrong."""
    document = yamlsource.load(source)
    table: dict[str, tuple[Price, ...]] = {}
    for model, rows in (document.value or {}).items():
        try:
            table[model] = tuple(
                Price(
                    str(row["from"]),
                    int(row.get("above", 0)),
                    *(float(row[key]) for key in ("in", "out", "write", "read")),
                )
                for row in rows
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise document.error((model,), f"the price of {model} cannot be read: {error}") from error
    return table


def cost(model: str, usage: Usage, table: Table, today: str) -> float | None:
    """Dollars, or None when the table has no price for this model on this day (ISO date)."""
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    valid = [p for p in table.get(model, ()) if p.since <= today and (prompt > p.above or not p.above)]
    if not valid:
        return None
    price = max(valid, key=lambda p: (p.above, p.since))
    dollars = usage.input_tokens * price.tokens_in + usage.output_tokens * price.tokens_out
    dollars += usage.cache_write_tokens * price.cache_write + usage.cache_read_tokens * price.cache_read
    return dollars / MILLION
