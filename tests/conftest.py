"""Fixtures shared by the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from model_server import ModelServer
from sandbox import FILES, STARTED, Sandbox

settings.register_profile("br", deadline=None)  # a loaded machine is no failure
settings.load_profile("br")


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Commands that a test started end with it, and their pipes are closed."""
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model that answers with the right files."""
    with ModelServer(dict(FILES)) as server:
        yield server


@pytest.fixture
def box(tmp_path: Path, model: ModelServer) -> Sandbox:
    """A project with three tasks in two batches, asking that model."""
    return Sandbox(tmp_path / "project", model)
