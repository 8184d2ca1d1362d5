"""Spec × rules × settings × what the lock remembers → Plan, in one pure call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brengine import batch, decompose, layout, spec, toolchains, validate
from brengine.domain import Plan, Spec, Task
from brengine.errors import Diagnostic, InputError, UnsureReading
from brengine.inputs import Inputs
from brengine.rules import load as load_rules
from brengine.toolchains import Chosen


def make(inputs: Inputs) -> Plan:
    """The plan. Raises InputError with every error of spec, rules and plan, each with its place."""
    parsed = spec.parse(inputs.spec, inputs.ids, inputs.names, inputs.options)
    refuse(parsed.diagnostics, f"{inputs.spec.path} cannot be planned")
    shown = [source for source in inputs.rules if f"/{toolchains.FOLDER}/" in source.path]
    rules = load_rules([source for source in inputs.rules if source not in shown])
    chosen = toolchains.choose(toolchains.load(shown), parsed, inputs.settings.toolchain)
    package = layout.package_name(parsed, inputs.settings)
    tasks = decompose.decompose(parsed, rules, package, chosen)
    found = validate.problems(tasks, parsed)
    refuse(found, "the plan is not valid")
    said = (*parsed.diagnostics, *found, *_unverified(parsed, tasks, chosen))
    return Plan(parsed, tasks, batch.batches(tasks), diagnostics=said)


def _unverified(spec: Spec, tasks: Sequence[Task], chosen: Chosen) -> Iterator[Diagnostic]:
    """A warning for each toolchain that tasks are planned for and that nothing verifies yet."""
    for toolchain in dict.fromkeys((chosen.main, chosen.frontend)):
        mine = [task for task in tasks if task.kind in ("code", "tests") and any(map(toolchain.owns, task.files))]
        if mine and not toolchain.verified:
            message = f"{len(mine)} tasks are in {toolchain.name}: they can be planned, and not yet verified or built"
            hint = "to have another language: [project] toolchain in br.toml, or say so under `## Tech Stack`"
            yield Diagnostic("unverified-toolchain", "warning", message, spec.path, None, hint)


def refuse(diagnostics: Sequence[Diagnostic], message: str) -> None:
    """Raise InputError when any of the diagnostics is an error."""
    errors = tuple(d for d in diagnostics if d.severity == "error")
    if errors:
        count = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
        kind = UnsureReading if all(d.rule == "unsure-reading" for d in errors) else InputError
        raise kind(f"{message}: {count}", diagnostics=errors)
