"""`br doctor`: what a build here has to work with, found by trying it now."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import click

from brengine import fence, places
from brengine.backing import ASKS_API, KEYS
from brengine.cli_status import machine
from brengine.commands import Door
from brengine.errors import BrError
from brengine.places import Places
from brengine.verdict import PROPERTIES, Fence
from brengine.writer import Writer

State = Literal["ok", "gap", "wrong"]
MARK: dict[State, str] = {"ok": "✓", "gap": "-", "wrong": "✗"}
TOOLS = ("pytest", "coverage", "doit", "anthropic")
LITTLE_MB = 1024
"""Free disk below which a build may fail (commands are ended when 256 MB are left)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was looked at: fine, missing but not needed, or in the way of a build."""

    state: State
    name: str
    said: str


@click.command()
@machine
@click.pass_obj
def doctor(where: Places, form: str) -> int:
    """Show what a build here has to work with: the fence (tried now), tools, key, disk, locks. Asks nobody.

    Exit code 0, or 1 where something is in the way of a build.
    """
    rows = list(_rows(where))
    wrong = any(row.state == "wrong" for row in rows)
    if form == "json":
        told = [{"state": row.state, "name": row.name, "said": row.said} for row in rows]
        click.echo(json.dumps({"ok": not wrong, "rows": told}, indent=2, ensure_ascii=False))
    else:
        for row in rows:
            click.echo(f"  {MARK[row.state]} {row.name:<18} {row.said}")
        click.echo("Something is in the way of a build." if wrong else "Nothing is in the way of a build.")
    return 1 if wrong else 0


def _rows(where: Places) -> Iterator[Row]:
    mode: fence.Mode = "auto"
    backend = "auto"
    try:
        settings = places.read_settings(where)
        mode, backend = settings.fence, settings.backend
        there = (where.project / places.CONFIG).is_file()
        yield Row("ok", "br.toml", "read" if there else "there is none: defaults")
    except BrError as error:
        yield Row("wrong", "br.toml", error.message)
    yield from _fence(mode)
    yield from _tools()
    yield _key(backend)
    yield from _place(where)


def _fence(mode: fence.Mode) -> Iterator[Row]:
    """The kinds in the order in which they are chosen, each tried; then the properties of the one that is taken."""
    door = Door()
    kinds = ("limits",) if mode == "off" else ("namespaces", "landlock", "limits")
    for kind in kinds:
        seen = fence.tried(kind, sys.executable, door.behind)
        if isinstance(seen, Fence):
            break
        yield Row("wrong" if kind == "limits" else "gap", f"fence {kind}", seen)
    else:
        return
    found = fence.OFF if mode == "off" else seen
    worst: State = "wrong" if mode == "required" else "gap"
    yield Row("ok" if found.whole else worst, "fence", f'{found.name} (fence = "{mode}"); {fence.kernel()}')
    for name, words in PROPERTIES.items():
        held = getattr(found, name)
        yield Row("ok" if held else worst, f"fence {name}", words if held else f"does not hold: {words}")
    yield from (Row("gap", "fence", note) for note in found.notes)
    yield _limits(found)


def _limits(found: Fence) -> Row:
    """Limits that hold whatever the fence is."""
    within = "the namespace" if found.name == "namespaces" else "the supervisor"
    return Row("ok", "limits", f"time, memory, processes, files, disk; what is left over is ended by {within}")


def _tools() -> Iterator[Row]:
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield Row("ok" if sys.version_info >= (3, 11) else "wrong", "python", python)
    for name in TOOLS:
        try:
            yield Row("ok", name, version(name))
        except PackageNotFoundError:
            yield Row("wrong", name, "is not installed")
    git = shutil.which("git")
    if git is None:
        yield Row("gap", "git", "is not on the PATH: a build does without it")
        return
    said = subprocess.run([git, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    yield Row("ok", "git", said.removeprefix("git version "))


def _key(backend: str) -> Row:
    """Which keys are set; never their values."""
    present = [name for name in (*KEYS, "ANTHROPIC_BASE_URL") if os.environ.get(name)]
    if present:
        return Row("ok", f"backend {backend}", f"{', '.join(present)} set")
    if backend in ASKS_API:
        return Row("wrong", f"backend {backend}", f"needs {' or '.join(KEYS)}: not set")
    return Row("gap", f"backend {backend}", "no key is set: recorded replies, a command, or you answer")


def _place(where: Places) -> Iterator[Row]:
    """Disk, and whether the folder can be written and is free."""
    root = next(path for path in (where.root, *where.root.parents) if path.exists())
    free = shutil.disk_usage(root).free >> 20
    yield Row("ok" if free > LITTLE_MB else "wrong", "disk", f"{free:,} MB free")
    if not os.access(where.state if where.state.exists() else root, os.W_OK | os.X_OK):
        yield Row("wrong", "folder", "cannot be written")
    holder = Writer(where.state / "writer.lock").holder
    yield Row("gap" if holder else "ok", "lock", f"a build is running: {holder}" if holder else "free")
    for path in (where.journal, where.lock):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            yield Row("wrong", path.name, "cannot be read and written")
    staging = where.state / "staging"
    left = sum(1 for path in _entries(staging)) if staging.is_dir() else 0
    yield Row("ok", "staging", f"{left} tree{'s' if left != 1 else ''} kept" if left else "empty")


def _entries(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_dir())
