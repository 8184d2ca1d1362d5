"""Promises 2, 6 and 8: what the Keys hold, and which reasons and rungs follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import contract, cover, record, task

from brengine import keys, stale
from brengine.domain import Acceptance, Key, Need, ReasonKind, Ruling, Task
from brengine.stale import Rung
from brengine.verdict import Evidence, Gates

BASE = task(
    "a",
    covers=(cover("JWT", "f/jwt", 12), cover("Python only", line=3)),
    acceptance=(Acceptance("returns 401", lines=(9,)),),
    defines=(contract("f"),),
)


def ask(of: Task, rulings: tuple[Ruling, ...] = (), template: str = "task@1") -> Key:
    return keys.ask_key(of, {"f.b": (contract("used"), contract("unused"))}, rulings, template)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"minutes": 120},
        {"complexity": "complex"},
        {"domain": "frontend"},
        {"priority": "high"},
        {"done": "A done", "layer": "Other", "rule": "x/y"},
        {"covers": (cover("JWT", "f/jwt", 99), cover("Python only", line=50))},
        {"covers": (cover("Python only", line=3), cover("JWT", "f/jwt", 12))},
        {"acceptance": (Acceptance("returns 401", lines=(77,)),)},
    ],
)
def test_what_is_in_no_key_wakes_nobody(change: dict[str, object]) -> None:
    assert ask(replace(BASE, **change)) == ask(BASE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"kind": "tests"}, "kind"),
        ({"targets": ("pkg/z.py",)}, "targets"),
        ({"tests": ("tests/test_z.py",)}, "tests"),
        ({"reads": ("data.csv",)}, "reads"),
        ({"defines": (contract("f", text="def f(x)"),)}, "defines"),
        ({"acceptance": (Acceptance("returns 403"),)}, "acceptance"),
        ({"covers": (cover("JWT, HS256", "f/jwt"), cover("Python only"))}, "spec:f/jwt"),
        ({"covers": (cover("JWT", "f/jwt"), cover("Rust only"))}, "spec"),
        ({"needs": (Need("f.b", ("used",)),)}, "need:f.b"),
    ],
)
def test_each_input_of_the_ask_key_is_named_when_it_changes(change: dict[str, object], about: str) -> None:
    changed = stale.changes(ask(BASE).inputs, ask(replace(BASE, **change)).inputs)  # type: ignore[arg-type]
    assert [name for name, _, _ in changed] == [about]


def test_rulings_count_where_they_touch_and_the_template_version_counts() -> None:
    assert ask(BASE, (Ruling("r", "UTC", tasks=("f.other",)),)) == ask(BASE)
    assert ask(BASE, (Ruling("r", "UTC"),)) != ask(BASE)
    assert ask(BASE, template="task@2") != ask(BASE)
    assert ask(BASE, template="task@2").without("template") == ask(BASE).without("template")


def test_of_a_need_only_the_used_names_count() -> None:
    of = replace(BASE, needs=(Need("f.b", ("used",)),))
    contracts = {"f.b": (contract("used"),)}
    grown = {"f.b": (contract("used"), contract("unrelated", text="class Unrelated"))}
    assert keys.ask_key(of, contracts, (), "t") == keys.ask_key(of, grown, (), "t")


FILES = {"pkg/a.py": "1" * 64, "tests/test_a.py": "2" * 64}
NEEDED = {"f.b": {"pkg/b.py": "3" * 64}}


def verify(own: dict[str, str] = FILES, gates: Gates = Gates(), chain: str = "python3.11") -> Key:  # noqa: B008
    return keys.verify_key(ask(BASE), own, NEEDED, gates, chain)


def kinds(rec: object, present: dict[str, str], of: Key | None = None, now: Key | None = None) -> list[ReasonKind]:
    found = stale.reasons(rec, of or ask(BASE), now or verify(present), present)  # type: ignore[arg-type]
    return [reason.kind for reason in found]


RECORD = record(BASE, dict(ask(BASE).inputs), dict(verify().inputs), FILES)


def test_promise_8_every_reason_of_the_closed_set_is_reached_by_its_own_change() -> None:
    assert kinds(RECORD, FILES) == []
    assert kinds(None, FILES) == [ReasonKind.NEVER_BUILT]
    assert kinds(RECORD, FILES, of=ask(replace(BASE, kind="tests"))) == [ReasonKind.ASK_CHANGED]
    assert kinds(RECORD, FILES | {"pkg/a.py": ""}) == [ReasonKind.TARGET_MISSING]
    assert kinds(RECORD, FILES | {"pkg/a.py": "9" * 64}) == [ReasonKind.TARGET_EDITED]
    assert kinds(RECORD, FILES, now=verify(gates=Gates(coverage=95))) == [ReasonKind.GATE_CHANGED]
    assert kinds(RECORD, FILES, now=verify(chain="python3.13")) == [ReasonKind.TOOLCHAIN_CHANGED]
    other = keys.verify_key(ask(BASE), FILES, {"f.b": {"pkg/b.py": "4" * 64}}, Gates(), "python3.11")
    assert kinds(RECORD, FILES, now=other) == [ReasonKind.NEED_CHANGED]
    assert kinds(replace(RECORD, failed="red"), FILES) == [ReasonKind.EVIDENCE_FAILED]
    assert kinds(replace(RECORD, evidence=()), FILES) == [ReasonKind.EVIDENCE_FAILED]


def test_a_reason_shows_before_and_after() -> None:
    (reason,) = stale.reasons(RECORD, ask(BASE), verify(), FILES | {"pkg/a.py": "9" * 64})
    assert (reason.about, reason.before, reason.after) == ("pkg/a.py", "1" * 64, "9" * 64)
    assert str(reason) == "target edited: pkg/a.py"


def rung(present: dict[str, str], *, of: Key | None = None, cached: dict[str, str] | None = None) -> Rung:
    found = stale.reasons(RECORD, of or ask(BASE), verify(present), present)
    kept = frozenset([*FILES.values(), *(cached or {}).values()])
    return stale.rung(found, RECORD, present, cached, kept)


def test_promise_2_the_cheapest_rung_is_taken() -> None:
    changed = ask(replace(BASE, kind="tests"))
    assert rung(FILES) is Rung.FRESH
    assert rung(FILES | {"pkg/a.py": "9" * 64}) is Rung.VERIFY
    assert rung(FILES | {"pkg/a.py": ""}) is Rung.VERIFY
    assert rung(FILES, of=changed, cached={"pkg/a.py": "5" * 64}) is Rung.RESTORE
    assert rung(FILES, of=changed) is Rung.ASK


def test_promise_4_a_cached_output_is_never_restored_over_an_edit() -> None:
    changed = ask(replace(BASE, kind="tests"))
    assert rung(FILES | {"pkg/a.py": "9" * 64}, of=changed, cached={"pkg/a.py": "5" * 64}) is Rung.ASK


def test_a_missing_file_whose_content_is_lost_must_be_asked_for() -> None:
    present = FILES | {"pkg/a.py": ""}
    found = stale.reasons(RECORD, ask(BASE), verify(present), present)
    assert stale.rung(found, RECORD, present, None, frozenset()) is Rung.ASK


def test_evidence_is_what_makes_a_verdict_pass() -> None:
    from brengine.verdict import Finding, Verdict

    passed = (Evidence("tests", "passed", executed=3),)
    assert Verdict("t", passed).passed
    assert not Verdict("t").passed
    assert not Verdict("t", (Evidence("tests", "not applicable"),)).passed
    assert not Verdict("t", passed, (Finding("tests", "red"),)).passed
    assert not Verdict("t", passed, errored="no runner").passed
    assert not Verdict("t", (*passed, Evidence("coverage", "failed"))).passed
