"""The system calls that a fenced program has no use for, refused by a seccomp filter. Stdlib only.

The lists follow what container runtimes refuse: mounts, namespaces, other processes' memory, modules, keys, io_uring,
and sockets of every family but AF_UNIX, AF_INET and AF_INET6.
"""

from __future__ import annotations

import ctypes
import struct

from brengine.fencing import syscalls

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97
UNIX, INET, INET6 = 1, 2, 10
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST, _SECOND = 0, 4, 16, 24
_X32 = 0x40000000
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_SPACES = (
    syscalls.NEW_NS
    | syscalls.NEW_CGROUP
    | syscalls.NEW_UTS
    | syscalls.NEW_IPC
    | syscalls.NEW_USER
    | syscalls.NEW_PID
    | syscalls.NEW_NET
)

NEWER = {
    **dict(io_uring_setup=425, io_uring_enter=426, io_uring_register=427, open_tree=428, move_mount=429, fsopen=430),
    **dict(fsconfig=431, fsmount=432, fspick=433, pidfd_getfd=438, process_madvise=440, mount_setattr=442),
    **dict(quotactl_fd=443, process_mrelease=448, open_tree_attr=467),
}
"""Numbers that all machines share."""
DENIED = {
    "x86_64": {
        **dict(ptrace=101, syslog=103, uselib=134, vhangup=153, modify_ldt=154, pivot_root=155, adjtimex=159),
        **dict(chroot=161, acct=163, settimeofday=164, mount=165, umount2=166, swapon=167, swapoff=168, reboot=169),
        **dict(sethostname=170, setdomainname=171, iopl=172, ioperm=173, init_module=175, delete_module=176),
        **dict(quotactl=179, nfsservctl=180, lookup_dcookie=212, clock_settime=227, kexec_load=246, add_key=248),
        **dict(request_key=249, keyctl=250, migrate_pages=256, unshare=272, move_pages=279, perf_event_open=298),
        **dict(fanotify_init=300, name_to_handle_at=303, open_by_handle_at=304, clock_adjtime=305, setns=308),
        **dict(process_vm_readv=310, process_vm_writev=311, kcmp=312, finit_module=313, kexec_file_load=320),
        **dict(bpf=321, userfaultfd=323),
    },
    "aarch64": {
        **dict(umount2=39, mount=40, pivot_root=41, chroot=51, vhangup=58, quotactl=60, acct=89, unshare=97),
        **dict(kexec_load=104, init_module=105, delete_module=106, clock_settime=112, syslog=116, ptrace=117),
        **dict(reboot=142, sethostname=161, setdomainname=162, settimeofday=170, adjtimex=171, add_key=217),
        **dict(request_key=218, keyctl=219, swapon=224, swapoff=225, migrate_pages=238, move_pages=239),
        **dict(perf_event_open=241, fanotify_init=262, name_to_handle_at=264, open_by_handle_at=265),
        **dict(clock_adjtime=266, setns=268, process_vm_readv=270, process_vm_writev=271, kcmp=272, finit_module=273),
        **dict(bpf=280, userfaultfd=282, kexec_file_load=294),
    },
}
SHARED = {
    "x86_64": dict(shmget=29, shmat=30, shmctl=31, semget=64, msgget=68, mq_open=240),
    "aarch64": dict(mq_open=180, msgget=186, semget=190, shmget=194, shmctl=195, shmat=196),
}
"""Memory, semaphores and queues that programs share by a number or a name."""
CALLS = {
    "x86_64": {"socket": 41, "socketpair": 53, "ioctl": 16, "clone": 56},
    "aarch64": {"socket": 198, "socketpair": 199, "ioctl": 29, "clone": 220},
}
_CLONE3 = 435


def install(families: tuple[int, ...], *, shared: bool) -> None:
    """Refuse from here on. Needs no_new_privs.

    `families`: those of the sockets that may be made; `shared`: memory by numbers may be used, being the room's own.
    """
    code = b"".join(program(syscalls.MACHINE, families, shared))
    kept = ctypes.create_string_buffer(code, len(code))
    filters = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(kept))
    held = ctypes.create_string_buffer(filters, len(filters))
    syscalls.prctl(syscalls.SECCOMP, 2, ctypes.addressof(held))


def program(machine: str, families: tuple[int, ...], shared: bool) -> list[bytes]:
    """The filter, instruction by instruction."""
    calls = CALLS[machine]
    made = [_step(_LOAD, _ARCH), _step(_EQUAL, AUDIT_ARCH[machine], 1, 0), _step(_RETURN, KILL), _step(_LOAD, _NUMBER)]
    if machine == "x86_64":
        made += [_step(_AT_LEAST, _X32, 0, 1), _step(_RETURN, ERRNO | ENOSYS)]
    made += [_step(_EQUAL, _CLONE3, 0, 1), _step(_RETURN, ERRNO | ENOSYS)]
    denied = {**DENIED[machine], **NEWER, **({} if shared else SHARED[machine])}
    for number in sorted(denied.values()):
        made += [_step(_EQUAL, number, 0, 1), _step(_RETURN, ERRNO | EPERM)]
    made += _arguments(calls["clone"], _FIRST, [_step(_ANY_BIT, _SPACES, 0, 1), _step(_RETURN, ERRNO | EPERM)])
    stolen = [s for number in _TERMINAL_INPUT for s in (_step(_EQUAL, number, 0, 1), _step(_RETURN, ERRNO | EPERM))]
    made += _arguments(calls["ioctl"], _SECOND, stolen)
    made += _arguments(calls["socket"], _FIRST, _only(families))
    made += _arguments(calls["socketpair"], _FIRST, _only((UNIX,)))
    return [*made, _step(_RETURN, ALLOW)]


def _only(families: tuple[int, ...]) -> list[bytes]:
    steps = [s for family in families for s in (_step(_EQUAL, family, 0, 1), _step(_RETURN, ALLOW))]
    return [*steps, _step(_RETURN, ERRNO | EAFNOSUPPORT)]


def _arguments(number: int, place: int, steps: list[bytes]) -> list[bytes]:
    """Steps on an argument of one call; what they do not answer is allowed."""
    inside = [_step(_LOAD, place), *steps, _step(_RETURN, ALLOW)]
    return [_step(_EQUAL, number, 0, len(inside)), *inside]


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
