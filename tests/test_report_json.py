"""Events as JSON lines, and a build that says only how it ended."""

from __future__ import annotations

import json
from typing import Any

from model_server import ModelServer
from sandbox import FILES, Sandbox

from brengine.events import Stalled, Wrote
from brengine.report_json import row


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_every_line_is_an_event_and_the_last_one_has_the_sums(box: Sandbox, model: ModelServer) -> None:
    model.files["calc/rendering.py"] = FILES["calc/rendering.py"].replace("} = {", "} is {")
    model.answer = lambda prompt, server: server.files.update(FILES) if "This is attempt 2" in prompt else None  # type: ignore[func-returns-value]
    built = box.br("build", "--json", "-j", "2")
    assert built.code == 0, built.out
    rows = events(built.out)
    assert len(rows) == len(built.out.splitlines()), "nothing but events"
    names = [row["event"] for row in rows]
    assert names[0] == "run_started" and rows[0]["schema"] == 1 and rows[0]["features"] == ["arithmetic", "reports"]
    assert {"batch_started", "replied", "attempt_failed", "task_ended", "batch_ended", "project_checked"} <= set(names)
    (failed,) = (row for row in rows if row["event"] == "attempt_failed")
    assert failed["task"] == "reports.add-rendering" and failed["again"] is True
    assert failed["findings"][0]["check"] == "tests" and "test_render" in failed["findings"][0]["message"]
    ended = {row["task"]: row for row in rows if row["event"] == "task_ended"}
    assert ended["arithmetic.add-adding"]["outcome"] == "built" and ended["arithmetic.add-adding"]["tests"] == 1
    last = rows[-1]
    assert last["event"] == "run_ended" and last["tasks"] == {"built": 3} and last["completion"] == 100.0
    assert (last["asks"], last["repairs"], last["usage"]["input"]) == (3, 1, 300) and last["needs_you"] == []
    assert [row["event"] for row in events(box.br("build", "--json").out)] == ["up_to_date"]


def test_what_an_agent_does_is_an_event() -> None:
    assert row(Wrote(("f.a",), "a.py", False)) == {
        "event": "wrote",
        "tasks": ["f.a"],
        "path": "a.py",
        "declared": False,
    }
    assert row(Stalled(("f.a",), 300.12345)) == {"event": "stalled", "tasks": ["f.a"], "seconds": 300.123}


def test_a_quiet_build_says_how_it_ended(box: Sandbox) -> None:
    built = box.br("build", "--quiet")
    assert built.code == 0 and built.out.startswith("Summary\n") and "Batch" not in built.out
