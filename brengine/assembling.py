"""One Python file from regions: imports first, no name twice, classes whole. Pure; by `ast` alone.

A region is a file of its own beside the one that it is a part of: `package/fields.py#20_numbers`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from brengine import interface
from brengine.verdict import Finding

MARK = "#"


@dataclass(frozen=True, slots=True)
class Assembled:
    """A file put together, the lines of each region in it, and what speaks against it."""

    text: str = ""
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def file_of(path: str) -> str:
    """The file that a path is a region of, or the path itself."""
    return path.partition(MARK)[0]


def regions_in(paths: Iterable[str]) -> dict[str, list[str]]:
    """File → its regions among these paths, in the order in which they are put together."""
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        if MARK in path:
            found.setdefault(file_of(path), []).append(path)
    return found


def complete(tree: dict[str, bytes]) -> tuple[Finding, ...]:
    """Put every file together whose regions are in a tree; what is wrong with them."""
    findings: list[Finding] = []
    for file, parts in regions_in(tree).items():
        made = assemble({path: tree[path].decode("utf-8", "replace") for path in parts})
        tree[file] = made.text.encode()
        findings += made.findings
    return tuple(findings)


def assemble(parts: Mapping[str, str]) -> Assembled:
    """The file that these regions make, in their order. Every region must parse by itself, so classes are whole."""
    imports: dict[str, dict[str, None]] = {}
    bodies: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    findings: list[Finding] = []
    docstring = ""
    for path, text in parts.items():
        tree = interface.parse(text)
        if tree is None:
            findings.append(Finding("files", "this region does not parse by itself", path, hint="classes stay whole"))
            continue
        lines = text.split("\n")
        docstring = docstring or _docstring(tree, lines)
        findings += _twice(path, tree, owner)
        gone = _hoisted(tree, module_of(path), imports)
        bodies[path] = _trimmed([line for number, line in enumerate(lines, start=1) if number not in gone])
    head = [*([docstring, ""] if docstring else []), *_import_lines(imports)]
    rows, ranges = list(head), {}
    for path, body in bodies.items():
        rows += ["", ""] if rows else []
        ranges[path] = (len(rows) + 1, len(rows) + max(1, len(body)))
        rows += body
    return Assembled("\n".join(rows).strip("\n") + "\n", ranges, tuple(findings))


def module_of(path: str) -> str:
    """The name under which a file, or a region's file, is imported."""
    return file_of(path).removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")


def _docstring(tree: ast.Module, lines: list[str]) -> str:
    if ast.get_docstring(tree) is None:
        return ""
    return "\n".join(lines[tree.body[0].lineno - 1 : tree.body[0].end_lineno])


def _twice(path: str, tree: ast.Module, owner: dict[str, str]) -> list[Finding]:
    """Names that an earlier region defines already."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in interface.bound(node):
            other = owner.setdefault(name, path)
            if other != path:
                message = f"{name} is defined in {other} already"
                found.append(Finding("files", message, path, node.lineno, "use it: regions share one module"))
    return found


def _hoisted(tree: ast.Module, module: str, imports: dict[str, dict[str, None]]) -> set[int]:
    """Take imports (and a docstring) out of a region: the numbers of their lines. Imports from itself are dropped."""
    gone: set[int] = set()
    for index, node in enumerate(tree.body):
        if isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            own = name == module or (node.level == 1 and node.module == module.rpartition(".")[2])
            rows = {_alias(alias): None for alias in node.names}
            if not own:
                imports.setdefault(name, {}).update(rows)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name != module:
                    imports.setdefault("", {}).setdefault(_alias(alias), None)
        elif not (index == 0 and ast.get_docstring(tree) is not None):
            continue
        gone |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return gone


def _alias(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _import_lines(imports: Mapping[str, Mapping[str, None]]) -> list[str]:
    future = [f"from __future__ import {', '.join(sorted(imports['__future__']))}"] if "__future__" in imports else []
    plain = [f"import {name}" for name in sorted(imports.get("", {}))]
    others = sorted(name for name in imports if name not in ("", "__future__"))
    named = [f"from {name} import {', '.join(sorted(imports[name]))}" for name in others]
    rest = [*plain, *named]
    return [*future, *([""] if future and rest else []), *rest]


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[0].strip():
        lines = lines[1:]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
