"""Runs programs in processes forked from one that has imported what they import: the same program, started sooner.

As a program: reads one JSON request a line, forks, runs the module as `python -m` would, answers with its exit code.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LONGEST = 300.0
"""Seconds that a program may take."""
HEAVY = (
    "anthropic httpx2 jinja2.sandbox networkx doit.doit_cmd brengine.cli_build brengine.doit_bridge brengine.planning"
)
HEAVY += " brengine.backends.anthropic_api brengine.prompting brengine.cli_task brengine.cli_plan rich.console pytest"


@dataclass
class Zygote:
    """The process that forks, made at the first call; one call at a time."""

    _process: subprocess.Popen[str] | None = None
    _free: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self, module: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: str
    ) -> tuple[int, str] | None:
        """(exit code, both streams) of a module's program; None where another call is under way."""
        if not self._free.acquire(blocking=False):
            return None
        try:
            with tempfile.TemporaryDirectory() as folder:
                said = Path(folder) / "stdin"
                said.write_text(stdin, encoding="utf-8")
                out = Path(folder) / "out"
                request = {"argv": [module, *arguments], "cwd": str(cwd), "env": dict(env), "in": str(said)}
                code = self._ask(request | {"out": str(out)})
                return code, out.read_text(encoding="utf-8", errors="replace")
        finally:
            self._free.release()

    def _ask(self, request: Mapping[str, object]) -> int:
        if self._process is None:
            bare = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
            pipe = subprocess.PIPE
            self._process = subprocess.Popen([sys.executable, __file__], stdin=pipe, stdout=pipe, text=True, env=bare)
            atexit.register(self._process.kill)
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], LONGEST)[0]:
            self._process.kill()
            self._process = None
            raise subprocess.TimeoutExpired(str(request["argv"]), LONGEST)
        return int(self._process.stdout.readline())


def serve() -> None:
    """Answer requests until there are no more."""
    for name in HEAVY.split():
        __import__(name)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_child(request))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _child(request: dict[str, object]) -> int:
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[arg-type]
    os.chdir(str(request["cwd"]))
    into = os.open(str(request["out"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(str(request["in"]), os.O_RDONLY), 0)
    os.dup2(into, 1)
    os.dup2(into, 2)
    encoding = os.environ.get("PYTHONIOENCODING", "").partition(":")[0] or "utf-8"
    sys.stdin = open(0, encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=encoding, errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    measured = None
    if any(name.startswith("COVERAGE_PROCESS") for name in os.environ):
        import coverage

        measured = coverage.process_startup()
    code = _program([str(word) for word in request["argv"]])  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if measured is not None:
        measured.stop()
        measured.save()
    return code


def _program(argv: list[str]) -> int:
    import runpy
    import traceback

    sys.path[0] = str(Path.cwd())
    sys.argv = argv
    try:
        runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return ended.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve()
