"""Batches: sizes, domains, convexity, order and stability."""

from __future__ import annotations

import networkx as nx
from builders import contract, task
from hypothesis import given
from hypothesis import strategies as st

from brengine import graph
from brengine.batch import CAPACITY, MAX_MINUTES, batches
from brengine.domain import Task


def test_simple_tasks_of_one_layer_go_three_to_a_batch() -> None:
    made = batches([task(name) for name in "abcd"])
    assert [batch.tasks for batch in made] == [("f.a", "f.b", "f.c"), ("f.d",)]


def test_the_most_complex_member_sets_the_size() -> None:
    made = batches([task("a", complexity="medium"), task("b"), task("c")])
    assert sorted(len(batch.tasks) for batch in made) == [1, 2]
    assert len(batches([task("a", complexity="complex"), task("b", complexity="complex")])) == 2


def test_minutes_bound_a_batch() -> None:
    made = batches([task(name, minutes=120) for name in "abc"])
    assert [len(batch.tasks) for batch in made] == [2, 1]


def test_domains_and_layers_are_not_mixed() -> None:
    made = batches([task("a", domain="database"), task("b", domain="backend"), task("c", layer="Other")])
    assert [len(batch.tasks) for batch in made] == [1, 1, 1]


def test_a_batch_is_named_after_its_members_and_titled_by_its_layer() -> None:
    (batch,) = batches([task("a", layer="Database layer"), task("b", layer="Database layer")])
    assert (batch.id, batch.title) == ("f.a+b", "Database layer")


def test_a_task_is_not_asked_together_with_a_need_whose_contracts_are_unstated() -> None:
    assert len(batches([task("a"), task("b", needs=["a"])])) == 2
    assert len(batches([task("a", defines=(contract("f"),)), task("b", needs=["a"])])) == 1


def test_a_path_that_leaves_and_reenters_splits_the_batch() -> None:
    tasks = [task("a"), task("b", needs=["a"], layer="Other"), task("c", needs=["a", "b"])]
    assert sorted(batch.tasks for batch in batches(tasks)) == [("f.a",), ("f.b",), ("f.c",)]


def test_high_priority_goes_first_then_the_longest_remaining_path() -> None:
    tasks = [
        task("a", feature="x"),
        task("b", feature="y"),
        task("c", feature="y", needs=["b"], layer="Next"),
        task("d", feature="z", priority="high"),
    ]
    assert [batch.id for batch in batches(tasks)] == ["z.d", "y.b", "x.a", "y.c"]


@st.composite
def plans(draw: st.DrawFn) -> list[Task]:
    count = draw(st.integers(1, 14))
    made: list[Task] = []
    for number in range(count):
        feature = draw(st.sampled_from(["f", "g"]))
        allowed = [t.id for t in made if t.feature == feature or feature == "g"]
        needs = draw(st.lists(st.sampled_from(allowed), max_size=3, unique=True)) if allowed else []
        layer = draw(st.sampled_from(["A", "B"]))
        complexity = draw(st.sampled_from(["simple", "medium", "complex"]))
        minutes = draw(st.sampled_from([60, 90, 120]))
        made.append(
            task(f"t{number}", feature=feature, needs=needs, layer=layer, complexity=complexity, minutes=minutes)
        )
    return made


@given(plans())
def test_batches_are_whole_small_acyclic_and_in_order(tasks: list[Task]) -> None:
    made = batches(tasks)
    assert sorted(name for batch in made for name in batch.tasks) == sorted(t.id for t in tasks)
    by_id = {t.id: t for t in tasks}
    seen: set[str] = set()
    for batch in made:
        members = [by_id[name] for name in batch.tasks]
        assert len(members) <= min(CAPACITY[m.complexity] for m in members)
        assert sum(m.minutes for m in members) <= MAX_MINUTES
        assert len({(m.feature, m.domain, m.layer) for m in members}) == 1
        assert set(batch.needs) <= seen
        seen.add(batch.id)


@given(plans(), st.integers(0, 3))
def test_an_edit_in_one_feature_moves_no_batch_of_another(tasks: list[Task], extra: int) -> None:
    before = [b for b in batches(tasks) if b.feature == "f"]
    added = [task(f"new{number}", feature="g", layer="A") for number in range(extra)]
    after = [b for b in batches([*added, *tasks]) if b.feature == "f"]
    assert sorted(b.tasks for b in before) == sorted(b.tasks for b in after)


@given(plans())
def test_order_and_remaining_agree_with_brute_force(tasks: list[Task]) -> None:
    edges = {t.id: [need.task for need in t.needs] for t in tasks}
    order = graph.order(edges)
    assert all(order.index(need) < order.index(name) for name, needs in edges.items() for need in needs)
    left = graph.remaining(edges, {t.id: t.minutes for t in tasks})
    up = nx.DiGraph((need, name) for name, needs in edges.items() for need in needs)
    up.add_nodes_from(edges)
    minutes = {t.id: t.minutes for t in tasks}
    for name in edges:
        paths = [[name], *(path for end in nx.descendants(up, name) for path in nx.all_simple_paths(up, name, end))]
        assert left[name] == max(sum(minutes[node] for node in path) for path in paths)
        assert set(graph.closure(edges, [name])) == {name, *nx.ancestors(up, name)}
