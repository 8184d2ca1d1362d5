"""A throw-away project with its own rules, driven through the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_server import ModelServer
from zygote import Zygote

ZYGOTE = Zygote()
STARTED: list[subprocess.Popen[str]] = []
"""Commands that a test started and may have left."""

SPEC = """\
# Calc

## Tech Stack

- Python, standard library only

## Features

- Arithmetic
  - Adding two numbers
  - Doubling a number
- Reports {needs=arithmetic}
  - Rendering a sum as text
"""

RULES = """\
pack: calc
version: 1
layers: {core: Core layer, top: Top layer}
rules:
  - id: adding
    when: {kind: each-requirement, requirement: [adding]}
    task: {name: Add adding, kind: code, layer: core, domain: backend, complexity: simple, minutes: 60,
      done: Adding added, targets: [calc/adding.py], tests: [tests/test_adding.py], covers: match,
      defines: [{name: add, text: "def add(a: int, b: int) -> int"}]}
  - id: doubling
    when: {kind: each-requirement, requirement: [doubling]}
    task: {name: Add doubling, kind: code, layer: core, domain: backend, complexity: simple, minutes: 60,
      done: Doubling added, targets: [calc/doubling.py], tests: [tests/test_doubling.py], covers: match,
      needs: [{rule: adding, uses: [add]}], defines: [{name: double, text: "def double(a: int) -> int"}]}
  - id: rendering
    when: {kind: each-requirement, requirement: [rendering]}
    task: {name: Add rendering, kind: code, layer: top, domain: backend, complexity: simple, minutes: 60,
      done: Rendering added, targets: [calc/rendering.py], tests: [tests/test_rendering.py], covers: match,
      defines: [{name: render, text: "def render(a: int, b: int) -> str"}]}
"""

FILES = {
    "calc/adding.py": "def add(a: int, b: int) -> int:\n    return a + b\n",
    "tests/test_adding.py": "from calc.adding import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n",
    "calc/doubling.py": "from calc.adding import add\n\n\ndef double(a: int) -> int:\n    return add(a, a)\n",
    "tests/test_doubling.py": "from calc.doubling import double\n\n\ndef test_double():\n    assert double(4) == 8\n",
    "calc/rendering.py": "from calc.adding import add\n\n\ndef render(a: int, b: int) -> str:\n"
    '    return f"{a} + {b} = {add(a, b)}"\n',
    "tests/test_rendering.py": "from calc.rendering import render\n\n\ndef test_render():\n"
    '    assert render(1, 2) == "1 + 2 = 3"\n',
}


@dataclass(frozen=True)
class Ran:
    """How a command ended, with both streams as text."""

    code: int
    out: str


class Sandbox:
    """A project folder and a model; `br` runs the command line in a process of its own."""

    measured = True
    """False where coverage of the commands is not wanted: long runs whose lines shorter tests cover."""

    def __init__(self, root: Path, model: ModelServer | None = None) -> None:
        self.root = root
        self.model = model
        root.mkdir(parents=True, exist_ok=True)
        self.write("PROJECT_SPEC.md", SPEC)
        self.write("rules/calc.yaml", RULES)
        for pack in ("testing", "documentation", "examples"):
            self.write(f"rules/{pack}.yaml", f"pack: {pack}\nversion: 1\nrules: []\n")

    def write(self, path: str, text: str) -> None:
        """Write a project file, as a person would."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        """A project file's text."""
        return (self.root / path).read_text(encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        text = self.read(path)
        assert old in text
        self.write(path, text.replace(old, new))

    @property
    def asked(self) -> int:
        """How often the model was asked so far."""
        assert self.model is not None
        return len(self.model.prompts)

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a command: the model's address, and none of the machine's own."""
        apart = ("ANTHROPIC_",) if self.measured else ("ANTHROPIC_", "COVERAGE_PROCESS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(apart)}
        return {**kept, **(self.model.environ if self.model else {}), **(extra or {})}

    def br(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Ran:
        """Run `br` here to its end."""
        return self._run("brengine", arguments, env, stdin)

    def doit(self, *arguments: str) -> Ran:
        """Run `doit` here to its end."""
        return self._run("doit", arguments, None, "")

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, module: str = "brengine"
    ) -> subprocess.Popen[str]:
        """Start `br` (or another module's program) here and leave it running."""
        command = [sys.executable, "-m", module, *arguments]
        process = subprocess.Popen(
            command, cwd=self.root, env=self.environ(env), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        STARTED.append(process)
        return process

    def tree(self) -> dict[str, bytes]:
        """Every built file: path -> content."""
        found = {}
        for folder in ("calc", "tests"):
            for path in sorted((self.root / folder).rglob("*.py")):
                found[str(path.relative_to(self.root))] = path.read_bytes()
        return found

    def _run(self, module: str, arguments: Sequence[str], env: Mapping[str, str] | None, stdin: str) -> Ran:
        forked = ZYGOTE.run(module, arguments, self.root, self.environ(env), stdin)
        if forked is not None:
            return Ran(*forked)
        ended = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.root,
            env=self.environ(env),
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        return Ran(ended.returncode, ended.stdout)
