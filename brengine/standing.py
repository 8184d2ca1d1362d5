"""Where every task stands: its Keys, the reasons why it is stale, and the rung that would make it fresh."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brengine import digest, interface, keys, stale
from brengine.asks import Member
from brengine.blobs import Actions, Blobs
from brengine.domain import PROJECT, Contract, Key, Plan, Reason, ReasonKind, Task
from brengine.ledger import Ledger
from brengine.stale import Rung
from brengine.verdict import Gates, Record
from brengine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Standing:
    """One task now: what is recorded, what stands in the tree, and what follows."""

    task: Task
    record: Record | None
    ask: Key
    verify: Key
    present: Mapping[str, str]
    reasons: tuple[Reason, ...]
    rung: Rung

    @property
    def foreign(self) -> tuple[str, ...]:
        """Files of the task that are there with a content that the record does not know: a person's."""
        known = {content for _, content in (self.record.outputs if self.record else ())}
        return tuple(path for path, content in self.present.items() if content and content not in known)

    @property
    def edited(self) -> bool:
        """True where any file of the task is a person's."""
        return bool(self.foreign)

    @property
    def waits_upstream(self) -> bool:
        """True where nothing but a stale need speaks against it."""
        return bool(self.reasons) and all(r.kind is ReasonKind.UPSTREAM_STALE for r in self.reasons)

    def member(self, attempt: int) -> Member:
        """This task as a member of an ask."""
        return Member(self.task.id, self.ask.digest, self.ask.without(keys.TEMPLATE).digest, attempt)


class Board:
    """Computes standings from plan, ledger, tree and stores. Reads only; digests are taken afresh at each call."""

    def __init__(
        self,
        plan: Plan,
        *,
        workspace: Workspace,
        ledger: Ledger,
        blobs: Blobs,
        actions: Actions,
        gates: Gates,
        toolchain: str,
        template: str,
        forgotten: frozenset[str] = frozenset(),
        again: frozenset[str] = frozenset(),
        asked: Path = Path("/nonexistent"),
    ) -> None:
        self.plan = plan
        self.gates = gates
        self.toolchain = toolchain
        self.tasks = {task.id: task for task in plan.tasks}
        self.batches = {batch.id: batch for batch in plan.batches}
        self.batch_of = {task: batch.id for batch in plan.batches for task in batch.tasks}
        self._workspace = workspace
        self._ledger = ledger
        self._blobs = blobs
        self._actions = actions
        self._template = template
        self._forgotten = set(forgotten)
        self._again = set(again)
        self._asked = asked
        self._asks: dict[str, Key] = {}
        self._closures: dict[str, tuple[str, ...]] = {}

    def gates_of(self, task: Task) -> Gates:
        """The gates that this task meets: its own coverage goal, else the project's."""
        if task.coverage is None:
            return self.gates
        return replace(self.gates, coverage=task.coverage)

    def closure(self, name: str) -> tuple[str, ...]:
        """Every task that `name` needs, transitively, in plan order, without itself."""
        found = self._closures.get(name)
        if found is None:
            seen: set[str] = set()
            stack = [need.task for need in self.tasks[name].needs]
            while stack:
                node = stack.pop()
                if node not in seen:
                    seen.add(node)
                    stack.extend(need.task for need in self.tasks[node].needs)
            found = self._closures[name] = tuple(task for task in self.tasks if task in seen)
        return found

    def ask_key(self, name: str) -> Key:
        """The ask Key of a task: of the plan alone where its needs state contracts, else of their files too."""
        found = self._asks.get(name)
        if found is None:
            task = self.tasks[name]
            found = keys.ask_key(task, self.contracts(task), self.plan.rulings, self._template)
            if not self.waits(task):
                self._asks[name] = found
        return found

    def waits(self, task: Task) -> bool:
        """True where a need states no contracts: then an ask waits until that need's Interface can be computed."""
        return any(_unstated(self.tasks[need.task]) for need in task.needs)

    def contracts(self, task: Task) -> dict[str, tuple[Contract, ...]]:
        """What each need of a task offers: its stated contracts, else the Interface of its accepted files."""
        return {need.task: self._offered(self.tasks[need.task]) for need in task.needs}

    def _offered(self, task: Task) -> tuple[Contract, ...]:
        if not _unstated(task):
            return task.defines
        sources = [(path, self._workspace.read(path)) for path in task.targets if path.endswith(".py")]
        stubs = [(path, interface.stub(c.decode("utf-8", "replace"))) for path, c in sources if c]
        return tuple(Contract(keys.INTERFACE, path, text) for path, text in stubs if text)

    def ask_values(self, name: str) -> dict[str, object]:
        """The inputs of the ask Key as values."""
        task = self.tasks[name]
        return keys.ask_values(task, self.contracts(task), self.plan.rulings, self._template)

    def keep_values(self, name: str) -> None:
        """Keep the inputs of the present ask Key, so that `br why` can show what they were (they may be lost)."""
        self._asked.mkdir(parents=True, exist_ok=True)
        path = self._asked / f"{self.ask_key(name).digest}.json"
        path.write_text(digest.canonical(self.ask_values(name)), encoding="utf-8")

    def kept_values(self, record: Record) -> dict[str, object]:
        """The inputs that a record's ask Key stands for, as far as they were kept here."""
        path = self._asked / f"{Key('ask', record.ask).digest}.json"
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def remember(self, batch: str) -> None:
        """A batch was verified again."""
        self._forgotten.discard(batch)
        self._again -= set(self.batches[batch].tasks)

    def digests(self, name: str) -> dict[str, str]:
        """path -> SHA-256 ("" when absent) of each file that the task owns, as they are now."""
        return {path: self._workspace.digest(path) for path in self.tasks[name].files}

    def verify_key(self, name: str, own: Mapping[str, str], needed: Mapping[str, Mapping[str, str]]) -> Key:
        """The verify Key of a task with these files over those needs."""
        return keys.verify_key(self.ask_key(name), own, needed, self.gates_of(self.tasks[name]), self.toolchain)

    def standing(self, name: str, memo: dict[str, dict[str, str]] | None = None) -> Standing:
        """Where a task stands now. `memo` shares digests within one look at the whole plan."""
        memo = {} if memo is None else memo
        for task in (name, *self.closure(name)):
            if task not in memo:
                memo[task] = self.digests(task)
        record = self._ledger.state.records.get(name)
        ask, present = self.ask_key(name), memo[name]
        verify = self.verify_key(name, present, {need: memo[need] for need in self.closure(name)})
        found = stale.reasons(record, ask, verify, present)
        if found == () and self.batch_of[name] in self._forgotten:
            found = (Reason(ReasonKind.FORGOTTEN, "by `doit forget`"),)
        if found == () and name in self._again:
            found = (Reason(ReasonKind.VERIFY_ASKED),)
        base = self._ledger.state.bases.get((name, ask.digest), 0)
        if base and (record is None or record.attempt <= base):
            asked = (*found, Reason(ReasonKind.RETRY_ASKED))
            again = Standing(self.tasks[name], record, ask, verify, present, asked, self._own(name, Rung.ASK))
            edited = again.foreign and (name, ask.digest) in self._ledger.state.asked_again
            if not edited:  # a person's own answer to a blame is verified before anybody is asked
                return again
        if (name, ask.digest) in self._ledger.state.adopting and stale.asks_anew(found) and all(present.values()):
            return Standing(self.tasks[name], record, ask, verify, present, found, self._own(name, Rung.VERIFY))
        action = self._actions.get(ask.digest) if found else None
        wanted = set(action.outputs.values()) if action else set()
        wanted |= {content for _, content in record.outputs} if record else set()
        kept = frozenset(content for content in wanted if self._blobs.has(content))
        rung = stale.rung(found, record, present, action.outputs if action else None, kept)
        return Standing(self.tasks[name], record, ask, verify, present, found, self._own(name, rung))

    def _own(self, name: str, rung: Rung) -> Rung:
        """What is put together by the engine is neither asked for nor restored."""
        return Rung.ASSEMBLE if self.tasks[name].assembles and rung is not Rung.FRESH else rung

    def all(self) -> dict[str, Standing]:
        """Every task in plan order; one that is fresh over a stale need is marked `upstream stale`."""
        memo: dict[str, dict[str, str]] = {}
        found = {name: self.standing(name, memo) for name in self.tasks}
        stale_ones = {name for name, standing in found.items() if standing.reasons}
        for name, standing in found.items():
            above = [need for need in self.closure(name) if need in stale_ones]
            if above and not standing.reasons:
                found[name] = self.upstream_stale(standing, above)
        return found

    def upstream_stale(self, standing: Standing, above: Sequence[str]) -> Standing:
        """A fresh task over stale needs: it is verified when these are done."""
        reason = Reason(ReasonKind.UPSTREAM_STALE, ", ".join(above))
        return replace(standing, reasons=(reason,), rung=self._own(standing.task.id, Rung.VERIFY))

    def is_done(self, name: str) -> bool:
        """True when a task is fresh now, by the record's evidence."""
        return not self.standing(name).reasons

    def leavers(self) -> dict[str, Record]:
        """Records of tasks that the plan no longer has."""
        records = self._ledger.state.records
        return {name: record for name, record in records.items() if name not in self.tasks and name != PROJECT}


def _unstated(task: Task) -> bool:
    return task.kind == "code" and not task.defines
