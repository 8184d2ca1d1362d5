"""The asks of planning themselves: rendered, sent once, and read as plan files."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from brengine import templates
from brengine.asking import Asker
from brengine.asks import Ask, Member, Prompt, Reply, Waiting
from brengine.plans import anchors, assembly, prompts, replies
from brengine.plans.files import PlanFile
from brengine.plans.judge import Ground
from brengine.plans.replies import Written
from brengine.source import Source
from brengine.templates import Template

NAMES = ("architect", "architecture", "feature", "mend", "changes", "reviewer", "review", "gather")
SAID = 5
"""Findings that are shown when they are sent back."""
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Topic:
    """What plan files are asked for: the ask's name, its template, what it is rendered from, what may be written."""

    name: str
    body: str
    values: prompts.Values
    paths: tuple[str, ...]


class Drafter:
    """Asks an architect. All answers are stored first, so none is asked for twice. Raises BackendError."""

    def __init__(self, ground: Ground, texts: Mapping[str, Source], asker: Asker, say: Say) -> None:
        self._ground = ground
        self._templates: Mapping[str, Template] = {name: templates.load(text) for name, text in texts.items()}
        self._asker = asker
        self._say = say

    def read(self, name: str, body: str, values: prompts.Values) -> Reply | Waiting:
        """What a reader answers, who writes no plan files."""
        prompt = prompts.render(self._templates["reviewer"], self._templates[body], values)
        return self._sent(name, self._member(name, "reviewer", body, values, 1), prompt)

    def written(self, topic: Topic, texts: Mapping[str, str]) -> Written | Waiting:
        """The plan files of the first answer, over those that are there."""
        prompt = prompts.render(self._templates["architect"], self._templates[topic.body], topic.values)
        member = self._member(topic.name, "architect", topic.body, topic.values, 1)
        return self._parsed(topic, member, prompt, texts)

    def mended(
        self,
        topic: Topic,
        attempt: int,
        before: Written,
        findings: Sequence[str],
        review: bool = False,
        kept: Sequence[str] = (),
    ) -> Written | Waiting:
        """Whole plan files in place of those that findings are about: the judges', or those of a review."""
        shown = [{"path": path, "text": text.rstrip("\n")} for path, text in before.texts.items()]
        mend = {
            "files": shown,
            "findings": list(findings)[:40],
            "review": review,
            "kept": list(kept)[:40],
            "lines": prompts.numbered(self._ground.source, self._spoken_of(findings, before.plans)),
            "limit": self._ground.limit,
            "paths": list(topic.paths),
        }
        member = self._member(topic.name, "architect", "mend", topic.values, attempt)
        if not self._asker.stored(member):
            count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
            self._say(f"{topic.name}: {count}, which the architect mends:")
            for finding in findings[:SAID]:
                self._say(f"  {textwrap.shorten(finding, 240, placeholder=' …')}")
            if len(findings) > SAID:
                self._say(f"  and {len(findings) - SAID} more")
        prompt = prompts.render(self._templates["architect"], self._templates["mend"], mend)
        return self._parsed(topic, member, prompt, before.texts)

    def _spoken_of(self, findings: Sequence[str], plans: Sequence[PlanFile]) -> set[int]:
        """The lines that findings are about, and those of the tasks that they name, so that they can be mended."""
        source = self._ground.source
        found = {n for text in findings for n in anchors.mentioned(text)}
        plan = assembly.assemble(plans, self._ground.spec, source)
        named = {word for text in findings for word in prompts.names(text)}
        found |= {n for task in plan.tasks if task.id in named for cover in task.covers for n in cover.span.lines}
        found |= {n for ruling in plan.rulings if ruling.id in named for n in ruling.lines}
        return prompts.around(source, {n for n in found if n <= len(source.lines)}, beside=1)

    def _parsed(self, topic: Topic, member: Member, prompt: Prompt, texts: Mapping[str, str]) -> Written | Waiting:
        answer = self._sent(topic.name, member, prompt)
        if isinstance(answer, Waiting):
            return answer
        return replies.written(answer.text, answer.stop, prompt.nonce, topic.paths, texts)

    def _sent(self, name: str, member: Member, prompt: Prompt) -> Reply | Waiting:
        if not self._asker.stored(member):
            size = prompt.size
            again = f", attempt {member.attempt}" if member.attempt > 1 else ""
            self._say(f"Asking: {name}{again} (at most {size:,} tokens)")
        return self._asker.obtain(Ask((member,)), prompt)

    def _member(self, name: str, system: str, body: str, values: prompts.Values, attempt: int) -> Member:
        return prompts.member(name, values, self._templates[system], self._templates[body], attempt)
