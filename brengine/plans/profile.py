"""What stands in the workspace before anybody plans: modules, data files, given tests, expected outputs. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from brengine import interface
from brengine.tokens import upper_bound

RECORDS = 3
"""How many of a data file's records are shown."""
ROW = 160
"""Characters of a record that are shown."""
DATA = (
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".ndjson",
    ".txt",
    ".out",
    ".golden",
    ".dat",
    ".xml",
    ".yaml",
    ".yml",
    ".ini",
)
CODE = (".js", ".mjs", ".ts", ".tsx", ".go", ".rs", ".java", ".rb")


def is_test(path: str) -> bool:
    """True for a test file by its name or its folder."""
    name = PurePosixPath(path)
    return name.name.startswith("test_") or name.stem.endswith("_test") or name.parts[0] in ("tests", "acceptance")


def profile(files: Mapping[str, bytes], limit: int) -> str:
    """The profile, in at most `limit` tokens; files that there is no room for are named in its last line."""
    kept: list[str] = []
    left: list[str] = []
    room = limit
    for path in sorted(files, key=lambda p: (_rank(p), p)):
        text = _told(path, files[path])
        cost = upper_bound(text)
        if text and cost <= room:
            kept.append(text)
            room -= cost
        else:
            left.append(path)
    if left:
        kept.append(f"and {len(left)} more files: {', '.join(left[:20])}{', …' if len(left) > 20 else ''}")
    return "\n\n".join(kept)


def _rank(path: str) -> int:
    return 0 if path.endswith(DATA) else 1 if is_test(path) else 2


def _told(path: str, content: bytes) -> str:
    if path.endswith(DATA):
        return data(path, content)
    text = content.decode("utf-8", "replace")
    if path.endswith(".py"):
        what = "given test" if is_test(path) else "module"
        shown = _tests(text) if is_test(path) else interface.stub(text)
        return f"{what} {path}\n{shown}".rstrip() if shown.strip() else ""
    if path.endswith(CODE):
        return f"file {path}, {text.count(chr(10))} lines"
    return ""


def _tests(text: str) -> str:
    """What a test file imports, and the names of its tests."""
    imports = [line for line in text.split("\n") if line.startswith(("from ", "import "))]
    tests = [name for name in interface.names(text) if name.lower().startswith("test")]
    return "\n".join([*imports, *([f"tests: {', '.join(tests[:40])}"] if tests else [])])


def data(path: str, content: bytes) -> str:
    """A data file's shape and its first records."""
    text = content.decode("utf-8-sig", "replace")
    try:
        if path.endswith((".csv", ".tsv")):
            return f"data {path}, {_table(text, path)}"
        if path.endswith(".json"):
            return f"data {path}, {_json(json.loads(text))}"
        if path.endswith((".jsonl", ".ndjson")):
            rows = [line for line in text.split("\n") if line.strip()]
            return "\n".join([f"data {path}, {len(rows)} JSON lines", *_shown(rows)])
    except (ValueError, csv.Error, RecursionError):
        pass
    rows = text.rstrip("\n").split("\n")
    return "\n".join([f"data {path}, {len(rows)} lines, not in a known form", *_shown(rows)])


def _table(text: str, path: str) -> str:
    separator = "\t" if path.endswith(".tsv") else max(",;\t|", key=text.split("\n", 1)[0].count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    if not rows:
        return "empty"
    named = "" if separator == "," else f" parted by {separator!r}"
    values = [f"{name}: {_kinds(row[i] for row in rows[1:] if i < len(row))}" for i, name in enumerate(rows[0])]
    shown = _shown(separator.join(row) for row in rows[1 : RECORDS + 1])
    return "\n".join([f"{len(rows) - 1} records{named}; columns {'; '.join(values)[:1200]}", *shown])


def _kinds(values: Iterable[str]) -> str:
    """`text, 12 values: a, b, …` or `number 1–90` of a column."""
    distinct = dict.fromkeys(values)
    numbers = [float(v) for v in distinct if v.strip().lstrip("+-").replace(".", "", 1).isdigit()]
    empty = ", some empty" if any(not v.strip() for v in distinct) else ""
    if numbers and len(numbers) >= len(distinct) - bool(empty):
        return f"number {min(numbers):g} to {max(numbers):g}{empty}"
    few = list(distinct)[: 6 if len(distinct) <= 12 else 2]
    return f"text, {len(distinct)} different ({', '.join(value[:24] for value in few)}…){empty}"


def _json(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(
            [f"a JSON list of {len(value)}", *_shown(json.dumps(row, ensure_ascii=False) for row in value)]
        )
    if isinstance(value, dict):
        rows = [f"{key}: {json.dumps(inner, ensure_ascii=False)}" for key, inner in list(value.items())[:8]]
        return "\n".join([f"a JSON object of {len(value)} keys", *(row[:ROW] for row in rows)])
    return f"JSON: {json.dumps(value)[:ROW]}"


def _shown(rows: Iterable[str]) -> list[str]:
    return [f"  {row[:ROW]}{'…' if len(row) > ROW else ''}" for _, row in zip(range(RECORDS), rows, strict=False)]
