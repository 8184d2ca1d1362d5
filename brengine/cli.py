"""The command line: arguments, exit codes, and the only place that prints. Commands load what they need, when run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brengine.errors import BrError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

GROUPS = {"help_option_names": ["-h", "--help"]}


class Lazy(click.Group):
    """A group whose commands live in modules that are imported when one of theirs is called."""

    homes = {  # noqa: RUF012 - click looks commands up on the instance; this is a constant table
        "init": ("brengine.cli_project", "Write a PROJECT_SPEC.md, br.toml and dodo.py to start from."),
        "demo": ("brengine.cli_project", "Build the shipped example from recorded replies."),
        "spec": ("brengine.cli_spec", "Check a specification, or show the tasks it leads to."),
        "plan": ("brengine.cli_plan", "Show the plan, and what a build would do; --model has it made by asking."),
        "build": ("brengine.cli_build", "Build what is stale: all of it, or the targets given."),
        "run": ("brengine.cli_build", "Build in a mode: --auto, or --interactive."),
        "watch": ("brengine.cli_watch", "Show the new plan on every save; --build builds."),
        "retry": ("brengine.cli_build", "Ask anew for a task that failed."),
        "adopt": (
            "brengine.cli_build",
            "Take your own files for the answer: they are verified, nobody is asked.",
        ),
        "verify": ("brengine.cli_verify", "Run the checks of what is built again; --trace shows what rests on what."),
        "task": ("brengine.cli_task", "List tasks, show one, or execute one by hand."),
        "prompt": ("brengine.cli_look", "Show exactly what would be sent for a task."),
        "status": ("brengine.cli_status", "What is built, what is stale, what failed."),
        "why": ("brengine.cli_task", "Why a task, feature or file is stale."),
        "graph": ("brengine.cli_look", "What needs what, as a tree, DOT, Mermaid or JSON."),
        "log": ("brengine.cli_look", "Past runs: what they asked for, spent and built."),
        "doctor": ("brengine.cli_doctor", "What a build here has to work with: fence, tools, key, disk, locks."),
        "completion": ("brengine.cli_words", "Print the script that completes targets in bash, zsh or fish."),
        "clean": ("brengine.cli_task", "Remove what was built, never what was edited."),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.homes:
            return None
        from importlib import import_module

        found: click.Command = getattr(import_module(self.homes[cmd_name][0]), cmd_name)
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so; nothing is imported to find out."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, (_, text) in self.homes.items()]
        return [item for item in found if item.value.startswith(incomplete)] + click.Command.shell_complete(
            self, ctx, incomplete
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.homes.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from brengine.errors import nearest

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = nearest(args[0], self.homes) if args else ""
            if close:
                raise click.UsageError(f"{error.message} Did you mean {close!r}?", ctx) from None
            raise


@click.group(
    cls=Lazy,
    context_settings=GROUPS,
    epilog="Start with `br init`, then `br build`. Exit codes: 0 built or up to date, 1 a task failed, "
    "2 the engine could not do its work, 3 bad input, 4 stopped by the budget, 130 interrupted.",
)
@click.option("-C", "--project", type=click.Path(path_type=Path), default=Path(), help="The project's folder.")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Build into this folder instead.")
@click.version_option(package_name="brengine", prog_name="br")
@click.pass_context
def br(ctx: click.Context, project: Path, out: Path | None) -> None:
    """Build software from a specification: PROJECT_SPEC.md in, verified files out.

    Features become tasks by rules, tasks are asked for in small batches, every answer is verified by running it, and
    only what is stale is built again.
    """
    from brengine.places import Places

    folder = project.resolve()
    ctx.obj = Places(folder, (out or folder).resolve())


def main() -> None:
    """The entry point of `br` and `brengine`: errors become one message and an exit code, never a traceback."""
    wanted = [name for name in ("_BR_COMPLETE", "_BRENGINE_COMPLETE") if name in os.environ]
    if wanted:
        from brengine.cli_words import complete

        complete(br, wanted[0])
    try:
        code = br.main(standalone_mode=False, color=False if os.environ.get("NO_COLOR") else None)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(3)
    except BrError as error:
        from brengine.report import failure

        click.echo(failure(error), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
