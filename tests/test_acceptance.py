"""Tests that the author wrote, in acceptance/: run when their feature is done, shown to nobody, written by nobody."""

from __future__ import annotations

from builders import task
from model_server import ModelServer
from sandbox import FILES, Sandbox

from brengine import acceptance, validate
from brengine.domain import Feature, Plan, Spec
from brengine.source import Span

PLAN = Plan(
    Spec("s.md", "S", (Feature("login", "Login", Span(1)), Feature("login-mail", "Mail", Span(2)))),
    (task("a", feature="login"), task("b", feature="login-mail"), task("d", feature="login", kind="documentation")),
    (),
)
RED = "from calc.adding import add\n\n\ndef test_negative():\n    assert add(-1, -1) == 0\n"


def test_a_file_belongs_to_the_feature_that_it_is_named_after() -> None:
    features = PLAN.spec.features
    assert acceptance.feature_of("acceptance/test_login.py", features) == "login"
    assert acceptance.feature_of("acceptance/deep/test_login_mail_bounces.py", features) == "login-mail"
    assert acceptance.feature_of("acceptance/test_everything.py", features) == ""
    assert [t.id for t in acceptance.owners("acceptance/test_login.py", PLAN)] == ["login.a"]
    assert [t.id for t in acceptance.owners("acceptance/test_all.py", PLAN)] == ["login.a", "login-mail.b"]
    assert not acceptance.ready("acceptance/test_login.py", PLAN, {"login.a"})
    assert acceptance.ready("acceptance/test_login.py", PLAN, {"login.a", "login.d"})
    assert acceptance.is_test("acceptance/test_a.py") and not acceptance.is_test("acceptance/data.json")


def test_no_plan_writes_there() -> None:
    (one,) = validate.problems([task("a", targets=("Acceptance/x.py",))], PLAN.spec)[:1]
    assert "would write Acceptance/x.py" in one.message


def test_they_run_when_their_feature_is_done_and_nobody_is_shown_them(box: Sandbox, model: ModelServer) -> None:
    box.write("acceptance/test_arithmetic.py", RED.replace("== 0", "== int(open('acceptance/data.txt').read())"))
    box.write("acceptance/data.txt", "-2")
    box.write(
        "acceptance/test_reports.py", "from calc.rendering import render\n\n\ndef test_r():\n    assert render(1, 1)\n"
    )
    part = box.br("build", "arithmetic")
    assert part.code == 0 and "The whole project: 3 tests passed" in part.out, part.out
    whole = box.br("build")
    assert whole.code == 0 and "The whole project: 5 tests passed" in whole.out, whole.out
    assert not any("test_negative" in prompt or "acceptance" in prompt for prompt in model.prompts)
    assert "up to date" in box.br("build").out


def test_promise_1_a_feature_whose_acceptance_tests_are_red_is_not_done(box: Sandbox, model: ModelServer) -> None:
    assert box.br("build").code == 0
    box.write("acceptance/test_arithmetic.py", RED)
    red = box.br("build")
    assert red.code == 1 and "The tests of the whole project are red" in red.out, red.out
    assert "acceptance/test_arithmetic.py" in red.out and box.asked == 2
    status = box.br("status").out
    assert "2 failed" in status and "1 built" in status, status
    model.files["calc/adding.py"] = FILES["calc/adding.py"].replace("a + b", "max(a, 0) + max(b, 0)")
    mended = box.br("retry", "adding")
    assert "test_negative" in model.prompts[-1], "what failed is in the ask"
    assert mended.code == 0 and box.br("build").code == 0, mended.out
