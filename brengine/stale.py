"""Why a task is stale, and the cheapest rung of promise 2's ladder that can make it fresh. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from brengine.domain import Key, Reason, ReasonKind
from brengine.verdict import Record

VERIFY_REASONS: Mapping[str, ReasonKind] = {
    "gates": ReasonKind.GATE_CHANGED,
    "toolchain": ReasonKind.TOOLCHAIN_CHANGED,
}


class Rung(Enum):
    """What it would take to make a task fresh, cheapest first."""

    FRESH = 0
    VERIFY = 1
    ASSEMBLE = 2
    RESTORE = 3
    ASK = 4


def reasons(record: Record | None, ask: Key, verify: Key, present: Mapping[str, str]) -> tuple[Reason, ...]:
    """Every reason why the task is not fresh; none means up to date.

    `verify` is the Key of what stands in the tree now, `present` maps each owned path to its SHA-256 ("" when absent).
    """
    if record is None:
        return (Reason(ReasonKind.NEVER_BUILT),)
    found = [Reason(ReasonKind.EVIDENCE_FAILED, record.failed)] if record.failed else []
    if not record.evidence:
        found.append(Reason(ReasonKind.EVIDENCE_FAILED, "no evidence is recorded"))
    found += [
        Reason(ReasonKind.ASK_CHANGED, name, before, after) for name, before, after in changes(record.ask, ask.inputs)
    ]
    found += _outputs(record, present)
    found += _verify(record, verify)
    return tuple(found)


def changes(
    before: tuple[tuple[str, str], ...], after: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str, str], ...]:
    """(name, digest before, digest after) of each input that differs; "" where it was or is absent."""
    old, new = dict(before), dict(after)
    names = sorted(old.keys() | new.keys())
    return tuple((n, old.get(n, ""), new.get(n, "")) for n in names if old.get(n, "") != new.get(n, ""))


def _outputs(record: Record, present: Mapping[str, str]) -> list[Reason]:
    found = []
    for path, recorded in record.outputs:
        content = present.get(path, recorded)
        if not content:
            found.append(Reason(ReasonKind.TARGET_MISSING, path, recorded, ""))
        elif content != recorded:
            found.append(Reason(ReasonKind.TARGET_EDITED, path, recorded, content))
    return found


def _verify(record: Record, verify: Key) -> list[Reason]:
    found = []
    for name, before, after in changes(record.verify, verify.inputs):
        kind = VERIFY_REASONS.get(name)
        if kind:
            found.append(Reason(kind, "", before, after))
        elif name.startswith("need:"):
            found.append(Reason(ReasonKind.NEED_CHANGED, name.removeprefix("need:"), before, after))
    return found


def asks_anew(found: tuple[Reason, ...]) -> bool:
    """True where the recorded answer no longer answers: never built, or an input of the ask Key changed."""
    return any(reason.kind in (ReasonKind.NEVER_BUILT, ReasonKind.ASK_CHANGED) for reason in found)


def rung(
    found: tuple[Reason, ...],
    record: Record | None,
    present: Mapping[str, str],
    cached: Mapping[str, str] | None,
    kept: frozenset[str],
) -> Rung:
    """The cheapest rung that can make the task fresh.

    `cached` are the outputs that the action cache holds for the present ask Key (None: nothing); `kept` are the
    SHA-256s whose contents can still be restored.
    """
    if not found:
        return Rung.FRESH
    if not asks_anew(found):
        missing = {content for path, content in (record.outputs if record else ()) if not present.get(path)}
        return Rung.VERIFY if missing <= kept else Rung.ASK
    if cached is None or not set(cached.values()) <= kept:
        return Rung.ASK
    known = set(cached.values()) | {content for _, content in (record.outputs if record else ())}
    edited = any(content and content not in known for content in present.values())
    return Rung.ASK if edited else Rung.RESTORE
