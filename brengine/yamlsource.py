"""YAML text → plain values with the place of each, without YAML's surprises: no aliases, no duplicate keys, bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from brengine.errors import InputError, diagnose
from brengine.source import Source, Span

MAX_CHARACTERS = 1024 * 1024
MAX_DEPTH = 30
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Plain values, and the place of each by its path of keys and indexes."""

    source: Source
    value: Any
    places: dict[Path, Span] = field(default_factory=dict)

    def place(self, path: Path) -> Span:
        """The place of a value, or of the nearest one above it that has a place."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Span(1))

    def error(self, path: Path, message: str, hint: str = "") -> InputError:
        """An InputError at the place of a value."""
        found = diagnose(self.source, self.place(path), "rules", "error", message, hint)
        return InputError(message, hint, (found,))


def load(source: Source) -> Document:
    """The document. Raises InputError with the place of what is wrong."""
    document = Document(source, None)
    if len(source.text) > MAX_CHARACTERS:
        raise document.error((), f"{source.path} is larger than {MAX_CHARACTERS:,} characters")
    try:
        node = yaml.compose(source.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        span = Span(mark.line + 1, mark.column + 1) if mark else Span(1)
        what = getattr(error, "problem", None) or "it is not valid YAML"
        found = diagnose(source, span, "yaml", "error", f"cannot read this YAML: {what}")
        raise InputError(found.message, "", (found,)) from error
    places: dict[Path, Span] = {}
    value = _value(node, (), places, source, set()) if node else None
    return Document(source, value, places)


def _value(node: yaml.Node, path: Path, places: dict[Path, Span], source: Source, above: set[int]) -> Any:
    start, end = node.start_mark, node.end_mark
    places[path] = Span(start.line + 1, start.column + 1, start.line + 1, max(end.column, start.column + 1))
    if id(node) in above or len(path) > MAX_DEPTH:
        raise Document(source, None, places).error(path, "aliases and deep nesting are not allowed here")
    above.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), places, source, above) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, places, source, above)
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, places: dict[Path, Span], source: Source, above: set[int]) -> Any:
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value)
        here = Span(key.start_mark.line + 1, key.start_mark.column + 1, key.start_mark.line + 1, key.end_mark.column)
        places[(*path, name, "")] = here
        if name in found:
            raise Document(source, None, {path: here}).error(path, f"the key {name!r} is given twice")
        found[name] = _value(value, (*path, name), places, source, above)
    return found


def _scalar(node: yaml.Node) -> Any:
    """Numbers and booleans as themselves, everything else as its text (no dates, no sexagesimals)."""
    text = str(node.value)
    if node.tag == "tag:yaml.org,2002:int" and text.lstrip("-").isdigit() and len(text) < 19:
        return int(text)
    if node.tag == "tag:yaml.org,2002:bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return None if node.tag == "tag:yaml.org,2002:null" else text
