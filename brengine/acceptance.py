"""Tests that the author of the specification wrote, in `acceptance/`: whose they are, and when they can pass. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import PurePosixPath

from brengine.domain import Feature, Plan, Task

FOLDER = "acceptance"
"""No task writes here, and no prompt shows it."""


def is_inside(path: str) -> bool:
    """True for a path of the folder."""
    return path.split("/", 1)[0].casefold() == FOLDER


def is_test(path: str) -> bool:
    """True for a file whose tests are run."""
    name = PurePosixPath(path).name
    return is_inside(path) and name.startswith("test_") and name.endswith(".py")


def feature_of(path: str, features: Iterable[Feature]) -> str:
    """The id of the feature that a file is named after (`test_reset.py`, `test_reset_mail.py`), or ""."""
    slug = PurePosixPath(path).stem.removeprefix("test_").replace("_", "-")
    named = [f.id for f in features if slug == f.id or slug.startswith(f"{f.id}-")]
    return max(named, key=len, default="")


def owners(path: str, plan: Plan) -> tuple[Task, ...]:
    """The code tasks that answer for a file's tests: those of its feature, all where it is named after none."""
    feature = feature_of(path, plan.spec.features)
    return tuple(t for t in plan.tasks if t.kind == "code" and feature in ("", t.feature))


def ready(path: str, plan: Plan, done: Container[str]) -> bool:
    """True where everything that a file's tests are about is done: before that they cannot pass."""
    feature = feature_of(path, plan.spec.features)
    own = [task for task in plan.tasks if feature in ("", task.feature)]
    return bool(own) and all(task.id in done for task in own)
