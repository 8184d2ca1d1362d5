"""Planning by asking, through the real command line and the real SDK against a loopback model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_server import ModelServer, declared, nonce, write_reply
from sandbox import FILES, Sandbox

PLAN = """\
plan: arithmetic
version: 1
tasks:
  - id: arithmetic.adding
    name: Add adding
    complexity: simple
    done: Adding added
    targets: [calc/adding.py]
    tests: [tests/test_adding.py]
    defines:
      - name: add
        text: "def add(a: int, b: int) -> int"
    covers: 9-10
  - id: arithmetic.doubling
    name: Add doubling
    complexity: simple
    done: Doubling added
    targets: [calc/doubling.py]
    tests: [tests/test_doubling.py]
    needs: [{task: arithmetic.adding, uses: [add]}]
    defines:
      - name: double
        text: "def double(a: int) -> int"
    covers: 11
"""

REPORTS = """\
plan: reports
version: 1
tasks:
  - id: reports.rendering
    name: Add rendering
    complexity: simple
    done: Rendering added
    targets: [calc/rendering.py]
    tests: [tests/test_rendering.py]
    defines:
      - name: render
        text: "def render(a: int, b: int) -> str"
    covers: 12-13
"""

PROJECT = """\
plan: project
version: 1
rulings:
  - id: text-form
    mark: invented
    confirm: true
    text: "A sum is rendered as `1 + 2 = 3`."
    lines: 13
  - id: runtime
    text: "Standard library only."
    lines: 5
surface:
  - {name: calc.rendering.render, kind: function, form: "render(a, b)", task: reports.rendering}
"""

TEXTS = {"plan/project.yaml": PROJECT, "plan/arithmetic.yaml": PLAN, "plan/reports.yaml": REPORTS}


ALONE = 'def render(a: int, b: int) -> str:\n    return f"{a} + {b} = {a + b}"\n'
"""The module `rendering` where the plan gives it no need."""


class Planner:
    """Plays the architect from tables, and keeps what it was asked."""

    def __init__(self, first: dict[str, str]) -> None:
        self.first = first
        self.mended = TEXTS
        self.changes = ""
        self.asked: list[str] = []

    def __call__(self, prompt: str, server: ModelServer) -> str | None:
        if "Look for seams" in prompt:
            self.asked.append("review")
            return "END 0\n"
        if "plan/changes.yaml" in prompt:
            self.asked.append("changes")
            return write_reply({"plan/changes.yaml": self.changes}, nonce(prompt))
        if "This plan was not accepted" in prompt:
            self.asked.append("mend")
            return write_reply(self.mended, nonce(prompt))
        if "Write the whole plan" in prompt:
            self.asked.append("architecture")
            return write_reply(self.first, nonce(prompt))
        self.asked.append("task")
        return None


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer(FILES | {"calc/rendering.py": ALONE}) as server:
        yield server


def box_of(tmp_path: Path, model: ModelServer, planner: Planner) -> Sandbox:
    box = Sandbox(tmp_path / "calc", model)
    box.write("br.toml", '[plan]\nplanner = "model"\n')
    model.answer = planner
    return box


def test_a_plan_is_made_once_judged_and_mended_then_built(tmp_path: Path, model: ModelServer) -> None:
    bad = {**TEXTS, "plan/reports.yaml": REPORTS.replace("calc/rendering.py", "calc/adding.py")}
    planner = Planner(bad)
    box = box_of(tmp_path, model, planner)
    assert "a build asks the model for the plan first" in box.br("build", "-n").out and not planner.asked
    planned = box.br("plan")
    assert planned.code == 0, planned.out
    assert planner.asked == ["architecture", "mend", "review"]
    mend = next(prompt for prompt in model.prompts if "This plan was not accepted" in prompt)
    assert re.search(r"calc/adding.py is made by reports.rendering \(line 13\) and by arithmetic.adding", mend)
    for said in (
        "Surface: 1",
        "Rulings to confirm: 1",
        "text-form [invented] (lines 13)",
        "line   10  Adding two",
        "  asks           2, ",
    ):
        assert said in planned.out, planned.out
    assert re.search(r"^\s+10\| +- Adding two numbers$", box.read("plan/arithmetic.yaml"), re.MULTILINE)
    built = box.br("build")
    assert built.code == 0, built.out
    assert "3 of 3 done (3 built)" in built.out and "100 % (3 of 3 requirements verified)" in built.out
    assert planner.asked.count("architecture") == 1, "a plan is a product: it is not asked for again"
    task = next(prompt for prompt in model.prompts if "rendering.py" in prompt and "<task" in prompt)
    assert "A sum is rendered as `1 + 2 = 3`." in task and "Standard library only." in task
    again = box.br("build")
    assert "Everything is up to date" in again.out
    asked = box.asked
    assert box.br("plan", "--check").code == 0 and box.br("plan", "--rulings").code == 0
    assert "together in feature, domain and layer; one needs the other" in box.br("plan", "--batches").out
    assert "Lines: 4 of 4" in box.br("plan", "--ledger").out
    assert box.asked == asked


def test_an_edit_replans_and_asks_what_it_touches(tmp_path: Path, model: ModelServer) -> None:
    planner = Planner(TEXTS)
    box = box_of(tmp_path, model, planner)
    assert box.br("build").code == 0
    box.edit("PROJECT_SPEC.md", "## Features\n", "Some remark on nothing.\n\n## Features\n")
    planner.changes = "plan: changes\nversion: 1\n"
    built = box.br("build")
    assert built.code == 0 and "Everything is up to date" in built.out, built.out
    box.edit("PROJECT_SPEC.md", "Rendering a sum as text", "Rendering a sum as text, with spaces")
    planner.changes += 'rulings:\n  - {id: text-form, mark: chosen, text: "With spaces, as `1 + 2 = 3`.", lines: 15}\n'
    before = len(model.prompts)
    planner.asked.clear()
    built = box.br("build")
    assert built.code == 0 and planner.asked == ["changes", "task"], built.out
    small = model.prompts[before]
    assert "'- Rendering a sum as text' is now '- Rendering a sum as text, with spaces'" in small
    assert "reports.rendering" in small.split("<tasks>")[1] and "arithmetic.doubling" not in small.split("<tasks>")[1]
    assert "With spaces" in box.read("plan/project.yaml") and "with spaces" in box.read("plan/reports.yaml")
    assert "(1 built)" in built.out, built.out
    assert "Everything is up to date" in box.br("build").out


def test_an_author_who_lacks_a_contract_amends_the_plan(tmp_path: Path, model: ModelServer) -> None:
    planner = Planner(TEXTS)
    box = box_of(tmp_path, model, planner)

    def answer(prompt: str, server: ModelServer) -> str | None:
        if "calc/rendering.py" in declared(prompt) and "def add(" not in prompt:
            planner.asked.append("need")
            return write_reply({p: FILES[p] for p in declared(prompt)}, nonce(prompt), "NEED add: to compute the sum")
        return planner(prompt, server)

    model.answer = answer
    built = box.br("build")
    assert built.code == 0, built.out
    assert "its author asks, so the plan is amended first: NEED add" in built.out
    assert "reports.rendering needs add: its owner is known, nobody is asked" in built.out
    assert planner.asked.count("need") == 1 and "changes" not in planner.asked
    assert re.search(r"task: arithmetic.adding\n\s+uses: \[add\]", box.read("plan/reports.yaml"))
    assert "3 of 3 done" in built.out and "Everything is up to date" in box.br("build").out


def test_a_contradiction_becomes_a_ruling(tmp_path: Path, model: ModelServer) -> None:
    planner = Planner(TEXTS)
    planner.changes = (
        "plan: changes\nversion: 1\nrulings:\n  - {id: sums, mark: chosen, text: Sums are whole., lines: 10}\n"
    )
    box = box_of(tmp_path, model, planner)

    def answer(prompt: str, server: ModelServer) -> str | None:
        if "calc/adding.py" in declared(prompt) and "Sums are whole." not in prompt:
            files = {p: FILES[p] for p in declared(prompt)}
            return write_reply(files, nonce(prompt), "CONFLICT 10: whole numbers or not")
        return planner(prompt, server)

    model.answer = answer
    built = box.br("build")
    assert built.code == 0, built.out
    assert planner.asked.count("changes") == 1
    asked = next(prompt for prompt in model.prompts if "plan/changes.yaml" in prompt)
    assert "arithmetic.adding finds a contradiction on line 10: whole numbers or not" in asked
    assert "Sums are whole." in box.read("plan/project.yaml")


def test_doit_plans_when_it_runs_and_never_when_it_looks(tmp_path: Path, model: ModelServer) -> None:
    planner = Planner(TEXTS)
    box = box_of(tmp_path, model, planner)
    box.write("dodo.py", "from brengine.doit_bridge import load\nglobals().update(load(__file__.rsplit('/', 1)[0]))\n")
    assert box.doit("list").code == 0 and planner.asked == []
    ran = box.doit("-n", "2")
    assert ran.code == 0 and planner.asked == ["architecture", "review", "task", "task"], ran.out
    assert "-- batch:reports.rendering" in box.doit().out and len(planner.asked) == 4


def test_without_a_model_the_rules_plan(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "calc")
    box.write("br.toml", '[plan]\nplanner = "model"\n')
    planned = box.br("plan")
    assert planned.code == 0 and "note: nobody plans: ANTHROPIC_API_KEY is not set" in planned.out
    assert not (box.root / "plan").exists()


def test_a_plan_that_cannot_be_mended_falls_to_the_rules(tmp_path: Path, model: ModelServer) -> None:
    bad = {**TEXTS, "plan/reports.yaml": REPORTS.replace("calc/rendering.py", "calc/adding.py")}
    planner = Planner(bad)
    planner.mended = bad
    box = box_of(tmp_path, model, planner)
    planned = box.br("plan")
    assert planned.code == 0 and planner.asked == ["architecture", "mend", "mend", "review"]
    assert "Left to the rules, since it cannot be built as planned" in planned.out
    assert box.br("plan", "--check").code == 0


def test_a_killed_planning_asks_nothing_again(tmp_path: Path, model: ModelServer) -> None:
    planner = Planner(TEXTS)
    box = box_of(tmp_path, model, planner)
    assert box.br("plan").code == 0
    for path in (box.root / "plan").iterdir():
        path.unlink()
    asked = box.asked
    assert box.br("plan").code == 0 and box.asked == asked, "every answer was stored first"
    assert (box.root / "plan/project.yaml").exists()


def test_a_wrong_hand_edit_is_said_with_its_place(tmp_path: Path, model: ModelServer) -> None:
    planner = Planner(TEXTS)
    box = box_of(tmp_path, model, planner)
    assert box.br("plan").code == 0
    box.edit("plan/reports.yaml", "complexity: simple", "complexty: simple")
    for command in (["plan", "--check"], ["build"], ["status"]):
        told = box.br(*command)
        assert told.code == 3 and "did you mean 'complexity'?" in told.out, told.out
        assert re.search(r"unknown key 'complexty' \[plan\]\n +--> plan/reports.yaml:\d+:5", told.out), told.out


PARTS = """\
plan: arithmetic
version: 1
tasks:
  - id: arithmetic.adding
    name: Add adding
    complexity: simple
    targets: ["calc/numbers.py#10_adding"]
    tests: [tests/test_adding.py]
    defines:
      - name: add
        text: "def add(a: int, b: int) -> int"
    covers: 9-10
  - id: arithmetic.doubling
    name: Add doubling
    complexity: simple
    targets: ["calc/numbers.py#20_doubling"]
    tests: [tests/test_doubling.py]
    needs: [{task: arithmetic.adding, uses: [add]}]
    defines:
      - name: double
        text: "def double(a: int) -> int"
    covers: 11
"""


def test_one_file_of_two_tasks_is_put_together(tmp_path: Path, model: ModelServer) -> None:
    planner = Planner({**TEXTS, "plan/arithmetic.yaml": PARTS})
    box = box_of(tmp_path, model, planner)
    model.files |= {
        "calc/numbers.py#10_adding": '"""Numbers."""\n\nimport operator\n\n\ndef add(a: int, b: int) -> int:\n'
        "    return operator.add(a, b)\n",
        "calc/numbers.py#20_doubling": "import operator\n\nfrom calc.numbers import add\n\n\n"
        "def double(a: int) -> int:\n"
        "    return add(a, operator.pos(a))\n",
        "tests/test_adding.py": FILES["tests/test_adding.py"].replace("calc.adding", "calc.numbers"),
        "tests/test_doubling.py": FILES["tests/test_doubling.py"].replace("calc.doubling", "calc.numbers"),
    }
    built = box.br("build")
    assert built.code == 0, built.out
    assert "calc/numbers.py assembled" in built.out and "4 of 4 done" in built.out
    made = box.read("calc/numbers.py")
    assert made.startswith('"""Numbers."""\n\nimport operator\n\n\ndef add') and made.count("import") == 1
    assert made.index("def add") < made.index("def double")
    assert "Everything is up to date" in box.br("build").out
    asked = box.asked
    box.edit("calc/numbers.py#20_doubling", "operator.pos(a)", "a")
    again = box.br("build")
    assert again.code == 0 and box.asked == asked, again.out
    assert "return add(a, a)" in box.read("calc/numbers.py"), again.out
    box.edit("calc/numbers.py", "return add(a, a)", "return add(a, a) + 0")
    kept = box.br("build")
    assert "+ 0" in box.read("calc/numbers.py"), kept.out
