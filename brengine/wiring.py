"""Puts a project together: the only importer of the adapters. Heavy ones are imported when they are used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from brengine import codec, digest, doit_memory, durable, places
from brengine.asking import Asker, Person, Prompter
from brengine.asks import Waiting
from brengine.backing import Backing
from brengine.blobs import Actions, Blobs
from brengine.budget import UNCAPPED, Budget, Caps
from brengine.building import Bounds, Builder
from brengine.candidates import Candidates
from brengine.checks.suite import Suite
from brengine.commands import Door
from brengine.domain import Plan
from brengine.engine import Engine
from brengine.events import Fenced, Sink
from brengine.inputs import Inputs
from brengine.ledger import Ledger
from brengine.places import Places
from brengine.ports import Backend
from brengine.promotion import Promoter
from brengine.reading.options import Options, Settled, with_settled
from brengine.reading.second import Answer
from brengine.rows import fence_row, reading_row
from brengine.settings import Settings
from brengine.source import Source
from brengine.standing import Board
from brengine.templates import front_matter
from brengine.trial import Trials
from brengine.verdict import Fence
from brengine.workspace import Workspace
from brengine.worktree import Worktrees
from brengine.writer import Writer

CONFIGURATION = ("pyproject.toml",)
"""Project configuration that is copied into every staging tree."""


class Project:
    """A project opened for reading; `engine` is what builds it. Nothing is written before `engine.begin`.

    `foreign` says that `spec` is not the project's own: what the lock remembers is not about it.
    """

    def __init__(
        self,
        where: Places,
        *,
        backend: str = "",
        spec: Path | None = None,
        record: Path | None = None,
        sink: Sink = lambda event: None,
        options: Options | None = None,
        caps: Caps = UNCAPPED,
        closed: str = "",
        person: Callable[[Project], Person] | None = None,
        foreign: bool = False,
        again: frozenset[str] = frozenset(),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.places = where
        self.settings: Settings = places.read_settings(where)
        self.sink = sink
        self.ledger = Ledger(where.journal, where.lock)
        self.workspace = Workspace(where.root)
        self._backend_name = backend or self.settings.backend
        self._spec = spec
        self._record = record
        self._environ = environ
        self._options = options or Options()
        self._caps = caps
        self._closed = closed
        self._person = person
        self._again = again
        """Tasks that are to be verified again though nothing speaks against them."""
        self._settled: Settled | None = None
        self._is_own = not foreign

    # --- the plan -----------------------------------------------------------------------------------------------

    @cached_property
    def source(self) -> Source:
        """The specification's text."""
        return places.read_spec(self.places, self.settings, self._spec)

    @cached_property
    def inputs(self) -> Inputs:
        """Everything that the plan is a function of."""
        rules = places.read_rules(self.places, self.settings)
        plans = places.read_plans(self.places, self.settings) if self._is_own else ()
        return Inputs(self.source, rules, self.settings, self.known_ids, self.known_names, self.options, plans)

    @property
    def known_ids(self) -> Mapping[str, Mapping[str, str]]:
        """The ids that the lock remembers, where it is about this specification."""
        return self.ledger.state.ids if self._is_own else {}

    @property
    def known_names(self) -> Mapping[str, str]:
        """The names of features that the lock remembers, likewise."""
        return self.ledger.state.names if self._is_own else {}

    @property
    def options(self) -> Options:
        """How the specification is to be read: the command line, br.toml, and what was settled before."""
        found, given = self.settings.reading, self._options
        own = Options(
            given.accept,
            given.reading or found.reading,
            tuple(dict.fromkeys((*given.include, *found.include))),
            tuple(found.off),
        )
        settled = self._settled or (self.ledger.state.reading if self._is_own else Settled())
        return with_settled(own, settled, digest.of_text(self.source.text))

    def settle(self, settled: Settled) -> None:
        """Take this for how the specification is read; of the project's own it is remembered, in br.lock in the end."""
        self._settled = settled
        if self._is_own:
            self.writer.acquire("settling how the specification is read")
            self.ledger.load()
            self.ledger.append(reading_row(settled))
            self.writer.release()
        for name in ("inputs", "plan"):
            self.__dict__.pop(name, None)

    def second_reader(self) -> Answer | Waiting:
        """What a second reader says of the specification; its reply is stored. Raises BackendError."""
        from brengine import second_reader

        texts = {name: places.read_template(self.places, self.settings, name) for name in ("reader", "reading")}
        self.writer.acquire("asking how the specification is read")
        try:
            self.ledger.load()
            return second_reader.read(self.source, texts, self.asker)
        finally:
            self.writer.release()

    @property
    def unplanned(self) -> bool:
        """True where the plan files are missing, do not know of an edit, or leave an author's question open."""
        if not self.inputs.plans or self.ledger.state.questions:
            return True
        return any(found.rule == "plan-behind" for found in self.plan.diagnostics)

    def replan(self) -> None:
        """Look at the plan files afresh: the plan, and where every task stands, is made again."""
        for name in ("inputs", "plan", "board", "engine", "prompter", "asker"):
            self.__dict__.pop(name, None)

    @property
    def last_plan(self) -> Plan | None:
        """The plan that the last build kept, whatever has changed since."""
        try:
            return codec.plan_from_json(self.places.plan.read_bytes().partition(b"\n")[2])
        except OSError:
            return None

    @cached_property
    def plan(self) -> Plan:
        """The plan: the cached one where nothing that it is made from has changed."""
        return self._cached_plan() or self._made_plan()

    def _cached_plan(self) -> Plan | None:
        try:
            key, _, content = self.places.plan.read_bytes().partition(b"\n")
        except OSError:
            return None
        return codec.plan_from_json(content) if key.decode("ascii", "replace") == self.inputs.digest else None

    def _made_plan(self) -> Plan:
        from brengine import planning

        return planning.make(self.inputs)

    def keep_plan(self) -> None:
        """Keep the plan for the next run, where this one had to make it."""
        if self._cached_plan() is None:
            self._keep_plan(self.inputs.ids, self.inputs.names)

    def _keep_plan(self, ids: Mapping[str, Mapping[str, str]], names: Mapping[str, str]) -> None:
        """Keep the plan that the next run will make (it may be lost; then it is made again)."""
        from brengine import planning

        inputs = replace(self.inputs, ids=ids, names=names)
        kept = self.plan if inputs.digest == self.inputs.digest else planning.make(inputs)
        durable.write(self.places.plan, inputs.digest.encode() + b"\n" + codec.plan_to_json(kept))

    # --- the board and the engine -------------------------------------------------------------------------------

    @cached_property
    def blobs(self) -> Blobs:
        """Contents that were paid for."""
        return Blobs(self.places.state / "blobs")

    @cached_property
    def actions(self) -> Actions:
        """What each ask Key led to."""
        return Actions(self.places.state / "actions")

    @cached_property
    def board(self) -> Board:
        """Where every task stands."""
        template = places.read_template(self.places, self.settings, "task")
        name, number, _ = front_matter(template.text, template.path)
        return Board(
            self.plan,
            workspace=self.workspace,
            ledger=self.ledger,
            blobs=self.blobs,
            actions=self.actions,
            gates=self.settings.gates(),
            toolchain=toolchain(),
            template=f"{name}@{number}",
            forgotten=doit_memory.forgotten(self.places),
            again=self._again,
            asked=self.places.state / "asked",
        )

    @cached_property
    def door(self) -> Door:
        """What commands of a model's or the project's making are launched through."""
        return Door(sys.executable, self.settings.fence, told=self._fenced)

    def _fenced(self, found: Fence) -> None:
        self.ledger.append(fence_row(found))
        self.sink(Fenced(found))

    @cached_property
    def engine(self) -> Engine:
        """The engine over this project's adapters."""
        state, asker = self.places.state, self.asker
        checker = Suite(self.door, sys.executable)
        promoter = Promoter(self.workspace, self.ledger, self.blobs, self.actions, state / "clashes")
        candidates = Candidates(self.workspace, self.blobs, self.actions, asker)
        trials = Trials(
            board=self.board,
            candidates=candidates,
            checker=checker,
            workspace=self.workspace,
            staging=state / "staging",
            processors=os.cpu_count() or 1,
            extras=self._configuration,
        )
        builder = Builder(
            board=self.board,
            asker=asker,
            candidates=candidates,
            trials=trials,
            promoter=promoter,
            ledger=self.ledger,
            bounds=Bounds(self.settings.attempts, amends=bool(self.inputs.plans)),
            sink=self.sink,
        )
        return Engine(
            board=self.board,
            ledger=self.ledger,
            writer=self.writer,
            workspace=self.workspace,
            promoter=promoter,
            asker=asker,
            builder=builder,
            checker=checker,
            staging=state / "staging",
            replies=state / "replies",
            fold=self._fold,
            sink=self.sink,
        )

    @cached_property
    def writer(self) -> Writer:
        """The lock that makes this process the one writer."""
        return Writer(self.places.state / "writer.lock")

    @cached_property
    def asker(self) -> Asker:
        """Gets replies, from the store or from the backend."""
        return Asker(
            ledger=self.ledger,
            blobs=self.blobs,
            backend=lambda: self.backend,
            prompter=lambda: self.prompter,
            budget=self.budget,
            routes=self.settings.routes(),
            sink=self.sink,
            closed=self._closed,
            person=self._person(self) if self._person else None,
        )

    @cached_property
    def prompter(self) -> Prompter:
        """Renders prompts."""
        from brengine.prompting import Prompts

        texts = {name: places.read_template(self.places, self.settings, name) for name in ("system", "task", "repair")}
        measured = self.ledger.state.measured
        scale = max(measured[name].scale if name in measured else 1.0 for name in self.settings.routes().all)
        return Prompts(self.board, self.workspace, texts, self.settings, self.source, scale)

    def _configuration(self) -> dict[str, bytes]:
        contents = {path: self.workspace.read(path) for path in CONFIGURATION}
        return {path: content for path, content in contents.items() if content is not None}

    def _fold(self) -> None:
        from brengine import spec

        ids, names = spec.known_of(self.plan.spec), spec.names_of(self.plan.spec)
        self.ledger.fold(ids, names)
        self._keep_plan(ids, names)

    # --- who answers --------------------------------------------------------------------------------------------

    @cached_property
    def _backing(self) -> Backing:
        trees = Worktrees(lambda: self.board, self.workspace, self._configuration)
        name = self._backend_name
        return Backing(self.places, self.settings, name, self._environ, self._caps, self._record, trees, self.sink)

    @property
    def backend_name(self) -> str:
        """Which backend answers."""
        return self._backing.name

    @property
    def pays(self) -> bool:
        """True where an ask can go to an endpoint that is not on this machine."""
        return self._backing.pays

    @property
    def backend(self) -> Backend:
        """The backend; raises MissingKey without credentials, EngineError where a required fence cannot be had."""
        self.require_fence()
        return self._backing.backend

    @property
    def budget(self) -> Budget:
        """What this run may spend."""
        return self._backing.budget

    def require_backend(self) -> None:
        """Say now, in one line, that the backend has no key or program: before anything is planned or asked."""
        self._backing.require()

    def require_fence(self) -> None:
        """Say now, in one line, that the fence which br.toml requires cannot be had: before anything is asked."""
        if self.settings.fence == "required":
            _ = self.door.fence


def toolchain() -> str:
    """What verifies: the interpreter's and the tools' versions, as far as a verdict may depend on them."""
    major = {name: version(name).split(".")[0] for name in ("pytest", "coverage")}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"python{python} pytest{major['pytest']} coverage{major['coverage']}"
