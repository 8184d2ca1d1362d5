"""Interactive mode: nothing is sent that a person has not approved, nothing is tried that they have not seen."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from model_server import ModelServer
from sandbox import FILES, Ran, Sandbox
from terminal import to_end


def attended(box: Sandbox, *answers: str, editor: str = "", targets: tuple[str, ...] = ()) -> Ran:
    env = {"EDITOR": editor, "VISUAL": editor} if editor else {}
    return box.br("run", "--interactive", *targets, stdin="".join(f"{answer}\n" for answer in answers), env=env)


def test_a_batch_is_sent_when_it_is_approved_and_tried_when_it_is_accepted(box: Sandbox) -> None:
    built = attended(box, "s", "a", "s", "a")
    assert built.code == 0 and box.asked == 2 and len(box.tree()) == 6, built.out
    assert re.search(r"Add adding, Add doubling: at most \d,\d{3} tokens to send, about \$0\.\d{3} with", built.out)
    assert "+++ calc/adding.py" in built.out and "+    return a + b" in built.out


def test_nothing_is_sent_before_that_and_what_is_left_is_skipped(box: Sandbox) -> None:
    left = attended(box, "p", "l", "q")
    assert left.code == 1 and box.asked == 0 and box.tree() == {}, left.out
    assert "contracts to define, exactly:" in left.out, "the prompt was printed"
    assert left.out.count("not asked for: you left it alone") == 1 and "needs arithmetic.add-adding" in left.out
    quit_at_once = attended(box)
    assert quit_at_once.code == 1 and "not asked for: you quit" in quit_at_once.out and box.asked == 0
    assert quit_at_once.out.count("Send it?") == 1 and "Traceback" not in quit_at_once.out


def test_an_answer_is_asked_for_again_with_a_note(box: Sandbox, model: ModelServer) -> None:
    built = attended(box, "s", "r", "use no abbreviations", "s", "a", targets=("arithmetic",))
    assert built.code == 0 and box.asked == 2, built.out
    assert "use no abbreviations" in model.prompts[1] and "use no abbreviations" not in model.prompts[0]


def test_prompt_and_reply_can_be_edited(box: Sandbox, model: ModelServer, tmp_path: Path) -> None:
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys\npath = sys.argv[1]\ntext = open(path).read()\n"
        "prompt = '<task' in text\n"
        "text = 'Be brief.\\n' + text if prompt else text.replace('return a + b', 'return b + a')\n"
        "open(path, 'w').write(text)\n"
    )
    built = attended(box, "e", "s", "e", "a", editor=f"{sys.executable} {script}", targets=("arithmetic",))
    assert built.code == 0 and box.asked == 1, built.out
    assert model.prompts[0].startswith("Be brief.")
    assert box.read("calc/adding.py") == FILES["calc/adding.py"].replace("a + b", "b + a")
    assert "up to date" in box.br("build", "arithmetic").out


def test_a_refused_answer_is_set_aside_and_asked_for_anew_later(box: Sandbox) -> None:
    left = attended(box, "s", "l", targets=("arithmetic",))
    assert left.code == 1 and box.asked == 1 and box.tree() == {}, left.out
    assert box.br("build", "arithmetic").code == 0 and box.asked == 2


def test_a_repair_is_approved_too(box: Sandbox, model: ModelServer) -> None:
    model.files = {**FILES, "calc/adding.py": "def add(a: int, b: int) -> int:\n    return a - b\n"}
    left = attended(box, "s", "a", "l", targets=("adding",))
    assert left.code == 1 and box.asked == 1, left.out
    assert "Add adding, attempt 2: at most" in left.out and "you left its repair alone" in left.out


@pytest.mark.parametrize("plain", ["", "1"])
def test_the_diff_is_coloured_at_a_terminal_unless_that_is_not_wanted(box: Sandbox, plain: str) -> None:
    above, below = pty.openpty()
    command = [sys.executable, "-m", "brengine", "run", "--interactive", "arithmetic"]
    env = box.environ({"TERM": "xterm-256color", "NO_COLOR": plain})
    process = subprocess.Popen(command, cwd=box.root, env=env, stdin=below, stdout=below, stderr=below)
    os.close(below)
    os.write(above, b"s\nq\n")
    text = to_end(above).decode("utf-8", "replace")
    assert process.wait(60) == 1 and "+    return a + b" in text, text
    assert ("\x1b[32m" in text) is not bool(plain), "without colour, + and - still tell"
    assert ("\x1b[" in text) is not bool(plain)
