"""Small programs that try to get out, and the world outside that tells whether they did.

As a program, `fence_probes.py KIND [UID]` runs them all behind a fence of that kind, as that user, and prints a JSON
object: name -> {said, outside, ended}. `said` is what a probe claims, `outside` what the world saw; both empty: held.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from brengine.commands import Door
from brengine.fencing import syscalls
from brengine.ports import Limits

SECRET = "only-for-the-outside"
FILES = ("home/key", "project/pkg.py", "project/.br/journal.jsonl", "project/.br/staging/c/key", "shared/there")
PRELUDE = """
import contextlib, ctypes, json, os, signal, socket, struct, subprocess, sys, threading, time
W = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def escaped(what):
    print("ESCAPED", what, flush=True)
def call(number, *args):
    libc.syscall.restype = ctypes.c_long
    return libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
def write(path, text="planted"):
    with open(path, "w") as file:
        file.write(text)  # whether it got out, the world tells
def read(path):
    with open(path, "rb") as file:
        if W["secret"].encode() in file.read(100_000):
            escaped("read " + path)
def each(what, attempt):
    for one in what:
        with contextlib.suppress(Exception):
            attempt(one)
def opened(path, how=os.O_RDONLY):
    os.close(os.open(path, how))
    escaped("opened " + path)
ARM = os.uname().machine == "aarch64"
"""


@dataclass(frozen=True)
class Probe:
    """One way out. `control`: it must succeed without a fence, for "any" user, for "root" only, or "" never tried."""

    code: str
    control: str = ""
    only: str = ""
    """The one kind of fence that it is run behind: elsewhere it could do harm."""
    gap: bool = False
    """Landlock alone does not hold this."""
    ended: tuple[str, ...] = ("exit", "signal")


PROBES = {
    # --- writing
    "write to home": Probe("write(W['home'] + '/planted')", "any"),
    "write to the root folder": Probe("write('/planted-by-a-probe')"),
    "write to the project": Probe("write(W['project'] + '/pkg.py')", "any"),
    "append to the journal": Probe("open(W['project'] + '/.br/journal.jsonl', 'a').write('x')", "any"),
    "write to another staging tree": Probe("write(W['other'] + '/planted')", "any"),
    "write to the host's temporary folder": Probe("write(W['shared'] + '/planted')", "any"),
    "write to /tmp": Probe("open(W['in_tmp'], 'w').close()", "any"),
    "write to site-packages": Probe("write(W['site'] + '/planted_by_a_probe.txt')", "root"),
    "open the library for writing": Probe("opened(os.__file__, os.O_RDWR)", "root"),
    "write to /usr/bin": Probe("write('/usr/bin/planted-by-a-probe')"),
    "change a mode outside": Probe("os.chmod(W['home'] + '/key', 0o600)", "any", gap=True),
    "change times outside": Probe("os.utime(W['home'] + '/key', (1, 1))", "any", gap=True),
    "truncate outside": Probe("os.truncate(W['home'] + '/key', 0)", "any"),
    "delete outside": Probe("os.unlink(W['shared'] + '/there')", "any"),
    "rename out": Probe("open('own', 'w').close(); os.rename('own', W['shared'] + '/planted')", "any"),
    "rename in": Probe("os.rename(W['shared'] + '/there', 'mine')", "any"),
    "write through a symbolic link": Probe("os.symlink(W['project'], 'link'); write('link/planted')", "any"),
    "write through dots": Probe("write('../planted'); write(W['up'])", "any"),
    "write through /proc/self/root": Probe("write('/proc/self/root' + W['home'] + '/planted')", "any"),
    "rename race": Probe(
        "os.mkdir('a'); os.symlink(W['shared'], 'b'); end = time.time() + 0.7\n"
        "def swap():\n"
        "    while time.time() < end:\n"
        "        os.rename('a', 'c'); os.rename('b', 'a'); os.rename('a', 'b'); os.rename('c', 'a')\n"
        "threading.Thread(target=swap).start()\n"
        "while time.time() < end:\n"
        "    with contextlib.suppress(OSError):\n"
        "        open('a/planted', 'w').close()\n",
        "any",
    ),
    "leave a set-id program": Probe("import shutil; shutil.copy('/bin/sh', 'sh'); os.chmod('sh', 0o6755)"),
    "make a device": Probe("os.mknod('zeros', 0o20666, os.makedev(1, 5)); opened('zeros')", "root"),
    # --- reading
    "read a key at home": Probe("read(W['home'] + '/key')", "any"),
    "read the project": Probe("read(W['project'] + '/pkg.py')", "any"),
    "read the journal": Probe("read(W['project'] + '/.br/journal.jsonl')", "any"),
    "read another staging tree": Probe("read(W['other'] + '/key')", "any"),
    "read through a symbolic link": Probe("os.symlink(W['home'] + '/key', 'link'); read('link')", "any"),
    "read through a hard link": Probe("os.link(W['home'] + '/key', 'hard'); read('hard')", "any"),
    "read through /proc/self/root": Probe("read('/proc/self/root' + W['home'] + '/key')", "any"),
    "read through /proc/1/root": Probe("read('/proc/1/root' + W['home'] + '/key')"),
    "read through the engine's root": Probe("read(f\"/proc/{W['engine']}/root{W['home']}/key\")", "any"),
    "read through a handle of the file": Probe(
        "held = ctypes.create_string_buffer(200); struct.pack_into('I', held, 0, 128); mount = ctypes.c_int()\n"
        "libc.name_to_handle_at(-100, (W['home'] + '/key').encode(), held, ctypes.byref(mount), 0) and sys.exit(1)\n"
        "found = libc.open_by_handle_at(os.open('.', os.O_RDONLY), held, os.O_RDONLY)\n"
        "W['secret'] in os.read(found, 100).decode() and escaped('read by handle')",
        "root",
    ),
    "list folders of people": Probe(
        "ways = sys.prefix + ' ' + sys.base_prefix + ' ' + os.getcwd()\n"
        "each(['/root', '/home', W['home']], lambda p: any(f'{p}/{name}' not in ways for name in os.listdir(p))"
        " and escaped(p))",
        "any",
    ),
    "read the list of passwords": Probe("opened('/etc/shadow')", "root"),
    "see names in the host's temporary folder": Probe("'there' in os.listdir(W['shared']) and escaped('names')", "any"),
    "environment of every process": Probe(
        "each(os.listdir('/proc'), lambda pid: pid.isdigit() and int(pid) != os.getpid() and"
        " read(f'/proc/{pid}/environ'))",
        "any",
    ),
    "own environment": Probe("W['secret'] in repr(os.environ) and escaped('environment')"),
    "handles of the first process": Probe(
        "each(os.listdir('/proc/1/fd'), lambda fd: escaped('handle ' + os.readlink('/proc/1/fd/' + fd)))"
    ),
    "inherited handles": Probe("each(range(3, 500), lambda fd: os.fstat(fd) and escaped(f'handle {fd}'))"),
    "devices": Probe(
        "each(['mem', 'kmem', 'port', 'vda', 'sda', 'kvm', 'fuse', 'vsock', 'net/tun', 'loop-control', 'kmsg'],"
        " lambda name: opened('/dev/' + name))",
        "root",
    ),
    "System V memory": Probe(
        "libc.shmat.restype = ctypes.c_void_p; at = libc.shmat(libc.shmget(W['shm'], 0, 0), None, 0o10000)\n"
        "at != ctypes.c_void_p(-1).value and W['secret'] in repr(ctypes.string_at(at, 40)) and escaped('memory')",
        "any",
    ),
    # --- processes
    "kill outside": Probe("os.kill(W['victim'], 9)", "any"),
    "kill everything": Probe("os.fork() or os.kill(-1, 9); time.sleep(0.2)", only="namespaces"),
    "kill the first process": Probe("each([2, 15, 9], lambda n: os.kill(1, n))", only="namespaces", ended=("exit",)),
    "a handle on a process": Probe("signal.pidfd_send_signal(os.pidfd_open(W['victim']), 9)", "any"),
    "trace outside": Probe(
        "libc.ptrace(16, W['victim'], 0, 0) == 0 and (escaped('attached'), libc.ptrace(17, W['victim'], 0, 0))", "any"
    ),
    "trace at all": Probe("libc.ptrace(0, 0, 0, 0) == 0 and escaped('traced')", "any"),
    "read memory outside": Probe(
        "into = ctypes.create_string_buffer(8); local = (ctypes.c_void_p * 2)(ctypes.addressof(into), 8)\n"
        "far = (ctypes.c_void_p * 2)(W['address'], 8)\n"
        "libc.process_vm_readv(W['engine'], local, 1, far, 1, 0) == 8 and escaped('memory')",
        "any",
    ),
    "daemon": Probe(
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    if os.fork() == 0:\n"
        "        os.execv('/bin/sleep', ['daemon-of-a-probe', '60'])\n"
        "    os._exit(0)\n"
        "time.sleep(0.3)",
    ),
    # --- the network
    "TCP to the host's loopback": Probe("socket.create_connection(('127.0.0.1', W['tcp']), 2); escaped('tcp')", "any"),
    "TCP to the host's loopback, IPv6": Probe("socket.create_connection(('::1', W['tcp6']), 2); escaped('tcp')", "any"),
    "UDP to the host's loopback": Probe(
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', W['udp']))", "any"
    ),
    "a routable address": Probe(
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9)); escaped('route')", "route"
    ),
    "a routable address, IPv6": Probe("socket.create_connection(('2001:db8::1', 9), 2); escaped('route')"),
    "names": Probe("socket.getaddrinfo('example.com', 80) and escaped('resolved')"),
    "a socket in the file system": Probe(
        "s = socket.socket(socket.AF_UNIX); s.connect(W['unix']); escaped('unix')", "any"
    ),
    "an abstract socket": Probe(
        "s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + W['abstract']); escaped('abstract')", "any"
    ),
    "sockets of other families": Probe(
        "each([(f, k) for f in (40, 16, 17, 38, 31, 29, 30) for k in (1, 2, 3, 5)],"
        " lambda of: call(198 if ARM else 41, *of, 0) >= 0 and escaped(f'family {of}'))",
        "any",
    ),
    "AF_VSOCK": Probe("socket.socket(40, socket.SOCK_STREAM); escaped('vsock')", "any"),
    "AF_NETLINK": Probe("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); escaped('netlink')", "any"),
    "raw sockets": Probe("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); escaped('raw')", "root"),
    # --- the kernel
    "mount": Probe("os.mkdir('m'); libc.mount(b'none', b'm', b'tmpfs', 0, None) == 0 and escaped('mounted')"),
    "make the system writable": Probe(
        "each([b'/', b'/usr', sys.prefix.encode() + b'/lib'], lambda p: libc.mount(None, p, None, 4096 | 32, None) == 0"
        " and escaped('remounted'))",
        only="namespaces",
    ),
    "unmount": Probe(
        "each([b'/proc', b'/usr', b'/tmp', os.getcwd().encode()], lambda p: libc.umount2(p, 2) == 0"
        " and escaped('unmounted'))",
        only="namespaces",
    ),
    "new ways to mount": Probe(
        "call(430, b'tmpfs', 0) >= 0 and escaped('fsopen')\ncall(428, -100, b'/', 1) >= 0 and escaped('open_tree')",
        "root",
    ),
    "chroot": Probe("os.mkdir('c'); os.chroot('c'); escaped('chroot')", "root"),
    "unshare again": Probe("libc.unshare(0x10000000) == 0 and escaped('user namespace')", "any"),
    "unshare the mounts": Probe("libc.unshare(0x20000) == 0 and escaped('mount namespace')", "root"),
    "clone into namespaces": Probe(
        "made = call(220 if ARM else 56, 0x10000000 | 17, 0, 0, 0, 0)\n"
        "made == 0 and os._exit(0)\n"
        "made > 0 and escaped('clone')",
        "any",
    ),
    "clone3 into namespaces": Probe(
        "made = call(435, struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)\n"
        "made == 0 and os._exit(0)\n"
        "made > 0 and escaped('clone3')",
        "any",
    ),
    "enter other namespaces": Probe(
        "each(['mnt', 'net', 'pid', 'user', 'ipc'], lambda n: libc.setns(os.open('/proc/1/ns/' + n, 0), 0) == 0"
        " and escaped(n))"
    ),
    "become root": Probe("each([0], os.setuid); os.getuid() == 0 and escaped('uid 0')", only="namespaces"),
    "gain by a set-id program": Probe(
        "out = subprocess.run(['su', '-c', 'id'], capture_output=True, timeout=5, stdin=subprocess.DEVNULL).stdout\n"
        "b'uid=0' in out and escaped('su')",
        only="namespaces",
    ),
    "capabilities": Probe(
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "any(int(status[n], 16) for n in ('CapEff', 'CapPrm', 'CapInh', 'CapAmb')) and escaped('capabilities')\n"
        "int(status['NoNewPrivs']) == 1 or escaped('may gain'); int(status['Seccomp']) == 2 or escaped('no filter')",
        "any",
        only="namespaces",
    ),
    "settings of the kernel": Probe(
        "each(['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/sys/kernel/hostname',"
        " '/sys/kernel/uevent_helper', '/sys/fs/cgroup/cgroup.procs'], lambda p: opened(p, os.O_WRONLY))",
        "root",
    ),
    "keys": Probe("call(217 if ARM else 248, b'user', b'probe', b'x', 1, -2) > 0 and escaped('key')", "any"),
    "io_uring": Probe("call(425, 2, ctypes.create_string_buffer(120)) >= 0 and escaped('io_uring')", "any"),
    "bpf, perf, userfaultfd": Probe(
        "numbers = (280, 241, 282) if ARM else (321, 298, 323)\n"
        "each(numbers[2:], lambda n: call(n, 1) >= 0 and escaped(f'call {n}'))\n"
        "call(numbers[0], 0, struct.pack('4I', 2, 4, 4, 1) + bytes(56), 72) >= 0 and escaped('bpf')",
        "root",
    ),
    "the host's name": Probe("libc.sethostname(socket.gethostname().encode(), 3) == 0 and escaped('name')"),
    "raise limits": Probe("import resource as r\nr.setrlimit(r.RLIMIT_AS, (-1, -1)); escaped('raised')"),
    # --- too much of something
    "fork bomb": Probe(
        "while True:\n    with contextlib.suppress(OSError):\n        os.fork()", ended=("processes", "signal")
    ),
    "threads": Probe(
        "made = 0\nwhile made < 3000:\n    threading.Thread(target=time.sleep, args=(5,)).start(); made += 1\n"
        "escaped(f'{made} threads')",
        only="namespaces",
    ),
    "memory hog": Probe("x = bytearray(1 << 30); x[::4096] = b'x' * len(x[::4096]); escaped('a gigabyte')"),
    "many memory hogs": Probe(
        "for _ in range(6):\n    if os.fork() == 0:\n        break\n"
        "x = bytearray(100 << 20)\nx[::4096] = b'x' * len(x[::4096])\ntime.sleep(3)\nescaped('600 megabytes')",
        ended=("memory",),
    ),
    "one large file": Probe("f = open('large', 'wb'); f.truncate(1 << 40); escaped('truncate')"),
    "many files": Probe(
        "for n in range(500):\n    open(f'f{n}', 'wb').write(b'x' * (4 << 20)); time.sleep(0.02)\n"
        "escaped('2 gigabytes')",
        ended=("disk",),
    ),
    "much in memory files": Probe(
        "for where in ('/tmp', '/dev/shm'):\n"
        "    with contextlib.suppress(OSError):\n"
        "        for n in range(60):\n            open(f'{where}/f{n}', 'wb').write(b'x' * (2 << 20))\n"
        "        escaped('120 megabytes in ' + where)",
        only="namespaces",
    ),
    "sleeper": Probe("signal.signal(15, signal.SIG_IGN)\ntime.sleep(60)\nescaped('slept')", ended=("timeout",)),
    "many handles": Probe("held = [os.dup(1) for _ in range(5000)]; escaped('handles')"),
}


class World:
    """What is outside: files that must stay as they are, sockets that must stay silent, a process that must live."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="br-world-"))
        self.base.chmod(0o777)
        self.sockets = {"tcp": self._listen(socket.AF_INET, "127.0.0.1"), "tcp6": self._listen(socket.AF_INET6, "::1")}
        self.sockets["udp"] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sockets["udp"].bind(("127.0.0.1", 0))
        for name, address in (("unix", str(self.base / "socket")), ("abstract", f"\0world-{os.getpid()}")):
            self.sockets[name] = socket.socket(socket.AF_UNIX)
            self.sockets[name].bind(address)
            self.sockets[name].listen()
        (self.base / "socket").chmod(0o777)
        for used in self.sockets.values():
            used.setblocking(False)
        self.shm = self._memory()
        self.victim = subprocess.Popen(["/bin/sleep", "600"], env={"KEY": SECRET})
        self.address = ctypes.create_string_buffer(SECRET.encode())
        self.handle = os.open("/etc/passwd", os.O_RDONLY)
        os.set_inheritable(self.handle, True)
        self.work = self.base / "project/.br/staging/b/t-1"
        self.in_tmp = Path(tempfile.gettempdir()) / f"planted-{os.getpid()}"
        self.in_site = Path(sysconfig.get_path("purelib")) / "planted_by_a_probe.txt"
        self.refresh()

    def _listen(self, family: int, host: str) -> socket.socket:
        used = socket.socket(family)
        used.bind((host, 0))
        used.listen()
        return used

    def _memory(self) -> int:
        assert syscalls.LIBC is not None
        syscalls.LIBC.shmat.restype = ctypes.c_void_p
        self.segment = syscalls.LIBC.shmget(os.getpid(), 4096, 0o1666)
        at = syscalls.LIBC.shmat(self.segment, None, 0)
        ctypes.memmove(at, SECRET.encode(), len(SECRET))
        return os.getpid()

    def refresh(self) -> None:
        """Everything as it was, open to all users: only the fence is in the way."""
        for name in ("home", "project", "shared"):
            shutil.rmtree(self.base / name, ignore_errors=True)
        for path in FILES:
            target = self.base / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(SECRET)
            target.chmod(0o666)
        self.work.mkdir(parents=True)
        for folder in (self.base / "home", self.base / "shared", *(self.base / "project").rglob("*")):
            if folder.is_dir():
                folder.chmod(0o777)
        (self.base / "project").chmod(0o777)
        os.utime(self.base / "home/key", (1e9, 1e9))
        for planted in (self.in_tmp, self.in_site):
            if planted.exists():
                planted.unlink()
        if self.victim.poll() is not None:
            self.victim = subprocess.Popen(["/bin/sleep", "600"], env={"KEY": SECRET})

    def told(self) -> dict[str, object]:
        """What probes are told of it: where everything is."""
        base = str(self.base)
        return {
            "secret": SECRET,
            "home": f"{base}/home",
            "project": f"{base}/project",
            "other": f"{base}/project/.br/staging/c",
            "shared": f"{base}/shared",
            "up": f"{self.work}/../../../../planted",
            "in_tmp": str(self.in_tmp),
            "site": str(self.in_site.parent),
            "engine": os.getpid(),
            "victim": self.victim.pid,
            "address": ctypes.addressof(self.address),
            "shm": self.shm,
            "unix": f"{base}/socket",
            "abstract": f"world-{os.getpid()}",
            **{name: self.sockets[name].getsockname()[1] for name in ("tcp", "tcp6", "udp")},
        }

    def changes(self) -> list[str]:
        """What is not as it was."""
        found = []
        expected, there = set(FILES), set()
        for path in self.base.rglob("*"):
            if path.is_relative_to(self.work):
                with contextlib.suppress(OSError):
                    mode = path.lstat().st_mode
                    if mode & 0o6000 and not stat.S_ISDIR(mode):
                        found.append(f"set-id {path.name}")
            elif path.is_file():
                there.add(str(path.relative_to(self.base)))
        found += [f"changed: {name}" for name in sorted(there ^ expected)]
        found += [f"rewritten: {name}" for name in sorted(there & expected) if (self.base / name).read_text() != SECRET]
        key = self.base / "home/key"
        if key.exists() and (key.stat().st_mode & 0o777, key.stat().st_mtime) != (0o666, 1e9):
            found.append("mode or times")
        found += [f"there: {path}" for path in (self.in_tmp, self.in_site, *PLANTED) if path.exists()]
        for name, used in self.sockets.items():
            with contextlib.suppress(BlockingIOError):
                used.recv(10) if name == "udp" else used.accept()[0].close()
                found.append(f"reached: {name}")
        time.sleep(0.01)
        if self.victim.poll() is not None:
            found.append("the victim is dead")
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if place.read_bytes().startswith(b"daemon-of-a-probe"):
                    found.append("a daemon is left")
                    os.kill(int(place.parent.name), signal.SIGKILL)
        return found

    def end(self) -> None:
        """Nothing of it stays."""
        self.victim.kill()
        self.victim.wait()
        assert syscalls.LIBC is not None
        syscalls.LIBC.shmctl(self.segment, 0, None)
        shutil.rmtree(self.base, ignore_errors=True)


PLANTED = (Path("/planted-by-a-probe"), Path("/usr/bin/planted-by-a-probe"))
LIMITS = Limits(seconds=8, memory_mb=400, processes=10, file_mb=8, output_bytes=20_000, tree_mb=24, tmp_mb=16)


def attempt(world: World, kind: str, probe: Probe) -> dict[str, object]:
    """Run one probe; what it said, what the world saw, how it ended."""
    world.refresh()
    argv = [sys.executable, "-c", PRELUDE + probe.code, json.dumps(world.told())]
    limits = LIMITS if probe.ended == ("exit", "signal") else Limits(**{**_fields(LIMITS), "seconds": 4})
    ended = Door().behind(kind, argv, world.work, limits)
    said = [line for line in ended.stdout.splitlines() if line.startswith("ESCAPED")]
    error = ended.stderr.strip().splitlines()[-1:]
    return {"said": said, "outside": world.changes(), "ended": ended.ended, "error": error}


def _fields(limits: Limits) -> dict[str, float]:
    return {name: getattr(limits, name) for name in limits.__dataclass_fields__}


def tried(kind: str) -> dict[str, Probe]:
    """The probes that are run behind this kind: without a fence only those that do no harm then."""
    if kind == "limits":
        users = ("any", "root") if os.geteuid() == 0 else ("any",)
        return {name: p for name, p in PROBES.items() if p.control in users and p.only in ("", kind)}
    return {name: p for name, p in PROBES.items() if p.only in ("", kind)}


def become(uid: int) -> None:
    """Be a user without rights, in a view of the machine where the interpreter can be reached by that user."""
    prefix = Path(os.path.realpath(sys.executable)).parent.parent
    closed = [folder for folder in reversed(prefix.parents) if not folder.stat().st_mode & 0o001]
    if closed:
        syscalls.unshare(syscalls.NEW_NS)
        held = os.open(prefix, os.O_PATH)
        syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
        syscalls.mount("tmpfs", str(closed[0]), "tmpfs", 0, "mode=0755")
        prefix.mkdir(parents=True)
        syscalls.mount(f"/proc/self/fd/{held}", str(prefix), "", syscalls.MS_BIND | syscalls.MS_REC)
        os.close(held)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    syscalls.prctl(syscalls.DUMPABLE, 1)
    os.environ["HOME"] = tempfile.gettempdir()


def main() -> None:
    """Run the probes and print what came of them."""
    if len(sys.argv) > 2:
        become(int(sys.argv[2]))
    os.environ["BR_TEST_KEY"] = SECRET
    world = World()
    try:
        print(json.dumps({name: attempt(world, sys.argv[1], probe) for name, probe in tried(sys.argv[1]).items()}))
    finally:
        world.end()


if __name__ == "__main__":
    main()
