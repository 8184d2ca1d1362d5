"""A command line from a requirements document with data files and exact output texts, from recorded replies.

The document contradicts itself on rounding, and is silent on streams and on empty files: all three are rulings. The
replies show that the machinery works from plan to installation, not that the prompts suffice: docs/evidence.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_server import ModelServer
from recorded_model import Recorded
from sandbox import Ran, Sandbox

FIXTURE = Path(__file__).parent / "fixtures" / "plans" / "postage"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


class Project(Sandbox):
    """The document and its data, without rules of its own."""

    def __init__(self, root: Path, model: ModelServer) -> None:
        super().__init__(root, model)
        shutil.rmtree(root / "rules")
        shutil.copytree(FIXTURE, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("recordings"))
        self.write("br.toml", '[plan]\nplanner = "model"\n')

    def parcel(self, *words: str) -> Ran:
        """Run what was built."""
        command = [sys.executable, "-m", "parcel", *words]
        ended = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=60)
        return Ran(ended.returncode, ended.stdout + ended.stderr)


def test_planned_built_verified_and_an_edit_asks_for_what_it_touches(tmp_path: Path, model: ModelServer) -> None:
    answers = Recorded(FIXTURE / "recordings")
    model.answer = answers
    box = Project(tmp_path / "postage", model)
    planned = box.br("plan")
    assert planned.code == 0, planned.out
    assert answers.asked == ["plan.architecture@1", "plan.review@1"]
    for said in (
        "rounding [chosen] (lines 39, 40, 97, 144)",
        "streams [invented]",
        "empty-batch [invented]",
        "Lines: 104 of 104",
        "Literals: 56 of 56",
        "parcel = parcel.cli:main  [given] command-line.main",
        "all asks may go out at once",
        "11 of 11 tasks, 7 asks",
    ):
        assert said in planned.out, said
    architecture = model.prompts[0]
    assert "data data/rates.csv, 252 records; columns zone: number 1 to 8" in architecture
    built = box.br("build", "-j", "4")
    assert built.code == 0, built.out
    assert "11 of 11 done (11 built)" in built.out and "100 % (20 of 20 requirements verified)" in built.out
    assert len(answers.asked) == 2 + 7
    assert box.parcel("quote", "--to", "NO", "--weight", "1200").out.endswith("Total EUR                    14.27\n")
    assert box.parcel("quote", "--to", "XX", "--weight", "1").out == "error: unknown country 'XX'\n"
    assert "Tests hold" in box.br("plan", "--ledger").out
    _edited(box, answers)


def _edited(box: Project, answers: Recorded) -> None:
    """One requirement and the example that restates it: one small ask for the plan, one for each task that holds it."""
    box.edit("PROJECT_SPEC.md", "From 10 priced parcels on", "From 12 priced parcels on")
    figures = "parcels of 1500 g to AU, standard, have the subtotal {}, the discount {} and the total {}; {} have"
    old = "Ten " + figures.format("358.90", "-17.95", "340.95", "nine")
    box.edit("PROJECT_SPEC.md", old, "Twelve " + figures.format("430.68", "-21.53", "409.15", "eleven"))
    answers.asked.clear()
    built = box.br("build")
    assert built.code == 0, built.out
    assert answers.asked == ["plan.changes@1", "batch-quoting.table@1", "project.integration@1"]
    assert "2 built" in built.out and "100 % (20 of 20 requirements verified)" in built.out
    assert "97| - From 12 priced parcels on" in box.read("plan/batch-quoting.yaml")
    assert "Everything is up to date" in box.br("build").out


def test_what_was_built_can_be_installed(tmp_path: Path, model: ModelServer) -> None:
    model.answer = Recorded(FIXTURE / "recordings")
    box = Project(tmp_path / "postage", model)
    assert box.br("build", "-j", "4").code == 0
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps"]
    tools = env | {"PYTHONPATH": sysconfig.get_path("purelib")}
    installed = subprocess.run([*pip, "--no-index", "-e", str(box.root)], env=tools, capture_output=True, check=False)
    assert installed.returncode == 0, installed.stderr.decode()
    command = [tmp_path / "venv" / "bin" / "parcel", "zones"]
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and ended.stdout.splitlines()[1] == "1             1     31500     31500"
