"""A loopback model that answers from recordings, found by what the prompt asks for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from model_server import ModelServer, declared, nonce
from sandbox import Sandbox

from brengine import recordings
from brengine.recordings import Recording

PLANS = Path(__file__).parent / "fixtures" / "plans"
_PLANNING = (
    (r"Look for seams", "plan.review"),
    (r"A reader of this plan", "plan.seams"),
    (r"Files that may be written: plan/changes\.yaml|FILE path=\"plan/changes\.yaml\"", "plan.changes"),
    (r"A part of a long specification, lines (\d+)-", "plan.gather-{}"),
    (r"Write the plan of the feature (\S+) ", "plan.{}"),
    (r"Write the whole plan|Write plan/project\.yaml whole", "plan.architecture"),
)


class Recorded:
    """Answers a prompt with the recording that holds the files it declares; plans by the words of their asks."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("*.reply.md"))
        self._all = [recordings.read(path.read_text(encoding="utf-8"), path.name) for path in paths]
        self.asked: list[str] = []
        self._mended = ("", 0)

    def __call__(self, prompt: str, server: ModelServer) -> str:
        found = self._planning(prompt) or self._of_files(declared(prompt), prompt)
        self.asked.append(" ".join(f"{task}@{attempt}" for task, attempt, _ in found.members))
        return recordings.with_nonce(found, nonce(prompt)) if "<<<BR-" in found.text else found.text

    def _planning(self, prompt: str) -> Recording | None:
        if "This plan was not accepted" in prompt:
            name, number = self._mended
            again = any(r.members[0][:2] == (name, number + 1) for r in self._all)
            self._mended = (name, number + 1) if again else ("plan.whole", 1)
            return self._named(*self._mended)
        for words, name in _PLANNING:
            if match := re.search(words, prompt):
                wanted = name.format(*match.groups())
                if wanted != "plan.review":
                    self._mended = (wanted, 1)
                return self._named(wanted)
        return None

    def _named(self, name: str, attempt: int = 1) -> Recording:
        found = [r for r in self._all if r.members[0][:2] == (name, attempt)]
        assert len(found) == 1, (name, attempt, len(found))
        return found[0]

    def _of_files(self, paths: Sequence[str], prompt: str) -> Recording:
        attempt = 1 + sum(prompt.count(f"This is attempt {number}") * (number - 1) for number in (2, 3))
        own = [r for r in self._all if declared(r.text) and r.members[0][1] == attempt]
        fitting = [r for r in own if set(declared(r.text)) == set(paths)]
        if not fitting:  # recorded in several asks: their files together
            parts = [r for r in own if set(declared(r.text)) < set(paths)]
            assert sorted(path for r in parts for path in declared(r.text)) == sorted(paths), paths
            return recordings.joined(parts)
        assert len(fitting) == 1, (paths, attempt, [r.members for r in fitting])
        return fitting[0]


class Project(Sandbox):
    """One of the documents in fixtures/plans with what lies beside it, without rules of its own, planned by a model."""

    measured = False

    def __init__(self, root: Path, name: str, model: ModelServer) -> None:
        super().__init__(root, model)
        self.fixture = PLANS / name
        self.answers = Recorded(self.fixture / "recordings")
        model.answer = self.answers
        shutil.rmtree(root / "rules")
        replies = shutil.ignore_patterns("recordings", "lacking", "edited")
        shutil.copytree(self.fixture, root, dirs_exist_ok=True, ignore=replies)
        self.write("br.toml", '[plan]\nplanner = "model"\n')
