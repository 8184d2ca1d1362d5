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
    PlanAmended,
    Replied,
    RunStarted,
    Stalled,
    TaskEnded,
    Unanswered,
    Wrote,
)
from brengine.forecast import Asking, Work
from brengine.pace import Pace
from brengine.report_live import LiveReporter
from brengine.timeleft import TimeLeft
from brengine.verdict import Outcome

BATCHES = tuple(Batch(f"f.{n}", "Core layer", "f", "backend", (f"f.{n}",), ()) for n in "abcdef")
TASKS = tuple(Task(f"f.{n}", n.upper(), "f", "code", (f"{n}.py",), (f"test_{n}.py",)) for n in "abcdef")
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
    assert lines(reporter) == ["  1 of 6 tasks · 1 ask · 120 tokens · $0.25 · 5 s"]


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
    assert lines(reporter)[0].endswith("asking for f.a and 1 more, attempt 2"), "another attempt begins with nothing"


def test_many_are_counted_and_the_time_left_is_guessed_from_what_ended() -> None:
    reporter, clock, _ = drawn()
    reporter(RunStarted(PLAN, 6, "anthropic"))
    for task in TASKS:
        reporter(Asked((task.id,), 1, "m"))
    assert len(lines(reporter)) == 6 and lines(reporter)[4].strip() == "and 2 more"
    reporter(Unanswered(("f.f",), Usage(10, 1), 0.0))
    for number, batch in enumerate(BATCHES[:2]):
        reporter(Replied(batch.tasks, 1, Reply("", "end_turn"), paid=True))
        reporter(BatchStarted(batch, number + 1, batch.tasks))
        clock.now += 10.0
        reporter(BatchEnded(batch, number + 1))
    assert lines(reporter)[-1].endswith("20 s · about 55 s left"), "four batches, and the whole project's tests"
    clock.now += 5.0
    assert lines(reporter)[-1].endswith("25 s · about 55 s left"), "no batch is at work"
    reporter(BatchStarted(BATCHES[2], 3, ("f.c",)))
    clock.now += 4.0
    assert lines(reporter)[-1].endswith("about 51 s left")


def test_drawing_does_not_wait_for_a_line_that_waits_for_the_terminal() -> None:
    reporter, _, _ = drawn()
    reporter(RunStarted(PLAN, 6, "anthropic"))
    found: list[list[str]] = []
    drawing = threading.Thread(target=lambda: found.append(lines(reporter)), daemon=True)
    with reporter._mutex:  # as an event holds it while its line is written
        drawing.start()
        drawing.join(10)
        assert found, "who draws holds the terminal: both would wait for each other"


def test_batches_that_are_not_begun_are_counted() -> None:
    reporter, _, _ = drawn()
    reporter(RunStarted(PLAN, 6, "anthropic", tuple(Work(batch.id, 1) for batch in BATCHES)))
    assert "6 batches in the queue" in lines(reporter, 200)[-1]
    for number, batch in enumerate(BATCHES[:5]):
        reporter(BatchStarted(batch, number + 1, batch.tasks))
    assert "queue" not in lines(reporter, 200)[-1]


def test_a_narrow_terminal_keeps_what_matters_most() -> None:
    reporter, clock, _ = drawn()
    reporter(RunStarted(PLAN, 6, "anthropic", pace=MEASURED))
    clock.now = 1.0
    reporter(Replied(("f.a",), 1, Reply("", "end_turn", Usage(123_456_789, 1)), paid=True))
    assert lines(reporter, 100)[-1] == "  0 of 6 tasks · 1 ask · 123,456,790 tokens · $0.00 · 1 s · about 9 min left"
    assert lines(reporter, 60)[-1] == "  0 of 6 tasks · $0.00 · 1 s · about 9 min left"
    assert lines(reporter, 34)[-1] == "  0 of 6 tasks · about 9 min left"
    assert all(len(row) <= 12 for row in lines(reporter, 12))


# --- the time left ------------------------------------------------------------------------------------------------

MEASURED = Pace(seconds=80.0, check=18.0, repairs=0.1, project=0.5, asks=9, checks=9, assumed=())


def left(*works: Work, workers: int = 1, pace: Pace | None = MEASURED) -> tuple[TimeLeft, Clock]:
    clock = Clock()
    found = TimeLeft(clock)
    found.follow(RunStarted(PLAN, len(works), "anthropic", works, pace, workers, 64))
    return found, clock


def work(name: str, *needs: str, asked: bool = True) -> Work:
    return Work(f"f.{name}", 1, (Asking(1, "m", "m"),) if asked else (), tuple(f"f.{need}" for need in needs))


def test_the_time_left_is_the_forecast_of_what_is_left() -> None:
    found, clock = left(work("a"), work("b", "a"), workers=2)
    each = 18.0 + 0.1 * (18.0 + 80.0)
    assert found.seconds() == pytest.approx(80 + 2 * each + 3), "asks side by side, batches one after the other"
    found.follow(Asked(("f.a",), 1, "m"))
    found.follow(Asked(("f.b",), 1, "m"))
    clock.now = 60.0
    assert found.seconds() == pytest.approx(20 + 2 * each + 3)
    clock.now = 60.5
    assert found.seconds() == pytest.approx(19.5 + 2 * each + 3), "counted down between two looks"
    clock.now = 100.0
    assert found.seconds() == pytest.approx(2 * each + 3), "an ask that takes longer is always about to end"


def test_without_any_measure_nothing_is_promised() -> None:
    found, clock = left(work("a"), work("b"), work("c"), pace=None)
    assert found.seconds() is None
    for number, batch in enumerate(BATCHES[:2]):
        found.follow(Asked(batch.tasks, 1, "m"))
        clock.now += 30.0
        found.follow(Replied(batch.tasks, 1, Reply("", "end_turn"), paid=True))
        assert found.seconds() is None
        found.follow(BatchStarted(batch, number + 1, batch.tasks))
        clock.now += 6.0
        found.follow(BatchEnded(batch, number + 1))
    clock.now += 1.0
    assert found.seconds() == pytest.approx(30 + 6 + 9)
    found.follow(PlanAmended(PLAN))
    clock.now += 1.0
    assert found.seconds() == pytest.approx(4 * 36 + 9), "an amended plan is looked at as a whole"


def test_what_cannot_be_built_any_more_is_not_waited_for() -> None:
    found, clock = left(work("a", asked=False), work("b", "a", asked=False), work("c", "b", asked=False), work("d"))
    found.follow(BatchStarted(BATCHES[0], 1, ("f.a",)))
    found.follow(TaskEnded(TASKS[0], Outcome.FAILED))
    found.follow(BatchEnded(BATCHES[0], 1))
    clock.now = 2.0
    assert found.seconds() == pytest.approx(80 + 18.0 + 9.8 + 3)


def test_a_thousand_batches_are_followed() -> None:
    count = 1000
    batches = tuple(Batch(f"f.{n}", "Core layer", "f", "backend", (f"f.{n}",), ()) for n in range(count))
    tasks = tuple(Task(f"f.{n}", f"T{n}", "f", "code", (f"t{n}.py",)) for n in range(count))
    plan = Plan(Spec("s.md", "S", ()), tasks, batches)
    reporter, clock, _ = drawn()
    works = tuple(Work(b.id, 1, (Asking(1, "m", "m"),)) for b in batches)
    reporter(RunStarted(plan, count, "anthropic", works, MEASURED, 16, 2))
    guesses = []
    for number, batch in enumerate(batches):
        reporter(Asked(batch.tasks, 1, "m"))
        clock.now += 1.0
        reporter(Replied(batch.tasks, 1, Reply("", "end_turn", Usage(2000, 4000), cost=0.05), paid=True))
        reporter(BatchStarted(batch, number + 1, batch.tasks))
        clock.now += 1.0
        reporter(TaskEnded(tasks[number], Outcome.BUILT))
        reporter(BatchEnded(batch, number + 1))
        guesses.append(reporter._left.seconds())
        if number % 50 == 0:
            rows = lines(reporter, 40 + number % 160)
            assert all(len(row) <= 40 + number % 160 for row in rows) and "left" in rows[-1], rows
    assert all(guess is not None for guess in guesses) and "1,000 of 1,000 tasks" in lines(reporter, 200)[-1]
    later = [guess for guess in guesses[10:] if guess is not None]
    assert later == sorted(later, reverse=True), "at a steady pace the time left only falls"


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


def test_a_window_that_is_made_smaller_is_drawn_into(box: Sandbox, model: ModelServer) -> None:
    model.delay = 1.5
    above, below = pty.openpty()
    process = started(box, below, 120, "build")
    seen = b""
    while b"of 3 tasks" not in seen:
        seen += os.read(above, 4096)
    fcntl.ioctl(above, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 30, 0, 0))
    text = to_end(above).decode("utf-8", "replace")
    assert process.wait(60) == 0
    rows = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n").split("\n")
    drawn = [row for row in rows if "of 3 tasks · " in row]
    assert drawn and len(drawn[-1]) <= 30, drawn


def at_a_terminal(box: Sandbox, width: int, *arguments: str, **env: str) -> tuple[str, int]:
    above, below = pty.openpty()
    process = started(box, below, width, *arguments, **env)
    seen = to_end(above)
    return seen.decode("utf-8", "replace"), process.wait(60)


def started(box: Sandbox, below: int, width: int, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
    fcntl.ioctl(below, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environ = box.environ({"TERM": "xterm-256color", **env})
    for name in ("COLUMNS", "LINES"):  # they would go before what the terminal says
        environ.pop(name, None)
    command = [sys.executable, "-m", "brengine", *arguments]
    process = subprocess.Popen(command, cwd=Path(box.root), env=environ, stdin=below, stdout=below, stderr=below)
    os.close(below)
    return process
