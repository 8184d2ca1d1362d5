"""Recorded replies: answering from them, and writing them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from brengine import digest, durable, recordings
from brengine.asks import Ask, Prompt, Reply, Waiting
from brengine.errors import BackendError
from brengine.ports import Backend
from brengine.recordings import Recording

SUFFIX = ".reply.md"


class ReplayBackend:
    """Answers with the recording that was made for the same members at the same attempts and ask Keys."""

    name = "replay"
    paid = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def answer(self, ask: Ask, prompt: Prompt) -> Reply | Waiting:
        """The recorded reply; BackendError `no-recording` where there is none for this change."""
        wanted = frozenset((m.task, m.attempt, m.recorded) for m in ask.members)
        exact = [r for r in self._all if frozenset(r.members) == wanted]
        wider = [r for r in self._all if frozenset(r.members) > wanted]
        for found in (*exact, *wider, *self._parts(wanted)):
            text = recordings.with_nonce(found, prompt.nonce)
            return Reply(text, "end_turn", found.usage, found.model, self.name, 0.0, found.note)
        tasks = ", ".join(member.task for member in ask.members)
        raise BackendError(
            f"no recording for this change: {tasks}",
            "set ANTHROPIC_API_KEY to ask the model, or answer yourself with --backend manual",
            kind="no-recording",
        )

    def _parts(self, wanted: frozenset[tuple[str, int, str]]) -> tuple[Recording, ...]:
        """The members were recorded in several asks, each once: their files together are the answer."""
        parts: list[Recording] = []
        left = wanted
        for found in sorted(self._all, key=lambda r: -len(r.members)):
            if frozenset(found.members) <= left:
                parts.append(found)
                left -= frozenset(found.members)
        return (recordings.joined(parts),) if parts and not left else ()

    @cached_property
    def _all(self) -> tuple[Recording, ...]:
        paths = sorted(self._folder.glob(f"*{SUFFIX}"))
        return tuple(recordings.read(path.read_bytes().decode("utf-8", "replace"), str(path)) for path in paths)


class Recorder:
    """Any backend, with every reply that it gives recorded."""

    def __init__(self, inner: Backend, folder: Path) -> None:
        self._inner = inner
        self._folder = folder
        self.name = inner.name
        self.paid = inner.paid

    def answer(self, ask: Ask, prompt: Prompt) -> Reply | Waiting:
        """The inner backend's answer; a reply is written to the folder before it is passed on."""
        answer = self._inner.answer(ask, prompt)
        if isinstance(answer, Reply):
            rows = [[m.task, m.attempt, m.recorded] for m in ask.members]
            first = ask.members[0]
            slug = first.task.rsplit(".", 1)[-1]
            name = f"{slug}-{digest.short('recording', rows)[:8]}.a{first.attempt}{SUFFIX}"
            text = recordings.write(recordings.of(ask, prompt, answer))
            durable.write(self._folder / name, text.encode("utf-8", "replace"))
        return answer
