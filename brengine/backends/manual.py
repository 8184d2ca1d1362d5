"""A person answers: the prompt lies in a file, the reply is awaited in another."""

from __future__ import annotations

from pathlib import Path

from brengine import durable
from brengine.asks import Ask, Prompt, Reply, Waiting
from brengine.errors import BackendError

MAX_BYTES = 8 * 1024 * 1024


class ManualBackend:
    """Writes `<ask>.prompt.md`, takes `<ask>.reply.md`. Several may be out at once."""

    name = "manual"
    paid = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def answer(self, ask: Ask, prompt: Prompt) -> Reply | Waiting:
        """The saved reply, or where it is awaited."""
        asked = self._folder / f"{ask.id}.prompt.md"
        awaited = self._folder / f"{ask.id}.reply.md"
        text = f"{prompt.system}\n---\n\n{prompt.user}".encode()
        if not asked.is_file() or asked.read_bytes() != text:
            durable.write(asked, text)
        content = awaited.read_bytes() if awaited.is_file() else b""
        if not content.strip():
            return Waiting(str(asked), str(awaited))
        if len(content) > MAX_BYTES:
            raise BackendError(f"{awaited} is larger than {MAX_BYTES:,} bytes")
        try:
            reply = content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise BackendError(f"{awaited} is not UTF-8 text", "save it as UTF-8") from error
        return Reply(reply, "end_turn", model="manual", backend=self.name, cost=0.0)
