"""The public surface of a Python source, computed by `ast`: which names it has, and whether one keeps its contract."""

from __future__ import annotations

import ast
import re

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
MAX_CHARACTERS = 200_000
"""Larger sources are not parsed: deep nesting can exhaust memory."""


def parse(text: str) -> ast.Module | None:
    """The tree, or None where the text does not parse or is too large to try."""
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def stub(text: str) -> str:
    """The source as its users see it: public signatures, class attributes, constants, first docstring lines.

    "" where it does not parse. A change in a body alone changes nothing here.
    """
    tree = parse(text)
    return "\n".join(line for node in tree.body for line in _shown(node, "")) if tree else ""


def _shown(node: ast.stmt, indent: str) -> list[str]:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return [f"{indent}{ast.unparse(node)[:120]}"] if any(_public(name) for name in bound(node)) else []
    if not isinstance(node, Definition) or not _public(node.name):
        return []
    said = (ast.get_docstring(node) or "").split("\n")[0]
    tail = f"  # {said}" if said else ""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        head = [f"{indent}@{ast.unparse(d)}" for d in node.decorator_list]
        inner = [line for below in node.body for line in _shown(below, f"{indent}    ")]
        return [*head, f"{indent}class {node.name}{f'({bases})' if bases else ''}:{tail}", *inner]
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return [f"{indent}{word} {node.name}({ast.unparse(node.args)}){returns}{tail}"]


def _public(name: str) -> bool:
    return not name.startswith("_") or name in ("__init__", "__call__", "__all__")


def names(text: str) -> tuple[str, ...]:
    """Every name that the source binds at its top level, in order; () where it does not parse."""
    tree = parse(text)
    found: list[str] = []
    for node in tree.body if tree else ():
        found += bound(node)
    return tuple(dict.fromkeys(found))


def mismatch(contract: str, source: str, name: str) -> str:
    """How the source differs from what the contract's text states of `name`; empty where it does not.

    The contract's text is read leniently: its `def` and `class` lines count, the rest is prose. Parameter names, their
    order, and which have defaults are compared; annotations and default values are not.
    """
    wanted_names, there = promised(contract, name), names(source)
    missing = next((wanted for wanted in wanted_names if wanted not in there), None)
    if missing is not None:
        return f"{missing} is not defined"
    tree = parse(source)
    defined = {node.name: node for node in tree.body if isinstance(node, Definition)} if tree else {}
    for owner, wanted in stated(contract):
        if wanted_names and (owner or wanted.name) != wanted_names[0]:
            continue
        actual = _find(defined, owner, wanted.name)
        if actual is None:
            return f"{owner}.{wanted.name} is not defined"
        difference = compared(wanted, actual)
        if difference:
            return f"{f'{owner}.' if owner else ''}{wanted.name}: {difference}"
    return ""


def promised(contract: str, name: str) -> tuple[str, ...]:
    """The names that a file must bind for a contract: its own (`Layout` for `Layout.parse`), or what it imports.

    () where its name is none that a module can bind: an entry point, a command line.
    """
    tree = parse(contract)
    rows = [row for row in contract.split("\n") if re.match(r"from \S+ import \w|import \w", row)]
    nodes = tree.body if tree else [node for row in rows if (one := parse(row)) for node in one.body]
    imported = [node for node in nodes if isinstance(node, ast.ImportFrom | ast.Import)]
    if imported:
        return tuple(dict.fromkeys(found for node in imported if not _future(node) for found in bound(node)))
    head = name.partition(".")[0]
    return (head,) if head.isidentifier() and head != "__main__" else ()


def _future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _find(defined: dict[str, Definition], owner: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    found: ast.AST | None = defined.get(name)
    if owner:
        above = defined.get(owner)
        inside = above.body if isinstance(above, ast.ClassDef) else []
        functions = [node for node in inside if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        found = next((node for node in functions if node.name == name), None)
    return found if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) else None


def stated(contract: str) -> list[tuple[str, ast.FunctionDef]]:
    """(class or "", function) for each `def` line; an indented one belongs to the class above it."""
    found: list[tuple[str, ast.FunctionDef]] = []
    owner = ""
    for line in contract.split("\n"):
        header = re.match(r"(\s*)class (\w+)", line)
        if header and not header[1]:
            owner = header[2]
        match = re.match(r"(\s*)(?:async )?(def .*)", line)
        tree = parse(f"{_header(match[2])}: ...") if match else None
        if match and tree and isinstance(tree.body[0], ast.FunctionDef):
            found.append((owner if match[1] else "", tree.body[0]))
    return found


def annotated(function: ast.FunctionDef) -> frozenset[str]:
    """The names that a function's signature speaks of: annotations and defaults."""
    nodes = [*ast.walk(function.args), *(ast.walk(function.returns) if function.returns else ())]
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    quoted = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(named | quoted)


def _header(line: str) -> str:
    """The header of a function without what follows it: a colon, a comment, prose."""
    depth = 0
    for index, character in enumerate(line):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and character in "#:" and ")" in line[:index]:
            return line[:index].rstrip()
    return line.rstrip()


def compared(wanted: ast.FunctionDef, actual: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """How the parameters of two functions differ; empty where they do not."""
    want, have = _parameters(wanted.args), _parameters(actual.args)
    if want != have:
        return f"its parameters are ({', '.join(have)}), the contract says ({', '.join(want)})"
    return ""


def _parameters(arguments: ast.arguments) -> list[str]:
    plain = [*arguments.posonlyargs, *arguments.args]
    first_default = len(plain) - len(arguments.defaults)
    rows = [f"{arg.arg}=…" if index >= first_default else arg.arg for index, arg in enumerate(plain)]
    if arguments.vararg:
        rows.append(f"*{arguments.vararg.arg}")
    rows += [
        f"{arg.arg}=… by name" if default else f"{arg.arg} by name"
        for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return [*rows, f"**{arguments.kwarg.arg}"] if arguments.kwarg else rows


def bound(node: ast.stmt) -> list[str]:
    """The names that a statement binds where it stands."""
    if isinstance(node, Definition):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [inner.id for target in node.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.ImportFrom | ast.Import):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if isinstance(node, ast.If | ast.Try):
        return [name for inner in node.body for name in bound(inner)]
    return []
