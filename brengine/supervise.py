"""Runs one command within limits and ends its whole process tree. Started as `python -I -S`; stdlib only.

argv: a JSON object (seconds, memory_mb, processes, file_mb, open_files or 512, status: fd), then the command. On Linux
the supervisor is a child subreaper, so daemons of the command fall to it and are killed; elsewhere only the process
group is.
Writes {"exit": int, "ended": "exit|timeout|processes|signal", "seconds": float} to the status fd.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LINUX = sys.platform.startswith("linux")


def main() -> None:
    options = json.loads(sys.argv[1])
    command = sys.argv[2:]
    status = options["status"]
    os.set_inheritable(status, False)
    parent = os.getppid()
    if LINUX:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda number, frame: stop())
    if os.getppid() != parent:
        sys.exit(1)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        become(command, options)
    ended, code = wait(child, start, options)
    kill_rest(child)
    report = {"exit": code, "ended": ended, "seconds": time.monotonic() - start}
    os.write(status, json.dumps(report).encode())


def become(command: list[str], options: dict[str, float]) -> None:
    """The child: its own session, limits, then the command."""
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        limit(resource.RLIMIT_CORE, 0)
        limit(resource.RLIMIT_AS, int(options["memory_mb"]) << 20)
        limit(resource.RLIMIT_CPU, int(options["seconds"]) + 5)
        limit(resource.RLIMIT_FSIZE, int(options["file_mb"]) << 20)
        limit(resource.RLIMIT_NOFILE, int(options.get("open_files", 512)))
        os.execvp(command[0], command)
    except BaseException as error:  # nothing of the parent may run on in the child
        os.write(2, f"cannot run {command[0]}: {error}\n".encode())
    os._exit(127)


def limit(kind: int, value: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))


def wait(child: int, start: float, options: dict[str, float]) -> tuple[str, int]:
    """Until the child ends, the time is over, or there are too many processes."""
    pause = 0.02
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
        if len(descendants()) > options["processes"]:
            return "processes", -signal.SIGKILL


def descendants() -> list[int]:
    """Every process below this one, by the parents that /proc tells."""
    parents: dict[int, list[int]] = {}
    if not LINUX:
        return []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    fields = file.read().rsplit(b")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if fields[0] != b"Z":
                parents.setdefault(int(fields[1]), []).append(int(entry))
    found, stack = [], [os.getpid()]
    while stack:
        below = parents.get(stack.pop(), [])
        found += below
        stack += below
    return found


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
