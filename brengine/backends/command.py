"""Any program as a backend: the prompt on its standard input, the reply on its standard output."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from brengine.asks import Ask, Prompt, Reply, Usage
from brengine.errors import BackendError, InputError
from brengine.tokens import upper_bound

MAX_BYTES = 8 * 1024 * 1024
TAIL = 400


class CommandBackend:
    """Runs a person's own program once for each ask, in the project's folder and the person's environment.

    The model's name is in BR_MODEL. Tokens are estimates by upper bound, the price is unknown.
    """

    name = "command"
    paid = True

    def __init__(self, argv: Sequence[str], folder: Path, model: str, seconds: float = 900.0) -> None:
        if not argv:
            hint = 'name it in br.toml: `[build]`, `backend = "command"`, `command = ["my-model", "--flag"]`'
            raise InputError("the command backend has no command", hint)
        self._argv = tuple(argv)
        self._folder = folder
        self._model = model
        self._seconds = seconds

    def answer(self, ask: Ask, prompt: Prompt) -> Reply:
        """What the program prints. Raises BackendError where it fails, prints nothing, or takes too long."""
        model = ask.model or self._model
        text = f"{prompt.system}\n\n{prompt.user}"
        said = self._run(text.encode(), {**os.environ, "BR_MODEL": model})
        usage = Usage(upper_bound(text), upper_bound(said))
        return Reply(said, "end_turn", usage, model, self.name, None, "tokens are estimates")

    def _run(self, text: bytes, env: dict[str, str]) -> str:
        program = self._argv[0]
        try:
            running = subprocess.Popen(
                self._argv,
                cwd=self._folder,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise BackendError(f"{program} cannot be run: {error.strerror}", "see `command` in br.toml") from error
        try:
            out, err = running.communicate(text, timeout=self._seconds)
        except subprocess.TimeoutExpired:
            raise BackendError(f"{program} gave no whole reply within {self._seconds:g} s", kind="deadline") from None
        finally:
            _end(running)
        if running.returncode:
            told = err.decode("utf-8", "replace").strip()[-TAIL:]
            raise BackendError(f"{program} ended with {running.returncode}: {told or 'it said nothing'}")
        if not out.strip() or len(out) > MAX_BYTES:
            told = "nothing" if not out.strip() else f"more than {MAX_BYTES:,} bytes"
            raise BackendError(f"{program} printed {told}")
        return out.decode("utf-8", "replace").replace("\r\n", "\n")


def _end(running: subprocess.Popen[bytes]) -> None:
    """The program and what it started are gone afterwards."""
    if running.poll() is None:
        with_group = os.getpgid(running.pid)
        os.killpg(with_group, signal.SIGKILL)
        running.communicate()
