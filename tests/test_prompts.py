"""Prompts: packing, equal bytes, nonces, templates, and spec text that is never a template."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import contract, cover, task
from hypothesis import given
from hypothesis import strategies as st

from brengine import datafiles, packing, prompt, templates
from brengine.domain import Acceptance
from brengine.errors import InputError, TooLarge, render
from brengine.packing import Piece
from brengine.prompt import Repair, Request
from brengine.source import Source
from brengine.tokens import upper_bound
from brengine.verdict import Finding, Gates


def shipped(name: str) -> templates.Template:
    path = datafiles.folder("prompts") / f"{name}.j2"
    return templates.load(Source(path.name, path.read_text(encoding="utf-8")))


SYSTEM, TASK, REPAIR = shipped("system"), shipped("task"), shipped("repair")
ONE = task(
    "a",
    covers=(cover("Adding", "f/add", 7), cover("Python only", line=3)),
    acceptance=(Acceptance("Adding", "requirement"), Acceptance("It is quick")),
    defines=(contract("f", text="def f() -> int\n"),),
)
PIECES = (Piece("binding", "Tech", "Python only", 3, required=True), Piece("context", "Overview", "words " * 20, 4))


def request(*tasks: object, pieces: tuple[Piece, ...] = PIECES, limit: int = 4000) -> Request:
    chosen = tasks or (ONE,)
    gates = {t.id: Gates() for t in chosen}  # type: ignore[attr-defined]
    return Request("proj", chosen, gates, pieces, frozenset(["Python only"]), limit)  # type: ignore[arg-type]


def test_a_prompt_holds_what_the_task_needs_and_nothing_twice() -> None:
    made = prompt.build(request(), SYSTEM, TASK)
    for text in ("line 7: Adding", "def f() -> int", "It is quick", "90 %", "120 seconds", "pkg/a.py, tests/test_a.py"):
        assert text in made.user, text
    assert made.user.count("Python only") == 1 and made.user.count("Adding") == 1
    assert made.template == "task@1" and made.left_out == () and made.context_tokens <= 4000


def test_same_prompt_same_bytes_and_the_nonce_follows_the_rest() -> None:
    first, second = prompt.build(request(), SYSTEM, TASK), prompt.build(request(), SYSTEM, TASK)
    assert first == second and first.digest == second.digest
    other = prompt.build(request(replace(ONE, kind="tests")), SYSTEM, TASK)
    assert other.nonce != first.nonce and first.nonce not in first.system
    assert f'<<<BR-{first.nonce} FILE path="pkg/a.py">>>' in first.user


def test_spec_text_is_never_template_source() -> None:
    evil = "{{ 7*7 }} {% raw %} {{ ''.__class__ }} {# gone #}"
    made = prompt.build(request(replace(ONE, covers=(cover(evil),))), SYSTEM, TASK)
    assert evil in made.user and "49" not in made.user.replace(made.nonce, "")


def test_pieces_are_whole_or_left_out() -> None:
    wide = (*PIECES, Piece("current", "big.py", "word " * 5000, 2))
    made = prompt.build(request(pieces=wide), SYSTEM, TASK)
    assert made.left_out == ("big.py",) and "word word" not in made.user
    with pytest.raises(TooLarge, match="the limit is 100"):
        prompt.build(request(limit=100), SYSTEM, TASK)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 4), st.booleans()), max_size=8), st.integers(0, 800))
def test_packing_never_exceeds_the_limit_and_never_cuts(rows: list[tuple[int, int, bool]], limit: int) -> None:
    pieces = [
        Piece("t", str(n), "ab " * size, rank, need, brief="ab " * (size // 9), bearing=size % 5)
        for n, (size, rank, need) in enumerate(rows)
    ]
    try:
        packed = packing.pack(pieces, 10, limit)
    except TooLarge:
        assert 10 + sum(upper_bound(p.text) for p in pieces if p.required) > limit
        return
    briefs = {p.brief for p in pieces}
    assert packed.total <= limit
    assert {p.title for p in packed.pieces} | set(packed.left_out) >= {p.title for p in pieces if not p.brief}
    assert all(p in pieces or p.text in briefs for p in packed.pieces)
    assert all(p in packed.pieces for p in pieces if p.required)
    assert packed.total == 10 + sum(upper_bound(p.text) for p in packed.pieces)


def test_a_repair_prompt_shows_the_findings_and_the_attempt() -> None:
    found = (Finding("tests", "x" * 5000, "tests/test_a.py", 3, hint="mend it"), Finding("coverage", "low"))
    made = prompt.build(request(), SYSTEM, REPAIR, Repair(2, 3, found))
    assert "This is attempt 2 of 3" in made.user and "(mend it)" in made.user and "- low" in made.user
    assert "x" * 2000 not in made.user


@pytest.mark.parametrize(
    ("kind", "text"), [("tests", "real code"), ("documentation", "links"), ("examples", "exits 0"), ("data", "parse")]
)
def test_each_kind_is_told_its_gates(kind: str, text: str) -> None:
    assert text in prompt.gates_text(replace(ONE, kind=kind), Gates())  # type: ignore[arg-type]


def test_the_fixed_text_is_small() -> None:
    made = prompt.build(request(), SYSTEM, TASK)
    assert upper_bound(made.system) < 1300


BAD = {
    "no front matter": ("hello", "begins with a front matter"),
    "unknown key": ("---\nname: a\nversion: 1\ninputs: []\nmood: x\n---\n", "unknown key 'mood'"),
    "no version": ("---\nname: a\ninputs: []\n---\n", "lacks version"),
    "bad version": ("---\nname: a\nversion: x\ninputs: []\n---\n", "whole number"),
    "unknown variable": ("---\nname: a\nversion: 1\ninputs: [task]\n---\n\n{{ tsak }}\n", "unknown variable 'tsak'"),
    "syntax": ("---\nname: a\nversion: 1\ninputs: []\n---\n{% if %}\n", "does not parse"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_templates_are_refused_at_load_with_their_place(name: str) -> None:
    text, message = BAD[name]
    with pytest.raises(InputError, match=message) as raised:
        templates.load(Source("x.j2", text))
    assert "x.j2:" in render(raised.value.diagnostics[0])


def test_an_unknown_variable_is_shown_on_its_line_with_the_nearest() -> None:
    with pytest.raises(InputError) as raised:
        templates.load(Source("x.j2", BAD["unknown variable"][0]))
    assert raised.value.diagnostics[0].span.line == 7 and raised.value.hint == "did you mean 'task'?"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "at_least"),
    [("", 0), ("hello world", 2), ("x = 1\n" * 100, 300), ("日本語" * 50, 150), ("🎉" * 20, 60), ("\ufdfa" * 10, 150)],
)
def test_the_estimate_is_an_upper_bound(text: str, at_least: int) -> None:
    assert upper_bound(text) >= at_least


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_estimate_grows_with_the_text(first: str, second: str) -> None:
    assert upper_bound(first + second) + 12 >= upper_bound(first)
