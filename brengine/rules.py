"""Rule packs: YAML data that says which features and requirements become which tasks; validated, with places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brengine import yamlsource
from brengine.domain import Complexity, Kind
from brengine.errors import InputError, nearest
from brengine.source import Source
from brengine.yamlsource import Document, Path

MINUTES = (60, 90, 120)
PLACEHOLDERS = (
    "package",
    "feature",
    "feature_slug",
    "feature_name",
    "requirement",
    "requirement_slug",
    "part",
    "aspect",
    "front",
    "source",
    "test",
    "entry",
)
Scope = Literal["feature", "each-requirement", "product"]
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Text = Annotated[str, Field(min_length=1)]


class _Named(_Part):
    feature: list[Text] = []
    spec: list[Text] = []
    toolchain: list[Text] = []
    unless: list[Text] = []
    without: list[Text] = []


class _When(_Part):
    kind: Scope = "feature"
    feature: list[Text] = []
    requirement: list[Text] = []
    section: list[Text] = []
    features: Annotated[int, Field(ge=1)] = 1
    at_least: Annotated[int, Field(alias="at-least", ge=1)] = 1


class _Contract(_Part):
    name: Text
    text: Text
    path: str = ""


class _Need(_Part):
    rule: Text
    uses: list[Text] = []


class _Task(_Part):
    name: Text
    kind: Kind = "code"
    layer: str = ""
    domain: Text = "backend"
    complexity: Complexity = "medium"
    minutes: Literal[60, 90, 120] = 60
    done: str = ""
    targets: list[Text] = []
    tests: list[Text] = []
    defines: list[_Contract] = []
    acceptance: list[Text] = []
    needs: list[_Need] = []
    reads: list[Text] = []
    covers: Literal["match", "feature", "project"] = "match"
    module: str = ""
    aspect: str = ""
    grows: bool = False
    base: bool = False


class _Rule(_Part):
    id: Text
    when: _When = _When()
    criteria: list[Text] = []
    rest: bool = False
    catch_all: Annotated[bool, Field(alias="catch-all")] = False
    task: _Task


class _Pack(_Part):
    pack: Text
    version: int
    order: int = 50
    once: bool = False
    at_least: Annotated[int, Field(alias="at-least", ge=0)] = 0
    when: _Named = _Named()
    layers: dict[str, Text] = {}
    rules: list[_Rule]


@dataclass(frozen=True, slots=True)
class Defined:
    """A contract as a rule states it; `path` is empty for the first target."""

    name: str
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An edge as a rule states it: a rule's id, or `kind:code` for every task of that kind in the feature."""

    rule: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern and the task that it yields."""

    id: str
    pack: str
    scope: Scope
    """One task for a feature, for each requirement that matches, or for the product."""
    feature: tuple[str, ...]
    """Words of which one must be in the feature's name or requirements; none: any feature."""
    requirement: tuple[str, ...]
    """Words of which one must be in a requirement; none: any."""
    section: tuple[str, ...]
    """Words of which one must be in the title of a section that is no feature; none: no section is needed."""
    features: int
    """How many features the specification must have at least."""
    at_least: int
    """How many requirements it must take at least, unless it takes all that are left."""
    criteria: tuple[str, ...]
    """Words by which acceptance criteria are taken."""
    rest: bool
    """Takes the criteria that no other rule takes."""
    catch_all: bool
    """Takes only requirements that no other code task covers by match."""
    name: str
    kind: Kind
    layer: str
    domain: str
    complexity: Complexity
    minutes: int
    done: str
    targets: tuple[str, ...]
    tests: tuple[str, ...]
    defines: tuple[Defined, ...]
    acceptance: tuple[str, ...]
    needs: tuple[Wanted, ...]
    reads: tuple[str, ...]
    covers: str
    module: str
    """The name of the module that {source} and {test} are about."""
    aspect: str
    """What its tasks and modules are told apart by, where it shares a feature with other rules."""
    grows: bool
    """Minutes and complexity grow with the requirements that it takes, and many of them are parted."""
    base: bool
    """Code of the features that needs nothing else needs this."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules that apply together, to features that hold one of `words` (none: to every feature)."""

    name: str
    words: tuple[str, ...]
    spec: tuple[str, ...]
    """Words of which one must be in the specification; none: any."""
    toolchains: tuple[str, ...]
    """Names of toolchains of which one must be the project's; none: any."""
    without: tuple[str, ...]
    """Words of which none may be in what the specification says about the product."""
    unless: tuple[str, ...]
    """Names of packs of which none may apply."""
    once: bool
    """It applies to the one feature that its rules fit best: its files are there once."""
    at_least: int
    """How many of its rules must find a requirement there, where it applies once."""
    order: int
    """Packs apply in this order (default 50)."""
    rules: tuple[Rule, ...]


def load(sources: Sequence[Source]) -> tuple[Pack, ...]:
    """The packs in order, of equal order those with a `when` first. A later pack replaces one of the same name."""
    packs: dict[str, Pack] = {}
    documents: dict[str, Document] = {}
    for source in sources:
        document = yamlsource.load(source)
        pack = _pack(document)
        packs[pack.name], documents[pack.name] = pack, document
    known = {rule.id for pack in packs.values() for rule in pack.rules}
    for pack in packs.values():
        _check_needs(pack, known, documents[pack.name])
    return tuple(
        sorted(packs.values(), key=lambda pack: (pack.order, not (pack.words or pack.spec or pack.toolchains)))
    )


def _pack(document: Document) -> Pack:
    try:
        found = _Pack.model_validate(document.value)
    except ValidationError as error:
        raise _invalid(document, error) from error
    seen: set[str] = set()
    for index, row in enumerate(found.rules):
        if row.id in seen:
            raise document.error(("rules", index, "id"), f"the rule id {row.id!r} is given twice")
        seen.add(row.id)
    rules = tuple(_rule(document, ("rules", index), row, found) for index, row in enumerate(found.rules))
    when = found.when
    return Pack(
        found.pack,
        tuple(when.feature),
        tuple(when.spec),
        tuple(when.toolchain),
        tuple(when.without),
        tuple(when.unless),
        found.once,
        found.at_least,
        found.order,
        rules,
    )


def _rule(document: Document, path: Path, row: _Rule, pack: _Pack) -> Rule:
    task = row.task
    if task.layer and task.layer not in pack.layers:
        raise document.error((*path, "task", "layer"), f"unknown layer {task.layer!r}", _hint(task.layer, pack.layers))
    for key in ("name", "done"):
        for name in _PLACEHOLDER.findall(getattr(task, key)):
            if name not in PLACEHOLDERS:
                hint = _hint(name, PLACEHOLDERS)
                raise document.error((*path, "task", key), f"unknown placeholder {{{name}}}", hint)
    return Rule(
        id=row.id,
        pack=pack.pack,
        scope=row.when.kind,
        feature=tuple(row.when.feature),
        requirement=tuple(row.when.requirement),
        section=tuple(row.when.section),
        features=row.when.features,
        at_least=row.when.at_least,
        criteria=tuple(row.criteria),
        rest=row.rest,
        catch_all=row.catch_all,
        name=task.name,
        kind=task.kind,
        layer=pack.layers.get(task.layer, ""),
        domain=task.domain,
        complexity=task.complexity,
        minutes=task.minutes,
        done=task.done,
        targets=tuple(task.targets),
        tests=tuple(task.tests),
        defines=tuple(Defined(d.name, d.text, d.path) for d in task.defines),
        acceptance=tuple(task.acceptance),
        needs=tuple(Wanted(need.rule, tuple(need.uses)) for need in task.needs),
        reads=tuple(task.reads),
        covers=task.covers,
        module=task.module,
        aspect=task.aspect,
        grows=task.grows,
        base=task.base,
    )


def _check_needs(pack: Pack, known: set[str], document: Document) -> None:
    for index, rule in enumerate(pack.rules):
        for number, need in enumerate(rule.needs):
            wanted = need.rule
            if wanted not in known and wanted.removeprefix("kind:") not in get_args(Kind):
                path = ("rules", index, "task", "needs", number)
                raise document.error(path, f"needs an unknown rule {wanted!r}", _hint(wanted, known))


def _invalid(document: Document, error: ValidationError) -> InputError:
    """The first of pydantic's errors, at its place in the file."""
    row = error.errors()[0]
    path = tuple(row["loc"])
    if row["type"] != "extra_forbidden":
        name = str(path[-1]) if path else "the pack"
        return document.error(path, f"{name}: {row['msg'][0].lower()}{row['msg'][1:]}")
    *above, key = path
    hint = _hint(str(key), _keys(tuple(above)))
    return document.error((*above, key, ""), f"unknown key {key!r}", hint)


def _keys(path: Path) -> list[str]:
    """The keys that a mapping at this path may have."""
    names = [part for part in path if isinstance(part, str)]
    when: type[BaseModel] = _When if "rules" in names else _Named
    below: dict[str, type[BaseModel]] = {"rules": _Rule, "when": when, "task": _Task}
    below |= {"defines": _Contract, "needs": _Need}
    model = below.get(names[-1], _Pack) if names else _Pack
    return [field.alias or name for name, field in model.model_fields.items()]


def _hint(name: str, known: Iterable[str]) -> str:
    close = nearest(name, known)
    return f"did you mean {close!r}?" if close else f"one of: {', '.join(sorted(known)[:12])}"
