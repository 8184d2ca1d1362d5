"""Every contract that the task defines is there, with the parameters that it states, and nothing is left undone."""

from __future__ import annotations

from collections.abc import Iterator

from brengine import assembling, interface
from brengine.checks import unfinished
from brengine.checks.outcome import Checked, judged, not_applicable
from brengine.ports import Subject
from brengine.verdict import Finding


def _unfinished(subject: Subject) -> Iterator[Finding]:
    """What the sources themselves say is not there: stubs in code, tests that do not run."""
    for path in subject.task.files:
        if assembling.file_of(path).endswith(".py"):
            text = (subject.root / path).read_text(encoding="utf-8")
            is_test = path in subject.task.tests or subject.task.kind == "tests"
            yield from (
                unfinished.in_tests(path, text) if is_test else unfinished.in_code(path, text, subject.task.defines)
            )


def check(subject: Subject) -> Checked:
    """Compare the targets with the contracts, by `ast` alone."""
    found = list(_unfinished(subject))
    contracts = [c for c in subject.task.defines if c.path.endswith(".py")]
    if not contracts and not found:
        return not_applicable("components", "the task states no contracts")
    for contract in contracts:
        source = (subject.root / contract.path).read_text(encoding="utf-8")
        difference = interface.mismatch(contract.text, source, contract.name)
        if difference:
            hint = f"the contract is: {contract.text.strip().splitlines()[0]}"
            found.append(Finding("components", difference, contract.path, hint=hint))
    return judged("components", tuple(found))
