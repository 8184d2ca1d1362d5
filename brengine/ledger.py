"""The ledger: an append-only journal of every step, and br.lock, its committed digest (DESIGN 7).

Journal line: `<16 hex digest> <canonical JSON>\\n`, fsynced before the next step. A line whose digest does not agree
is never believed; a torn tail is closed by the next writer. br.lock: JSON, one block per task, sorted.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from brengine import codec, digest, durable
from brengine.asks import Reply, Usage
from brengine.domain import Key
from brengine.errors import StateError
from brengine.reading.options import Settled
from brengine.rows import Row, settled, settled_row
from brengine.tokens import Measured
from brengine.verdict import Record

LOCK_VERSION = 1


@dataclass(frozen=True, slots=True)
class Stored:
    """A reply that was paid for: where its text lies, and for whom."""

    ask: str
    members: tuple[str, ...]
    blob: str
    nonce: str
    reply: Reply
    """Without its text, which is in the blob."""
    base: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each member's file at the moment of the ask ("" for absent)."""
    only: tuple[str, ...] = ()
    """The files that it may hold, where that is not all of its members'."""


@dataclass(slots=True)
class State:
    """What lock and journal say together."""

    records: dict[str, Record] = field(default_factory=dict)
    replies: dict[tuple[str, str, int], Stored] = field(default_factory=dict)
    """(task, ask Key digest, attempt) -> the reply."""
    in_flight: dict[str, Row] = field(default_factory=dict)
    """Asks begun and never answered, by ask id: possibly paid, not received."""
    promotions: dict[str, Row] = field(default_factory=dict)
    """Promotions begun and not finished, by batch id."""
    bases: dict[tuple[str, str], int] = field(default_factory=dict)
    """(task, ask Key digest) -> attempts that `br retry` set aside."""
    adopting: set[tuple[str, str]] = field(default_factory=set)
    """(task, ask Key digest) whose files, as they stand, a person wants verified instead of asked for."""
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    reading: Settled = field(default_factory=Settled)
    """How the specification is read, where that was asked and settled."""
    questions: dict[tuple[str, str], Row] = field(default_factory=dict)
    """(task, ask Key digest) -> what its author asked and nobody has answered."""
    blamed: set[tuple[str, str]] = field(default_factory=set)
    """(task, ask Key digest) that a dependent's author blamed: each is asked again for that once."""
    asked_again: set[tuple[str, str]] = field(default_factory=set)
    """Those of them that are still to be asked for, by nobody's wish but that author's."""
    asked_before: dict[str, int] = field(default_factory=dict)
    """Task -> how often its author's questions led to an amendment."""
    measured: dict[str, Measured] = field(default_factory=dict)
    """Model -> how its own counts of prompts compare with the estimates."""
    unfolded: int = 0
    """Journal entries since br.lock was last written."""
    notes: list[str] = field(default_factory=list)
    """What was unreadable and therefore not believed."""


class Ledger:
    """Journal and lock of one workspace. Reading needs no lock; appending is for the one writer, from any thread."""

    def __init__(self, journal: Path, lock: Path) -> None:
        self._journal = journal
        self._lock = lock
        self._mutex = threading.RLock()
        self._out: int | None = None
        self.state = State()
        self.load()

    @property
    def signature(self) -> tuple[tuple[int, int], ...]:
        """Changes whenever another process wrote: (size, mtime_ns) of journal and lock."""
        return tuple(_stat(path) for path in (self._journal, self._lock))

    def load(self) -> State:
        """Read lock and journal afresh."""
        state = State()
        self._read_lock(state)
        for row in _journal_rows(self._journal, state.notes):
            try:
                apply(state, row)
            except (KeyError, TypeError, ValueError, AttributeError):
                state.notes.append(f"{self._journal.name}: an entry {row['t']!r} of another shape was passed over")
        self.state = state
        return state

    def last_attempt(self, task: str, key: str) -> int:
        """The highest number of an attempt at an ask Key that is stored or recorded, at least 1."""
        tried = [n for (name, asked, n) in self.state.replies if name == task and asked == key]
        record = self.state.records.get(task)
        return max([*tried, record.attempt if record else 0, 1])

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one entry, flushed to the disk before this returns, and take it into the state."""
        text = digest.canonical(dict(row))
        line = f"{digest.of_text(text)[: digest.SHORT]} {text}\n".encode()
        with self._mutex:
            out = self._open()
            try:
                os.write(out, line)
                os.fsync(out)
            except OSError as error:
                raise StateError(
                    f"cannot write {self._journal}: {error.strerror}", "free space, then build again"
                ) from error
            apply(self.state, dict(row))
        durable.point(f"journal {row['t']}")

    def fold(self, ids: Mapping[str, Mapping[str, str]] | None = None, names: Mapping[str, str] | None = None) -> bool:
        """Write br.lock from the records where it differs; answer whether it was written."""
        with self._mutex:
            if ids is not None:
                self.state.ids = {feature: dict(known) for feature, known in ids.items()}
            if names is not None:
                self.state.names = dict(names)
            content = lock_text(self.state).encode()
            changed = not self._lock.exists() or self._lock.read_bytes() != content
            if changed:
                durable.write(self._lock, content)
            if self.state.unfolded:
                self.append({"t": "folded"})
            return changed

    def close(self) -> None:
        """Close the journal; a later append opens it again."""
        with self._mutex:
            if self._out is not None:
                os.close(self._out)
                self._out = None

    def _open(self) -> int:
        if self._out is None:
            durable.make_folder(self._journal.parent)
            fresh = not self._journal.exists()
            self._out = os.open(self._journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            size = os.fstat(self._out).st_size
            if size and os.pread(self._out, 1, size - 1) != b"\n":
                os.write(self._out, b"\n")  # close a torn tail, so that the next entry stands on a line of its own
            if fresh:
                durable.sync_folder(self._journal.parent)
        return self._out

    def _read_lock(self, state: State) -> None:
        try:
            row = json.loads(self._lock.read_bytes())
            if row["version"] != LOCK_VERSION:
                state.notes.append(
                    f"{self._lock.name} is of version {row['version']}, not {LOCK_VERSION}: not believed"
                )
                return
            state.ids = {str(f): dict(known) for f, known in row["ids"].items()}
            state.names = {str(f): str(name) for f, name in row["names"].items()}
            state.reading = settled(row.get("reading", {}))
            tasks = dict(row["tasks"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            state.notes.append(f"{self._lock.name} cannot be read: every task is checked again")
            return
        for task, fields in tasks.items():
            record = codec.record_from_row(task, fields)
            if record:
                state.records[task] = record
            else:
                state.notes.append(f"{self._lock.name}: the block of {task} cannot be read: not believed")


def lock_text(state: State) -> str:
    """br.lock: sorted, one block per task, one line per fact."""
    row: Row = {
        "version": LOCK_VERSION,
        "ids": state.ids,
        "names": state.names,
        "tasks": {task: codec.record_to_row(record) for task, record in state.records.items()},
    }
    if state.reading.how:
        row["reading"] = settled_row(state.reading)
    return json.dumps(row, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def apply(state: State, row: Row) -> None:
    """Take one journal entry into the state. Unknown kinds are of a newer version: noted, not believed."""
    step = _STEPS.get(row["t"])
    if step is None:
        state.notes.append(f"journal: unknown entry {row['t']!r} was passed over")
        return
    state.unfolded += 1
    step(state, row)


def _reading(state: State, row: Row) -> None:
    state.reading = settled(row["reading"])


def _intent(state: State, row: Row) -> None:
    state.in_flight[row["ask"]] = row


def _reply(state: State, row: Row) -> None:
    state.in_flight.pop(row["ask"], None)
    reply = Reply("", row["stop"], Usage(*row["usage"]), row["model"], row["backend"], row["cost"], row["note"])
    if row.get("counted") and row.get("bound"):
        known = state.measured.get(reply.model, Measured())
        state.measured[reply.model] = known.with_reply(int(row["counted"]), int(row["bound"]))
    members = tuple(task for task, _, _ in row["members"])
    stored = Stored(row["ask"], members, row["blob"], row["nonce"], reply, row["base"], tuple(row.get("only", ())))
    for task, key, attempt in row["members"]:
        state.replies[task, key, attempt] = stored


def _gone(state: State, row: Row) -> None:
    state.in_flight.pop(row["ask"], None)


def _promote(state: State, row: Row) -> None:
    state.promotions[row["batch"]] = row


def _promoted(state: State, row: Row) -> None:
    state.promotions.pop(row["batch"], None)
    for fields in row["records"]:
        _record(state, fields)


def _record(state: State, row: Row) -> None:
    record = codec.record_from_row(row["task"], row["record"])
    if record:
        state.records[row["task"]] = record
        known = (record.task, Key("ask", record.ask).digest)
        if known in state.asked_again and not record.failed:  # however it came about, it is answered
            state.asked_again.discard(known)
            state.bases.pop(known, None)


def _forget(state: State, row: Row) -> None:
    state.records.pop(row["task"], None)


def _retry(state: State, row: Row) -> None:
    state.bases[row["task"], row["key"]] = row["base"]
    state.asked_again.discard((row["task"], row["key"]))
    state.adopting.discard((row["task"], row["key"]))


def _adopt(state: State, row: Row) -> None:
    state.adopting.add((row["task"], row["key"]))
    state.bases.pop((row["task"], row["key"]), None)


def _told(state: State, row: Row) -> None:
    """Kept for people and reports (runs, how stored replies were judged). Nothing is believed because of it."""


def _question(state: State, row: Row) -> None:
    state.questions[row["task"], row["key"]] = row


def _answered(state: State, row: Row) -> None:
    if state.questions.pop((row["task"], row["key"]), None):
        state.asked_before[row["task"]] = state.asked_before.get(row["task"], 0) + 1


def _blame(state: State, row: Row) -> None:
    """A need that is not done any more, and is asked for again; what is in br.lock since then knows it better."""
    known = (row["task"], row["key"])
    state.blamed.add(known)
    record = state.records.get(row["task"])
    if record is None or (row.get("folded") and not record.failed):
        return
    state.records[row["task"]] = replace(record, failed=row["said"])
    state.bases[known] = row["base"]
    state.asked_again.add(known)


def _cleared(state: State, row: Row) -> None:
    """No answer to a blame passed: what stands there is what it was before."""
    known = (row["task"], row["key"])
    state.asked_again.discard(known)
    state.bases.pop(known, None)
    record = state.records.get(row["task"])
    if record is not None and not row.get("folded"):
        state.records[row["task"]] = replace(record, failed="")


def _folded(state: State, row: Row) -> None:
    state.unfolded = 0


_STEPS = {
    "intent": _intent,
    "reply": _reply,
    "reading": _reading,
    "gone": _gone,
    "promote": _promote,
    "promoted": _promoted,
    "record": _record,
    "forget": _forget,
    "retry": _retry,
    "adopt": _adopt,
    "judged": _told,
    "run": _told,
    "fence": _told,
    "question": _question,
    "answered": _answered,
    "blame": _blame,
    "cleared": _cleared,
    "folded": _folded,
}


def history(path: Path) -> list[Row]:
    """Every believed entry of a journal, in order, for reports."""
    try:
        content = path.read_bytes()
    except OSError:
        return []
    return [row for line in content.split(b"\n") if (row := _believed(line)) is not None]


def _journal_rows(path: Path, notes: list[str]) -> list[Row]:
    """The believed entries in order. Records before the last fold are in br.lock, which git may have changed since."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}") from error
    rows, bad = [], 0
    for line in content.split(b"\n"):
        row = _believed(line)
        if row is not None:
            rows.append(row)
        elif line:
            bad += 1
    if bad:
        notes.append(f"{path.name}: {bad} torn or garbled line{'s' if bad > 1 else ''} passed over")
    last = max((number for number, row in enumerate(rows) if row["t"] == "folded"), default=-1)
    in_lock = ("record", "forget", "promoted", "promote", "reading")
    kept = [(number, row) for number, row in enumerate(rows) if number > last or row["t"] not in in_lock]
    known = ("blame", "cleared")
    return [{**row, "folded": True} if number <= last and row["t"] in known else row for number, row in kept]


def _believed(line: bytes) -> Row | None:
    check, _, text = line.partition(b" ")
    if digest.of_bytes(text)[: digest.SHORT].encode() != check:
        return None
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("t"), str) else None


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)
