"""Sources with the bodies of functions taken out, to see whether tests notice. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from brengine import interface

How = Literal["raising", "answering nothing of use"]
Function = ast.FunctionDef | ast.AsyncFunctionDef
NO_ANSWER = ("__init__", "__post_init__", "__init_subclass__", "__set_name__", "__setattr__", "__delattr__", "__exit__")
"""Methods that must answer None: emptied, they do nothing."""
ABSTRACT = ("abstractmethod", "overload", "abstractproperty")


@dataclass(frozen=True, slots=True)
class Emptied:
    """A source without the bodies of `names` (`Class.method` for methods)."""

    text: str
    names: tuple[str, ...]


def functions(text: str) -> tuple[str, ...]:
    """The functions and methods of a source that do something, in order."""
    tree = interface.parse(text)
    return tuple(name for name, node in _functions(tree) if _works(node)) if tree else ()


def emptied(text: str, how: How, only: str = "") -> Emptied | None:
    """The source with every function emptied, or only that one; None where there is nothing to empty."""
    tree = interface.parse(text)
    if tree is None:
        return None
    names = []
    for name, node in _functions(tree):
        if _works(node) and only in ("", name):
            node.body = _body(node, how)
            names.append(name)
    return Emptied(ast.unparse(ast.fix_missing_locations(tree)) + "\n", tuple(names)) if names else None


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Functions of the module and methods of its classes, nested classes included."""

    def below(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Function]]:
        for node in body:
            if isinstance(node, Function):
                yield f"{prefix}{node.name}", node
            elif isinstance(node, ast.ClassDef):
                yield from below(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.If | ast.Try):
                yield from below(node.body, prefix)

    yield from below(tree.body, "")


def _works(node: Function) -> bool:
    """True where a body has anything to take out, and is not declared to have nothing."""
    named = {_last(decorator) for decorator in node.decorator_list}
    return not named & set(ABSTRACT) and not all(is_idle(row) for row in node.body)


def _last(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def is_idle(row: ast.stmt) -> bool:
    """True for `pass`, `...`, a docstring."""
    return isinstance(row, ast.Pass) or (isinstance(row, ast.Expr) and isinstance(row.value, ast.Constant))


def _body(node: Function, how: How) -> list[ast.stmt]:
    if node.name in NO_ANSWER and how != "raising":
        return ast.parse("pass").body
    if how == "raising":
        text = "raise RuntimeError('this function was emptied')"
        return ast.parse(text).body + (ast.parse("yield").body if _yields(node) else [])
    if _yields(node):
        return [ast.Return(), *ast.parse("yield").body]
    return [ast.Return(ast.Constant(...))]  # one and the same each time, and like nothing else


def _yields(node: Function) -> bool:
    """True for a generator: a `yield` of its own, not of a function inside."""
    stack: list[ast.AST] = list(node.body)
    while stack:
        inner = stack.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(inner, Function | ast.Lambda | ast.ClassDef):
            stack.extend(ast.iter_child_nodes(inner))
    return False
