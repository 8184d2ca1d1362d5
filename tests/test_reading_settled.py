"""An unsure reading: offered with its confidence, accepted, read again by a model over the real SDK, or refused."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_server import ModelServer
from sandbox import Sandbox
from terminal import to_end

from brengine.reading import second
from brengine.reading.options import Lined, Options, Settled, with_settled
from brengine.source import Source

READINGS = Path(__file__).parent / "fixtures" / "readings"
UNSURE = """\
# Shop

## Development Phases

### Phase 1: Catalogue
- Search by name

### Phase 2: Basket
- Add and remove goods
"""


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = Sandbox(tmp_path / "shop")
    made.br("init")
    made.write("PROJECT_SPEC.md", UNSURE)
    return made


# --- offline ------------------------------------------------------------------------------------------------------


def test_an_unsure_reading_is_offered_with_its_confidence_and_stops(box: Sandbox) -> None:
    checked = box.br("spec", "check")
    assert checked.code == 3 and "not sure how to read it: 2 features from" in checked.out
    found = json.loads(box.br("spec", "check", "--format", "json").out)
    assert found["status"] == "ask" and 0 < found["confidence"] < 0.7
    assert [feature["name"] for feature in found["features"]] == ["Phase 1: Catalogue", "Phase 2: Basket"]
    for command in (["plan"], ["spec", "analyze"], ["build", "--backend", "manual"], ["status"]):
        stopped = box.br(*command)
        assert stopped.code == 3 and "--accept-reading takes it so" in stopped.out, command
    assert "not sure how to read it" in box.doit("list").out


def test_an_accepted_reading_is_remembered_and_a_plan_accepts_for_once(box: Sandbox) -> None:
    assert box.br("plan", "--accept-reading").code == 0
    assert box.br("plan").code == 3, "a plan writes nothing"
    assert box.br("build", "--backend", "manual", "--accept-reading").code == 1
    assert box.br("plan").code == 0 and box.doit("list").code == 0
    box.write("PROJECT_SPEC.md", UNSURE + "- Empty it\n")
    assert box.br("plan").code == 0, "an edit asks no question again"
    assert json.loads(box.read("br.lock"))["reading"] == {"how": json.loads(box.read("br.lock"))["reading"]["how"]}


def test_br_toml_settles_a_reading_and_a_way_that_is_not_there_is_said(box: Sandbox) -> None:
    how = json.loads(box.br("spec", "check", "--format", "json").out)["how"]
    box.write("br.toml", f"[spec]\nreading = '{how}'\n")
    assert box.br("spec", "check").code == 0
    box.write("br.toml", "[spec]\nreading = 'list items of \"Features\"'\n")
    other = box.br("spec", "check")
    assert other.code == 3 and "unknown-reading" in other.out


def test_at_a_terminal_the_question_is_asked_and_the_answer_kept(box: Sandbox) -> None:
    above, below = pty.openpty()
    command = [sys.executable, "-m", "brengine", "build", "--backend", "manual"]
    process = subprocess.Popen(command, cwd=box.root, env=box.environ(), stdin=below, stdout=below, stderr=below)
    os.close(below)
    text = b""
    while b"Which way is right" not in text:
        text += os.read(above, 4096)
    os.write(above, b"1\n")
    text += to_end(above)
    assert process.wait() == 1 and b"Remembered." in text
    assert box.br("plan").code == 0


# --- a second reader ----------------------------------------------------------------------------------------------


def recorded(prompt: str, server: ModelServer) -> str:
    """The answer that a model really gave to this prompt, by the document in it and by whether one was refused."""
    documents = {path.stem: path.read_text(encoding="utf-8").split("\n") for path in READINGS.glob("*.md")}
    (name,) = [name for name, lines in documents.items() if all(line[:200] in prompt for line in lines)]
    number = 2 if "was refused" in prompt else 1
    return (READINGS / f"{name}.{number}.reply.txt").read_text(encoding="utf-8")


NAMES = {
    "outline": ["the board itself", "reading the gauge", "the crews' phones", "closing the ramp by hand"],
    "table": ["Catalogue", "Lending desk", "Returns", "Yearly report"],
    "letter": ["knowing who comes", "the scores", "Money"],
    "chinese": ["登记图书", "借书和还书", "盘点"],
    "hall": [
        *("Entrance counter", "Quiet rooms", "Loud speaker", "Water report", "Lost property", "Course lists"),
        *("Lockers", "Shift plan", "Repairs"),
    ],
}


@pytest.mark.parametrize("name", list(NAMES))
def test_a_second_reader_reads_an_odd_document_and_is_asked_once(name: str, tmp_path: Path) -> None:
    with ModelServer(answer=recorded) as model:
        box = Sandbox(tmp_path / "shop", model)
        box.write("PROJECT_SPEC.md", (READINGS / f"{name}.md").read_text(encoding="utf-8"))
        if (
            name == "hall"
        ):  # a project's own template that leaves the numbers out: the first answer points at wrong lines
            box.write("prompts/reading.j2", (READINGS / "prompts" / "reading.j2").read_text(encoding="utf-8"))
        assert box.br("spec", "check").code == 3 and box.asked == 0, "no model is asked unless told to"
        found = json.loads(box.br("spec", "check", "--second-reader", "--format", "json").out)
        assert (found["status"], [f["name"] for f in found["features"]]) == ("read", NAMES[name])
        lines = (READINGS / f"{name}.md").read_text(encoding="utf-8").split("\n")
        assert all(second._names(f["name"], lines[f["line"] - 1]) for f in found["features"])
        assert all(f["requirements"] for f in found["features"])
        asked = box.asked
        assert asked == (2 if name == "hall" else 1)
        assert box.br("spec", "check").code == 0 and box.br("spec", "check", "--second-reader").code == 0
        assert box.br("plan").code == 0 and box.asked == asked, "the answer is kept, and keyed on the text"
        box.write("PROJECT_SPEC.md", "\n".join(["One line more.", *lines]))
        assert box.br("spec", "check").code == 3, "for another text it says nothing"


def test_a_build_asks_a_second_reader_by_itself_and_says_what_it_said(tmp_path: Path) -> None:
    with ModelServer(answer=lambda prompt, server: recorded(prompt, server) if "=== " in prompt else None) as model:
        box = Sandbox(tmp_path / "shop", model)
        box.write("PROJECT_SPEC.md", (READINGS / "letter.md").read_text(encoding="utf-8"))
        built = box.br("build")
        assert (
            "a second reader (the model) said:" in built.out and "Extracted 3 features: knowing who comes" in built.out
        )
        box.write("PROJECT_SPEC.md", UNSURE)
        box.write("br.toml", "[spec]\nsecond_reader = false\n")
        before = box.asked
        assert box.br("build").code == 3 and box.asked == before


def test_wrong_lines_twice_are_refused_and_the_question_stays(tmp_path: Path) -> None:
    wrong = (READINGS / "hall.1.reply.txt").read_text(encoding="utf-8")
    with ModelServer(answer=lambda prompt, server: wrong) as model:
        box = Sandbox(tmp_path / "shop", model)
        box.write("PROJECT_SPEC.md", (READINGS / "hall.md").read_text(encoding="utf-8"))
        refused = box.br("spec", "check", "--second-reader")
        assert refused.code == 3 and model.prompts[1].count("was refused") == 1
        assert "the second reader was refused: FEATURE 59-108: Quiet rooms: line 59 is empty" in refused.out
        assert box.br("spec", "check").code == 3


def test_a_file_elsewhere_is_read_without_settling_the_project(tmp_path: Path) -> None:
    with ModelServer(answer=recorded) as model:
        box = Sandbox(tmp_path / "shop", model)
        other = str(READINGS / "table.md")
        assert box.br("spec", "check", other, "--second-reader").code == 0
        assert box.br("spec", "check", other).code == 3 and box.br("spec", "check").code == 0


TEXT = Source("x.md", "# T\n\nOne thing\nits lines\n\nAnother thing\nmore\n")


@pytest.mark.parametrize(
    ("reply", "finding"),
    [
        ("FEATURE 3-4: One thing\nFEATURE 6-7: Another thing\nEND 2", ""),
        ("NOTHING: it is a shopping list\nEND 0", ""),
        ("FEATURE 3-4: One thing\nEND 2", "must end with `END 1`"),
        ("FEATURE 3-4: One thing", "must end with `END 1`"),
        ("FEATURE 3-9: One thing\nEND 1", "the text has lines 1 to 8"),
        ("FEATURE 4-3: One thing\nEND 1", "the text has lines 1 to 8"),
        ("FEATURE 5-6: Another thing\nEND 1", "line 5 is empty"),
        ("FEATURE 4-4: One thing\nEND 1", "line 4 does not name it"),
        ("FEATURE 3-6: One thing\nFEATURE 6-7: Another thing\nEND 2", "lines 6-6 are in 'One thing' and in"),
        ("I see two features.", "it must give FEATURE lines"),
        ("NOTHING: no\nFEATURE 3-4: One thing\nEND 1", "or one NOTHING line"),
    ],
)
def test_what_a_second_reader_says_is_checked_against_the_text(reply: str, finding: str) -> None:
    found = second.check(reply, "end_turn", TEXT).findings
    assert (not found) if not finding else any(finding in text for text in found)
    assert second.check(reply, "max_tokens", TEXT).findings


@given(st.text(max_size=400))
def test_any_reply_of_a_second_reader_is_survived(reply: str) -> None:
    answer = second.check(reply, "end_turn", TEXT)
    for row in () if answer.findings else answer.lined:
        assert 1 <= row.line <= row.end_line <= len(TEXT.lines)


def test_what_was_settled_holds_for_its_text_and_br_toml_wins() -> None:
    lined = Settled("a second reader", "digest", (Lined("a", 1, 2),), "")
    assert with_settled(Options(), lined, "digest").lined and not with_settled(Options(), lined, "other").lined
    assert with_settled(Options(), Settled("phases"), "any").reading == "phases"
    assert with_settled(Options(reading="mine"), lined, "digest").lined == ()


def test_another_file_in_the_project_knows_nothing_of_its_lock(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "shop")
    box.write("br.lock", '{"version": 1, "ids": {"kept": {"x": "y"}}, "names": {"kept": "Arithmetics"}, "tasks": {}}')
    assert "renamed" in box.br("spec", "check").out
    box.write("other.md", box.read("PROJECT_SPEC.md"))
    assert "renamed" not in box.br("spec", "check", "other.md").out
