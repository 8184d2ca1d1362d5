"""What a terminal shows while a build goes on: in a real pseudo-terminal, and line by line with a clock of our own."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest
from model_server import ModelServer
from rich.console import Console
from sandbox import Sandbox
from terminal import to_end

from brengine.asks import Reply, Usage
from brengine.domain import Batch, Plan, Spec, Task
from brengine.events import (
    Asked,
    BatchEnded,
    BatchStarted,
    Noted,
    Replied,
    RunStarted,
    Stalled,
    TaskEnded,
    Unanswered,
    Wrote,
)
from brengine.report_live import LiveReporter
from brengine.verdict import Outcome

BATCHES = tuple(Batch(f"f.{n}", "Core layer", "f", "backend", (f"f.{n}",), ()) for n in "abcdef")
TASKS = tuple(Task(f"f.{n}", n.upper(), "f", "code", (f"{n}.py",)) for n in "abcdef")
PLAN = Plan(Spec("s.md", "S", ()), TASKS, BATCHES)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(width: int = 80) -> tuple[LiveReporter, Clock, io.StringIO]:
    out, clock = io.StringIO(), Clock()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    return LiveReporter(console, clock=clock), clock, out


def lines(reporter: LiveReporter, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(reporter)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_what_is_asked_for_and_verified_is_shown_with_its_time() -> None:
    reporter, clock, _ = drawn()
    reporter(RunStarted(PLAN, 6, "anthropic"))
    reporter(Asked(("f.a", "f.b"), 1, "m"))
    clock.now = 3.0
    reporter(BatchStarted(BATCHES[2], 3, ("f.c",)))
    clock.now = 5.0
    assert lines(reporter) == [
        "      5 s  asking for f.a and 1 more",
        "      2 s  verifying f.c (Core layer)",
        "  0 of 6 tasks · 0 asks · 0 tokens · $0.00 · 5 s",
    ]
    reporter(Replied(("f.a", "f.b"), 1, Reply("", "end_turn", Usage(100, 20), cost=0.25), paid=True))
    reporter(TaskEnded(TASKS[2], Outcome.BUILT))
    reporter(BatchEnded(BATCHES[2], 3))
    assert lines(reporter) == ["  1 of 6 tasks · 1 asks · 120 tokens · $0.25 · 5 s"]


def test_what_an_agent_writes_stands_in_the_row_of_its_ask() -> None:
    reporter, clock, out = drawn()
    reporter(RunStarted(PLAN, 6, "claude-code"))
    reporter(Asked(("f.a", "f.b"), 1, "m"))
    reporter(Wrote(("f.a", "f.b"), "a.py", True))
    reporter(Wrote(("f.a", "f.b"), "b.py", True))
    reporter(Wrote(("f.a", "f.b"), "a.py", True))
    clock.now = 5.0
    assert lines(reporter)[0] == "      5 s  asking for f.a and 1 more: a.py and 1 more"
    assert "a.py" not in out.getvalue(), "declared files are no lines of their own"
    reporter(Wrote(("f.a", "f.b"), "no\x1btes.txt", False))
    reporter(Stalled(("f.a", "f.b"), 300.2))
    assert lines(reporter)[0].endswith(": a.py and 1 more")
    told = out.getvalue()
    assert "warning: no�tes.txt was written for f.a and 1 more and is not declared: the answer will be" in told
    assert "warning: nothing was heard of f.a and 1 more for 300 s" in told
    reporter(Replied(("f.a", "f.b"), 1, Reply("", "end_turn"), paid=True))
    reporter(Asked(("f.a", "f.b"), 2, "m"))
    assert lines(reporter)[0].endswith("asking for f.a and 1 more"), "another attempt begins with nothing"


def test_many_are_counted_and_the_time_left_is_guessed_from_what_ended() -> None:
    reporter, clock, _ = drawn()
    reporter(RunStarted(PLAN, 6, "anthropic"))
    for task in TASKS:
        reporter(Asked((task.id,), 1, "m"))
    assert len(lines(reporter)) == 6 and lines(reporter)[4].strip() == "and 2 more"
    reporter(Unanswered(("f.f",), Usage(10, 1), 0.0))
    for number, batch in enumerate(BATCHES[:2]):
        clock.now += 10.0
        reporter(BatchEnded(batch, number + 1))
    assert lines(reporter)[-1].endswith("20 s · about 40 s left")
    narrow = lines(reporter, 40)
    assert all(len(row) <= 40 for row in narrow) and narrow[-1].endswith("…")


def test_drawing_and_printing_from_many_threads_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brengine.report_live.REFRESHES", 200.0)
    reporter, _, out = drawn()

    def tell() -> None:
        for number in range(400):
            reporter(Noted(f"line {number}"))

    threads = [threading.Thread(target=tell, daemon=True) for _ in range(3)]
    reporter.__enter__()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    reporter.__exit__(None, None, None)
    assert out.getvalue().count("line 399") == 3


@pytest.mark.parametrize("width", [80, 200])
def test_a_build_at_a_terminal_draws_and_leaves_plain_lines(box: Sandbox, model: ModelServer, width: int) -> None:
    model.delay = 0.6
    text, code = at_a_terminal(box, width, "build", "-j", "2")
    assert code == 0, text
    assert "asking for arithmetic.add-adding and 1 more" in text and "of 3 tasks · " in text
    assert "\x1b[?25h" in text, "the cursor is shown again"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")
    ending = plain[plain.index("Summary") :]
    assert "3 of 3 done (3 built)" in ending and " · " not in ending


def test_a_terminal_that_cannot_draw_gets_plain_lines(box: Sandbox) -> None:
    text, code = at_a_terminal(box, 80, "build", TERM="dumb")
    assert code == 0 and "\x1b[" not in text and "Summary" in text


def at_a_terminal(box: Sandbox, width: int, *arguments: str, **env: str) -> tuple[str, int]:
    above, below = pty.openpty()
    fcntl.ioctl(below, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environ = box.environ({"TERM": "xterm-256color", **env})
    command = [sys.executable, "-m", "brengine", *arguments]
    process = subprocess.Popen(command, cwd=Path(box.root), env=environ, stdin=below, stdout=below, stderr=below)
    os.close(below)
    seen = to_end(above)
    return seen.decode("utf-8", "replace"), process.wait(60)
