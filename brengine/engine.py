"""One run over a plan: who may write, what is asked, built and checked, and how everything ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from brengine import acceptance, assembling, digest, keys
from brengine.asking import Asker
from brengine.asks import Ask
from brengine.building import Builder
from brengine.codec import record_to_row
from brengine.domain import PROJECT
from brengine.errors import BackendError, BrError, Declined, EngineError, OverBudget
from brengine.events import Noted, ProjectChecked, Sink, TaskEnded
from brengine.ledger import Ledger
from brengine.ports import Checker
from brengine.promotion import Promoter
from brengine.rows import run_row
from brengine.stale import Rung
from brengine.standing import Board
from brengine.verdict import Evidence, Outcome, Record, Verdict
from brengine.workspace import Workspace, stage, unstage
from brengine.writer import Writer


class Engine:
    """The actions behind `br build` and behind doit's tasks. Methods may be called from several threads."""

    def __init__(
        self,
        *,
        board: Board,
        ledger: Ledger,
        writer: Writer,
        workspace: Workspace,
        promoter: Promoter,
        asker: Asker,
        builder: Builder,
        checker: Checker,
        staging: Path,
        replies: Path,
        fold: Callable[[], object],
        sink: Sink,
    ) -> None:
        self.board = board
        self.outcomes: dict[str, Outcome] = {}
        self.failures: list[BrError] = []
        self.project: Verdict | None = None
        self.blamed: tuple[str, ...] = ()
        """Tasks that dependents' authors blamed and that are to be asked for again."""
        self._ledger = ledger
        self._writer = writer
        self._workspace = workspace
        self._promoter = promoter
        self._asker = asker
        self._builder = builder
        self._checker = checker
        self._staging = staging
        self._replies = replies
        self._fold = fold
        self._sink = sink
        self._mutex = threading.RLock()
        self._signature = ledger.signature
        self._begun = False

    # --- reading ------------------------------------------------------------------------------------------------

    def fresh(self, batch: str) -> bool:
        """True when every member of a batch is fresh by digests (nothing is run to find out)."""
        return all(self.board.is_done(task) for task in self.board.batches[batch].tasks)

    def project_fresh(self) -> bool:
        """True when the whole project was tested green as it stands."""
        record = self._ledger.state.records.get(PROJECT)
        return record is not None and not record.failed and record.verify == self._project_inputs()

    def pending(self, batch: str) -> Path | None:
        """Where the reply of the batch's first ask will be readable, or None when nothing is to be asked for."""
        ask = self._ask(batch)
        return self._replies / f"{ask.id}.md" if ask else None

    def _ask(self, batch: str) -> Ask | None:
        members = []
        for name in self.board.batches[batch].tasks:
            standing = self.board.standing(name)
            member = standing.member(self._asker.base(standing) + 1)
            if standing.rung is Rung.ASK and not self._asker.stored(member):
                members.append(member)
        return Ask(tuple(members)) if members else None

    @property
    def failed(self) -> bool:
        """True where a task failed, or the engine could not do its work: not for what waits or was not asked for."""
        ends = (Outcome.FAILED, Outcome.ERRORED)
        return bool(self.failures) or any(outcome in ends for outcome in list(self.outcomes.values()))

    # --- acting -------------------------------------------------------------------------------------------------

    def begin(self, what: str) -> None:
        """Become the one writer, read what another run wrote meanwhile, finish what one left half-done."""
        with self._mutex:
            if self._begun:
                return
            self._writer.acquire(what)
            if self._ledger.signature != self._signature:
                self._ledger.load()
            for note in (*self._ledger.state.notes, *self._promoter.recover()):
                self._sink(Noted(note))
            for row in list(self._ledger.state.in_flight.values()):
                tasks = ", ".join(member[0] for member in row["members"])
                self._sink(
                    Noted(f"possibly paid, not received: the ask for {tasks} was in flight when a run was killed")
                )
                self._ledger.append({"t": "gone", "ask": row["ask"]})
            self._ledger.append(run_row(what, datetime.now(UTC).isoformat(timespec="seconds")))
            self._begun = True

    def ask(self, batch: str) -> None:
        """Have the reply of a batch's first ask in the store. Raises BackendError."""
        ask, place = self._ask(batch), self.pending(batch)
        if ask is None or place is None:
            return
        for member in ask.members:
            why = self._checker.unverifiable(self.board.tasks[member.task])
            if why:
                self._settle({m.task: Outcome.ERRORED for m in ask.members})
                raise EngineError(f"{member.task} is not asked for: {why}", "name the targets that can be built")
        try:
            self._asker.fetch([self.board.standing(member.task) for member in ask.members])
        except (OverBudget, Declined):
            return  # what is stored is still verified; the asker keeps why it stopped
        except BackendError as error:
            self._no_reply(tuple(member.task for member in ask.members), error)
            raise
        stored = self._asker.stored(ask.members[0])
        if stored:  # a copy for people (and the target that doit sees); what counts is in the store
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(self._asker.text(stored), encoding="utf-8")

    def build(self, batch: str) -> bool:
        """Bring a batch up the ladder; True when every member is done."""
        found = self.board.batches[batch]
        errors: list[BackendError] = []
        self._settle(self._builder.build(found, errors.append))
        self.board.remember(batch)
        if errors:
            raise errors[0]
        return all(self.outcomes[name].done for name in found.tasks)

    def _no_reply(self, tasks: tuple[str, ...], error: BackendError) -> None:
        """Tasks that ended because no answer could be had."""
        self._settle(dict.fromkeys(tasks, Outcome.ERRORED))
        for name in tasks:
            self._sink(TaskEnded(self.board.tasks[name], Outcome.ERRORED, note=f"no reply: {error.message}"))

    def check_project(self) -> bool:
        """The one test run of the whole project; a red test makes its owners not done. True when green."""
        done = [name for name in self.board.tasks if self.board.is_done(name)]
        if not done:
            return True
        began = time.monotonic()
        verdict = self._judge_project(done)
        seconds = time.monotonic() - began
        self.project = verdict
        self._sink(ProjectChecked(verdict))
        if verdict.passed or all(e.status == "not applicable" for e in verdict.evidence):
            record = Record(PROJECT, "Whole project", (), self._project_inputs(), (), verdict.evidence)
            self._write_record(record, seconds)
            return True
        failed = verdict.errored or "red"
        self._write_record(Record(PROJECT, "Whole project", (), (), (), verdict.evidence, failed=failed), seconds)
        for finding in verdict.findings:
            self._blame(finding.path, str(finding))
        return False

    def end(self) -> None:
        """Write br.lock and let the next writer in. Does nothing where nothing was begun."""
        with self._mutex:
            if not self._begun:
                return
            self._take_up()
            self._fold()
            unstage(self._staging / PROJECT)
            self._ledger.close()
            self._writer.release()
            self._begun = False
            self._signature = self._ledger.signature

    def _take_up(self) -> None:
        """What authors blamed is not done any more, and is asked for again at the next run or round, once."""
        for blame in self._builder.blames:
            state = self._ledger.state
            record, known = state.records.get(blame.need), (blame.need, blame.key)
            if record is None or known in state.blamed:
                continue
            said = f"{blame.by}, which needs it, failed; its author says: {blame.said}"
            base = self._ledger.last_attempt(blame.need, blame.key)
            row = {"t": "blame", "task": blame.need, "key": blame.key, "by": blame.by, "said": said, "base": base}
            self._ledger.append(row)
            self.blamed = (*self.blamed, blame.need)
        self._builder.blames.clear()

    # --- the whole project --------------------------------------------------------------------------------------

    def _judge_project(self, done: list[str]) -> Verdict:
        tasks = [self.board.tasks[name] for name in done]
        wanted = [path for task in tasks for path in (*task.reads, *task.files)]
        given = self._workspace.below(acceptance.FOLDER)
        files = {path: self._workspace.read(path) for path in (*wanted, *given)}
        tree = {path: content for path, content in files.items() if content is not None}
        assembling.complete(tree)
        root = stage(self._staging / PROJECT, tree)
        tests = [path for task in tasks for path in _tests_of(task.kind, task.targets, task.tests)]
        tests += [p for p in given if acceptance.is_test(p) and acceptance.ready(p, self.board.plan, done)]
        if not tests:
            return Verdict(PROJECT, (Evidence("tests", "not applicable", reason="the project has no tests yet"),))
        targets = [path for task in tasks if task.kind == "code" for path in task.targets if path.endswith(".py")]
        return self._checker.project(root, tests, targets, self.board.gates)

    def _project_inputs(self) -> tuple[tuple[str, str], ...]:
        paths = [path for task in self.board.tasks.values() for path in task.files]
        given = self._workspace.below(acceptance.FOLDER)
        files = {path: self._workspace.digest(path) for path in (*paths, *given)}
        gates = self.board.gates
        rows = [
            ("files", digest.short("files", files)),
            (
                "gates",
                keys.gates_digest(gates),
            ),
            ("toolchain", self.board.toolchain),
        ]
        return tuple(sorted(rows))

    def _blame(self, path: str, why: str) -> None:
        owners = {task.id for task in acceptance.owners(path, self.board.plan)} if acceptance.is_inside(path) else set()
        for task in self.board.tasks.values():
            record = self._ledger.state.records.get(task.id)
            if (path in task.files or task.id in owners) and record is not None:
                fields = record_to_row(record) | {"failed": f"whole-project run: {why[:600]}"}
                self._ledger.append({"t": "record", "task": task.id, "record": fields})
                self._settle({task.id: Outcome.FAILED})

    def _write_record(self, record: Record, seconds: float) -> None:
        row = {"t": "record", "task": record.task, "record": record_to_row(record), "seconds": round(seconds, 3)}
        self._ledger.append(row)

    def _settle(self, outcomes: dict[str, Outcome]) -> None:
        with self._mutex:
            self.outcomes |= outcomes


def _tests_of(kind: str, targets: tuple[str, ...], tests: tuple[str, ...]) -> tuple[str, ...]:
    own = targets + tests if kind == "tests" else tests
    return tuple(path for path in own if path.rsplit("/", 1)[-1].startswith("test_") and path.endswith(".py"))
