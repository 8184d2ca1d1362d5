"""What every command prints, held by golden files: a change of what people see is a change of a file.

`BR_GOLDEN=write pytest tests/test_golden.py` writes tests/golden/ anew; read the diff before it is committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from golden_scenes import STORIES, Scene
from model_server import ModelServer
from sandbox import FILES, Sandbox

from brengine.cli import br

GOLDEN = Path(__file__).parent / "golden"
WRITES = os.environ.get("BR_GOLDEN") == "write"
SECONDS = [
    (r"\b\d+\.\d+ s\b", "N s"),
    (r"( *)\b(\d+) s\b", lambda found: f"{'N':>{len(found[0]) - 2 if len(found[1]) > 1 else len(found[1]) + 1}} s"),
    (r'"seconds": [\d.]+', '"seconds": N'),
]
UNSTABLE = [
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\+00:00| UTC)", "DATE"),
    (r"python -m brengine", "br"),
    (r"(fence: |fence       |\"fence\": \")[a-z ]+(\(not whole\))?", r"\1FENCE"),
    (r'("event": "fenced", ).*\}', r"\1…}"),
    (r"note: commands run behind a fence with gaps.*\n", ""),
]
ASSUMED = "no ask or verification of this project yet"


def stable(text: str, folder: Path) -> str:
    """An output without what differs: seconds, where they were measured, dates, the folder, the fence."""
    text = text.replace(str(folder), "$DIR")
    for pattern, instead in (*(() if ASSUMED in text else SECONDS), *UNSTABLE):
        text = re.sub(pattern, instead, text)
    return text


def compared(name: str, text: str) -> str:
    """Why an output is not that of its golden file; "" where it is."""
    path = GOLDEN / f"{name}.txt"
    if WRITES:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return ""
    if not path.is_file():
        return f"{name}: there is no golden file"
    wanted = path.read_text(encoding="utf-8")
    return "" if wanted == text else f"{name} differs.\n--- golden\n{wanted}--- now\n{text}"


def commands(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command below a group, and of the group."""
    yield above
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))
        else:
            yield (*above, name)


HELP = {"-".join(("help", *words)): words for words in commands(br)}
SCENES = [step.name for steps in STORIES.values() for step in steps if isinstance(step, Scene)]


@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_told_as_before(story: str, tmp_path: Path) -> None:
    wrong = []
    with ModelServer(dict(FILES)) as model:
        box = Sandbox(tmp_path / "project", model)
        for step in STORIES[story]:
            if not isinstance(step, Scene):
                step(box)
                continue
            wrong.append(compared(step.name, stable(step.played(box), box.root)))
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_the_help_of_every_command_is_as_before(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    wrong = []
    for name, words in HELP.items():
        br.main([*words, "--help"], prog_name="br", standalone_mode=False)
        wrong.append(compared(name, f"$ {' '.join(('br', *words, '--help'))}\n{capsys.readouterr().out}"))
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_every_golden_file_is_of_one_scene() -> None:
    names = [*SCENES, *HELP]
    assert len(names) == len(set(names))
    left = {path for path in GOLDEN.iterdir() if path.stem not in names or path.suffix != ".txt"}
    for path in left if WRITES else ():
        path.unlink()
    assert WRITES or not left, "golden files of no scene"
