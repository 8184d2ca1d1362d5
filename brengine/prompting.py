"""Gathers what a prompt is made from: spec sections, rulings, used contracts, files that stand there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from brengine import context, interface, packing, prompt, repairing, templates
from brengine.asks import Prompt
from brengine.domain import Task
from brengine.keys import INTERFACE
from brengine.packing import Piece
from brengine.plans import profile
from brengine.prompt import Repair, Request
from brengine.settings import Settings
from brengine.source import Source
from brengine.standing import Board, Standing
from brengine.verdict import Finding
from brengine.workspace import Workspace

AGAINST, RULINGS, CONTRACTS, FILES, EXAMPLES, NEIGHBOURS, BINDING, OVERVIEW = range(8)
"""Ranks: what is taken first when not everything fits."""
WIDER = 1.5
"""How much more context a repair may hold after the same failure twice."""


class Prompts:
    """Renders asks over one board (the Prompter that Asker uses)."""

    def __init__(
        self,
        board: Board,
        workspace: Workspace,
        sources: Mapping[str, Source],
        settings: Settings,
        document: Source,
        scale: float = 1.0,
    ) -> None:
        """`sources`: the templates; `document`: the specification; `scale`: tokens per estimated one, as learned."""
        self._scale = scale
        self._board = board
        self._document = document
        self._workspace = workspace
        self._templates = {name: templates.load(source) for name, source in sources.items()}
        self._settings = settings

    def task(self, standings: Sequence[Standing], scale: float | None = None) -> Prompt:
        """The first ask for these members of one batch; `scale`: tokens per estimated one, where that is known."""
        tasks = tuple(standing.task for standing in standings)
        current = [(path, self._workspace.read(path)) for task in tasks for path in task.files]
        present = {path: content for path, content in current if content is not None}
        foreign = frozenset(path for standing in standings for path in standing.foreign)
        request = self._request(tasks, present, "current", foreign)
        request = replace(request, scale=scale or self._scale)
        pieces = (*request.pieces, *_evidence_against(standings))
        return prompt.build(replace(request, pieces=pieces), self._templates["system"], self._templates["task"])

    def repair(self, standing: Standing, repair: Repair, files: Mapping[str, bytes]) -> Prompt:
        """A repair ask for one task with the files and findings of the attempt before.

        The same findings twice: the interfaces of all that the task needs go with it, and there is more room.
        """
        request = self._request((standing.task,), files, "attempt")
        pieces = (*request.pieces, *_excerpts(repair.findings, files))
        request = replace(request, pieces=pieces)
        if repair.stuck:
            more = int(request.limit * WIDER)
            request = replace(request, pieces=(*pieces, *self._interfaces(standing.task)), limit=more)
        return prompt.build(request, self._templates["system"], self._templates["repair"], repair)

    def _request(
        self, tasks: tuple[Task, ...], files: Mapping[str, bytes], tag: str, required: frozenset[str] = frozenset()
    ) -> Request:
        """What a prompt is made from. Files of `required` must be in it: they are a person's, and may be replaced."""
        gates = {task.id: self._board.gates_of(task) for task in tasks}
        bound = frozenset(cover.text for task in tasks for cover in task.covers)
        pieces = (
            *self._spec(bound, tasks),
            *self._rulings(tasks),
            *self._contracts(tasks),
            *self._data(tasks),
            *self._examples(tasks),
            *self._neighbours(tasks),
            *_files(files, tag, required),
        )
        name = self._settings.name or self._board.plan.spec.title
        shown = frozenset(s.text for s in self._board.plan.spec.sections if s.binding and s.text in bound)
        return Request(name, tasks, gates, pieces, shown, self._settings.context_tokens, self._scale)

    def _spec(self, bound: frozenset[str], tasks: tuple[Task, ...]) -> Iterator[Piece]:
        """Sections that bind a task must be there; others inform, those first that have most to do with the tasks."""
        sections = [section for section in self._board.plan.spec.sections if section.text]
        about = packing.bearings([section.text for section in sections], context.words_of(tasks))
        for section, bearing in zip(sections, about, strict=True):
            if section.binding and section.text in bound:
                yield Piece("binding", section.title, section.text, BINDING, required=True)
            elif section.binding:
                yield Piece("context", section.title, section.text, BINDING, bearing=bearing)
            elif section.role == "overview":
                yield Piece("context", section.title, section.text, OVERVIEW, bearing=bearing)

    def _examples(self, tasks: tuple[Task, ...]) -> Iterator[Piece]:
        """Code of the document that calls what the tasks define and that they do not cover."""
        for example in context.examples(self._document, tasks):
            title = f"lines {example.first}–{example.last} of the specification"
            yield Piece("example", title, example.text, EXAMPLES, bearing=len(example.uses))

    def _neighbours(self, tasks: tuple[Task, ...]) -> Iterator[Piece]:
        text = context.neighbours(tasks, self._board.plan.tasks)
        if text:
            yield Piece("neighbours", "files that other tasks write", text, NEIGHBOURS)

    def _rulings(self, tasks: tuple[Task, ...]) -> Iterator[Piece]:
        """Rulings that bind a task must be there; those on lines that are shown go with these, where there is room."""
        ids = {task.id for task in tasks}
        spec = self._board.plan.spec
        shown = {line for section in spec.sections if section.binding for line in section.span.lines}
        shown |= {line for task in tasks for cover in task.covers for line in cover.span.lines}
        for ruling in self._board.plan.rulings:
            if not ruling.tasks or ids & set(ruling.tasks):
                yield Piece("ruling", ruling.id, ruling.text, RULINGS, required=True)
            elif shown & set(ruling.lines):
                yield Piece("ruling", ruling.id, ruling.text, RULINGS)

    def _data(self, tasks: tuple[Task, ...]) -> Iterator[Piece]:
        """The shape and first records of the data files that the tasks read."""
        for path in dict.fromkeys(path for task in tasks for path in task.reads):
            content = self._workspace.read(path)
            if content is not None:
                yield Piece("data", path, profile.data(path, content), CONTRACTS)

    def _interfaces(self, task: Task) -> Iterator[Piece]:
        """The public surface of the files that stand below a task, as they are."""
        for need in self._board.closure(task.id):
            for path in self._board.tasks[need].targets:
                content = self._workspace.read(path) if path.endswith(".py") else None
                stub = interface.stub(content.decode("utf-8", "replace")) if content else ""
                if stub:
                    yield Piece("interface", path, stub, FILES)

    def _contracts(self, tasks: tuple[Task, ...]) -> Iterator[Piece]:
        """The used contracts of direct needs outside the ask: what may be imported, and from where.

        Stated contracts must be there, computed Interfaces as far as there is room.
        """
        ids = {task.id for task in tasks}
        offered = {name: rows for task in tasks for name, rows in self._board.contracts(task).items()}
        needs: dict[str, set[str]] = {}
        for need in (need for task in tasks for need in task.needs if need.task not in ids):
            needs.setdefault(need.task, set()).update(need.uses)
        for name, uses in needs.items():
            rows = [c for c in offered[name] if c.name in uses or c.name == INTERFACE]
            if rows:
                text = prompt.contracts_text(rows)
                stated = any(c.name != INTERFACE for c in rows)
                yield Piece("contracts", self._board.tasks[name].name, text, CONTRACTS, required=stated)


def _evidence_against(standings: Sequence[Standing]) -> Iterator[Piece]:
    """What spoke against files that had passed by themselves (a red test of the whole project)."""
    for standing in standings:
        if standing.record and standing.record.failed:
            said = standing.record.failed
            yield Piece("finding", standing.task.name, said[:1200], AGAINST, brief=said[:300])


def _excerpts(findings: Sequence[Finding], files: Mapping[str, bytes]) -> Iterator[Piece]:
    """The code that findings are about, where its file is not shown whole, or its numbers say nothing by themselves."""
    for excerpt in repairing.excerpts(findings, files):
        yield Piece("evidence", excerpt.title, excerpt.text, RULINGS, unless="" if excerpt.vital else excerpt.path)


def _files(files: Mapping[str, bytes], tag: str, required: frozenset[str]) -> Iterator[Piece]:
    for path, content in files.items():
        text = content.decode("utf-8", "replace")
        if text.strip():
            brief = interface.stub(text) if path.endswith(".py") else ""
            yield Piece(tag, path, text.rstrip("\n"), FILES, path in required, brief)
