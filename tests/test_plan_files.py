"""Plan files: read and written, found again in an edited specification, judged, changed; hand edits survive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brengine import datafiles, keys, planning, spec
from brengine.domain import Plan, Task
from brengine.errors import InputError
from brengine.inputs import Inputs
from brengine.plans import anchors, assembly, files, judge, literals, merging, prompts, replies, surface, writing
from brengine.plans.anchors import Present, Quote
from brengine.plans.judge import Ground
from brengine.plans.replies import Question
from brengine.settings import Settings
from brengine.source import Source
from brengine.tokens import upper_bound

SPEC = """\
# Fares

## Features

### Feature: Table

Requirements:
- The fare table is read from a file
- A missing file says "cannot read the table"

### Feature: Quotes

Requirements:
- A quote is the sum of its zones
- More than 9 zones cost 45

## Constraints

- Standard library only

## Notes

Written in spring.

## Out of scope

- Refunds of tickets
"""

TABLE = """\
# The table's plan
plan: table
version: 1
tasks:
  - id: errors
    name: Errors
    complexity: simple
    targets: [fares/errors.py]
    tests: [tests/test_errors.py]
    defines:
      - name: FareError
        text: "class FareError(Exception)"
      - name: MAX_ZONES
        text: "MAX_ZONES: int = 9"
    covers: 9
    acceptance:
      - text: The message is exact
        lines: 9
  # keep this remark
  - id: table.load
    name: Load the table
    complexity: simple
    targets: [fares/table.py]
    tests: [tests/test_table.py]
    needs:
      - {task: errors, uses: [FareError]}
    defines:
      - name: load
        text: |
          def load(path: str) -> dict[str, int]
          raises FareError
    covers: 5-8
"""

QUOTES = """\
plan: quotes
version: 1
tasks:
  - id: quotes.sum
    name: Sum zones
    complexity: simple
    targets: [fares/quote.py]
    tests: [tests/test_quote.py]
    needs: [{task: table.load, uses: [load]}]
    defines:
      - name: quote
        text: "def quote(zones: list[str], table: dict[str, int]) -> int"
    covers: 13-14
  - id: quotes.cap
    name: Cap the sum
    complexity: simple
    targets: [fares/cap.py]
    tests: [tests/test_cap.py]
    needs: [{task: table.errors, uses: [MAX_ZONES]}]
    defines:
      - name: cap
        text: "def cap(zones: int) -> int"
    covers: 15
"""

PROJECT = """\
plan: project
version: 1
rulings:
  - id: cap-total
    mark: invented
    confirm: true
    text: "45 is the whole price, in cents."
    lines: 15
  - id: runtime
    text: Python 3.11, standard library only.
    lines: 19
"""


@cache
def rules() -> tuple[Source, ...]:
    folder = datafiles.folder("rules")
    paths = [*sorted(folder.glob("*.yaml")), *sorted(folder.glob("toolchains/*.yaml"))]
    return tuple(Source(f"rules/{p.relative_to(folder)}", p.read_text()) for p in paths if p.name != "prices.yaml")


def source(text: str = SPEC) -> Source:
    return Source("PROJECT_SPEC.md", text)


def first() -> dict[str, Source]:
    """The three plan files as the engine writes them."""
    plans = [
        files.load(Source(f"plan/{n}.yaml", t)) for n, t in (("table", TABLE), ("quotes", QUOTES), ("project", PROJECT))
    ]
    texts = merging.first_texts(plans, spec.parse(source()), source())
    return {path: Source(path, text) for path, text in texts.items()}


def plan_of(text: str, written: Mapping[str, Source]) -> Plan:
    return planning.make(Inputs(source(text), rules(), Settings(), plans=tuple(written.values())))


def keys_of(plan: Plan) -> dict[str, str]:
    contracts = {task.id: task.defines for task in plan.tasks}
    return {task.id: keys.ask_key(task, contracts, plan.rulings, "t@1").digest for task in plan.tasks}


# --- files --------------------------------------------------------------------------------------------------------


def test_a_plan_file_is_read_with_short_names_and_defaults() -> None:
    plan = files.load(Source("plan/table.yaml", TABLE))
    assert [task.id for task in plan.tasks] == ["table.errors", "table.load"]
    load = plan.tasks[1]
    assert load.needs[0].task == "table.errors" and load.needs[0].uses == ("FareError",)
    assert load.defines[0].path == "fares/table.py" and load.minutes == 60 and load.kind == "code"
    assert [quote.line for quote in load.covers] == [5, 6, 7, 8]
    assert load.edited, "what has no stamp is a person's"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("targets: [fares/errors.py]", "target: [fares/errors.py]", "did you mean 'targets'?"),
        ("complexity: simple", "complexity: easy", "complexity"),
        ("covers: 9", "covers: everything", "these are no lines of the specification"),
        ("covers: 9", "covers: 9-2", "these are no lines of the specification"),
        ("version: 1", "version: 2", "version"),
    ],
)
def test_what_is_wrong_with_a_plan_file_has_its_place(old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        files.load(Source("plan/table.yaml", TABLE.replace(old, new, 1)))
    told = [f"{d.place} {d.message} {d.hint}" for d in caught.value.diagnostics]
    assert any(said in text for text in told), told
    assert all(d.span and d.span.line > 1 for d in caught.value.diagnostics)


def test_what_is_written_reads_back_the_same_and_quotes_every_line() -> None:
    written = first()
    again = [files.load(text) for text in written.values()]
    assert not any(task.edited for plan in again for task in plan.tasks)
    assert not any(ruling.edited for plan in again for ruling in plan.rulings)
    quoted = {quote.line for plan in again for quote in assembly.quotes_of(plan)}
    assert quoted == {n for n, line in enumerate(source().lines, start=1) if line.strip()}
    assert "9| - A missing file says" in written["plan/table.yaml"].text


@given(
    st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85\ufeff")))
)
def test_any_contract_survives_being_written(texts: list[str]) -> None:
    wanted = [text.strip() for text in texts if text.strip()]
    defines = tuple(replace(_contract(), name=f"n{i}", text=text) for i, text in enumerate(wanted))
    task = files.Planned("a.b", "A task", ("a.py",), tests=("test_a.py",), defines=defines)
    text = writing.dump(files.PlanFile("plan/a.yaml", "a", (task,)), "A")
    assert [c.text for c in files.load(Source("plan/a.yaml", text)).tasks[0].defines] == wanted


def _contract() -> files.Contract:
    return files.load(Source("plan/table.yaml", TABLE)).tasks[0].defines[0]


def test_a_change_leaves_all_else_as_it_stands() -> None:
    text = Source("plan/table.yaml", TABLE)
    errors = replace(files.load(text).tasks[0], name="All errors")
    changed = writing.splice(text, "tasks", {"table.errors": errors}, [], "table")
    assert "All errors" in changed and changed.split("table.load")[1] == TABLE.split("table.load")[1]
    dropped = writing.splice(text, "tasks", {}, ["table.errors"], "table")
    assert "# The table's plan" in dropped and "errors.py" not in dropped and "table.load" in dropped


# --- lines that move ----------------------------------------------------------------------------------------------


def test_quotes_are_found_by_their_text_and_equal_lines_by_their_neighbours() -> None:
    present = Present(["new", "a", "x", "b", "x"], [Quote(1, "a"), Quote(2, "x"), Quote(3, "b"), Quote(4, "x")])
    assert present.locate([Quote(1, "a"), Quote(2, "x")]).lines == (2, 3)
    assert present.locate([Quote(3, "b"), Quote(4, "x")]).lines == (4, 5)
    assert present.locate([Quote(9, "gone")]).lost == (Quote(9, "gone"),)


@given(st.lists(st.sampled_from(["a", "b", "", "x y z", "- one two three"]), max_size=30))
def test_lines_are_quoted_and_read_back(lines: list[str]) -> None:
    quotes, bad = anchors.read("\n".join(f"{n}| {text}" for n, text in enumerate(lines, start=1)))
    assert not bad and [q.line for q in quotes] == [n for n, text in enumerate(lines, start=1) if text.strip()]


def test_an_inserted_line_wakes_nobody() -> None:
    written = first()
    before = keys_of(plan_of(SPEC, written))
    for line in ("", "Some remark.", "- Standard library only, still"):
        rows = SPEC.split("\n")
        for at in range(len(rows)):
            if line == "Some remark." and rows[at - 1].startswith("- "):
                continue  # that makes the bullet longer
            text = "\n".join([*rows[:at], line, *rows[at:]])
            after = keys_of(plan_of(text, written))
            assert {name: after[name] for name in before} == before, (at, line)


def test_a_reworded_line_wakes_those_that_cover_it_and_those_that_its_ruling_binds() -> None:
    written = first()
    before = keys_of(plan_of(SPEC, written))
    after = keys_of(plan_of(SPEC.replace("More than 9 zones cost 45", "More than 9 zones cost 48"), written))
    assert [name for name in before if before[name] != after[name]] == ["quotes.cap"]


def test_an_edited_ruling_wakes_those_that_it_binds() -> None:
    written = first()
    before = keys_of(plan_of(SPEC, written))

    def woken(old: str, new: str) -> list[str]:
        text = written["plan/project.yaml"].text
        assert old in text
        after = keys_of(
            plan_of(SPEC, {**written, "plan/project.yaml": Source("plan/project.yaml", text.replace(old, new))})
        )
        return [name for name in before if before[name] != after[name]]

    assert woken("45 is the whole price", "45 is added") == ["quotes.cap"]
    assert woken("Python 3.11", "Python 3.12") == list(before), "no task covers its line: it binds all"
    assert woken("confirm: true", "confirm: false") == []


def test_an_unrelated_class_in_a_shared_contract_wakes_its_owner_alone() -> None:
    written = first()
    before = keys_of(plan_of(SPEC, written))
    table = written["plan/table.yaml"].text.replace(
        "      - name: MAX_ZONES",
        "      - name: OtherError\n        text: class OtherError(Exception)\n      - name: MAX_ZONES",
    )
    after = keys_of(plan_of(SPEC, {**written, "plan/table.yaml": Source("plan/table.yaml", table)}))
    assert [name for name in before if before[name] != after[name]] == ["table.errors"]


EDITS = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "move", "reword"]), st.integers(0, 30), st.integers(0, 30)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(EDITS)
def test_edits_wake_exactly_the_tasks_whose_covered_text_changed(edits: list[tuple[str, int, int]]) -> None:
    """Lines of the body alone are edited, so that the features stay; what each task covers is computed apart."""
    written = first()
    old = plan_of(SPEC, written)
    rows = SPEC.split("\n")
    body = [8, 9, 14, 15, 19, 23]
    for number, (kind, where, to) in enumerate(edits):
        here = next((i for i, row in enumerate(rows) if row == SPEC.split("\n")[body[where % len(body)] - 1]), None)
        if kind == "insert":
            rows.insert(to % len(rows), f"Remark number {number}.")
        elif here is not None and kind == "delete":
            del rows[here]
        elif here is not None and kind == "move":
            row = rows.pop(here)
            rows.insert(max(1, here - 1), row)
        elif here is not None:
            rows[here] += " indeed"
    text = "\n".join(rows)
    try:
        new = plan_of(text, written)
    except InputError:
        return  # a feature without requirements, said as ever
    before, after = keys_of(old), keys_of(new)
    for task in old.tasks:
        now = next(t for t in new.tasks if t.id == task.id)
        assert (before[task.id] != after[task.id]) == (_held(task, old) != _held(now, new)), task.id


def _held(task: Task, plan: Plan) -> object:
    """What a task's Key holds of the specification and the rulings, without numbers."""
    ruled = {ruling.text for ruling in plan.rulings if not ruling.tasks or task.id in ruling.tasks}
    plain = {cover.text for cover in task.covers if not cover.requirement}
    return plain, sorted(cover.text for cover in task.covers if cover.requirement), ruled


# --- drift and changes --------------------------------------------------------------------------------------------


def test_drift_names_what_the_plan_does_not_know() -> None:
    written = first()
    text = SPEC.replace("- More than 9 zones cost 45", "- More than 9 zones cost 48\n- A quote is in cents")
    plans = planning.load(list(written.values()))
    drift = assembly.assemble(plans, spec.parse(source(text)), source(text)).drift
    assert [quote.text for quote in drift.changed] == ["- More than 9 zones cost 45"]
    assert list(drift.changed.values()) == [15] and drift.fresh == (16,)
    assert any(d.rule == "plan-behind" for d in plan_of(text, {**written}).diagnostics)
    assert not any(d.rule == "plan-behind" for d in plan_of(SPEC, written).diagnostics)


CHANGES = """\
plan: changes
version: 1
tasks:
  - id: quotes.cap
    name: Cap the sum
    complexity: simple
    targets: [fares/cap.py]
    tests: [tests/test_cap.py]
    needs: [{task: table.errors, uses: [MAX_ZONES]}]
    defines: [{name: cap, text: "def cap(zones: int) -> int"}]
    covers: 15-16
drop: [runtime]
"""


def test_a_change_is_taken_in_and_a_persons_task_is_not_touched() -> None:
    written = first()
    hand = written["plan/table.yaml"].text.replace("name: Load the table", "name: Load my table  # mine")
    written["plan/table.yaml"] = Source("plan/table.yaml", hand)
    text = SPEC.replace("- More than 9 zones cost 45", "- More than 9 zones cost 48\n- A quote is in cents")
    changes = files.load(Source("plan/changes.yaml", CHANGES + "surface: []\n"))
    mine = replace(changes.tasks[0], id="table.load", name="Not mine")
    changes = replace(changes, tasks=(*changes.tasks, mine))
    plans = planning.load(list(written.values()))
    parsed = spec.parse(source(text))
    drift = assembly.assemble(plans, parsed, source(text)).drift
    after = merging.with_changes(plans, changes)
    texts = merging.changed_texts(written, after, drift, source(text), parsed)
    assert "plan/table.yaml" not in texts, "it keeps its bytes"
    now = {**written, **{path: Source(path, t) for path, t in texts.items()}}
    plan = plan_of(text, now)
    assert not any(d.rule == "plan-behind" for d in plan.diagnostics)
    assert "quotes/a-quote-is-in-cents" in next(t for t in plan.tasks if t.id == "quotes.cap").requirements
    assert [ruling.id for ruling in plan.rulings] == ["cap-total"]
    assert not any(t.edited for t in files.load(now["plan/quotes.yaml"]).tasks), "what the engine wrote stays its own"


def test_what_the_plan_leaves_falls_to_the_rules() -> None:
    written = first()
    text = SPEC.replace("- More than 9 zones", "- Zones are named by letters\n- More than 9 zones")
    plan = planning.make(Inputs(source(text), rules(), Settings(), plans=tuple(written.values())))
    extra = [task for task in plan.tasks if task.rule.startswith("general/")]
    assert [task.requirements for task in extra] == [("quotes/zones-are-named-by-letters",)]
    assert not {path for task in extra for path in task.files} & {"fares/quote.py", "fares/cap.py"}


# --- amendments ---------------------------------------------------------------------------------------------------


def test_questions_of_authors_are_read_and_a_known_owner_needs_no_ask() -> None:
    notes = "DECISIONS: none\nNEED FareError: to raise it\n- NEED none\nCONFLICT lines 8, 15: two prices\nNEED nothing"
    assert replies.questions(notes) == (
        Question("need", "FareError", "to raise it"),
        Question("conflict", "8, 15", "two prices"),
    )
    plans = planning.load(list(first().values()))
    plan = assembly.assemble(plans, spec.parse(source()), source())
    assert merging.known_need(plan, "quotes.sum", Question("need", "FareError")) == "FareError"
    assert not merging.known_need(plan, "table.errors", Question("need", "load")), "that would be a circle"
    assert not merging.known_need(plan, "quotes.sum", Question("need", "Nobody"))
    after = merging.with_needs(plans, plan, [("quotes.sum", "FareError")])
    task = next(t for p in after for t in p.tasks if t.id == "quotes.sum")
    assert [(need.task, need.uses) for need in task.needs] == [
        ("table.load", ("load",)),
        ("table.errors", ("FareError",)),
    ]


# --- judged -------------------------------------------------------------------------------------------------------


def judged(text: str = SPEC, **edits: tuple[str, str]) -> list[str]:
    written = {"table": TABLE, "quotes": QUOTES, "project": PROJECT}
    for name, (old, new) in edits.items():
        assert old in written[name]
        written[name] = written[name].replace(old, new, 1)
    plans = [files.load(Source(f"plan/{name}.yaml", t)) for name, t in written.items()]
    parsed = spec.parse(source(text))
    given_names = surface.given(source(text), {})
    found = judge.findings(assembly.assemble(plans, parsed, source(text)), Ground(parsed, source(text), given_names))
    return [f"{d.severity} {d.rule}: {d.message}" for d in found]


def test_a_good_plan_has_nothing_against_it() -> None:
    assert judged() == []


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("quotes", "covers: 15", "covers: 15, 27", "error forbidden: quotes.cap covers 27, which is not to be built"),
        ("quotes", "fares/cap.py", "acceptance/cap.py", "error forbidden: quotes.cap writes acceptance/cap.py"),
        ("project", "lines: 19", "lines: 15", "warning uncovered-lines: no task covers lines 19 of"),
        ("table", "covers: 9", "covers: 8", "message 'cannot read the table' (line 9) reaches no task"),
        (
            "table",
            "name: load\n",
            "name: load\n        path: fares/other.py\n",
            "error contract: table.load defines load",
        ),
        ("quotes", "tests/test_cap.py", "tests/cap.py", "error test-name"),
        ("quotes", "fares/cap.py]", "fares/cap.js#1]", "error region: fares/cap.js is parted into regions"),
        ("project", "id: runtime", "id: cap-total", "error ruling: two rulings are called cap-total"),
        (
            "project",
            "text: Python",
            "tasks: [quotes.nobody]\n    text: Python",
            "binds quotes.nobody, which is",
        ),
    ],
)
def test_what_an_architect_would_not_sign(name: str, old: str, new: str, said: str) -> None:
    found = judged(**{name: (old, new)})
    assert any(said in text for text in found), found


def test_stated_names_and_used_names_must_be_made() -> None:
    text = SPEC.replace(
        "## Notes",
        "## Reference\n\n```python\ndef load(path: str, strict: bool = False) -> dict\n\nclass Zone\n```\n\n"
        "```python\nfrom fares.quote import best_quote\n```\n\n```console\n$ fares A B\n3\n```\n\n## Notes",
    )
    found = judged(text)
    assert any("table.load defines load otherwise than line 24 states" in row for row in found), found
    assert any("states 'class Zone', no contract defines Zone" in row for row in found)
    assert any("relies on fares.quote.best_quote: no contract in fares/quote.py has it" in row for row in found)
    assert any("relies on fares: no surface of the plan names it" in row for row in found)


def test_a_circle_that_no_need_shows_is_found() -> None:
    text = 'text: "class FareError(Exception)"'
    found = judged(table=(text, 'text: "class FareError(Exception)\\ndef of(quote: Quote) -> FareError"'))
    assert not any("circle" in row for row in found), "nobody defines Quote"
    found = judged(
        table=(text, 'text: "class FareError(Exception)\\ndef of(cap: Cap) -> int"'),
        quotes=('name: cap\n        text: "def cap(zones: int) -> int"', 'name: Cap\n        text: "class Cap"'),
    )
    assert any("hidden-cycle" in row for row in found), found


def test_a_prompt_that_would_not_fit_is_a_finding_that_says_what_takes_the_room() -> None:
    found = judged(quotes=("def cap(", f"{'word ' * 3000} def cap("))
    (row,) = (row for row in found if "room: the prompt of quotes.cap must hold" in row)
    assert "the limit is 4,000: covered lines" in row and "own contracts 7," in row


def test_texts_that_point_at_what_their_readers_do_not_see_are_found() -> None:
    at_table = ("def load(path: str) -> dict[str, int]", "def load(path: str) -> dict[str, int]  # as line 15 says")
    found = judged(table=at_table)
    said = "the contract load of table.load points at 'line 15', which not every reader of it sees"
    assert found == [f"warning blind-reference: {said}"]
    assert judged(quotes=("covers: 13-14", "covers: 13-15"), table=(at_table[0], at_table[1].replace("15", "12"))) == []
    assert judged(project=("45 is the whole price", "45 is the whole price of the zones below the header")) == []
    found = judged(project=("45 is the whole price", "45 is the whole price, see above"))
    assert found == [
        "warning blind-reference: the ruling cap-total points at 'see above', which not every reader of it sees"
    ]


def test_a_line_that_speaks_of_a_block_is_covered_with_the_block() -> None:
    text = SPEC.replace(
        "- More than 9 zones cost 45\n", "- More than 9 zones cost 45, as in the example below\n\n```text\n45\n```\n"
    )
    moved = ("lines: 19", "lines: 23")
    found = judged(text, project=moved)[0]
    assert found.endswith("quotes.cap covers line 15, which speaks of the 'example below', and not lines 17-19")
    assert judged(text, project=moved, quotes=("covers: 15", "covers: 15-18")) == []


def test_a_ruling_may_bind_every_task_whatever_its_lines_are() -> None:
    plans = [files.load(Source("plan/project.yaml", PROJECT.replace("lines: 19", "lines: 15\n    tasks: [all]")))]
    rulings = assembly.assemble(plans, spec.parse(source()), source()).rulings
    assert [(r.id, r.tasks, r.lines) for r in rulings] == [("cap-total", (), (15,)), ("runtime", (), (15,))]


def test_what_a_package_re_exports_needs_no_contracts_of_its_names() -> None:
    row = "  - id: init\n    name: I\n    targets: [fares/__init__.py]\n    tests: [tests/test_i.py]\n    defines:\n"
    made = files.load(
        Source("plan/table.yaml", f"{TABLE}{row}      - name: fares\n        text: from .errors import FareError\n")
    )
    init = assembly.assemble([made], spec.parse(source()), source()).tasks[-1]
    assert init.id == "table.init" and init.needs == ()


# --- literals and surface -----------------------------------------------------------------------------------------

DOCUMENT = """\
It says `no such zone` or "The file is empty." and takes `--json`.

```console
$ fares A B
3.20
$ fares A
error: two zones are needed
```

```python
>>> quote(["a"])
3
```
"""


def test_literals_are_found_with_their_lines_and_followed_into_tests() -> None:
    rows = literals.of(source(DOCUMENT))
    assert [(row.kind, row.line, row.text) for row in rows] == [
        ("message", 1, "no such zone"),
        ("message", 1, "The file is empty."),
        ("option", 1, "--json"),
        ("sample", 5, "3.20"),
        ("sample", 7, "error: two zones are needed"),
        ("example", 11, '>>> quote(["a"])\n3'),
    ]
    task = replace(plan_of(SPEC, first()).tasks[0], acceptance=tuple(_accept(row.text) for row in rows[:4]))
    held = literals.held(source(DOCUMENT), [task], {"tests/test_a.py": 'assert out == "no such zone"\nrun("--json")'})
    assert [bool(row.tasks) for row in held] == [True, True, True, True, False, False]
    assert [row.tested for row in held] == [True, False, True, False, False, False]


def _accept(text: str) -> assembly.Acceptance:
    return assembly.Acceptance(text, "literal")


def test_the_surface_is_read_from_given_tests() -> None:
    text = "import subprocess, sys\nfrom shop.basket import Basket, total\nimport shop.cli\n"
    text += 'subprocess.run([sys.executable, "-m", "shop", "--help"])\n'
    found = surface.given(source(""), {"tests/test_given.py": text})
    assert [(item.name, item.kind) for item in found] == [
        ("shop.basket.Basket", "class"),
        ("shop.basket.total", "function"),
        ("shop.cli", "module"),
        ("python -m shop", "command"),
    ]
    assert all(item.mark == "given" and "tests/test_given.py" in item.form for item in found)


# --- a long document ----------------------------------------------------------------------------------------------

LONG = Source("PROJECT_SPEC.md", (Path(__file__).parent / "fixtures/plans/rowform/PROJECT_SPEC.md").read_text("utf-8"))


def test_a_long_document_is_gathered_in_parts_that_are_all_of_it() -> None:
    assert upper_bound(prompts.numbered(LONG)) > prompts.WHOLE_TOKENS
    cost = [upper_bound(line) + 3 for line in LONG.lines]
    parts = prompts.chunks(LONG, prompts.CHUNK_TOKENS, cost)
    assert len(parts) == 3 and parts[0][0] == 1 and parts[-1][1] == len(LONG.lines)
    assert all(before[1] + 1 == after[0] for before, after in pairwise(parts))
    assert all(sum(cost[first - 1 : last]) <= prompts.CHUNK_TOKENS for first, last in parts)
    assert LONG.lines[parts[1][0] - 1].startswith("#"), "cut before a heading"


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60), st.integers(100, 500))
def test_parts_of_any_document_are_all_of_it_and_within_the_limit(costs: list[int], limit: int) -> None:
    text = Source("a.md", "\n".join("# a" if cost % 7 == 0 else "b" for cost in costs))
    parts = prompts.chunks(text, limit, costs)
    assert [n for first, last in parts for n in range(first, last + 1)] == list(range(1, len(costs) + 1))
    assert all(sum(costs[a - 1 : b]) <= limit or a == b for a, b in parts)


def test_the_forms_that_a_reference_states_are_found() -> None:
    found = {row.name for row in surface.stated(LONG)}
    assert {"Text", "Integer", "Decimal", "Date", "Flag", "Choice", "Filler", "Repeated", "Layout", "Reader"} <= found
    assert {item.name for item in surface.given(LONG, {}) if item.kind != "command"}


def test_a_plan_may_be_mended_by_edits() -> None:
    before = {"plan/table.yaml": TABLE, "plan/quotes.yaml": QUOTES}
    text = (
        '<<<BR-ab12 EDIT path="plan/quotes.yaml">>>\n<<<BR-ab12 SEARCH>>>\n    covers: 15\n<<<BR-ab12 REPLACE>>>\n'
        "    covers: 15, 19\n<<<BR-ab12 END>>>\n<<<BR-ab12 MANIFEST count=1>>>\nplan/quotes.yaml\n<<<BR-ab12 DONE>>>\n"
    )
    found = replies.written(text, "end_turn", "ab12", tuple(before), before)
    assert not found.findings and found.texts["plan/table.yaml"] == TABLE
    assert found.texts["plan/quotes.yaml"] == QUOTES.replace("covers: 15", "covers: 15, 19")
    twice = replies.written(text.replace("covers: 15\n", "id: nowhere\n"), "end_turn", "ab12", tuple(before), before)
    assert any("plan/quotes.yaml" in finding for finding in twice.findings)
    assert twice.texts["plan/quotes.yaml"] == QUOTES
