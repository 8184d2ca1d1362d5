"""The ledger: promise 3 (what was paid for is found again) and what damage never means."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from builders import record, task
from hypothesis import given
from hypothesis import strategies as st

from brengine import codec
from brengine.asks import Ask, Member, Prompt, Reply, Usage
from brengine.domain import PROJECT
from brengine.errors import LockedError
from brengine.ledger import Ledger, lock_text
from brengine.rows import intent_row, reply_row
from brengine.verdict import Evidence
from brengine.writer import Writer

ASK = Ask((Member("f.a", "k" * 64, "r" * 64, 1), Member("f.b", "j" * 64, "s" * 64, 1)))
PROMPT = Prompt("system", "user", "abc", "task@1")
REPLY = Reply("text", "end_turn", Usage(10, 20), "model-x", "anthropic", 0.5)
RECORD = record(task("a"), {"kind": "1"}, {"ask": "2"}, {"pkg/a.py": "3" * 64}, model="m", attempt=2)
ROW = {"t": "record", "task": "f.a", "record": codec.record_to_row(RECORD)}


def ledger(folder: Path) -> Ledger:
    return Ledger(folder / ".br" / "journal.jsonl", folder / "br.lock")


def test_promise_3_a_stored_reply_is_found_by_every_member_after_a_restart(tmp_path: Path) -> None:
    first = ledger(tmp_path)
    first.append(intent_row(ASK, PROMPT, {"pkg/a.py": ""}))
    assert ledger(tmp_path).state.in_flight[ASK.id]["members"][0][0] == "f.a"
    first.append(reply_row(ASK, PROMPT, "b" * 64, REPLY, {"pkg/a.py": ""}))
    state = ledger(tmp_path).state
    assert state.in_flight == {}
    for name, key in (("f.a", "k" * 64), ("f.b", "j" * 64)):
        stored = state.replies[name, key, 1]
        assert (stored.blob, stored.nonce, stored.reply.usage.total) == ("b" * 64, "abc", 30)
        assert stored.base == {"pkg/a.py": ""}


def test_records_survive_journal_then_lock(tmp_path: Path) -> None:
    first = ledger(tmp_path)
    first.append(ROW)
    assert ledger(tmp_path).state.records["f.a"] == RECORD
    assert first.fold({"f": {"r": "text"}}, {"f": "Feature"})
    (tmp_path / ".br" / "journal.jsonl").unlink()
    state = ledger(tmp_path).state
    assert (state.records["f.a"], state.ids, state.names) == (RECORD, {"f": {"r": "text"}}, {"f": "Feature"})
    assert not ledger(tmp_path).fold(state.ids, state.names), "an equal lock is not written again"


def test_after_a_fold_the_lock_alone_speaks_for_records(tmp_path: Path) -> None:
    """git may put another br.lock in place: older journal entries must not bring records back."""
    first = ledger(tmp_path)
    first.append(ROW)
    first.fold()
    (tmp_path / "br.lock").unlink()
    assert ledger(tmp_path).state.records == {}


def test_a_vanished_task_is_forgotten_and_a_retry_is_remembered(tmp_path: Path) -> None:
    first = ledger(tmp_path)
    first.append(ROW)
    first.append({"t": "forget", "task": "f.a"})
    first.append({"t": "retry", "task": "f.a", "key": "k", "base": 3})
    first.append({"t": "judged", "task": "f.a"})
    state = ledger(tmp_path).state
    assert state.records == {} and state.bases == {("f.a", "k"): 3}


@pytest.mark.parametrize("cut", [2, 5, 40])
def test_a_torn_tail_is_passed_over_said_and_closed_by_the_next_writer(tmp_path: Path, cut: int) -> None:
    first = ledger(tmp_path)
    first.append(ROW)
    first.append({"t": "forget", "task": "f.a"})
    first.close()
    journal = tmp_path / ".br" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    second = ledger(tmp_path)
    assert second.state.records["f.a"] == RECORD
    assert any("torn or garbled" in note for note in second.state.notes)
    second.append({"t": "retry", "task": "f.a", "key": "k", "base": 1})
    assert ledger(tmp_path).state.bases == {("f.a", "k"): 1}


@given(st.integers(0, 400), st.integers(1, 255))
def test_no_flipped_byte_is_believed(position: int, flip: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        first = ledger(Path(folder))
        first.append(ROW)
        first.close()
        journal = Path(folder) / ".br" / "journal.jsonl"
        content = bytearray(journal.read_bytes())
        content[position % len(content)] ^= flip
        journal.write_bytes(bytes(content))
        assert ledger(Path(folder)).state.records.get("f.a") in (None, RECORD)


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"version": 1}', '{"version": 99, "tasks": {}}'])
def test_a_lock_that_cannot_be_read_means_nothing_is_done(tmp_path: Path, text: str) -> None:
    (tmp_path / "br.lock").write_text(text)
    state = ledger(tmp_path).state
    assert state.records == {} and state.notes


def test_a_block_that_does_not_validate_is_not_believed(tmp_path: Path) -> None:
    first = ledger(tmp_path)
    first.append(ROW)
    first.fold()
    row = json.loads((tmp_path / "br.lock").read_text())
    row["tasks"]["f.a"]["outputs"] = {"pkg/a.py": 7}
    (tmp_path / "br.lock").write_text(json.dumps(row))
    state = ledger(tmp_path).state
    assert state.records == {} and "f.a" in state.notes[0]


def test_an_entry_of_another_shape_is_noted_not_believed(tmp_path: Path) -> None:
    first = ledger(tmp_path)
    first.append(ROW)
    for row in ({"t": "retry"}, {"t": "reply", "ask": "a", "members": 7}, {"t": "record", "task": "f.b", "record": []}):
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            first.append(row)
    state = ledger(tmp_path).state
    assert state.records == {"f.a": RECORD} and sum("another shape" in note for note in state.notes) >= 2


def test_an_entry_of_a_newer_version_is_noted_not_believed(tmp_path: Path) -> None:
    ledger(tmp_path).append({"t": "teleported", "task": "f.a"})
    assert any("teleported" in note for note in ledger(tmp_path).state.notes)


def test_the_lock_has_one_block_per_task_and_a_line_per_fact(tmp_path: Path) -> None:
    first = ledger(tmp_path)
    first.append(ROW)
    lines = lock_text(first.state).splitlines()
    assert '  "f.a": {' in lines and f'    "pkg/a.py": "{"3" * 64}"' in lines


def test_a_record_keeps_its_evidence_through_the_lock() -> None:
    evidence = (
        Evidence("coverage", "passed", covered=9, coverable=10),
        Evidence("tests", "passed", command="pytest", exit_code=0, executed=3, skipped=1),
        Evidence("links", "not applicable", reason="no links"),
    )
    of = record(task("a"), {}, {}, {}, evidence=evidence)
    row = json.loads(json.dumps(codec.record_to_row(of)))
    back = codec.record_from_row(of.task, row)
    assert back is not None and sorted(back.evidence, key=lambda e: e.check) == sorted(evidence, key=lambda e: e.check)
    assert codec.record_from_row(PROJECT, {"name": 1}) is None


def test_one_writer_at_a_time_and_the_holder_is_named(tmp_path: Path) -> None:
    first, second = Writer(tmp_path / "w.lock"), Writer(tmp_path / "w.lock")
    first.acquire("br build")
    first.acquire("br build")
    with pytest.raises(LockedError, match=r"process \d+, br build"):
        second.acquire("br clean")
    first.release()
    second.acquire("br clean")
    assert second.held and not first.held
    second.release()
