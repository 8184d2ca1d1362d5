"""The best fence: a room of Linux namespaces, with its own root, network, processes and an identity without rights.

    supervisor ── keeper (new namespaces) ── first process of the room (mounts, reaps) ── the command

What is in the room: the system's programs and libraries and the interpreter, to be read; the folders of the command,
to be written; a /tmp in memory; a loopback. Where the supervisor is root the command is a user that owns nothing else;
where it is not, a user namespace is what allows the rest. Any step that fails is an OSError, and nothing is run.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import struct

from brengine.fencing import filters, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:  # what is not imported starts sooner
    from collections.abc import Callable
    from typing import NoReturn

LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM = ("/usr", "/nix/store", "/gnu/store")
ETC = (
    *("alternatives", "ca-certificates", "crypto-policies", "fonts", "gai.conf", "ld.so.cache", "ld.so.conf"),
    *("ld.so.conf.d", "localtime", "mime.types", "os-release", "pki/ca-trust", "pki/tls/certs", "protocols"),
    *("services", "ssl/certs", "ssl/openssl.cnf", "timezone"),
)
"""What of /etc programs need to start; none of it is secret."""
DEVICES = ("null", "zero", "full", "random", "urandom")
QUIET = syscalls.MS_NOSUID | syscalls.MS_NODEV
_SETFLAGS, _UP_RUNNING = 0x8914, 0x41


class Room:
    """What a command sees."""

    def __init__(self, reads: list[str], writes: list[str], over: str, uid: int, tmp_mb: int) -> None:
        """`over`: an empty folder outside, to be covered by its root; `uid`: who it is where this process is root."""
        self.reads = reads
        self.writes = writes
        self.over = over
        self.uid = uid
        self.tmp_mb = tmp_mb


def keep(room: Room, tell: int, parent: int, start: Callable[[], NoReturn]) -> NoReturn:
    """Make the room, have `start` run in it (it ends in exec), write {exit} or {error} to `tell`, and end."""
    try:
        syscalls.prctl(syscalls.PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        root = os.geteuid() == 0
        _unshared(root)
        watched, held = os.pipe()
        first = os.fork()
        if first == 0:
            os.close(held)
            _first(room, root, tell, watched, start)
        os.close(tell)
        os.waitpid(first, 0)
    except BaseException as error:
        _fail(tell, error)
    os._exit(0)


def _unshared(root: bool) -> None:
    spaces = syscalls.NEW_NS | syscalls.NEW_NET | syscalls.NEW_IPC | syscalls.NEW_UTS | syscalls.NEW_PID
    spaces |= syscalls.NEW_CGROUP
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(spaces if root else spaces | syscalls.NEW_USER)
    if not root:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")


def _first(room: Room, root: bool, tell: int, watched: int, start: Callable[[], NoReturn]) -> NoReturn:
    """The room's first process: furnishes it, gives up its rights, runs the command, reaps, tells how it ended."""
    try:
        syscalls.prctl(syscalls.PDEATHSIG, signal.SIGKILL)
        uid, gid = (room.uid, room.uid) if root else (os.geteuid(), os.getegid())
        _furnish(room, uid, gid)
        _loopback()
        syscalls.name_host(b"fence")
        if root:
            os.setgroups([])
            syscalls.prctl(syscalls.NO_NEW_PRIVS, 1)
            syscalls.drop_bounding()
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        syscalls.drop_capabilities()
        syscalls.prctl(syscalls.DUMPABLE, 0)
        syscalls.prctl(syscalls.PDEATHSIG, signal.SIGKILL)
        if select.select([watched], [], [], 0)[0]:
            os._exit(1)  # the keeper has gone before it was watched
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        command = os.fork()
        if command == 0:
            start()
        while True:
            ended, status = os.wait()
            if ended == command:
                os.write(tell, json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode())
                os._exit(0)
    except BaseException as error:
        _fail(tell, error)
    os._exit(1)


def seal() -> None:
    """The last thing before exec: the system calls that remain."""
    filters.install((filters.UNIX, filters.INET, filters.INET6), shared=True)


def _fail(tell: int, error: BaseException) -> None:
    os.write(tell, json.dumps({"error": f"{type(error).__name__}: {error}"[:400]}).encode())


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


# --- the furniture ------------------------------------------------------------------------------------------------


def _furnish(room: Room, uid: int, gid: int) -> None:
    """Everything that is visible, mounted over one folder, which then becomes the root."""
    paths = [(path, False) for path in (*shown(), *room.reads)] + [(path, True) for path in room.writes]
    opened = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC), rw) for path, rw in paths]
    devices = [(name, os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC)) for name in DEVICES]
    syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    base = room.over
    syscalls.mount("tmpfs", base, "tmpfs", QUIET, "size=4m,mode=0755")
    for path in LINKS:
        if os.path.islink(path):
            os.symlink(os.readlink(path), base + path)
    _tmpfs(f"{base}/tmp", room.tmp_mb)
    os.makedirs(f"{base}/var")
    os.symlink("/tmp", f"{base}/var/tmp")
    _devices(base, devices)
    os.mkdir(f"{base}/proc")
    syscalls.mount("proc", f"{base}/proc", "proc", QUIET | syscalls.MS_NOEXEC, "subset=pid")
    _names(f"{base}/etc", uid, gid)
    for path, handle, rw in sorted(opened, key=lambda row: (row[0].count("/"), row[2])):
        _bind(handle, base + path)
        attributes = syscalls.ATTR_NOSUID | syscalls.ATTR_NODEV | (0 if rw else syscalls.ATTR_RDONLY)
        syscalls.set_mount(base + path, attributes, below=True)
        os.close(handle)
    syscalls.enter_root(base)
    closed = syscalls.ATTR_RDONLY | syscalls.ATTR_NOSUID | syscalls.ATTR_NODEV
    syscalls.set_mount("/", closed, below=False)


def shown() -> list[str]:
    """What of the system every command may read."""
    etc = [f"/etc/{name}" for name in ETC]
    folders = [path for path in LINKS if not os.path.islink(path)]
    return [path for path in (*SYSTEM, *folders, *etc) if os.path.exists(path)]


def _tmpfs(path: str, megabytes: int) -> None:
    os.makedirs(path)
    syscalls.mount("tmpfs", path, "tmpfs", QUIET, f"size={megabytes}m,nr_inodes=100k,mode=1777")


def _devices(base: str, devices: list[tuple[str, int]]) -> None:
    os.mkdir(f"{base}/dev")
    for name, handle in devices:
        _bind(handle, f"{base}/dev/{name}")
        syscalls.set_mount(f"{base}/dev/{name}", syscalls.ATTR_NOSUID | syscalls.ATTR_NOEXEC, below=False)
        os.close(handle)
    for name, to in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(f"/proc/self/{to}", f"{base}/dev/{name}")
    _tmpfs(f"{base}/dev/shm", 64)
    os.mkdir(f"{base}/dev/pts")
    quiet = syscalls.MS_NOSUID | syscalls.MS_NOEXEC
    syscalls.mount("devpts", f"{base}/dev/pts", "devpts", quiet, "newinstance,ptmxmode=0666,mode=0600")
    os.symlink("pts/ptmx", f"{base}/dev/ptmx")


def _names(etc: str, uid: int, gid: int) -> None:
    """The few files of /etc that say who is here."""
    os.mkdir(etc)
    files = {
        "passwd": f"root:x:0:0:root:/:/bin/false\nfenced:x:{uid}:{gid}:fenced:/tmp:/bin/sh\n",
        "group": f"root:x:0:\nfenced:x:{gid}:\n",
        "hosts": "127.0.0.1 localhost fence\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
        "resolv.conf": "",
    }
    if uid == 0:
        files |= {"passwd": "root:x:0:0:root:/tmp:/bin/sh\n", "group": "root:x:0:\n"}
    for name, text in files.items():
        with open(f"{etc}/{name}", "w") as file:
            file.write(text)


def _bind(handle: int, target: str) -> None:
    """Show what a handle is of at a path, with all that is mounted below it."""
    source = f"/proc/self/fd/{handle}"
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    syscalls.mount(source, target, "", syscalls.MS_BIND | syscalls.MS_REC)


def _loopback() -> None:
    handle = syscalls.inet_socket()
    try:
        fcntl.ioctl(handle, _SETFLAGS, struct.pack("16sh22x", b"lo", _UP_RUNNING))
    finally:
        os.close(handle)
