"""doit's face of the engine: ask:, batch:, task:, feature: and verify: as real doit tasks. The only importer of doit.

doit orders, selects and runs; the ledger remembers. Edges are task_dep, never file_dep, and the up-to-date check
compares digests with recorded evidence, so doit's own database holds nothing that matters.
"""

from __future__ import annotations

import atexit
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from brengine import doit_memory, durable
from brengine.domain import Batch
from brengine.engine import Engine
from brengine.errors import BrError, EngineError
from brengine.places import Places
from brengine.report import Reporter, failure
from brengine.wiring import Project
from brengine.writer import stop_at_ctrl_c

TaskDict = dict[str, Any]
Namespace = dict[str, Any]
VERIFY = "verify:project"
LOOKS = frozenset(
    ("list", "info", "help", "clean", "forget", "ignore", "dumpdb", "reset-dep", "strace", "tabcompletion")
)
"""doit's commands that run no task: none of them may cost an ask."""


def config(where: Places) -> dict[str, Any]:
    """DOIT_CONFIG: threads, and doit's database under `.br/` (whose folder doit expects to be there)."""
    durable.make_folder(where.state)
    return {
        "par_type": "thread",
        "backend": "sqlite3",
        "dep_file": str(where.state / "doit.db"),
        "verbosity": 2,
    }


def load(folder: str | Path, out: str | Path | None = None) -> Namespace:
    """What a dodo.py needs: `globals().update(load(folder))`. Bad input ends doit with the compiler-style message."""
    project_folder = Path(folder).resolve()
    where = Places(project_folder, Path(out).resolve() if out else project_folder)
    durable.make_folder(where.root)
    reporter = Reporter(_say, here=str(Path.cwd()))
    reporter.live = not any(word.startswith("-n") for word in sys.argv)
    project = Project(where, sink=reporter)
    stop_at_ctrl_c()
    try:
        asks = project.settings.planner == "model" and not LOOKS & set(sys.argv[1:2])
        if asks and project.unplanned:
            from brengine import planner

            planner.ensure(project, _say)
        return namespace(project)
    except BrError as error:
        sys.stderr.write(failure(error) + "\n")
        raise SystemExit(error.exit_code) from None


def namespace(project: Project, *, fold_at_exit: bool = True, stop_at_failure: bool = False) -> Namespace:
    """The task creators and DOIT_CONFIG of a project."""
    tasks = Tasks(project, fold_at_exit=fold_at_exit, stop_at_failure=stop_at_failure)
    creators: Mapping[str, Callable[[], Iterator[TaskDict]]] = {
        "task_ask": tasks.asks,
        "task_batch": tasks.batches,
        "task_task": tasks.tasks,
        "task_feature": tasks.features,
        "task_verify": tasks.verify,
    }
    return {**creators, "DOIT_CONFIG": config(project.places) | {"default_tasks": in_order(project)}}


def in_order(project: Project, chosen: frozenset[str] | None = None) -> list[str]:
    """doit's names for batches in order of execution (doit keeps the order of what is selected), then verify."""
    board = project.board
    wanted = set(board.batches) if chosen is None else {board.batch_of[task] for task in chosen}
    names = [f"batch:{name}" for name in board.batches if name in wanted]
    return names if chosen is not None else [*names, VERIFY]


class Tasks:
    """doit tasks over one engine. Batches are defined in order of execution, which is doit's only priority."""

    def __init__(self, project: Project, *, fold_at_exit: bool, stop_at_failure: bool) -> None:
        self._project = project
        self._engine: Engine = project.engine
        self._fold_at_exit = fold_at_exit
        self._stop_at_failure = stop_at_failure
        self._plan = project.plan
        self._begun = False

    def asks(self) -> Iterator[TaskDict]:
        """ask:<batch>: does something only where a reply must be had; then the stored reply is its target."""
        for batch in self._plan.batches:
            pending = self._engine.pending(batch.id)
            yield {
                "name": batch.id,
                "doc": f"ask for {_names(batch)}",
                "actions": [(self._ask, [batch.id])],
                "targets": [str(pending)] if pending else [],
                "task_dep": [] if self._contracted(batch) else [f"batch:{need}" for need in batch.needs],
                "uptodate": [_answer(partial(self._asked, batch.id))],
                **_QUIET,
            }

    def batches(self) -> Iterator[TaskDict]:
        """batch:<batch>: stage, verify and promote its tasks together; its targets are their files."""
        root = self._project.places.root
        for batch in self._plan.batches:
            files = [path for task in batch.tasks for path in self._engine.board.tasks[task].files]
            yield {
                "name": batch.id,
                "doc": f"{batch.title}: {_names(batch)}",
                "actions": [(self._build, [batch.id])],
                "targets": [str(root / path) for path in files],
                "task_dep": [f"ask:{batch.id}", *(f"batch:{need}" for need in batch.needs)],
                "uptodate": [_answer(partial(self._engine.fresh, batch.id))],
                "clean": [(self._clean, [batch.id])],
                **_QUIET,
            }

    def tasks(self) -> Iterator[TaskDict]:
        """task:<task>: a group over the task's batch."""
        board = self._engine.board
        for task in self._plan.tasks:
            yield {"name": task.id, "doc": task.name, "actions": None, "task_dep": [f"batch:{board.batch_of[task.id]}"]}

    def features(self) -> Iterator[TaskDict]:
        """feature:<feature>: a group over the feature's batches."""
        names = {feature.id: feature.name for feature in self._plan.spec.features}
        for feature in dict.fromkeys(batch.feature for batch in self._plan.batches):
            needs = [f"batch:{batch.id}" for batch in self._plan.batches if batch.feature == feature]
            yield {"name": feature, "doc": names.get(feature, feature), "actions": None, "task_dep": needs}

    def verify(self) -> Iterator[TaskDict]:
        """verify:project: the one test run of the whole project."""
        yield {
            "name": "project",
            "doc": "test the whole project",
            "actions": [(self._check, [])],
            "task_dep": [f"batch:{batch.id}" for batch in self._plan.batches],
            "uptodate": [_answer(self._engine.project_fresh)],
            **_QUIET,
        }

    # --- actions ------------------------------------------------------------------------------------------------

    def _ask(self, batch: str) -> bool:
        def act() -> bool:
            self._engine.ask(batch)
            return True

        return self._guarded(act)

    def _asked(self, batch: str) -> bool:
        return self._engine.pending(batch) is None

    def _build(self, batch: str) -> bool:
        return self._guarded(lambda: self._engine.build(batch))

    def _check(self) -> bool:
        return self._guarded(self._engine.check_project)

    def _clean(self, batch: str, dryrun: bool) -> None:
        from brengine.cleaning import clean_outputs

        names = self._engine.board.batches[batch].tasks
        for line in clean_outputs(self._project, names, dry_run=dryrun):
            _say(line)

    def _guarded(self, act: Callable[[], bool]) -> bool:
        if self._stop_at_failure and self._engine.failed:
            return False
        try:
            self._begin()
            return act()
        except BrError as error:
            self._engine.failures.append(error)
            sys.stderr.write(failure(error) + "\n")
            return False
        except Exception as error:  # doit would swallow it under a quiet reporter
            self._engine.failures.append(EngineError(f"internal error: {error!r}"))
            traceback.print_exc()
            return False

    def _begin(self) -> None:
        if not self._begun:
            self._engine.begin(" ".join(["doit", *sys.argv[1:]]))
            self._begun = True
            if self._fold_at_exit:
                atexit.register(self._end)

    def _end(self) -> None:
        self._engine.end()
        doit_memory.remember(self._project.places)

    def _contracted(self, batch: Batch) -> bool:
        """True where every need states its contracts: then the batch's ask waits for nobody."""
        board = self._engine.board
        return not any(board.waits(board.tasks[task]) for task in batch.tasks)


_QUIET: TaskDict = {"io": {"capture": False}, "verbosity": 2}


def run(project: Project, names: Sequence[str], *, jobs: int, keep_going: bool) -> int:
    """Run doit in this process over the given doit task names; answers doit's exit code."""
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain
    from doit.reporter import ZeroReporter

    space = namespace(project, fold_at_exit=False, stop_at_failure=not keep_going)
    space["DOIT_CONFIG"]["reporter"] = ZeroReporter
    space["DOIT_CONFIG"]["continue"] = True  # a task that waits, or that the budget stops, is no reason to stop others
    arguments = ["run", *(["-n", str(jobs)] if jobs > 1 else []), *names]
    main = DoitMain(ModuleTaskLoader(space), config_filenames=())
    return int(main.run(arguments))


def _answer(check: Callable[[], bool]) -> Callable[[], bool]:
    """A function without parameters, since doit fills parameters by name."""

    def uptodate() -> bool:
        return check()

    return uptodate


def _names(batch: Batch) -> str:
    return ", ".join(task.split(".", 1)[-1] for task in batch.tasks)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
