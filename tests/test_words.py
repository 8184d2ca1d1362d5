"""Targets completed by the shell: quickly, silently, in bash with its colons."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from sandbox import Sandbox

from brengine.cli import br
from brengine.cli_words import NAMED, Word, joined

BATCH = "batch:arithmetic.add-adding+add-doubling"


def completed(box: Sandbox, words: str, shell: str = "bash", at: int | None = None) -> list[str]:
    cursor = len(words.split()) - (not words.endswith(" ")) if at is None else at
    env = {"_BR_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(cursor)}
    ended = box.br(env=env)
    assert ended.code == 0 and "Traceback" not in ended.out
    return [line.removeprefix("plain,") for line in ended.out.splitlines() if line]


@pytest.fixture
def built(box: Sandbox) -> Sandbox:
    assert box.br("build", "arithmetic").code == 0
    return box


def test_targets_are_completed_wherever_one_is_named(built: Sandbox) -> None:
    assert completed(built, "br build feature:a") == ["feature:arithmetic"]
    assert completed(built, "br why task:reports") == ["task:reports.add-rendering"]
    assert completed(built, "br retry batch:a") == [BATCH]
    assert completed(built, "br task show task:a") == ["task:arithmetic.add-adding", "task:arithmetic.add-doubling"]
    assert completed(built, "br task show feature:") == []
    assert completed(built, "br build feature:reports -j 2 rep") == ["reports", "reports.add-rendering"]
    assert completed(built, "br graph add-d") == ["add-doubling"]
    assert BATCH in completed(built, "br plan ") and "task:reports.add-rendering" in completed(built, "br clean ")
    assert completed(built, "br task list --feature feature:r") == ["feature:reports"]
    assert completed(built, "br task list --state no") == ["not built"]
    assert completed(built, f"br -C {built.root} build feature:a") == ["feature:arithmetic"]
    assert completed(built, "br st") == ["status"] and "--dry-run" in completed(built, "br build --")


def test_bash_parts_words_at_colons_and_they_are_put_together(built: Sandbox) -> None:
    assert completed(built, "br build feature :") == ["arithmetic", "reports"]
    assert completed(built, "br build feature : a") == ["arithmetic"]
    assert completed(built, "br build feature : arithmetic task : arithmetic.add-d") == ["arithmetic.add-doubling"]
    assert completed(built, "br build feature : arithmetic batch : arith") == [BATCH.removeprefix("batch:")]
    assert joined(["build", "feature", ":", "a", "b", ":"]) == ["build", "feature:a", "b:"]
    assert joined([":"]) == [":"] and joined(["a", ""]) == ["a", ""]


def test_a_real_bash_completes_after_the_colon(built: Sandbox) -> None:
    binaries = Path(sys.executable).parent
    script = (
        f'PATH={binaries}:$PATH; eval "$(br completion bash)"; COMP_WORDS=(br build feature : r); COMP_CWORD=4; '
        '_br_completion br r :; echo "${COMPREPLY[@]}"; complete -p br'
    )
    ended = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=built.root,
        env=built.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.splitlines()[0] == "reports", ended
    assert "_br_completion br" in ended.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_printed_for_each_shell(box: Sandbox, shell: str) -> None:
    printed = box.br("completion", shell)
    assert printed.code == 0 and "_BR_COMPLETE" in printed.out and f"{shell}_complete" in printed.out
    assert box.br("completion", env={"SHELL": f"/usr/bin/{shell}"}).out == printed.out
    assert box.br(env={"_BR_COMPLETE": f"{shell}_source"}).out == printed.out


def test_other_shells_are_told_which_there_are(box: Sandbox) -> None:
    refused = box.br("completion", env={"SHELL": "/bin/tcsh"})
    assert refused.code == 3 and "bash, zsh, fish" in refused.out


def test_zsh_and_fish_take_names_with_their_colons(built: Sandbox) -> None:
    assert completed(built, "br build feature:a", "zsh") == ["plain", "feature:arithmetic", "_"]
    env = {"_BR_COMPLETE": "fish_complete", "COMP_WORDS": "br build feature:a", "COMP_CWORD": "feature:a"}
    assert "feature:arithmetic" in built.br(env=env).out


@pytest.mark.parametrize("content", [b"", b"of an older engine", b"key\n{", b'key\n{"tasks": 3}', b"key\n[]"])
def test_what_cannot_be_read_completes_to_nothing(box: Sandbox, content: bytes) -> None:
    assert completed(box, "br build feature:a") == []
    (box.root / ".br").mkdir()
    (box.root / ".br/plan.json").write_bytes(content)
    assert completed(box, "br build feature:a") == [] and completed(box, "br frobnicate x") == []
    assert completed(box, "br build 'unclosed", at=2) == []


def test_completing_imports_nothing_heavy(built: Sandbox) -> None:
    script = (
        "import atexit, sys\n"
        "heavy = ('anthropic', 'networkx', 'jinja2', 'doit', 'markdown_it', 'pydantic', 'rich')\n"
        "atexit.register(lambda: print('LOADED', [m for m in heavy if m in sys.modules]))\n"
        "from brengine.cli import main\nmain()\n"
    )
    env = built.environ({"_BR_COMPLETE": "bash_complete", "COMP_WORDS": "br build feature:a", "COMP_CWORD": "2"})
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=built.root, env=env, capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines() == ["plain,feature:arithmetic", "LOADED []"], ended


def test_the_commands_that_are_looked_up_first_are_those_whose_arguments_name_targets() -> None:
    found: dict[str, object] = {}

    def visit(group: click.Group, lead: str) -> None:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                visit(command, f"{lead}{name} ")
            elif command:
                types = [param.type for param in command.params if isinstance(param, click.Argument)]
                found.update({f"{lead}{name}": one for one in types if isinstance(one, Word)})

    visit(br, "")
    assert found == NAMED
