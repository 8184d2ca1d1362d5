"""Which fence keeps commands in: the best that holds here, found by trying it, never by belief."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from brengine.errors import EngineError
from brengine.fencing import landlock, rooms, syscalls
from brengine.ports import CommandResult
from brengine.verdict import PROPERTIES, Fence

Mode = Literal["auto", "required", "off"]
MODES: tuple[str, ...] = get_args(Mode)
TMP = "/tmp"  # noqa: S108
"""The temporary directory in a room of namespaces: its own, in memory."""
SECRET = b"not for the command"
OFF = Fence("limits", False, False, False, False, ("the fence is switched off in br.toml",))
GAPS = {
    "landlock": (
        "there is no loopback: tests of services on 127.0.0.1 fail",
        "names, sizes and times of files outside are seen, and their mode and times can be changed by their owner",
    ),
    "limits": ("commands reach the network, and your files, as you do",),
}
Try = Callable[[str, Sequence[str], Path], CommandResult]
"""Runs a command in a folder, behind a fence of this kind."""

PROBE = """
import json, os, socket, sys
secret, beside, engine, port = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
def holds(attempt):
    try:
        attempt()
    except (OSError, ValueError):
        return True
    return False
def reach(family, kind, address):
    with socket.socket(family, kind) as used:
        used.settimeout(2)
        used.connect(address)
def loopback():
    with socket.create_server(("127.0.0.1", 0)) as served, socket.create_connection(served.getsockname()) as used:
        served.accept()[0].sendall(b"x")
        return used.recv(1) == b"x"
open("own", "w").close()
own = not holds(lambda: loopback())
print(json.dumps({
    "network": own and holds(lambda: reach(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port)))
        and holds(lambda: reach(socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 9))),
    "reads": holds(lambda: open(secret).read()),
    "writes": holds(lambda: open(beside, "w").close()) and holds(lambda: os.chmod(secret, 0o600)),
    "processes": holds(lambda: os.kill(engine, 0)) and holds(lambda: open(f"/proc/{engine}/environ").read(1)),
}))
"""


def choose(mode: Mode, python: str, attempt: Try) -> Fence:
    """The fence for a run. Raises EngineError where `required` asks for more than there is."""
    if mode == "off":
        return OFF
    found = _best(python, attempt)
    if mode == "required" and not found.whole:
        raise EngineError(
            f'fence = "required", and the best one here ({found.name}) has gaps: {found.said}',
            '`br doctor` shows what was tried; fence = "auto" takes what there is',
        )
    return found


_known: dict[str, Fence] = {}


def _best(python: str, attempt: Try) -> Fence:
    if python not in _known:
        failed: list[str] = []
        for kind in ("namespaces", "landlock"):
            found = tried(kind, python, attempt)
            if isinstance(found, Fence):
                _known[python] = replace(found, notes=(*failed, *found.notes))
                break
            failed.append(f"no {kind}: {found}")
        else:
            _known[python] = Fence("limits", False, False, False, False, (*failed, *GAPS["limits"]))
    return _known[python]


def tried(kind: str, python: str, attempt: Try) -> Fence | str:
    """The fence of this kind as a real command meets it now, or why there is none."""
    if not syscalls.known() and kind != "limits":
        return f"not on {sys.platform} {syscalls.MACHINE}"
    with tempfile.TemporaryDirectory(prefix="br-probe-") as folder, _listener() as port:
        work, secret = Path(folder) / "work", Path(folder) / "secret"
        work.mkdir()
        secret.write_bytes(SECRET)
        argv = (python, "-I", "-S", "-c", PROBE, str(secret), str(Path(folder) / "beside"), str(os.getpid()), str(port))
        try:
            ended = attempt(kind, argv, work)
            seen = json.loads(ended.stdout)
            held = {name: bool(seen[name]) for name in PROPERTIES}
        except EngineError as error:
            return error.message
        except (ValueError, KeyError, TypeError):
            return f"a command behind it ended with {ended.exit_code}: {ended.stderr.strip()[-200:]}"
        if not (work / "own").exists():
            return "a command behind it cannot write its own folder"
    return Fence(kind, **held, notes=GAPS.get(kind, ()))


class _listener:
    """A port of this machine's loopback on which something listens."""

    def __enter__(self) -> int:
        import socket

        self._socket = socket.create_server(("127.0.0.1", 0))
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *error: object) -> None:
        self._socket.close()


# --- what is visible ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def interpreter(python: str) -> tuple[Path, ...]:
    """What an interpreter needs to run: itself, its library, and what is installed for it; no more of its folder."""
    found: list[Path] = []
    program = Path(python)
    prefixes = [program.parent.parent]
    for _ in range(10):
        if not program.is_symlink():
            break
        found.append(program)
        program = program.parent / program.readlink()
    found.append(program)
    prefixes.append(Path(os.path.normpath(program)).parent.parent)
    if python == sys.executable:
        prefixes += [Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_exec_prefix)]
    parts = ("bin", "lib", "lib64", "include", "pyvenv.cfg")
    found += [prefix / part for prefix in dict.fromkeys(prefixes) for part in parts]
    return tuple(path for path in found if path.exists())


def paths(shown: Sequence[Path]) -> list[str]:
    """Absolute paths, and where links lead; without those that every command may read anyway."""
    both = [p for path in shown for p in (Path.cwd() / path, path.resolve())]
    system = [Path(path) for path in (*rooms.SYSTEM, *rooms.LINKS)]
    folders = {path for path in both if path.is_dir()}
    return [
        str(path)
        for path in dict.fromkeys(both)
        if not any(path.is_relative_to(root) for root in system) and not folders & set(path.parents)
    ]


def kernel() -> str:
    """What this kernel has for a fence."""
    if not syscalls.known():
        return f"{sys.platform} {syscalls.MACHINE}"
    return f"Linux {os.uname().release} {syscalls.MACHINE}, Landlock {landlock.version() or 'absent'}"
