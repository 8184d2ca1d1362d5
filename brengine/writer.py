"""One writer per workspace: a flock that dies with its holder, and says who holds it; and how a writer is stopped."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path
from types import FrameType

from brengine import durable
from brengine.errors import LockedError, StateError


class Writer:
    """The flock that `br` and `doit` share. Held until `release` or until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        """True while this process is the writer."""
        return self._handle is not None

    @property
    def holder(self) -> str:
        """`process 4711, br build` while another process is the writer, else ""."""
        try:
            text = self._path.read_text(encoding="utf-8").strip()
            os.kill(int(text.removeprefix("process ").partition(",")[0]), 0)
        except PermissionError:
            return text
        except (OSError, ValueError):
            return ""
        return "" if self.held else text

    def acquire(self, what: str) -> None:
        """Become the writer; raises LockedError that names the holder. `what` is this process's command line."""
        if self._handle is not None:
            return
        try:
            durable.make_folder(self._path.parent)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StateError(f"cannot open {self._path}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 200).decode("utf-8", "replace").strip()
            os.close(handle)
            raise LockedError(
                f"another build is running here: {holder or 'unknown process'}", "wait for it to end, then build again"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}, {what}\n".encode(), 0)
        self._handle = handle

    def release(self) -> None:
        """Let the next writer in."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def stop_at_ctrl_c() -> None:
    """Let Ctrl-C end this process at once with exit code 130: every step is on the disk before the next begins."""
    signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    if os.isatty(1):
        os.write(1, b"\x1b[?25h")  # whoever drew may have hidden the cursor
    os.write(2, b"\nInterrupted. What was received is kept; build again to go on from here.\n")
    os._exit(130)
