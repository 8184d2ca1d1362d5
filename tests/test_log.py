"""Looking back at runs: what they asked for, spent and built, and how first answers fared."""

from __future__ import annotations

import json
from typing import Any

from model_server import ModelServer
from sandbox import FILES, Sandbox

from brengine import log_report


def reply(
    *members: list[Any], backend: str = "anthropic", model: str = "m", cost: float | None = 0.5
) -> dict[str, Any]:
    usage = [100, 50, 0, 0]
    return {"t": "reply", "members": list(members), "backend": backend, "model": model, "usage": usage, "cost": cost}


ROWS: list[dict[str, Any]] = [
    {"t": "run", "what": "br build", "at": "2026-01-02T03:04:05+00:00"},
    reply(["f.a", "k1", 1], ["f.b", "k2", 1]),
    {"t": "judged", "task": "f.a", "key": "k1", "attempt": 1, "findings": ["red"]},
    reply(["f.a", "k1", 2], cost=None),
    {"t": "promoted", "records": [{"task": "f.a"}, {"task": "f.b"}]},
    {"t": "run", "what": "br build -j 4", "at": "2026-01-03T03:04:05+00:00"},
    reply(["f.c", "k3", 1], backend="replay", model="old"),
    {"t": "reply", "members": "of another shape"},
]


def test_runs_are_summed_and_first_answers_counted() -> None:
    first, second = log_report.runs(ROWS)
    assert (first.asks, first.repairs, first.tokens, first.cost, first.unpriced) == (2, 1, 300, 0.5, 1)
    assert (first.done, first.refused) == (2, 1)
    assert (second.asks, second.replayed, second.tokens) == (0, 1, 0)
    found = log_report.stats(ROWS)
    assert {name: (tries.passed, tries.tasks) for name, tries in found.items()} == {
        "model: m": (1, 2),
        "tasks in the ask: 2": (1, 2),
        "template: unknown": (1, 2),
    }
    assert log_report.runs([]) == [] and log_report.stats([]) == {}


def test_br_log_tells_what_runs_did(box: Sandbox, model: ModelServer) -> None:
    assert box.br("log").out == "No run yet.\n" and "No answer was judged" in box.br("log", "--stats").out
    model.files["calc/rendering.py"] = FILES["calc/rendering.py"].replace("} = {", "} is {")
    assert box.br("build", "--max-asks", "2").code == 4
    model.files = dict(FILES)
    assert box.br("build", "-j", "2").code == 0
    told = box.br("log").out.splitlines()
    assert len(told) == 4 and "br build --max-asks 2" in told[0] and "br build -j 2" in told[2], told
    assert "2 asks, 300 tokens" in told[1] and "2 tasks done" in told[1]
    assert "1 ask (1 repair), 150 tokens" in told[3] and "1 task done" in told[3]
    rates = box.br("log", "--stats").out
    assert "tasks in the ask: 2                      2 of 2 (100 %)" in rates, rates
    assert "tasks in the ask: 1                      0 of 1 (0 %)" in rates and "template: task@" in rates
    (last,) = json.loads(box.br("log", "-n", "1", "--json").out)
    assert last["what"] == "br build -j 2" and last["done"] == 1
    assert json.loads(box.br("log", "--stats", "--json").out)["tasks in the ask: 2"] == {"tasks": 2, "passed": 2}
