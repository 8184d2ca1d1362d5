"""Writing so that what is there after a crash is whole, with numbered points at which a test can kill.

Protocol: temporary file, fsync, rename, fsync of the folder. On ext4 nothing less survives a power cut.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

KILL_AT = "BR_TEST_KILL_AT"
COUNT_TO = "BR_TEST_POINTS"

_lock = threading.Lock()
_reached = 0


def point(name: str) -> None:
    """Mark a step at which state or files change.

    With BR_TEST_KILL_AT=n the process kills itself at the n-th point; with BR_TEST_POINTS=path every point's name is
    appended there, so that a test can enumerate them. Without either it costs one look at the environment.
    """
    global _reached  # noqa: PLW0603 - one counter per process is the point of it
    kill_at, count_to = os.environ.get(KILL_AT), os.environ.get(COUNT_TO)
    if kill_at is None and count_to is None:
        return
    with _lock:
        _reached += 1
        if count_to:
            with Path(count_to).open("a", encoding="utf-8") as log:
                log.write(f"{name}\n")
        if kill_at and _reached == int(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put `content` at `path` atomically and durably; the folder is made if it is absent."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name[:80]}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with open(temporary, "wb", opener=lambda p, flags: os.open(p, flags | os.O_EXCL, mode)) as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        point(f"written {path.name}")
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)
    point(f"renamed {path.name}")


def make_folder(path: Path) -> None:
    """Make a folder and its parents, each entry durable."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the entries of a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
