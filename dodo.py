"""Build examples/auth into build with doit. `python3 dodo.py demo` and `... test` set up all that they need."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
READY = VENV / "ready"


def enter() -> None:
    """Make .venv once, install the package with its development tools, and go on in there."""
    wanted = (ROOT / "pyproject.toml").read_text()
    if not READY.exists() or READY.read_text() != wanted:
        print("Setting up .venv (once) …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-e", f"{ROOT}[dev]"], check=True)
        READY.write_text(wanted)
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), str(Path(__file__).resolve()), *sys.argv[1:]])  # noqa: S606 - our own interpreter


if __name__ == "__main__" and Path(sys.prefix).resolve() != VENV.resolve():
    enter()

from brengine.doit_bridge import load  # noqa: E402

globals().update(load(ROOT / "examples" / "auth", out=ROOT / "build"))


def task_demo():
    """The main job: build the example from recorded replies into build/demo."""
    return {"actions": [f"{PYTHON} -m brengine demo build/demo"], "uptodate": [False], "verbosity": 2}


def task_test():
    """Lint, types, tests, coverage. Tests wait as much as they compute: three at once at least."""
    workers = max(3, os.cpu_count() or 1)
    commands = [
        "ruff check .",
        "ruff format --check .",
        "mypy",
        "coverage erase",
        f"coverage run -m pytest -n {workers} --dist worksteal",
        "coverage combine -q",
        "coverage report",
    ]
    actions = [f"{PYTHON} -m {command}" for command in commands]
    return {"actions": actions, "uptodate": [False], "verbosity": 2}


if __name__ == "__main__":
    import doit

    doit.run(globals())
