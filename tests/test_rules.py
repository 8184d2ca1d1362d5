"""Settings, rule packs, decomposition and the checks of a plan: what is accepted, and errors with their places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import contract, cover, task

from brengine import codec, datafiles, places, planning, prices, rules, settings, spec, toolchains, validate, yamlsource
from brengine.asks import Usage
from brengine.decompose import decompose
from brengine.domain import Need, Plan, Spec, Task
from brengine.errors import InputError, render
from brengine.inputs import Inputs
from brengine.layout import package_name
from brengine.settings import Settings
from brengine.source import Source

TOML = '[project]\nname = "x"\n\n[build]\nbackend = "manual"\njobs = 4\n\n[gates]\ncoverage = 95\n'


def test_settings_are_read_and_default() -> None:
    found = settings.load(TOML, "br.toml")
    assert (found.name, found.backend, found.jobs, found.gates().coverage) == ("x", "manual", 4, 95)
    assert settings.load("", "br.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("[gates]\ncoverege = 90\n", "unknown key 'coverege'", "br.toml:2:1"),
        ("[gate]\ncoverage = 90\n", "unknown table 'gate'", "br.toml:1:2"),
        ("coverage = 90\n", "unknown table 'coverage'", "br.toml:1:1"),
        ('[gates]\ncoverage = "90"\n', "coverage: input should be a valid integer", "br.toml:2:1"),
        ("[gates]\ncoverage = true\n", "coverage: input should be a valid integer", "br.toml:2:1"),
        ("[gates]\ncoverage = 101\n", "less than or equal to 100", "br.toml:2:1"),
        ("[build]\nmodel = 5\n", "valid string", "br.toml:2:1"),
        ('[build]\nbackend = "oracle"\n', "input should be 'auto'", "br.toml:2:1"),
        ("[gates\n", "not TOML", "br.toml:1:"),
    ],
)
def test_bad_settings_are_errors_with_a_place(text: str, message: str, place: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        settings.load(text, "br.toml")
    assert place in render(raised.value.diagnostics[0])


def load(text: str) -> tuple[rules.Pack, ...]:
    return rules.load([Source("rules/x.yaml", text)])


MINIMAL = """\
pack: x
version: 1
layers: {core: Core layer}
rules:
  - id: one
    when: {kind: each-requirement}
    task: {name: "Do {requirement}", layer: core, minutes: 60, targets: ["{package}/x.py"], tests: [tests/t.py]}
"""


def test_a_pack_is_read() -> None:
    (pack,) = load(MINIMAL)
    assert (pack.name, pack.rules[0].layer, pack.rules[0].kind) == ("x", "Core layer", "code")


@pytest.mark.parametrize(
    ("old", "new", "message", "place"),
    [
        ("layer: core", "leyer: core", "unknown key 'leyer'", ":7:"),
        ("layer: core", "layer: base", "unknown layer 'base'", ":7:"),
        ("minutes: 60", "minutes: 61", "input should be 60, 90 or 120", ":7:"),
        ("each-requirement", "every", "input should be 'feature'", ":6:"),
        ("id: one", "id: [1]", "valid string", ":5:"),
        ("{requirement}", "{reqirement}", "unknown placeholder", ":7:"),
        ("[tests/t.py]", "tests/t.py", "valid list", ":7:"),
        ("pack: x", "pack: x\norder: first", "valid integer", ":2:"),
        ("minutes: 60", "minutes: 60, needs: [{rule: two}]", "unknown rule 'two'", ":7:"),
        ("minutes: 60", "minutes: 60, kind: poem", "input should be 'code'", ":7:"),
        ("version: 1", "version: 1\nversion: 2", "given twice", ":3:"),
        ("version: 1", "version: &a 1\nlayers2: *a", "aliases", ":2:"),
        ("pack: x", "pack: [", "cannot read this YAML", ":"),
    ],
)
def test_bad_rules_are_errors_with_a_place(old: str, new: str, message: str, place: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        load(MINIMAL.replace(old, new, 1))
    assert place in render(raised.value.diagnostics[0])


def test_rule_ids_are_given_once_and_documents_are_mappings() -> None:
    again = MINIMAL.split("rules:\n")[1]
    with pytest.raises(InputError, match="given twice"):
        load(MINIMAL + again)
    with pytest.raises(InputError, match="valid dictionary"):
        load("- 1\n")
    with pytest.raises(InputError, match="larger than"):
        load("x" * (yamlsource.MAX_CHARACTERS + 1))
    with pytest.raises(InputError, match="deep nesting"):
        load("pack: " + "[" * 40 + "]" * 40)


def test_yaml_keeps_texts_as_texts() -> None:
    value = yamlsource.load(Source("x", "a: 012\nb: 1:30\nc: 2020-01-01\nd: on\ne: true\nf: 7\ng: null\nh: -3\n")).value
    assert value == {"a": "012", "b": "1:30", "c": "2020-01-01", "d": "on", "e": True, "f": 7, "g": None, "h": -3} or (
        value["a"] == 12 and value["c"] == "2020-01-01"
    )


def sources(glob: str) -> list[Source]:
    paths = [p for p in sorted(datafiles.folder("rules").glob(glob)) if p.name != "prices.yaml"]
    return [Source(p.name, p.read_text(encoding="utf-8")) for p in paths]


def shipped() -> tuple[rules.Pack, ...]:
    return rules.load(sources("*.yaml"))


TOOLCHAINS = toolchains.load(sources("toolchains/*.yaml"))


def read(text: str) -> Spec:
    return spec.parse(Source("S.md", text))


def tasks_of(text: str) -> tuple[Task, ...]:
    parsed = read(text)
    return decompose(parsed, shipped(), "app", toolchains.choose(TOOLCHAINS, parsed))


OTHER = """\
# Inventory

## Features

- Stock keeping
  - Items are counted by shelf
  - 在庫を数える
  - Build reports

## Acceptance Criteria

- A count below zero is refused
"""


def test_any_feature_gets_a_task_for_its_requirements_and_general_ones() -> None:
    made = tasks_of(OTHER)
    assert [t.name for t in made] == [
        "Implement Stock keeping",
        "Write integration tests",
        "Update documentation",
        "Add examples",
    ]
    assert validate.problems(made, read(OTHER)) == ()
    assert all(path.isascii() for t in made for path in t.files)
    assert made[0].requirements == (
        "stock-keeping/items-are-counted-by-shelf",
        "stock-keeping/在庫を数える",
        "stock-keeping/build-reports",
    )
    assert "A count below zero is refused" in [a.text for a in made[1].acceptance]
    assert [n.task for n in made[1].needs] == [made[0].id]


def test_requirement_text_reaches_its_task_verbatim_with_its_line() -> None:
    made = tasks_of(OTHER)
    assert made[0].covers[1].text == "Items are counted by shelf" and made[0].covers[1].span.line == 6
    assert made[0].acceptance[0].lines == (6,)


def test_words_match_whole_words_only() -> None:
    made = tasks_of("## Features\n- Authoring tools\n  - A builder for texts\n")
    assert not any("auth/" in t.rule for t in made)


def test_a_feature_needs_the_code_of_the_feature_that_it_depends_on() -> None:
    made = tasks_of("## Features\n- Base\n  - Store rows\n- Top {needs=base priority=high}\n  - Show rows\n")
    top = next(t for t in made if t.name == "Implement Top")
    assert [n.task for n in top.needs] == ["base.implement-base"] and top.priority == "high"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# A b\n\n## Project Structure\n- `shop/` code\n\n## Features\n- A\n  - x\n", "shop"),
        ("# My Shop\n\n## Features\n- A\n  - x\n", "my_shop"),
        ("# 日本\n\n## Features\n- A\n  - x\n", "app_"),
    ],
)
def test_the_package_is_named_by_layout_else_title(text: str, name: str) -> None:
    assert package_name(read(text), Settings()).startswith(name)
    assert package_name(read("# T\n"), Settings(name="web-shop")) == "web_shop"


def test_equal_input_gives_a_byte_equal_plan() -> None:
    where = places.Places(datafiles.folder("examples/auth"), Path("/unused"))
    found = places.read_settings(where)
    inputs = Inputs(places.read_spec(where, found), places.read_rules(where, found), found)
    first, second = codec.plan_to_json(planning.make(inputs)), codec.plan_to_json(planning.make(inputs))
    assert first == second and isinstance(codec.plan_from_json(first), Plan)
    assert codec.plan_from_json(b"{}") is None
    with pytest.raises(InputError, match="cannot be planned"):
        planning.make(replace(inputs, spec=Source("S.md", "")))


# --- validation ---------------------------------------------------------------------------------------------------

SPEC = read("## Features\n- F\n  - A thing\n")
GOOD = task("a", covers=(cover("A thing", "f/a-thing", 3),))


def problems(*tasks: Task) -> list[str]:
    return [d.rule for d in validate.problems(tasks, SPEC)]


def test_a_good_plan_has_no_problems() -> None:
    assert problems(GOOD, task("b", needs=["a"])) == []


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        (replace(GOOD, minutes=61, id="f.b", targets=("pkg/b.py",), tests=("tests/test_b.py",)), "task-size"),
        (task("a", targets=("pkg/b.py",), tests=("tests/b.py",)), "duplicate-task"),
        (task("b", targets=("PKG/A.py",)), "two-owners"),
        (task("b", targets=("pkg/a.py/x.py",)), "two-owners"),
        (task("b", targets=("../b.py",)), "unsafe-path"),
        (task("b", targets=()), "no-target"),
        (task("b", tests=()), "no-tests"),
        (task("b", needs=["c"]), "unknown-need"),
        (replace(task("b"), needs=(Need("f.a", ("nothing",)),)), "unknown-contract"),
        (task("b", needs=["b"]), "cycle"),
    ],
)
def test_each_fault_of_a_plan_is_found(other: Task, rule: str) -> None:
    assert rule in problems(GOOD, other)


def test_a_cycle_is_shown_with_its_path_and_deep_chains_are_no_trouble() -> None:
    ring = [task("x", needs=["z"]), task("y", needs=["x"]), task("z", needs=["y"])]
    (found,) = [d for d in validate.problems((GOOD, *ring), SPEC) if d.rule == "cycle"]
    assert "f.x → f.z → f.y → f.x" in found.message
    chain = [task(f"t{n}", needs=[f"t{n - 1}"] if n else []) for n in range(3000)]
    assert problems(GOOD, *chain) == []


def test_an_uncovered_requirement_is_an_error() -> None:
    (found,) = validate.problems((task("a"),), SPEC)
    assert (found.rule, found.span.line) == ("uncovered", 3)  # type: ignore[union-attr]


def test_two_owners_are_named_with_their_lines() -> None:
    other = task("b", targets=("pkg/a.py",), covers=(cover("B", "f/b", 9),), defines=(contract("f"),))
    message = next(d.message for d in validate.problems((GOOD, other), SPEC) if d.rule == "two-owners")
    assert "f.b (line 9)" in message and "f.a (line 3)" in message


# --- prices -------------------------------------------------------------------------------------------------------


def test_prices_are_data_with_dates_and_tiers_and_unknown_is_unknown() -> None:
    path = datafiles.folder("rules") / "prices.yaml"
    table = prices.load(Source("prices.yaml", path.read_text(encoding="utf-8")))
    million = Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000)
    assert prices.cost("claude-sonnet-5-5", million, table, "2026-11-24") == pytest.approx(2 + 10 + 0.10 + 2.50)
    assert prices.cost("claude-haiku-5-5", Usage(50_000, 0), table, "2026-11-24") == pytest.approx(0.005)
    assert prices.cost("claude-haiku-5-5", Usage(100_000, 0), table, "2026-11-24") == pytest.approx(0.01)
    assert prices.cost("claude-haiku-5-5", Usage(200_000, 0), table, "2026-11-24") == pytest.approx(0.1)
    assert prices.cost("claude-sonnet-5-5", million, table, "2026-01-01") is None
    assert prices.cost("some-model", million, table, "2026-11-24") is None
    with pytest.raises(InputError, match="cannot be read"):
        prices.load(Source("p", "m:\n  - {from: x}\n"))
