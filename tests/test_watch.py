"""`br watch`: every save is looked at, mistakes are told and end nothing, builds follow where they are wanted."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time

from sandbox import Sandbox


def until(process: subprocess.Popen[str], word: str, seen: str = "") -> str:
    """What the program wrote up to a word."""
    assert process.stdout is not None
    end = time.monotonic() + 60
    while word not in seen:
        assert time.monotonic() < end, seen
        ready, _, _ = select.select([process.stdout], [], [], 0.2)
        if ready:
            seen += os.read(process.stdout.fileno(), 65536).decode()
    return seen


def test_a_save_shows_the_new_plan_and_a_mistake_goes_on(box: Sandbox) -> None:
    process = box.start("watch", env={"PYTHONUNBUFFERED": "1"})
    try:
        until(process, "rests on")
        box.edit("PROJECT_SPEC.md", "  - Doubling a number", "  - Doubling a number\n  - Counting to a number")
        told = until(process, "rests on")
        assert "saved: PROJECT_SPEC.md" in told and "4 of 4 tasks" in told and box.asked == 0
        box.edit("PROJECT_SPEC.md", "needs=arithmetic", "needs=nothing")
        assert "unknown-reference" in until(process, "error:")
        box.edit("PROJECT_SPEC.md", "needs=nothing", "needs=arithmetic")
        until(process, "rests on")
        box.write("notes.txt", "not a part of the plan\n")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130


def test_a_save_is_built_where_that_is_wanted(box: Sandbox) -> None:
    process = box.start("watch", "--build", env={"PYTHONUNBUFFERED": "1"})
    try:
        until(process, "requirements verified")
        assert box.asked == 2 and len(box.tree()) == 6
        box.edit("PROJECT_SPEC.md", "Adding two numbers", "Adding two whole numbers")
        until(process, "requirements verified")
        assert box.asked == 3
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
