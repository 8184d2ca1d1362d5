"""Plans from answers: lines quoted, changes taken in, what a person wrote left as it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from brengine import graph
from brengine.domain import PROJECT, Need, Spec
from brengine.plans import assembly, files, writing
from brengine.plans.anchors import Present, Quote
from brengine.plans.assembly import Assembled, Drift
from brengine.plans.files import PlanFile, Planned, PlannedRuling, Quotes
from brengine.plans.prompts import path_of
from brengine.plans.replies import Question
from brengine.source import Source

UNMOVED = Drift()


def quoted(quotes: Iterable[Quote], source: Source, drift: Drift = UNMOVED) -> Quotes:
    """Line numbers, and quotes of lines that were edited since, as quotes of the text of today; no blank lines."""
    found = []
    for quote in quotes:
        if quote in drift.changed:
            number = drift.changed[quote]
            found += [Quote(number, source.lines[number - 1].rstrip())] if number else []
        elif quote.text is not None:
            found.append(quote)
        elif quote.line <= len(source.lines) and source.lines[quote.line - 1].strip():
            found.append(Quote(quote.line, source.lines[quote.line - 1].rstrip()))
    return tuple(dict.fromkeys(found))


def quoted_task(task: Planned, source: Source, drift: Drift = UNMOVED) -> Planned:
    """A task with its lines quoted."""
    accepted = tuple(replace(a, lines=quoted(a.lines, source, drift)) for a in task.acceptance)
    return replace(task, covers=quoted(task.covers, source, drift), acceptance=accepted)


def quoted_ruling(ruling: PlannedRuling, source: Source, drift: Drift = UNMOVED) -> PlannedRuling:
    """A ruling with its lines quoted."""
    return replace(ruling, lines=quoted(ruling.lines, source, drift))


def first_texts(plans: Sequence[PlanFile], spec: Spec, source: Source) -> dict[str, str]:
    """The plan files of a new plan: stamped as the engine's, every line of the specification quoted somewhere."""
    names = {feature.id: feature.name for feature in spec.features} | {PROJECT: spec.title}
    by_feature = {plan.feature: plan for plan in plans}
    by_feature.setdefault(PROJECT, PlanFile(path_of(PROJECT), PROJECT))
    made = {}
    for name, plan in by_feature.items():
        tasks = tuple(files.stamped(quoted_task(task, source)) for task in plan.tasks)
        rulings = tuple(files.stamped_ruling(quoted_ruling(ruling, source)) for ruling in plan.rulings)
        made[name] = replace(plan, tasks=tasks, rulings=rulings, unplanned=())
    left = unplanned(list(made.values()), source)
    made[PROJECT] = replace(made[PROJECT], unplanned=left)
    return {path_of(name): writing.dump(plan, f"The plan of {names.get(name, name)}") for name, plan in made.items()}


def unplanned(plans: Sequence[PlanFile], source: Source) -> Quotes:
    """The lines that no task, acceptance or ruling quotes."""
    held = {q.line for plan in plans for q in assembly.quotes_of(replace(plan, unplanned=()))}
    return quoted((Quote(n) for n in range(1, len(source.lines) + 1) if n not in held), source)


# --- needs --------------------------------------------------------------------------------------------------------


def known_need(plan: Assembled, task: str, question: Question) -> str:
    """The name that a task lacks, where one other task defines it and may be needed without a circle; else ""."""
    name = question.about.rpartition(".")[2]
    owner = assembly.owners(plan.tasks).get(name, "") if question.kind == "need" else ""
    edges = {row.id: [need.task for need in row.needs] for row in plan.tasks}
    if not owner or owner == task or task in graph.closure(edges, [owner]):
        return ""
    return name


def with_needs(plans: Sequence[PlanFile], plan: Assembled, known: Sequence[tuple[str, str]]) -> tuple[PlanFile, ...]:
    """The plans with (task, name) needs added."""
    owner = assembly.owners(plan.tasks)
    wanted: dict[str, list[str]] = {}
    for task, name in known:
        wanted.setdefault(task, []).append(name)

    def more(task: Planned) -> Planned:
        uses = {need.task: dict.fromkeys(need.uses) for need in task.needs}
        for name in wanted.get(task.id, ()):
            uses.setdefault(owner[name], {})[name] = None
        return replace(task, needs=tuple(Need(other, tuple(names)) for other, names in uses.items()))

    return tuple(replace(p, tasks=tuple(more(t) if t.id in wanted else t for t in p.tasks)) for p in plans)


# --- changes ------------------------------------------------------------------------------------------------------


def with_changes(plans: Sequence[PlanFile], changes: PlanFile) -> tuple[PlanFile, ...]:
    """The plans with the tasks, rulings and surface of a change; what a person wrote stays."""
    gone = set(changes.drop)
    tasks = {task.id: task for task in changes.tasks}
    rulings = {ruling.id: ruling for ruling in changes.rulings}
    surface = {item.name: item for item in changes.surface}
    by_feature = {plan.feature: plan for plan in plans}
    for name in (*(task.feature for task in changes.tasks), PROJECT):
        by_feature.setdefault(name, PlanFile(path_of(name), name))
    found = []
    for name, plan in by_feature.items():
        mine = {t.id: tasks[t.id] if t.id in tasks and not t.edited else t for t in plan.tasks}
        mine |= {t.id: t for t in changes.tasks if t.feature == name and t.id not in mine}
        kept = {t.id: t for t in mine.values() if t.id not in gone or _persons(plan, t.id)}
        own = {r.id: rulings.pop(r.id) if r.id in rulings and not r.edited else r for r in plan.rulings}
        outside = {s.name: surface.pop(s.name, s) for s in plan.surface if s.task not in gone}
        found.append(
            replace(
                plan,
                tasks=tuple(kept.values()),
                rulings=tuple(r for r in own.values() if r.id not in gone or r.edited),
                surface=tuple(outside.values()),
            )
        )
    return tuple(
        replace(p, rulings=(*p.rulings, *_new(p.rulings, rulings)), surface=(*p.surface, *surface.values()))
        if p.feature == PROJECT
        else p
        for p in found
    )


def _new(there: Iterable[PlannedRuling], rulings: Mapping[str, PlannedRuling]) -> list[PlannedRuling]:
    names = {ruling.id for ruling in there}
    return [ruling for name, ruling in rulings.items() if name not in names]


def _persons(plan: PlanFile, name: str) -> bool:
    return any(task.id == name and task.edited for task in plan.tasks)


def changed_texts(
    before: Mapping[str, Source], plans: Sequence[PlanFile], drift: Drift, source: Source, spec: Spec
) -> dict[str, str]:
    """path → text of each plan file that differs: items that changed are replaced, the rest keeps its bytes."""
    texts = {path: _requoted(old, drift, source) for path, old in before.items()}
    written = {path: files.load(Source(path, text)) for path, text in texts.items()}
    for plan in plans:
        path = path_of(plan.feature)
        old = written.get(path)
        if old is None:
            texts |= {p: t for p, t in first_texts([plan], spec, source).items() if p == path}
            continue
        text = Source(path, texts[path])
        tasks = {t.id: quoted_task(t, source, drift) for t in plan.tasks}
        rulings = {r.id: quoted_ruling(r, source, drift) for r in plan.rulings}
        persons = {item.id for item in _items(old) if item.edited}
        new_tasks = {n: t if n in persons else files.stamped(t) for n, t in tasks.items() if _differs(t, old.tasks)}
        new_rulings = {n: files.stamped_ruling(r) for n, r in rulings.items() if _differs(r, old.rulings)}
        gone = [t.id for t in old.tasks if t.id not in tasks]
        gone_rulings = [r.id for r in old.rulings if r.id not in rulings]
        if new_tasks or gone:
            text = Source(path, writing.splice(text, "tasks", new_tasks, gone, plan.feature))
        if new_rulings or gone_rulings:
            text = Source(path, writing.splice(text, "rulings", new_rulings, gone_rulings, plan.feature))
        if plan.surface != old.surface:
            text = Source(path, writing.with_surface(text, plan.surface))
        texts[path] = text.text
    project = path_of(PROJECT)
    now = [files.load(Source(path, text)) for path, text in texts.items()]
    texts[project] = writing.with_unplanned(Source(project, texts[project]), unplanned(_located(now, source), source))
    return {path: text for path, text in texts.items() if path not in before or text != before[path].text}


def _differs(item: Planned | PlannedRuling, old: Sequence[Planned] | Sequence[PlannedRuling]) -> bool:
    same = next((other for other in old if other.id == item.id), None)
    return same is None or files.made_of(same) != files.made_of(item)


def _located(plans: Sequence[PlanFile], source: Source) -> list[PlanFile]:
    """The plans with every quote under the number of today."""
    everything = [quote for plan in plans for quote in assembly.quotes_of(replace(plan, unplanned=()))]
    present = Present(source.lines, everything)

    def now(quotes: Quotes) -> Quotes:
        return tuple(Quote(n) for n in present.locate(quotes).lines)

    return [
        replace(
            plan,
            tasks=tuple(
                replace(t, covers=now(t.covers), acceptance=tuple(replace(a, lines=now(a.lines)) for a in t.acceptance))
                for t in plan.tasks
            ),
            rulings=tuple(replace(r, lines=now(r.lines)) for r in plan.rulings),
        )
        for plan in plans
    ]


def _items(plan: PlanFile) -> list[Planned | PlannedRuling]:
    return [*plan.tasks, *plan.rulings]


def _requoted(old: Source, drift: Drift, source: Source) -> str:
    """The text of a plan file with quotes of edited lines replaced by the lines that they became.

    What the engine wrote is stamped again; what a person wrote is not.
    """
    if not drift.changed:
        return old.text
    plan = files.load(old)
    ours = {item.id for item in _items(plan) if not item.edited}
    rows: list[str] = []
    for row in old.text.split("\n"):
        match = re.match(r"^(\s+)(\d+)\s*\| ?(.*)$", row)
        quote = Quote(int(match[2]), match[3].rstrip()) if match else None
        if match and quote and quote in drift.changed:
            number = drift.changed[quote]
            rows += [f"{match[1]}{number}| {source.lines[number - 1].rstrip()}"] if number else []
        else:
            rows.append(row)
    text = "\n".join(rows)
    again = files.load(Source(old.path, text))
    for item in _items(again):
        if item.id in ours and item.edited:
            text = text.replace(f"made: {item.made}", f"made: {files.made_of(item)}")
    return text
