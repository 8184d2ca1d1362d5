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
    assert answers.asked[:3] == ["plan.gather-1@1", "plan.gather-353@1", "plan.gather-699@1"]
    assert {"plan.architecture@2", "plan.fields@2", "plan.layouts@2"} <= set(answers.asked), "refused and mended"
    assert next(ask for ask in answers.asked if "review" in ask or "seams" in ask) == "plan.review@1"
    for said in (
        "rowform/fields.py#60_flag  fields.flag",
        "Surface: 23 (23 given)",
        "text-refused [chosen] (lines 282, 283, 690)",
        "Lines: 88 of 88",
        "all asks may go out at once",
        "20 of 20 tasks, 18 asks",
    ):
        assert said in planned.out, (said, planned.out)
    answers.asked.clear()
    built = box.br("build", "-j", "4")
    assert built.code == 0, built.out
    assert "20 of 20 done (20 built)" in built.out and "100 % (14 of 14 requirements verified)" in built.out
    assert len(answers.asked) == 18, "parts that were written apart fit"
    fields = box.read("rowform/fields.py")
    assert fields.index("class Field") < fields.index("class Text(Field)") < fields.index("class Repeated(Field)")
    assert "from rowform.fields" not in fields
    document = box.python("-m", "doctest", "PROJECT_SPEC.md")
    assert document.code == 0, "every example of the document, run as it stands" + document.out
    assert "up to date" in box.br("build").out
