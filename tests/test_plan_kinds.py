"""Plans of other kinds of project than libraries and command lines, from recorded answers over a loopback server.

Planned only: building what is not Python has to wait until something verifies it.
"""

from __future__ import annotations

from pathlib import Path

from model_server import ModelServer
from recorded_model import Project


def test_a_service_in_python_with_a_page_in_typescript(tmp_path: Path, model: ModelServer) -> None:
    box = Project(tmp_path / "tallyboard", "tallyboard", model)
    planned = box.br("plan")
    assert planned.code == 0, planned.out
    asked = ["plan.architecture@1", "plan.review@1", "plan.seams@1", "plan.seams@2"]
    assert box.answers.asked == asked, "the review's findings are mended, and what the judges find in that as well"
    for said in (
        "plan.seams: 5 findings, which the architect mends:",
        "plan.seams: 1 finding, which the architect mends:",
        "the limit is 4,000: covered lines",
        "endpoint GET /api/polls/{id}/events",
        "command  tallyboard [--port PORT]  [given] packaging.main",
        "web/src/tally.ts  board.tally",
        "export interface PollView { ",
        "tests/test_votes.py",
        "web/src/view.test.ts",
        "Lines: 20 of 20",
        "all asks may go out at once",
        "5 tasks are in typescript: they can be planned, and not yet verified or built",
    ):
        assert said in planned.out, (said, planned.out)
    files = box.read("plan/packaging.yaml")
    assert "pyproject.toml" in files and "web/package.json" in files and "package-lock.json" not in files
    assert "12 of 17 tasks that are not complex are in batches of 2–3" in box.br("plan", "--batches").out
    assert "5 plan files: 0 errors, 0 warnings" in box.br("plan", "--check").out
    again = box.br("plan")
    assert len(box.answers.asked) == 4 and "mends" not in again.out, "a plan that is there is not asked for again"


def test_a_service_over_http(tmp_path: Path, model: ModelServer) -> None:
    box = Project(tmp_path / "shelfmark", "shelfmark", model)
    planned = box.br("plan")
    assert planned.code == 0, planned.out
    assert box.answers.asked == ["plan.architecture@1", "plan.review@1", "plan.seams@1"]
    for said in (
        "endpoint POST /loans",
        "Lines: 22 of 22",
        "all asks may go out at once",
    ):
        assert said in planned.out, (said, planned.out)
    assert "0 errors, 0 warnings" in box.br("plan", "--check").out
