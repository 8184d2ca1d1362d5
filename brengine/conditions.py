"""What a person is told of each task: built, stale and why, failed with what, waiting for whom, or held up."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brengine.asks import Member
from brengine.rows import Row
from brengine.stale import Rung
from brengine.standing import Standing

STATES = ("built", "adopted", "stale", "not built", "failed", "waiting", "skipped")
Attempt = tuple[str, str, int]
"""Task, ask Key digest, number."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One task: its state, one of STATES, and what there is to say about it."""

    task: str
    state: str
    reasons: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    """What its last answer, or its files, were refused for."""
    attempt: int = 0
    """The attempt that the findings are about."""
    note: str = ""
    prompt: str = ""
    reply: str = ""
    """Where the prompt that waits for a person lies, and where its reply is awaited."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the journal knows beyond the records."""

    judged: Mapping[tuple[str, str], Row]
    """(task, ask Key digest) → how it was last judged, where nothing was accepted or set aside since."""
    refused: frozenset[Attempt]
    asked: Mapping[str, tuple[Attempt, ...]]
    """Ask id → its members."""


def past(rows: Iterable[Mapping[str, Any]]) -> Past:
    """The past by a journal; rows of another shape are passed over."""
    judged: dict[str, dict[str, Row]] = {}
    refused: set[Attempt] = set()
    asked: dict[str, tuple[Attempt, ...]] = {}
    for row in rows:
        try:
            if row["t"] == "judged":
                judged.setdefault(row["task"], {})[row["key"]] = dict(row)
                if row["findings"]:
                    refused.add((row["task"], row["key"], row["attempt"]))
            elif row["t"] == "intent":
                asked[row["ask"]] = tuple((task, key, number) for task, key, number in row["members"])
            elif row["t"] == "retry":
                judged.get(row["task"], {}).pop(row["key"], None)
            elif row["t"] == "promoted":
                for fields in row["records"]:
                    judged.pop(fields["task"], None)
        except (KeyError, TypeError, ValueError):
            continue
    kept = {(task, key): row for task, by_key in judged.items() for key, row in by_key.items()}
    return Past(kept, frozenset(refused), asked)


def answered(
    standing: Standing, base: int, stored: Callable[[Member], object], refused: Container[Attempt]
) -> tuple[int, bool]:
    """(stored answers of a task at its present ask Key, whether all were refused). `base`: those set aside before."""
    count, red = 0, True
    while stored(member := standing.member(base + count + 1)):
        red = red and (member.task, member.key, member.attempt) in refused
        count += 1
    return count, red and count > 0


@dataclass(frozen=True, slots=True)
class Known:
    """What conditions follow from, beside the standings."""

    past: Past
    stored: Callable[[Member], object]
    bases: Mapping[tuple[str, str], int]
    asked_again: Container[tuple[str, str]]
    """(task, ask Key digest) of needs that a dependent's author blamed: a build asks for them by itself."""
    questions: Container[tuple[str, str]]
    """(task, ask Key digest) of authors' questions that nobody has answered."""
    awaited: Mapping[str, tuple[str, str]]
    """Ask id → prompt and reply, of prompts that wait for a person."""
    attempts: int
    closure: Callable[[str], Sequence[str]]


def conditions(standings: Mapping[str, Standing], known: Known) -> dict[str, Condition]:
    """Every task's condition, in the order of the standings."""
    waiting = _waiting(standings, known)
    found = {name: waiting.get(name) or _own(standing, known) for name, standing in standings.items()}
    held = {name: one for name, one in found.items() if one.state in ("failed", "waiting")}
    for name, one in found.items():
        below = [need for need in known.closure(name) if need in held] if one.state in ("stale", "not built") else []
        if below:
            verb = "failed" if held[below[0]].state == "failed" else "waits"
            note = f"needs {below[0]}, which {verb}"
            found[name] = Condition(name, "skipped", one.reasons, one.findings, one.attempt, note)
    return found


def _own(standing: Standing, known: Known) -> Condition:
    """The condition of a task whatever its needs are."""
    name, key, record = standing.task.id, standing.ask.digest, standing.record
    reasons = tuple(str(reason) for reason in standing.reasons)
    if record is not None and record.failed and (name, key) not in known.asked_again:
        return Condition(name, "failed", reasons, (record.failed,))
    if not reasons:
        return Condition(name, "adopted" if record is not None and record.adopted else "built")
    state = "stale" if record is not None else "not built"
    if (name, key) in known.asked_again:
        return Condition(name, state, reasons, note="it is asked for again: a dependent's author blames it")
    if (name, key) in known.questions:
        return Condition(name, "skipped", reasons, note="its author asks, so the plan is amended first")
    row = known.past.judged.get((name, key))
    return _tried(standing, known, row, state, reasons) if row else Condition(name, state, reasons)


def _tried(standing: Standing, known: Known, row: Row, state: str, reasons: tuple[str, ...]) -> Condition:
    """The condition of a task that was judged as it is now, and not accepted."""
    name, key = standing.task.id, standing.ask.digest
    findings = tuple(row["findings"]) or ((str(row["errored"]),) if row.get("errored") else ())
    count, red = answered(standing, known.bases.get((name, key), 0), known.stored, known.past.refused)
    if standing.rung is Rung.ASK and count and not red:
        return Condition(name, state, reasons, note="an answer is stored, and not judged yet")
    if standing.rung is Rung.ASK and count < known.attempts:
        left = known.attempts - count
        note = f"its answer was refused; {left} attempt{'s are' if left > 1 else ' is'} left"
        return Condition(name, state, reasons, findings, int(row["attempt"]), note)
    return Condition(name, "failed", reasons, findings, int(row["attempt"]))


def _waiting(standings: Mapping[str, Standing], known: Known) -> dict[str, Condition]:
    """The tasks that a prompt on a person's desk is about, as they are now."""
    found = {}
    for ask, (prompt, reply) in known.awaited.items():
        for name, key, number in known.past.asked.get(ask, ()):
            standing = standings.get(name)
            current = standing is not None and standing.reasons and standing.ask.digest == key
            if standing is None or not current or known.stored(standing.member(number)):
                continue
            row = known.past.judged.get((name, key), {})
            reasons = tuple(str(reason) for reason in standing.reasons)
            findings = tuple(row.get("findings", ()))
            note = f"attempt {number} waits for a reply"
            found[name] = Condition(name, "waiting", reasons, findings, number - 1, note, prompt, reply)
    return found
