"""Checks of a project's own: commands whose complaints are findings like any other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from builders import task
from hypothesis import given
from hypothesis import strategies as st
from model_server import ModelServer
from sandbox import FILES, Sandbox
from test_checks import check, said

from brengine.checks import custom
from brengine.ports import CommandResult
from brengine.verdict import CustomCheck

CODE = "import os\n\n\ndef f(a, b=1):\n    return b if a else 0\n"
TESTS = "from pkg.a import f\n\n\ndef test_f():\n    assert f(1) == 1\n    assert f(0) == 0\n"
A = task("a", targets=("pkg/a.py",), tests=("tests/test_a.py",))
RUFF = (sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache")
LINT = CustomCheck("lint", (*RUFF, "--output-format=concise", "{files}"))


def judged(tmp_path: Path, *wanted: CustomCheck, code: str = CODE):  # type: ignore[no-untyped-def]
    return check(tmp_path, A, {"pkg/a.py": code, "tests/test_a.py": TESTS}, checks=wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["lines", "sarif", "junit"])
def test_what_a_linter_says_is_a_finding_with_its_place(tmp_path: Path, form: str) -> None:
    output = {"lines": "concise", "sarif": "sarif", "junit": "junit"}[form]
    wanted = CustomCheck("lint", (*RUFF, f"--output-format={output}", "{files}"), format=form)  # type: ignore[arg-type]
    verdict = judged(tmp_path, wanted)
    (finding,) = verdict.findings
    assert (finding.check, finding.line) == ("lint", 1) and "os" in finding.message, said(verdict)
    assert finding.path == "pkg/a.py" and not verdict.passed


def test_code_without_complaints_passes_and_it_is_recorded(tmp_path: Path) -> None:
    verdict = judged(tmp_path, LINT, code=CODE.replace("import os\n\n\n", ""))
    assert verdict.passed and {"lint"} <= {e.check for e in verdict.evidence}, said(verdict)


def test_a_type_checker_works_as_well(tmp_path: Path) -> None:
    wanted = CustomCheck("types", (sys.executable, "-m", "mypy", "--no-incremental", "{files}"), files=("pkg/*.py",))
    wrong = "def f(a: int, b: int = 1) -> int:\n    return 'x' if a > 5 else b if a else 0\n"
    verdict = judged(tmp_path, wanted, code=wrong)
    assert "Incompatible return value" in said(verdict) or "return-value" in said(verdict), said(verdict)


def test_a_tool_that_is_not_there_is_never_a_pass(tmp_path: Path) -> None:
    verdict = judged(tmp_path, CustomCheck("lint", ("no-such-program-here", "{files}")))
    assert not verdict.passed and "lint could not be run" in verdict.errored


def test_a_failure_without_a_place_is_a_finding(tmp_path: Path) -> None:
    verdict = judged(tmp_path, CustomCheck("own", (sys.executable, "-c", "import sys; print('no'); sys.exit(3)")))
    assert "[own] it ended with 3: no" in said(verdict)


def test_other_kinds_and_files_are_not_meant(tmp_path: Path) -> None:
    verdict = judged(
        tmp_path, CustomCheck("lint", LINT.command, files=("*.ts",)), CustomCheck("d", ("x",), kinds=("data",))
    )
    assert [e.status for e in verdict.evidence if e.check in ("lint", "d")] == ["not applicable"] * 2 and verdict.passed


@given(st.text(max_size=300), st.sampled_from(["lines", "sarif", "junit"]))
def test_odd_output_says_nothing_and_breaks_nothing(text: str, form: str) -> None:
    wanted = CustomCheck("x", ("x",), format=form)  # type: ignore[arg-type]
    for finding in custom.complaints(wanted, CommandResult(("x",), 1, text, "", 0.1), "/root"):
        assert finding.line >= 0 and len(finding.message) <= 600


def test_a_project_names_its_checks_in_br_toml(box: Sandbox, model: ModelServer) -> None:
    command = json.dumps([*RUFF, "--output-format=concise", "{files}"])
    box.write("br.toml", f"[checks.lint]\ncommand = {command}\n")
    model.files["calc/adding.py"] = f"import os\n\n\n{FILES['calc/adding.py']}"
    model.answer = lambda asked, server: (server.files.update(FILES), None)[1] if "This is attempt 2" in asked else None
    built = box.br("build", "adding")
    assert built.code == 0 and "[lint] calc/adding.py:1: F401" in built.out, built.out
    assert "lint" in json.loads(box.read("br.lock"))["tasks"]["arithmetic.add-adding"]["evidence"]
    box.write("br.toml", f"[checks.lint]\ncommand = {command}\nfile = ['*.py']\n")
    wrong = box.br("status")
    assert wrong.code == 3 and "did you mean 'files'?" in wrong.out, wrong.out
    box.write("br.toml", "")
    assert "gate changed" in box.br("why", "adding").out, (
        "another check is another gate: verified again, nobody is asked"
    )
