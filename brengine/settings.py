"""br.toml: every setting with its default, validated by pydantic; errors have their place and name the nearest key."""

from __future__ import annotations

import re
import tomllib
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brengine.errors import InputError, diagnose, nearest
from brengine.routing import Routes
from brengine.source import Source, Span
from brengine.verdict import CustomCheck, Gates

BackendName = Literal["auto", "anthropic", "claude-code", "command", "manual", "python", "replay"]
BACKENDS: tuple[str, ...] = get_args(BackendName)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Project(_Table):
    name: str = ""
    spec: str = "PROJECT_SPEC.md"
    rules: str = "rules"
    prompts: str = "prompts"
    recordings: str = "recordings"
    toolchain: str = ""


class _Build(_Table):
    backend: BackendName = "auto"
    model: str = "claude-sonnet-5-5"
    command: list[str] = []
    python: str = ""
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    jobs: Annotated[int, Field(ge=1, le=64)] = 1
    context_tokens: Annotated[int, Field(ge=500, le=1_000_000)] = 4000
    max_output_tokens: Annotated[int, Field(ge=1000, le=1_000_000)] = 32_000


class _ClaudeCode(_Table):
    command: list[str] = []
    max_turns: Annotated[int, Field(ge=1, le=1000)] = 40
    max_cost: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)] = 1.0
    seconds: Annotated[float, Field(gt=0, le=86_400, strict=False)] = 1800.0
    stall_seconds: Annotated[float, Field(gt=0, strict=False)] = 300.0


class _Models(_Table):
    simple: str = ""
    medium: str = ""
    complex: str = ""
    repair: str = ""
    stuck: str = ""
    plan: str = ""


class _Gates(_Table):
    coverage: Annotated[int, Field(ge=0, le=100)] = 90
    seconds: Annotated[int, Field(ge=1, le=86_400)] = 120
    memory_mb: Annotated[int, Field(ge=64, le=1_000_000)] = 2048
    processes: Annotated[int, Field(ge=1, le=10_000)] = 64
    teeth: bool = True
    fence: Literal["auto", "required", "off"] = "auto"


class _Check(_Table):
    command: Annotated[list[str], Field(min_length=1)]
    files: list[str] = ["*.py"]
    kinds: list[Literal["code", "tests", "documentation", "examples", "configuration", "data"]] = ["code", "tests"]
    format: Literal["lines", "sarif", "junit"] = "lines"


class _Spec(_Table):
    reading: str = ""
    include: list[Literal["done", "deferred"]] = []
    off: list[str] = []
    second_reader: bool = True


class _Plan(_Table):
    planner: Literal["rules", "model"] = "rules"
    plans: str = "plan"


class _Budget(_Table):
    max_cost: Annotated[float, Field(ge=0, strict=False)] | None = None
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    max_asks: Annotated[int, Field(ge=0)] | None = None
    max_seconds: Annotated[float, Field(ge=0, strict=False)] | None = None


class _File(_Table):
    project: _Project = _Project()
    spec: _Spec = _Spec()
    plan: _Plan = _Plan()
    build: _Build = _Build()
    claude_code: _ClaudeCode = Field(_ClaudeCode(), alias="claude-code")
    models: _Models = _Models()
    gates: _Gates = _Gates()
    checks: dict[str, _Check] = {}
    budget: _Budget = _Budget()


class Settings(_Project, _Plan, _Build, _Gates, _Budget):
    """The settings of a project, all tables in one. Paths are relative to the project's folder."""

    reading: _Spec = _Spec()
    models: _Models = _Models()
    checks: dict[str, _Check] = {}
    claude_code: _ClaudeCode = _ClaudeCode()

    def routes(self) -> Routes:
        """Which model answers which ask."""
        named = self.models
        by_complexity = {"simple": named.simple, "medium": named.medium, "complex": named.complex}
        return Routes(self.model, by_complexity, named.repair, named.stuck, named.plan)  # type: ignore[arg-type]

    def gates(self) -> Gates:
        """What every task must pass, unless the spec sets a goal of its own."""
        own = tuple(
            CustomCheck(name, tuple(c.command), tuple(c.files), tuple(c.kinds), c.format)
            for name, c in sorted(self.checks.items())
        )
        return Gates(self.coverage, self.seconds, self.memory_mb, self.processes, self.teeth, own)


def load(text: str, path: str) -> Settings:
    """The settings of a br.toml. Raises InputError with the place of every unknown key and wrong value."""
    source = Source(path, text)
    try:
        found = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        span = Span(int(place[1]), int(place[2])) if place else Span(1)
        message = f"this is not TOML: {error}"
        raise InputError(message, "", (diagnose(source, span, "settings", "error", message),)) from error
    except ValidationError as error:
        raise _invalid(source, error) from error
    tables = {
        **found.project.model_dump(),
        **found.plan.model_dump(),
        **found.build.model_dump(),
        **found.gates.model_dump(),
        **found.budget.model_dump(),
    }
    others = {"reading": found.spec, "models": found.models, "checks": found.checks, "claude_code": found.claude_code}
    return Settings(**tables, **others)  # type: ignore[arg-type]


def _invalid(source: Source, error: ValidationError) -> InputError:
    rows = [(row, *_said(row)) for row in error.errors()]
    diagnostics = tuple(
        diagnose(source, _place(source, str(row["loc"][-1])), "settings", "error", message, hint)
        for row, message, hint in rows
    )
    return InputError(rows[0][1], rows[0][2], diagnostics)


def _said(row: Any) -> tuple[str, str]:
    """(message, hint) of one of pydantic's errors."""
    *above, name = (str(part) for part in row["loc"])
    if row["type"] != "extra_forbidden":
        return f"{name}: {row['msg'][0].lower()}{row['msg'][1:]}", ""
    tables = {field.alias or key: field.annotation for key, field in _File.model_fields.items()}
    of = _Check if above[:1] == ["checks"] else tables[above[0]] if above else None
    known = list(getattr(of, "model_fields", {})) if above else list(tables)
    close = nearest(name, known)
    what = "key" if above else "table"
    return f"unknown {what} {name!r}", f"did you mean {close!r}?" if close else f"one of: {', '.join(known)}"


def _place(source: Source, name: str) -> Span:
    for number, line in enumerate(source.lines, start=1):
        match = re.match(rf"\s*\[?\s*({re.escape(name)})\b", line)
        if match:
            return Span(number, match.start(1) + 1, number, match.end(1))
    return Span(1)
