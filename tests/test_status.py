"""What `br status`, `br task list` and `br task show` tell of a project in trouble, and what was spent on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from model_server import ModelServer, declared, nonce, write_reply
from sandbox import FILES, Sandbox

from brengine.durable import COUNT_TO, KILL_AT
from brengine.spending import spent

ADD, DOUBLE, RENDER = "arithmetic.add-adding", "arithmetic.add-doubling", "reports.add-rendering"


def status(box: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(box.br("status", "--json").out)
    return found


def states(box: Sandbox) -> dict[str, str]:
    return {row["id"]: row["state"] for row in status(box)["tasks"]}


def test_a_failed_task_is_told_with_its_first_finding_and_what_it_holds_up(box: Sandbox, model: ModelServer) -> None:
    model.files["calc/adding.py"] = FILES["calc/adding.py"].replace("a + b", "a - b")
    assert box.br("build", "-k").code == 1
    assert states(box) == {ADD: "failed", DOUBLE: "skipped", RENDER: "skipped"}
    told = box.br("status").out
    assert told.startswith("3 tasks: 1 failed, 2 skipped\n  arithmetic: 0 of 2 built\n"), told
    assert f"failed:\n  {ADD}: never built\n    attempt 3: [tests] tests/test_adding.py" in told
    assert f"  {RENDER}: never built; needs {ADD}, which failed" in told
    assert "spent: 4 asks (2 of them repairs), 600 tokens (400 in, 200 out), $0.00" in told
    needs = [line.split("  ")[1] for line in told[told.index("Needs you") :].splitlines()[1:]]
    assert needs == [f"br task show {ADD} --attempt 3", f"br retry {ADD}"]
    model.files = dict(FILES)
    assert box.br("retry", "adding").code == 0 and states(box)[ADD] == "built"
    assert box.br("build").code == 0 and "Needs you" not in box.br("status").out


def test_what_was_refused_and_has_attempts_left_has_not_failed(box: Sandbox, model: ModelServer) -> None:
    model.files["calc/adding.py"] = FILES["calc/adding.py"].replace("a + b", "a - b")
    assert box.br("build", "arithmetic", "--max-asks", "1").code == 4
    (row, *_) = status(box)["tasks"]
    assert (row["state"], row["note"], row["attempt"]) == (
        "not built",
        "its answer was refused; 2 attempts are left",
        1,
    ), row
    assert row["findings"][0].startswith("[tests] tests/test_adding.py")


def test_an_edit_that_is_red_has_failed_until_it_is_mended(box: Sandbox) -> None:
    assert box.br("build").code == 0
    box.edit("calc/adding.py", "a + b", "a - b")
    assert states(box)[ADD] == "stale"
    assert box.br("build", "-k").code == 1
    row = status(box)["tasks"][0]
    assert row["state"] == "failed" and row["reasons"] == ["target edited: calc/adding.py"]
    box.edit("calc/adding.py", "a - b", "a + b")
    assert set(states(box).values()) == {"built"}


def test_a_prompt_that_waits_is_told_with_its_paths(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "project")
    assert box.br("build", "--backend", "manual").code == 1
    assert states(box) == {ADD: "waiting", DOUBLE: "waiting", RENDER: "waiting"}
    row = status(box)["tasks"][0]
    prompt, reply = row["awaits"]["prompt"], row["awaits"]["reply"]
    assert (box.root / prompt).is_file() and not (box.root / reply).exists()
    told = box.br("status").out
    assert f"  answer {prompt}\n    in {reply}\n" in told, told
    assert f"br task execute --manual {ADD} --reply FILE" in told
    text = (box.root / prompt).read_text()
    box.write(reply, write_reply({path: FILES[path] for path in declared(text)}, nonce(text)))
    assert states(box)[ADD] == "not built", "the reply is there: a build goes on"
    assert "note         attempt 1 waits for a reply" in box.br("task", "show", "rendering").out
    assert box.br("build", "--backend", "manual").code == 1
    assert states(box) == {ADD: "built", DOUBLE: "built", RENDER: "waiting"}


def test_what_may_have_been_paid_and_was_not_received_is_told(box: Sandbox, tmp_path: Path) -> None:
    log = tmp_path / "points"
    assert Sandbox(tmp_path / "other", box.model).br("build", env={COUNT_TO: str(log)}).code == 0
    first = next(n for n, line in enumerate(log.read_text().splitlines(), start=1) if "journal intent" in line)
    assert box.br("build", env={KILL_AT: str(first)}).code == -9
    told = box.br("status").out
    assert f"possibly paid, not received: the ask for {ADD}, {DOUBLE}" in told, told
    assert status(box)["in_flight"] == [[ADD, DOUBLE]] and status(box)["running"] == ""
    assert box.br("build").code == 0 and status(box)["in_flight"] == []


def test_what_is_in_flight_in_another_process_is_not_called_lost(box: Sandbox, model: ModelServer) -> None:
    model.delay = 3
    running = box.start("build")
    while not model.prompts:
        assert running.poll() is None
    told = box.br("status").out
    assert "in flight (process " in told and "br build" in told and "possibly paid" not in told, told
    running.communicate(timeout=60)
    assert status(box)["running"] == ""


def test_unknown_prices_and_plain_json_options(box: Sandbox) -> None:
    box.write("br.toml", '[build]\nmodel = "some-other-model"\n')
    assert box.br("status").out.count("spent: nothing") == 1
    assert box.br("build", "arithmetic").code == 0
    assert "spent: 1 ask, 150 tokens (100 in, 50 out), dollars unknown" in box.br("status").out
    assert box.br("status", "--format", "json").out == box.br("status", "--json").out
    assert status(box)["spent"]["cost"] is None and status(box)["spent"]["unpriced"] == 1


def test_tasks_are_shown_with_what_was_spent_on_them(box: Sandbox, model: ModelServer) -> None:
    model.files["calc/adding.py"] = FILES["calc/adding.py"].replace("a + b", "a - b")
    model.faults = ["", "", "cut"]
    assert box.br("build", "-k").code == 1
    row = json.loads(box.br("task", "show", "adding", "--json").out)
    found = row["spent"]
    assert (row["state"], row["attempt"], len(row["defines"])) == ("failed", 3, 1)
    assert (found["asks"], found["repairs"], found["tokens_in"], found["tokens_out"]) == (3, 2, 350, 126), found
    assert "spent        1 ask, 75 tokens (50 in, 25 out), $0.0003" in box.br("task", "show", "doubling").out
    total = status(box)["spent"]
    assert (total["asks"], total["tokens_in"], total["tokens_out"]) == (4, 500, 201)


def test_tasks_are_listed_by_feature_and_state(box: Sandbox) -> None:
    def ids(*words: str) -> list[str]:
        return [row["id"] for row in json.loads(box.br("task", "list", "--json", *words).out)]

    assert ids("--feature", "reports") == ids("--feature", "feature:rep") == ids("reports") == [RENDER]
    assert ids("--feature", "arithmetic", "--state", "built") == []
    assert ids("--feature", "arithmetic", "--feature", "reports", "--sort", "feature") == [ADD, DOUBLE, RENDER]
    assert box.br("task", "list", "--feature", "nowhere").code == 3
    assert box.br("task", "list", "--format", "json").out == box.br("task", "list", "--json").out


@pytest.mark.parametrize("odd", [{}, {"members": 3}, {"members": []}, {"usage": "x"}])
def test_sums_pass_over_rows_of_another_shape(odd: dict[str, Any]) -> None:
    good = {"t": "reply", "members": [["f.a", "k", 1]], "backend": "m", "usage": [1, 2, 3, 4], "cost": 0.5}
    bad = {"t": "reply", **odd}
    total, by_task = spent([bad, good, {"t": "gone", "ask": "x", "usage": [1, 0, 0, 0], "cost": None}])
    assert (total.asks, total.tokens, total.cost, total.unanswered) == (1, 11, 0.5, 1)
    assert by_task["f.a"].tokens_in == 8.0
