"""Code that is not there yet, and tests that do not run: found in the source, before anything is executed. Pure."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence

from brengine import interface
from brengine.checks.emptying import ABSTRACT, Function, is_idle
from brengine.domain import Contract
from brengine.verdict import Finding

RUNNERS = ("pytest", "_pytest", "unittest", "coverage")
# What authors leave to be done (TODO among it), looked for in their comments: a pattern, nothing left to do here.
MARKS = re.compile(r"#\s*(TODO|FIXME|XXX|HACK)\b", re.I)


def in_code(path: str, text: str, contracts: Sequence[Contract]) -> Iterator[Finding]:
    """Functions that raise NotImplementedError or do nothing where a contract promises them, and notes of work left."""
    tree = interface.parse(text)
    if tree is None:
        return
    promised = {contract.name.rpartition(".")[2] for contract in contracts if contract.path == path}
    overridden = _overridden(tree)
    for owner, node in _functions(tree):
        named = {ast.unparse(d).rpartition(".")[2] for d in node.decorator_list}
        if named & set(ABSTRACT) or (owner and _abstract(owner)):
            continue
        open_base = owner is not None and not all(_not_implemented(row) for row in _methods(owner))
        if _not_implemented(node) and node.name not in overridden and not open_base:
            yield _found(path, node.lineno, f"{node.name} is not implemented", "write it")
        elif node.name in promised and not (owner and owner.bases) and all(is_idle(row) for row in node.body):
            yield _found(path, node.lineno, f"{node.name} does nothing", "write what its contract says")
    for place in ast.walk(tree):
        if _looks_for_tests(place):
            line = getattr(place, "lineno", 1)
            yield _found(path, line, "the code asks whether it is being tested", "behave the same, whoever calls")
    for line in _notes(text):
        yield _found(path, line, "a note says that work is left", "do it, or take the note out")


def in_tests(path: str, text: str) -> Iterator[Finding]:
    """Tests that are skipped or expected to fail, whatever the machine."""
    tree = interface.parse(text)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, Function | ast.ClassDef):
            marks = [m for d in node.decorator_list if (m := _mark(d)) in ("skip", "xfail")]
            if marks:
                yield _found(path, node.lineno, f"{node.name} is marked {marks[0]}", "every test runs and passes")
        elif isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
        ):
            named = [m for part in ast.walk(node.value) if isinstance(part, ast.expr) and (m := _mark(part))]
            if "skip" in named or "xfail" in named:
                yield _found(path, node.lineno, "all tests of the file are skipped, or may fail", "every test runs")


def _found(path: str, line: int, message: str, hint: str) -> Finding:
    return Finding("components", message, path, line, hint)


def _methods(owner: ast.ClassDef) -> list[Function]:
    """The methods that make a class what it is: a base that leaves some open has others that do something."""
    return [row for row in owner.body if isinstance(row, Function) and not row.name.startswith("__")]


def _looks_for_tests(node: ast.AST) -> bool:
    """`"pytest" in sys.modules`, `sys.modules.get("pytest")`, `os.environ["PYTEST_CURRENT_TEST"]` and their like."""
    if isinstance(node, ast.Constant):
        return node.value == "PYTEST_CURRENT_TEST"
    if isinstance(node, ast.Compare | ast.Call | ast.Subscript):
        said = ast.unparse(node)
        return "sys.modules" in said and any(f"'{name}'" in said for name in RUNNERS)
    return False


def _functions(tree: ast.Module) -> Iterator[tuple[ast.ClassDef | None, Function]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from ((node, row) for row in node.body if isinstance(row, Function))
    yield from ((None, row) for row in tree.body if isinstance(row, Function))


def _abstract(owner: ast.ClassDef) -> bool:
    """True for classes that are there to be derived from: their methods may be without a body."""
    named = {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in owner.bases}
    return bool(named & {"ABC", "Protocol"}) or any("ABCMeta" in ast.unparse(k.value) for k in owner.keywords)


def _overridden(tree: ast.Module) -> set[str]:
    """Names that a class of the file with a base defines: a base of the old style may leave them open."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.bases]
    rows = [row for node in classes for row in node.body if isinstance(row, Function)]
    return {row.name for row in rows if not _not_implemented(row)}


def _not_implemented(node: Function) -> bool:
    rows = [row for row in node.body if not is_idle(row)]
    last = rows[0] if len(rows) == 1 else None
    return isinstance(last, ast.Raise) and last.exc is not None and "NotImplementedError" in ast.unparse(last.exc)


def _mark(decorator: ast.expr) -> str:
    """The name of a pytest mark: `skip` for `@pytest.mark.skip(reason="…")`."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.attr if isinstance(target, ast.Attribute) and "mark" in ast.unparse(target.value) else ""


def _notes(text: str) -> Iterator[int]:
    """Lines whose comment says that something is left to do. Strings are none."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and MARKS.match(token.string):
                yield token.start[0]
    except (tokenize.TokenError, SyntaxError):
        return


def assertions(texts: Sequence[str]) -> int:
    """How many places of tests can fail: assert statements, `raises`, methods of unittest."""
    count = 0
    for text in texts:
        tree = interface.parse(text)
        for node in ast.walk(tree) if tree else ():
            called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
            count += (
                isinstance(node, ast.Assert) or called in ("raises", "warns", "fail") or called.startswith("assert")
            )
    return count
