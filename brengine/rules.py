"""Rule packs: YAML data that says which features and requirements become which tasks; validated, with places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from brengine import yamlsource
from brengine.domain import Complexity, Kind
from brengine.errors import nearest
from brengine.source import Source
from brengine.yamlsource import Document, Path

REACHES = ("match", "feature", "project")
SCOPES = ("feature", "each-requirement")
MINUTES = (60, 90, 120)
PLACEHOLDERS = ("package", "feature", "feature_slug", "feature_name", "requirement", "requirement_slug")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

PACK_KEYS = ("pack", "version", "order", "when", "layers", "rules")
RULE_KEYS = ("id", "when", "unless", "criteria", "rest", "catch-all", "task")
WHEN_KEYS = ("kind", "feature", "requirement")
TASK_KEYS = (
    "name",
    "kind",
    "layer",
    "domain",
    "complexity",
    "minutes",
    "done",
    "targets",
    "tests",
    "defines",
    "acceptance",
    "needs",
    "reads",
    "covers",
)


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
    scope: str
    feature: tuple[str, ...]
    """Words of which one must be in the feature's name or requirements; none: any feature."""
    requirement: tuple[str, ...]
    """Words of which one must be in a requirement; none: any."""
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


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules that apply together, to features that hold one of `words` (none: to every feature)."""

    name: str
    words: tuple[str, ...]
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
    return tuple(sorted(packs.values(), key=lambda pack: (pack.order, not pack.words)))


def _pack(document: Document) -> Pack:
    rows = _mapping(document, (), document.value, PACK_KEYS)
    name = _text(document, ("pack",), rows.get("pack"))
    layers = {key: _text(document, ("layers", key), text) for key, text in (rows.get("layers") or {}).items()}
    when = _mapping(document, ("when",), rows.get("when") or {}, ("feature",))
    rules: list[Rule] = []
    for index, row in enumerate(rows.get("rules") or []):
        rule = _rule(document, ("rules", index), row, name, layers)
        if rule.id in {other.id for other in rules}:
            raise document.error(("rules", index, "id"), f"the rule id {rule.id!r} is given twice")
        rules.append(rule)
    order = rows.get("order", 50)
    if not isinstance(order, int):
        raise document.error(("order",), "order must be a whole number")
    return Pack(name, _texts(document, ("when", "feature"), when.get("feature")), order, tuple(rules))


def _rule(document: Document, path: Path, row: Any, pack: str, layers: dict[str, str]) -> Rule:
    fields = _mapping(document, path, row, RULE_KEYS)
    when = _mapping(document, (*path, "when"), fields.get("when") or {}, WHEN_KEYS)
    at = (*path, "task")
    task = _mapping(document, at, fields.get("task"), TASK_KEYS)
    layer = str(task.get("layer") or "")
    if layer and layer not in layers:
        raise document.error((*at, "layer"), f"unknown layer {layer!r}", _hint(layer, layers))
    minutes = task.get("minutes", 60)
    if minutes not in MINUTES:
        raise document.error((*at, "minutes"), "minutes must be 60, 90 or 120")

    def texts(key: str) -> tuple[str, ...]:
        return _texts(document, (*at, key), task.get(key))

    return Rule(
        id=_text(document, (*path, "id"), fields.get("id")),
        pack=pack,
        scope=_one_of(document, (*path, "when", "kind"), when.get("kind", "feature"), SCOPES),
        feature=_texts(document, (*path, "when", "feature"), when.get("feature")),
        requirement=_texts(document, (*path, "when", "requirement"), when.get("requirement")),
        criteria=_texts(document, (*path, "criteria"), fields.get("criteria")),
        rest=bool(fields.get("rest")),
        catch_all=bool(fields.get("catch-all")),
        name=_text(document, (*at, "name"), task.get("name")),
        kind=_one_of(document, (*at, "kind"), task.get("kind", "code"), get_args(Kind)),  # type: ignore[arg-type]
        layer=layers.get(layer, ""),
        domain=str(task.get("domain") or "backend"),
        complexity=_one_of(document, (*at, "complexity"), task.get("complexity", "medium"), get_args(Complexity)),  # type: ignore[arg-type]
        minutes=minutes,
        done=str(task.get("done") or ""),
        targets=texts("targets"),
        tests=texts("tests"),
        defines=tuple(
            _defined(document, (*at, "defines", index), found) for index, found in enumerate(task.get("defines") or [])
        ),
        acceptance=texts("acceptance"),
        needs=tuple(
            _wanted(document, (*at, "needs", index), found) for index, found in enumerate(task.get("needs") or [])
        ),
        reads=texts("reads"),
        covers=_one_of(document, (*at, "covers"), task.get("covers", "match"), REACHES),
    )


def _defined(document: Document, path: Path, row: Any) -> Defined:
    fields = _mapping(document, path, row, ("name", "text", "path"))
    texts = [_text(document, (*path, key), fields.get(key)) for key in ("name", "text")]
    return Defined(texts[0], texts[1], str(fields.get("path") or ""))


def _wanted(document: Document, path: Path, row: Any) -> Wanted:
    fields = _mapping(document, path, row, ("rule", "uses"))
    uses = _texts(document, (*path, "uses"), fields.get("uses"))
    return Wanted(_text(document, (*path, "rule"), fields.get("rule")), uses)


def _check_needs(pack: Pack, known: set[str], document: Document) -> None:
    for index, rule in enumerate(pack.rules):
        for number, need in enumerate(rule.needs):
            wanted = need.rule
            if wanted not in known and wanted.removeprefix("kind:") not in get_args(Kind):
                path = ("rules", index, "task", "needs", number)
                raise document.error(path, f"needs an unknown rule {wanted!r}", _hint(wanted, known))


def _mapping(document: Document, path: Path, value: Any, keys: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise document.error(path, "a mapping is expected here", f"with the keys {', '.join(keys)}")
    for key in value:
        if key not in keys:
            raise document.error((*path, key, ""), f"unknown key {key!r}", _hint(key, keys))
    return value


def _text(document: Document, path: Path, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise document.error(path, f"a text is expected for {path[-1]!r}")
    for name in _PLACEHOLDER.findall(value):
        if name not in PLACEHOLDERS and path[-1] in ("name", "done"):
            raise document.error(path, f"unknown placeholder {{{name}}}", _hint(name, PLACEHOLDERS))
    return value


def _texts(document: Document, path: Path, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise document.error(path, f"a list of texts is expected for {path[-1]!r}")
    return tuple(value)


def _one_of(document: Document, path: Path, value: Any, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise document.error(path, f"{value!r} is not one of {', '.join(allowed)}", _hint(str(value), allowed))
    return str(value)


def _hint(name: str, known: Any) -> str:
    close = nearest(name, known)
    return f"did you mean {close!r}?" if close else f"one of: {', '.join(sorted(known)[:12])}"
