"""What the looking commands print, edits as replies, and errors without a traceback."""

from __future__ import annotations

import json
from pathlib import Path

from model_server import ModelServer, declared, nonce
from sandbox import FILES, Sandbox


def test_a_task_is_shown_with_all_that_it_rests_on(box: Sandbox) -> None:
    box.br("build")
    shown = box.br("task", "show", "doubling").out
    for text in (
        "state        built",
        "made by      rule calc/doubling",
        "needs        arithmetic.add-adding (uses add)",
        "defines      double in calc/doubling.py",
        "covers       line 9: Arithmetic",
        "covers       line 11: Doubling a number",
        "acceptance   Doubling a number (line 11)",
        "evidence     tests: passed python -m coverage run",
        "left out: nothing",
    ):
        assert text in shown, shown
    sent = box.br("prompt", "show", "doubling", "--alone").out
    assert "contracts to define, exactly:" in sent and "def add(a: int, b: int) -> int" in sent


def test_tasks_are_listed_in_order_of_execution(box: Sandbox) -> None:
    listed = box.br("task", "list").out.splitlines()
    assert [line.split()[-1] for line in listed[1:]] == [
        "arithmetic.add-adding",
        "arithmetic.add-doubling",
        "reports.add-rendering",
    ]
    rows = json.loads(box.br("task", "list", "--json").out)
    assert rows[0] == {
        "position": 1,
        "batch": 1,
        "priority": "medium",
        "minutes": 60,
        "state": "not built",
        "domain": "backend",
        "feature": "arithmetic",
        "id": "arithmetic.add-adding",
        "name": "Add adding",
    }


def test_the_list_of_tasks_is_filtered_and_sorted(box: Sandbox) -> None:
    def ids(*words: str) -> list[str]:
        return [row["id"] for row in json.loads(box.br("task", "list", "--json", *words).out)]

    assert box.br("build", "arithmetic").code == 0
    assert ids("--state", "built") == ["arithmetic.add-adding", "arithmetic.add-doubling"]
    assert ids("--state", "not built", "--state", "failed") == ["reports.add-rendering"]
    assert ids("reports") == ["reports.add-rendering"] and ids("--domain", "database") == []
    assert ids("--sort", "name") == ["arithmetic.add-adding", "arithmetic.add-doubling", "reports.add-rendering"]
    assert box.br("task", "list", "--state", "nowhere").code == 3


def test_a_specification_is_checked_for_people_and_for_machines(box: Sandbox) -> None:
    good = box.br("spec", "check")
    assert good.code == 0 and "arithmetic: Arithmetic (lines 9–11; 2 requirements, 0 criteria)" in good.out
    found = json.loads(box.br("spec", "check", "--format", "json").out)
    assert (found["status"], found["features"][1]["requirements"][0]["line"]) == ("read", 13)
    box.edit("PROJECT_SPEC.md", "needs=arithmetic", "needs=nothing")
    bad = box.br("spec", "check", "--format", "json")
    assert bad.code == 3 and json.loads(bad.out)["diagnostics"][0]["rule"] == "unknown-reference"
    assert "^^^" in box.br("spec", "check").out
    box.write("other.md", "no features here\n")
    nothing = box.br("spec", "check", "other.md")
    assert nothing.code == 3 and "there is nothing to build here: it says no more than 3 words" in nothing.out
    explained = box.br("spec", "analyze", "--explain")
    assert explained.code == 3


def test_the_rule_of_each_task_is_told(box: Sandbox) -> None:
    out = box.br("spec", "analyze", "--explain").out
    assert "rule calc/adding; lines 9, 10, 3; calc/adding.py, tests/test_adding.py" in out


def test_a_repair_may_come_as_edits(box: Sandbox, model: ModelServer) -> None:
    def answer(prompt: str, server: ModelServer) -> str | None:
        if len(server.prompts) == 1:
            server.files["calc/adding.py"] = FILES["calc/adding.py"].replace("a + b", "a - b")
            return None
        if "did not pass" not in prompt:
            return None
        mark = nonce(prompt)
        return (
            f'<<<BR-{mark} EDIT path="calc/adding.py">>>\n<<<BR-{mark} SEARCH>>>\n    return a - b\n'
            f"<<<BR-{mark} REPLACE>>>\n    return a + b\n<<<BR-{mark} END>>>\n"
            f"<<<BR-{mark} MANIFEST count=1>>>\ncalc/adding.py\n<<<BR-{mark} DONE>>>\n"
        )

    model.answer = answer
    built = box.br("build")
    assert built.code == 0, built.out
    assert box.read("calc/adding.py") == FILES["calc/adding.py"] and "1 of them a repair" in built.out
    assert declared(model.prompts[1]) == ["calc/adding.py", "tests/test_adding.py"]


def test_an_edit_that_does_not_match_is_a_finding(box: Sandbox, model: ModelServer) -> None:
    def answer(prompt: str, server: ModelServer) -> str:
        mark = nonce(prompt)
        return (
            f'<<<BR-{mark} EDIT path="calc/adding.py">>>\n<<<BR-{mark} SEARCH>>>\nnothing\n<<<BR-{mark} REPLACE>>>\nx\n'
            f"<<<BR-{mark} END>>>\n<<<BR-{mark} MANIFEST count=1>>>\ncalc/adding.py\n<<<BR-{mark} DONE>>>\n"
        )

    model.answer = answer
    box.write("br.toml", "[build]\nattempts = 1\n")
    failed = box.br("build", "adding")
    assert failed.code == 1 and "edits a file that does not exist" in failed.out and box.tree() == {}


def test_cleaning_says_what_it_would_do(box: Sandbox) -> None:
    assert box.br("clean").code == 3
    assert "nothing to remove" in box.br("clean", "--outputs").out
    box.br("build")
    assert box.br("clean", "adding", "-n").out.count("would remove") == 2
    assert "would remove .br/" in box.br("clean", "--state", "-n").out
    assert "removed .br/" in box.br("clean", "--state").out and not (box.root / ".br").exists()
    assert "up to date" in box.br("build").out


def test_the_result_may_be_built_elsewhere(box: Sandbox, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert box.br("--out", str(out), "build").code == 0
    assert (out / "calc/adding.py").is_file() and (out / "br.lock").is_file()
    assert not (box.root / "br.lock").exists() and not (box.root / ".br").exists()


def test_a_users_mistake_is_never_a_traceback(box: Sandbox, tmp_path: Path) -> None:
    cases: list[tuple[tuple[str, ...], int, str]] = [
        (("-C", str(tmp_path / "nowhere"), "build"), 3, "there is no specification"),
        (("build", "--spec", "missing.md"), 3, "there is no specification at missing.md"),
        (("build", "-j", "0"), 3, "Invalid value"),
        (("biuld",), 3, "Did you mean 'build'?"),
        (("task", "show", "arithmetic"), 3, "is 2 tasks"),
        (("task", "execute", "--manual", "adding", "--reply", "missing"), 3, "cannot read the reply"),
        (("why", "add"), 3, "ambiguous"),
    ]
    for arguments, code, message in cases:
        ended = box.br(*arguments)
        assert ended.code == code and message in ended.out, ended.out
        assert "Traceback" not in ended.out
    box.write("br.toml", "[build]\nmodell = 1\n")
    assert "did you mean 'model'?" in box.br("build").out
    (box.root / "br.toml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in box.br("build").out


def test_a_terminal_without_unicode_is_no_trouble(box: Sandbox) -> None:
    ended = box.br("build", "adding", env={"PYTHONIOENCODING": "ascii"})
    assert ended.code == 0 and "Adding added" in ended.out and "Traceback" not in ended.out
    assert "2 to do" in ended.out, "a batch is one prompt"


def test_a_project_overrides_templates_and_a_new_version_asks_again(box: Sandbox) -> None:
    box.br("build")
    from brengine import datafiles

    text = (datafiles.folder("prompts") / "task.j2").read_text(encoding="utf-8")
    box.write("prompts/task.j2", text.replace("Write these files.", "Please write these files."))
    assert "up to date" in box.br("build").out, "the wording is not in the Key"
    box.write("prompts/task.j2", text.replace("version: 1", "version: 2"))
    assert "ask changed: template" in box.br("why", "adding").out
    assert box.br("build").code == 0 and box.asked == 4
    box.write("prompts/task.j2", text.replace("{{ nonce }}", "{{ nonse }}"))
    broken = box.br("task", "show", "adding")
    assert broken.code == 3 and "unknown variable 'nonse'" in broken.out


def test_a_prompt_is_shown_as_it_would_be_sent(box: Sandbox) -> None:
    shown = box.br("prompt", "show", "doubling").out
    assert 'FILE path="calc/adding.py"' in shown and 'FILE path="calc/doubling.py"' in shown, "one ask for both"
    assert "task@" in shown and "left out: nothing" in shown
    assert box.br("build").code == 0
    assert box.model is not None and box.model.prompts[0].strip() in shown
    assert "is not to be asked for now" in box.br("prompt", "show", "doubling").out
