"""One batch up the ladder: verify what stands, restore, or ask; judge by running; repair; promote what passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from brengine import digest
from brengine.asking import Asker
from brengine.asks import Waiting
from brengine.attempts import RAN, Blame, Tries, about, names, tests_only
from brengine.candidates import Candidate, Candidates
from brengine.codec import record_to_row
from brengine.domain import Batch, Key, ReasonKind, Task
from brengine.errors import BackendError, Declined, OverBudget
from brengine.events import AttemptFailed, BatchEnded, BatchStarted, Sink, TaskEnded
from brengine.ledger import Ledger
from brengine.plans.replies import Question
from brengine.promotion import Accepted, Promoter
from brengine.prompt import Repair
from brengine.rows import Row
from brengine.standing import Board, Standing
from brengine.trial import Passed, Trials
from brengine.verdict import Finding, Outcome, Record, Spent, Verdict
from brengine.workspace import stage, unstage


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
    """How much a run may try: attempts per task, amendments of the plan."""

    attempts: int = 3
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
        trials: Trials,
        promoter: Promoter,
        ledger: Ledger,
        bounds: Bounds,
        sink: Sink,
    ) -> None:
        self._board = board
        self._asker = asker
        self._candidates = candidates
        self._trials = trials
        self._promoter = promoter
        self._ledger = ledger
        self._attempts = bounds.attempts
        self._bounds = bounds
        self._sink = sink
        self.blames: list[Blame] = []
        """What this run's authors said of needs that are to be asked again."""

    def build(self, batch: Batch, no_reply: Callable[[BackendError], None]) -> dict[str, Outcome]:
        """Bring every member as far as it goes; emits events; answers each member's outcome.

        Where no reply can be had, what passed before is promoted, and `no_reply` is called with the error.
        """
        standings = {name: self._board.standing(name) for name in batch.tasks}
        self._mark_upstream(standings)
        stale = tuple(name for name, standing in standings.items() if standing.reasons)
        number = self._board.plan.batches.index(batch) + 1
        self._sink(BatchStarted(batch, number, stale))
        endings: dict[str, Ending] = {}
        try:
            awaited = self._fetched(tuple(standings[name] for name in stale))
            self._members(standings, stale, awaited, endings)
        except BackendError as error:
            left = (name for name in stale if name not in endings and standings[name].reasons)
            note = f"no reply: {error.message}"
            endings |= {name: Ending(standings[name].task, Outcome.ERRORED, note=note) for name in left}
            no_reply(error)
        finally:
            self._promote(batch, endings)
            unstage(self._trials.staging / batch.id)
            for name in batch.tasks:
                if name in endings or not standings[name].reasons:
                    self._sink(_ended(standings[name], endings.get(name)))
            self._sink(BatchEnded(batch, number))
        return {name: endings[name].outcome if name in endings else Outcome.UP_TO_DATE for name in batch.tasks}

    def _mark_upstream(self, standings: dict[str, Standing]) -> None:
        """A fresh member that needs a stale one is verified after it, where that changes what it needs."""
        for name, standing in standings.items():
            above = [need for need in self._board.closure(name) if need in standings and standings[need].reasons]
            if above and not standing.reasons:
                standings[name] = self._board.upstream_stale(standing, above)

    def _fetched(self, standings: tuple[Standing, ...]) -> Mapping[str, Waiting]:
        """The first replies; where the budget or a person stops that, those that are there have to do."""
        try:
            return self._asker.fetch(standings)
        except (OverBudget, Declined):
            return {}

    def _members(
        self,
        standings: dict[str, Standing],
        stale: tuple[str, ...],
        awaited: Mapping[str, Waiting],
        endings: dict[str, Ending],
    ) -> None:
        passed: Passed = {}
        for name in stale:
            if standings[name].waits_upstream and self._trials.unchanged(standings[name], passed):
                standings[name] = replace(standings[name], reasons=())
                continue
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
        tries = Tries(self._last(standing, candidate))
        while True:
            asked = self._asks(standing, candidate)
            if asked:
                return asked
            verdict, verify = self._trials.judge(standing, candidate, passed)
            if verdict.passed:
                record = _record(standing, candidate, verdict, verify, self._spent(standing, candidate.attempt))
                accepted = Accepted(record, candidate.files, candidate.base, verdict.seconds)
                note = "your edit is adopted" if candidate.edited else ""
                return Ending(standing.task, candidate.outcome, accepted, verdict, note=note)
            tries.failed(candidate, verdict)
            following = self._blames(standing, candidate, verdict, tries) or self._after_failure(
                standing, candidate, verdict, tries
            )
            if isinstance(following, Ending):
                return following
            candidate = following

    def _asks(self, standing: Standing, candidate: Candidate) -> Ending | None:
        """The end of a task for now whose author asks for a contract, or found a contradiction: the plan goes first."""
        task = standing.task
        own = {contract.name for contract in task.defines} | {name for need in task.needs for name in need.uses}
        asked = [q for q in self._own_questions(task, candidate) if q.kind != "blame"]
        found = [q for q in asked if q.about.rpartition(".")[2] not in own]
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
        return [q for q in candidate.questions if about(q, task) or not any(about(q, mate) for mate in mates)]

    def _blames(self, standing: Standing, candidate: Candidate, verdict: Verdict, tries: Tries) -> Ending | None:
        """The end for now of a task that failed and whose author blames a need: that is asked again first, once."""
        state, task = self._ledger.state, standing.task
        ran = any(finding.check in RAN for finding in verdict.findings)
        for question in candidate.questions if ran and not (self._asker.closed or verdict.errored) else ():
            for need in self._board.closure(task.id):
                key, record = self._board.ask_key(need).digest, state.records.get(need)
                kept = (need, key) in state.blamed or (record and record.adopted) or self._board.tasks[need].assembles
                if question.kind == "blame" and names(question.about, self._board.tasks[need]) and not kept:
                    self._ledger.append(_judged(standing, candidate, verdict))
                    last = tries.last
                    self._sink(AttemptFailed(task, candidate.attempt, last, verdict.findings, again=False))
                    said = f"{question.said}\n{verdict.findings[0]}"[:1200]
                    self.blames.append(Blame(need, key, task.id, said))
                    note = f"its author blames {need}: {question.said[:300]}"
                    return Ending(task, Outcome.SKIPPED, verdict=verdict, note=note)
        return None

    def _last(self, standing: Standing, candidate: Candidate) -> int:
        """The number of the last attempt allowed: so many from the first, or from the one that stood there."""
        stood = 0 if candidate.outcome is Outcome.BUILT else candidate.attempt
        return max(stood, self._asker.base(standing)) + self._attempts

    def _after_failure(
        self, standing: Standing, candidate: Candidate, verdict: Verdict, tries: Tries
    ) -> Candidate | Ending:
        task, last = standing.task, tries.last
        asked = not (candidate.edited or task.assembles)
        again = asked and not verdict.errored and not self._asker.closed and candidate.attempt < last
        self._ledger.append(_judged(standing, candidate, verdict))
        self._sink(AttemptFailed(task, candidate.attempt, last, verdict.findings, again))
        if verdict.errored:
            return Ending(task, Outcome.ERRORED, verdict=verdict, note=verdict.errored)
        if again:
            return self._repaired(standing, candidate, verdict, tries)
        known = (task.id, standing.ask.digest)
        if known in self._ledger.state.asked_again and not candidate.edited:
            self._ledger.append({"t": "cleared", "task": task.id, "key": standing.ask.digest})
            note = f"no new answer passed, so it stays as it was; {self._keep_best(task, tries)}"
            return Ending(task, Outcome.UP_TO_DATE, verdict=Verdict(task.id), note=note)
        self._disprove(standing, verdict)
        note = "your file is kept as it is" if candidate.edited else self._keep_best(task, tries)
        return Ending(task, Outcome.FAILED, verdict=verdict, findings=verdict.findings, note=note)

    def _disprove(self, standing: Standing, verdict: Verdict) -> None:
        """What was recorded did not pass again, though nothing that it rests on has changed: it is not done."""
        record = standing.record
        same = all(r.kind in (ReasonKind.VERIFY_ASKED, ReasonKind.FORGOTTEN) for r in standing.reasons)
        if record is not None and same:
            failed = replace(record, failed=f"verified again: {verdict.findings[0]}"[:600])
            row = {"t": "record", "task": record.task, "record": record_to_row(failed)}
            self._ledger.append(row)

    def _repaired(self, standing: Standing, candidate: Candidate, verdict: Verdict, tries: Tries) -> Candidate | Ending:
        attempt = candidate.attempt + 1
        only = () if tries.stuck else tests_only(standing.task, candidate, verdict)
        repair = Repair(attempt, tries.last, verdict.findings, tries.stuck, only)
        try:
            waiting = self._asker.repair(standing, repair, candidate.files, candidate.base)
        except (OverBudget, Declined) as error:
            why = "you left its repair alone" if isinstance(error, Declined) else "the budget does not allow its repair"
            note = f"{why}; {self._keep_best(standing.task, tries)}"
            return Ending(standing.task, Outcome.SKIPPED, verdict=verdict, findings=verdict.findings, note=note)
        if waiting:
            return _waits(standing.task, waiting)
        following = self._candidates.stored(standing, attempt, candidate)
        return following or Ending(standing.task, Outcome.ERRORED, note="a stored reply could not be read")

    def _spent(self, standing: Standing, attempt: int) -> Spent | None:
        """The task's share of what the attempts at its present ask Key took; what is recorded where none is known."""
        name, key = standing.task.id, standing.ask.digest
        replies = self._ledger.state.replies
        found = [replies[name, key, n] for n in range(1, attempt + 1) if (name, key, n) in replies]
        if not found:
            record = standing.record
            return record.spent if record and record.ask == standing.ask.inputs else None
        costs = [one.reply.cost / len(one.members) for one in found if one.reply.cost is not None]
        tokens = sum(one.reply.usage.total / len(one.members) for one in found)
        cost = round(sum(costs), 6) if len(costs) == len(found) else None
        return Spent(len(found), round(tokens), cost)

    def _keep_best(self, task: Task, tries: Tries) -> str:
        assert tries.best is not None
        folder = stage(self._trials.staging / "failed" / task.id, tries.best.files)
        return f"its best attempt ({tries.best.attempt}) is kept in {folder}"

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


def _waits(task: Task, waiting: Waiting) -> Ending:
    note = "its prompt waits for a reply"
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


def _record(standing: Standing, candidate: Candidate, verdict: Verdict, verify: Key, spent: Spent | None) -> Record:
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
        spent=spent,
    )


def _ended(standing: Standing, ending: Ending | None) -> TaskEnded:
    if ending is None:
        evidence = standing.record.evidence if standing.record else ()
        return TaskEnded(standing.task, Outcome.UP_TO_DATE, evidence)
    evidence = ending.verdict.evidence if ending.verdict else ()
    return TaskEnded(
        standing.task, ending.outcome, evidence, ending.findings, standing.reasons, ending.note, ending.waiting
    )
