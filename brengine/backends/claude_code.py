"""The `claude` program as a backend: it works in a fresh folder for each ask, without a shell; its files are the reply.

It is started here and not through an SDK: so nothing of this process's environment reaches it, one deadline and one
cap of bytes bound it, and a missing result is a failure. What it wrote is found by looking at the folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brengine import templates
from brengine.asks import Ask, Prompt, Reply
from brengine.backends import agent_folder, agent_process
from brengine.backends.agent_process import Run
from brengine.backends.agent_stream import Told, brief
from brengine.errors import BackendError, InputError
from brengine.events import Sink
from brengine.monitor import Monitor
from brengine.ports import Meter, Tree
from brengine.source import Source
from brengine.workspace import stage, unstage

TOOLS = "Read,Write,Edit,Glob,Grep"
FOLDER = "agent-"
"""What the folders of asks begin with, below `.br/staging`."""
KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", *KEYS, "ANTHROPIC_BASE_URL")
"""All that the program gets of this process's environment."""
SWITCHES = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_MAX_RETRIES": "4",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}
NOTE = "the cost is the program's own estimate"


@dataclass(frozen=True, slots=True)
class Setup:
    """How the program is called, and what one ask may take: turns, dollars (0: no bound), seconds, bytes of output."""

    command: tuple[str, ...] = ()
    max_turns: int = 40
    max_cost: float = 1.0
    seconds: float = 1800.0
    stall_seconds: float = 300.0
    max_bytes: int = 64 * 1024 * 1024


class ClaudeCodeBackend:
    """Runs the program once for each ask. `tree` says what it finds in its folder, None for asks about no task.

    Those are answered by its last words, without tools. Safe to use from several threads.
    """

    name = "claude-code"
    paid = True

    def __init__(
        self,
        model: str,
        setup: Setup,
        environ: Mapping[str, str],
        *,
        folder: Path,
        tree: Callable[[Ask], Tree | None],
        how: Source,
        sink: Sink = lambda event: None,
        meter: Meter | None = None,
    ) -> None:
        """`folder`: where the folders of asks are made; `how`: the template that is added to the prompts of tasks."""
        self._argv = found_command(setup.command, environ)
        self._model = model
        self._setup = setup
        self._environ = environ
        self._folder = folder
        self._tree = tree
        self._how = how
        self._sink = sink
        self._meter = meter
        self._secrets = tuple(environ[name] for name in KEYS if environ.get(name))
        self._mutex = threading.Lock()
        self._cleared = False

    def answer(self, ask: Ask, prompt: Prompt) -> Reply:
        """What the agent wrote, as a reply. Raises BackendError where it came to no good end."""
        self._clear()
        tree = self._tree(ask)
        desk = self._folder / f"{FOLDER}{ask.id}"
        before = agent_folder.copies(tree.files) if tree else {}
        declared = tree.declared if tree else ()
        try:
            root = stage(desk / "work", before)
            (desk / "home").mkdir()
            members = tuple(member.task for member in ask.members)
            with Monitor(root, members, declared, self._sink, self._setup.stall_seconds) as monitor:
                told = self._told(ask, self._text(prompt, tree), root, bool(tree), monitor)
            text = told.text
            if tree:
                found = agent_folder.collect(root, before, declared, self._secrets)
                text = agent_folder.reply_text(found, prompt.nonce, text)
        finally:
            unstage(desk)
        model = told.model or ask.model or self._model
        return Reply(text, told.stop, told.usage, model, self.name, told.cost, NOTE)

    def _clear(self) -> None:
        """Remove what a killed run left; there is one writer, so nobody works there."""
        with self._mutex:
            if not self._cleared:
                for left in self._folder.glob(f"{FOLDER}*"):
                    unstage(left)
            self._cleared = True

    def _text(self, prompt: Prompt, tree: Tree | None) -> str:
        text = f"{prompt.system}\n\n{prompt.user}"
        return text + templates.render(templates.load(self._how), {"paths": tree.declared}) if tree else text

    def _told(self, ask: Ask, text: str, root: Path, works: bool, monitor: Monitor) -> Told:
        """Run the program. Raises BackendError; what a failed run took is counted."""
        told = Told()

        def heard(line: bytes) -> None:
            monitor.heard()
            told.take(self._redacted(line.decode("utf-8", "replace")).encode())

        message = {"role": "user", "content": text}
        sent = {"type": "user", "session_id": "", "parent_tool_use_id": None, "message": message}
        try:
            ended = agent_process.run(
                [*self._argv, *arguments(self._setup, ask.model or self._model, works)],
                cwd=root,
                env=self._environment(root.parent / "home"),
                text=json.dumps({**sent, "client_composed": True}).encode() + b"\n",
                seconds=self._setup.seconds,
                max_bytes=self._setup.max_bytes,
                heard=heard,
            )
            error = self._stopped(ended) or (self._exit(ended) if not told.result else None)
            error = error or told.error() or self._exit(ended)
            if error:
                raise error
        except BackendError:
            if self._meter:
                self._meter.count(told.usage, told.cost)
            raise
        return told

    def _stopped(self, ended: Run) -> BackendError | None:
        """Why the program was ended from here."""
        setup = self._setup
        reasons = {
            "timeout": ("deadline", f"claude gave no whole answer within {setup.seconds:g} s"),
            "output": ("too-large", f"claude wrote more than {setup.max_bytes:,} bytes"),
            "processes": ("processes", "claude started too many processes"),
        }
        kind, said = reasons.get(ended.ended, ("", ""))
        return BackendError(said, kind=kind) if kind else None

    def _exit(self, ended: Run) -> BackendError | None:
        if not ended.exit_code:
            return None
        told = brief(self._redacted(ended.stderr)) or "it said nothing"
        return BackendError(f"claude ended with {ended.exit_code}: {told}", kind="exit")

    def _environment(self, home: Path) -> dict[str, str]:
        passed = {name: self._environ[name] for name in PASSED if self._environ.get(name)}
        own = {"HOME": str(home), "TMPDIR": str(home), "CLAUDE_CONFIG_DIR": str(home / "config")}
        late = {"API_TIMEOUT_MS": str(int(self._setup.seconds * 1000))}
        return {"LANG": "C.UTF-8", "PATH": os.defpath, **passed, **own, **SWITCHES, **late}

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return text


def arguments(setup: Setup, model: str, works: bool) -> list[str]:
    """The program's arguments; `works`: it has the tools for files, else none.

    `--tools` says which tools there are, `--allowedTools` that they need no approval: without it `dontAsk` denies them.
    """
    tools = TOOLS if works else ""
    allowed = ["--allowedTools", tools] if works else []
    confined = ["--bare", "--restricted", "--strict-mcp-config", "--setting-sources", "", "--no-session-persistence"]
    asks = ["--permission-mode", "dontAsk", "--permission-prompts", "none"]
    bounds = ["--max-turns", str(setup.max_turns)]
    bounds += ["--max-budget-usd", f"{setup.max_cost:g}"] if setup.max_cost else []
    streams = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    return [*streams, *confined, "--tools", tools, *allowed, *asks, *bounds, *(["--model", model] if model else [])]


def found_command(given: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The program: as named, else the one that claude-agent-sdk carries, else `claude` on the PATH."""
    if given:
        return tuple(given)
    package = importlib.util.find_spec("claude_agent_sdk")
    for place in (package.submodule_search_locations or []) if package else []:
        carried = Path(place) / "_bundled" / "claude"
        if carried.is_file():
            return (str(carried),)
    on_path = shutil.which("claude", path=environ.get("PATH", os.defpath))
    if on_path:
        return (on_path,)
    hint = (
        "install Claude Code, or `pip install 'brengine[claude-code]'`, or set `command` under [claude-code] in br.toml"
    )
    raise InputError("the claude-code backend finds no `claude` program", hint)
