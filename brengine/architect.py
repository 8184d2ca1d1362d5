"""Makes and amends plans by asking: every answer is stored first, judged hard, and mended within bounds."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from brengine import planning, validate
from brengine.asking import Asker
from brengine.asks import Waiting
from brengine.domain import PROJECT
from brengine.drafting import Drafter, Say, Topic
from brengine.errors import Diagnostic
from brengine.plans import anchors, assembly, judge, merging, prompts, replies
from brengine.plans.assembly import Assembled
from brengine.plans.files import PlanFile
from brengine.plans.judge import Ground
from brengine.plans.replies import Question, Written
from brengine.source import Source
from brengine.tokens import upper_bound

ATTEMPTS = 3
"""Answers of one planning ask: the first, and those that mend it."""
BESIDE = 2
"""How near to a new line a task's lines must be for it to be shown whole."""
LEFT_OUT = ("uncovered", "stated", "contract", "uncovered-lines", "literal")
"""Rules that the first plan of a long specification need not keep yet."""
WORTH_MENDING = ("uncovered-lines", "literal", "blind-reference")
"""Warnings that one mending ask is spent on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a task's author."""

    task: str
    question: Question


@dataclass(frozen=True, slots=True)
class Planned:
    """What planning led to: plan files to write, and what is still to be said about them."""

    texts: Mapping[str, str]
    findings: tuple[Diagnostic, ...] = ()
    waiting: Waiting | None = None


class Architect:
    """Plans one specification. Raises BackendError where no reply can be had."""

    def __init__(
        self, basis: planning.Basis, ground: Ground, texts: Mapping[str, Source], asker: Asker, profile: str, say: Say
    ) -> None:
        self._basis = basis
        self._ground = ground
        self._drafter = Drafter(ground, texts, asker, say)
        self._say = say
        self._about: dict[str, object] = {
            "project": basis.spec.title,
            "toolchain": basis.chosen.main.name,
            "profile": profile,
            "limit": ground.limit,
            "owed": anchors.ranges(judge.owed(ground)),
        }

    # --- a new plan ---------------------------------------------------------------------------------------------

    def new(self) -> Planned:
        """The plan of a specification that has none: architecture, features that are left, mending, seam review."""
        spec, source = self._basis.spec, self._ground.source
        whole = upper_bound(prompts.numbered(source)) <= prompts.WHOLE_TOKENS
        notes = () if whole else self._gathered()
        if isinstance(notes, Waiting):
            return Planned({}, waiting=notes)
        values = prompts.architecture(spec, source, self._about, self._ground.given, notes, whole)
        paths = (prompts.path_of(PROJECT), *(prompts.path_of(feature.id) for feature in spec.features))
        topic = Topic("plan.architecture", "architecture", values, paths)
        first = self._mended(topic, partial=not whole)
        if isinstance(first, Waiting):
            return Planned({}, waiting=first)
        texts, detailed_ones = dict(first.texts), 0
        for feature in spec.features:
            if whole and any(plan.feature == feature.id and plan.tasks for plan in first.plans):
                continue
            detailed = self._feature(feature.id, texts)
            if isinstance(detailed, Waiting):
                return Planned({}, waiting=detailed)
            texts |= detailed.texts
            detailed_ones += 1
        found = self._reviewed(topic, texts, 0 if detailed_ones else ATTEMPTS)
        return Planned({}, waiting=found) if isinstance(found, Waiting) else self._settled(found)

    def _gathered(self) -> tuple[str, ...] | Waiting:
        """What there is in a text that is too long to be sent whole: names, gaps, contradictions, by its parts."""
        source = self._ground.source
        cost = [upper_bound(line) + 3 for line in source.lines]
        found: list[str] = []
        for first, last in prompts.chunks(source, prompts.CHUNK_TOKENS, cost):
            text = prompts.numbered(source, range(first, last + 1))
            values = {"first": first, "last": last, "total": len(source.lines), "text": text}
            answer = self._drafter.read(f"plan.gather-{first}", "gather", values)
            if isinstance(answer, Waiting):
                return answer
            found += replies.notes(answer.text, answer.stop)
        return tuple(found)

    def _feature(self, name: str, texts: Mapping[str, str]) -> Written | Waiting:
        """The detailed plan of one feature, against the contracts of the others as they are by now."""
        spec, source = self._basis.spec, self._ground.source
        feature = next(f for f in spec.features if f.id == name)
        plan = assembly.assemble(replies.of_texts(texts).plans, spec, source)
        mine = [task for task in plan.tasks if task.feature == name]
        lines = {n for task in mine for cover in task.covers for n in cover.span.lines} | set(feature.span.lines)
        path = prompts.path_of(name)
        values = {
            "project": spec.title,
            "feature": prompts.feature_values(feature),
            "plan": texts.get(path, ""),
            "rulings": [prompts.ruled(ruling) for ruling in plan.rulings],
            "others": [prompts.with_contracts(t) for t in plan.tasks if t.feature != name and not t.assembles],
            "text": prompts.numbered(source, lines),
            "limit": self._ground.limit,
            "paths": [path],
        }
        others = replies.of_texts({other: text for other, text in texts.items() if other != path}).plans
        return self._mended(Topic(f"plan.{name}", "feature", values, (path,)), beside=others)

    def _reviewed(self, topic: Topic, texts: Mapping[str, str], attempt: int) -> Written | Waiting:
        """The whole plan, mended after the judges (from `attempt` on) and once more after a seam review."""
        whole = self._loop(replace(topic, name="plan.whole"), replies.of_texts(texts), attempt)
        if isinstance(whole, Waiting):
            return whole
        plan = assembly.assemble(whole.plans, self._basis.spec, self._ground.source)
        shown = {
            "project": self._basis.spec.title,
            "surface": [f"{item.name} ({item.mark}, {item.task}): {item.form}" for item in plan.surface],
            "rulings": [prompts.ruled(ruling) for ruling in plan.rulings],
            "tasks": "\n".join(prompts.reviewed(task) for task in plan.tasks if not task.assembles),
            "text": prompts.for_review(topic.values, self._ground.source, plan.rulings),
            "whole": topic.values["whole"],
        }
        answer = self._drafter.read("plan.review", "review", shown)
        if isinstance(answer, Waiting):
            return answer
        seams = replies.seams(answer.text, [task.id for task in plan.tasks])
        if not seams:
            return whole
        again = Topic("plan.seams", "mend", shown, topic.paths)
        mended = self._drafter.mended(again, 1, whole, seams, review=True)
        return mended if isinstance(mended, Waiting) else self._loop(again, mended, 1, kept=seams)

    # --- changes ------------------------------------------------------------------------------------------------

    def changes(self, before: Mapping[str, Source], asked: Sequence[Asked] = ()) -> Planned:
        """The plan after an edit of the specification, or with what authors of tasks asked for."""
        spec, source = self._basis.spec, self._ground.source
        plans = planning.load(list(before.values()))
        now = assembly.assemble(plans, spec, source)
        topic = Topic("plan.changes", "changes", self._change_values(plans, now, asked), (prompts.CHANGES,))
        written = Written({}, (), ())
        findings: tuple[str, ...] = ()
        for attempt in range(1, ATTEMPTS + 1):
            if attempt == 1:
                answer = self._drafter.written(topic, {})
            else:
                answer = self._drafter.mended(topic, attempt, written, findings)
            if isinstance(answer, Waiting):
                return Planned({}, waiting=answer)
            written = answer
            after = merging.with_changes(plans, written.plans[0]) if written.plans else plans
            texts = merging.changed_texts(before, after, now.drift, source, spec)
            problems = self._judged(planning.load(_together(before, texts)))
            errors = [prompts.complaint(found) for found in problems if found.severity == "error"]
            findings = (*written.findings, *errors)
            if not findings:
                return Planned(texts, problems)
        self._say(f"The change of the plan is not taken: {textwrap.shorten(findings[0], 240, placeholder=' …')}")
        return Planned(merging.changed_texts(before, plans, now.drift, source, spec), self._judged(plans))

    def amended(self, before: Mapping[str, Source], asked: Sequence[Asked]) -> Planned:
        """The plan with what authors asked for: needs whose owner is known are added, for the rest it is asked."""
        plans = planning.load(list(before.values()))
        now = assembly.assemble(plans, self._basis.spec, self._ground.source)
        known = [(row.task, name) for row in asked if (name := merging.known_need(now, row.task, row.question))]
        texts: dict[str, str] = {}
        if known:
            for task, name in known:
                self._say(f"{task} needs {name}: its owner is known, nobody is asked")
            after = merging.with_needs(plans, now, known)
            texts = merging.changed_texts(before, after, now.drift, self._ground.source, self._basis.spec)
        open_ones = [row for row in asked if not merging.known_need(now, row.task, row.question)]
        if not open_ones:
            return Planned(texts)
        found = self.changes({source.path: source for source in _together(before, texts)}, open_ones)
        return found if found.waiting else replace(found, texts={**texts, **found.texts})

    def _change_values(self, plans: Sequence[PlanFile], now: Assembled, asked: Sequence[Asked]) -> prompts.Values:
        source, drift = self._ground.source, now.drift
        lines = {*drift.fresh, *(line for line in drift.changed.values() if line)}
        for row in asked:
            if row.question.kind == "conflict":
                lines |= {quote.line for quote in anchors.read(row.question.about)[0]}
                lines |= {n for n in anchors.mentioned(row.question.said) if n <= len(source.lines)}
        covered = {task.id: [n for cover in task.covers for n in cover.span.lines] for task in now.tasks}
        near = prompts.around(source, lines)
        beside = {n + step for n in drift.fresh for step in range(-BESIDE, BESIDE + 1)} | (lines - set(drift.fresh))
        touched = {name for name, mine in covered.items() if set(mine) & beside}
        touched |= {row.task for row in asked} | _restating(plans, drift)
        rows = [task for plan in plans for task in plan.tasks if task.id in touched]
        shown = near | {n for row in asked if row.question.kind == "need" for n in covered.get(row.task, ())}
        return {
            "project": self._basis.spec.title,
            "changed": [*_edits(drift, source), *(f"new line {n}: {source.lines[n - 1].strip()}" for n in drift.fresh)],
            "questions": [_asked(row) for row in asked],
            "rulings": [prompts.ruled(ruling) for ruling in now.rulings],
            "tasks": prompts.shown_plan(PlanFile("", "changes"), rows, covered),
            "others": [prompts.one_line(t, covers=True) for t in now.tasks if t.id not in touched and not t.assembles],
            "lines": prompts.numbered(source, shown),
            "kept": [task.id for task in rows if task.edited],
            "limit": self._ground.limit,
            "paths": [prompts.CHANGES],
        }

    # --- mending -------------------------------------------------------------------------------------

    def _mended(self, topic: Topic, partial: bool = False, beside: Sequence[PlanFile] = ()) -> Written | Waiting:
        """The first answer to an ask, mended where its form is wrong or the judges object."""
        first = self._drafter.written(topic, {})
        return first if isinstance(first, Waiting) else self._loop(topic, first, 1, partial, beside)

    def _loop(
        self,
        topic: Topic,
        current: Written,
        attempt: int,
        partial: bool = False,
        beside: Sequence[PlanFile] = (),
        kept: Sequence[str] = (),
    ) -> Written | Waiting:
        """Judge, ask to mend, judge again; ends without findings, or after the last attempt.

        A `partial` plan is followed by the features' own asks: what it leaves out is no finding yet. One that is
        judged with what stands `beside` it answers for its own files only. `kept`: findings that were mended before.
        """
        while True:
            findings = current.findings or self._complaints(topic, current, beside, attempt <= 1, partial)
            if not findings or attempt >= ATTEMPTS:
                return current
            attempt += 1
            answer = self._drafter.mended(topic, attempt, current, findings, kept=kept)
            if isinstance(answer, Waiting):
                return answer
            current, kept = answer, (*kept, *findings)

    def _complaints(
        self, topic: Topic, current: Written, beside: Sequence[PlanFile], strict: bool, partial: bool
    ) -> tuple[str, ...]:
        found = self._judged([*beside, *current.plans])
        found = tuple(d for d in found if not (partial and d.rule in LEFT_OUT))
        found = tuple(d for d in found if not beside or d.path in topic.paths)
        errors = [d for d in found if d.severity == "error"]
        worth = [d for d in found if d.rule in WORTH_MENDING] if strict or errors else []
        return tuple(prompts.complaint(d) for d in (*errors, *worth))

    def _judged(self, plans: Sequence[PlanFile]) -> tuple[Diagnostic, ...]:
        plan = assembly.assemble(plans, self._basis.spec, self._ground.source)
        formal = validate.problems(plan.tasks, self._basis.spec, plan.places)
        return (*formal, *judge.findings(plan, self._ground))

    # --- the end ------------------------------------------------------------------------------------------------

    def _settled(self, found: Written) -> Planned:
        """The plan files of an answer; tasks that still cannot stand are left out, their requirements to the rules."""
        plans = [plan for plan in found.plans if plan.feature in self._features]
        for _ in range(len([task for plan in plans for task in plan.tasks]) + 1):
            plan = assembly.assemble(plans, self._basis.spec, self._ground.source)
            errors = validate.problems(plan.tasks, self._basis.spec, plan.places)
            wrong = {(found.path, found.span) for found in errors if found.rule != "uncovered"}
            bad = {name for name, place in plan.places.items() if place in wrong}
            if not bad:
                break
            self._say(f"Left to the rules, since it cannot be built as planned: {', '.join(sorted(bad))}")
            plans = [
                replace(
                    p,
                    tasks=tuple(t for t in p.tasks if t.id not in bad),
                    surface=tuple(s for s in p.surface if s.task not in bad),
                )
                for p in plans
            ]
        texts = merging.first_texts(plans, self._basis.spec, self._ground.source) if plans else {}
        return Planned(texts, self._judged(plans) if plans else ())

    @property
    def _features(self) -> frozenset[str]:
        return frozenset({PROJECT, *(feature.id for feature in self._basis.spec.features)})


def _together(before: Mapping[str, Source], texts: Mapping[str, str]) -> list[Source]:
    """The plan files as they would be."""
    return [Source(path, text) for path, text in ({p: s.text for p, s in before.items()} | dict(texts)).items()]


def _edits(drift: assembly.Drift, source: Source) -> list[str]:
    rows = sorted(drift.changed.items(), key=lambda pair: pair[0].line)
    return [
        f"line {now}: {(quote.text or '').strip()!r} is now {source.lines[now - 1].strip()!r}"
        if now
        else f"gone: {(quote.text or '').strip()!r}"
        for quote, now in rows
    ]


def _asked(row: Asked) -> str:
    said = f": {row.question.said}" if row.question.said else ""
    if row.question.kind == "need":
        return f"{row.task} needs {row.question.about}, which no contract gives it{said}"
    return f"{row.task} finds a contradiction on line {row.question.about}{said}"


def _restating(plans: Sequence[PlanFile], drift: assembly.Drift) -> set[str]:
    """Tasks whose acceptance, contracts or covers speak of lines that changed."""
    found = set()
    for plan in plans:
        for task in plan.tasks:
            quotes = {*task.covers, *(q for a in task.acceptance for q in a.lines)}
            if quotes & drift.changed.keys():
                found.add(task.id)
    return found
