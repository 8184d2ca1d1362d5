"""Spec × rules × plan files × settings × what the lock remembers → Plan, in one pure call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from brengine import batch, decompose, layout, room, spec, toolchains, validate
from brengine.domain import PROJECT, Feature, Plan, Spec, Task
from brengine.errors import Diagnostic, InputError, UnsureReading
from brengine.inputs import Inputs
from brengine.plans import assembly, files
from brengine.plans.assembly import Assembled
from brengine.plans.files import PlanFile
from brengine.rules import Pack
from brengine.rules import load as load_rules
from brengine.source import Source
from brengine.toolchains import Chosen


@dataclass(frozen=True, slots=True)
class Basis:
    """What every plan of a specification starts from, whoever makes it."""

    spec: Spec
    rules: tuple[Pack, ...]
    chosen: Chosen
    package: str


def basis(inputs: Inputs) -> Basis:
    """The specification as it is read, rules and toolchains. Raises InputError with every error, each at its place."""
    parsed = spec.parse(inputs.spec, inputs.ids, inputs.names, inputs.options)
    refuse(parsed.diagnostics, f"{inputs.spec.path} cannot be planned")
    shown = [source for source in inputs.rules if f"/{toolchains.FOLDER}/" in source.path]
    rules = load_rules([source for source in inputs.rules if source not in shown])
    chosen = toolchains.choose(toolchains.load(shown), parsed, inputs.settings.toolchain)
    return Basis(parsed, rules, chosen, layout.package_name(parsed, inputs.settings))


def make(inputs: Inputs) -> Plan:
    """The plan: what the plan files say, and the rules for what they leave. Raises InputError with every error."""
    found = basis(inputs)
    written = load(inputs.plans)
    assembled = assembly.assemble(written, found.spec, inputs.spec)
    tasks = (*assembled.tasks, *left_to_rules(found, assembled.tasks))
    problems = validate.problems(tasks, found.spec, assembled.places)
    refuse(problems, "the plan is not valid")
    said = (*found.spec.diagnostics, *problems, *_unverified(found, tasks), *_moved(written, assembled, inputs.spec))
    space = room.of(tasks, assembled.rulings, found.spec, inputs.settings)
    return Plan(found.spec, tasks, batch.batches(tasks, space.fits), assembled.rulings, assembled.surface, said)


def load(sources: Sequence[Source]) -> tuple[PlanFile, ...]:
    """The plan files. Raises InputError with what is wrong with all of them."""
    found: list[PlanFile] = []
    wrong: list[Diagnostic] = []
    for source in sources:
        try:
            found.append(files.load(source))
        except InputError as error:
            wrong += error.diagnostics
    refuse(wrong, "the plan files cannot be read")
    return tuple(found)


def left_to_rules(found: Basis, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The rules' tasks for requirements that none of `tasks` covers, with what those need; all where there are none."""
    spec = found.spec
    if not tasks:
        return decompose.decompose(spec, found.rules, found.package, found.chosen)
    covered = {name for task in tasks for name in task.requirements}
    open_ones = [_only(feature, covered) for feature in spec.features]
    reduced = replace(spec, features=tuple(f for f in open_ones if f.requirements), criteria=())
    if not reduced.features:
        return ()
    taken = frozenset(path.casefold() for task in tasks for path in task.files)
    made = decompose.decompose(reduced, found.rules, found.package, found.chosen, taken)
    ids = {task.id for task in tasks}
    wanted = {task.id: task for task in made if task.kind == "code" and task.requirements and task.id not in ids}
    return tuple(replace(t, needs=tuple(n for n in t.needs if n.task in wanted)) for t in wanted.values())


def _only(feature: Feature, covered: set[str]) -> Feature:
    """The feature with the requirements that are not covered."""
    rows = tuple(row for row in feature.requirements if f"{feature.id}/{row.id}" not in covered)
    return replace(feature, requirements=rows)


def _unverified(found: Basis, tasks: Sequence[Task]) -> Iterator[Diagnostic]:
    """A warning for each toolchain that tasks are planned for and that nothing verifies yet."""
    for toolchain in dict.fromkeys((found.chosen.main, found.chosen.frontend)):
        mine = [task for task in tasks if task.kind in ("code", "tests") and any(map(toolchain.owns, task.files))]
        if mine and not toolchain.verified:
            message = f"{len(mine)} tasks are in {toolchain.name}: they can be planned, and not yet verified or built"
            hint = "to have another language: [project] toolchain in br.toml, or say so under `## Tech Stack`"
            yield Diagnostic("unverified-toolchain", "warning", message, found.spec.path, None, hint)


def _moved(written: Sequence[PlanFile], assembled: Assembled, source: Source) -> Iterator[Diagnostic]:
    """What the plan files do not know of yet."""
    if not written or not assembled.drift:
        return
    drift = assembled.drift
    lines = sorted({*drift.fresh, *(line for line in drift.changed.values() if line)})
    gone = sum(1 for line in drift.changed.values() if not line)
    where = f"lines {', '.join(map(str, lines[:12]))}{' …' if len(lines) > 12 else ''}" if lines else ""
    said = " and ".join(part for part in (where, f"{gone} lines that are gone" if gone else "") if part)
    message = f"the plan was written before an edit of {source.path}: it does not know of {said}"
    yield Diagnostic("plan-behind", "warning", message, f"plan/{PROJECT}.yaml", None, "`br plan --model` plans them")


def refuse(diagnostics: Sequence[Diagnostic], message: str) -> None:
    """Raise InputError when any of the diagnostics is an error."""
    errors = tuple(d for d in diagnostics if d.severity == "error")
    if errors:
        count = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
        kind = UnsureReading if all(d.rule == "unsure-reading" for d in errors) else InputError
        raise kind(f"{message}: {count}", diagnostics=errors)
