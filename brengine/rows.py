"""The entries of the journal that are made in more than one place, as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brengine.asks import EDITED, Ask, Prompt, Reply, Usage
from brengine.reading.options import Lined, Settled
from brengine.verdict import Fence

Row = dict[str, Any]


def intent_row(ask: Ask, prompt: Prompt, base: Mapping[str, str]) -> Row:
    """An ask about to be sent: its members, the prompt's digest, the digests of the targets at this moment."""
    members = [[m.task, m.key, m.attempt] for m in ask.members]
    return {"t": "intent", "ask": ask.id, "members": members, "prompt": prompt.digest, "base": dict(base)}


def reply_row(
    ask: Ask, prompt: Prompt, blob: str, reply: Reply, base: Mapping[str, str], seconds: float | None = None
) -> Row:
    """A reply that is durably stored; `seconds` until it was there, waits included, where a backend gave it now."""
    timed = {} if seconds is None else {"seconds": round(seconds, 3), "bound": prompt.size}
    return {
        **timed,
        **({"edited": True} if reply.note == EDITED else {}),
        **({"counted": reply.prompt_tokens} if reply.prompt_tokens else {}),
        **({"left_out": list(prompt.left_out)} if prompt.left_out else {}),
        **({"shortened": list(prompt.shortened)} if prompt.shortened else {}),
        "t": "reply",
        "ask": ask.id,
        "members": [[m.task, m.key, m.attempt] for m in ask.members],
        "prompt": prompt.digest,
        "nonce": prompt.nonce,
        "template": prompt.template,
        "blob": blob,
        "base": dict(base),
        **({"only": list(ask.only)} if ask.only else {}),
        "stop": reply.stop,
        "usage": _counts(reply.usage),
        "model": reply.model,
        "backend": reply.backend,
        "cost": reply.cost,
        "note": reply.note,
    }


def gone_row(ask: Ask, used: Usage, cost: float | None) -> Row:
    """No reply will come; what its tries took all the same (`cost` None: the price is unknown)."""
    row: Row = {"t": "gone", "ask": ask.id}
    return row | ({"usage": _counts(used), "cost": cost} if used.total else {})


def _counts(usage: Usage) -> list[int]:
    return [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens]


def reading_row(found: Settled) -> Row:
    """A reading that was settled."""
    return {"t": "reading", "reading": settled_row(found)}


def settled_row(found: Settled) -> Row:
    """How the specification is read, for journal and lock."""
    row: Row = {"how": found.how}
    if found.text:
        lined = [[one.name, one.line, one.end_line] for one in found.lined]
        row |= {"text": found.text, "nothing": found.nothing, "features": lined}
    return row


def settled(row: Row) -> Settled:
    """The reading that a row tells."""
    lined = tuple(Lined(str(name), int(first), int(last)) for name, first, last in row.get("features", ()))
    return Settled(str(row.get("how", "")), str(row.get("text", "")), lined, str(row.get("nothing", "")))


def fence_row(found: Fence) -> Row:
    """What kept a run's commands in."""
    return {"t": "fence", "name": found.name, "missing": list(found.missing), "notes": list(found.notes)}


def run_row(what: str, at: str) -> Row:
    """A run that begins: what was called, and the ISO time."""
    return {"t": "run", "what": what, "at": at}
