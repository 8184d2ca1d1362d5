"""What a run may spend: caps that hold under any number of workers, tries that are counted, builds that go on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_server import ModelServer
from sandbox import FILES, Sandbox

from brengine.asks import Usage
from brengine.budget import Budget, Caps
from brengine.errors import OverBudget


def price(model: str, usage: Usage) -> float:
    return (usage.input_tokens + 5 * usage.output_tokens + 2 * usage.cache_write_tokens) / 1000


def budget(longest: int = 100, **caps: float) -> Budget:
    return Budget(Caps(**caps), longest, price)  # type: ignore[arg-type]


def test_without_caps_everything_is_allowed_and_counted() -> None:
    free = budget()
    for _ in range(3):
        free.settle(free.reserve(1000), Usage(900, 50), 1.15)
    assert (free.asks, free.tokens, round(free.cost, 2)) == (3, 2850, 3.45)


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        ({"asks": 1}, "1 ask sent, 1 allowed"),
        ({"tokens": 1200}, "150 of 1,200 tokens are spent, and an ask may take 1,100"),
        ({"cost": 2.6}, "$0.2000 of $2.6 are spent, and an ask may cost $2.5000"),
        ({"seconds": 0.0}, "the time for asking is over"),
    ],
)
def test_an_ask_that_might_go_over_is_not_sent(caps: dict[str, float], said: str) -> None:
    bound = budget(**caps)
    if "seconds" not in caps:
        bound.settle(bound.reserve(1000), Usage(100, 50), 0.2)
    with pytest.raises(OverBudget) as stopped:
        bound.reserve(1000)
    assert said in stopped.value.message and stopped.value.exit_code == 4


def test_a_prompt_may_be_priced_as_one_that_is_written_to_a_cache() -> None:
    assert budget().reserve(1000).cost == 2.5


def test_where_the_backend_ends_an_ask_by_its_cost_that_is_what_is_reserved() -> None:
    bound = Budget(Caps(cost=1.0), 100, price, ceiling=0.4)
    first, second = bound.reserve(1000), bound.reserve(1000)
    assert first.cost == second.cost == 0.4
    bound.count(Usage(10, 10), 0.35)
    assert second.used_cost == bound.cost == 0.35, "as told, not by the price of tokens"
    bound.give_up(second)
    bound.settle(first, Usage(10, 10), None)
    assert bound.cost == 0.75
    with pytest.raises(OverBudget, match=r"an ask may cost \$0.4000"):
        bound.reserve(1)


def test_an_ask_waits_for_what_those_in_flight_may_leave() -> None:
    bound = budget(tokens=2000)
    first = bound.reserve(1000)
    sent = threading.Event()

    def second() -> None:
        bound.settle(bound.reserve(1000), Usage(500, 10), None)
        sent.set()

    worker = threading.Thread(target=second)
    worker.start()
    assert not sent.wait(0.1)
    bound.settle(first, Usage(300, 20), 0.4)
    assert sent.wait(5)
    worker.join()
    assert bound.tokens == 830


def test_asks_that_look_alike_are_told_apart() -> None:
    bound = budget(tokens=10_000)
    first, second = bound.reserve(1000), bound.reserve(1000)
    bound.settle(second, Usage(10, 1), 0.0)
    bound._own.slot = first
    bound.count(Usage(5, 1))
    bound.settle(first, Usage(15, 2), 0.0)
    assert bound.tokens == 28


def test_tries_that_fail_are_counted_and_may_use_the_budget_up() -> None:
    bound = budget(tokens=2000)
    slot = bound.reserve(1000)
    bound.count(Usage(800, 40))
    bound.allow()
    bound.count(Usage(800, 40))
    with pytest.raises(OverBudget):
        bound.allow()
    bound.give_up(slot)
    assert bound.tokens == 1680 and slot.used.total == 1680 and slot.used_cost == price("", slot.used)


def test_an_unknown_cost_counts_as_the_most_that_it_may_be() -> None:
    bound = budget(cost=3.0)
    bound.settle(bound.reserve(1000), Usage(100, 10), None)
    with pytest.raises(OverBudget, match=r"\$2\.5000 of \$3 are spent"):
        bound.reserve(1000)


asks = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400), st.integers(0, 100)), max_size=30)


@settings(max_examples=40)
@given(asks, st.integers(0, 3000), st.integers(1, 8))
def test_no_interleaving_goes_over_a_cap(wanted: list[tuple[int, int, int]], most: int, workers: int) -> None:
    bound = budget(tokens=most, cost=most / 400)

    def ask(row: tuple[int, int, int]) -> None:
        prompt, cut, answer = row
        try:
            slot = bound.reserve(prompt)
        except OverBudget:
            return
        used = Usage(prompt, answer)
        if cut % 3 == 0:
            bound.count(Usage(prompt, cut % 100))
            used = used + Usage(prompt, cut % 100)
            try:
                bound.allow()
            except OverBudget:
                bound.give_up(slot)
                return
        bound.settle(slot, used, price("", used))

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(ask, wanted))
    assert bound.tokens <= most and bound.cost <= most / 400 + 1e-6


# --- through the command line -------------------------------------------------------------------------------------


def test_a_build_that_its_budget_stops_exits_with_4_and_goes_on_from_there(box: Sandbox) -> None:
    stopped = box.br("build", "--max-asks", "1")
    assert stopped.code == 4 and box.asked == 1, stopped.out
    assert "error: stopped by the budget: 1 ask sent, 1 allowed" in stopped.out
    assert "not asked for: the budget does not allow it" in stopped.out and "asks        1 sent" in stopped.out
    assert "built" in stopped.out, "what was paid for is verified all the same"
    done = box.br("build")
    assert done.code == 0 and box.asked == 2 and len(box.tree()) == 6


def test_a_cap_on_asks_holds_with_several_workers(box: Sandbox) -> None:
    stopped = box.br("build", "--max-asks", "1", "-j", "4")
    assert stopped.code == 4 and box.asked == 1, stopped.out
    assert box.br("build", "-j", "4").code == 0 and box.asked == 2


def test_caps_stand_in_br_toml_and_the_command_line_goes_before_it(box: Sandbox) -> None:
    box.write("br.toml", "[budget]\nmax_tokens = 100\n")
    stopped = box.br("build")
    assert stopped.code == 4 and box.asked == 0
    assert "0 of 100 tokens are spent, and an ask may take 3" in stopped.out
    assert box.br("build", "--max-tokens", "200000").code == 0


def test_a_cap_in_dollars_needs_a_price(box: Sandbox) -> None:
    box.write("br.toml", '[build]\nmodel = "some-other-model"\n')
    refused = box.br("build", "--max-cost", "1")
    assert refused.code == 3 and "the price of some-other-model is unknown" in refused.out and box.asked == 0
    box.write("br.toml", "")
    assert box.br("build", "--max-cost", "0.01").code == 4 and box.asked == 0
    assert box.br("build", "--max-cost", "5").code == 0


def test_the_first_paid_run_without_a_cap_shows_the_forecast_and_asks(box: Sandbox) -> None:
    far = {"ANTHROPIC_BASE_URL": "http://model.invalid"}
    refused = box.br("build", env=far)
    assert refused.code == 3 and "--yes" in refused.out
    assert "first paid run of this project, and nothing caps it: 3 tasks, 2 asks, 8 with every" in refused.out
    assert "about $0.1" in refused.out and "`br plan` tells what that rests on" in refused.out
    capped = box.br("build", "arithmetic", "--max-cost", "0.0001", env=far)
    assert capped.code == 4 and "stopped by the budget" in capped.out, "who caps is not asked"
    failed = box.br("build", "arithmetic", "--yes", env=far)
    assert failed.code == 2 and "no whole reply from http://model.invalid" in failed.out, failed.out
    assert box.br("build").code == 0, "an endpoint on this machine is nobody's bill"
    box.edit("PROJECT_SPEC.md", "Adding two numbers", "Adding two whole numbers")
    assert "first paid run" not in box.br("build", env=far).out


def test_a_plan_is_not_asked_for_before_that_either(box: Sandbox) -> None:
    box.write("br.toml", '[plan]\nplanner = "model"\n')
    far = {"ANTHROPIC_BASE_URL": "http://model.invalid"}
    for words in (["plan"], ["build"]):
        refused = box.br(*words, env=far)
        assert refused.code == 3 and "a plan is asked for first, from a specification of at most" in refused.out
    assert box.br("plan", "--max-tokens", "10", env=far).code == 4


def test_what_cut_replies_cost_is_in_the_sum_even_where_no_reply_comes(box: Sandbox, model: ModelServer) -> None:
    model.faults = ["cut"] * 4
    failed = box.br("build", "arithmetic")
    assert failed.code == 2 and box.asked == 4
    assert "tokens      404" in failed.out and "asks        1 sent" in failed.out
    assert "spent: 0 asks, 1 without an answer, 404 tokens (400 in, 4 out), $0.0008" in box.br("status").out
    assert "1 ask, 404 tokens, $0.0008" in box.br("log").out


def test_a_project_names_prices_of_its_own(box: Sandbox) -> None:
    box.write("br.toml", '[build]\nmodel = "house-model"\n')
    refused = box.br("build", "--max-cost", "1")
    assert refused.code == 3 and "the price of house-model is unknown" in refused.out
    box.write("rules/prices.yaml", 'house-model:\n  - {from: "2026-01-01", in: 1, out: 2, write: 1, read: 1}\n')
    built = box.br("build", "--max-cost", "1")
    assert built.code == 0 and "cost        $0.0004" in built.out, built.out
    box.write("rules/prices.yaml", "house-model:\n  - {from: 2026-01-01, in: much}\n")
    box.edit("PROJECT_SPEC.md", "Adding two numbers", "Adding numbers")
    bad = box.br("plan")
    assert bad.code == 3 and "rules/prices.yaml:2:3" in bad.out and "Traceback" not in bad.out, bad.out


def test_a_repair_is_within_the_budget_too(box: Sandbox, model: ModelServer) -> None:
    model.files = {**FILES, "calc/adding.py": "def add(a: int, b: int) -> int:\n    return a - b\n"}
    stopped = box.br("build", "arithmetic", "--max-asks", "1")
    assert stopped.code == 4 and box.asked == 1
    assert "the budget does not allow its repair; its best attempt (1) is kept in" in stopped.out
    model.files = dict(FILES)
    assert box.br("build", "arithmetic").code == 0
