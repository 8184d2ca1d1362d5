"""Counting from JUnit XML, which is untrusted: what ran, what failed and where. An exit code proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from brengine.checks.outcome import tail
from brengine.verdict import Finding


@dataclass(frozen=True, slots=True)
class Counted:
    """How many test cases were executed, failed (errors included) and skipped, with a finding per failure."""

    executed: int
    failed: int
    skipped: int
    findings: tuple[Finding, ...]


def count(report: bytes, tests: Sequence[str]) -> Counted | str:
    """The counts of a report, or why it cannot be believed (empty: there is none). `tests`: files that were to run."""
    try:
        root = ElementTree.fromstring(report)  # noqa: S314 - no entities: expat refuses external ones
    except ElementTree.ParseError:
        return "the tests left no report: they ended the test run from within, or broke it"
    modules = {path.removesuffix(".py").replace("/", "."): path for path in tests}
    executed = failed = skipped = 0
    findings: list[Finding] = []
    for case in root.iter("testcase"):
        if case.find("skipped") is not None:
            skipped += 1
            continue
        executed += 1
        problem = next((e for e in (case.find("failure"), case.find("error")) if e is not None), None)
        if problem is not None:
            failed += 1
            findings.append(_finding(case, problem, modules))
    return Counted(executed, failed, skipped, tuple(findings))


def _finding(case: ElementTree.Element, problem: ElementTree.Element, modules: dict[str, str]) -> Finding:
    where = f"{case.get('classname', '')}.{case.get('name', '')}"
    path = next((modules[m] for m in sorted(modules, key=len, reverse=True) if where.strip(".").startswith(m)), "")
    message = problem.text or problem.get("message") or "failed"
    return Finding(
        "tests", f"{case.get('name')}: {tail(message)}", path, hint="make the test pass by mending its cause"
    )
