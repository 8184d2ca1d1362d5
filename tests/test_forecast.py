"""What a build would take: scheduled on paper, measured from the journal, told by `br plan`."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_server import ModelServer
from sandbox import FILES, Sandbox

from brengine import forecast_report, pace
from brengine.asks import Usage
from brengine.forecast import Asking, Forecast, Job, Price, Work, forecast, jobs, longest, makespan
from brengine.pace import Pace

KNOWN = Pace(0.5, 1000.0, 20.0, 0.5, 3.0, 1.0, asks=8, checks=9, assumed=())


def price(model: str, usage: Usage) -> float | None:
    return None if model == "mystery" else (usage.input_tokens + 5 * usage.output_tokens) / 1_000_000


def told(*works: Work, workers: int = 1, at: Pace = KNOWN, attempts: int = 3, by: Price = price) -> Forecast:
    return forecast(works, at, attempts=attempts, price=by, workers=workers, processors=64, tested=4)


A = Work("f.a", 2, (Asking(2, "m", "r", 4000),))
B = Work("f.b", 1, (Asking(1, "m", "r", 6000),), ("f.a",))


def test_sums_by_hand() -> None:
    found = told(A, B)
    assert (found.asks, found.repairs, found.most) == (2, 1.5, 8)
    assert found.tokens_in == 2000 * (1 + 1.0) + 3000 * (1 + 0.5) and found.tokens_out == 3 * 1000 * 1.5
    assert found.dollars == pytest.approx((2000 + 10_000 + 2 * 0.5 * 7000 + 3000 + 5000 + 0.5 * 8000) / 1e6)
    assert found.most_dollars == pytest.approx((2000 + 10_000 + 4 * 7000 + 3000 + 5000 + 2 * 8000) / 1e6)
    work_a, work_b = 40 + 3 * 3 + 20, 20 + 1.5 * 3 + 10
    assert found.seconds == work_a + work_b + 4 and found.models == ("m",)


def test_contracts_let_asks_go_out_at_once_and_verification_follows_the_needs() -> None:
    found = told(A, B, workers=2)
    assert [job.id for job in found.chain] == ["ask:f.a", "batch:f.a", "batch:f.b", "verify:project"]
    assert found.seconds == found.critical == 40 + 29 + 14.5 + 4
    late = Work(B.batch, B.checks, B.asks, B.needs, waits=True)
    assert told(A, late, workers=2).seconds == told(A, late, workers=1).seconds == 69 + 34.5 + 4


def test_with_one_attempt_nothing_is_repaired() -> None:
    found = told(A, attempts=1)
    assert (found.repairs, found.most, found.tokens_out) == (0.0, 1, 2000.0) and found.dollars == found.most_dollars


def test_a_repair_of_what_was_refused_has_fewer_attempts_left() -> None:
    found = told(Work("f.a", 1, (Asking(1, "r", "r", 4000, tried=1),)))
    assert (found.asks, found.most) == (1, 2) and found.most_dollars == pytest.approx(2 * 7000 / 1e6)


def test_an_unknown_price_is_unknown_never_nothing() -> None:
    found = told(A, Work("f.c", 1, (Asking(1, "m", "mystery", 10),)))
    assert found.dollars is None and found.most_dollars is None and found.unpriced == ("mystery",)
    assert "  dollars        unknown: there is no price of mystery" in forecast_report.lines(found)
    assert forecast_report.as_json(found)["dollars"] is None
    assert told(Work("f.c", 1, (Asking(1, "m", "mystery", 10),)), attempts=1).unpriced == ()


@given(st.integers(1, 64), st.integers(1, 9))
def test_nothing_to_do_takes_nothing(workers: int, attempts: int) -> None:
    found = told(workers=workers, attempts=attempts)
    sums = (found.asks, found.repairs, found.most, found.tokens_in, found.tokens_out, found.dollars, found.seconds)
    assert sums == (0, 0, 0, 0, 0, 0, 0) and found.chain == () and found.critical == 0


def test_a_batch_that_is_restored_or_verified_costs_its_verification_alone() -> None:
    found = told(Work("f.a", 3))
    assert (found.asks, found.tokens_in, found.dollars, found.seconds) == (0, 0.0, 0, 3 * 3 + 4)


@st.composite
def graphs(draw: st.DrawFn) -> list[Job]:
    count = draw(st.integers(0, 25))
    found = []
    for number in range(count):
        needs = draw(st.lists(st.integers(0, number - 1), max_size=4)) if number else []
        seconds = draw(st.integers(0, 50))
        found.append(Job(f"j{number}", seconds, tuple(f"j{need}" for need in needs), heavy=draw(st.booleans())))
    return found


@given(graphs(), st.integers(1, 8), st.integers(1, 8))
def test_wall_time_lies_between_its_bounds(todo: list[Job], workers: int, processors: int) -> None:
    work, critical = sum(job.seconds for job in todo), sum(job.seconds for job in longest(todo))
    wall = makespan(todo, workers, processors)
    heavy = sum(job.seconds for job in todo if job.heavy)
    assert max(critical, work / workers, heavy / processors) - 1e-9 <= wall <= work


@given(graphs(), st.integers(1, 8), st.integers(0, 8))
def test_more_workers_are_slower_by_no_more_than_graham_allows(todo: list[Job], workers: int, more: int) -> None:
    many = workers + more
    work, critical = sum(job.seconds for job in todo), sum(job.seconds for job in longest(todo))
    wide = makespan(todo, many, many)
    assert wide <= work / many + (1 - 1 / many) * critical + 1e-9
    assert wide <= (2 - 1 / many) * makespan(todo, workers, workers) + 1e-9


@given(graphs())
def test_the_critical_path_is_a_chain_of_needs(todo: list[Job]) -> None:
    chain = longest(todo)
    assert all(one.id in other.needs for one, other in pairwise(chain))
    assert makespan(todo, max(1, len(todo)), max(1, len(todo))) == sum(job.seconds for job in chain)


def test_ten_thousand_batches_are_forecast_at_once() -> None:
    works = [Work(f"f.{n}", 1, (Asking(1, "m", "m", 100),), (f"f.{n // 2}",) if n else ()) for n in range(10_000)]
    found = told(*works, workers=16)
    assert found.critical <= found.seconds <= sum(job.seconds for job in jobs(works, KNOWN, 4))
    assert len(list(forecast_report.lines(found))) < 20


# --- history ------------------------------------------------------------------------------------------------------


def answered(*members: list[Any], backend: str = "anthropic", **fields: Any) -> dict[str, Any]:
    row = {"t": "reply", "members": list(members), "backend": backend, "template": "task@1", "usage": [300, 60, 100, 0]}
    return {**row, **fields}


def test_history_is_measured_and_what_is_not_known_is_assumed() -> None:
    rows: list[dict[str, Any]] = [
        answered(["f.a", "k", 1], ["f.b", "k", 1], seconds=8.0, bound=1000),
        answered(["f.a", "k", 2], template="repair@1", seconds=4.0, bound=1000),
        answered(["f.z", "k", 1], backend="replay", seconds=0.0),
        answered(["f.c", "k", 3]),
        {"t": "judged", "task": "f.a", "findings": ["red"], "seconds": 2.0},
        {"t": "judged", "task": "f.a", "findings": ["malformed"], "seconds": 0.0},
        {"t": "promoted", "records": [{"task": "f.a", "seconds": 4.0}, {"task": "f.b"}]},
        {"t": "record", "task": "project", "seconds": 6.0},
        answered(["plan", "k", 1], template="architect@1", seconds=900.0),
        {"t": "reply", "members": "of another shape"},
    ]
    found = pace.measured([{"t": "retry", "task": "f.c", "key": "k", "base": 2}, *rows], "anthropic", 3)
    assert (found.asks, found.checks, found.assumed) == (3, 2, ())
    assert (found.shrink, found.answer, found.seconds, found.repairs) == (0.4, 45.0, 4.0, pytest.approx(1 / 3))
    assert (found.check, found.project, found.whole(5)) == (3.0, 2.0, 10.0)
    old = pace.measured([answered(["f.a", "k", 1])], "anthropic", 3)
    assert old.assumed == ("tokens in", "seconds of an ask", "seconds of a verification") and old.answer == 60.0
    assert pace.measured([], "anthropic", 3) == Pace() and Pace(check=8.0).whole(3) == 6.0


def test_the_forecast_of_a_plan_rests_on_assumptions_then_on_the_project(box: Sandbox, model: ModelServer) -> None:
    first = box.br("plan", "-j", "2").out
    assert "  asks           2, 8 with every attempt used" in first, first
    assert "no ask or verification of this project yet; assumed: prompts at\n" in first
    assert "ask:arithmetic.add-adding+add-doubling" in first and "on 2 workers" in first
    model.files["calc/rendering.py"] = FILES["calc/rendering.py"].replace("} = {", "} is {")
    assert box.br("build", "--max-asks", "2").code == 4
    model.files = dict(FILES)
    row = json.loads(box.br("plan", "--format", "json").out)
    assert (row["tasks"], row["stale"], [len(batch["asks"]) for batch in row["batches"]]) == (3, 1, [1])
    assert row["batches"][0]["tasks"][0]["how"] == "ask for a repair of its refused answer"
    assert (row["forecast"]["asks"], row["forecast"]["most_asks"]) == (1, 2)
    assert box.br("build").code == 0
    box.edit("PROJECT_SPEC.md", "Doubling a number", "Doubling any number")
    row = json.loads(box.br("plan", "--format", "json", "doubling").out)
    found = row["forecast"]
    assert (row["stale"], found["asks"], found["most_asks"]) == (1, 1, 3), row
    assert found["rests_on"] == {"asks": 3, "verifications": 5, "assumed": []}, found
    assert found["repairs"] == 0.33 and found["tokens_in"] < row["batches"][0]["asks"][0]["tokens"]
    assert 0 < found["critical_path"]["seconds"] <= found["seconds"] and found["dollars"] < 0.01
    assert [job["job"].split(":")[0] for job in found["critical_path"]["jobs"]] == ["ask", "batch", "verify"]
    assert row["targets"] == ["task:arithmetic.add-doubling"] and row["diagnostics"][0]["severity"] == "note"
    box.edit("PROJECT_SPEC.md", "Doubling any number", "Doubling a number")
    assert json.loads(box.br("plan", "--format", "json").out)["forecast"]["seconds"] == 0


def test_a_model_of_unknown_price_is_told(box: Sandbox) -> None:
    box.write("br.toml", '[build]\nmodel = "some-other-model"\n')
    assert "dollars        unknown: there is no price of some-other-model" in box.br("plan").out
    by_hand = box.br("plan", "--format", "json").out
    assert json.loads(by_hand)["forecast"]["unpriced"] == ["some-other-model"]
