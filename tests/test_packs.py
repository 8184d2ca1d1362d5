"""The shipped rules and toolchains: which tasks a specification leads to, in which files, what edits leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brengine import codec, layout, places, planning, rules, toolchains
from brengine.domain import Plan, Task
from brengine.errors import InputError
from brengine.inputs import Inputs
from brengine.reading.options import Options
from brengine.settings import Settings
from brengine.source import Source

NOWHERE = Path("/nowhere")
RULES = places.read_rules(places.Places(NOWHERE, NOWHERE), Settings())


def plan(text: str, **more: object) -> Plan:
    inputs = Inputs(Source("S.md", text), RULES, Settings(**more), {}, {}, Options(accept=True))  # type: ignore[arg-type]
    return planning.make(inputs)


def by_name(text: str) -> dict[str, Task]:
    return {task.name: task for task in plan(text).tasks}


def spec(stack: str, *features: str, extra: str = "") -> str:
    return f"# Shop\n\n## Tech Stack\n\n- {stack}\n\n{extra}\n## Features\n\n" + "\n".join(features) + "\n"


SEARCH = "- Search\n  - Goods are found by name\n  - Nothing found says so"
BASKET = "- Basket\n  - Goods are added and removed"


@pytest.mark.parametrize(
    ("stack", "source", "test"),
    [
        ("Python 3.12, FastAPI", "shop/search.py", "tests/test_search.py"),
        ("TypeScript on Node 20", "src/search.ts", "tests/search.test.ts"),
        ("Node.js, Express", "src/search.js", "tests/search.test.js"),
        ("Golang with cobra", "internal/search/search.go", "internal/search/search_test.go"),
        ("Rust, tokio", "src/search.rs", "tests/search.rs"),
        ("Java 21, Spring Boot", "src/main/java/shop/Search.java", "src/test/java/shop/SearchTest.java"),
        ("C++17, CMake", "src/search.cpp", "tests/test_search.cpp"),
        ("C#, .NET 8", "src/Search.cs", "tests/SearchTests.cs"),
        ("Ruby on Rails", "lib/shop/search.rb", "spec/search_spec.rb"),
        ("PHP, Laravel", "src/Search.php", "tests/SearchTest.php"),
        ("Kotlin, Android", "src/main/kotlin/shop/Search.kt", "src/test/kotlin/shop/SearchTest.kt"),
        ("SwiftUI", "Sources/Search.swift", "Tests/SearchTests.swift"),
        ("Flutter", "lib/search.dart", "test/search_test.dart"),
        ("nothing in particular", "shop/search.py", "tests/test_search.py"),
    ],
)
def test_files_go_where_the_toolchain_wants_them(stack: str, source: str, test: str) -> None:
    task = by_name(spec(stack, SEARCH))["Implement Search"]
    assert (task.targets, task.tests) == ((source,), (test,))


def test_settings_name_the_toolchain_and_a_language_that_nothing_verifies_is_said() -> None:
    assert plan(spec("Rust", SEARCH), toolchain="python").tasks[0].targets == ("shop/search.py",)
    (said,) = [d for d in plan(spec("Rust", SEARCH)).diagnostics if d.rule == "unverified-toolchain"]
    assert said.severity == "warning" and "in rust" in said.message
    assert not [d for d in plan(spec("Python", SEARCH)).diagnostics if d.rule == "unverified-toolchain"]


def test_a_mixed_project_has_a_front_end_of_its_own() -> None:
    page = "- Start page\n  - The page shows a form with a button\n  - The sidebar opens a dialog"
    found = by_name(spec("Python, FastAPI\n- React, TypeScript", SEARCH, page))
    assert found["Implement Search"].targets == ("shop/search.py",)
    front = found["Implement Start page"]
    assert (front.domain, front.targets) == ("frontend", ("web/src/start_page.ts",))
    assert found["Wire the front end"].feature == "project"


def test_files_that_the_specification_names_are_the_targets() -> None:
    named = "- Search\n  - Goods are found by name, in `shop/find/engine.py`, tested in `tests/find/test_engine.py`"
    task = by_name(spec("Python", named, BASKET))["Implement Search"]
    assert (task.targets, task.tests) == (("shop/find/engine.py",), ("tests/find/test_engine.py",))
    tree = "## Project Structure\n\n```\nshop/\n├── core/\n│   └── search.py\n└── tests/\n    └── test_search.py\n```\n"
    inside = by_name(spec("Python", SEARCH, extra=tree))["Implement Search"]
    assert inside.targets == ("core/search.py",) and inside.tests == ("tests/test_search.py",)
    unsafe = "- Search\n  - It reads /etc/passwd.py and ../../x.py"
    assert by_name(spec("Python", unsafe))["Implement Search"].targets == ("shop/search.py",)


def test_every_file_has_one_owner_even_where_names_meet() -> None:
    made = plan(
        spec(
            "Python",
            "- Models\n  - They are kept",
            "- models!\n  - They are shown",
            "- Import\n  - It reads a file",
            "- Project\n  - It has a name",
            "- App\n  - It starts in `shop/app.py`",
            "- C\n  - a",
            "- C++\n  - b",
            extra="## Data Model\n\n- Model: id, name\n\n## API\n\nA REST API with endpoints.\n",
        )
    )
    files = [path.casefold() for task in made.tasks for path in task.files]
    assert len(files) == len(set(files)) and "shop/import_.py" in files


# --- packs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "domain"),
    [
        (
            spec("Python", "- Ledger\n  - Rows are stored in SQLite\n  - A backup of the database"),
            "Implement Ledger",
            "database",
        ),
        (
            spec("Python, a REST API", "- Users\n  - The endpoint lists users\n  - Errors answer with a status code"),
            "Implement Users",
            "backend",
        ),
        (
            spec("Python, a command line tool", "- Notes\n  - The command adds a note\n  - A flag sorts, exit code 2"),
            "Implement Notes",
            "backend",
        ),
        (
            spec("TypeScript, a web app", "- Board\n  - A page shows cards\n  - A button opens a dialog"),
            "Implement Board",
            "frontend",
        ),
        (
            spec("Python", "- Alerts\n  - A worker sends an e-mail\n  - A webhook is retried, with retries bounded"),
            "Implement Alerts",
            "infrastructure",
        ),
        (
            spec("Python", "- Orders\n  - A payment by credit card\n  - A refund of a payment"),
            "Implement Orders",
            "backend",
        ),
    ],
)
def test_each_pack_takes_what_it_is_about(text: str, name: str, domain: str) -> None:
    task = by_name(text)[name]
    assert task.domain == domain and len(task.requirements) == 2
    assert task.rule != "integrations/payments" or task.complexity == "complex", "payments are always complex"


def test_a_feature_of_both_sides_is_parted_where_the_front_end_has_another_toolchain() -> None:
    both = (
        "- Recipes\n  - POST stores a recipe\n  - GET answers with all\n  - DELETE takes one away\n"
        "  - The page shows a form\n  - A button opens the dialog"
    )
    found = by_name(spec("Python, FastAPI\n- React, TypeScript", both))
    assert len(found["Implement Recipes"].requirements) == 3
    assert found["Implement Recipes (front end)"].targets == ("web/src/recipes_front_end.ts",)


def test_what_is_not_wanted_makes_no_task() -> None:
    found = by_name(spec("Python", SEARCH, BASKET, extra="## Constraints\n\n- No REST API, no command line\n"))
    assert not [name for name in found if name.startswith("Wire")]


def test_a_word_in_one_feature_changes_no_task_of_another() -> None:
    text = spec("Python", SEARCH, BASKET)
    before = {t.id: t.files for t in plan(text).tasks}
    edited = text.replace(
        "Goods are found by name", "Goods are found by name on the command line, stored in a database"
    )
    assert {t.id: t.files for t in plan(edited).tasks} == before


def test_two_features_that_claim_one_file_are_an_error_with_both_lines() -> None:
    clash = spec("Python", "- Load\n  - Written in `shop/io.py`", "- Save\n  - Written in `shop/io.py`")
    with pytest.raises(InputError) as raised:
        plan(clash)
    assert "load.implement-load (line 11)" in raised.value.diagnostics[0].message
    passing = spec("Python", "- Load\n  - It uses `shop/io.py`", "- Save\n  - Written in `shop/io.py`")
    assert by_name(passing)["Implement Save"].targets == ("shop/io.py",)


def test_wiring_is_a_task_of_its_own_that_needs_the_parts() -> None:
    found = by_name(spec("Python, a REST API with a command line", SEARCH, BASKET))
    parts = {"search.implement-search", "basket.implement-basket"}
    for name in ("Wire the application", "Wire the command line"):
        assert found[name].feature == "project" and {n.task for n in found[name].needs} == parts
    library = by_name("# Shop\n\nA Python library.\n\n## Features\n\n" + f"{SEARCH}\n{BASKET}\n")
    assert {n.task for n in library["Wire the public interface"].needs} == parts


def test_packaging_and_delivery_come_where_the_specification_wants_them() -> None:
    found = by_name(spec("Python, published on PyPI, GitHub Actions", SEARCH))
    assert found["Add packaging"].targets == ("pyproject.toml",)
    assert found["Add continuous integration"].targets == (".github/workflows/ci.yml",)
    assert not {"Add packaging", "Add continuous integration"} & set(by_name(spec("Python", SEARCH)))


def test_a_data_model_is_made_once_and_the_features_need_it() -> None:
    found = by_name(spec("Python", SEARCH, BASKET, extra="## Data Model\n\n- Good: id, name, price\n"))
    model = found["Define the data model"]
    assert "- Good: id, name, price" in [cover.text for cover in model.covers]
    assert [n.task for n in found["Implement Search"].needs] == [model.id]


def test_the_account_pack_applies_once_and_only_where_it_is_asked_for() -> None:
    auth = "- User login\n  - JWT tokens\n  - Password reset\n  - 2FA"
    made = plan(spec("Python", auth, "- Admin login\n  - Admins log in"))
    assert len([t for t in made.tasks if t.name == "Create User model"]) == 1
    assert [t.name for t in made.tasks if t.feature == "admin-login"] == ["Implement Admin login"]
    assert "Create User model" not in by_name(spec("Python", "- Login history\n  - Times are listed"))
    assert "Create User model" not in by_name(spec("Go, golang", auth))


@pytest.mark.parametrize("goal", ["Test coverage ≥ 97 %", "97% coverage"])
def test_a_coverage_goal_of_the_document_reaches_every_task(goal: str) -> None:
    made = plan(spec("Python", SEARCH, extra=f"## Quality\n\n- {goal}\n"))
    assert {task.coverage for task in made.tasks} == {97}


def test_numbers_of_non_functional_sections_are_accepted_by_some_task() -> None:
    made = plan(spec("Python", SEARCH, BASKET, extra="## Performance\n\n- p95 < 200 ms\n"))
    assert [t.name for t in made.tasks if "p95 < 200 ms" in [a.text for a in t.acceptance]] == [
        "Write integration tests"
    ]


# --- parting ------------------------------------------------------------------------------------------------------


def many(count: int, *, extra: str = "") -> str:
    rows = [f"  - Thing {n} is done in its own way, number {n * 7919}" for n in range(count)]
    return spec("Python", "\n".join(["- Big", *rows, *([extra] if extra else [])]))


def test_a_large_feature_is_parted_and_every_requirement_is_in_one_part() -> None:
    made = plan(many(40))
    parts = [task for task in made.tasks if task.rule == "general/requirement"]
    taken = [name for task in parts for name in task.requirements]
    assert len(parts) > 2 and len(taken) == len(set(taken)) == 40
    assert all(len(task.requirements) <= 12 and task.minutes in (60, 90, 120) for task in parts)
    assert len([t for t in plan(many(10)).tasks if t.rule == "general/requirement"]) == 1


def test_a_new_requirement_changes_the_part_that_it_falls_into_and_no_other() -> None:
    before = {t.id: (t.files, t.requirements) for t in plan(many(40)).tasks if t.rule == "general/requirement"}
    text = many(40).replace("  - Thing 20 ", "  - Something new\n  - Thing 20 ")
    after = {t.id: (t.files, t.requirements) for t in plan(text).tasks if t.rule == "general/requirement"}
    changed = [name for name in before if after.get(name) != before[name]]
    assert len(changed) <= 2 and len(before) > 3


LETTERS = "abcdefghijklmnopqrstuvwxyzäöü中文字 "
WORDS = st.text(LETTERS, min_size=3, max_size=24).map(str.strip).filter(lambda text: len(text) > 2)
FEATURES = st.dictionaries(WORDS, st.lists(WORDS, min_size=1, max_size=16, unique=True), min_size=1, max_size=5)


@settings(max_examples=30, deadline=None)
@given(FEATURES)
def test_any_specification_gives_a_valid_plan_that_covers_it_and_edits_leave_the_rest_alone(
    features: dict[str, list[str]],
) -> None:
    def text(rows: dict[str, list[str]]) -> str:
        body = "".join(f"- {name}\n" + "".join(f"  - {r}\n" for r in texts) for name, texts in rows.items())
        return f"# T\n\n## Features\n\n{body}"

    made = plan(text(features))
    again = plan(text(features))
    assert codec.plan_to_json(made) == codec.plan_to_json(again)
    wanted = {f"{f.id}/{r.id}" for f in made.spec.features for r in f.requirements}
    assert {name for task in made.tasks for name in task.requirements} == wanted
    other = plan(text({**features, "zz entirely another": ["zz something else"]}))
    mine = {t.id: t.files for t in made.tasks if t.rule == "general/requirement"}
    theirs = {t.id: t.files for t in other.tasks if t.rule == "general/requirement"}
    assert all(theirs.get(name) == files for name, files in mine.items())


# --- data files ---------------------------------------------------------------------------------------------------


def test_a_bad_toolchain_is_an_error_with_its_place() -> None:
    good = next(source for source in RULES if source.path.endswith("toolchains/go.yaml"))
    with pytest.raises(InputError, match="source"):
        toolchains.load([Source(good.path, good.text.replace("source:", "sauce:"))])
    replaced = toolchains.load([good, Source("mine", good.text.replace("internal/", "pkg/"))])
    assert len(replaced) == 1 and replaced[0].source.startswith("pkg/")


def test_the_rules_that_ship_state_what_a_task_needs() -> None:
    packs = rules.load([source for source in RULES if "/toolchains/" not in source.path])
    domains = {rule.domain for pack in packs for rule in pack.rules}
    assert domains >= {"database", "backend", "frontend", "infrastructure", "testing", "documentation"}
    assert {pack.name for pack in packs} >= {"auth", "data", "service", "cli", "library", "web", "integrations"}
    assert all(rule.minutes in (60, 90, 120) and rule.targets for pack in packs for rule in pack.rules)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Product Requirements Document: Smart Hub", "smart_hub"),
        ("Shop — Project Specification", "shop"),
        ("Feature Specification: User Accounts (v2)", "user_accounts"),
        ("Requirements Document", "app"),
        ("Class", "class_"),
    ],
)
def test_the_package_is_named_after_the_product(title: str, name: str) -> None:
    made = plan(f"# {title}\n\n## Features\n\n{SEARCH}\n")
    assert made.tasks[0].targets[0].split("/")[0] == name
    assert layout.camel("user_profile") == "UserProfile"
