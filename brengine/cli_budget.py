"""The options that say who answers, and that bound what a run may spend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from brengine.budget import Caps
from brengine.settings import BACKENDS

BACKEND = click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default=None,
    help="Who answers (auto: the API where there is a key, else recordings).",
)


def capped(command: Callable[..., Any]) -> Callable[..., Any]:
    """The caps of one run; what is not given comes from `[budget]` in br.toml."""
    for option in (  # the last is listed first
        click.option("--max-time", type=click.FloatRange(0), default=None, help="Seconds in which asks may be sent."),
        click.option("--max-asks", type=click.IntRange(0), default=None, help="Asks that may be sent."),
        click.option(
            "--max-tokens", type=click.IntRange(0), default=None, help="Tokens, in and out, that may be spent."
        ),
        click.option("--max-cost", type=click.FloatRange(0), default=None, help="Dollars that may be spent."),
    ):
        command = option(command)
    return command


def taken(options: dict[str, Any]) -> Caps:
    """The caps among a command's options, which are taken out of them."""
    names = ("max_cost", "max_tokens", "max_asks", "max_time")
    return Caps(*(options.pop(name, None) for name in names))
