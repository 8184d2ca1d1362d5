"""The fence: programs that try to get out, behind each kind, as root and not; and what works inside all the same."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import task
from fence_probes import PROBES
from sandbox import Sandbox

from brengine import fence
from brengine.checks.suite import Suite
from brengine.cli_build import build_all
from brengine.commands import Door
from brengine.errors import EngineError
from brengine.fencing import filters, landlock, syscalls
from brengine.places import Places
from brengine.ports import Limits, Subject
from brengine.verdict import Fence, Gates
from brengine.wiring import Project

PY = sys.executable
ROOT = os.geteuid() == 0
USER = "12345"
PROGRAM = Path(__file__).with_name("fence_probes.py")
BEST = Door().fence.name
GAPPY = Fence("limits", False, False, False, False, ("nothing holds",))


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    """Probes look for what others leave running: two at once would find each other's."""
    with (Path(tempfile.gettempdir()) / "br-test-fence.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def probes(kind: str, *user: str) -> dict[str, Any]:
    """What came of all probes behind a fence of this kind, run as this user (default: this one)."""
    if kind == "namespaces" and kind != BEST:
        pytest.skip(f"no namespaces here: {Door().fence.said}")
    if kind == "landlock" and not landlock.version():
        pytest.skip("this kernel has no Landlock")
    if user and not ROOT:
        pytest.skip("only root can be another user")
    ended = subprocess.run(
        [PY, str(PROGRAM), kind, *user], capture_output=True, text=True, timeout=500, check=False, cwd=PROGRAM.parent
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def out(found: dict[str, Any]) -> dict[str, list[str]]:
    """Name -> evidence of every probe that got out."""
    return {name: row["said"] + row["outside"] for name, row in found.items() if row["said"] or row["outside"]}


@pytest.mark.parametrize("user", [(), (USER,)], ids=["self", "user"])
def test_nothing_gets_out_of_namespaces(user: tuple[str, ...]) -> None:
    found = probes("namespaces", *user)
    assert len(found) == len(PROBES) >= 80
    assert out(found) == {}
    assert {name: row for name, row in found.items() if row["ended"] not in PROBES[name].ended} == {}


@pytest.mark.parametrize("user", [(), (USER,)], ids=["self", "user"])
def test_landlock_holds_but_for_its_gaps(user: tuple[str, ...]) -> None:
    found = probes("landlock", *user)
    assert len(found) >= 70
    assert set(out(found)) <= {name for name, probe in PROBES.items() if probe.gap}


@pytest.mark.parametrize("user", [(), (USER,)], ids=["self", "user"])
def test_without_a_fence_the_same_programs_get_out(user: tuple[str, ...]) -> None:
    found = probes("limits", *user)
    assert len(found) >= 40
    held = set(found) - set(out(found))
    assert not {name for name in held if PROBES[name].control == "any"}, {name: found[name] for name in held}
    assert len(held) <= len(found) // 4, "of what takes rights of root, some are not given everywhere"


INSIDE = """
import multiprocessing, os, pwd, socket, sqlite3, subprocess, sys, tempfile, threading
from multiprocessing import shared_memory

def double(x):
    return 2 * x

def echo(family, address):
    with socket.socket(family) as served:
        served.bind(address)
        served.listen()
        def answer():
            with served.accept()[0] as used:
                used.sendall(used.recv(9) * 2)
        threading.Thread(target=answer).start()
        with socket.socket(family) as used:
            used.connect(served.getsockname())
            used.sendall(b"hi")
            assert used.recv(9) == b"hihi"

if __name__ == "__main__":
    echo(socket.AF_INET, ("127.0.0.1", 0))
    echo(socket.AF_INET, ("localhost", 0))
    if os.path.exists("/proc/self/net/if_inet6"):
        echo(socket.AF_INET6, ("::1", 0))
    echo(socket.AF_UNIX, "socket")
    echo(socket.AF_UNIX, os.path.join(tempfile.mkdtemp(), "socket"))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(double, [1, 2]) == [2, 4]
    block = shared_memory.SharedMemory(create=True, size=100)
    block.close(); block.unlink()
    assert subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True).stdout == "42\\n"
    assert subprocess.run(["sh", "-c", "echo $HOME | cat > there; ls"], capture_output=True, text=True).returncode == 0
    sqlite3.connect("data.db").execute("create table t (x)")
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
    assert pwd.getpwuid(os.getuid()).pw_dir
    os.close(os.openpty()[0])
    open(os.devnull, "w").write("x")
    assert len(os.urandom(4)) == 4
    with open("/proc/self/status") as file:
        assert "Name" in file.read()
    print("all of it")
"""


@pytest.mark.skipif(BEST != "namespaces", reason="there are no namespaces here")
def test_what_programs_and_their_tests_need_works_inside(tmp_path: Path) -> None:
    (tmp_path / "inside.py").write_text(INSIDE)
    ended = Door().run([PY, "inside.py"], cwd=tmp_path, limits=Limits(seconds=60))
    assert (ended.stdout, ended.exit_code) == ("all of it\n", 0), ended.stderr
    assert (tmp_path / "data.db").stat().st_uid == os.geteuid(), "what it wrote is the engine's again"


def test_reads_are_read_only_and_writes_come_back(tmp_path: Path) -> None:
    for name in ("work", "told", "results"):
        (tmp_path / name).mkdir()
    (tmp_path / "told").chmod(0o755)
    (tmp_path / "told/options").write_text("given")
    code = (
        f"open({str(tmp_path / 'results/got')!r}, 'w').write(open({str(tmp_path / 'told/options')!r}).read())\n"
        f"open({str(tmp_path / 'told/options')!r}, 'w')\n"
    )
    ended = Door().run(
        [PY, "-c", code],
        cwd=tmp_path / "work",
        limits=Limits(),
        reads=[tmp_path / "told"],
        writes=[tmp_path / "results"],
    )
    assert (tmp_path / "results/got").read_text() == "given"
    if BEST != "limits":
        assert ended.exit_code == 1 and (tmp_path / "told/options").read_text() == "given"


@pytest.mark.parametrize("kind", ["namespaces", "landlock"])
def test_where_the_fence_cannot_be_set_up_nothing_is_run(tmp_path: Path, kind: str) -> None:
    if not syscalls.known():
        pytest.skip("there is neither here")
    work, gone = tmp_path / "work", tmp_path / "told"
    work.mkdir()
    gone.write_text("")
    code = "open('ran', 'w').close()"
    breaking = {"namespaces": [str(tmp_path / "absent")], "landlock": ["a\0b"]}[kind]

    class Broken(Door):
        def _supervised(self, argv: Any, cwd: Any, limits: Any, env: Any, behind: Any) -> Any:
            return super()._supervised(argv, cwd, limits, env, {**behind, "reads": breaking})

    with pytest.raises(EngineError, match="the fence could not be set up, so nothing was run"):
        Broken().behind(kind, [PY, "-c", code], work)
    assert not (work / "ran").exists()
    checked = Suite(_Always(Broken(), kind), PY).check(Subject(_plain(work), work, Gates()))
    assert not checked.passed and "the fence could not be set up" in checked.errored


class _Always:
    """A door that runs everything behind one kind of fence."""

    def __init__(self, door: Door, kind: str) -> None:
        self.door, self.kind = door, kind

    def run(self, argv: Any, *, cwd: Path, **others: Any) -> Any:
        return self.door.behind(self.kind, argv, cwd)


def _plain(root: Path) -> Any:
    for path, text in {"pkg/a.py": "X = 1\n", "tests/test_a.py": "def test_a():\n    assert 1\n"}.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    return task("a", targets=("pkg/a.py",), tests=("tests/test_a.py",))


@pytest.mark.parametrize("kind", ["namespaces", "landlock", "limits"])
def test_honest_work_passes_behind_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    found = fence.tried(kind, PY, Door().behind)
    if isinstance(found, str):
        pytest.skip(found)
    monkeypatch.setitem(fence._known, PY, found)
    tests = TESTS.replace("== 1\n", "== 1 and f(0) == 0\n") + "\n\ndef test_files(tmp_path):\n"
    tests += "    (tmp_path / 'a').write_text('x')\n    open('here', 'w').close()\n"
    verdict = _judged(tmp_path, {"tests/test_a.py": tests})
    assert verdict.passed, verdict.findings


# --- which fence --------------------------------------------------------------------------------------------------

FALLEN = """
import os, sys
from fence_probes import become
from brengine.fencing import syscalls
from brengine.commands import Door
from brengine.errors import BrError
uid = os.geteuid() or 12345
if os.geteuid() == 0:
    become(uid)
syscalls.unshare(syscalls.NEW_USER)
for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{uid} {uid} 1")):
    open(f"/proc/self/{name}", "w").write(text)
open("/proc/sys/user/max_user_namespaces", "w").write("0")
found = Door().fence
print(found.name, found.whole, *found.notes, sep="; ")
try:
    Door(mode="required").fence
except BrError as error:
    print("refused:", error.message, error.exit_code)
"""


@pytest.mark.skipif(BEST != "namespaces" or not landlock.version(), reason="both kinds are needed for this")
def test_without_namespaces_landlock_is_taken_and_it_is_said() -> None:
    ended = subprocess.run([PY, "-c", FALLEN], cwd=PROGRAM.parent, capture_output=True, text=True, check=False)
    assert ended.stdout.startswith("landlock; False; no namespaces: the fence could not be set up"), ended.stderr
    assert "there is no loopback" in ended.stdout and 'refused: fence = "required"' in ended.stdout
    assert ended.stdout.rstrip().endswith(" 2")


@pytest.fixture
def gappy() -> Iterator[None]:
    """A machine without a fence."""
    fence._known[PY], before = GAPPY, fence._known[PY]
    yield
    fence._known[PY] = before


def test_required_refuses_before_anything_is_asked(box: Sandbox, gappy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in box.environ().items():
        monkeypatch.setenv(name, value)
    box.write("br.toml", '[gates]\nfence = "required"\n')
    where = Places(box.root, box.root)
    with pytest.raises(EngineError, match=r"best one here .* has gaps") as error:
        build_all(where, ())
    assert error.value.exit_code == 2 and box.asked == 0
    with pytest.raises(EngineError, match="required"):
        _ = Project(where).backend
    assert not (box.root / "calc").exists()


def test_the_fence_is_told_once_and_is_no_part_of_a_key(box: Sandbox) -> None:
    built = box.br("build", "adding")
    assert built.code == 0 and f"fence       {BEST}" in built.out, built.out
    assert f"fence: {BEST}" in box.br("log").out
    box.write("br.toml", '[gates]\nfence = "off"\n')
    again = box.br("build", "adding")
    assert "up to date" in again.out and again.code == 0, "evidence does not depend on the fence"
    rest = box.br("build")
    assert rest.code == 0 and rest.out.count("a fence with gaps") == 1, rest.out
    assert "switched off in br.toml" in rest.out and "fence       limits (not whole)" in rest.out
    box.write("br.toml", '[gates]\nfence = "maybe"\n')
    assert box.br("build").code == 3


def test_events_tell_the_fence(box: Sandbox) -> None:
    rows = [json.loads(line) for line in box.br("build", "adding", "--json").out.splitlines() if line[:1] == "{"]
    told = [row for row in rows if row["event"] == "fenced"]
    assert len(told) == 1 and told[0]["name"] == BEST and told[0]["whole"] is (BEST == "namespaces")


def test_the_filter_is_made_for_both_machines() -> None:
    for machine in filters.CALLS:
        made = filters.program(machine, (filters.UNIX,), shared=False)
        assert {len(step) for step in made} == {8} and len(made) < 4096
        assert len(made) > len(filters.program(machine, (), shared=True))


def test_what_an_interpreter_needs_is_no_more_of_its_folder(tmp_path: Path) -> None:
    for path in ("env/bin", "env/lib", "env/notes"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "env/bin/python").symlink_to("python3")
    (tmp_path / "env/bin/python3").symlink_to("/usr/bin/env")
    shown = fence.paths(fence.interpreter(str(tmp_path / "env/bin/python")))
    assert shown == [str(tmp_path / "env/bin"), str(tmp_path / "env/lib")]


# --- names that are run by being there ----------------------------------------------------------------------------

FORGED = """
import atexit, json, os, sys
def forge():
    for word in sys.argv:
        if word.endswith("coverage.json"):
            open(word, "w").write(json.dumps({"files": {"pkg/a.py": {"summary": {"num_statements": 1,
                "covered_lines": 1}, "missing_lines": [], "missing_branches": []}}}))
atexit.register(forge)
open("ran-by-being-there", "w").close()
"""
HALF = "def f(a):\n    if a:\n        return 1\n    return 0\n"
TESTS = "from pkg.a import f\n\n\ndef test_f():\n    assert f(1) == 1\n"
LURKING = {
    "pytest.ini": "[pytest]\naddopts = --collect-only -p evil\n",
    "tox.ini": "[pytest]\naddopts = --collect-only\n",
    "setup.cfg": "[tool:pytest]\naddopts = --collect-only\n[coverage:report]\nexclude_lines = .\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--collect-only'\n[tool.coverage.run]\nomit = ['*']\n",
    ".coveragerc": "[run]\nomit = *\n[report]\nexclude_lines = .\n",
    "evil.pth": "import os; open('ran-by-being-there', 'w')\n",
    "package.json": '{"scripts": {"preinstall": "touch ran-by-being-there"}}\n',
}


@pytest.mark.parametrize("name", LURKING)
def test_configuration_that_lies_in_the_tree_has_no_say(tmp_path: Path, name: str) -> None:
    verdict = _judged(tmp_path, {name: LURKING[name]})
    assert "are covered, not 90 %" in "\n".join(f.message for f in verdict.findings), verdict
    assert not (tmp_path / "ran-by-being-there").exists()


@pytest.mark.parametrize(
    "name", ["sitecustomize.py", "usercustomize.py", "pytest.py", "coverage.py", "pluggy/__init__.py"]
)
def test_a_declared_file_that_would_run_by_being_there_is_a_finding(tmp_path: Path, name: str) -> None:
    of = task("a", targets=("pkg/a.py", name), tests=("tests/test_a.py",))
    verdict = _judged(tmp_path, {name: FORGED}, of)
    assert "is run by being there" in "\n".join(f.message for f in verdict.findings)
    assert not (tmp_path / "ran-by-being-there").exists(), "nothing was run"


def test_coverage_is_reported_without_the_tree_on_the_path(tmp_path: Path) -> None:
    verdict = _judged(tmp_path, {"sitecustomize.py": FORGED, "coverage/__init__.py": ""})
    assert not verdict.passed, "neither a file at start-up nor a module of the same name can say that all is covered"


def _judged(root: Path, lurking: dict[str, str], of: Any = None) -> Any:
    for path, text in {"pkg/a.py": HALF, "tests/test_a.py": TESTS, **lurking}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    of = of or task("a", targets=("pkg/a.py",), tests=("tests/test_a.py",))
    return Suite(Door(), PY).check(Subject(of, root, Gates(seconds=30)))


# --- what is left behind for the engine to read ----------------------------------------------------------------------

HARMFUL = {
    "a pipe for a report": "os.remove(report) if os.path.exists(report) else None; os.mkfifo(report)",
    "a link for a report": "os.symlink('/etc/passwd', report)",
    "a folder for a report": "os.mkdir(report)",
    "a huge report": "open(report, 'w').truncate(60 << 20)",
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_report_that_is_none_does_no_harm(tmp_path: Path, name: str) -> None:
    tests = (
        "import os, sys\n"
        "report = next(word for word in sys.argv if 'junit' in word).partition('=')[2]\n"
        f"{HARMFUL[name]}\nos._exit(0)\n"
    )
    verdict = _judged(tmp_path, {"tests/test_a.py": tests})
    assert "left no report" in verdict.findings[0].message


EMPTIED = "import os\n\n\ndef test_f():\n    {}\n    from pkg.a import f\n    assert f(1) == 1\n"
LEFT = {
    "rewritten": "open('pkg/a.py', 'w').write('def f(a): return 1\\n')",
    "moved away": "os.rename('pkg', 'old'); os.mkdir('pkg'); open('pkg/a.py', 'w').write('def f(a): return 1\\n')",
    "a link": "os.rename('pkg', 'old'); os.mkdir('pkg'); os.symlink('../old/a.py', 'pkg/a.py')",
}


@pytest.mark.parametrize("name", LEFT)
def test_tests_that_change_what_they_judge_do_not_pass(tmp_path: Path, name: str) -> None:
    verdict = _judged(tmp_path, {"tests/test_a.py": EMPTIED.format(LEFT[name])})
    said = "\n".join(finding.message for finding in verdict.findings)
    assert not verdict.passed and ("was changed while the tests ran" in said or "test_f" in said), verdict
