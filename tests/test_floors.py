"""The architecture, held by a test: no import cycle, a pure core, one importer of doit and of the adapters."""

from __future__ import annotations

import ast
from pathlib import Path

import networkx as nx

PACKAGE = Path(__file__).parent.parent / "brengine"
CORE = set(
    """source digest errors domain asks verdict events graph keys stale ids spec yamlsource settings
    rules toolchains layout matching
    decompose validate batch inputs planning tokens reply templates prompt recordings interface prices codec
    select completion spec_report plan_report assembling room routing log_report graph_report
    packing context repairing acceptance pace forecast forecast_report spending timeleft counted""".split()
)
ADAPTERS = {
    "blobs",
    "commands",
    "backends.anthropic_api",
    "backends.manual",
    "backends.replay",
    "backends.command",
    "backends.claude_code",
    "checks.suite",
}
TOUCHES_THE_WORLD = set("os pathlib.Path subprocess socket time datetime logging tempfile shutil random".split())


CORE |= {f"{folder}.{path.stem}" for folder in ("reading", "plans") for path in (PACKAGE / folder).glob("*.py")}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported(tree: ast.Module) -> set[str]:
    """Every module that is imported anywhere in a file, with `brengine.` left out."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("brengine.") for name in found}


def test_there_is_no_import_cycle() -> None:
    found = modules()
    edges = [(name, other) for name, tree in found.items() for other in imported(tree) & set(found) if other != name]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(edges)), nx.find_cycle(nx.DiGraph(edges))


def test_the_core_is_pure() -> None:
    found = modules()
    assert set(found) >= CORE
    for name in CORE:
        names = imported(found[name])
        assert not names & TOUCHES_THE_WORLD, name
        assert names & set(found) <= CORE, (name, names & set(found) - CORE)
        calls = {node.id for node in ast.walk(found[name]) if isinstance(node, ast.Name)}
        assert not calls & {"print", "open", "input"}, name


def test_doit_the_adapters_and_printing_have_one_place_each() -> None:
    found = modules()
    for name, tree in found.items():
        names = imported(tree)
        assert name == "doit_bridge" or not any(n == "doit" or n.startswith("doit.") for n in names), name
        if name not in ("wiring", "backing", "standing", "candidates", "promotion", "asking", "engine", "cli_doctor"):
            assert not names & ADAPTERS, (name, names & ADAPTERS)
        if not name.startswith("cli"):
            assert "click" not in names, name


def test_files_are_small_and_the_package_imports_nothing() -> None:
    assert (PACKAGE / "__init__.py").read_text() == ""
    for path in PACKAGE.rglob("*.py"):
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= 400, f"{path.name} has {lines} lines"
        functions = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)]
        for function in functions:
            assert (function.end_lineno or 0) - function.lineno < 60, f"{path.name}: {function.name}"
