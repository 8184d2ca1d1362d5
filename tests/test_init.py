"""`br init`: templates that pass their own check, flags, the wizard at a terminal, adoption of code that is there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox import Sandbox

from brengine import starting


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    made = Sandbox.__new__(Sandbox)
    made.root, made.model = tmp_path / "shop", None
    made.root.mkdir()
    return made


@pytest.mark.parametrize("kind", starting.KINDS)
def test_every_template_passes_its_own_check_and_plans(kind: str, box: Sandbox) -> None:
    assert box.br("init", "--template", kind).code == 0
    checked = box.br("spec", "check")
    assert checked.code == 0 and "0 errors, 0 warnings" in checked.out
    planned = box.br("plan")
    assert planned.code == 0 and re.search(r"^(\d+) of \1 tasks to do$", planned.out, re.MULTILINE)
    assert "  dollars        about $" in planned.out


@pytest.mark.parametrize("language", ["python", "typescript", "javascript", "Rust, tokio"])
def test_flags_say_everything(language: str, box: Sandbox) -> None:
    made = box.br(
        *("init", "--name", "Tide Board", "--template", "library", "--language", language),
        *("--feature", "Gauge: reads a line; refuses another", "--feature", "Board"),
        *("--criterion", "A gap is shown", "--yes"),
    )
    assert made.code == 0 and "Extracted 2 features: Gauge, Board" in made.out
    text = box.read("PROJECT_SPEC.md")
    assert "- Gauge\n  - reads a line\n  - refuses another\n- Board\n  - Board\n" in text
    assert "## Acceptance Criteria\n\n- A gap is shown\n" in text and "{" not in text.replace("{id}", "")
    assert box.br("spec", "check").code == 0


def test_code_that_is_there_is_context_and_none_of_it_is_changed(box: Sandbox) -> None:
    mine = {"dodo.py": "# mine\n", "src/app.py": "x = 1\n", "src/b.py": "", ".gitignore": "*.pyc", "README.md": "hi\n"}
    for path, text in mine.items():
        box.write(path, text)
    (box.root / ".git").mkdir()
    made = box.br("init")
    assert "kept  dodo.py" in made.out and "Keep .br/ out of git" in made.out
    assert "3 files found here: context of the specification, not changed." in made.out
    assert {path: box.read(path) for path in mine} == mine
    assert "## Existing Code" in box.read("PROJECT_SPEC.md") and "- `src/` (2 files)" in box.read("PROJECT_SPEC.md")
    assert box.br("spec", "check").code == 0
    assert "added .br/" in box.br("init", "--yes").out and box.read(".gitignore") == "*.pyc\n.br/\n"
    assert ".gitignore" not in box.br("init", "--yes").out


def test_the_wizard_asks_for_what_is_not_said(box: Sandbox) -> None:
    above, below = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "brengine", "init"],
        cwd=box.root,
        env=box.environ(),
        stdin=below,
        stdout=below,
        stderr=below,
    )
    os.close(below)
    answers = iter(
        [
            (b"Name of the project", b"Ferry\n"),
            (b"Kind", b"cli\n"),
            (b"Language", b"\n"),
            (b"Feature:", b"Board\n"),
            (b"it must", b"show the next tide\n"),
            (b"it must", b"\n"),
            (b"Feature:", b"\n"),
            (b"Accepted when", b"a gap is shown\n"),
            (b"Accepted when", b"\n"),
        ]
    )
    seen, wanted = b"", next(answers, None)
    while True:
        if wanted and wanted[0] in seen:
            os.write(above, wanted[1])
            seen, wanted = b"", next(answers, None)
        try:
            chunk = os.read(above, 1024)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    assert process.wait() == 0
    text = box.read("PROJECT_SPEC.md")
    assert text.startswith("# Ferry\n") and "- Board\n  - show the next tide\n" in text and "- a gap is shown" in text
    assert box.br("spec", "check").code == 0


def test_a_specification_is_found_where_others_keep_it(box: Sandbox) -> None:
    box.write(".buildrunner/PROJECT_SPEC.md", "# A\n\n## Features\n\n- Search\n  - by name\n")
    assert "Extracted 1 feature: Search" in box.br("spec", "check").out
    box.write("br.toml", '[project]\nspec = "docs/spec.md"\n')
    missing = box.br("spec", "check")
    assert missing.code == 3 and "there is no specification at docs/spec.md" in missing.out


def test_what_is_no_text_is_told_with_its_place(box: Sandbox) -> None:
    (box.root / "x.md").write_bytes(b"# A\n\n\xff\xfe\x00")
    text = box.br("spec", "check", "x.md")
    assert text.code == 3 and "x.md:3:1" in text.out and "Traceback" not in text.out
    found = box.br("spec", "check", "x.md", "--format", "json")
    assert found.code == 3 and '"rule": "not-utf8"' in found.out and '"line": 3' in found.out
    assert box.br("spec", "check", "none.md").code == 3 and box.br("spec", "check", ".").code == 3


def test_coverage_says_what_became_of_every_line(box: Sandbox) -> None:
    box.write("PROJECT_SPEC.md", "# A\n\nWhat it is.\n\n## Features\n\n- Search\n  - by name\n\n## Future\n\n- Fax\n")
    out = box.br("spec", "check", "--coverage").out
    for row in ("8  requirement  Search", "7  feature      Search", "5  container    Features"):
        assert row in out
    assert "10–13  ignored      Future: for later" in out


def test_requirements_and_tasks_are_listed_both_ways(box: Sandbox) -> None:
    box.write("PROJECT_SPEC.md", "# A\n\n## Features\n\n- Search\n  - by name\n")
    out = box.br("spec", "analyze", "--matrix").out
    assert "line 6: by name → search.implement-search" in out
    assert "search.implement-search → search/by-name" in out


def test_wrong_calls_are_told_and_the_language_is_that_of_the_code(box: Sandbox) -> None:
    box.write("x", "")
    for arguments in (["init", "x"], ["init", "--feature", ""], ["spec", "check", "none.md", "--format", "json"]):
        ran = box.br(*arguments)
        assert ran.code == 3 and "Traceback" not in ran.out, arguments
    assert '"rule": "unreadable"' in ran.out
    box.write("src/a.ts", "")
    box.write("package.json", "{}")
    box.br("init", "-y")
    assert "TypeScript" in box.read("PROJECT_SPEC.md")
