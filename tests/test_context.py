"""What goes into a prompt besides what it must hold, in which order, and what is said only once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import contract, cover, task
from hypothesis import given
from hypothesis import strategies as st
from sandbox import Sandbox
from test_prompts import SYSTEM, TASK, request

from brengine import context, packing, prompt, room
from brengine.domain import Cover, Spec
from brengine.packing import Piece
from brengine.settings import Settings
from brengine.source import Source, Span
from brengine.tokens import Measured, upper_bound
from brengine.verdict import Gates

DOCUMENT = Source(
    "x.md",
    """\
# Layouts

```python
layout = Layout.parse("a b")
print(layout.width)
```

Prose about parse.

```sh
mangle --all
```

```python
unrelated()
```
""",
)


def test_examples_are_code_that_uses_a_defined_name_and_is_not_covered() -> None:
    one = task("a", defines=(contract("Layout.parse"), contract("mangle")))
    found = list(context.examples(DOCUMENT, [one]))
    assert [(e.first, e.last, e.uses) for e in found] == [(3, 6, ("parse",)), (10, 12, ("mangle",))]
    covering = replace(one, covers=(Cover(Span(1, 1, 6), "…"),))
    assert [e.first for e in context.examples(DOCUMENT, [covering])] == [10]
    assert not list(context.examples(DOCUMENT, [task("b", defines=(contract("pars"),))])), "whole words only"


def test_neighbours_are_dependents_and_the_same_features_files_without_what_it_needs() -> None:
    base, one = task("base"), task("one", needs=["base"])
    above = task("above", feature="g", needs=["f.one"])
    mate, far = task("mate"), task("far", feature="g")
    told = context.neighbours([one], [base, one, mate, far, above])
    assert told.splitlines() == ["pkg/above.py, tests/test_above.py: above", "pkg/mate.py, tests/test_mate.py: mate"]
    many = [task(f"m{n}") for n in range(30)]
    assert len(context.neighbours([many[0]], many).splitlines()) == context.MOST_NEIGHBOURS


def test_what_shares_rare_words_has_more_to_do_with_a_task() -> None:
    texts = ["Passwords are hashed with argon", "The server is written in Python", "The server logs to standard output"]
    first, second, third = packing.bearings(texts, "hash the password with argon on the server")
    assert first > second > 0 and third > 0
    assert packing.bearings(texts, "") == (0.0, 0.0, 0.0) and packing.bearings([], "x") == ()


def test_pieces_that_bear_on_the_task_go_first_and_a_brief_stands_for_what_does_not_fit() -> None:
    long, short = "word " * 300, "class Big"
    pieces = [
        Piece("context", "far", "word " * 60, 3, bearing=0.1),
        Piece("context", "near", "word " * 60, 3, bearing=2.0),
        Piece("current", "pkg/a.py", long, 2, brief=short),
    ]
    packed = packing.pack(pieces, 0, 250)
    assert [p.title for p in packed.pieces] == ["near", packing.BRIEF.format("pkg/a.py")]
    assert (packed.left_out, packed.shortened) == (("far",), ("pkg/a.py",))
    made = prompt.build(request(pieces=tuple(pieces), limit=500), SYSTEM, TASK)
    assert "class Big" in made.user and made.shortened == ("pkg/a.py",)
    assert "no room to show them whole: pkg/a.py. Write them whole" in made.user


SHARED = Cover(Span(10, 1, 12), "Rates are in the table.\nAmounts are in cents.\nRounding is half up.")


def test_lines_that_two_tasks_of_an_ask_cover_are_said_once() -> None:
    one, two = task("one", covers=(SHARED,)), task("two", covers=(SHARED, cover("Own line", line=20)))
    made = prompt.build(request(one, two), SYSTEM, TASK)
    assert made.user.count("Amounts are in cents") == 1
    assert "and lines 10–12, as they stand above" in made.user and "line 20: Own line" in made.user
    space = room.of([one, two], (), Spec("x.md", "X"), Settings())
    alone = space.weight([one]) + space.weight([two])
    assert space.weight([one, two]) < alone - 20, "the room counts them once as well"


def test_a_covered_line_that_a_contract_says_word_for_word_is_not_said_again() -> None:
    text = "Writing a line\n- `stream`: where the line is written to\n- `flush`: at once"
    told = contract("write", text="def write(stream, flush)\n    stream: where the line is written to\n")
    one = task("one", defines=(told,), covers=(Cover(Span(5, 1, 7), text),))
    made = prompt.build(request(one), SYSTEM, TASK).user
    assert made.count("where the line is written to") == 1 and "- `flush`: at once" in made
    demanded = replace(one, covers=(Cover(Span(5, 1, 7), text, "f/write"),))
    assert prompt.build(request(demanded), SYSTEM, TASK).user.count("where the line is written to") == 2


LINES = st.lists(st.text("abc -`", min_size=1, max_size=30), min_size=1, max_size=6)


@given(LINES, LINES)
def test_dropping_what_a_contract_says_loses_no_word(lines: list[str], said: list[str]) -> None:
    one = task("one", defines=(contract("f", text="\n".join(said)),), covers=(Cover(Span(1), "\n".join(lines)),))
    values = prompt.tasks_values([one], {one.id: Gates()}, frozenset())[0]
    texts = [str(block["text"]) for block in values["covers"]]  # type: ignore[index]
    shown = prompt.plain("\n".join([*texts, str(values["contracts"])]))
    assert all(word in shown for line in lines for word in prompt.plain(line).split())


LONG = "## Overview\n\n" + "This tells what the product is for and whom it serves. " * 40


def _overview(box: Sandbox) -> None:
    box.edit("PROJECT_SPEC.md", "## Tech Stack", f"{LONG}\n\n## Tech Stack")
    box.write("br.toml", "[build]\ncontext_tokens = 1200\n")


@pytest.mark.parametrize(("share", "shown"), [(0.4, True), (0.99, False), (1.5, False)])
def test_an_endpoint_that_counts_lets_in_what_the_estimate_left_out(box: Sandbox, share: float, shown: bool) -> None:
    _overview(box)
    assert box.model
    box.model.counts = lambda text: int(share * upper_bound(text))
    assert box.br("build", "task:add-adding").code == 0
    assert ("This tells what the product" in box.model.prompts[0]) == shown and box.model.counted


def test_where_nothing_counts_the_estimate_will_do_and_nobody_asks_twice(box: Sandbox) -> None:
    _overview(box)
    assert box.model
    assert box.br("build").code == 0
    assert "left out of its prompt: Overview" in box.br("task", "show", "adding", "--attempt", "1").out
    told = box.br("task", "show", "adding").out
    assert "made in      attempt 1 by claude-sonnet-5-5, 1 ask, 75 tokens, $0.0003" in told, told
    assert '"spent": {\n' in box.read("br.lock")
    assert box.model.counted == 1 and not any("This tells what" in prompt for prompt in box.model.prompts)


def test_what_a_model_counted_before_is_learned_from_its_replies() -> None:
    few = Measured()
    for counted in (40, 50, 44, 41):
        few = few.with_reply(counted, 100)
    assert few.scale == 1.0
    assert few.with_reply(30, 100).scale == 0.55, "the highest seen, a tenth above it, in steps of 0.05"
    assert few.with_reply(130, 100).scale == 1.45, "an estimate that was too low is raised"
    one = prompt.build(replace(request(), scale=2.0), SYSTEM, TASK)
    assert one.context_tokens == 2 * prompt.build(request(), SYSTEM, TASK).context_tokens
    assert prompt.build(replace(request(limit=one.context_tokens - 10), scale=2.0), SYSTEM, TASK).left_out


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), min_size=5))
def test_a_learned_scale_is_never_below_what_was_seen(rows: list[tuple[int, int]]) -> None:
    known = Measured()
    for counted, estimated in rows:
        known = known.with_reply(counted, estimated)
    assert known.scale >= min(2.0, max(counted / estimated for counted, estimated in rows))
