"""One batch up the ladder: verify what stands, restore, or ask; judge by running; repair; promote what passed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Semaphore

from brengine import assembling, digest
from brengine.asking import Asker
from brengine.asks import Waiting
from brengine.candidates import Candidate, Candidates
from brengine.domain import Batch, Key, Task
from brengine.errors import Declined, OverBudget
from brengine.events import AttemptFailed, BatchEnded, BatchStarted, Sink, TaskEnded
from brengine.ledger import Ledger, Row
from brengine.plans import anchors
from brengine.plans.replies import Question
from brengine.ports import Checker, Subject
from brengine.promotion import Accepted, Promoter
from brengine.standing import Board, Standing
from brengine.verdict import Finding, Outcome, Record, Verdict, signature
from brengine.workspace import Workspace, stage, unstage

RESTAGES = 3
"""How often a verdict is taken again because a need's file changed between staging and verdict."""

Passed = dict[str, Mapping[str, bytes]]
"""Task -> path -> content, of members of the batch that passed and are not promoted yet."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How one task ended and, where it passed, what to promote."""

    task: Task
    outcome: Outcome
    accepted: Accepted | None = None
    verdict: Verdict | None = None
    findings: tuple[Finding, ...] = ()
    note: str = ""
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a run may try and use at once: attempts per task, verifications side by side."""

    attempts: int = 3
    processors: int = 1
    amends: bool = False
    """True where there are plan files: what an author asks for amends them."""
    amendments: int = 2
    """How often the questions of one task are taken up."""


class Builder:
    """Builds batches. One instance serves all threads of a run."""

    def __init__(
        self,
        *,
        board: Board,
        asker: Asker,
        candidates: Candidates,
        checker: Checker,
        promoter: Promoter,
        workspace: Workspace,
        ledger: Ledger,
        staging: Path,
        bounds: Bounds,
        extras: Callable[[], Mapping[str, bytes]],
        sink: Sink,
    ) -> None:
        self._board = board
        self._asker = asker
        self._candidates = candidates
        self._checker = checker
        self._promoter = promoter
        self._workspace = workspace
        self._ledger = ledger
        self._staging = staging
        self._attempts = bounds.attempts
        self._bounds = bounds
        self._extras = extras
        self._processors = Semaphore(bounds.processors)
        self._sink = sink

    def build(self, batch: Batch) -> dict[str, Outcome]:
        """Bring every member as far as it goes; emits events; answers each member's outcome.

        Raises BackendError when no reply can be had; what passed before that is promoted.
        """
        standings = {name: self._board.standing(name) for name in batch.tasks}
        stale = tuple(name for name, standing in standings.items() if standing.reasons)
        number = self._board.plan.batches.index(batch) + 1
        self._sink(BatchStarted(batch, number, stale))
        endings: dict[str, Ending] = {}
        try:
            awaited = self._fetched(tuple(standings[name] for name in stale))
            self._members(standings, stale, awaited, endings)
        finally:
            self._promote(batch, endings)
            unstage(self._staging / batch.id)
            for name in batch.tasks:
                if name in endings or name not in stale:
                    self._sink(_ended(standings[name], endings.get(name)))
            self._sink(BatchEnded(batch, number))
        return {name: endings[name].outcome if name in endings else Outcome.UP_TO_DATE for name in batch.tasks}

    def _fetched(self, standings: tuple[Standing, ...]) -> Mapping[str, Waiting]:
        """The first replies; where the budget or a person stops that, those that are there have to do."""
        try:
            return self._asker.fetch(standings)
        except (OverBudget, Declined):
            return {}

    def _members(
        self,
        standings: Mapping[str, Standing],
        stale: tuple[str, ...],
        awaited: Mapping[str, Waiting],
        endings: dict[str, Ending],
    ) -> None:
        passed: Passed = {}
        for name in stale:
            blocked = {other for other, ending in endings.items() if not ending.outcome.done}
            ending = self._member(standings[name], passed, blocked, awaited.get(name))
            endings[name] = ending
            if ending.accepted:
                passed[name] = ending.accepted.files

    def _member(self, standing: Standing, passed: Passed, blocked: set[str], waiting: Waiting | None) -> Ending:
        task = standing.task
        needs = [need for need in self._board.closure(task.id) if need in blocked]
        if needs:
            return Ending(task, Outcome.SKIPPED, note=f"needs {', '.join(needs)}")
        if waiting:
            return _waits(task, waiting)
        stopped = self._asker.closed or ("you left it alone" if task.id in self._asker.declined else "")
        if stopped and (task.id in self._asker.declined or self._asker.lacks(standing)):
            return Ending(task, Outcome.SKIPPED, note=f"not asked for: {stopped}")
        candidate = self._candidates.first(standing)
        if candidate is None:
            return Ending(task, Outcome.ERRORED, note="what it should be restored from has gone; build again")
        return self._until_passed(standing, candidate, passed)

    def _until_passed(self, standing: Standing, candidate: Candidate, passed: Passed) -> Ending:
        last = self._last(standing, candidate)
        before: frozenset[tuple[str, str, str]] = frozenset()
        while True:
            asked = self._asks(standing, candidate)
            if asked:
                return asked
            verdict, verify = self._trial(standing, candidate, passed)
            if verdict.passed:
                record = _record(standing, candidate, verdict, verify)
                accepted = Accepted(record, candidate.files, candidate.base, verdict.seconds)
                note = "your edit is adopted" if candidate.edited else ""
                return Ending(standing.task, candidate.outcome, accepted, verdict, note=note)
            now = signature(verdict.findings)
            following = self._after_failure(standing, candidate, verdict, last, stuck=now == before)
            before = now
            if isinstance(following, Ending):
                return following
            candidate = following

    def _asks(self, standing: Standing, candidate: Candidate) -> Ending | None:
        """The end of a task for now whose author asks for a contract, or found a contradiction: the plan goes first."""
        task = standing.task
        own = {contract.name for contract in task.defines} | {name for need in task.needs for name in need.uses}
        found = [q for q in self._own_questions(task, candidate) if q.about.rpartition(".")[2] not in own]
        before = self._ledger.state.asked_before.get(task.id, 0)
        if not found or not self._bounds.amends or before >= self._bounds.amendments:
            return None
        rows = [[q.kind, q.about, q.said] for q in found]
        self._ledger.append({"t": "question", "task": task.id, "key": standing.ask.digest, "questions": rows})
        told = "; ".join(f"{q.kind.upper()} {q.about}{f': {q.said}' if q.said else ''}" for q in found)
        return Ending(task, Outcome.SKIPPED, note=f"its author asks, so the plan is amended first: {told[:300]}")

    def _own_questions(self, task: Task, candidate: Candidate) -> list[Question]:
        """Those questions of a reply that are about this task: it is named, covers the lines, or nobody else does."""
        mates = [self._board.tasks[name] for name in candidate.members if name != task.id]
        return [q for q in candidate.questions if _about(q, task) or not any(_about(q, mate) for mate in mates)]

    def _last(self, standing: Standing, candidate: Candidate) -> int:
        """The number of the last attempt allowed: so many from the first, or from the one that stood there."""
        stood = 0 if candidate.outcome is Outcome.BUILT else candidate.attempt
        return max(stood, self._asker.base(standing)) + self._attempts

    def _after_failure(
        self, standing: Standing, candidate: Candidate, verdict: Verdict, last: int, stuck: bool
    ) -> Candidate | Ending:
        task = standing.task
        asked = not (candidate.edited or task.assembles)
        again = asked and not verdict.errored and candidate.attempt < last
        self._ledger.append(_judged(standing, candidate, verdict))
        self._sink(AttemptFailed(task, candidate.attempt, last, verdict.findings, again))
        if verdict.errored:
            return Ending(task, Outcome.ERRORED, verdict=verdict, note=verdict.errored)
        if again:
            return self._repaired(standing, candidate, verdict, stuck)
        note = "your file is kept as it is" if candidate.edited else self._keep_best(task, candidate)
        return Ending(task, Outcome.FAILED, verdict=verdict, findings=verdict.findings, note=note)

    def _repaired(self, standing: Standing, candidate: Candidate, verdict: Verdict, stuck: bool) -> Candidate | Ending:
        attempt, found = candidate.attempt + 1, verdict.findings
        try:
            waiting = self._asker.repair(standing, attempt, found, candidate.files, candidate.base, stuck=stuck)
        except (OverBudget, Declined) as error:
            why = "you left its repair alone" if isinstance(error, Declined) else "the budget does not allow its repair"
            note = f"{why}; {self._keep_best(standing.task, candidate)}"
            return Ending(standing.task, Outcome.SKIPPED, verdict=verdict, findings=verdict.findings, note=note)
        if waiting:
            return _waits(standing.task, waiting)
        following = self._candidates.stored(standing, attempt, candidate)
        return following or Ending(standing.task, Outcome.ERRORED, note="a stored reply could not be read")

    def _keep_best(self, task: Task, candidate: Candidate) -> str:
        folder = stage(self._staging / "failed" / task.id, candidate.files)
        return f"its last attempt is kept in {folder}"

    def _trial(self, standing: Standing, candidate: Candidate, passed: Passed) -> tuple[Verdict, Key]:
        """Judge a candidate over its needs as they stand; again when a need's file changed meanwhile."""
        before = self._verify_key(standing, candidate, passed)
        for _ in range(RESTAGES):
            verdict = self._judge(standing.task, candidate, passed)
            after = self._verify_key(standing, candidate, passed)
            if after == before:
                return verdict, after
            before = after
        return Verdict(standing.task.id, errored="its needs' files keep changing while it is verified"), before

    def _judge(self, task: Task, candidate: Candidate, passed: Passed) -> Verdict:
        if candidate.findings:
            return Verdict(task.id, findings=candidate.findings)
        root = self._staging / self._board.batch_of[task.id] / f"{task.id}-{candidate.attempt}"
        with self._processors:
            began = time.monotonic()
            tree = self._tree(task, candidate, passed)
            wrong = [found for found in assembling.complete(tree) if found.path in task.files]
            if wrong:
                return Verdict(task.id, findings=tuple(wrong))
            stage(root, tree)
            verdict = self._checker.check(Subject(task, root, self._board.gates_of(task)))
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

    def _promote(self, batch: Batch, endings: dict[str, Ending]) -> None:
        """Promote together what passed, except where a person changed a file meanwhile, and what needs that."""
        clashed: set[str] = set()
        for name, ending in endings.items():
            if ending.accepted is None:
                continue
            paths = self._promoter.clashes(ending.accepted)
            if paths:
                endings[name] = self._clash(ending.task, ending.accepted, paths)
                clashed.add(name)
            elif clashed & set(self._board.closure(name)):
                endings[name] = Ending(ending.task, Outcome.SKIPPED, note="needs what clashed with a person's edit")
        accepted = [ending.accepted for ending in endings.values() if ending.accepted]
        if accepted:
            for item in accepted:
                self._board.keep_values(item.record.task)
            self._promoter.promote(batch.id, accepted)

    def _clash(self, task: Task, accepted: Accepted, paths: tuple[str, ...]) -> Ending:
        folder = self._promoter.keep_aside(accepted)
        findings = tuple(
            Finding("clash", f"changed by someone else since it was asked for; the new version is in {folder}", path)
            for path in paths
        )
        return Ending(task, Outcome.FAILED, findings=findings, note="both versions are kept")


def _about(question: Question, task: Task) -> bool:
    """True where a question names the task, one of its files, or a line that it covers."""
    if question.kind == "conflict":
        lines = {quote.line for quote in anchors.read(question.about)[0]}
        return any(lines & set(cover.span.lines) for cover in task.covers)
    return any(word in question.said for word in (task.id, task.name, *task.files))


def _waits(task: Task, waiting: Waiting) -> Ending:
    note = f"prompt in {waiting.prompt_path}, reply awaited in {waiting.reply_path}"
    return Ending(task, Outcome.WAITING, note=note, waiting=waiting)


def _judged(standing: Standing, candidate: Candidate, verdict: Verdict) -> Row:
    return {
        "t": "judged",
        "task": standing.task.id,
        "key": standing.ask.digest,
        "attempt": candidate.attempt,
        "findings": [str(finding)[:2000] for finding in verdict.findings],
        "errored": verdict.errored,
        "seconds": round(verdict.seconds, 3),
    }


def _record(standing: Standing, candidate: Candidate, verdict: Verdict, verify: Key) -> Record:
    own = sorted((path, digest.of_bytes(content)) for path, content in candidate.files.items())
    adopted = candidate.edited or (
        standing.record is not None and standing.record.adopted and candidate.outcome is not Outcome.BUILT
    )
    return Record(
        standing.task.id,
        standing.task.name,
        standing.ask.inputs,
        verify.inputs,
        tuple(own),
        verdict.evidence,
        candidate.attempt,
        candidate.model,
        adopted,
    )


def _ended(standing: Standing, ending: Ending | None) -> TaskEnded:
    if ending is None:
        evidence = standing.record.evidence if standing.record else ()
        return TaskEnded(standing.task, Outcome.UP_TO_DATE, evidence)
    evidence = ending.verdict.evidence if ending.verdict else ()
    return TaskEnded(
        standing.task, ending.outcome, evidence, ending.findings, standing.reasons, ending.note, ending.waiting
    )
