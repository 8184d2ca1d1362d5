"""Short ways to make domain values in tests."""

from __future__ import annotations

from collections.abc import Iterable

from brengine.domain import Contract, Cover, Need, Task
from brengine.source import Span
from brengine.verdict import Evidence, Record


def task(name: str, *, needs: Iterable[str] = (), feature: str = "f", **fields: object) -> Task:
    """A code task with one target and one test, named after itself."""
    slug = name.replace("-", "_")
    values: dict[str, object] = {
        "kind": "code",
        "targets": (f"pkg/{slug}.py",),
        "tests": (f"tests/test_{slug}.py",),
        "layer": "Layer",
        "complexity": "simple",
    }
    values |= fields
    edges = tuple(Need(need if "." in need else f"{feature}.{need}") for need in needs)
    return Task(id=f"{feature}.{name}", name=name, feature=feature, needs=edges, **values)  # type: ignore[arg-type]


def cover(text: str, requirement: str = "", line: int = 1) -> Cover:
    """A covered spec line."""
    return Cover(Span(line), text, requirement)


def contract(name: str, path: str = "pkg/a.py", text: str = "def f() -> int") -> Contract:
    """A contract."""
    return Contract(name, path, text)


def record(of: Task, ask: dict[str, str], verify: dict[str, str], outputs: dict[str, str], **fields: object) -> Record:
    """A record with passing evidence."""
    return Record(
        of.id,
        of.name,
        tuple(sorted(ask.items())),
        tuple(sorted(verify.items())),
        tuple(sorted(outputs.items())),
        fields.pop("evidence", (Evidence("tests", "passed", executed=1),)),  # type: ignore[arg-type]
        **fields,  # type: ignore[arg-type]
    )
