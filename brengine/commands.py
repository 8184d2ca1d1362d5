"""The one door through which commands are launched: fence, scrubbed environment, limits, and no process left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO

from brengine import fence
from brengine.errors import EngineError
from brengine.fence import Mode
from brengine.ports import CommandResult, Limits
from brengine.verdict import Fence

SUPERVISOR = Path(__file__).with_name("supervise.py")
TRYING = Limits(seconds=20)
GRACE = 20.0
"""Seconds beyond the limit after which the supervisor itself is given up."""


class Door:
    """Launches commands under the supervisor. Nothing of this process's environment reaches them."""

    def __init__(
        self,
        python: str = sys.executable,
        mode: Mode = "auto",
        *,
        told: Callable[[Fence], object] = lambda found: None,
    ) -> None:
        """`python` runs the supervisor and is visible to commands; `told`: the fence, before the first command."""
        self._python = python
        self._mode = mode
        self._told = told
        self._mutex = threading.Lock()

    @property
    def fence(self) -> Fence:
        """What keeps commands in here. Raises EngineError where `required` cannot be had."""
        with self._mutex:
            return self._chosen

    @cached_property
    def _chosen(self) -> Fence:
        return fence.choose(self._mode, self._python, self.behind)

    @cached_property
    def _announced(self) -> Fence:
        self._told(self._chosen)
        return self._chosen

    def behind(self, kind: str, argv: Sequence[str], cwd: Path, limits: Limits = TRYING) -> CommandResult:
        """Run a command behind a fence of this kind, whatever the mode: to try it."""
        return self._run(kind, argv, cwd, limits, {}, (), (cwd,))

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        limits: Limits,
        env: Mapping[str, str] | None = None,
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
    ) -> CommandResult:
        """Run to the end within limits. Raises EngineError when fence or supervisor break: then nothing was run."""
        with self._mutex:
            kind = self._announced.name
        return self._run(kind, argv, cwd, limits, env or {}, reads, (cwd, *writes))

    def _run(
        self,
        kind: str,
        argv: Sequence[str],
        cwd: Path,
        limits: Limits,
        env: Mapping[str, str],
        reads: Sequence[Path],
        writes: Sequence[Path],
    ) -> CommandResult:
        home = tempfile.mkdtemp(prefix="br-home-")
        try:
            inside = fence.TMP if kind == "namespaces" else home
            shown = [*fence.interpreter(self._python), *reads]
            behind = {"kind": kind, "over": home, "reads": fence.paths(shown), "writes": fence.paths(writes)}
            return self._supervised(argv, cwd, limits, _environment(inside, env), behind)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _supervised(
        self, argv: Sequence[str], cwd: Path, limits: Limits, env: dict[str, str], behind: Mapping[str, object]
    ) -> CommandResult:
        reading, writing = os.pipe()
        options = {
            "seconds": limits.seconds,
            "memory_mb": limits.memory_mb,
            "processes": limits.processes,
            "file_mb": limits.file_mb,
            "tree_mb": limits.tree_mb,
            "tmp_mb": limits.tmp_mb,
            "fence": behind,
            "status": writing,
        }
        try:
            process = subprocess.Popen(
                [self._python, "-I", "-S", str(SUPERVISOR), json.dumps(options), *argv],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        with os.fdopen(reading, "rb") as status:
            out, err = _drained(process, limits)
            report = status.read(2000)
        try:
            ended = json.loads(report)
            result = CommandResult(
                tuple(argv), int(ended["exit"]), out, err, float(ended["seconds"]), str(ended["ended"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(f"the supervisor of {argv[0]} ended without a report: {err[-300:]}") from error
        if result.ended == "fence":
            raise EngineError(f"the fence could not be set up, so nothing was run: {ended['why']}", "see `br doctor`")
        return result


def _drained(process: subprocess.Popen[bytes], limits: Limits) -> tuple[str, str]:
    """Both streams up to the cap; what comes beyond is read and thrown away."""
    kept: list[bytearray] = [bytearray(), bytearray()]
    assert process.stdout is not None and process.stderr is not None
    streams: tuple[IO[bytes], IO[bytes]] = (process.stdout, process.stderr)
    threads = [
        threading.Thread(target=_drain, args=(stream, into, limits.output_bytes), daemon=True)
        for stream, into in zip(streams, kept, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        process.wait(timeout=limits.seconds + GRACE)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(timeout=GRACE)
    for thread in threads:
        thread.join(timeout=GRACE)
    for stream in streams:
        stream.close()
    return kept[0].decode("utf-8", "replace"), kept[1].decode("utf-8", "replace")


def _drain(stream: IO[bytes], into: bytearray, cap: int) -> None:
    while chunk := os.read(stream.fileno(), 65536):
        into += chunk[: max(0, cap - len(into))]


def _environment(home: str, extra: Mapping[str, str]) -> dict[str, str]:
    path = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    fixed = {"PATH": path, "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home}
    return {**fixed, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **extra}
