"""A library from a long reference document, from recorded replies: gathered in parts, planned, built from regions.

Every answer was given to one prompt at a time by somebody who had not read the document (docs/evidence.md).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_server import ModelServer
from recorded_model import Recorded
from sandbox import Ran, Sandbox

FIXTURE = Path(__file__).parent / "fixtures" / "plans" / "rowform"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


class Project(Sandbox):
    """The document alone."""

    def __init__(self, root: Path, model: ModelServer) -> None:
        super().__init__(root, model)
        shutil.rmtree(root / "rules")
        shutil.copy(FIXTURE / "PROJECT_SPEC.md", root)
        self.write("br.toml", '[plan]\nplanner = "model"\n')

    def python(self, *words: str) -> Ran:
        """Run the interpreter where the library was built."""
        ended = subprocess.run(
            [sys.executable, *words], cwd=self.root, capture_output=True, text=True, check=False, timeout=60
        )
        return Ran(ended.returncode, ended.stdout + ended.stderr)


def test_a_long_document_is_planned_in_parts_and_built_with_one_file_of_many_tasks(
    tmp_path: Path, model: ModelServer
) -> None:
    answers = Recorded(FIXTURE / "recordings")
    model.answer = answers
    box = Project(tmp_path / "rowform", model)
    planned = box.br("plan")
    assert planned.code == 0, planned.out
    print(answers.asked, planned.out)
    built = box.br("build", "-j", "4")
    assert built.code == 0, built.out
    print(built.out)
