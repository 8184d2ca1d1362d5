"""Names of features, tasks and batches for the shell: completed from the plan that the last build kept.

Completing never plans and never fails: what cannot be read completes to nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

SHELLS = ("bash", "zsh", "fish")
VARIABLES = {"_BR_COMPLETE": "br", "_BRENGINE_COMPLETE": "brengine"}
"""What a shell sets when it wants completions → the program that it completes for."""


if TYPE_CHECKING:
    Kind = click.ParamType[str]
else:  # no generic class in older clicks
    Kind = click.ParamType


class Word(Kind):
    """A target in a person's words; completed as `feature:<id>`, `task:<id>` or `batch:<id>`, or without that.

    A task may go by the end of its id where no other ends alike.
    """

    def __init__(self, name: str, *kinds: str) -> None:
        self.name = name
        self._kinds = kinds

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names that begin with what was typed."""
        root = ctx.find_root().params
        return self.beginning(root.get("out") or root.get("project") or Path(), incomplete)

    def beginning(self, folder: Path, incomplete: str) -> list[CompletionItem]:
        """Names in the plan of a folder that begin so."""
        try:
            named = list(_names(json.loads((folder / ".br" / "plan.json").read_bytes().partition(b"\n")[2])))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []
        full = [f"{kind}:{name}" for kind, name in named if kind in self._kinds]
        bare = _bare([name for kind, name in named if kind in self._kinds]) if incomplete else []
        return [CompletionItem(word) for word in (*full, *bare) if word.startswith(incomplete)]


TARGET = Word("target", "feature", "task", "batch")
TASK = Word("task", "task")
FEATURE = Word("feature", "feature")
NAMED: dict[str, Word] = {
    **dict.fromkeys(("build", "run", "plan", "retry", "adopt", "verify", "why", "graph", "clean", "task list"), TARGET),
    **dict.fromkeys(("task show", "task execute", "prompt show"), TASK),
}
"""Commands whose arguments name targets: these are completed without importing what the commands need."""
ROOT = ("-C", "--project", "--out")
"""Options before the command, each with a value."""


def _names(plan: dict[str, list[dict[str, str]]]) -> Iterator[tuple[str, str]]:
    """(kind, id) of everything in a kept plan that can be named."""
    yield from (("feature", name) for name in dict.fromkeys(task["feature"] for task in plan["tasks"]))
    yield from (("task", task["id"]) for task in plan["tasks"])
    yield from (("batch", batch["id"]) for batch in plan["batches"])


def _bare(names: Sequence[str]) -> list[str]:
    """Ids, and those ends of ids that belong to one of them alone."""
    ends = [name.rpartition(".")[2] for name in names]
    once = {end for end, count in Counter(ends).items() if count == 1}
    return list(dict.fromkeys([*names, *(end for end in ends if end in once)]))


def quick(args: Sequence[str], incomplete: str) -> list[CompletionItem] | None:
    """The completions of an argument that names a target; None where something else stands at the cursor."""
    folders, rest = {}, list(args)
    while rest[:1] and rest[0] in ROOT and len(rest) > 1:
        folders[rest[0]], rest = Path(rest[1]), rest[2:]
    word = next((NAMED[name] for name in (" ".join(rest[:2]), rest[0] if rest else "") if name in NAMED), None)
    if word is None or incomplete.startswith("-") or rest[-1].startswith("-"):
        return None
    return word.beginning(folders.get("--out") or folders.get("-C") or folders.get("--project") or Path(), incomplete)


class Quick(ShellComplete):
    """Any shell, with targets looked up first."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """What may stand at the cursor."""
        found = quick(args, incomplete)
        return super().get_completions(args, incomplete) if found is None else found


class Zsh(Quick, ZshComplete):
    """Zsh."""


class Fish(Quick, FishComplete):
    """Fish."""


class Bash(Quick, BashComplete):
    """Bash, which takes a colon for the end of a word: words are put together, what stands is not repeated."""

    _stands = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """(whole words before, what was typed of the word at the cursor)."""
        words, at = split_arg_string(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"])
        typed = [*words[1:at], words[at] if at < len(words) else ""]
        whole = joined(typed)
        if typed[-1] == ":" or typed[-2:-1] == [":"]:
            self._stands = whole[-1].rpartition(":")[0] + ":"
        return whole[:-1], whole[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """`type,value`, without what stands before the last colon typed."""
        return f"{item.type},{item.value.removeprefix(self._stands)}"


def joined(words: Sequence[str]) -> list[str]:
    """Words with those put together that a lone colon parts: `feature`, `:`, `a` → `feature:a`."""
    found: list[str] = []
    for number, word in enumerate(words):
        if found and (word == ":" or words[number - 1] == ":"):
            found[-1] += word
        else:
            found.append(word)
    return found


def complete(program: click.Command, variable: str) -> NoReturn:
    """Answer the shell, and end; whatever goes wrong is silent."""
    for shell in (Bash, Zsh, Fish):
        add_completion_class(shell)
    with contextlib.suppress(Exception, SystemExit), contextlib.redirect_stderr(io.StringIO()):
        program.main(prog_name=VARIABLES[variable], complete_var=variable)
    sys.exit(0)


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def completion(shell: str | None) -> None:
    """Print the script that completes commands, options and targets in SHELL (yours, where it is not said).

    `eval "$(br completion bash)"` in ~/.bashrc switches it on; zsh alike; `br completion fish | source` for fish.
    """
    found = shell or Path(os.environ.get("SHELL", "")).name
    made = get_completion_class(found) if found in SHELLS else None
    if made is None:
        raise click.UsageError(f"name the shell: one of {', '.join(SHELLS)}")
    click.echo(made(click.Command("br"), {}, "br", "_BR_COMPLETE").source(), nl=False)
