"""The graph of a plan as a tree, for drawing tools, and for machines."""

from __future__ import annotations

import json

from builders import task
from sandbox import Sandbox

from brengine import graph_report
from brengine.batch import batches
from brengine.domain import Plan, Spec

TASKS = (
    task("base", complexity="complex"),
    task("left", needs=["base"], complexity="complex"),
    task("right", needs=["base"], complexity="complex"),
    task("top", needs=["left", "right"], complexity="complex"),
)
PLAN = Plan(Spec("s.md", "S", ()), TASKS, batches(TASKS))
STATES = {"f.base": "done", "f.left": "stale", "f.right": "stale", "f.top": "stale"}


def lines(form: graph_report.Form, level: graph_report.Level = "task") -> list[str]:
    return list(graph_report.rendered(graph_report.nodes(PLAN, STATES, level), form))


def test_a_tree_opens_every_node_once() -> None:
    assert lines("tree") == [
        "f.top  [stale]",
        "├─ f.left  [stale]",
        "│  └─ f.base  [done]",
        "└─ f.right  [stale]",
        "   └─ f.base  [done]",
    ]


def test_drawing_tools_get_every_node_and_edge_once() -> None:
    dot = lines("dot")
    assert dot[0] == "digraph plan {" and dot[-1] == "}" and '  "f.base" -> "f.left";' in dot
    assert sum(" -> " in row for row in dot) == 4 and sum("label=" in row for row in dot) == 4
    mermaid = lines("mermaid")
    assert mermaid[0] == "graph LR" and sum("-->" in row for row in mermaid) == 4


def test_features_stand_for_their_tasks() -> None:
    (row,) = json.loads("\n".join(lines("json", "feature")))
    assert row["id"] == "f" and row["needs"] == [] and row["state"] == "done, stale"


def test_br_graph_shows_what_a_target_needs(box: Sandbox) -> None:
    told = box.br("graph", "doubling")
    assert told.code == 0 and "rendering" not in told.out
    assert told.out.splitlines()[1].startswith("└─ arithmetic.add-adding  ["), told.out
    by_feature = box.br("graph", "--by", "feature").out.splitlines()
    assert [row.split("  ")[0] for row in by_feature] == ["reports", "└─ arithmetic"], by_feature
    assert json.loads(box.br("graph", "--by", "batch", "--format", "json").out)[0]["needs"] == []
