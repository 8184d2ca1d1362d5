"""Calls into the Linux kernel that Python's library does not have. Stdlib only; every failure is an OSError."""

from __future__ import annotations

import ctypes
import os
import struct
import sys

LINUX = sys.platform.startswith("linux")
MACHINE = os.uname().machine
LIBC = ctypes.CDLL(None, use_errno=True) if LINUX else None

NEW_TIME, NEW_NS, NEW_CGROUP, NEW_UTS = 0x80, 0x20000, 0x02000000, 0x04000000
NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC = 1, 2, 4, 8
PDEATHSIG, DUMPABLE, CAPBSET_DROP, SECCOMP, SUBREAPER, NO_NEW_PRIVS, CAP_AMBIENT = 1, 4, 24, 22, 36, 38, 47

_AT_FDCWD, _AT_RECURSIVE, _DETACH, _CLOEXEC = -100, 0x8000, 2, 4
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CLOSE_RANGE, _MOUNT_SETATTR = 436, 442


def known() -> bool:
    """True where the numbers of system calls are known here."""
    return LINUX and MACHINE in _PIVOT_ROOT and sys.maxsize > 2**32


def call(number: int, *arguments: int | bytes | None) -> int:
    """A raw system call."""
    assert LIBC is not None
    made = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    return _checked(LIBC.syscall(ctypes.c_long(number), *made))


def prctl(option: int, *values: int) -> int:
    """prctl(2)."""
    assert LIBC is not None
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    return _checked(LIBC.prctl(option, *padded))


def unshare(flags: int) -> None:
    """unshare(2)."""
    assert LIBC is not None
    _checked(LIBC.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    assert LIBC is not None
    made = LIBC.mount(source.encode(), os.fsencode(target), kind.encode() or None, ctypes.c_ulong(flags), data.encode())
    _checked(made, f"mount {kind or source} at {target}")


def set_mount(target: str, attributes: int, *, below: bool) -> None:
    """Add attributes to a mount, and to all below it where that is wanted (Linux 5.12)."""
    values = struct.pack("QQQQ", attributes, 0, 0, 0)
    call(_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), _AT_RECURSIVE if below else 0, values, len(values))


def enter_root(folder: str) -> None:
    """Make a mount the root of this mount namespace and let go of the old one."""
    assert LIBC is not None
    os.chdir(folder)
    call(_PIVOT_ROOT[MACHINE], b".", b".")
    _checked(LIBC.umount2(b".", _DETACH), "umount")
    os.chdir("/")


def name_host(name: bytes) -> None:
    """sethostname(2)."""
    assert LIBC is not None
    _checked(LIBC.sethostname(name, len(name)), "sethostname")


def inet_socket() -> int:
    """A handle to configure the network by."""
    assert LIBC is not None
    return _checked(LIBC.socket(2, 2 | os.O_CLOEXEC, 0), "socket")


def close_at_exec() -> None:
    """Every handle but the three streams closes when the next program begins."""
    try:
        call(_CLOSE_RANGE, 3, 0x7FFFFFFF, _CLOEXEC)
    except OSError:  # before Linux 5.11
        for entry in range(3, 4096):
            try:
                os.set_inheritable(entry, False)
            except OSError:
                continue


def drop_bounding() -> None:
    """No program that is started can gain a capability. Does nothing more where that was done."""
    for number in range(64):
        try:
            prctl(CAPBSET_DROP, number)
        except OSError:
            break


def drop_capabilities() -> None:
    """No capability is left, and none comes back with another program."""
    assert LIBC is not None
    prctl(NO_NEW_PRIVS, 1)
    drop_bounding()
    prctl(CAP_AMBIENT, 4)
    header, nothing = struct.pack("Ii", 0x20080522, 0), bytes(24)
    _checked(LIBC.capset(header, nothing), "capset")


def _checked(result: int, what: str = "") -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what or None)
    return int(result)
