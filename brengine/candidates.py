"""Where the files of a task may come from: the tree as it stands, the action cache, or a stored reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from brengine import assembling, reply
from brengine.asking import Asker
from brengine.blobs import Actions, Blobs
from brengine.checks import unfinished
from brengine.domain import Task
from brengine.ledger import Stored
from brengine.plans import replies
from brengine.plans.replies import Question
from brengine.stale import Rung, asks_anew
from brengine.standing import Standing
from brengine.verdict import Finding, Outcome
from brengine.workspace import Workspace

KEPT = 0.7
"""The share of its assertions that the tests of a repair must keep."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Files of one task that may become its outputs."""

    files: Mapping[str, bytes]
    base: Mapping[str, str]
    """path -> SHA-256 that these files may replace ("" for absent)."""
    outcome: Outcome
    """What the task's outcome is if they pass: BUILT, RESTORED or VERIFIED."""
    attempt: int
    """The attempt that made them; a repair ask is the one after."""
    model: str = ""
    edited: bool = False
    """True where the content is a person's: judged where it stands, never asked over."""
    findings: tuple[Finding, ...] = ()
    """Complaints about the reply itself: with any, nothing is staged."""
    questions: tuple[Question, ...] = ()
    """What the reply asks instead of guessing."""
    members: tuple[str, ...] = ()
    """The tasks that the reply is for."""


class Candidates:
    """Finds candidates. Reads the tree and the stores; asks nobody."""

    def __init__(self, workspace: Workspace, blobs: Blobs, actions: Actions, asker: Asker) -> None:
        self._workspace = workspace
        self._blobs = blobs
        self._actions = actions
        self._asker = asker

    def first(self, standing: Standing) -> Candidate | None:
        """The first candidate by the standing's rung; None when what it stands on has gone."""
        if standing.rung is Rung.VERIFY:
            return self._as_it_stands(standing)
        if standing.rung is Rung.ASSEMBLE:
            return self._assembled(standing)
        if standing.rung is Rung.RESTORE:
            return self._restored(standing)
        return self.stored(standing, self._asker.base(standing) + 1, None)

    def stored(self, standing: Standing, attempt: int, before: Candidate | None) -> Candidate | None:
        """The candidate that the stored reply of an attempt gives, over the files of the attempt before."""
        found = self._asker.stored(standing.member(attempt))
        return self._read(standing, found, attempt, before) if found else None

    def present(self, task: Task) -> dict[str, bytes]:
        """The task's files as they are in the tree, absent ones left out."""
        contents = {path: self._workspace.read(path) for path in task.files}
        return {path: content for path, content in contents.items() if content is not None}

    def _as_it_stands(self, standing: Standing) -> Candidate | None:
        """What stands in the tree, with what is missing put back as it was recorded."""
        record = standing.record
        if record is None or asks_anew(standing.reasons):  # a person wants it adopted
            attempt = record.attempt if record else 0
            return Candidate(self.present(standing.task), standing.present, Outcome.VERIFIED, attempt, edited=True)
        files: dict[str, bytes] = {}
        for path, recorded in record.outputs:
            content = self._workspace.read(path) if standing.present.get(path) else self._blobs.get(recorded)
            if content is None:
                return None
            files[path] = content
        outcome = Outcome.VERIFIED if all(standing.present.values()) else Outcome.RESTORED
        return Candidate(files, standing.present, outcome, record.attempt, record.model, standing.edited)

    def _assembled(self, standing: Standing) -> Candidate | None:
        """The task's one file from its regions as they stand in the tree."""
        contents = {path: self._workspace.read(path) for path in standing.task.assembles}
        parts = {path: content.decode("utf-8", "replace") for path, content in contents.items() if content is not None}
        if parts.keys() != contents.keys():
            return None
        made = assembling.assemble(parts)
        path = standing.task.targets[0]
        recorded = {sha for _, sha in (standing.record.outputs if standing.record else ())}
        there = standing.present.get(path, "")
        base = {path: there if there in recorded else ""}
        return Candidate({path: made.text.encode()}, base, Outcome.BUILT, 0, findings=made.findings)

    def _restored(self, standing: Standing) -> Candidate | None:
        action = self._actions.get(standing.ask.digest)
        if action is None or action.outputs.keys() != set(standing.task.files):
            return None
        contents = {path: self._blobs.get(sha) for path, sha in action.outputs.items()}
        files = {path: content for path, content in contents.items() if content is not None}
        if files.keys() != contents.keys():
            return None
        return Candidate(files, standing.present, Outcome.RESTORED, action.attempt, action.model)

    def _read(self, standing: Standing, found: Stored, attempt: int, before: Candidate | None) -> Candidate:
        """Take this task's part of a reply: whole files, or edits of what was there."""
        own = frozenset(standing.task.files)
        declared = frozenset(found.only) or frozenset(found.base) | own
        have = dict(before.files) if before else self.present(standing.task)
        optional = (declared - own) | (frozenset(before.files) if before else frozenset())
        parsed = reply.parse(
            self._asker.text(found), found.nonce, declared, stop=found.reply.stop, allowed_missing=optional
        )
        findings = [f for f in parsed.findings if f.path not in declared - own]
        if own <= {change.path for change in parsed.files} and not any(f.path in own for f in findings):
            findings = [f for f in findings if f.check != "cut"]  # what was cut is another member's
        files = dict(before.files) if before else {}
        for change in parsed.files:
            if change.path in own:
                content = _apply(change, have.get(change.path))
                if isinstance(content, Finding):
                    findings.append(content)
                else:
                    files[change.path] = content
        if before and not findings:
            findings += _weakened(standing.task, before.files, files)
            if findings:  # the tests that it had stay, and are what the next attempt is compared with
                files |= {path: before.files[path] for path in standing.task.tests if path in before.files}
        base = before.base if before else {path: found.base.get(path, "") for path in own}
        asked = replies.questions(parsed.notes)
        return Candidate(
            files, base, Outcome.BUILT, attempt, found.reply.model, False, tuple(findings), asked, found.members
        )


def _weakened(task: Task, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[Finding]:
    """A repair whose tests assert much less than those that did not pass."""
    had, has = (
        unfinished.assertions([files[path].decode("utf-8", "replace") for path in task.tests if path in files])
        for files in (before, after)
    )
    if has >= had * KEPT - 1:
        return []
    said = f"the tests of the attempt before could fail in {had} places, these in {has}"
    return [Finding("weakened", said, task.tests[0], hint="mend what fails; keep what tests it")]


def _apply(change: reply.FileChange, current: bytes | None) -> bytes | Finding:
    if change.content is not None:
        return change.content.encode()
    if current is None:
        return Finding("reply", "edits a file that does not exist", change.path, hint="send the whole file")
    text, problem = reply.apply_edits(current.decode("utf-8", "replace"), change.edits)
    return Finding("reply", problem, change.path, hint="send the whole file") if problem else text.encode()
