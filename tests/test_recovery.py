"""What happens when an answer is bad: findings by class, the code they are about, who is asked again and for what."""

from __future__ import annotations

import threading

import pytest
from builders import task
from hypothesis import given
from hypothesis import strategies as st
from model_server import ModelServer, declared, nonce, write_reply
from sandbox import FILES, Sandbox
from test_prompts import REPAIR, SYSTEM, request

from brengine import prompt, repairing, reply
from brengine.budget import Caps
from brengine.places import Places
from brengine.plans.replies import Question, questions
from brengine.prompt import Repair
from brengine.tokens import upper_bound
from brengine.verdict import Finding
from brengine.wiring import Project

CODE = b"def add(a, b):\n    if a:\n        return a - b\n    return b\n"
TEST = b"import pytest\n\n\n@pytest.mark.parametrize('a', [1])\ndef test_add(a):\n    assert add(a, 1) == 2\n"
FILES_OF_A = {"pkg/a.py": CODE, "tests/test_a.py": TEST}
RED = Finding(
    "tests", "test_add[1]: assert 0 == 2\ntests/test_a.py:6: in test_add\npkg/a.py:3: in add", "tests/test_a.py"
)
UNRUN = Finding("coverage", "lines 4 not run", "pkg/a.py", lines=(4,))


def test_findings_are_grouped_by_class_in_the_order_in_which_they_are_mended() -> None:
    found = repairing.failures([UNRUN, RED, Finding("odd", "something"), Finding("reply", "no manifest")], 1000)
    assert [failure.kind for failure in found] == ["reply", "tests", "coverage", "odd"]
    assert found[1].findings[0].startswith("tests/test_a.py: test_add[1]: assert 0 == 2")


@given(st.lists(st.tuples(st.sampled_from(["tests", "coverage", "reply"]), st.integers(1, 4000)), max_size=30))
def test_findings_take_a_bounded_part_of_the_prompt_and_none_is_hidden(rows: list[tuple[str, int]]) -> None:
    findings = [Finding(check, "word " * size) for check, size in rows]
    found = repairing.failures(findings, 1000)
    assert {failure.kind for failure in found} == {check for check, _ in rows}
    assert sum(len(failure.findings) + failure.more for failure in found) == len(rows)
    beyond = [text for failure in found for text in failure.findings[1:]]
    assert sum(map(upper_bound, beyond)) <= 1000


def test_the_code_that_findings_are_about_is_shown_with_its_numbers() -> None:
    test, code, unrun = repairing.excerpts([RED, UNRUN], FILES_OF_A)
    assert (
        test.title == "tests/test_a.py, test_add"
        and test.text.splitlines()[0] == "4| @pytest.mark.parametrize('a', [1])"
    )
    assert code.title == "pkg/a.py, around line 3" and "3|         return a - b" in code.text
    assert unrun.text == "4|     return b" and unrun.vital and not test.vital
    broken = Finding("files", "it does not parse", "pkg/a.py", 1)
    assert "1| def add" in repairing.excerpts([broken], FILES_OF_A)[0].text
    assert not repairing.excerpts([Finding("tests", "gone", "tests/other.py"), Finding("reply", "bad")], FILES_OF_A)


def test_an_excerpt_is_left_out_beside_the_whole_file_unless_its_numbers_say_something() -> None:
    from brengine.prompting import _excerpts, _files

    files = {**FILES_OF_A, "pkg/a.py": CODE + b"# a line of no use here\n" * 100}
    pieces = (*_files(files, "attempt", frozenset()), *_excerpts((RED, UNRUN), files))
    made = prompt.build(request(task("a"), pieces=pieces), SYSTEM, REPAIR, Repair(2, 3, (RED, UNRUN)))
    assert "4|     return b" in made.user and "around line 3" not in made.user
    narrow = request(task("a"), pieces=pieces, limit=1000)
    assert "around line 3" in prompt.build(narrow, SYSTEM, REPAIR, Repair(2, 3, (RED, UNRUN))).user


def test_a_thousand_failing_tests_are_no_reason_to_fail() -> None:
    found = tuple(Finding("tests", f"test_{n}: " + "E assert 1 == 2 " * 40, "tests/test_a.py") for n in range(1000))
    made = prompt.build(request(), SYSTEM, REPAIR, Repair(2, 3, found))
    assert made.context_tokens <= 4000 and "- and 99" in made.user


def test_a_refusal_and_a_cut_are_classes_of_their_own() -> None:
    refused = reply.parse("I cannot help with that.", "abc", frozenset(["a.py"]), stop="refusal")
    assert [finding.check for finding in refused.findings] == ["refusal"]
    text = write_reply({"a.py": "a = 1\n", "b.py": "b = 1\n"}, "abc")
    cut = reply.parse(text[: text.index("b = 1")], "abc", frozenset(["a.py", "b.py"]), stop="max_tokens")
    assert {finding.check for finding in cut.findings} == {"cut"} and [f.path for f in cut.files] == ["a.py"]


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("BLAME calc/adding.py: it subtracts", Question("blame", "calc/adding.py", "it subtracts")),
        ("- BLAME: `add` returns None", Question("blame", "add", "returns None")),
        ("BLAME arithmetic.add-adding", Question("blame", "arithmetic.add-adding", "")),
        ("BLAME none", None),
        ("I BLAME the need", None),
    ],
)
def test_who_is_blamed_is_read_from_the_notes(line: str, asked: Question | None) -> None:
    assert questions(f"Some notes.\n{line}\n") == ((asked,) if asked else ())


BAD = "def add(a: int, b: int) -> int:\n    return a + b if a != 4 else 0\n"


def test_a_need_that_is_blamed_is_asked_again_once_with_the_finding(box: Sandbox, model: ModelServer) -> None:
    def answer(asked: str, server: ModelServer) -> str | None:
        if "calc/doubling.py" in declared(asked) and "This is attempt 2" in asked:
            return write_reply({}, nonce(asked), "BLAME calc/adding.py: add(4, 4) is 0, and 8 by its contract")
        good = "its author says: add(4, 4) is 0" in asked or "calc/adding.py" not in declared(asked)
        return None if good else write_reply({**_own(asked), "calc/adding.py": BAD}, nonce(asked))

    model.answer = answer
    built = box.br("build", "arithmetic")
    assert built.code == 0, built.out
    assert "Asked again, for what authors of dependents say is wrong: arithmetic.add-adding" in built.out
    assert [_asks(asked) for asked in model.prompts] == ["adding doubling", "doubling", "adding"]
    assert "test_double" in model.prompts[2], "the finding of the dependent is in the prompt"
    assert box.read("calc/adding.py") == FILES["calc/adding.py"]


def test_a_need_is_blamed_in_vain_only_once(box: Sandbox, model: ModelServer) -> None:
    def answer(asked: str, server: ModelServer) -> str | None:
        if "calc/doubling.py" in declared(asked) and "This is attempt" in asked:
            return write_reply({}, nonce(asked), "BLAME calc/adding.py: it is wrong")
        if "calc/doubling.py" in declared(asked):
            return write_reply(
                {**_own(asked), "calc/doubling.py": "def double(a: int) -> int:\n    return a\n"}, nonce(asked)
            )
        return None

    model.answer = answer
    built = box.br("build", "arithmetic")
    assert built.code == 1 and "adding" in built.out, built.out
    assert [_asks(asked) for asked in model.prompts] == ["adding doubling", "doubling", "adding", "doubling"]
    assert box.br("build", "arithmetic").code == 1 and box.asked == 4, "nobody is asked again by a further build"


def _blaming(asked: str, server: ModelServer) -> str | None:
    """Adding is wrong for fours, doubling's author says so; nobody mends it."""
    if "calc/doubling.py" in declared(asked) and "This is attempt" in asked:
        return write_reply({}, nonce(asked), "BLAME calc/adding.py: add(4, 4) is 0")
    return _with(asked, {"calc/adding.py": BAD})


def test_a_person_who_mends_what_was_blamed_is_verified_not_asked_over(box: Sandbox, model: ModelServer) -> None:
    model.answer = _blaming
    stopped = box.br("build", "arithmetic", "--max-asks", "2")
    assert stopped.code == 4 and "its author blames arithmetic.add-adding" in stopped.out, stopped.out
    assert "1 stale" in (told := box.br("status").out) and "its author says: add(4, 4) is 0" in told, told
    box.write("calc/adding.py", FILES["calc/adding.py"])
    built = box.br("build", "arithmetic")
    assert built.code == 0 and "your edit is adopted" in built.out and box.asked == 2, built.out
    assert box.read("calc/adding.py") == FILES["calc/adding.py"]


def test_a_need_whose_new_answers_all_fail_stays_as_it_was(box: Sandbox, model: ModelServer) -> None:
    assert box.br("build").code == 0

    def answer(asked: str, server: ModelServer) -> str | None:
        wrong = {"calc/doubling.py": "def double(a: int) -> int:\n    return a\n", "calc/adding.py": "nonsense\n"}
        notes = "BLAME calc/adding.py: wrong" if "calc/doubling.py" in declared(asked) else "Done."
        return _with(asked, wrong, notes)

    model.answer = answer
    box.edit("PROJECT_SPEC.md", "Doubling a number", "Doubling any number")
    red = box.br("build")
    assert red.code == 1 and "no new answer passed, so it stays as it was" in red.out, red.out
    assert box.read("calc/adding.py") == FILES["calc/adding.py"]
    states = box.br("task", "list").out
    assert "adding" in states and "2 built" in box.br("status").out, "what passed is not taken back by a word"
    asked = box.asked
    assert box.br("build").code == 1 and box.asked == asked


def test_a_blame_needs_code_that_ran_and_failed(box: Sandbox, model: ModelServer) -> None:
    def answer(asked: str, server: ModelServer) -> str | None:
        if "calc/doubling.py" not in declared(asked) or "This is attempt 2" in asked:
            return None
        files = {path: text for path, text in _own(asked).items() if "doubling" not in path}
        return write_reply(files, nonce(asked), "BLAME calc/adding.py: looks wrong to me")

    model.answer = answer
    built = box.br("build", "arithmetic")
    assert built.code == 0 and "blames" not in built.out and box.asked == 2, built.out


def test_findings_never_make_a_prompt_too_large(box: Sandbox, model: ModelServer) -> None:
    box.write("br.toml", "[build]\ncontext_tokens = 500\n")
    wrong = {"calc/adding.py": "def add(a: int, b: int) -> int:\n    return 1\n"}
    model.answer = lambda asked, server: None if "This is attempt 3" in asked else _with(asked, wrong)
    built = box.br("build", "adding")
    assert built.code == 0 and "2 of them repairs" in built.out, built.out


def test_a_budgets_room_is_free_again_whatever_a_backend_raises(box: Sandbox) -> None:
    class Broken:
        name, paid = "broken", True

        def answer(self, ask: object, prompt: object) -> object:
            raise OSError("no space left on the device")

    project = Project(Places(box.root, box.root), caps=Caps(tokens=40_000), environ={})
    project._backing.__dict__["backend"] = Broken()
    project.engine.begin("a test")
    with pytest.raises(OSError, match="no space left"):
        project.asker.fetch([project.board.standing("arithmetic.add-adding")])
    assert project.ledger.state.in_flight, "nobody knows whether it was paid"
    found: list[object] = []
    waits = threading.Thread(target=lambda: found.append(project.budget.reserve(5_000)), daemon=True)
    waits.start()
    waits.join(10)
    project.engine.end()
    assert found, "the next ask would wait for ever for the room of this one"


def test_a_fresh_dependent_that_goes_red_is_asked_for_its_tests_only(box: Sandbox, model: ModelServer) -> None:
    assert box.br("build", "arithmetic").code == 0
    asked = box.asked
    box.edit("PROJECT_SPEC.md", "Adding two numbers", "Adding two numbers, fours one higher")
    model.files["calc/adding.py"] = "def add(a: int, b: int) -> int:\n    return a + b + (a == b == 4)\n"
    model.files["tests/test_doubling.py"] = FILES["tests/test_doubling.py"].replace("== 8", "== 9")
    built = box.br("build", "arithmetic")
    assert built.code == 0, built.out
    last = model.prompts[-1]
    assert box.asked == asked + 2 and declared(last) == ["tests/test_doubling.py"]
    assert "Give tests/test_doubling.py alone" in last and "def double(a: int)" in last, (
        "the code is shown, not asked for"
    )
    assert box.read("calc/doubling.py") == FILES["calc/doubling.py"] and "== 9" in box.read("tests/test_doubling.py")


def test_promise_1_a_fresh_member_is_verified_again_when_its_own_batch_changes_what_it_needs(
    box: Sandbox, model: ModelServer
) -> None:
    assert box.br("build", "arithmetic").code == 0
    box.edit("PROJECT_SPEC.md", "Adding two numbers", "Adding two whole numbers")
    built = box.br("build", "arithmetic")
    assert built.code == 0 and "2 of 2 done (1 built, 1 up to date)" in built.out, "same bytes: nothing is run again"
    box.edit("PROJECT_SPEC.md", "Adding two whole numbers", "Adding two integers")
    model.files["calc/adding.py"] = "def add(a: int, b: int) -> int:\n    return b + a\n"
    built = box.br("build", "arithmetic")
    assert built.code == 0 and "2 of 2 done (1 built, 1 verified)" in built.out, built.out
    assert "The whole project: 2 tests passed" in built.out


def test_code_in_an_answer_that_was_to_hold_tests_only_is_refused(box: Sandbox, model: ModelServer) -> None:
    assert box.br("build", "arithmetic").code == 0
    box.edit("PROJECT_SPEC.md", "Adding two numbers", "Adding two whole numbers")
    model.files["calc/adding.py"] = "def add(a: int, b: int) -> int:\n    return a + b + (a == b == 4)\n"

    def answer(asked: str, server: ModelServer) -> str | None:
        files = {path: FILES[path] for path in ("calc/doubling.py", "tests/test_doubling.py")}
        return write_reply(files, nonce(asked)) if "tests/test_doubling.py" in declared(asked) else None

    model.answer = answer
    built = box.br("build", "arithmetic")
    assert built.code == 1 and "it is not declared for this ask" in built.out, built.out


def test_the_best_attempt_is_kept_not_the_last(box: Sandbox, model: ModelServer) -> None:
    def answer(asked: str, server: ModelServer) -> str | None:
        last = "This is attempt 3" in asked
        wrong = "def render(a, b):\n    return" if last else "def render(a: int, b: int) -> str:\n    return ''\n"
        return write_reply({**_own(asked), "calc/rendering.py": wrong}, nonce(asked))

    assert box.br("build", "arithmetic").code == 0
    model.answer = answer
    failed = box.br("build", "reports")
    assert failed.code == 1 and "its best attempt (2) is kept in" in failed.out, failed.out
    kept = box.root / ".br" / "staging" / "failed" / "reports.add-rendering" / "calc" / "rendering.py"
    assert "return ''" in kept.read_text()


def test_a_repair_that_takes_out_its_tests_is_refused(box: Sandbox, model: ModelServer) -> None:
    many = "from calc.adding import add\n\n\ndef test_add():\n" + "".join(
        f"    assert add({n}, 3) == {n + 3}\n" for n in range(9)
    )
    few = "from calc.adding import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"

    def answer(asked: str, server: ModelServer) -> str | None:
        if "calc/adding.py" not in declared(asked):
            return None
        first = "This is attempt" not in asked
        wrong = "def add(a: int, b: int) -> int:\n    return a + b if a < 8 else 0\n"
        files = {"calc/adding.py": wrong, "tests/test_adding.py": many if first else few}
        return write_reply({**_own(asked), **files}, nonce(asked))

    model.answer = answer
    failed = box.br("build", "arithmetic")
    assert failed.code == 1, failed.out
    assert "the tests of the attempt before could fail in 9 places, these in 1" in failed.out
    assert "weakened: Tests were taken out" in model.prompts[-1]
    assert "in 9 places" in failed.out.rpartition("attempt 3 of 3")[2], "the next one is compared with the first"


def test_the_share_that_came_from_the_cache_is_told(box: Sandbox, model: ModelServer) -> None:
    model.usage = {"input_tokens": 25, "cache_read_input_tokens": 75, "output_tokens": 1}
    built = box.br("build", "arithmetic")
    assert built.code == 0 and "tokens      150, 75 % of the prompts from the cache" in built.out, built.out


def _with(asked: str, instead: dict[str, str], notes: str = "Done.") -> str:
    """The right files, but for some."""
    files = {path: instead.get(path, text) for path, text in _own(asked).items()}
    return write_reply(files, nonce(asked), notes)


def _own(asked: str) -> dict[str, str]:
    return {path: FILES[path] for path in declared(asked)}


def _asks(asked: str) -> str:
    return " ".join(
        path.removeprefix("calc/").removesuffix(".py") for path in declared(asked) if path.startswith("calc/")
    )
