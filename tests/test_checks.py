"""Commands within limits, and checks that judge by running: real pytest, real coverage, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders import contract, task

from brengine import interface
from brengine.checks import unfinished
from brengine.checks.suite import Suite
from brengine.commands import Door
from brengine.domain import Task
from brengine.errors import EngineError
from brengine.ports import CommandResult, Limits, Subject
from brengine.verdict import Gates, Verdict

PY = sys.executable


def run(script: str, tmp_path: Path, **limits: float) -> CommandResult:
    return Door().run([PY, "-c", script], cwd=tmp_path, limits=Limits(**{"seconds": 20, **limits}))  # type: ignore[arg-type]


def test_a_command_ends_with_its_exit_code_and_output(tmp_path: Path) -> None:
    ended = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)", tmp_path)
    assert (ended.exit_code, ended.ended, ended.stdout, ended.stderr) == (3, "exit", "out\n", "err\n")
    assert Door().run(["/no/such/program"], cwd=tmp_path, limits=Limits()).exit_code == 127
    assert run("import os; os.kill(os.getpid(), 11)", tmp_path).ended == "signal"


def test_the_environment_is_scrubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    ended = run("import os; print(sorted(os.environ)); print(os.environ['HOME'], os.environ['TMPDIR'])", tmp_path)
    assert "ANTHROPIC" not in ended.stdout and "'HOME', 'LANG'" in ended.stdout
    home, temporary = ended.stdout.splitlines()[1].split()
    assert home == temporary != os.environ["HOME"]
    run("open('/tmp/br-was-here', 'w')", tmp_path)
    assert Door().fence.name != "namespaces" or not Path("/tmp/br-was-here").exists(), "that is its own"


def test_time_is_limited(tmp_path: Path) -> None:
    start = time.monotonic()
    ended = run("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)", tmp_path, seconds=0.5)
    assert ended.ended == "timeout" and time.monotonic() - start < 10


def test_memory_is_limited(tmp_path: Path) -> None:
    ended = run("x = bytearray(800 * 1024 * 1024); print('got it')", tmp_path, memory_mb=400)
    assert ended.exit_code != 0 and "got it" not in ended.stdout


def test_output_is_limited(tmp_path: Path) -> None:
    ended = run("print('x' * 5_000_000)", tmp_path, output_bytes=1000)
    assert ended.exit_code == 0 and len(ended.stdout) == 1000


FORKS = "import os, time\nfor _ in range(30):\n    os.fork() or (time.sleep(60), os._exit(0))\ntime.sleep(60)\n"
DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork():
        os._exit(0)
    open(sys.argv[1], "w").write(str(os.getpid()))
    os.execv("/bin/sleep", [sys.argv[2], "60"])
time.sleep(0.5)
"""


def test_processes_are_limited(tmp_path: Path) -> None:
    ended = run(FORKS, tmp_path, processes=10)
    assert ended.ended == "processes"


def alive(token: str) -> bool:
    """True while a process has this word in its arguments (behind a fence, numbers of processes are others)."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if token.encode() in place.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def test_a_daemon_is_gone_when_its_command_has_ended(tmp_path: Path) -> None:
    note, token = tmp_path / "pid", f"daemon-{os.getpid()}"
    ended = Door().run([PY, "-c", DAEMON, str(note), token], cwd=tmp_path, limits=Limits(seconds=20))
    assert ended.exit_code == 0 and note.read_text().isdigit()
    assert not alive(token)


def test_a_killed_engine_leaves_no_process_behind(tmp_path: Path) -> None:
    token = f"left-{os.getpid()}"
    script = (
        "import sys; from pathlib import Path; from brengine.commands import Door; from brengine.ports import Limits\n"
        'code = \'import os, time; open("pid", "w").write(str(os.getpid())); time.sleep(60)\'\n'
        f"Door().run([sys.executable, '-c', code, '{token}'], cwd=Path('.'), limits=Limits())"
    )
    engine = subprocess.Popen([PY, "-c", script], cwd=tmp_path)
    note = tmp_path / "pid"
    wait_until(lambda: note.exists() and note.read_text().isdigit())
    assert alive(token)
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    wait_until(lambda: not alive(token))


def wait_until(condition: object) -> None:
    end = time.monotonic() + 15
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_broken_supervisor_is_an_engine_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="without a report"):
        Door("/bin/true").run([PY], cwd=tmp_path, limits=Limits())


# --- checks -------------------------------------------------------------------------------------------------------

CODE = "def f(a, b=1):\n    if a:\n        return b\n    return 0\n"
TESTS = "from pkg.a import f\n\n\ndef test_f():\n    assert f(1) == 1\n    assert f(0) == 0\n"


def check(tmp_path: Path, of: Task, files: dict[str, str | bytes], **gates: int) -> Verdict:
    for path, content in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Suite(Door(), PY).check(Subject(of, tmp_path, Gates(**{"seconds": 30, **gates})))


A = task(
    "a", targets=("pkg/a.py",), tests=("tests/test_a.py",), defines=(contract("f", text="def f(a, b=2)  # words"),)
)


def said(verdict: Verdict) -> str:
    return "\n".join(str(f) for f in verdict.findings)


def test_good_code_passes_with_evidence_of_what_ran(tmp_path: Path) -> None:
    verdict = check(tmp_path, A, {"pkg/a.py": CODE, "tests/test_a.py": TESTS})
    assert verdict.passed, said(verdict)
    assert str(tmp_path) not in repr(verdict)
    by_name = {e.check: e for e in verdict.evidence}
    assert by_name["tests"].executed == 1 and by_name["tests"].exit_code == 0
    assert by_name["coverage"].percent == 100 and by_name["components"].status == "passed"
    assert str(tmp_path) not in by_name["tests"].command and "$TMP" in by_name["tests"].command
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["a.py", "test_a.py"], "nothing is left behind"


# Tests as a lying author would hand them in, the skipped one among them: each must be refused, none is a test of ours.
LYING = {
    "no tests": ("def helper():\n    pass\n", "no test ran"),
    "red": (TESTS.replace("== 0", "== 5"), "test_f"),
    "skipped": ("import pytest\n\n\n@pytest.mark.skip\ndef test_f():\n    pass\n", "test_f is marked skip"),
    "skips itself": ("import pytest\n\n\ndef test_f():\n    pytest.skip('no')\n", "no test ran (1 skipped)"),
    "expected to fail": (TESTS.replace("def test_f", "@pytest.mark.xfail\ndef test_f"), "test_f is marked xfail"),
    "all skipped": (f"import pytest\n\npytestmark = pytest.mark.skip\n{TESTS}", "all tests of the file are skipped"),
    "a tuple": (
        "from pkg.a import f\n\n\ndef test_f():\n    f(1), f(0)\n    assert (f(1) == 2, 'no')\n",
        "always true",
    ),
    "exits": ("import os\nos._exit(0)\n", "left no report"),
    "sys exit": ("import sys\nsys.exit(0)\n", "SystemExit: 0"),
    "broken import": ("import nothing_like_this\n", "nothing_like_this"),
    "hangs": ("while True:\n    pass\n", "within the limit of 3 seconds"),
    "partial": (TESTS.replace("    assert f(0) == 0\n", ""), "66 % of lines and branches"),
    "imports nothing": ("def test_f():\n    assert True\n", "no test imports it"),
    "pragma": ("from pkg.a import f\n\n\ndef test_f():\n    assert f(1) == 1\n", "not 90 %"),
}


@pytest.mark.parametrize("name", LYING)
def test_tests_that_prove_nothing_are_findings(tmp_path: Path, name: str) -> None:
    tests, message = LYING[name]
    code = CODE.replace("return 0", "return 0  # pragma: no cover") if name == "pragma" else CODE
    verdict = check(tmp_path, A, {"pkg/a.py": code, "tests/test_a.py": tests}, seconds=3)
    assert not verdict.passed and not verdict.errored
    assert message in said(verdict), said(verdict)


def test_configuration_in_the_tree_does_not_count(tmp_path: Path) -> None:
    lax = {"pytest.ini": "[pytest]\naddopts = --collect-only\n", ".coveragerc": "[run]\nomit = *\n"}
    verdict = check(tmp_path, A, {"pkg/a.py": CODE, "tests/test_a.py": LYING["partial"][0], **lax})
    assert "lines and branches" in said(verdict)
    broken = check(tmp_path, A, {"tests/test_a.py": "import nothing_like_this\n"})
    assert str(tmp_path) not in said(broken) and sys.prefix not in said(broken), "the same on every machine"


UNFINISHED = {
    "not implemented": ("def f(a, b=1):\n    raise NotImplementedError\n", "f is not implemented"),
    "not implemented, said": ('def f(a, b=1):\n    """Words."""\n    raise NotImplementedError("later")\n', "f is not"),
    "a class of stubs": (
        f"{CODE}\n\nclass S:\n    def __init__(self):\n        self.a = 1\n\n    def run(self):\n"
        "        raise NotImplementedError\n",
        "run is not implemented",
    ),
    "does nothing": ("def f(a, b=1):\n    ...\n", "f does nothing"),
    "passes": ('def f(a, b=1):\n    """Words."""\n    pass\n', "f does nothing"),
    "note": (f"{CODE}# TODO: the rest\n", "work is left"),
    "fixme": (CODE.replace("return 0", "return 0  # fixme"), "work is left"),
}


@pytest.mark.parametrize("name", UNFINISHED)
def test_code_that_is_not_there_yet_is_a_finding(tmp_path: Path, name: str) -> None:
    code, message = UNFINISHED[name]
    verdict = check(tmp_path, A, {"pkg/a.py": code, "tests/test_a.py": TESTS})
    assert not verdict.passed and message in said(verdict) and "pkg/a.py:" in said(verdict), said(verdict)


HONEST = {
    "abstract": "import abc\n\n\nclass Base(abc.ABC):\n    @abc.abstractmethod\n    def run(self): ...\n",
    "protocol": "from typing import Protocol\n\n\nclass Runs(Protocol):\n    def run(self) -> int: ...\n",
    "old base": "class B:\n    def run(self):\n        raise NotImplementedError\n\n\n"
    "class C(B):\n    def run(self):\n        return 1\n",
    "base of other files": "class B:\n    def run(self):\n        raise NotImplementedError\n\n    def twice(self):\n"
    "        return 2 * self.run()\n",
    "handler": "class Quiet(Exception):\n    def log_message(self, *words):\n        pass\n",
    "todo list": "TODO = '# TODO: buy milk'\n\n\ndef todo():\n    return TODO  # todos are the product here\n",
}


@pytest.mark.parametrize("name", HONEST)
def test_what_is_rightly_without_a_body_is_no_finding(name: str) -> None:
    assert not list(unfinished.in_code("pkg/a.py", HONEST[name], (contract("run"), contract("todo")))), name


def test_conditional_skips_and_other_marks_are_no_finding() -> None:
    text = "import pytest\n\n\n@pytest.mark.skipif(False, reason='x')\n@pytest.mark.parametrize('a', [1])\n"
    assert not list(unfinished.in_tests("tests/test_a.py", f"{text}def test_f(a):\n    assert a\n"))


FILES = {
    "missing": ({}, "not there"),
    "syntax": ({"pkg/a.py": "def f(:\n"}, "does not parse"),
    "nul": ({"pkg/a.py": "x = '\0'\n"}, "NUL"),
    "bytes": ({"pkg/a.py": b"\xff\xfe"}, "not UTF-8"),
    "empty": ({"pkg/a.py": " \n"}, "it is empty"),
    "large": ({"pkg/a.py": "x" * (1024 * 1024 + 1)}, "larger than"),
    "long python": ({"pkg/a.py": "x = 1\n" * 40_000}, "characters of Python"),
    "bomb": ({"pkg/a.py": "x = " + "-" * 100_000 + "1\n"}, "does not parse"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_must_be_there_and_parse(tmp_path: Path, name: str) -> None:
    files, message = FILES[name]
    verdict = check(tmp_path, A, {"tests/test_a.py": TESTS, **files})
    assert message in said(verdict) and len(verdict.evidence) == 1, "nothing is run then"


def test_a_link_is_no_file_and_undeclared_files_are_findings(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/a.py").symlink_to("/etc/hostname")
    assert "not there" in said(check(tmp_path, A, {"tests/test_a.py": TESTS}))
    subject = Subject(task("x", targets=(), tests=(), kind="data"), tmp_path, Gates(), undeclared=("evil.py",))
    assert "not declared" in said(Suite(Door(), PY).check(subject))


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("a.json", "{}", "{"), ("a.toml", "a = 1", "a ="), ("a.yaml", "a: 1", "a: ["), ("a.txt", "x", "")],
)
def test_data_must_parse(tmp_path: Path, name: str, good: str, bad: str) -> None:
    of = task("x", kind="data", targets=(name,), tests=())
    assert check(tmp_path, of, {name: good}).passed
    assert not check(tmp_path, of, {name: bad}).passed


def test_a_contract_that_is_not_kept_is_a_finding(tmp_path: Path) -> None:
    verdict = check(tmp_path, A, {"pkg/a.py": "def f(a):\n    return a\n", "tests/test_a.py": TESTS})
    assert "its parameters are (a), the contract says (a, b=…)" in said(verdict)


def test_documentation_is_run_and_its_links_are_followed(tmp_path: Path) -> None:
    of = task("doc", kind="documentation", targets=("docs/a.md",), tests=())
    blocks = "```python\nfrom pkg.a import f\n```\n\n```python\n{}\n```\n"
    page = f"[ok](../pkg/a.py) [out](https://x.org) [top](#top)\n\n{blocks}"
    good = check(tmp_path, of, {"pkg/a.py": CODE, "docs/a.md": page.format("assert f(1) == 1")})
    assert good.passed and [e.check for e in good.evidence] == ["files", "links", "blocks"]
    bad = check(tmp_path, of, {"docs/a.md": page.format("assert f(1) == 2").replace("../pkg/a.py", "nowhere.md")})
    assert "leads nowhere" in said(bad) and "AssertionError" in said(bad)
    slow = check(tmp_path, of, {"docs/a.md": page.format("while True: pass")}, seconds=1)
    assert "within the limit of 1 seconds" in said(slow)
    plain = check(tmp_path, of, {"docs/a.md": "words\n"})
    assert plain.passed and plain.evidence[-1].status == "not applicable"


def test_examples_must_run(tmp_path: Path) -> None:
    of = task("ex", kind="examples", targets=("examples/a.py",), tests=())
    assert check(tmp_path, of, {"pkg/a.py": CODE, "examples/a.py": "from pkg.a import f\nprint(f(1))\n"}).passed
    assert "it ended with 1" in said(check(tmp_path, of, {"examples/a.py": "raise SystemExit(1)\n"}))
    none = check(tmp_path, task("ex", kind="examples", targets=("a.txt",), tests=()), {"a.txt": "x"})
    assert none.evidence[-1].reason == "there is no script among the targets"


def test_a_task_of_tests_has_no_coverage_of_its_own(tmp_path: Path) -> None:
    of = task("t", kind="tests", targets=("tests/test_a.py",), tests=())
    verdict = check(tmp_path, of, {"pkg/a.py": CODE, "tests/test_a.py": TESTS})
    assert verdict.passed and verdict.evidence[-1].status == "not applicable"


def test_the_whole_project_is_one_run(tmp_path: Path) -> None:
    check(tmp_path, A, {"pkg/a.py": CODE, "tests/test_a.py": TESTS, "tests/test_b.py": "def test_b():\n    assert 0\n"})
    suite = Suite(Door(), PY)
    assert suite.project(tmp_path, ["tests/test_a.py"], ["pkg/a.py"], Gates()).passed
    red = suite.project(tmp_path, ["tests/test_a.py", "tests/test_b.py"], ["pkg/a.py"], Gates())
    assert [f.path for f in red.findings] == ["tests/test_b.py"]


def test_a_broken_checker_never_passes(tmp_path: Path) -> None:
    suite = Suite(Door("/bin/true"), PY)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "pkg/a.py").write_text(CODE)
    (tmp_path / "tests/test_a.py").write_text(TESTS)
    verdict = suite.check(Subject(A, tmp_path, Gates()))
    assert "could not be run" in verdict.errored and not verdict.passed


# --- interfaces ---------------------------------------------------------------------------------------------------

SOURCE = """
import os as system
from x import y
X: int = 1
a, b = 1, 2
if X:
    late = 1
def f(p, q=1, *r, s, t=2, **u): ...
async def g(): ...
class C:
    z = 1
    def m(self, n): ...
"""


STUBBED = """
@d
class C(B):
    '''A thing.

    More.'''

    x: int = 1

    def m(self, a, *, b=2) -> int:
        return a

    def _p(self): ...


async def g(): ...
def _h(): ...
Y = 3
_z = 4
"""


def test_a_stub_shows_what_users_see_and_no_body() -> None:
    wanted = "@d\nclass C(B):  # A thing.\n    x: int = 1\n    def m(self, a, *, b=2) -> int\nasync def g()\nY = 3"
    assert interface.stub(STUBBED) == wanted
    assert interface.stub(STUBBED.replace("return a", "return a + 1")) == wanted and interface.stub("def (") == ""


def test_names_are_what_a_source_binds() -> None:
    assert interface.names(SOURCE) == ("system", "y", "X", "a", "b", "late", "f", "g", "C")
    assert interface.names("def f(:") == () and interface.names("x" * 300_000) == ()


@pytest.mark.parametrize(
    ("text", "name", "difference"),
    [
        ("def f(p, q=0, *r, s, t=0, **u) -> int  # words: more", "f", ""),
        ("async def g()", "g", ""),
        ("class C:\n    def m(self, n: int) -> dict[str, int]  # {a: b}\nprose", "C", ""),
        ("X: int  # seconds", "X", ""),
        ("def f(p)", "f", "its parameters are"),
        ("class C:\n    def other(self)", "C", "C.other is not defined"),
        ("class C:\n    def m(self)", "C", "C.m: its parameters"),
        ("def nothing()", "nothing", "nothing is not defined"),
        ("def m(self, n: int) -> dict", "C.m", ""),
        ("from os import system\nfrom z import (\n    f,\n    C,\n)", "z", ""),
        ("from os import system, gone  # as users know them", "os", "gone is not defined"),
        ("from os import system, gone\nand nothing else", "os", "gone is not defined"),
        ("from __future__ import annotations\nfrom os import system", "os", ""),
        ('if __name__ == "__main__": sys.exit(main())', "__main__", ""),
        ("python -m parcel ARGUMENTS", "command line", ""),
        ("def (broken", "f", ""),
    ],
)
def test_a_contract_is_compared_by_parameters(text: str, name: str, difference: str) -> None:
    found = interface.mismatch(text, SOURCE, name)
    assert (difference in found) if difference else (found == "")
