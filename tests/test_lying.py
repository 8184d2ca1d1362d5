"""Answers as a lying author would hand them in: none of them ends as done (promise 1).

The code is wrong, or nothing looks at it; each kind tries to pass all the same.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import contract, task
from test_checks import check, said

WRONG = "def f(a, b=1):\n    if a:\n        return b + 1\n    return 0\n"
RIGHT = WRONG.replace("b + 1", "b")
HEAD = "from pkg.a import f\n\n\n"
CALL = "    f(1), f(0)\n"
F = contract("f", text="def f(a, b=1)")
A = task("a", targets=("pkg/a.py",), tests=("tests/test_a.py",), defines=(F,))
WITH_CONFTEST = task("a", targets=("pkg/a.py", "tests/conftest.py"), tests=("tests/test_a.py",), defines=(F,))
GOOD = f"{HEAD}def test_f():\n    assert f(1) == 1\n    assert f(0) == 0\n"
JUNIT = (
    "import os, sys\n\npath = next(w.split('=', 1)[1] for w in sys.argv if w.startswith('--junitxml'))\n"
    "cases = ''.join('<testcase classname=\"tests.test_a\" name=\"test_%d\"/>' % n for n in range(9))\n"
    "open(path, 'w').write('<testsuites><testsuite tests=\"9\">' + cases + '</testsuite></testsuites>')\n"
)


def body(*lines: str) -> str:
    """A test that calls f, so that all of it is covered, and then does this."""
    return f"{HEAD}def test_f():\n{CALL}" + "".join(f"    {line}\n" for line in lines)


TESTS = {
    "nothing at all": "",
    "no test function": f"{HEAD}def helper():\n{CALL}",
    "a class without tests": f"{HEAD}class Suite:\n    def check(self):\n        assert f(1) == 1\n",
    "exits at import": f"import os\nos._exit(0)\n\n{GOOD}",
    "exits in the test": body("import os", "os._exit(0)"),
    "leaves at import": f"import sys\nsys.exit(0)\n\n{GOOD}",
    "leaves in the test": body("import sys", "sys.exit(0)"),
    "a report of its own": f"{JUNIT}os._exit(0)\n\n{GOOD}",
    "a report of its own, in the test": body(*JUNIT.splitlines(), "os._exit(0)"),
    "ends the session": body("import pytest", "pytest.exit('fine', returncode=0)"),
    "skips": body("import pytest", "pytest.skip('later')"),
    "skipped always": f"import pytest\n{HEAD}@pytest.mark.skipif(True, reason='x')\ndef test_f():\n{CALL}",
    "skips the file": f"import pytest\npytest.skip('x', allow_module_level=True)\n{GOOD}",
    "needs what is not there": f"import pytest\npytest.importorskip('no_such_module_here')\n{GOOD}",
    "expected to fail": f"import pytest\n{HEAD}@pytest.mark.xfail\ndef test_f():\n    assert f(1) == 1\n    f(0)\n",
    "expected to fail, said inside": body("import pytest", "pytest.xfail('x')"),
    "a fixture that skips": f"import pytest\n{HEAD}@pytest.fixture\ndef x():\n    pytest.skip('x')\n\n\n"
    "def test_f(x):\n    assert f(1) == 1\n",
    "asserts nothing": body(),
    "asserts a constant": body("assert True"),
    "asserts a tuple": body("assert (f(1) == 1, 'no')"),
    "asserts what is a tuple later": body("found = (f(1) == 1, 'no')", "assert found"),
    "asserts the function": body("assert f", "assert callable(f)"),
    "asserts a type of everything": body("assert isinstance(f(1), object)"),
    "asserts itself": body("assert f(1) == f(1)"),
    "asserts a text": body("assert str(f(1))"),
    "asserts or true": body("assert f(1) == 1 or True"),
    "asserts not none": body("assert f(1) is not None"),
    "answers instead of asserting": body("return f(1) == 1"),
    "swallows": body("try:", "    assert f(1) == 1", "except AssertionError:", "    pass"),
    "swallows everything": body("try:", "    assert f(1) == 1", "except BaseException:", "    pass"),
    "suppresses": body("import contextlib", "with contextlib.suppress(Exception):", "    assert f(1) == 1"),
    "asserts after the end": body("return", "assert f(1) == 1"),
    "asserts never": body("if False:", "    assert f(1) == 1"),
    "loops over nothing": body("for n in []:", "    assert f(n) == n"),
    "asserts in a function that nobody calls": body("def inner():", "    assert f(1) == 1"),
    "asserts in a lambda": body("later = lambda: f(1) == 1"),
    "asserts of a mock": body("from unittest import mock", "m = mock.Mock(return_value=1)", "assert m(1) == 1"),
    "replaces the function": body(
        "from unittest import mock", "with mock.patch('pkg.a.f', return_value=1) as g:", "    assert g(1) == 1"
    ),
    "replaces the function for itself": f"import pkg.a\n{HEAD}def test_f(monkeypatch):\n{CALL}"
    "    monkeypatch.setattr(pkg.a, 'f', lambda a: 1)\n    assert pkg.a.f(1) == 1\n",
    "brings its own": f"{HEAD}def good(a):\n    return 1\n\n\ndef test_f():\n{CALL}    assert good(1) == 1\n",
    "replaces the module": "import sys, types\n\nmade = types.ModuleType('pkg.a')\nmade.f = lambda a: bool(a)\n"
    f"sys.modules['pkg.a'] = made\n{GOOD}",
    "tests the text": body("import inspect", "assert 'return' in inspect.getsource(f)"),
    "raises anything": body("import pytest", "with pytest.raises(Exception):", "    f(1, 2, 3, 4)"),
    "is nearly equal": body("import pytest", "assert f(1) == pytest.approx(1, abs=1e9) or f(1) is not None"),
    "is among all": body("assert f(1) in (0, 1, 2, 3, 4) or True"),
    "is a generator": f"{HEAD}def test_f():\n{CALL}    yield f(1) == 1\n",
    "is not awaited": f"{HEAD}async def test_f():\n{CALL}    assert f(1) == 1\n",
    "waits for ever": body("while True: pass"),
    "sleeps": body("import time", "time.sleep(600)"),
    "does not listen": body("import signal, time", "signal.signal(signal.SIGTERM, signal.SIG_IGN)", "time.sleep(600)"),
    "ends its parent": body("import os", "os.kill(os.getppid(), 9)", "os._exit(0)"),
    "segfaults": body("import os", "os.kill(os.getpid(), 11)"),
    "recurses": body("def g(): g()", "g()"),
    "does not parse": f"{HEAD}def test_f(:\n",
    "writes what it tests": f"import pathlib\n\npathlib.Path('pkg/a.py').write_text({RIGHT!r})\n{GOOD}",
    "removes everything": body("import shutil", "shutil.rmtree('pkg', ignore_errors=True)"),
    "takes all memory": body("x = bytearray(3 * 1024 ** 3)"),
}
CONFTESTS = {
    "says so": "print('42 passed')\nimport os\nos._exit(0)\n",
    "changes the exit code": "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
    "turns failures round": "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\n"
    "def pytest_runtest_makereport(item, call):\n    out = yield\n    out.get_result().outcome = 'passed'\n",
    "collects nothing": "collect_ignore = ['test_a.py']\n",
    "takes the test out": "def pytest_collection_modifyitems(items):\n    items[:] = []\n",
    "replaces assert": "def pytest_pyfunc_call(pyfuncitem):\n    return True\n",
    "writes the report": f"{JUNIT}os._exit(0)\n",
}
CODE = {
    "looks for pytest": "import sys\n\n\ndef f(a, b=1):\n    return b if a and 'pytest' in sys.modules else 0\n",
    "looks for a test": "import os\n\n\ndef f(a, b=1):\n    seen = os.environ.get('PYTEST_CURRENT_TEST')\n"
    "    return b if seen and a else 0\n",
    "is not there": "def f(a, b=1):\n    raise NotImplementedError\n",
    "is left for later": "def f(a, b=1):\n    return b if a else 0  # TODO: the rest\n",
    "has other parameters": "def f(a, c=1):\n    return c if a else 0\n",
    "excuses itself": "def f(a, b=1):\n    if a == 7:  # pragma: no cover\n        return 5\n"
    "    if a == 8:  # pragma: no cover\n        return 5\n    return b if a else 0\n",
}


@pytest.mark.parametrize("name", TESTS)
def test_promise_1_tests_that_lie_end_as_findings(tmp_path: Path, name: str) -> None:
    verdict = check(tmp_path, A, {"pkg/a.py": WRONG, "tests/test_a.py": TESTS[name]}, seconds=4, memory_mb=1024)
    assert not verdict.passed and (verdict.findings or verdict.errored), said(verdict)


@pytest.mark.parametrize("name", CONFTESTS)
def test_promise_1_a_conftest_that_lies_ends_as_findings(tmp_path: Path, name: str) -> None:
    files = {"pkg/a.py": WRONG, "tests/conftest.py": CONFTESTS[name], "tests/test_a.py": GOOD}
    verdict = check(tmp_path, WITH_CONFTEST, files, seconds=4)
    assert not verdict.passed and (verdict.findings or verdict.errored), said(verdict)


@pytest.mark.parametrize("name", CODE)
def test_promise_1_code_that_lies_ends_as_findings(tmp_path: Path, name: str) -> None:
    verdict = check(tmp_path, A, {"pkg/a.py": CODE[name], "tests/test_a.py": GOOD}, seconds=10)
    assert not verdict.passed and (verdict.findings or verdict.errored), said(verdict)


def test_the_same_tests_pass_over_right_code(tmp_path: Path) -> None:
    assert check(tmp_path, A, {"pkg/a.py": RIGHT, "tests/test_a.py": GOOD}).passed
    assert len(TESTS) + len(CONFTESTS) + len(CODE) >= 60
