"""Which backend answers, and what a run may spend on it. Adapters are imported when they are used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from brengine import places, prices
from brengine.asks import Usage
from brengine.budget import Budget, Caps
from brengine.errors import NO_KEY, BackendError, InputError, MissingKey
from brengine.events import Sink
from brengine.places import Places
from brengine.ports import Backend
from brengine.settings import BACKENDS, Settings
from brengine.worktree import Worktrees

if TYPE_CHECKING:
    from brengine.backends.claude_code import Setup

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
ASKS_API = ("anthropic", "claude-code")
"""Backends that need a key or an address."""
UNPRICED = {"command": "what a command answers", "claude-code": "an ask without `max_cost` under [claude-code]"}
"""Backends whose asks have no price by tokens."""


class Backing:
    """The backend of one project, made when it is first used, and the budget that it is paid from."""

    def __init__(
        self,
        where: Places,
        settings: Settings,
        given: str,
        environ: Mapping[str, str],
        caps: Caps,
        record: Path | None,
        trees: Worktrees,
        sink: Sink,
    ) -> None:
        """`given`: the backend's name, or `auto`; `caps`: those of the command line; `record`: where replies go."""
        self._places = where
        self._settings = settings
        self._given = given
        self._environ = environ
        self._own_caps = caps
        self._record = record
        self._trees = trees
        self._sink = sink

    @property
    def name(self) -> str:
        """Which backend answers: as told, else the API where there is a key or address, else recordings."""
        if self._given != "auto":
            return self._given
        if any(self._environ.get(name) for name in (*KEYS, "ANTHROPIC_BASE_URL")):
            return "anthropic"
        return "replay" if self._recordings.is_dir() else "anthropic"

    @property
    def pays(self) -> bool:
        """True where an ask can go to an endpoint that is not on this machine."""
        host = urlsplit(self._environ.get("ANTHROPIC_BASE_URL", "")).hostname or ""
        here = host in ("localhost", "::1") or host.startswith("127.")
        return self.name in ASKS_API and not here and self._has_key

    def require(self) -> None:
        """Raises where the backend has no key, or its program or class is not there."""
        if self.name in ASKS_API and not self._has_key:
            raise MissingKey(NO_KEY)
        if self.name in ("claude-code", "python"):
            self._made()

    @cached_property
    def backend(self) -> Backend:
        """The backend; raises MissingKey where it has no credentials."""
        made = self._made()
        if self._record is None:
            return made
        from brengine.backends.replay import Recorder

        return Recorder(made, self._record)

    @cached_property
    def budget(self) -> Budget:
        """What this run may spend: the command line's caps, else br.toml's."""
        found, caps = self._settings, self._caps
        table, today = self._prices, datetime.now(UTC).date().isoformat()
        ceiling = self._agent.max_cost or None if self.name == "claude-code" else None
        models = (UNPRICED[self.name],) if self.name in UNPRICED else found.routes().all
        unknown = [name for name in models if not ceiling and prices.cost(name, Usage(1, 1), table, today) is None]
        if caps.cost is not None and unknown:
            message = f"the price of {unknown[0]} is unknown, so a cap in dollars cannot be held"
            raise InputError(message, "cap tokens or asks instead (--max-tokens, --max-asks), or name another model")
        longest = found.max_output_tokens
        return Budget(caps, longest, lambda model, usage: prices.cost(model, usage, table, today), ceiling=ceiling)

    @cached_property
    def _prices(self) -> prices.Table:
        return places.read_prices(self._places, self._settings)

    @property
    def _caps(self) -> Caps:
        found, given = self._settings, self._own_caps
        return Caps(
            found.max_cost if given.cost is None else given.cost,
            found.max_tokens if given.tokens is None else given.tokens,
            found.max_asks if given.asks is None else given.asks,
            found.max_seconds if given.seconds is None else given.seconds,
        )

    @property
    def _has_key(self) -> bool:
        from brengine.backends.anthropic_api import has_credentials

        return has_credentials(self._environ)

    @property
    def _recordings(self) -> Path:
        return self._places.project / self._settings.recordings

    def _made(self) -> Backend:
        name, settings = self.name, self._settings
        if name == "anthropic":
            from brengine.backends.anthropic_api import AnthropicBackend

            return AnthropicBackend(
                settings.model,
                settings.max_output_tokens,
                self._environ,
                table=self._prices,
                meter=self.budget,
                sink=self._sink,
            )
        if name == "claude-code":
            return self._claude_code()
        if name == "replay":
            from brengine.backends.replay import ReplayBackend

            return ReplayBackend(self._recordings)
        if name == "manual":
            from brengine.backends.manual import ManualBackend

            return ManualBackend(self._places.state / "manual")
        if name == "command":
            from brengine.backends.command import CommandBackend

            return CommandBackend(settings.command, self._places.project, settings.model)
        if name == "python":
            from brengine.backends import plugin

            return plugin.load(settings.python, self._places.project, settings.model)
        raise BackendError(f"there is no backend {name!r}", f"choose one of: {', '.join(BACKENDS)}")

    def _claude_code(self) -> Backend:
        from brengine.backends.claude_code import ClaudeCodeBackend

        return ClaudeCodeBackend(
            self._settings.model,
            self._agent,
            self._environ,
            folder=self._places.state / "staging",
            tree=self._trees,
            how=places.read_template(self._places, self._settings, "agent"),
            sink=self._sink,
            meter=self.budget,
        )

    @property
    def _agent(self) -> Setup:
        """How an agent is run: no ask may spend more than the whole run."""
        from brengine.backends.claude_code import Setup

        found, cap = self._settings.claude_code, self._caps.cost
        first, *rest = found.command or [""]
        program = str(self._places.project.resolve() / first) if "/" in first else first
        cost = found.max_cost if cap is None else min(found.max_cost, cap)
        return Setup((program, *rest) if first else (), found.max_turns, cost, found.seconds, found.stall_seconds)
