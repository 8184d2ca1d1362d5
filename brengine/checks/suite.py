"""Which checks a task meets follows from its kind; the first stage with findings ends the round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from brengine import assembling
from brengine.checks import components, custom, documents, files, teeth, testing
from brengine.checks.outcome import Checked, Tools
from brengine.domain import PROJECT, Task
from brengine.errors import EngineError
from brengine.ports import Commands, Subject
from brengine.verdict import Evidence, Finding, Gates, Verdict

Stage = Callable[[], Checked]


class Suite:
    """The Checker: every verdict rests on what was run here."""

    def __init__(self, commands: Commands, python: str) -> None:
        self._tools = Tools(commands, python)

    def unverifiable(self, task: Task) -> str:
        """Code and tests in a language whose tests nothing here runs can never be done."""
        own = task.tests if task.kind == "code" else task.targets if task.kind == "tests" else ()
        if not own or any(path.endswith(".py") for path in own):
            return ""
        return f"nothing runs the tests of {own[0]} yet: only Python's are"

    def check(self, subject: Subject) -> Verdict:
        """Run the stages of the task's kind in order. A check that breaks makes the verdict errored, never passed."""
        own: list[Stage] = [lambda: custom.all_of(subject, subject.gates.checks, self._tools)]
        stages = [lambda: files.check(subject), *self._stages(subject), *(own if subject.gates.checks else [])]
        return self._portable(_run(subject.task.id, stages), subject.root)

    def project(self, root: Path, tests: Sequence[str], targets: Sequence[str], gates: Gates) -> Verdict:
        """All tests in one run, and the coverage of all targets together."""
        measured = tuple(path for path in targets if _measurable(path))
        wanted = testing.Wanted(tuple(tests), measured, 0, "there is nothing to measure")
        return self._portable(_run(PROJECT, [lambda: testing.check(root, wanted, gates, self._tools)]), root)

    def _portable(self, verdict: Verdict, root: Path) -> Verdict:
        """The verdict without this machine's paths, so that a repair prompt is the same everywhere."""
        prefix = str(Path(self._tools.python).parent.parent)

        def shown(text: str) -> str:
            return text.replace(f"{root}/", "").replace(str(root), ".").replace(prefix, "$PYTHON")

        findings = tuple(replace(finding, message=shown(finding.message)) for finding in verdict.findings)
        return replace(verdict, findings=findings)

    def _stages(self, subject: Subject) -> list[Stage]:
        tools, kind = self._tools, subject.task.kind
        wanted = wanted_of(subject.task, subject.gates)
        run: Stage = lambda: testing.check(subject.root, wanted, subject.gates, tools)  # noqa: E731
        if subject.task.assembles:
            return [lambda: testing.check(subject.root, _of_regions(subject), subject.gates, tools)]
        bite: Stage = lambda: teeth.check(subject, wanted.tests, wanted.targets or subject.under, tools)  # noqa: E731
        bites = [bite] if subject.gates.teeth else []
        if kind == "code":
            return [lambda: components.check(subject), run, *bites]
        if kind == "tests":
            return [lambda: components.check(subject), run, *bites]
        if kind == "documentation":
            return [lambda: documents.check(subject, tools)]
        return [lambda: documents.examples(subject, tools)] if kind == "examples" else []


def wanted_of(task: Task, gates: Gates) -> testing.Wanted:
    """What runs for a task, and what is measured: the targets of code, under the task's own tests."""
    own = task.tests if task.kind == "code" else task.targets + task.tests
    tests = tuple(p for p in own if p.endswith(".py") and p.rsplit("/", 1)[-1].startswith("test_"))
    if task.kind != "code":
        return testing.Wanted(tests, (), 0, f"a task of kind {task.kind} has no coverage of its own")
    targets = tuple(path for path in task.targets if _measurable(path))
    return testing.Wanted(tests, targets, gates.coverage, "there is no Python among the targets")


def _of_regions(subject: Subject) -> testing.Wanted:
    """What runs for a file that was put together: the tests of everything that it is made from."""
    tests = tuple(sorted(path.relative_to(subject.root).as_posix() for path in subject.root.rglob("test_*.py")))
    return testing.Wanted(tests, (), 0, "its regions have been measured")


def _measurable(path: str) -> bool:
    return assembling.file_of(path).endswith(".py")


def _run(name: str, stages: Sequence[Stage]) -> Verdict:
    evidence: list[Evidence] = []
    findings: tuple[Finding, ...] = ()
    for stage in stages:
        try:
            found = stage()
        except EngineError as error:
            return Verdict(name, tuple(evidence), (), f"a check could not be run: {error.message}")
        evidence += found.evidence
        findings = found.findings
        if found.errored:
            return Verdict(name, tuple(evidence), findings, found.errored)
        if findings:
            break
    return Verdict(name, tuple(evidence), findings)
