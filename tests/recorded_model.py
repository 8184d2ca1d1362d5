"""A loopback model that answers from recordings, found by what the prompt asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model_server import ModelServer, declared, nonce

from brengine import recordings
from brengine.recordings import Recording


class Recorded:
    """Answers a prompt with the recording that holds the files it declares; plans by the words of their asks."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("*.reply.md"))
        self._all = [recordings.read(path.read_text(encoding="utf-8"), path.name) for path in paths]
        self.asked: list[str] = []
        self._mended = 0

    def __call__(self, prompt: str, server: ModelServer) -> str:
        found = self._planning(prompt) or self._of_files(declared(prompt), prompt)
        self.asked.append(" ".join(f"{task}@{attempt}" for task, attempt, _ in found.members))
        return recordings.with_nonce(found, nonce(prompt)) if "<<<BR-" in found.text else found.text

    def _planning(self, prompt: str) -> Recording | None:
        if "Look for seams" in prompt:
            return self._named("plan.review")
        if "plan/changes.yaml" in prompt:
            return self._named("plan.changes")
        if "This plan was not accepted" in prompt:
            self._mended += 1
            return self._named("plan.architecture", 1 + self._mended)
        return self._named("plan.architecture") if "Write the whole plan" in prompt else None

    def _named(self, name: str, attempt: int = 1) -> Recording:
        return next(r for r in self._all if r.members[0][0] == name and r.members[0][1] == attempt)

    def _of_files(self, paths: Sequence[str], prompt: str) -> Recording:
        attempt = 1 + prompt.count("The last attempt did not pass. This is attempt 2")
        fitting = [r for r in self._all if set(declared(r.text)) == set(paths) and r.members[0][1] == attempt]
        assert len(fitting) == 1, (paths, [r.members for r in fitting])
        return fitting[0]
