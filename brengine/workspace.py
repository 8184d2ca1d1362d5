"""The user's tree: the only code that reads and writes it, beneath its root and never through a link."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from brengine import digest, durable
from brengine.errors import EngineError
from brengine.reply import path_problem

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Workspace:
    """Files of a project by their path relative to `root` (posix, one spelling only)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes | None:
        """The content of a regular file, or None when there is none (a link or a folder is none)."""
        with self._parent(path, make=False) as (folder, name):
            if folder is None:
                return None
            try:
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):
                    return None
                raise EngineError(f"cannot read {path}: {error.strerror}") from error
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                return None
            with os.fdopen(handle, "rb") as file:
                return file.read()

    def below(self, folder: str) -> tuple[str, ...]:
        """The paths of regular files below a folder, sorted; through no link."""
        found = []
        for base, folders, names in os.walk(self.root / folder):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            found += [Path(base, name).relative_to(self.root).as_posix() for name in names]
        return tuple(sorted(path for path in found if not path_problem(path) and self.read(path) is not None))

    def digest(self, path: str) -> str:
        """The SHA-256 of a file, or "" when it is absent."""
        content = self.read(path)
        return "" if content is None else digest.of_bytes(content)

    def write(self, path: str, content: bytes) -> None:
        """Put a file atomically and durably, beneath the root and through no link."""
        with self._parent(path, make=True) as (folder, name):
            assert folder is not None
            temporary = f".br-{os.getpid()}-{digest.of_text(path)[:12]}.tmp"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            try:
                self._put(folder, temporary, name, content)
            except OSError as error:
                with contextlib.suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise EngineError(f"cannot write {path}: {error.strerror}") from error
        durable.point(f"promoted {path}")

    def remove(self, path: str) -> None:
        """Remove a file, and its folders as far as they are empty then."""
        with self._parent(path, make=False) as (folder, name):
            if folder is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
        for parent in list(PurePosixPath(path).parents)[:-1]:
            try:
                (self.root / parent).rmdir()
            except OSError:
                return

    def _put(self, folder: int, temporary: str, name: str, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary, flags, 0o644, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        durable.point(f"written {name}")
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)

    def _open_root(self, make: bool) -> int | None:
        if make:
            durable.make_folder(self.root)
        try:
            return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def _parent(self, path: str, make: bool) -> Iterator[tuple[int | None, str]]:
        """A handle on the folder of `path`, walked to one component at a time so that no link is followed."""
        problem = path_problem(path)
        if problem:
            raise EngineError(f"refused path {path!r}: {problem}")
        *folders, name = path.split("/")
        handle = self._open_root(make)
        try:
            for folder in folders:
                if handle is None:
                    break
                above, handle = handle, None
                try:
                    handle = _step(above, folder, path, make)
                finally:
                    os.close(above)
            yield handle, name
        finally:
            if handle is not None:
                os.close(handle)


def _step(handle: int, folder: str, path: str, make: bool) -> int | None:
    """A handle on the folder one down; None when it is absent and not to be made."""
    try:
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, dir_fd=handle)
                os.fsync(handle)
        return os.open(folder, _FOLDER, dir_fd=handle)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and not make:
            return None
        raise EngineError(
            f"cannot reach {path}: {folder} is a link or no folder ({error.strerror})", "move it away, then build again"
        ) from error


def stage(root: Path, files: Mapping[str, bytes]) -> Path:
    """A fresh staging tree at `root` that holds exactly `files`, as copies."""
    unstage(root)
    root.mkdir(parents=True)
    for path, content in files.items():
        problem = path_problem(path)
        if problem:
            raise EngineError(f"refused path {path!r}: {problem}")
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


def unstage(root: Path) -> None:
    """Throw a staging tree away."""
    shutil.rmtree(root, ignore_errors=True)
