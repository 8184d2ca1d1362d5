"""Spec × rules → tasks, in the order of the rules. Pure and deterministic; every requirement gets at least one task."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from brengine import ids, layout, matching
from brengine.domain import PROJECT, Acceptance, Complexity, Contract, Cover, Need, Requirement, Section, Spec, Task
from brengine.matching import Match
from brengine.reading import titles
from brengine.rules import Pack, Rule
from brengine.source import Span
from brengine.tokens import upper_bound
from brengine.toolchains import Chosen, Toolchain

ROOM_TOKENS = 2_600
"""Tokens of a prompt's context for what binds and what is demanded; the rest is for contracts and files."""
BINDING_TOKENS = 1_200
"""Tokens of the sections that bind every task; what does not fit informs where there is room."""
MOST_TOLD = 1_200
"""Tokens of demands and description together, up to which the description is carried."""
MAX_TOLD = 500
"""Tokens of a feature's description that its code tasks carry."""
_BINDING_ORDER = ("tech-stack", "layout", "constraints", "non-functional")


@dataclass(slots=True)
class _Files:
    """Which paths and names are taken, so that every file has one owner."""

    package: str
    tree: tuple[str, ...]
    chosen: Chosen
    prefixes: Mapping[str, str]
    """The folder of the files of each toolchain, by its name."""
    written: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Feature id → the files, in small letters, of which it says that it is written there."""
    taken: set[str] = field(default_factory=set)
    paths: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """The targets and tests of matches that were seen to first."""
    ids: set[str] = field(default_factory=set)


def decompose(
    spec: Spec, packs: Sequence[Pack], package: str, chosen: Chosen, taken: frozenset[str] = frozenset()
) -> tuple[Task, ...]:
    """The tasks of every feature, in the order of the spec and of the rules, then those of the whole product.

    `taken` are files, in small letters, that other tasks make.
    """
    tree = layout.tree_paths(spec.sections)
    binding = _binding(spec)
    room = ROOM_TOKENS - sum(upper_bound(section.text) for section in binding)
    ground = matching.Ground(chosen, layout.domains(spec, tree, chosen), room)
    found = matching.matches(spec, packs, ground)
    files = _Files(package, tree, chosen, layout.prefixes(spec, tree, chosen, package))
    files.written = {feature.id: layout.written_in(feature) for feature in spec.features}
    files.taken |= taken
    files.taken |= {path.casefold() for match in found for path in _fixed(match, files)}
    for match in found:  # the product's own modules keep their names, whatever a feature is called
        if match.rule.scope == "product":
            files.paths[id(match)] = _paths(match, _values(match, files), files)
    tasks = [_task(match, spec, files, binding) for match in found]
    return _edges(spec, found, tasks)


# --- tasks --------------------------------------------------------------------------------------------------------


def _task(match: Match, spec: Spec, files: _Files, binding: Sequence[Section]) -> Task:
    rule, feature = match.rule, match.feature
    values = _values(match, files)
    targets, tests = files.paths.get(id(match)) or _paths(match, values, files)
    name = _fill(rule.name, values).strip()
    minutes, complexity = _size(match)
    return Task(
        id=_id(feature.id, name, match, files),
        name=name,
        feature=feature.id,
        kind=rule.kind,
        targets=targets,
        tests=tests,
        reads=tuple(_fill(path, values) for path in rule.reads),
        domain=feature.domain if feature.domain and rule.catch_all else rule.domain,
        complexity=complexity,
        minutes=minutes,
        priority=feature.priority,
        acceptance=(*_accepted(match), *(Acceptance(_fill(text, values)) for text in rule.acceptance)),
        defines=tuple(
            Contract(_fill(d.name, values), _fill(d.path, values) or targets[0], _fill(d.text, values))
            for d in rule.defines
        ),
        covers=_covers(match, spec, binding),
        done=_fill(rule.done, values).strip(),
        layer=rule.layer,
        rule=f"{rule.pack}/{rule.id}",
        coverage=feature.coverage if feature.coverage is not None else spec.coverage,
    )


def _id(feature: str, name: str, match: Match, files: _Files) -> str:
    """The task's id; where two would be one, the second is told apart by its first row."""
    found = f"{feature}.{ids.slug(name, 'task')}"
    if found in files.ids and match.rows:
        found = f"{feature}.{ids.slug(f'{name} {match.rows[0].id}', 'task')}"
    files.ids.add(found)
    return found


def _size(match: Match) -> tuple[int, Complexity]:
    """Minutes and complexity: the rule's, or grown with what it takes."""
    rule, count = match.rule, len(match.rows)
    if not rule.grows:
        return rule.minutes, rule.complexity
    if count <= 2:
        return min(60, rule.minutes), "simple" if rule.complexity != "complex" else "complex"
    return (rule.minutes, rule.complexity) if count <= 6 else (120, "complex")


def _values(match: Match, files: _Files) -> dict[str, str]:
    feature = match.feature
    rows = match.rows
    first = match.anchor if match.part else rows[0] if rows else None
    name = files.package if feature.id == PROJECT else layout.feature_slug(feature)
    return {
        "package": files.package,
        "feature": layout.module_name(name),
        "feature_slug": name.replace("_", "-") if feature.id == PROJECT else name,
        "feature_name": titles.unprioritised(feature.name),
        "requirement": first.text if first else feature.name,
        "requirement_slug": ids.plain_slug(first.id if first else feature.id, "requirement").replace("-", "_"),
        "part_slug": layout.short_slug(_part_name(first)) if first else "",
        "part": f": {_part_name(first)}" if match.part and first else "",
        "aspect": f" ({match.rule.aspect})" if match.rule.aspect and not match.whole else "",
        "front": files.prefixes.get(files.chosen.frontend.name, ""),
    }


def _part_name(row: Requirement) -> str:
    """What tells a part from the others: the id that its first row has in the text, else the row's first words."""
    return row.id.upper() if ids.is_number(row.id) else _short(row.text)


def _short(text: str) -> str:
    """The beginning of a text, whole words, for a task's name."""
    words, found = text.replace("**", "").split(), ""
    for word in words:
        if len(found) + len(word) > 50:
            return found or word[:50]
        found = f"{found} {word}".strip()
    return found


def _fill(text: str, values: Mapping[str, str]) -> str:
    """Put known placeholders in, in one pass: what is put in is never looked at again."""
    return re.sub(r"\{([a-zA-Z_]+)\}", lambda match: values.get(match[1], match[0]), text)


# --- files --------------------------------------------------------------------------------------------------------


def _paths(match: Match, values: dict[str, str], files: _Files) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(targets, tests): as the specification names them where the rule leaves it open, else as the rule says."""
    rule = match.rule
    toolchain = files.chosen.of(rule.domain)
    own = files.written.get(match.feature.id, frozenset())
    elsewhere = frozenset(path for name, paths in files.written.items() if name != match.feature.id for path in paths)
    named = layout.named_files(match.feature, files.tree, toolchain, elsewhere) if "{source}" in rule.targets else ()
    claimed = own if not match.part else frozenset()  # two features that claim one file are an error, told below
    free = [path for path in named if path.casefold() not in files.taken or path.casefold() in claimed & elsewhere]
    targets = tuple(path for path in free if not toolchain.is_test(path))
    tests = tuple(path for path in free if toolchain.is_test(path)) if targets else ()
    tests = tests or ((layout.beside(targets[0], toolchain),) if targets and toolchain.beside else ())
    values |= _module_paths(match, values, toolchain, files)
    if "{entry}" in rule.targets and toolchain.beside:
        tests = (layout.beside(values["entry"], toolchain),)
    targets = targets or tuple(_fill(path, values) for path in rule.targets)
    tests = tests or tuple(_fill(path, values) for path in rule.tests)
    files.taken |= {path.casefold() for path in (*targets, *tests)}
    return targets, tests


def _fixed(match: Match, files: _Files) -> list[str]:
    """The paths that a rule states whatever the toolchain: modules keep clear of them."""
    values = _values(match, files)
    paths = (*match.rule.targets, *match.rule.tests)
    return [_fill(path, values) for path in paths if not path.startswith(("{source}", "{test}", "{entry}"))]


def _module_paths(match: Match, values: Mapping[str, str], toolchain: Toolchain, files: _Files) -> dict[str, str]:
    """{source}, {test} and {entry} of the rule's module; a number tells a module apart whose files are taken."""
    suffix = f"_{match.rule.aspect.replace(' ', '_')}" if match.rule.aspect and not match.whole else ""
    wanted = layout.module_name(_fill(match.rule.module or "{feature}", values) + suffix)
    wanted = f"{wanted}_{values['part_slug']}".strip("_") if match.part else wanted
    prefix = files.prefixes.get(toolchain.name, "")
    number, name = 1, wanted
    while True:
        named = {**values, "module": name, "Module": layout.camel(name)}
        patterns = (("source", toolchain.source), ("test", toolchain.test), ("entry", toolchain.entry))
        paths = {key: prefix + _fill(pattern, named) for key, pattern in patterns}
        used = [paths[key] for key in paths if any(f"{{{key}}}" in p for p in (*match.rule.targets, *match.rule.tests))]
        if not any(path.casefold() in files.taken for path in used):
            return paths
        number += 1
        name = f"{wanted}_{number}"


# --- what a task answers for --------------------------------------------------------------------------------------


def _binding(spec: Spec) -> tuple[Section, ...]:
    """The sections that bind every task, as many whole ones as fit; the most telling roles first."""
    bound = [s for s in spec.sections if s.binding and s.text]
    kept, room = set(), BINDING_TOKENS
    for section in sorted(bound, key=lambda s: (_BINDING_ORDER.index(s.role), s.span.line)):
        cost = upper_bound(section.text)
        if cost <= room:
            room -= cost
            kept.add(section.id)
    return tuple(section for section in bound if section.id in kept)


def _covers(match: Match, spec: Spec, binding: Sequence[Section]) -> tuple[Cover, ...]:
    feature = match.feature
    found: list[Cover] = []
    whole = _whole_feature(match, spec, ROOM_TOKENS - sum(upper_bound(section.text) for section in binding))
    if match.rule.covers != "project" and feature.id != PROJECT:
        found.append(Cover(Span(feature.span.line), feature.name))
        found += whole or [Cover(r.span, r.full, f"{feature.id}/{r.id}") for r in match.requirements]
        found += [] if whole else _told(match)
    elif match.rule.covers == "feature":
        found += [Cover(Span(f.span.line), f.name) for f in spec.features]
    found += [] if whole else [Cover(c.span, c.full) for c in match.criteria]
    about = dict.fromkeys((*match.sections[:2], *binding))
    return (*found, *(Cover(section.span, section.text) for section in about))


def _told(match: Match) -> list[Cover]:
    """What the feature says besides, where a code task has room for it and does not carry it as a requirement."""
    text = match.feature.description
    said = {" ".join(row.text.split()) for row in match.requirements}
    plain = " ".join(text.split())
    room = MOST_TOLD - sum(upper_bound(row.full) for row in match.rows)
    fits = match.rule.kind == "code" and match.rule.grows and upper_bound(text) <= min(MAX_TOLD, room)
    return [Cover(match.feature.span, text)] if text and fits and plain not in said else []


def _whole_feature(match: Match, spec: Spec, room: int) -> list[Cover]:
    """Everything that is demanded of a feature, for a rule that covers it; nothing where there is no room for it."""
    feature = match.feature
    if match.rule.covers != "feature" or feature.id == PROJECT or match.part:
        return []
    found = [Cover(r.span, r.full, f"{feature.id}/{r.id}") for r in feature.requirements]
    if feature.description:
        found.append(Cover(feature.span, feature.description))
    found += [Cover(c.span, c.full) for c in (*feature.criteria, *spec.criteria)]
    return found if sum(upper_bound(cover.text) for cover in found) <= room else []


def _accepted(match: Match) -> tuple[Acceptance, ...]:
    rows = [Acceptance(r.full, "requirement", tuple(r.span.lines)) for r in match.requirements]
    return (*rows, *(Acceptance(c.full, "criterion", tuple(c.span.lines)) for c in match.criteria))


# --- edges --------------------------------------------------------------------------------------------------------


def _edges(spec: Spec, found: Sequence[Match], tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks with their needs: within the feature by their rules, across features by what these depend on."""
    by_feature: dict[str, list[int]] = {}
    for index, match in enumerate(found):
        by_feature.setdefault(match.feature.id, []).append(index)
    above = {feature.id: feature.needs for feature in spec.features}
    bases = [index for index, match in enumerate(found) if match.rule.base]
    made = []
    for index, (match, task) in enumerate(zip(found, tasks, strict=True)):
        mine = [i for i in by_feature[match.feature.id] if i != index]
        pool = [i for i in range(len(tasks)) if i != index] if match.feature.id == PROJECT else mine
        needs = _needs(match.rule, pool, found, tasks)
        if not needs and task.kind == "code" and index not in bases:
            needed = [i for name in above.get(match.feature.id, ()) for i in by_feature.get(name, [])]
            wanted = [i for i in (*needed, *bases) if tasks[i].kind == "code"]
            needs = {tasks[i].id: _whole(tasks[i]) for i in wanted}
        made.append(replace(task, needs=tuple(needs.values())))
    return tuple(made)


def _needs(rule: Rule, pool: Sequence[int], found: Sequence[Match], tasks: Sequence[Task]) -> dict[str, Need]:
    """A rule's needs among the tasks of a pool; `kind:code` is every task of that kind, used by all its names."""
    needs: dict[str, Need] = {}
    for wanted in rule.needs:
        kind = wanted.rule.removeprefix("kind:")
        for index in pool:
            apart = rule.kind == "code" and rule.domain != "frontend" and tasks[index].domain == "frontend"
            of_kind = wanted.rule.startswith("kind:") and tasks[index].kind == kind and not apart
            if of_kind and not _wires(found[index], rule):
                needs[tasks[index].id] = _whole(tasks[index])
            elif found[index].rule.id == wanted.rule:
                needs[tasks[index].id] = Need(tasks[index].id, wanted.uses)
    return needs


def _wires(match: Match, rule: Rule) -> bool:
    """True for a task that itself needs all code, seen from another such code task: neither needs the other."""
    return rule.kind == "code" and any(need.rule == "kind:code" for need in match.rule.needs)


def _whole(task: Task) -> Need:
    return Need(task.id, tuple(contract.name for contract in task.defines))
