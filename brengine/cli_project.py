"""`br init` and `br demo`: a project to start from, and one to look at."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from brengine import datafiles, durable
from brengine.errors import InputError
from brengine.places import CONFIG, Places

SPEC = """\
# {name}

## Overview

What {name} is for, in a sentence or two.

## Tech Stack

- Python >= 3.11, standard library only
- pytest for the tests

## Features

- First Feature
  - One thing that it must do, in words that a test can check
  - Another thing that it must do
"""
SETTINGS = """\
# Settings of `br`; every key is optional. See the README.
[project]
name = "{name}"

[gates]
coverage = 90
"""
DODO = '''\
"""Build PROJECT_SPEC.md with doit: `doit`, `doit list`, `doit -n 4`, `doit feature:<id>`. `br build` does the same."""

from pathlib import Path

from brengine.doit_bridge import load

globals().update(load(Path(__file__).parent))

if __name__ == "__main__":
    import doit

    doit.run(globals())
'''
NEXT = """\
Built in {folder}

What to try next:
{activate}  cd {folder}
  python -m pytest                      run its tests, as a stranger would
  br build                              nothing to do: nothing is asked
  edit PROJECT_SPEC.md: change the bullet `{old}`
    to `{new}`
  br why password-reset                 which line made what stale
  br build                              asks only for what that edit touches
"""
DEMO_EDIT = ("Password reset", "Password reset, with links that expire after 15 minutes")


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--name", default="", help="The project's name (default: the folder's).")
@click.pass_obj
def init(where: Places, folder: Path | None, name: str) -> None:
    """Write PROJECT_SPEC.md, br.toml and dodo.py into FOLDER (default: here). What is there already is kept."""
    target = (folder or where.project).resolve()
    name = name or target.name
    if any(c in name for c in '"\\\n'):
        raise InputError(f"{name!r} cannot be a project's name", "use letters, digits, spaces, - and _")
    for path, text in (
        (target / "PROJECT_SPEC.md", SPEC.format(name=name)),
        (target / CONFIG, SETTINGS.format(name=name)),
        (target / "dodo.py", DODO),
    ):
        if path.exists():
            click.echo(f"kept  {path.name} (it was there)")
        else:
            durable.write(path, text.encode())
            click.echo(f"wrote {path.name}")
    click.echo("Next: write your features into PROJECT_SPEC.md, then `br plan` and `br build`. Keep .br/ out of git.")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("br-demo"))
@click.option("-j", "--jobs", type=click.IntRange(1, 64), default=1, help="Asks and batches at once.")
def demo(folder: Path, jobs: int) -> int:
    """Build the shipped example (user authentication) into FOLDER from recorded replies, verifying each by running it.

    With ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL set, the model is asked instead.
    """
    from brengine.cli_build import build_all

    target = folder.resolve()
    copy_example(target)
    click.echo(f"Building {target / 'PROJECT_SPEC.md'} into {target}\n")
    code = build_all(Places(target, target), (), jobs=jobs)
    if code == 0:
        old, new = DEMO_EDIT
        click.echo("\n" + NEXT.format(folder=target, old=old, new=new, activate=_activate()), nl=False)
    return code


def _activate() -> str:
    """How to get `br` onto the path, where it is not there."""
    if shutil.which("br"):
        return ""
    script = Path(sys.executable).with_name("activate")
    return f"  . {script}\n" if script.is_file() else ""


def copy_example(target: Path) -> None:
    """Copy the example's own files, never over what is there."""
    source = datafiles.folder("examples/auth")
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_file() and not (target / relative).exists() and "__pycache__" not in relative.parts:
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / relative)
