"""Runs one command behind a fence and within limits, and ends its whole process tree. `python -I -S`; stdlib only.

argv: a JSON object, then the command. The object: seconds, memory_mb, processes, file_mb, tree_mb, open_files or 512,
tmp_mb, status: fd, fence: {kind: namespaces|landlock|limits, reads, writes, over}. On Linux the supervisor is a child
subreaper, so daemons of the command fall to it and are killed; elsewhere only the process group is.
Writes {"exit": int, "ended": "exit|timeout|processes|memory|disk|signal|fence", "seconds": float, "why": str} to the
status fd. `fence`: the fence could not be set up, `why` says what failed; the command was not run.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from brengine.fencing import landlock, rooms, syscalls

sys.path.pop()

TYPE_CHECKING = False
if TYPE_CHECKING:  # what is not imported starts sooner
    from collections.abc import Iterator
    from typing import Any, NoReturn

LINUX = syscalls.LINUX
LOOK = 0.5
"""Seconds between two looks at what is on the disk."""
ENTRIES = 50_000
"""Files that a command may have in its folders."""
KEEP_FREE_MB = 256
USERS = range(61184, 65519)
"""Identities that no person has (systemd's for services without a user of their own)."""
_PAGE = resource.getpagesize()


def main() -> None:
    options = json.loads(sys.argv[1])
    command = sys.argv[2:]
    status = options["status"]
    os.set_inheritable(status, False)
    parent = os.getppid()
    if LINUX:
        syscalls.prctl(syscalls.SUBREAPER, 1)
        syscalls.prctl(syscalls.PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda number, frame: stop())
    if os.getppid() != parent:
        sys.exit(1)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    start = time.monotonic()
    uid = USERS[os.getpid() % len(USERS)]
    fence = options["fence"]
    lent = fence["kind"] == "namespaces" and os.geteuid() == 0
    owners = {folder: os.stat(folder) for folder in fence["writes"]} if lent else {}
    for folder in owners:
        settle(folder, uid, uid)
    heard, tell = os.pipe()
    this = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(heard)
        become(command, options, tell, this, uid)
    os.close(tell)
    ended, code = wait(child, start, options)
    kill_rest(child)
    for folder in fence["writes"]:
        own = owners.get(folder)
        settle(folder, own.st_uid if own else None, own.st_gid if own else 0)
    report = {"exit": code, "ended": ended, "seconds": time.monotonic() - start} | told(heard, fence["kind"], ended)
    os.write(status, json.dumps(report).encode())


def told(heard: int, kind: str, ended: str) -> dict[str, Any]:
    """What the fence says of how the command ended, where that differs from what its keeper's end says."""
    said = os.read(heard, 1000)
    if b'"error"' in said:
        return {"ended": "fence", "why": json.loads(said)["error"]}
    if kind != "namespaces" or ended not in ("exit", "signal"):
        return {}
    if not said:
        return {"ended": "fence", "why": "the first process behind it ended without a word"}
    code = json.loads(said)["exit"]
    return {"exit": code, "ended": "signal" if code < 0 else "exit"}


def become(command: list[str], options: dict[str, Any], tell: int, parent: int, uid: int) -> NoReturn:
    """The child: its own session, the fence, limits, then the command."""
    fence = options["fence"]
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if fence["kind"] == "namespaces":
            room = rooms.Room(fence["reads"], fence["writes"], fence["over"], uid, options["tmp_mb"])
            where = os.getcwd()
            rooms.keep(room, tell, parent, lambda: launch(command, options, tell, where))
        launch(command, options, tell, "")
    except BaseException as error:  # nothing of the parent may run on in the child
        os.write(tell, json.dumps({"error": str(error)[:400]}).encode())
    os._exit(127)


def launch(command: list[str], options: dict[str, Any], tell: int, where: str) -> NoReturn:
    """Limits, the last of the fence, exec. Whatever of that fails is told, and nothing is run."""
    fence = options["fence"]
    try:
        limits(options, counted=fence["kind"] == "namespaces")
        os.set_inheritable(tell, False)
        if where:
            os.setsid()
            os.chdir(where)
            rooms.seal()
        elif fence["kind"] == "landlock":
            landlock.enter([*rooms.shown(), *fence["reads"]], [*fence["writes"], fence["over"]])
        if LINUX:
            syscalls.close_at_exec()
        limit(resource.RLIMIT_AS, int(options["memory_mb"]) << 20)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"cannot run {command[0]}: {error}\n".encode())
    except BaseException as error:
        os.write(tell, json.dumps({"error": str(error)[:400]}).encode())
    os._exit(127)


def limits(options: dict[str, Any], *, counted: bool) -> None:
    """Limits that the kernel holds. `counted`: the user of the command has no processes but these."""
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_CPU, int(options["seconds"]) + 5)
    limit(resource.RLIMIT_FSIZE, int(options["file_mb"]) << 20)
    limit(resource.RLIMIT_NOFILE, int(options.get("open_files", 512)))
    release = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    if counted and (os.geteuid() in USERS or release >= (5, 14)):  # before, it counted outside of namespaces too
        limit(resource.RLIMIT_NPROC, 4 * int(options["processes"]) + 64)


def limit(kind: int, value: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))


def wait(child: int, start: float, options: dict[str, Any]) -> tuple[str, int]:
    """Until the child ends, the time is over, or there is too much of something."""
    pause, looked = 0.02, start
    folders = options["fence"]["writes"]
    most = options["processes"] + (2 if options["fence"]["kind"] == "namespaces" else 0)
    while True:
        if LINUX:
            signal.sigtimedwait({signal.SIGCHLD}, pause)
        else:
            time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return ("signal", code) if code < 0 else ("exit", code)
        if time.monotonic() - start > options["seconds"]:
            return "timeout", -signal.SIGKILL
        running = descendants()
        if len(running) > most:
            return "processes", -signal.SIGKILL
        if sum(running.values()) > options["memory_mb"] << 20 and proportional(running) > options["memory_mb"] << 20:
            return "memory", -signal.SIGKILL
        if time.monotonic() - looked > LOOK:
            looked = time.monotonic()
            if overfull(folders, options["tree_mb"]):
                return "disk", -signal.SIGKILL


def descendants() -> dict[int, int]:
    """Every process below this one, by the parents that /proc tells, and its bytes of memory."""
    parents: dict[int, list[int]] = {}
    memory: dict[int, int] = {}
    if not LINUX:
        return {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    fields = file.read().rsplit(b")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if fields[0] != b"Z":
                parents.setdefault(int(fields[1]), []).append(int(entry))
                memory[int(entry)] = int(fields[21]) * _PAGE
    found, stack = [], [os.getpid()]
    while stack:
        below = parents.get(stack.pop(), [])
        found += below
        stack += below
    return {process: memory[process] for process in found}


def proportional(processes: dict[int, int]) -> int:
    """Bytes of memory of processes, with pages that several share counted once."""
    total = 0
    for process, resident in processes.items():
        try:
            with open(f"/proc/{process}/smaps_rollup", "rb") as file:
                total += next(int(line.split()[1]) << 10 for line in file if line.startswith(b"Pss:"))
        except OSError:  # it may have ended meanwhile
            total += resident if os.path.exists(f"/proc/{process}") else 0
        except StopIteration:
            continue
    return total


def overfull(folders: list[str], megabytes: int) -> bool:
    """True where the folders hold more than they may, or their disk is nearly full."""
    size = entries = 0
    for folder in folders:
        for entry in beneath(folder):
            with contextlib.suppress(OSError):
                size += entry.stat(follow_symlinks=False).st_blocks * 512
            entries += 1
            if entries > ENTRIES or size > megabytes << 20:
                return True
        with contextlib.suppress(OSError):
            disk = os.statvfs(folder)
            if disk.f_bavail * disk.f_frsize < KEEP_FREE_MB << 20:
                return True
    return False


def beneath(folder: str) -> Iterator[os.DirEntry[str]]:
    """Every entry below a folder; links are not followed. Folders come before what is in them."""
    stack = [folder]
    while stack:
        with contextlib.suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)


def settle(folder: str, user: int | None, group: int) -> None:
    """Give a folder and all in it to a user (None: leave the owner), and take set-id bits off what is there."""
    if user is not None:
        os.chown(folder, user, group, follow_symlinks=False)
    for entry in beneath(folder):
        with contextlib.suppress(OSError):
            found = entry.stat(follow_symlinks=False)
            if user is not None and found.st_uid != user:
                os.chown(entry.path, user, group, follow_symlinks=False)
            if found.st_mode & 0o6000 and entry.is_file(follow_symlinks=False):
                os.chmod(entry.path, found.st_mode & 0o777)


def kill_rest(group: int) -> None:
    """Stop, then kill and reap all that is left; what forks meanwhile is found in the next round."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            if group:
                os.killpg(group, signal.SIGKILL)
        left = descendants()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in left:
                with contextlib.suppress(OSError):
                    os.kill(process, number)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def stop() -> None:
    """The engine has gone, or wants no more of this."""
    kill_rest(0)
    os._exit(143)


if __name__ == "__main__":
    main()
