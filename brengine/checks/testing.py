"""Tests by a real pytest, coverage by coverage.py, in one process, by our own configuration alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brengine import assembling
from brengine.checks import junit, regions
from brengine.checks.outcome import FULL, Checked, Private, Tools, content, limits_of, private_folders, stable, tail
from brengine.ports import CommandResult
from brengine.source import runs
from brengine.verdict import Evidence, Finding, Gates

NEVER = "(?!)"
"""A pattern that matches nothing: no pragma and no omit list counts."""
SHOWN_LINES = 40
STRICT = ("-q", "--tb=short", "-W", "error::pytest.PytestAssertRewriteWarning")
"""An assertion about a tuple, which is always true, is an error."""
CHANGED = "it was changed while the tests ran"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to run and to be measured: test files, targets (empty: coverage does not apply), the goal in per cent."""

    tests: tuple[str, ...]
    targets: tuple[str, ...]
    goal: int
    why_unmeasured: str = ""


def check(root: Path, wanted: Wanted, gates: Gates, tools: Tools) -> Checked:
    """Run the tests once; count from the report; compare the coverage with the goal."""
    before = _sources(root, wanted)
    with private_folders() as private:
        argv = _argv(root, private, wanted, tools)
        env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(root)}
        env |= {"COVERAGE_FILE": str(private.results / "data")}
        limits, writes = limits_of(gates), (private.results,)
        reads = (private.told, *(root / path for path in before))
        result = tools.commands.run(argv, cwd=root, limits=limits, env=env, reads=reads, writes=writes)
        command = stable(argv, tools.python, private.told.parent, root)
        changed = tuple(Finding("tests", CHANGED, p) for p, held in before.items() if content(root, p) != held)
        tests = _tests(result, private.results, wanted, gates, command, changed)
        if tests.findings or not wanted.targets:
            why = wanted.why_unmeasured or "the tests are red"
            unmeasured = () if wanted.targets else (Evidence("coverage", "not applicable", reason=why),)
            return Checked((*tests.evidence, *unmeasured), tests.findings)
        texts = {path: held.decode("utf-8", "replace") for path, held in before.items()}
        coverage = _coverage(root, private, wanted, gates, tools, texts)
        return Checked((*tests.evidence, *coverage.evidence), coverage.findings, coverage.errored)


def _argv(root: Path, private: Private, wanted: Wanted, tools: Tools) -> tuple[str, ...]:
    include = "\n    ".join(dict.fromkeys(str(root / assembling.file_of(path)) for path in wanted.targets))
    rcfile, configured = private.told / "coveragerc", private.told / "pytest.ini"
    rcfile.write_text(
        f"[run]\nbranch = True\nrelative_files = True\ninclude =\n    {include}\n"
        f"[report]\nexclude_lines =\n    {NEVER}\npartial_branches =\n    {NEVER}\n"
        f"partial_branches_always =\n    {NEVER}\n"
    )
    configured.write_text("[pytest]\n")
    python = (tools.python, "-m")
    measure = ("coverage", "run", f"--rcfile={rcfile}", "-m") if wanted.targets else ()
    here = (f"--rootdir={root}", f"--confcutdir={root}")  # nothing above the tree is looked at
    options = ("-c", str(configured), *here, "-p", "no:cacheprovider", *STRICT)
    report = (f"--junitxml={private.results / 'junit.xml'}", "-o", "junit_family=xunit2", "-o", "junit_logging=no")
    return (*python, *measure, "pytest", *options, *report, *wanted.tests)


def _sources(root: Path, wanted: Wanted) -> dict[str, bytes]:
    """What is judged, as it was before anything ran: path → content. Regions come with the others of their file."""
    paths = [*wanted.tests, *(assembling.file_of(path) for path in wanted.targets)]
    for path in wanted.targets:
        if assembling.MARK in path:
            beside = (root / path).parent.glob(f"{assembling.file_of(Path(path).name)}{assembling.MARK}*")
            paths += [other.relative_to(root).as_posix() for other in sorted(beside)]
    return {path: content(root, path) for path in dict.fromkeys(paths) if (root / path).is_file()}


def _tests(
    result: CommandResult, results: Path, wanted: Wanted, gates: Gates, command: str, changed: tuple[Finding, ...]
) -> Checked:
    counted = junit.count(content(results, "junit.xml"), wanted.tests)
    first = wanted.tests[0] if len(wanted.tests) == 1 else ""
    if result.ended != "exit":
        counted = _ended_badly(result, gates)
    if isinstance(counted, str):
        finding = Finding("tests", f"{counted}\n{tail(result.stdout + result.stderr)}", first)
        return Checked((Evidence("tests", "failed", command=command, exit_code=result.exit_code),), (finding,))
    findings = [*counted.findings, *changed]
    if counted.executed == 0:
        message = f"no test ran ({counted.skipped} skipped)\n{tail(result.stdout)}"
        findings.append(Finding("tests", message, first, hint="write tests that pytest collects and runs"))
    elif result.exit_code != 0 and not findings:
        findings.append(Finding("tests", f"pytest ended with {result.exit_code}\n{tail(result.stdout)}", first))
    evidence = Evidence(
        "tests",
        "failed" if findings else "passed",
        command=command,
        exit_code=result.exit_code,
        executed=counted.executed,
        failed=counted.failed,
        skipped=counted.skipped,
    )
    return Checked((evidence,), tuple(findings))


def _ended_badly(result: CommandResult, gates: Gates) -> str:
    if result.ended == "timeout":
        return f"the tests did not end within the limit of {gates.seconds} seconds"
    if result.ended == "processes":
        return f"the tests started more than {gates.processes} processes"
    if result.ended in FULL:
        return f"the tests were ended: {FULL[result.ended]}"
    return f"the tests were ended by signal {-result.exit_code} (memory limit {gates.memory_mb} MB)"


def _coverage(
    root: Path, private: Private, wanted: Wanted, gates: Gates, tools: Tools, texts: Mapping[str, str]
) -> Checked:
    """Nothing in the tree has a say in this: it is not on the interpreter's path."""
    report = private.results / "coverage.json"
    paths = (f"--rcfile={private.told / 'coveragerc'}", f"--data-file={private.results / 'data'}", "-o", str(report))
    argv = (tools.python, "-I", "-m", "coverage", "json", "-q", *paths)
    limits, reads, writes = limits_of(gates), (private.told,), (private.results,)
    result = tools.commands.run(argv, cwd=root, limits=limits, reads=reads, writes=writes)
    files = _measured(content(private.results, "coverage.json"))
    if files is None:
        if "No data" in result.stdout + result.stderr:
            files = {}
        else:
            return Checked(errored=f"coverage could not be read: {tail(result.stdout + result.stderr, 300)}")
    covered = coverable = 0
    findings = []
    for path in wanted.targets:
        file = assembling.file_of(path)
        row = files.get(file)
        if row and file != path:
            row = regions.measured(row, texts, path)
        have, of, missing = _file(row, texts.get(path, ""))
        if missing and row and file != path:
            told = regions.shown(row["missing_lines"], texts, path)[:SHOWN_LINES]  # type: ignore[arg-type]
            missing = "\n".join([f"of the assembled {file}: {missing}", *told])
        covered, coverable = covered + have, coverable + of
        if missing:
            goal = f"test them: the goal is {wanted.goal} %"
            lines = _lines_missing(row) if row and file == path else ()
            findings.append(Finding("coverage", missing, path, hint=goal, lines=lines))
    enough = coverable == 0 or 100 * covered >= wanted.goal * coverable
    status = "passed" if enough else "failed"
    evidence = Evidence("coverage", status, covered=covered, coverable=coverable)  # type: ignore[arg-type]
    if enough:
        return Checked((evidence,))
    share = Finding(
        "coverage", f"{100 * covered // coverable} % of lines and branches are covered, not {wanted.goal} %"
    )
    return Checked((evidence,), (share, *findings))


def _measured(report: bytes) -> dict[str, dict[str, object]] | None:
    try:
        found = json.loads(report)["files"]
    except (ValueError, KeyError, TypeError):
        return None
    return {str(path).replace("\\", "/"): row for path, row in found.items()}


def _file(row: dict[str, object] | None, text: str) -> tuple[int, int, str]:
    """(covered, coverable, what is missing) of one target; a target that no test imports counts as not covered."""
    if row is None:
        lines = [line for line in text.split("\n") if line.strip()]
        return 0, len(lines), "no test imports it" if lines else ""
    summary: dict[str, int] = row["summary"]  # type: ignore[assignment]
    of = summary["num_statements"] + summary.get("num_branches", 0)
    have = summary["covered_lines"] + summary.get("covered_branches", 0)
    return have, of, _missing(row)


def _lines_missing(row: Mapping[str, object]) -> tuple[int, ...]:
    """Lines not run, and lines from which a branch was not taken."""
    lines: Sequence[int] = row["missing_lines"]  # type: ignore[assignment]
    branches: Sequence[Sequence[int]] = row.get("missing_branches", [])  # type: ignore[assignment]
    return tuple(sorted({*lines, *(source for source, _ in branches)}))


def _missing(row: dict[str, object]) -> str:
    lines: Sequence[int] = row["missing_lines"]  # type: ignore[assignment]
    branches: Sequence[Sequence[int]] = row.get("missing_branches", [])  # type: ignore[assignment]
    parts = []
    if lines:
        shown = [f"{a}–{b}" if b > a else str(a) for a, b in runs(lines)]
        parts.append(f"lines {', '.join(shown[:SHOWN_LINES])} not run")
    taken = [f"{a}→{b if b > 0 else 'end'}" for a, b in branches if a not in lines]
    if taken:
        parts.append(f"branches {', '.join(taken[:SHOWN_LINES])} not taken")
    return "; ".join(parts)
