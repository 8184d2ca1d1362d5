"""Interactive mode: a person approves every prompt before it is sent, and sees every answer before it is tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import unified_diff

import click

from brengine import places, prices, reply
from brengine.asks import Ask, Prompt, Reply, Usage
from brengine.cli_forecast import agents_price
from brengine.pace import ANSWER_TOKENS
from brengine.wiring import Project

SEND = {"s": "send", "p": "print it", "e": "edit it", "l": "leave these tasks", "q": "quit"}
TAKE = {"a": "accept", "d": "diff again", "e": "edit it", "r": "retry with a note", "l": "leave them", "q": "quit"}


class AtTerminal:
    """Asks the person at the terminal."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def approve(self, ask: Ask, prompt: Prompt) -> Prompt | None:
        """The prompt, seen with its size and cost."""
        self._announce(ask, prompt)
        while True:
            answer = self._choose("Send it?", SEND, "s")
            if answer == "s":
                return prompt
            if answer == "p":
                click.echo(f"{prompt.system}\n\n{prompt.user}")
            elif answer == "e":
                edited = click.edit(prompt.user, extension=".md")
                prompt = replace(prompt, user=edited) if edited and edited.strip() else prompt
            else:
                self._gone(answer)
                return None

    def review(self, ask: Ask, prompt: Prompt, answered: Reply) -> Reply | str | None:
        """The answer, seen as a diff against what stands there."""
        self._show(ask, prompt, answered)
        while True:
            answer = self._choose("Take it?", TAKE, "a")
            if answer == "a":
                return answered
            if answer == "d":
                self._show(ask, prompt, answered)
            elif answer == "e":
                edited = click.edit(answered.text, extension=".md")
                if edited and edited.strip():
                    answered = replace(answered, text=edited)
                    self._show(ask, prompt, answered)
            elif answer == "r":
                return str(click.prompt("What should be different"))
            else:
                self._gone(answer)
                return None

    def _gone(self, answer: str) -> None:
        if answer == "q":
            self._project.asker.closed = "you quit"

    def _choose(self, question: str, keys: Mapping[str, str], default: str) -> str:
        """One of the keys; the end of input, or ctrl-c, is to quit."""
        told = ", ".join(f"{key}: {what}" for key, what in keys.items())
        try:
            answer = click.prompt(
                f"{question} ({told})", type=click.Choice(list(keys)), default=default, show_choices=False
            )
        except click.Abort:
            click.echo()
            return "q"
        return str(answer)

    def _announce(self, ask: Ask, prompt: Prompt) -> None:
        tasks = self._project.board.tasks
        names = [tasks[m.task].name if m.task in tasks else m.task for m in ask.members]
        again = f", attempt {ask.members[0].attempt}" if ask.members[0].attempt > 1 else ""
        size, model = prompt.size, ask.model or self._project.settings.model
        table = places.read_prices(self._project.places, self._project.settings)
        dollars = prices.cost(model, Usage(size, ANSWER_TOKENS * len(ask.members)), table, "9999-12-31")
        price = f"about ${dollars:.3f} with {model}" if dollars is not None else f"of unknown price with {model}"
        price = agents_price(self._project, 1) or price
        click.echo(f"\n{', '.join(names)}{again}: at most {size:,} tokens to send, {price}")

    def _show(self, ask: Ask, prompt: Prompt, answered: Reply) -> None:
        """The diff in colour, then what else the reply says."""
        declared = frozenset(ask.only or (path for m in ask.members for path in self._files(m.task)))
        parsed = reply.parse(answered.text, prompt.nonce, declared, stop=answered.stop, allowed_missing=declared)
        for change in parsed.files:
            before = (self._project.workspace.read(change.path) or b"").decode("utf-8", "replace")
            had = (ask.files or {}).get(change.path)
            over = before if had is None else had.decode("utf-8", "replace")
            after, wrong = (change.content, "") if change.content is not None else reply.apply_edits(over, change.edits)
            if wrong:
                click.secho(f"{change.path}: {wrong}", fg="red")
                continue
            for line in _diff(change.path, before, after):
                click.echo(line)
        if parsed.notes:
            click.echo(f"\n{parsed.notes}")
        for finding in parsed.findings:
            click.secho(str(finding), fg="red")

    def _files(self, task: str) -> tuple[str, ...]:
        found = self._project.board.tasks.get(task)
        return found.files if found else ()


def _diff(path: str, before: str, after: str) -> Iterator[str]:
    colours = {"+": "green", "-": "red", "@": "cyan"}
    rows = unified_diff(before.splitlines(), after.splitlines(), f"{path} (now)", path, lineterm="")
    for row in rows:
        yield click.style(row, fg=colours.get(row[:1]), bold=row.startswith(("+++", "---")))
