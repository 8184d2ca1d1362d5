"""Checks of a project's own: a command over the task's files, and what it complains of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

from brengine.checks.outcome import Checked, Tools, judged, limits_of, not_applicable, tail
from brengine.ports import CommandResult, Subject
from brengine.verdict import CustomCheck, Finding

MOST = 40
_LINE = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d{1,6})(?::\d+)?:?\s*(?P<said>\S.*)$")


def check(subject: Subject, wanted: CustomCheck, tools: Tools) -> Checked:
    """Run the command over the files that it is for; its complaints about the task's own files are findings."""
    paths = [path for path in subject.task.files if any(PurePosixPath(path).match(glob) for glob in wanted.files)]
    if not paths or subject.task.kind not in wanted.kinds:
        return not_applicable(wanted.name, "none of the task's files is meant")
    argv = tuple(word for part in wanted.command for word in (paths if part == "{files}" else [part]))
    env = {"PYTHONPATH": str(subject.root)}
    result = tools.commands.run(argv, cwd=subject.root, limits=limits_of(subject.gates), env=env)
    if result.exit_code == 127 or result.ended != "exit":
        said = f"{wanted.name} could not be run: {tail(result.stderr, 300) or result.ended}"
        return Checked(errored=said)
    own = set(subject.task.files)
    found = [finding for finding in complaints(wanted, result, str(subject.root)) if finding.path in own][:MOST]
    if result.exit_code and not found:
        found = [Finding(wanted.name, f"it ended with {result.exit_code}: {tail(result.stdout + result.stderr)}")]
    return judged(wanted.name, tuple(found), " ".join(wanted.command), result.exit_code)


def complaints(wanted: CustomCheck, result: CommandResult, root: str) -> Iterator[Finding]:
    """What a command said, by the format that it says it in. Odd output says nothing."""
    for path, line, message in _READERS[wanted.format](result.stdout):
        shown = path.removeprefix("file://").removeprefix(f"{root}/").removeprefix("./")
        yield Finding(wanted.name, message[:600], shown, line)


Row = tuple[str, int, str]


def _lines(text: str) -> Iterator[Row]:
    for row in text.splitlines():
        match = _LINE.match(row)
        if match:
            yield match["path"], int(match["line"]), match["said"]


def _sarif(text: str) -> Iterator[Row]:
    try:
        runs: Any = json.loads(text)["runs"]
        for result in (result for run in runs for result in run["results"]):
            place = result["locations"][0]["physicalLocation"]
            line = int(place.get("region", {}).get("startLine", 0))
            yield str(place["artifactLocation"]["uri"]), line, str(result["message"]["text"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return


def _junit(text: str) -> Iterator[Row]:
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - no entities: expat refuses external ones
    except ElementTree.ParseError:
        return
    for suite in [*root.iter("testsuite")] or [root]:
        for case in suite.iter("testcase"):
            problem = next((e for e in (case.find("failure"), case.find("error")) if e is not None), None)
            if problem is not None:
                said = problem.get("message") or (problem.text or "failed").strip()
                path = case.get("file") or suite.get("name") or case.get("classname") or ""
                line = case.get("line", "0")
                yield path, int(line) if line.isdecimal() and len(line) < 7 else 0, said


_READERS: dict[str, Callable[[str], Iterator[Row]]] = {"lines": _lines, "sarif": _sarif, "junit": _junit}


def all_of(subject: Subject, wanted: Sequence[CustomCheck], tools: Tools) -> Checked:
    """Every custom check, each with its evidence."""
    ran = [check(subject, one, tools) for one in wanted]
    errored = next((one.errored for one in ran if one.errored), "")
    evidence = tuple(e for one in ran for e in one.evidence)
    return Checked(evidence, tuple(f for one in ran for f in one.findings), errored)
