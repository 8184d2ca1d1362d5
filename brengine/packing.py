"""Which pieces of context fit the limit of a prompt: each whole, or by its brief, or left out and listed. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from brengine.errors import TooLarge
from brengine.tokens import upper_bound

BRIEF = "{} (in short: the whole does not fit)"
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{3,}")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of context. Lower ranks are taken first; within a rank, what has more to do with the tasks."""

    tag: str
    title: str
    text: str
    rank: int
    required: bool = False
    brief: str = ""
    """What stands for it where the whole does not fit; "" where nothing does."""
    bearing: float = 0.0
    """How much it has to do with the tasks: see `bearings`."""
    unless: str = ""
    """The title of a piece beside which, where that is whole, this one is not needed."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What is in a prompt and what is not."""

    pieces: tuple[Piece, ...]
    left_out: tuple[str, ...]
    """Titles of pieces that are not there at all."""
    shortened: tuple[str, ...]
    """Titles of pieces that are there by their brief."""
    total: int
    """Upper-bound estimate of the context's tokens."""


def pack(pieces: Sequence[Piece], used: int, limit: int, most: int = 0) -> Packed:
    """The pieces that fit, in their order. Required ones first, then by rank and bearing.

    `used` are the tokens that the tasks take already. Raises TooLarge when what is required does not fit, or is more
    than `most`, where that is more than the limit.
    """
    total = used + sum(upper_bound(piece.text) for piece in pieces if piece.required)
    if total > max(limit, most):
        raise TooLarge(
            f"what the prompt must hold takes {total:,} tokens, the limit is {max(limit, most):,}",
            "raise context_tokens in br.toml, or split the requirement",
        )
    kept = {number: piece for number, piece in enumerate(pieces) if piece.required}
    order = sorted(enumerate(pieces), key=lambda row: (row[1].rank, -row[1].bearing, row[1].title, row[0]))
    for number, piece in sorted(order, key=lambda row: bool(row[1].unless)):
        if piece.unless and any(kept.get(n) is p for n, p in enumerate(pieces) if p.title == piece.unless):
            continue
        for form in (piece, _brief(piece)):
            if form and not piece.required and total + upper_bound(form.text) <= limit:
                kept[number] = form
                total += upper_bound(form.text)
                break
    left_out = tuple(p.title for number, p in enumerate(pieces) if number not in kept and not p.unless)
    shortened = tuple(piece.title for number, piece in enumerate(pieces) if kept.get(number, piece) is not piece)
    return Packed(tuple(kept[number] for number in sorted(kept)), left_out, shortened, total)


def _brief(piece: Piece) -> Piece | None:
    return replace(piece, text=piece.brief, title=BRIEF.format(piece.title)) if piece.brief else None


def bearings(texts: Sequence[str], about: str) -> tuple[float, ...]:
    """How much each text has to do with `about`: the words that it shares, rare ones more, by the text's length."""
    asked = _words(about)
    each = [_words(text) for text in texts]
    spread = Counter(word for words in each for word in words)
    weight = {word: math.log(1 + len(texts) / spread[word]) for word in spread}
    return tuple(sum(weight[word] for word in sorted(words & asked)) / math.sqrt(9 + len(words)) for words in each)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))
