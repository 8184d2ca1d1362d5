"""`br init` and `br demo`: a project to start from, and one to look at."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from brengine import cli_reading, datafiles, durable, spec_report, starting
from brengine.counted import counted
from brengine.errors import InputError
from brengine.places import CONFIG, Places
from brengine.wiring import Project

SPEC_FILE = "PROJECT_SPEC.md"
NOT_CODE = ("node_modules", "__pycache__", "venv", "dist", "build", "target")
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
@click.option("--template", type=click.Choice(starting.KINDS), default=None, help="The kind of product.")
@click.option("--language", default="", help="python, typescript, javascript or another (default: by the kind).")
@click.option("--feature", "features", multiple=True, metavar="TEXT", help="`Name: requirement; requirement`; repeat.")
@click.option("--criterion", "criteria", multiple=True, metavar="TEXT", help="An acceptance criterion; repeat.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing; add .br/ to .gitignore.")
@click.pass_obj
def init(
    where: Places,
    folder: Path | None,
    name: str,
    template: str | None,
    language: str,
    features: tuple[str, ...],
    criteria: tuple[str, ...],
    yes: bool,
) -> None:
    """Write PROJECT_SPEC.md, br.toml and dodo.py into FOLDER (default: here). What is there already is kept.

    At a terminal it asks for what the options do not say. In a folder with code, that code becomes context of the
    specification and none of it is changed.
    """
    target = (folder or where.project).resolve()
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file", "name a folder")
    if any(not starting.wanted(feature).name for feature in features):
        raise InputError("a feature needs a name", "--feature 'Search: by name; by price'")
    asks = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    there = (target / SPEC_FILE).exists()
    answers = _Answers(
        name or target.name, template or "", language, [starting.wanted(f) for f in features], [*criteria]
    )
    if asks and not there:
        _wizard(answers, given_name=bool(name))
    if any(c in answers.name for c in '"\\\n'):
        raise InputError(f"{answers.name!r} cannot be a project's name", "use letters, digits, spaces, - and _")
    kind = answers.kind or "library"
    code = _code_in(target)
    language = answers.language or starting.language_of(code) or starting.default_language(kind)
    text = (datafiles.folder("examples/templates") / f"{kind}.md").read_text(encoding="utf-8")
    spec = starting.compose(text, answers.name, language, answers.features, answers.criteria)
    if code:
        spec += "\n" + starting.existing(code) + "\n"
    for path, content in (
        (target / SPEC_FILE, spec),
        (target / CONFIG, SETTINGS.format(name=answers.name)),
        (target / "dodo.py", DODO),
    ):
        if path.exists():
            click.echo(f"kept  {path.name} (it was there)")
        else:
            durable.write(path, content.encode())
            click.echo(f"wrote {path.name}")
    _ignore(target, asks=asks, yes=yes)
    _tell(target, code)


@dataclass(slots=True)
class _Answers:
    """What the options say, and what the wizard adds."""

    name: str
    kind: str
    language: str
    features: list[starting.Wanted]
    criteria: list[str]


def _wizard(answers: _Answers, *, given_name: bool) -> None:
    """Ask for what the options did not say; Enter takes the default."""
    if not given_name:
        answers.name = click.prompt("Name of the project", default=answers.name)
    if not answers.kind:
        answers.kind = click.prompt("Kind", type=click.Choice(starting.KINDS), default="library")
    if not answers.language:
        answers.language = click.prompt("Language", default=starting.default_language(answers.kind))
    if not answers.features:
        click.echo("Features: a name, then what it must do, a line each; an empty line ends the feature, two end this.")
        while name := click.prompt("Feature", default="", show_default=False).strip():
            rows = []
            while row := click.prompt("  it must", default="", show_default=False).strip():
                rows.append(row)
            answers.features.append(starting.Wanted(name, tuple(rows)))
    if not answers.criteria and answers.features:
        while row := click.prompt("Accepted when", default="", show_default=False).strip():
            answers.criteria.append(row)


def _code_in(folder: Path) -> list[str]:
    """The files that stand in a folder, without its tools' and ours; the first 5,000."""
    if not folder.is_dir():
        return []
    found = []
    for path in islice(sorted(folder.rglob("*")), 5000):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") or part in NOT_CODE for part in relative.parts):
            found.append(relative.as_posix())
    return [path for path in found if path not in (SPEC_FILE, CONFIG, "dodo.py", "br.lock")]


def _ignore(folder: Path, *, asks: bool, yes: bool) -> None:
    """Have git ignore `.br/`, where the user agrees."""
    path = folder / ".gitignore"
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
    if not ((folder / ".git").exists() or path.is_file()) or any(
        line.strip(" /") == ".br" for line in text.split("\n")
    ):
        return
    if not (yes or (asks and click.confirm("Add .br/ to .gitignore?", default=True))):
        click.echo("Keep .br/ out of git: add it to .gitignore (--yes does).")
        return
    gap = "" if not text or text.endswith("\n") else "\n"
    durable.write(path, f"{text}{gap}.br/\n".encode("utf-8", "surrogateescape"))
    click.echo("added .br/ to .gitignore")


def _tell(folder: Path, code: Sequence[str]) -> None:
    """How what was written is read, and what to do next."""
    project = Project(Places(folder, folder))
    for line in spec_report.headline(cli_reading.read(project)):
        click.echo(line)
    if code:
        click.echo(f"{counted(len(code), 'file')} found here: context of the specification, not changed.")
    click.echo("Next: make PROJECT_SPEC.md your own, then `br spec check`, `br plan` and `br build`.")


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
