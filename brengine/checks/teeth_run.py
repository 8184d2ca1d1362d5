"""Runs the tests of a tree against variants of it: one forked pytest for each. A program: argv is a JSON file.

The file has `root`, `tests`, `variants` (each `name` and `files`: path -> text), `seconds` for each, `ini`, `result`.
Written to `result`: name -> the exit code of pytest, or -1 where it took too long. Stdlib and pytest only.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest


def main() -> None:
    wanted = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = {}
    for number, variant in enumerate(wanted["variants"]):
        folder = Path(tempfile.gettempdir()) / f"variant-{number}"
        shutil.copytree(wanted["root"], folder)
        for path, text in variant["files"].items():
            (folder / path).write_text(text, encoding="utf-8")
        found[variant["name"]] = tried(folder, wanted)
        shutil.rmtree(folder, ignore_errors=True)
    Path(wanted["result"]).write_text(json.dumps(found), encoding="utf-8")


def tried(folder: Path, wanted: dict[str, Any]) -> int:
    """The exit code of the tests over one variant."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.setsid()
            code = run(folder, wanted)
        finally:
            os._exit(code)
    code = waited(pid, wanted["seconds"])
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if code < 0:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    return code


def waited(pid: int, seconds: float) -> int:
    """How a child ended (128 and more: by a signal); -1 where it has not within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        time.sleep(0.005)
    return -1


def run(folder: Path, wanted: dict[str, Any]) -> int:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null, stream)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder)
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in (wanted["root"], str(folder)))]
    options = [
        "-c",
        wanted["ini"],
        f"--rootdir={folder}",
        f"--confcutdir={folder}",
        "-p",
        "no:cacheprovider",
        "-x",
        "-q",
        "--tb=no",
    ]
    return int(pytest.main([*options, *wanted["tests"]]))


if __name__ == "__main__":
    main()
