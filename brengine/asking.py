"""Getting a reply, and never paying for it twice: found in the store, or asked for and stored before anything else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from brengine.asks import EDITED, Ask, Member, Prompt, Reply, Usage, Waiting
from brengine.blobs import Blobs
from brengine.budget import Budget, Slot
from brengine.errors import BackendError, BrError, Declined, OverBudget, TooLarge
from brengine.events import Asked, Replied, Sink, Unanswered
from brengine.ledger import Ledger, Stored
from brengine.ports import Backend, Counter
from brengine.prompt import Repair
from brengine.routing import Routes
from brengine.rows import gone_row, intent_row, reply_row
from brengine.stale import Rung
from brengine.standing import Standing


class Prompter(Protocol):
    """Renders asks. Both raise TooLarge when what a prompt must hold does not fit its limit."""

    def task(self, standings: Sequence[Standing], scale: float | None = None) -> Prompt:
        """The first ask for these members of one batch; `scale`: tokens per estimated one, where that is known."""
        ...

    def repair(self, standing: Standing, repair: Repair, files: Mapping[str, bytes]) -> Prompt:
        """A repair ask for one task with the files of the attempt before."""
        ...


class Person(Protocol):
    """Who decides about every ask, in interactive mode."""

    def approve(self, ask: Ask, prompt: Prompt) -> Prompt | None:
        """The prompt to send, as it is or edited; None to leave it."""
        ...

    def review(self, ask: Ask, prompt: Prompt, reply: Reply) -> Reply | str | None:
        """The reply to go on with, as it is or edited; a note to ask again with; None to leave the tasks."""
        ...


CLOSE = 1.05
"""How much more than what was counted other text of a prompt may take for its length."""
NOTE = "\n\nThe person whose project this is adds:\n{}\n"


class Asker:
    """The only code that calls a backend. Safe to use from several threads."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        blobs: Blobs,
        backend: Callable[[], Backend],
        prompter: Callable[[], Prompter],
        budget: Budget,
        routes: Routes,
        sink: Sink,
        closed: str = "",
        person: Person | None = None,
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._backend = backend
        self._prompter = prompter
        self._budget = budget
        self._routes = routes
        self._sink = sink
        self.closed = closed
        """Why nobody is asked, "" where asking is open; the budget may close it."""
        self._person = person
        self.declined: set[str] = set()
        """Tasks that a person left alone."""
        self.waiting: dict[str, Waiting] = {}
        """Tasks whose reply a person gives, with where."""
        self.over: OverBudget | None = None
        """Why asking stopped, where the budget did that."""

    def base(self, standing: Standing) -> int:
        """How many attempts `br retry` set aside for the present ask Key."""
        return self._ledger.state.bases.get((standing.task.id, standing.ask.digest), 0)

    def stored(self, member: Member) -> Stored | None:
        """The stored reply of this attempt at this ask Key, if its text can still be read."""
        found = self._ledger.state.replies.get((member.task, member.key, member.attempt))
        return found if found and self._blobs.has(found.blob) else None

    def text(self, stored: Stored) -> str:
        """The text of a stored reply; "" when it is gone (which no check accepts)."""
        return (self._blobs.get(stored.blob) or b"").decode("utf-8", "replace")

    def lacks(self, standing: Standing) -> bool:
        """True where a task's first reply must be asked for, and is not stored."""
        return standing.rung is Rung.ASK and not self.stored(standing.member(self.base(standing) + 1))

    def fetch(self, standings: Sequence[Standing]) -> dict[str, Waiting]:
        """Have the first reply of every member that must be asked for; answers who waits for a person.

        Sends nothing for a member whose reply is stored.
        """
        left = {standing.task.id for standing in standings} if self.closed else self.declined
        wanted = [standing for standing in standings if standing.task.id not in left and self.lacks(standing)]
        waiting: dict[str, Waiting] = {}
        for members, rendered in self.prompts(wanted) if wanted else ():
            model = self._routes.first([standing.task for standing in members])
            ask = Ask(tuple(s.member(self.base(s) + 1) for s in members), model, files={})
            prompt = self._fuller(members, rendered, ask)
            base = {path: content for s in members for path, content in s.present.items()}
            answer = self._attended(ask, prompt, base)
            if answer:
                waiting |= {s.task.id: answer for s in members}
        self.waiting |= waiting
        return waiting

    def prompts(self, wanted: Sequence[Standing]) -> list[tuple[Sequence[Standing], Prompt]]:
        """The prompts of the first ask for these members: one for all, or one each where together they do not fit."""
        try:
            return [(wanted, self._prompter().task(wanted))]
        except TooLarge:
            if len(wanted) == 1:
                raise
            return [([one], self._prompter().task([one])) for one in wanted]

    def _fuller(self, members: Sequence[Standing], prompt: Prompt, ask: Ask) -> Prompt:
        """With more of what was left out by the estimate, where the endpoint's own count says that it fits.

        Nothing is sent for counting where a person approves what is sent.
        """
        backend = self._backend()
        if self._person or not (prompt.left_out or prompt.shortened) or not isinstance(backend, Counter):
            return prompt
        counted = backend.count(ask, prompt)
        if counted is None or counted * CLOSE >= prompt.size:
            return prompt
        scale = CLOSE * counted / prompt.size
        fuller = self._prompter().task(members, scale)
        again = backend.count(ask, fuller) if fuller.digest != prompt.digest else None
        return fuller if again is not None and again <= scale * fuller.size else prompt

    def repair(
        self, standing: Standing, repair: Repair, files: Mapping[str, bytes], base: Mapping[str, str]
    ) -> Waiting | None:
        """Have the reply of a later attempt of one task; Waiting where a person gives it."""
        member = standing.member(repair.attempt)
        if self.stored(member):
            return None
        prompt = self._prompter().repair(standing, repair, files)
        model = self._routes.again(standing.task, repair.stuck)
        answer = self._attended(Ask((member,), model, repair.longer, repair.only, files), prompt, base)
        if answer:
            self.waiting[standing.task.id] = answer
        return answer

    def obtain(self, ask: Ask, prompt: Prompt) -> Reply | Waiting:
        """The reply to an ask of one member that is no task: the stored one, else asked for and stored first."""
        if not self.stored(ask.members[0]):
            answer = self._send(replace(ask, model=self._routes.planning()), prompt, {})
            if answer:
                return answer
        stored = self.stored(ask.members[0])
        if stored is None:
            raise BackendError("the reply was stored and cannot be read again")
        return replace(stored.reply, text=self.text(stored))

    def _attended(self, ask: Ask, prompt: Prompt, base: Mapping[str, str]) -> Waiting | None:
        """Have a reply stored that a person, where one attends, wants. Raises Declined."""
        answer = self._send(ask, prompt, base)
        while self._person and not answer:
            stored = self.stored(ask.members[0])
            assert stored is not None
            said = self._person.review(ask, prompt, replace(stored.reply, text=self.text(stored)))
            if isinstance(said, str):
                prompt = replace(prompt, user=f"{prompt.user.rstrip()}{NOTE.format(said)}")
                answer = self._send(ask, prompt, base)
                continue
            if said is None:
                for member in ask.members:  # what was stored is set aside
                    self._ledger.append({"t": "retry", "task": member.task, "key": member.key, "base": member.attempt})
                raise self._left(ask)
            if said.text != self.text(stored):
                self._keep(ask, prompt, replace(stored.reply, text=said.text, note=EDITED), base)
            return None
        return answer

    def _left(self, ask: Ask) -> Declined:
        self.declined |= {member.task for member in ask.members}
        return Declined(f"left alone: {', '.join(member.task for member in ask.members)}")

    def _send(self, ask: Ask, prompt: Prompt, base: Mapping[str, str]) -> Waiting | None:
        if self._person:
            approved = self._person.approve(ask, prompt)
            if approved is None:
                raise self._left(ask)
            prompt = approved
        backend = self._backend()
        slot = self._reserved(ask, prompt) if backend.paid else None
        self._ledger.append(intent_row(ask, prompt, base))
        if slot:
            self._sink(Asked(tuple(m.task for m in ask.members), ask.members[0].attempt, ask.model))
        began = time.monotonic()
        try:
            answer = backend.answer(ask, prompt)
        except (BackendError, OverBudget) as error:
            self._unanswered(ask, slot, error)
            raise
        except BaseException:  # ctrl-c among them: it may be paid, so it stays in flight; the room for it is free again
            if slot:
                self._budget.give_up(slot)
            raise
        if isinstance(answer, Waiting):
            self._ledger.append({"t": "gone", "ask": ask.id})
            return answer
        self._keep(ask, prompt, answer, base, time.monotonic() - began)
        if slot:
            self._budget.settle(slot, answer.usage, answer.cost)
        return None

    def _reserved(self, ask: Ask, prompt: Prompt) -> Slot:
        try:
            return self._budget.reserve(prompt.size, ask.model, ask.longer)
        except OverBudget as error:
            self._stopped(error)
            raise

    def _stopped(self, error: OverBudget) -> None:
        self.over, self.closed = error, "the budget does not allow it"

    def _unanswered(self, ask: Ask, slot: Slot | None, error: BrError) -> None:
        """No reply: what tries took is told, so that no token is left out of the sum."""
        used = slot.used if slot else Usage()
        self._ledger.append(gone_row(ask, used, slot.used_cost if slot and slot.cost else None))
        if isinstance(error, OverBudget):
            self._stopped(error)
        if slot:
            self._budget.give_up(slot)
            self._sink(Unanswered(tuple(m.task for m in ask.members), slot.used, slot.used_cost))

    def _keep(
        self, ask: Ask, prompt: Prompt, reply: Reply, base: Mapping[str, str], seconds: float | None = None
    ) -> None:
        blob = self._blobs.put(reply.text.encode("utf-8", "replace"))
        self._ledger.append(reply_row(ask, prompt, blob, reply, base, seconds))
        if reply.note == EDITED:  # no other ask, and nothing more to pay
            return
        self._sink(Replied(tuple(m.task for m in ask.members), ask.members[0].attempt, reply, paid=True))
