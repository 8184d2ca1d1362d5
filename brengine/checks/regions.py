"""What was measured of a file, as far as it lies in one of its regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from brengine import assembling

Row = Mapping[str, Any]


def measured(row: Row, texts: Mapping[str, str], path: str) -> dict[str, object]:
    """A file's row of the coverage report, for the lines of the region `path` alone; `texts`: files by their paths."""
    first, last = _range(texts, path)
    lines = {key: [n for n in row.get(key, []) if first <= n <= last] for key in ("executed_lines", "missing_lines")}
    branches = {
        key: [pair for pair in row.get(key, []) if first <= pair[0] <= last]
        for key in ("executed_branches", "missing_branches")
    }
    executed, missed = lines["executed_lines"], lines["missing_lines"]
    taken, not_taken = branches["executed_branches"], branches["missing_branches"]
    summary = {
        "num_statements": len(executed) + len(missed),
        "covered_lines": len(executed),
        "num_branches": len(taken) + len(not_taken),
        "covered_branches": len(taken),
    }
    return {**lines, **branches, "summary": summary}


def shown(lines: Sequence[int], texts: Mapping[str, str], path: str) -> list[str]:
    """Lines of the assembled file as their author knows them: by their text."""
    found = texts[assembling.file_of(path)].split("\n")
    return [found[number - 1].strip()[:80] for number in lines if number <= len(found)]


def _range(texts: Mapping[str, str], path: str) -> tuple[int, int]:
    beside = f"{assembling.file_of(path)}{assembling.MARK}"
    parts = {other: texts[other] for other in sorted(texts) if other.startswith(beside)}
    return assembling.assemble(parts).ranges[path]
