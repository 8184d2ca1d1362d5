"""Declared files exist, are plain text files within bounds, and parse. Nothing is run."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import yaml

from brengine import assembling, interface
from brengine.checks.outcome import Checked, judged
from brengine.ports import Subject
from brengine.verdict import Finding

MAX_BYTES = 1024 * 1024
LURKING = ("sitecustomize.py", "usercustomize.py")
"""Files that Python runs at its start, wherever they are on its path."""
SHADOWING = ("pytest", "_pytest", "coverage", "pluggy", "iniconfig")
"""Names at the top of a tree that would be taken for what checks it."""
MAY_BE_EMPTY = ("__init__.py", "py.typed", ".gitkeep")


def check(subject: Subject) -> Checked:
    """Look at every file that the task declares."""
    found = [finding for path in subject.task.files for finding in (*_lurking(path), *_file(subject.root, path))]
    found += [
        Finding("files", "it is not declared", path, hint="write only the declared files")
        for path in subject.undeclared
    ]
    return judged("files", tuple(found))


def _lurking(path: str) -> list[Finding]:
    """What no task may make, declared or not: files that have a say in the checks without being asked."""
    first, name = path.split("/", 1)[0], path.rsplit("/", 1)[-1]
    if name in LURKING or (first.removesuffix(".py") in SHADOWING and name.endswith(".py")):
        return [Finding("files", "it is run by being there, instead of what checks it", path, hint="name it otherwise")]
    return []


def _file(root: Path, path: str) -> list[Finding]:
    place = root / path
    if place.is_symlink() or not place.is_file():
        return [Finding("files", "the declared file is not there", path, hint="write it")]
    content = place.read_bytes()
    if len(content) > MAX_BYTES:
        return [Finding("files", f"it is larger than {MAX_BYTES:,} bytes", path)]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return [Finding("files", f"it is not UTF-8: {error.reason} at byte {error.start}", path)]
    if "\0" in text:
        return [Finding("files", "it contains a NUL character", path)]
    if not text.strip():
        empty = Path(path).name in MAY_BE_EMPTY
        return [] if empty else [Finding("files", "it is empty", path, hint="write its content")]
    return _parsed(path, text)


def _parsed(path: str, text: str) -> list[Finding]:
    parser = _PARSERS.get(Path(assembling.file_of(path)).suffix)
    try:
        if parser:
            parser(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError, yaml.YAMLError) as error:
        line = getattr(error, "lineno", 0) or 0
        return [Finding("files", f"it does not parse: {error}", path, line, "mend the syntax")]
    return []


def _python(text: str) -> None:
    if len(text) > interface.MAX_CHARACTERS:
        raise ValueError(f"more than {interface.MAX_CHARACTERS:,} characters of Python")
    compile(text, "<file>", "exec", dont_inherit=True)


_PARSERS: dict[str, Callable[[str], object]] = {
    ".py": _python,
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}
