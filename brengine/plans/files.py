"""Plan files: `plan/<feature>.yaml`, which the model writes, people edit and git keeps. Text ↔ values. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from brengine import assembling, digest, yamlsource
from brengine.domain import AcceptanceKind, Complexity, Contract, Kind, Mark, Need, Surface, SurfaceKind
from brengine.errors import Diagnostic, InputError, nearest
from brengine.plans import anchors
from brengine.plans.anchors import Quote
from brengine.source import Source, Span
from brengine.yamlsource import Document

VERSION = 1
EVERY = "all"
"""Instead of tasks of a ruling: it binds every task, whatever its lines are."""
Quotes = tuple[Quote, ...]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _as_text(value: Any) -> Any:
    """Numbers stand for their text; a list of lines for the lines."""
    if isinstance(value, list):
        return "\n".join(str(item) for item in value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_list(value: Any) -> Any:
    return [] if value is None else [value] if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]
Maybe = Annotated[str, BeforeValidator(lambda value: "" if value is None else _as_text(value))]
Names = Annotated[list[Text], BeforeValidator(_as_list)]


class _Need(_Part):
    task: Text
    uses: Names = []


class _Contract(_Part):
    name: Text
    path: Maybe = ""
    text: Text


class _Accepted(_Part):
    text: Text
    kind: AcceptanceKind = "rule"
    lines: Maybe = ""


class _Task(_Part):
    id: Text
    name: Text
    kind: Kind = "code"
    layer: Maybe = ""
    domain: Text = "backend"
    complexity: Complexity = "medium"
    minutes: Literal[60, 90, 120] = 60
    done: Maybe = ""
    targets: Names
    tests: Names = []
    needs: list[_Need] = []
    reads: Names = []
    defines: list[_Contract] = []
    acceptance: list[_Accepted] = []
    covers: Maybe = ""
    coverage: Annotated[int, Field(ge=0, le=100)] | None = None
    made: Maybe = ""


class _Ruling(_Part):
    id: Text
    mark: Mark = "chosen"
    confirm: bool = False
    text: Text
    lines: Maybe = ""
    tasks: Names = []
    made: Maybe = ""


class _Surface(_Part):
    name: Text
    kind: SurfaceKind = "function"
    mark: Mark = "chosen"
    form: Text
    task: Text
    made: Maybe = ""


class _File(_Part):
    plan: Text
    version: Literal[1]
    rulings: list[_Ruling] = []
    surface: list[_Surface] = []
    tasks: list[_Task] = []
    drop: Names = []
    unplanned: Maybe = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An acceptance record with the lines that it restates."""

    text: str
    kind: AcceptanceKind = "rule"
    lines: Quotes = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A task as a plan file states it. `made` is the digest of what the engine wrote; another content is a person's."""

    id: str
    name: str
    targets: tuple[str, ...]
    kind: Kind = "code"
    layer: str = ""
    domain: str = "backend"
    complexity: Complexity = "medium"
    minutes: int = 60
    done: str = ""
    tests: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    reads: tuple[str, ...] = ()
    defines: tuple[Contract, ...] = ()
    acceptance: tuple[Accepted, ...] = ()
    covers: Quotes = ()
    coverage: int | None = None
    made: str = ""
    path: str = ""
    span: Span = field(default_factory=lambda: Span(1))

    @property
    def feature(self) -> str:
        """The feature's id: what stands before the first dot."""
        return self.id.partition(".")[0]

    @property
    def edited(self) -> bool:
        """True where a person wrote or changed it."""
        return self.made != made_of(self)


@dataclass(frozen=True, slots=True)
class PlannedRuling:
    """A ruling as a plan file states it."""

    id: str
    text: str
    mark: Mark = "chosen"
    confirm: bool = False
    lines: Quotes = ()
    tasks: tuple[str, ...] = ()
    made: str = ""
    path: str = ""
    span: Span = field(default_factory=lambda: Span(1))

    @property
    def edited(self) -> bool:
        """True where a person wrote or changed it."""
        return self.made != made_of(self)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """One plan file: what belongs to one feature, or to the whole product."""

    path: str
    feature: str
    tasks: tuple[Planned, ...] = ()
    rulings: tuple[PlannedRuling, ...] = ()
    surface: tuple[Surface, ...] = ()
    drop: tuple[str, ...] = ()
    """Tasks and rulings that a change takes out; only in replies."""
    unplanned: Quotes = ()
    """Lines of the specification that no task answers for, as they were when this was planned."""


def made_of(item: Planned | PlannedRuling) -> str:
    """The digest of an item's content, without where it stands and without the numbers of quoted lines."""
    if isinstance(item, PlannedRuling):
        rows: list[object] = [item.id, item.text, item.mark, item.confirm, _texts(item.lines), list(item.tasks)]
    else:
        needs = [[need.task, list(need.uses)] for need in item.needs]
        accepted = [[a.text, a.kind, _texts(a.lines)] for a in item.acceptance]
        rows = [
            *(item.id, item.name, item.kind, item.layer, item.domain, item.complexity, item.minutes, item.done),
            *(list(item.targets), list(item.tests), needs, list(item.reads), item.coverage, accepted),
            *([[c.name, c.path, c.text] for c in item.defines], _texts(item.covers)),
        ]
    return f"v{digest.short('made', rows)[:8]}"


def _texts(quotes: Quotes) -> list[str]:
    return [quote.text.strip() if quote.text is not None else str(quote.line) for quote in quotes]


# --- reading ------------------------------------------------------------------------------------------------------


def load(source: Source) -> PlanFile:
    """A plan file. Raises InputError with the place of everything that is wrong with its form."""
    document = yamlsource.load(source)
    try:
        row = _File.model_validate(document.value or {})
    except ValidationError as error:
        raise _invalid(document, error) from error
    tasks = tuple(_planned(document, index, task, row.plan) for index, task in enumerate(row.tasks))
    rulings = tuple(
        PlannedRuling(
            ruling.id,
            ruling.text.strip(),
            ruling.mark,
            ruling.confirm,
            _quotes(document, ("rulings", index, "lines"), ruling.lines),
            tuple(name if name == EVERY else _full(name, row.plan) for name in ruling.tasks),
            ruling.made,
            source.path,
            document.place(("rulings", index)),
        )
        for index, ruling in enumerate(row.rulings)
    )
    surface = tuple(Surface(s.name, s.form.strip(), s.mark, s.kind, _full(s.task, row.plan)) for s in row.surface)
    unplanned = _quotes(document, ("unplanned",), row.unplanned)
    return PlanFile(source.path, row.plan, tasks, rulings, surface, tuple(row.drop), unplanned)


def _planned(document: Document, index: int, row: _Task, feature: str) -> Planned:
    path = ("tasks", index)
    targets = tuple(row.targets)
    return Planned(
        id=_full(row.id, feature),
        name=row.name.strip(),
        targets=targets,
        kind=row.kind,
        layer=row.layer.strip(),
        domain=row.domain.strip(),
        complexity=row.complexity,
        minutes=row.minutes,
        done=row.done.strip(),
        tests=tuple(row.tests),
        needs=tuple(Need(_full(n.task, feature), tuple(dict.fromkeys(n.uses))) for n in row.needs),
        reads=tuple(row.reads),
        defines=tuple(Contract(c.name.strip(), c.path or home(targets), c.text.rstrip()) for c in row.defines),
        acceptance=tuple(
            Accepted(a.text.strip(), a.kind, _quotes(document, (*path, "acceptance", number, "lines"), a.lines))
            for number, a in enumerate(row.acceptance)
        ),
        covers=_quotes(document, (*path, "covers"), row.covers),
        coverage=row.coverage,
        made=row.made,
        path=document.source.path,
        span=document.place(path),
    )


def home(targets: Sequence[str]) -> str:
    """The file that holds a task's contracts where none is named: its first target, without its region."""
    return assembling.file_of(targets[0]) if targets else ""


def _full(name: str, feature: str) -> str:
    """A task's whole id: `table` in the plan of `fares` is `fares.table`."""
    return name if "." in name else f"{feature}.{name}"


def _quotes(document: Document, path: yamlsource.Path, text: str) -> Quotes:
    quotes, bad = anchors.read(text)
    if bad:
        hint = "line numbers (`24-30, 41`), or quoted lines (`24| the line as it stands`)"
        raise document.error(path, f"these are no lines of the specification: {bad.strip()[:60]!r}", hint)
    return quotes


def _invalid(document: Document, error: ValidationError) -> InputError:
    found: list[Diagnostic] = []
    for row in error.errors()[:20]:
        path = tuple(row["loc"])
        name = str(path[-1]) if path else "the plan"
        if row["type"] == "extra_forbidden":
            close = nearest(name, _keys(path[:-1]))
            said = document.error((*path[:-1], name, ""), f"unknown key {name!r}", f"did you mean {close!r}?")
        else:
            where = f"{_item(path)}{'' if path and isinstance(path[-1], int) else name}"
            said = document.error(path, f"{where}: {row['msg'][0].lower()}{row['msg'][1:]}")
        found += said.diagnostics
    named = tuple(Diagnostic("plan", d.severity, d.message, d.path, d.span, d.hint, d.excerpt) for d in found)
    return InputError(named[0].message, named[0].hint, named)


def _item(path: tuple[str | int, ...]) -> str:
    named = [f"{path[i]} {path[i + 1] + 1}" for i in range(len(path) - 1) if isinstance(path[i + 1], int)]  # type: ignore[operator]
    return f"{', '.join(named)}: " if named else ""


def _keys(path: Sequence[str | int]) -> list[str]:
    names = [part for part in path if isinstance(part, str)]
    below: dict[str, type[BaseModel]] = {"tasks": _Task, "rulings": _Ruling, "surface": _Surface}
    below |= {"needs": _Need, "defines": _Contract, "acceptance": _Accepted}
    return list((below.get(names[-1], _File) if names else _File).model_fields)


# --- writing ------------------------------------------------------------------------------------------------------


def stamped(item: Planned) -> Planned:
    """A task as the engine writes it: what is changed afterwards is a person's."""
    return replace(item, made=made_of(item))


def stamped_ruling(item: PlannedRuling) -> PlannedRuling:
    """A ruling as the engine writes it."""
    return replace(item, made=made_of(item))


_WORD = re.compile(r"[^\W\d]\w*")


def words(text: str) -> frozenset[str]:
    """The identifiers in a text."""
    return frozenset(_WORD.findall(text))
