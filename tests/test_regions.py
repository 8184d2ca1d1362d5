"""One file from regions, data files as they are told, and texts from a model that are no plan."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brengine import assembling, interface
from brengine.errors import InputError
from brengine.plans import files, profile, replies
from brengine.source import Source

FIRST = '''\
"""Doc."""

from __future__ import annotations

import re
from pkg.errors import B, A

# about X
class X:
    y = 1
'''
SECOND = """\
import os.path as p
from pkg.errors import C, A
from pkg.fields import X


def z() -> X:
    return X()
"""


def test_imports_come_first_and_once_and_bodies_in_order() -> None:
    made = assembling.assemble({"pkg/fields.py#10_x": FIRST, "pkg/fields.py#20_z": SECOND})
    assert made.text == (
        '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os.path as p\nimport re\n'
        "from pkg.errors import A, B, C\n\n\n# about X\nclass X:\n    y = 1\n\n\ndef z() -> X:\n    return X()\n"
    )
    assert not made.findings
    lines = made.text.split("\n")
    first, last = made.ranges["pkg/fields.py#20_z"]
    assert lines[first - 1 : last] == ["def z() -> X:", "    return X()"]


@pytest.mark.parametrize(
    ("second", "said"),
    [("class X:\n    pass\n", "X is defined in f.py#1 already"), ("    def half(self):\n", "does not parse by itself")],
)
def test_a_name_twice_and_half_a_class_are_refused(second: str, said: str) -> None:
    found = assembling.assemble({"f.py#1": "class X:\n    pass\n", "f.py#2": second}).findings
    assert [finding.path for finding in found] == ["f.py#2"] and said in found[0].message


NAMES = st.lists(st.sampled_from("abcdefghij"), unique=True, min_size=1, max_size=6)


@given(NAMES, st.lists(st.sampled_from(["import re", "from os import path, sep", "import re as r"]), max_size=3))
def test_a_file_put_together_parses_and_has_every_name_of_its_regions(names: list[str], imports: list[str]) -> None:
    head = "\n".join(imports)
    parts = {f"m.py#{n}": f"{head}\n\n\ndef {name}():\n    return {n}\n" for n, name in enumerate(names)}
    made = assembling.assemble(parts)
    assert not made.findings and set(names) <= set(interface.names(made.text))
    ast.parse(made.text)
    order = [made.text.index(f"def {name}()") for name in names]
    assert order == sorted(order)


def test_a_tree_is_completed_only_where_it_has_regions() -> None:
    tree = {"a.py": b"x = 1\n", "b.py#1": b"y = 2\n"}
    assert assembling.complete(tree) == () and tree == {"a.py": b"x = 1\n", "b.py#1": b"y = 2\n", "b.py": b"y = 2\n"}


# --- the workspace ------------------------------------------------------------------------------------------------


def test_data_files_are_told_by_their_shape_and_first_records() -> None:
    table = profile.data("d/rates.csv", b"zone,name,cents\n1,North,250\n2,South,433\n2,South,\n3,East,9\n")
    assert table.split("\n")[0] == (
        "data d/rates.csv, 4 records; columns zone: number 1 to 3; name: text, 3 different (North, South, East…); "
        "cents: number 9 to 433, some empty"
    )
    assert table.split("\n")[1:] == ["  1,North,250", "  2,South,433", "  2,South,"]
    assert "JSON list of 2" in profile.data("a.json", b'[{"a": 1}, {"a": 2}]')
    assert "object of 1 keys" in profile.data("a.json", b'{"a": 1}')
    assert "not in a known form" in profile.data("a.json", b"{broken")
    assert "2 JSON lines" in profile.data("a.jsonl", b'{"a": 1}\n{"a": 2}\n')


def test_a_profile_keeps_to_its_limit_and_names_what_it_leaves_out() -> None:
    own = {f"data/{n}.csv": b"a,b\n" + b"1,2\n" * 50 for n in range(40)}
    own["lib/mod.py"] = b"def f(a: int) -> int:\n    return a\n"
    own["tests/test_given.py"] = b"from shop import total\n\n\ndef test_total():\n    assert total([]) == 0\n"
    text = profile.profile(own, 1_000)
    assert "and " in text.split("\n\n")[-1] and "more files" in text
    roomy = profile.profile(own, 100_000)
    assert "module lib/mod.py\ndef f(a: int) -> int" in roomy
    assert "given test tests/test_given.py\nfrom shop import total\ntests: test_total" in roomy


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.json", "a.tsv", "a.txt", "a.jsonl"]))
def test_any_data_file_is_survived(content: bytes, path: str) -> None:
    assert path in profile.data(path, content)


# --- untrusted answers --------------------------------------------------------------------------------------------


@given(st.text(max_size=300))
def test_any_text_is_a_plan_file_or_an_error_with_a_place(text: str) -> None:
    for body in (text, f"plan: a\nversion: 1\ntasks:\n  - id: {text}"):
        try:
            files.load(Source("plan/a.yaml", body))
        except InputError as error:
            assert error.diagnostics and all(found.path == "plan/a.yaml" for found in error.diagnostics)


@given(st.text(max_size=300))
def test_any_answer_is_survived(text: str) -> None:
    replies.questions(text)
    replies.notes(text, "end_turn")
    replies.seams(text, ["a.b"])
    assert replies.written(text, "end_turn", "abc", ["plan/a.yaml"], {}).findings


def test_a_plan_in_the_file_of_another_feature_is_refused() -> None:
    text = "plan: b\nversion: 1\ntasks: [{id: b.x, name: X, targets: [x.py]}]\n"
    assert "it is the plan of 'a'" in replies.of_texts({"plan/a.yaml": text}).findings[0]
