"""The lines that `claude -p --output-format stream-json` writes: JSON objects, the last of them with the result.

Nothing of it is believed but for the sums and the last words: no type is taken for granted.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from brengine.asks import Usage
from brengine.errors import BackendError

CUT_STOPS = ("max_tokens", "refusal", "model_context_window_exceeded", "pause_turn")
"""Stop reasons that a reply keeps: its checks do not accept them."""
LONGEST = 300
"""Characters of an error's text that are told."""
HINTS = {
    "max-turns": "raise `max_turns` under [claude-code] in br.toml, or split the task",
    "budget": "raise `max_cost` under [claude-code] in br.toml, or split the task",
    "http-401": "check ANTHROPIC_API_KEY",
    "http-403": "check ANTHROPIC_API_KEY",
}
_KINDS = {
    "error_max_turns": ("max-turns", "it took more turns than `max_turns` allows"),
    "error_max_budget_usd": ("budget", "it cost more than `max_cost` allows"),
    "error_during_execution": ("agent", "it failed while it worked"),
}
_RETRYABLE = (408, 409, 429, 500, 502, 503, 504, 529)


@dataclass(slots=True)
class Told:
    """What was read so far."""

    model: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    strays: int = 0
    """Lines that are no JSON."""

    def take(self, line: bytes) -> None:
        """One line. Raises BackendError for a JSON object that is not whole; other text is passed over and counted."""
        if not line.strip():
            return
        if not line.lstrip().startswith(b"{"):
            self.strays += 1
            return
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            raise BackendError("claude wrote a line that is no whole JSON object", kind="malformed") from None
        kind = found.get("type")
        if kind == "system" and isinstance(found.get("model"), str):
            self.model = found["model"]
        elif kind == "result":
            self.result = found

    @property
    def text(self) -> str:
        """The agent's last words."""
        said = self.result.get("result")
        return said.encode("utf-8", "replace").decode() if isinstance(said, str) else ""

    @property
    def stop(self) -> str:
        """Why it ended, as a reply says it."""
        reason = self.result.get("stop_reason")
        return reason if reason in CUT_STOPS else "end_turn"

    @property
    def usage(self) -> Usage:
        """The tokens of all turns; what is not told counts as none."""
        told = self.result.get("usage")
        names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        return Usage(*(_whole(told.get(name)) for name in names)) if isinstance(told, dict) else Usage()

    @property
    def cost(self) -> float | None:
        """Dollars by the program's own estimate; None where it tells none."""
        told = self.result.get("total_cost_usd")
        good = isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told) and told >= 0
        return float(told) if good else None  # type: ignore[arg-type]

    def error(self) -> BackendError | None:
        """Why the result is none, or None for a good one."""
        if not self.result:
            strays = f" ({self.strays} lines of it are no JSON)" if self.strays else ""
            return BackendError(f"claude ended without a result{strays}", kind="cut", retryable=True)
        subtype, is_error = self.result.get("subtype"), self.result.get("is_error")
        if subtype == "success" and is_error is False:
            return None
        kind, said = _KINDS.get(str(subtype), ("agent", "it gave no good result"))
        status = self.result.get("api_error_status")
        if isinstance(status, int) and not isinstance(status, bool):
            kind, said = f"http-{status}", f"the API answered {status}"
        retryable = isinstance(status, int) and status in _RETRYABLE
        details = self._details()
        told = f"claude gave no answer: {said}{f' ({details})' if details else ''}"
        return BackendError(told, HINTS.get(kind, ""), kind=kind, retryable=retryable)

    def _details(self) -> str:
        errors = self.result.get("errors")
        said = [text for text in errors if isinstance(text, str)] if isinstance(errors, list) else []
        return brief("; ".join(said) or self.text)


def brief(text: str) -> str:
    """The first line of a text, short enough for a message."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "".join(c if c.isprintable() else "�" for c in lines[0])[:LONGEST] if lines else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
