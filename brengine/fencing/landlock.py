"""The second best fence: Landlock for files, seccomp for the network. Stdlib only.

What it cannot do: hide that files exist, keep owners, modes and times of files outside, offer a loopback of its own.
"""

from __future__ import annotations

import os
import stat
import struct

from brengine.fencing import filters, syscalls

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _EXECUTE | _READ_FILE | _READ_DIR
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def version() -> int:
    """The version of Landlock that the kernel has; 0 where there is none."""
    try:
        return syscalls.call(_CREATE, None, 0, 1) if syscalls.known() else 0
    except OSError:
        return 0


def enter(reads: list[str], writes: list[str]) -> None:
    """Restrict this process for good: files beneath `reads` and `writes`, no sockets, no capability."""
    found = version()
    if not found:
        raise OSError("this kernel has no Landlock")
    handled = (1 << 13) - 1
    for needed, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        handled |= right if found >= needed else 0
    net, scope = (3 if found >= 4 else 0), (3 if found >= 6 else 0)
    attributes = struct.pack("QQQ", handled, net, scope)[: 24 if found >= 6 else 16 if found >= 4 else 8]
    ruleset = syscalls.call(_CREATE, attributes, len(attributes), 0)
    for path in reads:
        _allow(ruleset, path, _READ & handled)
    for path in DEVICES:
        _allow(ruleset, path, (_READ_FILE | _WRITE_FILE) & handled)
    for path in writes:
        _allow(ruleset, path, handled & ~_IOCTL_DEV)
    syscalls.drop_capabilities()
    syscalls.call(_RESTRICT, ruleset, 0)
    os.close(ruleset)
    filters.install((), shared=False)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _OF_FILES
        syscalls.call(_ADD, ruleset, 1, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)
