"""The claude-code backend, against a stub of the program's protocol: the real program was never run by these tests."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sandbox import FILES, Sandbox

from brengine import reply, settings
from brengine.asks import Ask, Member, Prompt, Reply, Usage
from brengine.backends import agent_folder
from brengine.backends.claude_code import ClaudeCodeBackend, Setup, found_command
from brengine.budget import Budget, Caps
from brengine.errors import BackendError, InputError
from brengine.events import Event, Stalled, Wrote
from brengine.monitor import Monitor
from brengine.ports import Tree
from brengine.source import Source
from brengine.standing import Board
from brengine.workspace import Workspace
from brengine.worktree import Worktrees

STUB = Path(__file__).with_name("stub_claude.py")
KEY = "sk-test-key-that-must-not-leak"
ASK = Ask((Member("f.a", "k" * 64, "r" * 64, 1),), "some-model", files={})
NONCE = "0123456789ab"
PROMPT = Prompt("be good", "write a file", NONCE, "task@1")
OWN = {"calc/a.py": "def a():\n    return 1\n", "tests/test_a.py": "def test_a():\n    pass\n"}
HOW = Source("agent.j2", (STUB.parent.parent / "prompts" / "agent.j2").read_text(encoding="utf-8"))


class Desk:
    """A backend over the stub, with what it was given and what it told."""

    def __init__(self, folder: Path, scenario: Mapping[str, Any], there: Mapping[str, bytes] | None = None) -> None:
        self.folder = folder
        self.scenario = folder / "scenario.json"
        self.scenario.write_text(json.dumps({"files": OWN, **scenario}), encoding="utf-8")
        self.there = dict(there or {})
        self.events: list[Event] = []
        self.budget = Budget(Caps(), 1000, lambda model, usage: 9.0)

    def ask(self, *, works: bool = True, environ: Mapping[str, str] | None = None, **setup: Any) -> Reply:
        command = (sys.executable, str(STUB), str(self.scenario))
        tree = Tree(self.there, tuple(OWN)) if works else None
        backend = ClaudeCodeBackend(
            "own-model",
            Setup(command, **{"seconds": 20.0, **setup}),
            {"ANTHROPIC_API_KEY": KEY, "PATH": os.environ["PATH"], **(environ or {})},
            folder=self.folder / "staging",
            tree=lambda ask: tree,
            how=HOW,
            sink=self.events.append,
            meter=self.budget,
        )
        return backend.answer(ASK, PROMPT)

    def parsed(self, **setup: Any) -> reply.ParsedReply:
        answer = self.ask(**setup)
        return reply.parse(answer.text, NONCE, frozenset(OWN), stop=answer.stop)

    @property
    def seen(self) -> dict[str, Any]:
        """What the stub was given, the last time."""
        return json.loads(Path(f"{self.scenario}.log").read_text(encoding="utf-8").splitlines()[-1])  # type: ignore[no-any-return]


def found(parsed: reply.ParsedReply) -> str:
    return "\n".join(f"{finding.path}: {finding.message}" for finding in parsed.findings)


def is_gone(process: int) -> bool:
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


# --- what comes back ----------------------------------------------------------------------------------------------


def test_what_the_agent_wrote_is_the_reply(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"result": {"result": "DECISIONS: small\nNEED total in calc/b.py"}})
    answer = desk.ask()
    parsed = reply.parse(answer.text, NONCE, frozenset(OWN), stop=answer.stop)
    assert parsed.findings == () and {c.path: c.content for c in parsed.files} == OWN
    assert parsed.notes == "DECISIONS: small\nNEED total in calc/b.py"
    assert (answer.model, answer.backend, answer.cost) == ("claude-stub-1", "claude-code", 0.25)
    assert answer.usage == Usage(100, 50, 7, 3) and "estimate" in answer.note
    assert not list((tmp_path / "staging").iterdir()), "nothing is left of the folder"


def test_the_program_is_confined_and_told_what_to_do(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {}, {"data/rows.csv": b"a,b\n", ".mcp.json": b"{}", "x/.claude/settings.json": b"{}"})
    desk.ask(max_turns=7, max_cost=0.5)
    line = " ".join(desk.seen["argv"])
    for flags in (
        "-p --input-format stream-json --output-format stream-json --verbose",
        "--bare --restricted --strict-mcp-config --setting-sources  --no-session-persistence",
        "--tools Read,Write,Edit,Glob,Grep --allowedTools Read,Write,Edit,Glob,Grep",
        "--permission-mode dontAsk --permission-prompts none",
        "--max-turns 7 --max-budget-usd 0.5 --model some-model",
    ):
        assert flags in line
    assert "Bash" not in line
    assert desk.seen["there"] == ["data/rows.csv"], "copies, and nothing that the program takes for settings"
    assert desk.seen["prompt"].startswith("be good\n\nwrite a file\n") and "  calc/a.py\n" in desk.seen["prompt"]
    assert Path(desk.seen["cwd"]).is_relative_to(tmp_path / "staging")
    desk.ask(max_cost=0)
    assert "--max-budget-usd" not in desk.seen["argv"]


def test_nothing_of_the_environment_reaches_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "parent-secret")
    desk = Desk(tmp_path, {})
    desk.ask(environ={"GITHUB_TOKEN": "other-secret", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "LC_ALL": "C.UTF-8"})
    env = desk.seen["env"]
    assert "secret" not in json.dumps(env) and env["ANTHROPIC_API_KEY"] == KEY
    known = {"PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "CLAUDE_CONFIG_DIR", "API_TIMEOUT_MS", "LC_CTYPE"}
    known |= {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "CLAUDE_CODE_MAX_RETRIES", "ANTHROPIC_API_KEY"}
    known |= {"ANTHROPIC_BASE_URL", "DISABLE_AUTOUPDATER", "DISABLE_ERROR_REPORTING", "DISABLE_TELEMETRY"}
    assert set(env) <= known
    assert not Path(env["HOME"]).exists() and Path(env["CLAUDE_CONFIG_DIR"]).is_relative_to(env["HOME"])


def test_an_ask_about_no_task_is_answered_in_words_without_tools(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"result": {"result": "FEATURE 3-9\n<<<BR-x FILE>>>\n"}})
    assert desk.ask(works=False).text == "FEATURE 3-9\n<<<BR-x FILE>>>\n"
    argv = desk.seen["argv"]
    assert argv[argv.index("--tools") + 1] == "" and "--allowedTools" not in argv
    assert desk.seen["prompt"] == "be good\n\nwrite a file"


def test_an_ask_about_no_task_looks_at_no_plan(tmp_path: Path) -> None:
    def no_board() -> Board:
        raise AssertionError("there may be no plan yet")

    trees = Worktrees(no_board, Workspace(tmp_path), dict)
    assert trees(Ask(ASK.members)) is None
    with pytest.raises(AssertionError, match="no plan yet"):
        trees(ASK)


def test_a_key_in_last_words_is_taken_out(tmp_path: Path) -> None:
    assert Desk(tmp_path, {"result": {"result": f"DECISIONS: use {KEY}"}}).parsed().notes == "DECISIONS: use [key]"


def test_files_that_stay_as_they_are_belong_to_an_answer_that_wrote_others(tmp_path: Path) -> None:
    before = {"tests/test_a.py": b"def test_old():\n    pass\n", "calc/need.py": b"N = 1\n"}
    only_code = {"calc/a.py": OWN["calc/a.py"]}
    parsed = Desk(tmp_path, {"files": only_code}, before).parsed()
    assert parsed.findings == () and [c.path for c in parsed.files] == ["calc/a.py", "tests/test_a.py"]
    idle = Desk(tmp_path, {"files": {}}, {**before, "calc/a.py": b"x = 1\n"}).parsed()
    assert idle.files == () and "calc/a.py: the declared file is missing" in found(idle)


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ({"extra": {"notes.txt": "x"}}, "notes.txt: refused: it is not declared for this ask"),
        ({"extra": {"calc/need.py": "N = 2\n"}}, "calc/need.py: refused: it is not declared"),
        ({"extra": {".git/hooks/pre-commit": "x"}}, ".git/hooks/pre-commit: refused: .git is private"),
        ({"extra": {"../x": "x"}}, "../x: refused: it lies outside the folder of the ask"),
        ({"extra": {'a"b\nc': "x"}}, "a'b\\nc: refused: "),
        ({"links": {"calc/more.py": "/etc/passwd"}}, "calc/more.py: refused: it is a link"),
        ({"links": {"more": "/etc"}}, "more: refused: it is a link"),
        ({"files": {}, "links": {"calc/a.py": "/etc/passwd"}}, "calc/a.py: refused: it is a link"),
        ({"big": {"calc/a.py": 2_000_000}}, "calc/a.py: refused: it is larger than 1,048,576 bytes"),
        ({"extra": {"calc/a.py": f"K = {KEY!r}\n"}}, "calc/a.py: refused: it holds a credential"),
        ({"extra": {"calc/a.py": f"<<<BR-{NONCE} END>>>\n"}}, "calc/a.py: refused: it holds a line of the reply's own"),
        ({"removes": ["calc/need.py"]}, "calc/need.py: refused: it was removed"),
        ({"extra": {f"n{n}": "" for n in range(300)}}, ".: refused: more than 200 files"),
        ({"result": {"stop_reason": "max_tokens"}}, "the reply ended with 'max_tokens'"),
    ],
)
def test_what_no_task_may_write_is_a_finding(tmp_path: Path, scenario: dict[str, Any], said: str) -> None:
    parsed = Desk(tmp_path, scenario, {"calc/need.py": b"N = 1\n"}).parsed()
    assert said in found(parsed)
    assert "passwd" not in "".join(str(change.content) for change in parsed.files)


def test_a_file_that_is_no_text_or_has_a_second_name_is_not_taken(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "desk" / "work", tmp_path / "secret"
    (root / "calc").mkdir(parents=True)
    (root / "calc" / "a.py").write_bytes(b"\xff\xfe")
    elsewhere.write_text("secret")
    os.link(elsewhere, root / "hard")
    os.mkfifo(root / "pipe")
    taken = agent_folder.collect(root, {}, ("calc/a.py",), ())
    assert taken.files == {}
    assert taken.void == {
        "calc/a.py": "it is not UTF-8 text",
        "hard": "the file has a second name",
        "pipe": "it is no plain file",
    }


def test_last_words_cannot_stand_for_files(tmp_path: Path) -> None:
    forged = reply.format_reply({"calc/a.py": "evil\n"}, NONCE)
    desk = Desk(tmp_path, {"result": {"result": f"NEED x for calc/a.py\r{forged}".replace("\n", "\r")}})
    parsed = desk.parsed()
    assert parsed.findings == () and {c.path: c.content for c in parsed.files} == OWN
    assert parsed.notes.startswith("NEED x for calc/a.py\n| <<<BR-")


@pytest.mark.parametrize(
    ("scenario", "kind", "said"),
    [
        ({"raw": "hello\nthere\n"}, "cut", "ended without a result (2 lines of it are no JSON)"),
        ({"raw": '{"type": "result", "subtype": "succ'}, "malformed", "no whole JSON object"),
        ({"raw": "{" * 100_000}, "malformed", "no whole JSON object"),
        ({"result": None}, "cut", "ended without a result"),
        ({"result": None, "exit": 1, "stderr": f"bad key {KEY}\nmore"}, "exit", "ended with 1: bad key [key]"),
        ({"exit": 3}, "exit", "ended with 3: it said nothing"),
        ({"result": {"subtype": "error_max_turns", "is_error": True}}, "max-turns", "more turns than `max_turns`"),
        ({"result": {"subtype": "error_max_budget_usd", "is_error": True}}, "budget", "cost more than `max_cost`"),
        (
            {"result": {"subtype": "error_during_execution", "errors": [f"boom {KEY}", 3]}, "exit": 1},
            "agent",
            "it failed while it worked (boom [key])",
        ),
        (
            {"result": {"is_error": True, "api_error_status": 401, "result": "API Error"}},
            "http-401",
            "the API answered 401 (API Error)",
        ),
        ({"result": {"is_error": "no"}}, "agent", "it gave no good result"),
    ],
)
def test_a_run_that_came_to_no_good_end_is_no_reply(
    tmp_path: Path, scenario: dict[str, Any], kind: str, said: str
) -> None:
    desk = Desk(tmp_path, scenario)
    with pytest.raises(BackendError) as failed:
        desk.ask()
    assert failed.value.kind == kind and said in failed.value.message
    assert KEY not in f"{failed.value.message}{failed.value.hint}"
    assert not list((tmp_path / "staging").iterdir())


def test_what_a_failed_run_took_is_counted(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"result": {"subtype": "error_max_turns", "is_error": True, "total_cost_usd": 0.75}})
    slot = desk.budget.reserve(10)
    with pytest.raises(BackendError):
        desk.ask()
    assert (slot.used, slot.used_cost, desk.budget.tokens) == (Usage(100, 50, 7, 3), 0.75, 160)


@pytest.mark.parametrize(
    ("fields", "usage", "cost"),
    [
        ({"usage": None, "total_cost_usd": None}, Usage(), None),
        ({"usage": [1], "total_cost_usd": "0.1"}, Usage(), None),
        ({"usage": {"input_tokens": -1, "output_tokens": True}, "total_cost_usd": -1}, Usage(), None),
        ({"usage": {"input_tokens": 5.5, "output_tokens": 4}, "total_cost_usd": True}, Usage(0, 4), None),
        ({"total_cost_usd": float("inf")}, Usage(100, 50, 7, 3), None),
        ({"total_cost_usd": 2, "result": {"a": 1}, "stop_reason": 7}, Usage(100, 50, 7, 3), 2.0),
    ],
)
def test_sums_of_a_wrong_type_count_as_unknown(
    tmp_path: Path, fields: dict[str, Any], usage: Usage, cost: float | None
) -> None:
    answer = Desk(tmp_path, {"result": fields}).ask()
    assert (answer.usage, answer.cost, answer.stop) == (usage, cost, "end_turn")


# --- bounds -------------------------------------------------------------------------------------------------------


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"sleep": 60, "daemon": 60})
    began = time.monotonic()
    with pytest.raises(BackendError, match="no whole answer within 2 s") as failed:
        desk.ask(seconds=2.0)
    assert failed.value.kind == "deadline" and time.monotonic() - began < 10
    assert is_gone(desk.seen["pid"]) and is_gone(desk.seen["daemon"])
    assert not list((tmp_path / "staging").iterdir())


def test_a_program_that_says_too_much_is_ended(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"raw": ("x" * 1000 + "\n") * 1000, "sleep": 60})
    with pytest.raises(BackendError, match="wrote more than 10,000 bytes") as failed:
        desk.ask(max_bytes=10_000)
    assert failed.value.kind == "too-large" and is_gone(desk.seen["pid"])


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "staging" / "agent-f.b-00000000" / "work").mkdir(parents=True)
    (tmp_path / "staging" / "failed").mkdir()
    Desk(tmp_path, {}).ask()
    assert [path.name for path in (tmp_path / "staging").iterdir()] == ["failed"]


# --- the monitor --------------------------------------------------------------------------------------------------


def test_files_are_told_as_they_appear_and_undeclared_ones_are_marked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"pieces": 0.4, "extra": {"deep/er/notes.txt": "x"}, "sleep": 0.4})
    moments: dict[str, float] = {}
    desk.events = _Timed(moments)
    desk.ask()
    ended = time.monotonic()
    wrote = {event.path: event.declared for event in desk.events if isinstance(event, Wrote)}
    assert wrote == {"calc/a.py": True, "tests/test_a.py": True, "deep/er/notes.txt": False}
    assert ended - moments["calc/a.py"] > 0.6, "told while the agent went on, not at its end"
    assert moments["calc/a.py"] < min(moments["tests/test_a.py"], moments["deep/er/notes.txt"])


class _Timed(list[Event]):
    def __init__(self, moments: dict[str, float]) -> None:
        super().__init__()
        self.moments = moments

    def append(self, event: Event) -> None:
        if isinstance(event, Wrote):
            self.moments.setdefault(event.path, time.monotonic())
        super().append(event)


def test_a_stall_is_told_once_and_again_after_a_sign_of_life(tmp_path: Path) -> None:
    now, events = [0.0], list[Event]()
    with Monitor(tmp_path, ("f.a",), ("a.py",), events.append, 0.2, lambda: now[0]) as monitor:
        now[0] = 5.0
        until(lambda: len(events) == 1)
        time.sleep(0.3)
        assert events == [Stalled(("f.a",), 5.0)]
        monitor.heard()
        now[0] = 6.0
        until(lambda: len(events) == 2)
        (tmp_path / "a.py").write_text("x = 1\n")
        until(lambda: len(events) == 3)
        now[0] = 9.0
        until(lambda: len(events) == 4)
    assert events[1:] == [Stalled(("f.a",), 1.0), Wrote(("f.a",), "a.py", True), Stalled(("f.a",), 3.0)]


def test_what_was_written_last_is_told_as_well(tmp_path: Path) -> None:
    events: list[Event] = []
    with Monitor(tmp_path, ("f.a",), (), events.append, 300.0):
        (tmp_path / "late.py").write_text("x = 1\n")
    assert events == [Wrote(("f.a",), "late.py", False)]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_agent_that_stalls_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"sleep": 1.0})
    desk.ask(stall_seconds=0.3)
    assert any(isinstance(event, Stalled) for event in desk.events)


def test_the_watching_ends_with_the_ask_however_it_ends(tmp_path: Path) -> None:
    Desk(tmp_path, {}).ask()
    with pytest.raises(BackendError):
        Desk(tmp_path, {"result": None}).ask()
    with pytest.raises(KeyboardInterrupt), Monitor(tmp_path, (), (), lambda event: None, 9.0):
        assert "br-monitor" in [thread.name for thread in threading.enumerate()]
        raise KeyboardInterrupt
    assert "br-monitor" not in [thread.name for thread in threading.enumerate()]


def test_no_agent_outlives_its_build(tmp_path: Path) -> None:
    box = project(tmp_path, {"attempts": [{"sleep": 60, "daemon": 60}, {}]})
    build = box.start("build", "--yes", env=ENV)
    until(lambda: (tmp_path / "scenario.json.log").is_file() and len(calls(tmp_path)) == 1)
    build.kill()
    build.communicate()
    (seen,) = calls(tmp_path)
    assert is_gone(seen["pid"]) and is_gone(seen["daemon"])
    again = box.br("build", "adding", "--yes", env=ENV)
    assert again.code == 0 and "possibly paid, not received" in again.out, again.out
    assert not list((box.root / ".br" / "staging").glob("agent-*"))


def test_where_the_system_tells_of_no_changes_the_folder_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*paths: object, **options: object) -> object:
        raise OSError("no watches left")

    monkeypatch.setattr("watchfiles.watch", broken)
    desk = Desk(tmp_path, {"sleep": 1.0})
    desk.ask(stall_seconds=0.3)
    assert {event.path for event in desk.events if isinstance(event, Wrote)} == set(OWN)
    assert any(isinstance(event, Stalled) for event in desk.events)


# --- settings and where the program is ----------------------------------------------------------------------------


def test_the_program_is_found_as_named_or_carried_or_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found_command(["my", "claude"], {}) == ("my", "claude")
    empty = {"PATH": str(tmp_path)}
    with pytest.raises(InputError, match="finds no `claude` program"):
        found_command((), empty)
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert found_command((), empty) == (str(program),)
    carried = tmp_path / "site" / "claude_agent_sdk" / "_bundled" / "claude"
    carried.parent.mkdir(parents=True)
    carried.write_text("")
    (carried.parent.parent / "__init__.py").write_text("raise AssertionError('never imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert found_command((), empty) == (str(carried),)


def test_its_table_in_br_toml_is_read_and_checked() -> None:
    text = '[claude-code]\ncommand = ["c"]\nmax_turns = 9\nmax_cost = 2\nstall_seconds = 5\n'
    own = settings.load(text, "br.toml").claude_code
    assert (own.command, own.max_turns, own.max_cost, own.seconds, own.stall_seconds) == (["c"], 9, 2.0, 1800.0, 5.0)
    docs = (STUB.parent.parent / "docs" / "backends.md").read_text(encoding="utf-8").split("## Claude Code")[1]
    shown = settings.load(docs.split("```toml\n")[1].split("```")[0], "br.toml")
    assert shown.backend == "claude-code" and shown.claude_code == settings.Settings().claude_code, "the defaults"
    with pytest.raises(InputError) as wrong:
        settings.load("[claude-code]\nmax_turn = 9\n", "br.toml")
    assert wrong.value.hint == "did you mean 'max_turns'?" and wrong.value.diagnostics[0].place == "br.toml:2:1"
    with pytest.raises(InputError, match="unknown table 'claude-cod'") as wrong:
        settings.load("[claude-cod]\n", "br.toml")
    assert wrong.value.hint == "did you mean 'claude-code'?"


# --- whole builds -------------------------------------------------------------------------------------------------


def project(tmp_path: Path, scenario: Mapping[str, Any], more: str = "") -> Sandbox:
    box = Sandbox(tmp_path / "project")
    (tmp_path / "scenario.json").write_text(json.dumps({"files": FILES, **scenario}), encoding="utf-8")
    command = json.dumps([sys.executable, str(STUB), str(tmp_path / "scenario.json")])
    box.write("br.toml", f'[build]\nbackend = "claude-code"\n[claude-code]\ncommand = {command}\n{more}')
    return box


def calls(tmp_path: Path) -> list[dict[str, Any]]:
    lines = (tmp_path / "scenario.json.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


ENV = {"ANTHROPIC_API_KEY": KEY}


def test_a_project_is_built_by_an_agent(tmp_path: Path) -> None:
    box = project(tmp_path, {})
    asked = box.br("build", env=ENV)
    assert asked.code == 3 and "first paid run" in asked.out, "an agent pays like any other"
    assert "at most $2.00, since it stops at $1 an ask" in asked.out
    built = box.br("build", "--yes", env=ENV)
    assert built.code == 0, built.out
    assert {path: text.decode() for path, text in box.tree().items()} == FILES
    assert "3 of 3 done (3 built)" in built.out and "2 sent" in built.out and "$0.5000" in built.out
    assert "+ calc/adding.py (for arithmetic.add-adding and 1 more)" in built.out
    assert "up to date" in box.br("build", env=ENV).out
    kept = [path.read_bytes() for path in (box.root / ".br").rglob("*") if path.is_file()]
    assert KEY.encode() not in b"".join(kept) and KEY not in built.out + box.read("br.lock")


def test_a_repair_finds_the_files_of_the_attempt_before_and_what_was_refused(tmp_path: Path) -> None:
    wrong = {**FILES, "calc/rendering.py": FILES["calc/rendering.py"].replace("} = {", "} is {")}
    attempts = [{}, {"extra": {"notes.txt": "x"}}, {"files": wrong}, {}]
    box = project(tmp_path, {"attempts": attempts}, "max_cost = 0.5\n")
    built = box.br("build", "--max-cost", "2.5", "--json", env=ENV)
    assert built.code == 0, built.out
    rows = [json.loads(line) for line in built.out.splitlines()]
    wrote = [row for row in rows if row["event"] == "wrote" and not row["declared"]]
    assert [(row["path"], row["tasks"]) for row in wrote] == [("notes.txt", ["reports.add-rendering"])]
    failed = [row["findings"][0] for row in rows if row["event"] == "attempt_failed"]
    assert failed[0]["path"] == "notes.txt" and "not declared" in failed[0]["message"] and failed[1]["check"] == "tests"
    first, _, _, last = calls(tmp_path)
    assert first["there"] == [] and set(last["there"]) == set(FILES), "its needs as built, its own as they were tried"
    assert "test_render" in last["prompt"] and last["argv"][last["argv"].index("--max-budget-usd") + 1] == "0.5"
    assert not (box.root / "notes.txt").exists() and not list((box.root / ".br" / "staging").glob("agent-*"))


def test_no_key_and_no_program_are_said_before_anything_is_asked(tmp_path: Path) -> None:
    box = project(tmp_path, {})
    assert "ANTHROPIC_API_KEY is not set" in box.br("build").out
    box.write("br.toml", '[build]\nbackend = "claude-code"\n')
    refused = box.br("build", env={**ENV, "PATH": str(tmp_path)})
    assert refused.code == 3 and "finds no `claude` program" in refused.out


def test_a_cap_in_dollars_needs_a_bound_for_each_ask(tmp_path: Path) -> None:
    box = project(tmp_path, {}, "max_cost = 0\n")
    refused = box.br("build", "--max-cost", "2", env=ENV)
    assert refused.code == 3 and "an ask without `max_cost` under [claude-code]" in refused.out
    box = project(tmp_path, {}, "max_cost = 0.4\n")
    stopped = box.br("build", "--max-cost", "0.5", env=ENV)
    assert stopped.code == 4 and "an ask may cost $0.4000" in stopped.out, stopped.out
    assert len(calls(tmp_path)) == 1
