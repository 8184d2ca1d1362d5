"""`br verify`: evidence taken again, without asking anybody."""

from __future__ import annotations

import json

from model_server import ModelServer
from sandbox import FILES, Sandbox


def test_what_is_built_is_verified_again_and_nobody_is_asked(box: Sandbox, model: ModelServer) -> None:
    assert box.br("verify").code == 3, "nothing is built yet"
    assert box.br("build").code == 0
    asked, lock, tree = box.asked, box.read("br.lock"), box.tree()
    again = box.br("verify", "-j", "2")
    assert again.code == 0 and "3 of 3 done (3 verified)" in again.out, again.out
    assert (box.asked, box.read("br.lock"), box.tree()) == (asked, lock, tree)
    assert "up to date" in box.br("build").out
    one = box.br("verify", "doubling")
    assert one.code == 0 and "1 verified" in one.out, one.out
    changed = box.br("verify", "--changed")
    assert changed.code == 0 and "up to date" in changed.out


def test_promise_1_what_does_not_pass_again_is_not_done(box: Sandbox, model: ModelServer) -> None:
    """A test that passed once, and does not any more, with the same files."""
    flaky = "import pathlib\n\nfrom calc.adding import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
    box.write("br.toml", '[gates]\nfence = "off"\n')  # behind one the test could not see what changed
    marker = box.root.parent / "marker"
    model.files["tests/test_adding.py"] = f"{flaky}    assert not pathlib.Path({str(marker)!r}).exists()\n"
    assert box.br("build", "adding").code == 0
    marker.write_text("")
    red = box.br("verify")
    assert red.code == 1 and "no attempt is left" in red.out and box.asked == 1, red.out
    assert "evidence failed: verified again" in box.br("why", "adding").out
    assert "1 failed" in box.br("status").out
    marker.unlink()
    assert box.br("build", "adding").code == 0 and box.asked == 1, "it is verified again before anything is asked"


def test_a_persons_edit_is_looked_at_where_it_stands(box: Sandbox) -> None:
    assert box.br("build").code == 0
    box.write("calc/adding.py", "def add(a: int, b: int) -> int:\n    return a - b\n")
    red = box.br("verify", "--changed")
    assert red.code == 1 and "your file is kept as it is" in red.out and "a - b" in box.read("calc/adding.py"), red.out
    box.write("calc/adding.py", FILES["calc/adding.py"])
    assert box.br("verify", "--changed").code == 0


def test_the_trace_leads_from_requirements_to_evidence(box: Sandbox) -> None:
    assert box.br("build", "arithmetic").code == 0
    shown = box.br("verify", "--trace", "--no-run").out
    first = shown.split("\n\n")[0]
    told = "Adding two numbers\n  verified\n  arithmetic.add-adding: calc/adding.py, tests/test_adding.py\n"
    assert told in first, shown
    for said in (
        "tests        passed, 1 run, 0 failed",
        "coverage     passed, 100 % of",
        "teeth        passed, 3 run, 0 failed",
    ):
        assert said in first, shown
    assert "not built (reports.add-rendering not built)" in shown and "2 of 3 requirements verified (67 %)" in shown
    assert box.br("verify", "--no-run").code == 3


def test_evidence_names_what_ran(box: Sandbox) -> None:
    assert box.br("build", "adding").code == 0
    row = json.loads(box.read("br.lock"))["tasks"]["arithmetic.add-adding"]["evidence"]
    assert row["teeth"]["executed"] == 3 and row["teeth"]["status"] == "passed" and "failed" not in row["teeth"]
