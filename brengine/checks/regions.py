"""What was measured of a file, as far as it lies in one of its regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brengine import assembling

Row = Mapping[str, Any]


def measured(row: Row, root: Path, path: str) -> dict[str, object]:
    """A file's row of the coverage report, for the lines of the region `path` alone."""
    first, last = _range(root, path)
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


def shown(lines: Sequence[int], root: Path, path: str) -> list[str]:
    """Lines of the assembled file as their author knows them: by their text."""
    texts = (root / assembling.file_of(path)).read_text(encoding="utf-8").split("\n")
    return [texts[number - 1].strip()[:80] for number in lines]


def _range(root: Path, path: str) -> tuple[int, int]:
    place = root / path
    beside = sorted(place.parent.glob(f"{assembling.file_of(place.name)}{assembling.MARK}*"))
    parts = {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in beside}
    return assembling.assemble(parts).ranges[path]
