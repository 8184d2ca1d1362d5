"""Building through the real command line, doit, SDK (against a loopback model), pytest and coverage."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from model_server import ModelServer, declared, nonce, write_reply
from sandbox import FILES, Sandbox

from brengine import cli_project

TREE = {path: text.encode() for path, text in FILES.items()}
ADDING = ["calc/adding.py", "tests/test_adding.py", "calc/doubling.py", "tests/test_doubling.py"]


def test_a_build_makes_verified_files_and_a_second_one_asks_nothing(box: Sandbox) -> None:
    first = box.br("build")
    assert first.code == 0, first.out
    assert box.tree() == TREE
    for line in ("Batch 1: Core layer (2 tasks)", "✓ Adding added", "Batch 2: Top layer (1 task)", "completion  100 %"):
        assert line in first.out
    assert box.asked == 2 and "2 sent" in first.out
    second = box.br("build")
    assert (second.code, box.asked) == (0, 2)
    assert second.out == "Everything is up to date (3 tasks): nothing asked, nothing run.\n"


def test_promise_2_an_edited_bullet_asks_only_for_its_task_and_reverting_asks_nothing(box: Sandbox) -> None:
    box.br("build")
    box.edit("PROJECT_SPEC.md", "Doubling a number", "Doubling a number, negative ones too")
    why = box.br("why", "doubling")
    assert "ask changed: spec:arithmetic/doubling-a-number" in why.out
    assert "-Doubling a number" in why.out and "+Doubling a number, negative ones too" in why.out
    before = box.asked
    assert box.br("build").code == 0
    assert [declared(prompt) for prompt in box.model.prompts[before:]] == [
        ["calc/doubling.py", "tests/test_doubling.py"]
    ]
    box.edit("PROJECT_SPEC.md", ", negative ones too", "")
    reverted = box.br("build")
    assert (reverted.code, box.asked) == (0, before + 1) and "(restored)" in reverted.out


def test_inserting_a_feature_above_asks_for_nothing_that_was_there(box: Sandbox) -> None:
    """Promise 6: ids do not move, and line numbers are in no Key."""
    box.br("build")
    before = box.asked
    box.edit("PROJECT_SPEC.md", "# Calc\n", "# Calc\n\n## Overview\n\nA few words more.\n")
    assert box.br("build").code == 0 and box.asked == before


def test_a_deleted_target_comes_back_without_an_ask(box: Sandbox) -> None:
    box.br("build")
    (box.root / "calc/adding.py").unlink()
    assert "target missing: calc/adding.py" in box.br("why", "calc/adding.py").out
    assert box.br("build").code == 0
    assert box.tree() == TREE and box.asked == 2


def test_promise_4_an_edit_that_passes_is_adopted(box: Sandbox) -> None:
    box.br("build")
    box.write("calc/adding.py", "def add(a: int, b: int) -> int:\n    return b + a\n")
    adopted = box.br("build")
    assert adopted.code == 0 and "your edit is adopted" in adopted.out
    assert "b + a" in box.read("calc/adding.py") and box.asked == 2
    assert "up to date" in box.br("build").out
    assert "adopted" in box.br("task", "list").out


def test_promise_4_an_edit_that_fails_is_reported_and_kept_and_retry_shows_it_to_the_model(box: Sandbox) -> None:
    box.br("build")
    box.write("calc/adding.py", "def add(a: int, b: int) -> int:\n    return a - b\n")
    failed = box.br("build")
    assert failed.code == 1 and box.asked == 2
    assert "test_add" in failed.out and "your file is kept as it is" in failed.out
    assert "a - b" in box.read("calc/adding.py")
    retried = box.br("retry", "adding")
    assert retried.code == 0, retried.out
    assert "return a - b" in box.model.prompts[2] and box.tree() == TREE


def test_a_part_is_built_with_what_it_needs_by_an_abbreviation(box: Sandbox) -> None:
    built = box.br("build", "feature:arith")
    assert built.code == 0 and "feature:arith is feature:arithmetic" in built.out
    assert sorted(box.tree()) == sorted(ADDING)
    rest = box.br("build", "calc/rendering.py")
    assert rest.code == 0 and box.tree() == TREE and box.asked == 2


def corrupt(change: str, prompt: str) -> str:
    """A reply that is wrong in one way."""
    files, mark = {path: FILES[path] for path in declared(prompt)}, nonce(prompt)
    if change == "undeclared":
        files["calc/extra.py"] = "x = 1\n"
    elif change == "outside":
        files["../outside.py"] = "x = 1\n"
    elif change == "missing":
        files.pop("tests/test_adding.py", None)
    elif change == "no tests":
        files = {p: ("import calc.adding\n" if "test_" in p else text) for p, text in files.items()}
    elif change == "red":
        files = {path: text.replace("return a + b", "return a") for path, text in files.items()}
    elif change == "contract":
        files = {path: text.replace("def add(a: int, b: int)", "def add(a: int)") for path, text in files.items()}
    elif change == "exits":
        files = {p: ("import os\nos._exit(0)\n" if "test_" in p else text) for p, text in files.items()}
    elif change == "uncovered":
        files = {
            p: t + ("\n\ndef more(x):\n    if x:\n        return 1\n    return 2\n" * ("test_" not in p))
            for p, t in files.items()
        }
    text = write_reply(files, mark)
    return text[: len(text) // 2] if change == "truncated" else text


BAD = ["undeclared", "outside", "missing", "no tests", "red", "contract", "exits", "uncovered", "truncated"]


@pytest.mark.parametrize("change", BAD)
def test_promise_1_a_bad_reply_never_reaches_the_tree(box: Sandbox, model: ModelServer, change: str) -> None:
    box.write("br.toml", "[build]\nattempts = 2\n")
    model.answer = lambda prompt, server: corrupt(change, prompt)
    failed = box.br("build", "task:add-adding")
    assert failed.code == 1, failed.out
    assert box.tree() == {} and not (box.root.parent / "outside.py").exists()
    assert "✗ Add adding" in failed.out and "not accepted" in failed.out
    assert "0 built" in failed.out or "0 of" in failed.out
    asked = box.asked
    again = box.br("build", "task:add-adding")
    assert again.code == 1 and box.asked == asked, "stored replies are judged again, never paid for again"
    assert "arithmetic.add-adding: never built" in box.br("status").out


def test_findings_go_back_and_the_repair_is_taken(box: Sandbox, model: ModelServer) -> None:
    model.answer = lambda prompt, server: corrupt("red", prompt) if len(server.prompts) == 1 else None
    built = box.br("build")
    assert built.code == 0, built.out
    assert "attempt 1 of 3 was not accepted" in built.out and box.tree() == TREE
    repair = model.prompts[1]
    assert "test_add" in repair and "return a\n" in repair and "attempt 2 of 3" in repair
    assert declared(repair) == ADDING[:2], "repair is per task, never per batch"


def test_good_members_of_a_failed_batch_are_promoted(box: Sandbox, model: ModelServer) -> None:
    files = {**FILES, "calc/doubling.py": "def double(a: int) -> int:\n    return 0\n"}
    model.answer = lambda prompt, server: write_reply({p: files[p] for p in declared(prompt)}, nonce(prompt))
    failed = box.br("build", "-k")
    assert failed.code == 1, failed.out
    assert sorted(box.tree()) == ADDING[:2], "what needs no failed task is built"
    assert box.asked == 2 + 2, "one ask for each batch, and two repairs of the failed member"
    assert "- Add rendering" in failed.out or "1 skipped" in failed.out
    assert "br retry arithmetic.add-doubling" in failed.out


def test_dependents_of_a_failed_task_are_skipped(box: Sandbox, model: ModelServer) -> None:
    model.answer = lambda prompt, server: corrupt("red", prompt)
    failed = box.br("build")
    assert failed.code == 1 and "- Add doubling" in failed.out and "needs arithmetic.add-adding" in failed.out


@pytest.mark.parametrize("keep_going", [False, True])
def test_the_rest_is_built_with_keep_going_and_only_then(box: Sandbox, model: ModelServer, keep_going: bool) -> None:
    box.edit("PROJECT_SPEC.md", "{needs=arithmetic}", "{priority=low}")
    model.files["calc/rendering.py"] = "def render(a: int, b: int) -> str:\n    return f'{a} + {b} = {a + b}'\n"
    model.answer = lambda prompt, server: corrupt("red", prompt) if "adding.py" in prompt else None
    ended = box.br("build", *(["-k"] if keep_going else []))
    assert ended.code == 1 and ("calc/rendering.py" in box.tree()) is keep_going, ended.out
    assert ("1 built" in ended.out) is keep_going


def test_a_raised_goal_is_verified_before_anything_is_asked(box: Sandbox) -> None:
    box.br("build")
    box.write("br.toml", "[gates]\ncoverage = 100\n")
    assert "gate changed" in box.br("why", "adding").out
    raised = box.br("build")
    assert (raised.code, box.asked) == (0, 2) and raised.out.count("(verified)") == 3


def test_a_requirement_that_leaves_keeps_its_files_until_they_are_cleaned(box: Sandbox) -> None:
    box.br("build")
    box.edit("PROJECT_SPEC.md", "- Reports {needs=arithmetic}\n  - Rendering a sum as text\n", "")
    left = box.br("build")
    assert left.code == 0 and box.asked == 2, left.out
    assert "reports.add-rendering left the plan" in left.out
    assert "✓ The whole project: 2 tests passed" in left.out, "the survivors are verified again"
    assert "calc/rendering.py" in box.tree() and "left the plan: reports.add-rendering" in box.br("status").out
    box.write("tests/test_rendering.py", "# mine now\n")
    assert "would remove calc/rendering.py" in box.br("clean", "--orphans", "-n").out
    cleaned = box.br("clean", "--orphans")
    assert "removed calc/rendering.py" in cleaned.out and "kept tests/test_rendering.py (edited" in cleaned.out
    assert "calc/rendering.py" not in box.tree() and "tests/test_rendering.py" in box.tree()


def test_cleaned_outputs_are_restored_without_an_ask(box: Sandbox) -> None:
    box.br("build")
    cleaned = box.br("clean", "--outputs")
    assert cleaned.out.count("removed ") == 6 and box.tree() == {}
    assert box.br("build").code == 0 and box.tree() == TREE and box.asked == 2


def test_a_lost_state_folder_is_no_reason_to_ask_where_lock_and_files_agree(box: Sandbox) -> None:
    import shutil

    box.br("build")
    shutil.rmtree(box.root / ".br")
    again = box.br("build")
    assert (again.code, box.asked) == (0, 2) and "up to date" in again.out


def test_a_lost_lock_is_verified_again_from_the_cache(box: Sandbox) -> None:
    box.br("build")
    (box.root / "br.lock").write_text("garbage")
    again = box.br("build")
    assert (again.code, box.asked) == (0, 2), again.out
    assert "cannot be read" in again.out and "up to date" in box.br("build").out


def test_two_builds_at_once_are_one_writer(box: Sandbox, model: ModelServer) -> None:
    model.delay = 3
    first = box.start("build")
    wait_for(lambda: bool(model.prompts))
    second = box.br("build")
    assert second.code == 2 and "another build is running here: process" in second.out and "br build" in second.out
    assert "not built" in box.br("status").out or box.br("status").code == 0, "readers never block"
    first.communicate(timeout=60)
    assert first.returncode == 0 and box.tree() == TREE and box.asked == 2


@pytest.mark.parametrize(("module", "arguments"), [("brengine", ["build"]), ("doit", []), ("doit", ["-n", "2"])])
def test_ctrl_c_leaves_a_state_that_resumes(
    box: Sandbox, model: ModelServer, module: str, arguments: list[str]
) -> None:
    box.write("dodo.py", cli_project.DODO)
    model.delay = 2
    running = box.start(*arguments, module=module)
    wait_for(lambda: len(model.prompts) == 2)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=30)
    assert running.returncode == 130 and "Interrupted" in out and "Traceback" not in out
    model.delay = 0
    resumed = box.br("build")
    assert resumed.code == 0 and box.tree() == TREE and box.asked <= 4
    assert "possibly paid, not received" in resumed.out


def test_without_a_key_one_line_says_so_before_anything_is_done(tmp_path: Path) -> None:
    bare = Sandbox(tmp_path / "bare")
    ended = bare.br("build")
    assert ended.code == 2
    remedy = "export it, or answer the prompts yourself with --backend manual"
    assert ended.out == f"error: ANTHROPIC_API_KEY is not set: {remedy}\n"
    assert not (bare.root / ".br").exists()


def test_a_dry_run_tells_what_and_why_and_writes_nothing(box: Sandbox) -> None:
    before = sorted(box.root.rglob("*"))
    for command in (("build", "-n"), ("plan",), ("status",), ("task", "list"), ("why", "adding"), ("spec", "analyze")):
        assert box.br(*command).code == 0
    shown = box.br("plan").out
    assert "Batch 1: Core layer (2 tasks)" in shown and "never built" in shown and "  asks           2, 8 with" in shown
    assert sorted(box.root.rglob("*")) == before and box.asked == 0


def test_a_file_edited_while_it_is_asked_for_is_a_clash_and_both_are_kept(box: Sandbox, model: ModelServer) -> None:
    def answer(prompt: str, server: ModelServer) -> None:
        box.write("calc/adding.py", "# a person was faster\n")

    model.answer = answer
    ended = box.br("build", "task:add-adding")
    assert ended.code == 1 and "both versions are kept" in ended.out
    assert box.read("calc/adding.py") == "# a person was faster\n"
    assert "return a + b" in box.read(".br/clashes/arithmetic.add-adding/calc/adding.py")


def test_an_endpoint_that_refuses_is_an_error_of_the_engine(box: Sandbox, model: ModelServer) -> None:
    model.faults = ["401"]
    ended = box.br("build")
    assert ended.code == 2 and "check ANTHROPIC_API_KEY" in ended.out, ended.out
    assert "2 errored, 1 skipped" in ended.out and box.tree() == {}
    assert box.br("build").code == 0 and box.tree() == TREE


def test_no_key_is_written_anywhere(box: Sandbox) -> None:
    built = box.br("build")
    everything = b"".join(p.read_bytes() for p in box.root.rglob("*") if p.is_file()) + built.out.encode()
    assert b"sk-test-key" not in everything


def test_unfinished_input_is_refused_with_its_place(box: Sandbox) -> None:
    box.edit("PROJECT_SPEC.md", "needs=arithmetic", "needs=aritmetic")
    ended = box.br("build")
    assert ended.code == 3 and "PROJECT_SPEC.md:" in ended.out and "did you mean 'arithmetic'?" in ended.out
    assert box.br("build", "nonsense").code == 3 and box.br("frobnicate").code == 3
    assert "Traceback" not in ended.out


def test_without_contracts_an_ask_waits_for_the_interfaces_of_its_needs(box: Sandbox, model: ModelServer) -> None:
    """And a change in a body alone asks for no dependent: it is verified again."""
    text = box.read("rules/calc.yaml")
    box.write(
        "rules/calc.yaml", text.replace('defines: [{name: add, text: "def add(a: int, b: int) -> int"}]', "reads: []")
    )
    box.edit("rules/calc.yaml", "{rule: adding, uses: [add]}", "{rule: adding}")
    built = box.br("build", "-j", "4")
    assert built.code == 0, built.out
    assert box.tree() == TREE and box.asked == 3, "a batch each: the second waits for the first"
    assert "def add(a: int, b: int) -> int" in model.prompts[1] + model.prompts[2]
    box.write("calc/adding.py", "def add(a: int, b: int) -> int:\n    return b + a\n")
    again = box.br("build")
    assert again.code == 0 and box.asked == 3 and "adopted" in again.out, again.out
    box.write("calc/adding.py", "def add(a: int, b: int, c: int = 0) -> int:\n    return a + b + c\n")
    assert box.br("build").code == 0 and box.asked == 5, "both dependents see another interface"


def test_promise_4_a_file_that_was_there_is_part_of_the_ask_or_nothing_is_asked(
    box: Sandbox, model: ModelServer
) -> None:
    box.write("calc/adding.py", "# what was here before\n")
    assert box.br("build", "adding").code == 0
    assert "# what was here before" in model.prompts[0] and box.read("calc/adding.py") == FILES["calc/adding.py"]
    box.write("calc/rendering.py", "x = 1  # mine\n" * 3000)
    refused = box.br("build")
    assert refused.code == 3 and "the limit is 4,000" in refused.out and "Traceback" not in refused.out
    assert box.read("calc/rendering.py").startswith("x = 1  # mine")


def test_a_storm_is_waited_out_and_cut_and_truncated_replies_are_asked_again(box: Sandbox, model: ModelServer) -> None:
    model.faults = ["529", "429", "cut", "max_tokens"]
    built = box.br("build")
    assert built.code == 0, built.out
    assert box.tree() == TREE
    assert "the reply ended with 'max_tokens'" in built.out and "attempt 1 of 3 was not accepted" in built.out
    whole, cut = "calc/adding.py", "calc/doubling.py"
    assert whole in model.prompts[3] and cut in model.prompts[3], "two tasks were asked for together"
    assert f'FILE path="{cut}"' in model.prompts[4] and f'FILE path="{whole}"' not in model.prompts[4]
    assert model.longest == [32000] * 4 + [64000, 32000], "who came whole is not asked again; the other may write more"
    assert box.asked == 6, "four faults, one repair of the truncated batch, one more batch"
    assert "tokens      551" in built.out, "three replies of 150, and the 101 that the cut one cost"


def test_a_red_test_of_the_whole_project_makes_its_owner_not_done(box: Sandbox, model: ModelServer) -> None:
    alone = "\n\ndef test_alone():\n    import importlib.util as u\n\n    assert not u.find_spec('calc.rendering')\n"
    model.files["tests/test_adding.py"] = FILES["tests/test_adding.py"] + alone
    ended = box.br("build")
    assert ended.code == 1 and "The tests of the whole project are red" in ended.out, ended.out
    assert "1 failed" in box.br("status").out and "evidence failed: whole-project run" in box.br("why", "adding").out
    again = box.br("build")
    assert again.code == 1 and box.asked == 2, "it is verified again, and is not called up to date"
    model.files["tests/test_adding.py"] = FILES["tests/test_adding.py"]
    mended = box.br("retry", "adding")
    assert mended.code == 0, mended.out
    assert "whole-project run: [tests] tests/test_adding.py: test_alone" in model.prompts[2] and box.tree() == TREE


def wait_for(condition: object, seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
