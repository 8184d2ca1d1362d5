"""A command line from a requirements document with data files and exact output texts, from recorded replies.

The document contradicts itself on rounding, and is silent on streams and on case: all are rulings. How the answers came
about is in docs/evidence.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from model_server import ModelServer, declared
from recorded_model import Project, Recorded
from sandbox import Ran


class Parcel(Project):
    """The document and its data."""

    def __init__(self, root: Path, model: ModelServer) -> None:
        super().__init__(root, "postage", model)

    def parcel(self, *words: str) -> Ran:
        """Run what was built."""
        command = [sys.executable, "-m", "parcel", *words]
        ended = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=60)
        return Ran(ended.returncode, ended.stdout + ended.stderr)


def test_planned_built_verified_installed_and_an_edit_asks_for_what_it_touches(
    tmp_path: Path, model: ModelServer
) -> None:
    box = Parcel(tmp_path / "postage", model)
    answers = box.answers
    planned = box.br("plan")
    assert planned.code == 0, planned.out
    mended = ["plan.architecture@1", "plan.architecture@2", "plan.review@1", "plan.seams@1", "plan.seams@2"]
    assert answers.asked == mended, "refused, mended, reviewed, mended, too large by that, mended"
    for said in (
        "the prompt of command-line.main must hold 4,193 tokens, the limit is 4,000: covered lines",
        "the ruling rounding points at 'line 40'",
        "rounding [chosen] (lines 39, 40, 97, 144)",
        "exact-case [invented]",
        "Lines: 104 of 104",
        "Literals: 54 of 54",
        "all asks may go out at once",
        "15 of 15 tasks to do",
        "  asks           12 and about",
    ):
        assert said in planned.out, said
    architecture = model.prompts[0]
    assert "data data/rates.csv, 252 records; columns zone: number 1 to 8" in architecture
    built = box.br("build", "-j", "4")
    assert built.code == 0, built.out
    assert "15 of 15 done (15 built)" in built.out and "100 % (20 of 20 requirements verified)" in built.out
    assert "12 sent" in built.out and "repairs" not in built.out, "parts that were written apart fit"
    assert len(answers.asked) == len(mended) + 12
    assert box.parcel("quote", "--to", "NO", "--weight", "1200").out.endswith("Total EUR                    14.27\n")
    assert box.parcel("quote", "--to", "XX", "--weight", "1").out == "error: unknown country 'XX'\n"
    assert "Tests hold" in box.br("plan", "--ledger").out
    _installed(box, tmp_path)
    _edited(box, model)


def _installed(box: Parcel, tmp_path: Path) -> None:
    """What was built is installed with pip, and its command runs from anywhere."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps"]
    tools = env | {"PYTHONPATH": sysconfig.get_path("purelib")}
    installed = subprocess.run([*pip, "--no-index", "-e", str(box.root)], env=tools, capture_output=True, check=False)
    assert installed.returncode == 0, installed.stderr.decode()
    command = [tmp_path / "venv" / "bin" / "parcel", "zones"]
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and ended.stdout.splitlines()[1] == "1             1     31500     31500"


def _edited(box: Parcel, model: ModelServer) -> None:
    """One requirement and the example that restates it: one small ask for the plan, one for each task that holds it."""
    answers = Recorded(box.fixture / "edited")
    model.answer = answers
    box.edit("PROJECT_SPEC.md", "From 10 priced parcels on", "From 12 priced parcels on")
    figures = "parcels of 1500 g to AU, standard, have the subtotal {}, the discount {} and the total {}; {} have"
    old = "Ten " + figures.format("358.90", "-17.95", "340.95", "nine")
    box.edit("PROJECT_SPEC.md", old, "Twelve " + figures.format("430.68", "-21.53", "409.15", "eleven"))
    shown = box.br("plan").out
    assert "Since the last plan\n  ~ batch-quoting.table: covered lines, acceptance\n" in shown, shown
    built = box.br("build")
    assert built.code == 0, built.out
    assert answers.asked == ["plan.changes@1", "batch-quoting.table@1", "batch-quoting.integration@1"]
    assert "2 built, 3 verified" in built.out and "100 % (20 of 20 requirements verified)" in built.out, built.out
    assert "97| - From 12 priced parcels on" in box.read("plan/batch-quoting.yaml")
    assert "Everything is up to date" in box.br("build").out


def test_an_author_who_lacks_a_contract_asks_for_it_and_the_plan_is_amended(tmp_path: Path, model: ModelServer) -> None:
    """A person took a need out of the plan by mistake; nobody is asked for what the plan knows anyway."""
    box = Parcel(tmp_path / "postage", model)
    answers, lacking = box.answers, Recorded(box.fixture / "lacking")

    def answer(prompt: str, server: ModelServer) -> str:
        lacks = "parcel/batch_rows.py" in declared(prompt) and "def price_parcel(" not in prompt
        return (lacking if lacks else answers)(prompt, server)

    model.answer = answer
    assert box.br("plan").code == 0
    rows = box.read("plan/batch-quoting.yaml").partition("  - id: batch-quoting.table")
    box.write(
        "plan/batch-quoting.yaml", "".join((rows[0].replace("uses: [Quote, price_parcel]", "uses: [Quote]"), *rows[1:]))
    )
    built = box.br("build", "batch-quoting.rows")
    assert built.code == 0, built.out
    assert lacking.asked == ["batch-quoting.rows@1"] and answers.asked.count("batch-quoting.rows@1") == 1
    assert "NEED price_parcel: the signature" in built.out
    assert "batch-quoting.rows needs price_parcel: its owner is known, nobody is asked" in built.out
    assert "uses: [Quote, price_parcel]" in box.read("plan/batch-quoting.yaml").partition("batch-quoting.table")[0]
    assert "6 of 6 done" in built.out
