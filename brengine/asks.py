"""Asks, prompts and replies: what is asked at once, what is sent, what comes back. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brengine import digest
from brengine.tokens import upper_bound


@dataclass(frozen=True, slots=True)
class Member:
    """A task within an ask: which attempt at which ask Key."""

    task: str
    key: str
    """The ask Key's digest."""
    recorded: str
    """The ask Key's digest without the template version: what recordings are found by."""
    attempt: int


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked at once. Its id is a file name and is derived from its members, keys and attempts."""

    members: tuple[Member, ...]
    model: str = ""
    """Who is asked, "" for the backend's own; no part of the id."""
    longer: bool = False
    """True where the answer may take twice as many tokens: the one before was cut."""
    only: tuple[str, ...] = ()
    """The files that the answer may hold, where that is not all of the members'."""
    files: Mapping[str, bytes] | None = field(default=None, compare=False, repr=False)
    """What the answer is over, besides what stands in the tree: in a repair the files of the attempt before. None where
    the ask is about no task."""

    @property
    def id(self) -> str:
        """`<first member>-<8 hex digits>`: stable for the same members, keys and attempts."""
        rows = [[m.task, m.key, m.attempt] for m in self.members]
        return f"{self.members[0].task}-{digest.short('ask', rows)[:8]}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered ask: the stable prefix (`system`), the rest (`user`), and what was left out of its context."""

    system: str
    user: str
    nonce: str
    template: str
    """`name@version`."""
    context_tokens: int = 0
    """Upper-bound estimate of the context's tokens."""
    left_out: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    """Pieces that are there by a brief of them."""

    @property
    def size(self) -> int:
        """Tokens of all that is sent, by the upper-bound estimate."""
        return upper_bound(self.system + self.user)

    @property
    def digest(self) -> str:
        """The digest of what is sent, 64 hex digits."""
        return digest.of_value("prompt/1", [self.system, self.user])


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply. Total input is the sum of the three input counts."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def prompt(self) -> int:
        """Tokens of the prompt, however they were priced."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def total(self) -> int:
        """All tokens, in and out."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a prompt, as it came. `text` is untrusted."""

    text: str
    stop: str
    """`end_turn`, or what else ended it (`max_tokens`, `refusal`, …)."""
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    backend: str = ""
    cost: float | None = None
    """Dollars, or None when the price is unknown."""
    note: str = ""
    """Where a recorded reply came from, or how it is labelled."""
    prompt_tokens: int = 0
    """Tokens of the prompt as the endpoint counted them in one try; 0 where that is not known."""


EDITED = "edited by a person"
"""The note of a reply that took the place of a stored one: it is no other ask."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A backend that needs a person: where the prompt lies and where the reply is awaited."""

    prompt_path: str
    reply_path: str
