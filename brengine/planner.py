"""Plan files of a project: made by asking, followed after edits, amended by what authors of tasks asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from brengine import places, planning, validate
from brengine.architect import Architect, Asked, Planned
from brengine.drafting import NAMES
from brengine.errors import BackendError, Diagnostic
from brengine.plans import assembly, judge, profile, surface
from brengine.plans.assembly import Assembled
from brengine.plans.judge import Ground
from brengine.plans.replies import Question

if TYPE_CHECKING:
    from brengine.wiring import Project

PROFILE_TOKENS = 3_000
MAX_FILES = 2_000
MAX_BYTES = 256 * 1024
_PASSED_OVER = (
    ".git",
    ".br",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    "build",
    "dist",
)
_OURS = ("plan", "rules", "prompts", "recordings")
_CONFIGURATION = ("br.toml", "br.lock", "dodo.py")


def ensure(project: Project, say: Callable[[str], object]) -> None:
    """Make sure that the plan files are there, know of the specification as it is, and answer what authors asked.

    Without a model to ask, the plan that there is has to do, and what it does not know falls to the rules.
    """
    planner = Planner(project, say)
    try:
        if not project.inputs.plans or any(found.rule == "plan-behind" for found in project.plan.diagnostics):
            project.require_backend()
            _tell(planner.follow(), say)
        if project.ledger.state.questions:
            _tell(planner.amend(), say)
    except BackendError as error:
        if error.kind == "waiting":
            raise
        say(f"note: nobody plans: {error.message}; the rules plan what the plan files leave")


def _tell(found: Planned | None, say: Callable[[str], object]) -> None:
    for finding in found.findings[:8] if found else ():
        say(f"{finding.severity}: {finding.message} [{finding.rule}]")
    if found:
        say(f"Planned: {', '.join(sorted(found.texts)) or 'nothing changed'}\n")


class Planner:
    """Asks for plans of one project and writes them. Raises BackendError where no reply can be had."""

    def __init__(self, project: Project, say: Callable[[str], object]) -> None:
        self._project = project
        self._say = say

    def follow(self) -> Planned | None:
        """Make the plan files, or let them follow an edited specification; None where nothing is to be asked."""
        inputs = self._project.inputs
        if inputs.plans:
            basis = planning.basis(inputs)
            plans = planning.load(inputs.plans)
            if not assembly.assemble(plans, basis.spec, inputs.spec).drift:
                return None
            return self._asked(lambda architect: architect.changes({plan.path: plan for plan in inputs.plans}))
        return self._asked(lambda architect: architect.new())

    def amend(self) -> Planned:
        """Take in what authors of tasks asked for: a need whose owner is known at once, the rest by asking."""
        rows = list(self._project.ledger.state.questions.values())
        asked = [Asked(row["task"], Question(*question)) for row in rows for question in row["questions"]]
        before = {plan.path: plan for plan in self._project.inputs.plans}
        found = self._asked(lambda architect: architect.amended(before, asked))
        self._project.writer.acquire("amending the plan")
        try:
            self._project.ledger.load()
            for row in rows:
                self._project.ledger.append({"t": "answered", "task": row["task"], "key": row["key"]})
        finally:
            self._project.writer.release()
        return found

    def _asked(self, ask: Callable[[Architect], Planned]) -> Planned:
        project = self._project
        basis = planning.basis(project.inputs)
        project.writer.acquire("planning")
        try:
            project.ledger.load()
            found = ask(self._architect(basis))
            if found.texts:
                places.write_plans(project.places, project.settings, found.texts)
        finally:
            project.writer.release()
        if found.waiting:
            where = found.waiting
            raise BackendError("a plan is awaited", f"answer {where.prompt_path} in {where.reply_path}", kind="waiting")
        project.replan()
        return found

    def _architect(self, basis: planning.Basis) -> Architect:
        project = self._project
        texts = {name: places.read_template(project.places, project.settings, f"plan/{name}") for name in NAMES}
        own = self.own_files()
        told = profile.profile(own, PROFILE_TOKENS)
        return Architect(basis, self.ground(basis, own), texts, project.asker, told, self._say)

    def judged(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the plan files as they stand. Raises InputError where they cannot be read."""
        assembled, ground = self.ground_of_plan()
        left = planning.left_to_rules(planning.basis(self._project.inputs), assembled.tasks)
        formal = validate.problems((*assembled.tasks, *left), ground.spec, assembled.places)
        return (*formal, *judge.findings(assembled, ground))

    def ground_of_plan(self) -> tuple[Assembled, Ground]:
        """What the plan files say, and what they are judged against."""
        inputs = self._project.inputs
        basis = planning.basis(inputs)
        return assembly.assemble(planning.load(inputs.plans), basis.spec, inputs.spec), self.ground(basis)

    def ground(self, basis: planning.Basis, own: dict[str, bytes] | None = None) -> Ground:
        """What a plan is judged against."""
        project = self._project
        own = self.own_files() if own is None else own
        tests = {p: c.decode("utf-8", "replace") for p, c in own.items() if p.endswith(".py") and _shows_use(p)}
        given = surface.given(project.source, tests)
        settings = project.settings
        return Ground(basis.spec, project.source, given, tuple(own), settings.context_tokens, settings.gates())

    def own_files(self) -> dict[str, bytes]:
        """The files of the workspace that are a person's: not the engine's, and not made by a task."""
        project = self._project
        made = {path for record in project.ledger.state.records.values() for path, _ in record.outputs}
        found: dict[str, bytes] = {}
        root = project.places.root
        for folder, folders, names in os.walk(root):
            above = Path(folder).relative_to(root).as_posix()
            folders[:] = sorted(n for n in folders if n not in _PASSED_OVER and not n.endswith(("_cache", ".egg-info")))
            if above == ".":
                folders[:] = [n for n in folders if n not in _OURS]
            for name in sorted(names):
                path = name if above == "." else f"{above}/{name}"
                place = Path(folder) / name
                if path in made or path in _CONFIGURATION or path == project.source.path or place.is_symlink():
                    continue
                if place.is_file() and place.stat().st_size <= MAX_BYTES and len(found) < MAX_FILES:
                    found[path] = place.read_bytes()
        return found


def _shows_use(path: str) -> bool:
    return profile.is_test(path) or path.startswith("examples/")
