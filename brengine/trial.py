"""Trying a candidate: staged over its needs as they stand, and judged by running."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Semaphore

from brengine import assembling, digest
from brengine.candidates import Candidate, Candidates
from brengine.domain import Key, Task
from brengine.ports import Checker, Subject
from brengine.standing import Board, Standing
from brengine.verdict import Finding, Verdict
from brengine.workspace import Workspace, stage

RESTAGES = 3
"""How often a verdict is taken again because a need's file changed between staging and verdict."""

Passed = dict[str, Mapping[str, bytes]]
"""Task -> path -> content, of members of the batch that passed and are not promoted yet."""


class Trials:
    """Stages candidates and has them checked. One instance serves all threads of a run."""

    def __init__(
        self,
        *,
        board: Board,
        candidates: Candidates,
        checker: Checker,
        workspace: Workspace,
        staging: Path,
        processors: int,
        extras: Callable[[], Mapping[str, bytes]],
    ) -> None:
        """`processors`: verifications side by side; `extras`: the project's configuration, path -> content."""
        self._board = board
        self._candidates = candidates
        self._checker = checker
        self._workspace = workspace
        self.staging = staging
        self._processors = Semaphore(processors)
        self._extras = extras

    def judge(self, standing: Standing, candidate: Candidate, passed: Passed) -> tuple[Verdict, Key]:
        """Judge a candidate over its needs as they stand; again when a need's file changed meanwhile."""
        before = self._verify_key(standing, candidate, passed)
        for _ in range(RESTAGES):
            verdict = self._verdict(standing.task, candidate, passed)
            after = self._verify_key(standing, candidate, passed)
            if after == before:
                return verdict, after
            before = after
        return Verdict(standing.task.id, errored="its needs' files keep changing while it is verified"), before

    def unchanged(self, standing: Standing, passed: Passed) -> bool:
        """True where what a recorded task was verified with is what is there now, with what passed beside it."""
        now = self._board.verify_key(
            standing.task.id,
            standing.present,
            {need: self._need_digests(need, passed) for need in self._board.closure(standing.task.id)},
        )
        return standing.record is not None and standing.record.verify == now.inputs

    def _verdict(self, task: Task, candidate: Candidate, passed: Passed) -> Verdict:
        if candidate.findings:
            return Verdict(task.id, findings=candidate.findings)
        root = self.staging / self._board.batch_of[task.id] / f"{task.id}-{candidate.attempt}"
        with self._processors:
            began = time.monotonic()
            tree = self._tree(task, candidate, passed)
            wrong = [found for found in assembling.complete(tree) if found.path in task.files]
            if wrong:
                return Verdict(task.id, findings=tuple(wrong))
            stage(root, tree)
            under = tuple(path for need in task.needs for path in self._board.tasks[need.task].targets)
            verdict = self._checker.check(Subject(task, root, self._board.gates_of(task), under=under))
            changed = _changed(tree, root)
            if changed:
                findings = (*verdict.findings, *changed)
                verdict = replace(verdict, findings=findings)
            return replace(verdict, seconds=time.monotonic() - began)

    def _tree(self, task: Task, candidate: Candidate, passed: Passed) -> dict[str, bytes]:
        """Copies of the closure of the needs, the project's configuration, and the candidate's own files."""
        tree = dict(self._extras())
        closure = self._board.closure(task.id)
        for path in dict.fromkeys(p for name in (*closure, task.id) for p in self._board.tasks[name].reads):
            content = self._workspace.read(path)
            if content is not None:
                tree[path] = content
        for need in closure:
            tree.update(passed.get(need) or self._candidates.present(self._board.tasks[need]))
        tree.update(candidate.files)
        return tree

    def _verify_key(self, standing: Standing, candidate: Candidate, passed: Passed) -> Key:
        own = {path: digest.of_bytes(content) for path, content in candidate.files.items()}
        name = standing.task.id
        needed = {need: self._need_digests(need, passed) for need in self._board.closure(name)}
        return self._board.verify_key(name, own, needed)

    def _need_digests(self, need: str, passed: Passed) -> dict[str, str]:
        files = passed.get(need)
        if files is None:
            return self._board.digests(need)
        return {path: digest.of_bytes(files[path]) for path in self._board.tasks[need].files}


def _changed(tree: Mapping[str, bytes], root: Path) -> tuple[Finding, ...]:
    """Files of the tree that are not what was staged: whatever ran there changed them, so nothing is known of them."""
    found = []
    for path, content in tree.items():
        place = root / path
        if place.is_symlink() or not place.is_file() or place.read_bytes() != content:
            hint = "tests write to temporary folders alone"
            found.append(Finding("files", "it was changed while it was verified", path, hint=hint))
    return tuple(found)
