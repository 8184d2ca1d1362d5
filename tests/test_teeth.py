"""Tests that would pass without the code: found by emptying the functions that they are for."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import contract, task
from hypothesis import given
from hypothesis import strategies as st
from test_checks import check, said

from brengine import interface
from brengine.checks import emptying

CODE = "def f(a, b=1):\n    if a:\n        return b\n    return 0\n\n\ndef g(a):\n    return a\n"
GOOD = "from pkg.a import f, g\n\n\ndef test_f():\n    assert f(1) == 1\n    assert f(0) == 0\n    assert g(3) == 3\n"
CALLS = "f(1), f(0), g(3)"
F = contract("f", text="def f(a, b=1)")
A = task("a", targets=("pkg/a.py",), tests=("tests/test_a.py",), defines=(F, contract("g", text="def g(a)")))

# As a lying author would hand them in: everything runs and is covered, and nothing is asserted.
LYING = {
    "asserts nothing": f"def test_f():\n    {CALLS}\n",
    "asserts a constant": f"def test_f():\n    {CALLS}\n    assert True\n",
    "asserts a tuple": f"def test_f():\n    {CALLS}\n    assert bool((f(1) == 2, 'no'))\n",
    "swallows": f"def test_f():\n    try:\n        {CALLS}\n        assert 0\n    except Exception:\n        pass\n",
    "swallows all": f"def test_f():\n    try:\n        {CALLS}\n        assert 0\n    except:\n        pass\n",
    "or True": f"def test_f():\n    {CALLS}\n    assert f(1) == 7 or True\n",
    "is not None": "def test_f():\n    assert f(1) is not None and f(0) is not None and g(3) is not None\n",
    "compares with itself": "def test_f():\n    r = [f(1), f(0), g(3)]\n    assert r == r\n",
    "exits well": f"import os\n\n\ndef test_f():\n    {CALLS}\n\n\ndef teardown_module():\n    pass\n",
}


@pytest.mark.parametrize("name", LYING)
def test_promise_1_tests_that_prove_nothing_are_refused(tmp_path: Path, name: str) -> None:
    verdict = check(tmp_path, A, {"pkg/a.py": CODE, "tests/test_a.py": f"from pkg.a import f, g\n\n\n{LYING[name]}"})
    assert not verdict.passed and not verdict.errored
    assert "[teeth] pkg/a.py: the tests pass with all functions" in said(verdict), said(verdict)


def test_good_tests_pass_and_it_is_told_how_many_variants_they_noticed(tmp_path: Path) -> None:
    verdict = check(tmp_path, A, {"pkg/a.py": CODE, "tests/test_a.py": GOOD})
    assert verdict.passed, said(verdict)
    (evidence,) = [e for e in verdict.evidence if e.check == "teeth"]
    assert (evidence.status, evidence.executed, evidence.failed) == ("passed", 4, 0)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["a.py", "test_a.py"], "nothing is left behind"


def test_a_contract_that_no_test_looks_at_is_named(tmp_path: Path) -> None:
    half = GOOD.replace("    assert g(3) == 3\n", "    g(3)\n")
    verdict = check(tmp_path, A, {"pkg/a.py": CODE, "tests/test_a.py": half})
    assert said(verdict).startswith("[teeth] pkg/a.py: the tests pass with g emptied"), said(verdict)


def test_what_the_gate_does_not_ask_for_is_not_run(tmp_path: Path) -> None:
    verdict = check(
        tmp_path, A, {"pkg/a.py": CODE, "tests/test_a.py": f"from pkg.a import f, g\n\n\n{LYING['or True']}"}, teeth=0
    )
    assert verdict.passed and "teeth" not in {e.check for e in verdict.evidence}


def test_code_that_hangs_when_it_is_emptied_is_noticed(tmp_path: Path) -> None:
    code = "def f(a):\n    return a - 1\n"
    tests = "from pkg.a import f\n\n\ndef test_f():\n    n = 3\n    while n != 0:\n"
    tests += "        n = f(n) if isinstance(n, int) else n\n    assert n == 0\n"
    one = task("a", targets=("pkg/a.py",), tests=("tests/test_a.py",), defines=(contract("f", text="def f(a)"),))
    assert check(tmp_path, one, {"pkg/a.py": code, "tests/test_a.py": tests}, seconds=3).passed


def test_a_command_line_that_is_tested_by_running_it_is_emptied_too(tmp_path: Path) -> None:
    code = (
        "import sys\n\n\ndef main():\n    print('hello', *sys.argv[1:])\n\n\nif __name__ == '__main__':\n    main()\n"
    )
    runs = "import subprocess\nimport sys\n\nfrom pkg import a\n\n\ndef test_main(capsys):\n"
    runs += "    ran = subprocess.run([sys.executable, '-m', 'pkg.a', 'x'], capture_output=True, text=True)\n"
    runs += "    assert ran.stdout == 'hello x\\n'\n    a.main()\n"
    one = task("a", targets=("pkg/a.py",), tests=("tests/test_a.py",), defines=(contract("main", text="def main()"),))
    verdict = check(tmp_path, one, {"pkg/a.py": code, "tests/test_a.py": runs}, coverage=60)
    assert verdict.passed, said(verdict)


def test_constants_alone_have_nothing_to_empty(tmp_path: Path) -> None:
    one = task("a", targets=("pkg/a.py",), tests=("tests/test_a.py",))
    tests = "from pkg.a import LIMIT\n\n\ndef test_limit():\n    assert LIMIT == 3\n"
    verdict = check(tmp_path, one, {"pkg/a.py": "LIMIT = 3\n", "tests/test_a.py": tests})
    (evidence,) = [e for e in verdict.evidence if e.check == "teeth"]
    assert verdict.passed and evidence.status == "not applicable" and "no function" in evidence.reason


SOURCE = '''
import abc
from typing import overload

class Base(abc.ABC):
    @abc.abstractmethod
    def must(self): return 1
    def works(self): return 2
    def idle(self): """Nothing."""
    class Inner:
        def deep(self):
            yield 1

@overload
def many(a: int) -> int: ...
def many(a): return a
async def later(): return 3
if True:
    def hidden(): return 4
'''


def test_what_can_be_emptied_is_what_does_something() -> None:
    assert emptying.functions(SOURCE) == ("Base.works", "Base.Inner.deep", "many", "later", "hidden")
    gone = emptying.emptied(SOURCE, "answering nothing of use")
    assert gone and "return 2" not in gone.text and "return 1" in gone.text, "an abstract method stays"
    one = emptying.emptied(SOURCE, "raising", "later")
    assert one and one.names == ("later",) and "return 2" in one.text
    assert emptying.emptied("X = 1\n", "raising") is None and emptying.emptied("def f(:\n", "raising") is None


@given(st.sampled_from(sorted((Path(__file__).parent.parent / "brengine").rglob("*.py"))), st.booleans())
def test_emptied_sources_parse_and_keep_their_surface(path: Path, raising: bool) -> None:
    text = path.read_text(encoding="utf-8")
    made = emptying.emptied(text, "raising" if raising else "answering nothing of use")
    if made:
        assert interface.parse(made.text) and interface.names(made.text) == interface.names(text)
        assert interface.stub(made.text).replace("  #", "") != "" or not interface.stub(text)
