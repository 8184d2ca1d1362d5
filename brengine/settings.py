"""br.toml: every setting with its default, validated; an unknown key is an error that names the nearest one."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Literal, get_args

from brengine.errors import InputError, diagnose, nearest
from brengine.source import Source, Span
from brengine.verdict import Gates

BackendName = Literal["auto", "anthropic", "manual", "replay"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a project. Paths are relative to the project's folder."""

    name: str = ""
    spec: str = "PROJECT_SPEC.md"
    rules: str = "rules"
    prompts: str = "prompts"
    recordings: str = "recordings"
    backend: BackendName = "auto"
    model: str = "claude-sonnet-5-5"
    attempts: int = 3
    jobs: int = 1
    context_tokens: int = 4000
    max_output_tokens: int = 32000
    coverage: int = 90
    seconds: int = 120
    memory_mb: int = 2048
    processes: int = 64

    def gates(self) -> Gates:
        """What every task must pass, unless the spec sets a goal of its own."""
        return Gates(self.coverage, self.seconds, self.memory_mb, self.processes)


TABLES: dict[str, tuple[str, ...]] = {
    "project": ("name", "spec", "rules", "prompts", "recordings"),
    "build": ("backend", "model", "attempts", "jobs", "context_tokens", "max_output_tokens"),
    "gates": ("coverage", "seconds", "memory_mb", "processes"),
}
BOUNDS: dict[str, tuple[int, int]] = {
    "attempts": (1, 20),
    "jobs": (1, 64),
    "context_tokens": (500, 1_000_000),
    "max_output_tokens": (1000, 1_000_000),
    "coverage": (0, 100),
    "seconds": (1, 86_400),
    "memory_mb": (64, 1_000_000),
    "processes": (1, 10_000),
}


def load(text: str, path: str) -> Settings:
    """The settings of a br.toml. Raises InputError with the place of an unknown key or a wrong value."""
    source = Source(path, text)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        span = Span(int(place[1]), int(place[2])) if place else Span(1)
        raise _error(source, span, f"this is not TOML: {error}", "") from error
    values: dict[str, Any] = {}
    for table, rows in tables.items():
        if table not in TABLES or not isinstance(rows, dict):
            raise _unknown(source, table, tuple(TABLES), "table")
        for key, value in rows.items():
            if key not in TABLES[table]:
                raise _unknown(source, key, TABLES[table], "key")
            values[key] = _checked(source, key, value)
    return Settings(**values)


def _checked(source: Source, key: str, value: object) -> object:
    wanted = type(getattr(Settings(), key))
    if type(value) is not wanted:
        kind = "a whole number" if wanted is int else "a text in quotes"
        raise _error(source, _place(source, key), f"{key} must be {kind}", "")
    if isinstance(value, int):
        low, high = BOUNDS[key]
        if not low <= value <= high:
            raise _error(source, _place(source, key), f"{key} must be from {low} to {high}", "")
    if key == "backend" and value not in get_args(BackendName):
        raise _error(source, _place(source, key), f"{key} must be one of {', '.join(get_args(BackendName))}", "")
    return value


def _unknown(source: Source, name: str, known: tuple[str, ...], what: str) -> InputError:
    close = nearest(name, known)
    hint = f"did you mean {close!r}?" if close else f"one of: {', '.join(known)}"
    return _error(source, _place(source, name), f"unknown {what} {name!r}", hint)


def _place(source: Source, name: str) -> Span:
    for number, line in enumerate(source.lines, start=1):
        match = re.match(rf"\s*\[?\s*({re.escape(name)})\b", line)
        if match:
            return Span(number, match.start(1) + 1, number, match.end(1))
    return Span(1)


def _error(source: Source, span: Span, message: str, hint: str) -> InputError:
    return InputError(message, hint, (diagnose(source, span, "settings", "error", message, hint),))
