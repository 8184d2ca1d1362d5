"""A library from a long reference document, from recorded replies: gathered in parts, planned, built from regions.

How the answers came about is in docs/evidence.md.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from model_server import ModelServer
from recorded_model import Project


def test_a_long_document_is_planned_in_parts_and_built_with_one_file_of_many_tasks(
    tmp_path: Path, model: ModelServer
) -> None:
    box = Project(tmp_path / "rowform", "rowform", model)
    answers = box.answers
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
        "20 of 20 tasks to do",
        "  asks           18 and about",
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
    document = subprocess.run(
        [sys.executable, "-m", "doctest", "PROJECT_SPEC.md"],
        cwd=box.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert document.returncode == 0, f"every example of the document, run as it stands: {document.stdout}"
    assert "up to date" in box.br("build").out
