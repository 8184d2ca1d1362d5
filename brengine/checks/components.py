"""Every contract that the task defines is there, with the parameters that it states."""

from __future__ import annotations

from brengine import interface
from brengine.checks.outcome import Checked, judged, not_applicable
from brengine.ports import Subject
from brengine.verdict import Finding


def check(subject: Subject) -> Checked:
    """Compare the targets with the contracts, by `ast` alone."""
    contracts = [c for c in subject.task.defines if c.path.endswith(".py")]
    if not contracts:
        return not_applicable("components", "the task states no contracts")
    found = []
    for contract in contracts:
        source = (subject.root / contract.path).read_text(encoding="utf-8")
        difference = interface.mismatch(contract.text, source, contract.name)
        if difference:
            hint = f"the contract is: {contract.text.strip().splitlines()[0]}"
            found.append(Finding("components", difference, contract.path, hint=hint))
    return judged("components", tuple(found))
