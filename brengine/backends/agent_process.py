"""Runs an agent's program: the prompt on its standard input, its lines as they come, and nothing of it left afterwards.

The program runs below `supervise.py`, which ends its whole process tree at the deadline, at its end, and where this
process or thread ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from brengine.errors import BackendError

SUPERVISOR = Path(__file__).parent.with_name("supervise.py")
GRACE = 10.0
"""Seconds beyond the deadline after which the supervisor itself is given up."""
UNFENCED = {"kind": "limits", "reads": [], "writes": [], "over": ""}
LIMITS = {"memory_mb": 1 << 24, "processes": 256, "file_mb": 64, "open_files": 65_536, "tree_mb": 0, "tmp_mb": 0}
"""Address space is no measure of what such programs use: they reserve far more."""
MOST_STDERR = 100_000


@dataclass(slots=True)
class Run:
    """How a program ended: `exit`, `timeout`, `processes`, `signal`, or `output` where it said more than it may."""

    ended: str
    exit_code: int
    stderr: str


@dataclass(slots=True)
class _Out:
    """What is known of the program's output while it runs."""

    size: int = 0
    too_much: bool = False
    error: Exception | None = None
    stderr: bytearray = field(default_factory=bytearray)


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    text: bytes,
    seconds: float,
    max_bytes: int,
    heard: Callable[[bytes], None],
) -> Run:
    """Run to the end; `heard` is called with every line, in another thread. Raises BackendError where it cannot run."""
    reading, writing = os.pipe()
    options = {**LIMITS, "fence": UNFENCED, "seconds": seconds, "status": writing}
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), json.dumps(options), *argv],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(writing,),
            start_new_session=True,
        )
    except OSError as error:
        os.close(reading)
        raise BackendError(f"{argv[0]} cannot be run: {error.strerror}") from error
    finally:
        os.close(writing)
    out = _Out()
    with os.fdopen(reading, "rb") as status:
        _follow(process, text, seconds + GRACE, max_bytes, heard, out)
        report = status.read(1000)
    if out.error:
        raise out.error
    told = bytes(out.stderr).decode("utf-8", "replace")
    if out.too_much:
        return Run("output", process.returncode, told)
    with contextlib.suppress(ValueError, KeyError, TypeError):
        ended = json.loads(report)
        return Run(str(ended["ended"]), int(ended["exit"]), told)
    return Run("timeout", process.returncode, told)


def _follow(
    process: subprocess.Popen[bytes],
    text: bytes,
    seconds: float,
    max_bytes: int,
    heard: Callable[[bytes], None],
    out: _Out,
) -> None:
    """Feed and read the program until it ends, or has to."""
    assert process.stdin and process.stdout and process.stderr
    threads = [
        threading.Thread(target=_feed, args=(process.stdin, text), daemon=True),
        threading.Thread(target=_read, args=(process.stdout, max_bytes, heard, out), daemon=True),
        threading.Thread(target=_keep, args=(process.stderr, out), daemon=True),
    ]
    end = time.monotonic() + seconds
    try:
        for thread in threads:
            thread.start()
        while time.monotonic() < end and not (out.too_much or out.error):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
                break
    finally:
        _end(process)
        for thread in threads:
            thread.join(timeout=GRACE)
        for stream in (process.stdout, process.stderr):
            stream.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """The supervisor ends the tree when it is told to; it is killed only where it does not."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE)
    if process.poll() is None:
        process.kill()
        process.wait()


def _feed(stream: IO[bytes], text: bytes) -> None:
    with contextlib.suppress(OSError):  # a program may end without having read its prompt
        stream.write(text)
    with contextlib.suppress(OSError):
        stream.close()


def _read(stream: IO[bytes], cap: int, heard: Callable[[bytes], None], out: _Out) -> None:
    rest = b""
    while chunk := os.read(stream.fileno(), 65536):
        out.size += len(chunk)
        if out.size > cap:
            out.too_much = True
            return
        *lines, rest = (rest + chunk).split(b"\n")
        try:
            for line in lines:
                heard(line)
        except Exception as error:  # raised again where the program was started
            out.error = error
            return
    if rest:
        try:
            heard(rest)
        except Exception as error:
            out.error = error


def _keep(stream: IO[bytes], out: _Out) -> None:
    while chunk := os.read(stream.fileno(), 65536):
        out.stderr += chunk[: max(0, MOST_STDERR - len(out.stderr))]
