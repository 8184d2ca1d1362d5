"""A person's own files in place of an answer: verified by the ordinary checks, recorded, never asked over."""

from __future__ import annotations

import time
from pathlib import Path

from model_server import declared, nonce, write_reply
from sandbox import FILES, Sandbox


def written(box: Sandbox, *names: str) -> None:
    for path, content in FILES.items():
        if any(name in path for name in names):
            box.write(path, content)


def test_own_files_are_verified_and_recorded_without_an_ask(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "project")
    written(box, "adding", "doubling", "rendering")
    adopted = box.br("adopt", "arithmetic", "reports")
    assert adopted.code == 0, adopted.out
    assert "asks        0 sent" in adopted.out and "3 of 3 done (3 verified)" in adopted.out
    assert '"adopted": true' in box.read("br.lock")
    assert "up to date" in box.br("build").out, "no key is needed, nothing is asked"
    assert box.tree() == {path: content.encode() for path, content in sorted(FILES.items())}


def test_what_does_not_pass_fails_with_its_findings_and_is_kept(box: Sandbox) -> None:
    written(box, "adding")
    box.edit("calc/adding.py", "a + b", "a - b")
    failed = box.br("adopt", "adding")
    assert failed.code == 1 and "test_add" in failed.out and "your file is kept as it is" in failed.out
    assert box.read("calc/adding.py").endswith("a - b\n") and box.asked == 0
    box.edit("calc/adding.py", "a - b", "a + b")
    assert box.br("adopt", "adding").code == 0 and box.asked == 0


def test_what_is_missing_or_needed_is_said_first(box: Sandbox) -> None:
    written(box, "doubling")
    refused = box.br("adopt", "rendering")
    assert refused.code == 3 and "calc/rendering.py, tests/test_rendering.py are not there" in refused.out
    refused = box.br("adopt", "doubling")
    assert refused.code == 3 and "arithmetic.add-adding is needed, and not built" in refused.out
    assert box.asked == 0


def test_an_edited_requirement_asks_again_unless_the_files_are_adopted_again(box: Sandbox) -> None:
    written(box, "adding", "doubling", "rendering")
    assert box.br("adopt", "arithmetic", "reports").code == 0
    box.edit("PROJECT_SPEC.md", "Adding two numbers", "Adding two whole numbers")
    assert "ask" in box.br("plan").out
    assert box.br("adopt", "adding").code == 0 and box.asked == 0
    assert "up to date" in box.br("build").out


def test_a_build_goes_on_by_itself_when_replies_are_saved(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "project")
    process = box.start("build", "--backend", "manual", "--wait")
    folder = box.root / ".br" / "manual"
    answered: set[Path] = set()
    for _ in range(600):
        for path in set(folder.glob("*.prompt.md")) - answered:
            text = path.read_text(encoding="utf-8")
            files = {name: FILES[name] for name in declared(text)}
            path.with_name(path.name.replace(".prompt.", ".reply.")).write_text(write_reply(files, nonce(text)))
            answered.add(path)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    told = process.communicate(timeout=60)[0]
    assert process.returncode == 0 and len(box.tree()) == 6, told
    assert "this goes on when it is saved" in told and "3 of 3 done (3 built)" in told
