"""Spec × rules → tasks, in the order of the rules. Pure and deterministic; every requirement gets at least one task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from brengine import ids
from brengine.domain import Acceptance, Contract, Cover, Feature, Need, Requirement, Section, Spec, Task
from brengine.rules import Pack, Rule
from brengine.settings import Settings
from brengine.source import Span

_FOLDER = re.compile(r"(?<![\w/.])([a-z_][a-z0-9_]*)/")
_NO_PACKAGES = ("tests", "test", "docs", "doc", "examples", "src", "scripts", "lib", "bin")


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that applies to a feature, with the requirements and criteria that it takes by their words."""

    rule: Rule
    feature: Feature
    requirements: tuple[Requirement, ...]
    criteria: tuple[Requirement, ...]


def decompose(spec: Spec, packs: Sequence[Pack], package: str) -> tuple[Task, ...]:
    """The tasks of every feature, in the order of the spec and of the rules."""
    made: list[Task] = []
    by_feature: dict[str, list[Task]] = {}
    for feature in spec.features:
        matches = _with_rest(_matches(spec, feature, packs), spec, feature)
        tasks = [_task(match, spec, package) for match in matches]
        by_rule = _by_rule(matches, tasks)
        tasks = [
            replace(task, needs=_needs(match.rule, task, tasks, by_rule))
            for match, task in zip(matches, tasks, strict=True)
        ]
        by_feature[feature.id] = tasks
        made += tasks
    return tuple(_with_feature_needs(task, spec, by_feature) for task in made)


def package_name(spec: Spec, settings: Settings) -> str:
    """The Python package of the product: named by the layout section, else by settings, else by the title."""
    for section in spec.sections:
        if section.role == "layout":
            found = [name for name in _FOLDER.findall(section.text) if name not in _NO_PACKAGES]
            if found:
                return str(found[0])
    return ids.plain_slug(settings.name or spec.title, "app").replace("-", "_")


# --- which rules apply --------------------------------------------------------------------------------------------


def _matches(spec: Spec, feature: Feature, packs: Sequence[Pack]) -> list[Match]:
    """The matches in the order of the rules; catch-all rules look at what all the others have left."""
    criteria = (*feature.criteria, *spec.criteria)
    applying = [pack for pack in packs if not pack.words or _holds(feature.name, pack.words)]
    rules = [rule for pack in applying for rule in pack.rules]
    by_rule = {rule: _of_rule(rule, feature, criteria, ()) for rule in rules if not rule.catch_all}
    others = [match for matches in by_rule.values() for match in matches]
    for rule in rules:
        if rule.catch_all:
            by_rule[rule] = _of_rule(rule, feature, criteria, others)
    return [match for rule in rules for match in by_rule[rule]]


def _of_rule(rule: Rule, feature: Feature, criteria: Sequence[Requirement], others: Sequence[Match]) -> list[Match]:
    texts = [feature.name, *(r.text for r in feature.requirements)]
    if rule.feature and not any(_holds(text, rule.feature) for text in texts):
        return []
    taken = tuple(c for c in criteria if _holds(c.text, rule.criteria))
    wanted = [r for r in feature.requirements if not rule.requirement or _holds(r.text, rule.requirement)]
    if rule.catch_all:
        covered = {r.id for match in others if match.rule.kind == "code" for r in match.requirements}
        wanted = [r for r in wanted if r.id not in covered]
    if rule.scope == "each-requirement":
        return [Match(rule, feature, (requirement,), taken) for requirement in wanted]
    if rule.requirement and not wanted:
        return []
    by_words = tuple(wanted) if rule.requirement else ()
    return [Match(rule, feature, by_words, taken)]


def _with_rest(matches: list[Match], spec: Spec, feature: Feature) -> list[Match]:
    """Criteria that no rule took go to the rule that takes the rest, else to the last one."""
    taken = {c.span for match in matches for c in match.criteria}
    left = tuple(c for c in (*feature.criteria, *spec.criteria) if c.span not in taken)
    if not matches or not left:
        return matches
    index = next((i for i, match in enumerate(matches) if match.rule.rest), len(matches) - 1)
    match = matches[index]
    return [*matches[:index], replace(match, criteria=(*match.criteria, *left)), *matches[index + 1 :]]


def _holds(text: str, words: Iterable[str]) -> bool:
    """True when one of the words or phrases stands in the text as whole words, whatever the case."""
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in words)


# --- tasks --------------------------------------------------------------------------------------------------------


def _task(match: Match, spec: Spec, package: str) -> Task:
    rule, feature = match.rule, match.feature
    values = _values(match, package)
    name = _fill(rule.name, values)
    targets = tuple(_fill(path, values) for path in rule.targets)
    covers = _covers(match, spec)
    return Task(
        id=f"{feature.id}.{ids.slug(name, 'task')}",
        name=name,
        feature=feature.id,
        kind=rule.kind,
        targets=targets,
        tests=tuple(_fill(path, values) for path in rule.tests),
        reads=tuple(_fill(path, values) for path in rule.reads),
        domain=feature.domain if feature.domain and rule.catch_all else rule.domain,
        complexity=rule.complexity,
        minutes=rule.minutes,
        priority=feature.priority,
        acceptance=(*_accepted(match), *(Acceptance(_fill(text, values)) for text in rule.acceptance)),
        defines=tuple(
            Contract(_fill(d.name, values), _fill(d.path, values) or targets[0], _fill(d.text, values))
            for d in rule.defines
        ),
        covers=covers,
        done=_fill(rule.done, values),
        layer=rule.layer,
        rule=f"{rule.pack}/{rule.id}",
        coverage=feature.coverage,
    )


def _values(match: Match, package: str) -> dict[str, str]:
    feature = match.feature
    text = match.requirements[0].text if match.requirements else feature.name
    short = match.requirements[0].id if match.requirements else feature.id
    return {
        "package": package,
        "feature": ids.plain_slug(feature.id, "feature").replace("-", "_"),
        "feature_slug": ids.plain_slug(feature.id, "feature"),
        "feature_name": feature.name,
        "requirement": text,
        "requirement_slug": ids.plain_slug(short, "requirement").replace("-", "_"),
    }


def _fill(text: str, values: Mapping[str, str]) -> str:
    """Put known placeholders in, in one pass: what is put in is never looked at again."""
    return re.sub(r"\{([a-z_]+)\}", lambda match: values.get(match[1], match[0]), text)


def _covers(match: Match, spec: Spec) -> tuple[Cover, ...]:
    feature = match.feature
    found: list[Cover] = []
    if match.rule.covers != "project":
        found.append(Cover(Span(feature.span.line), feature.name))
        requirements = feature.requirements if match.rule.covers == "feature" else match.requirements
        found += [Cover(r.span, r.text, f"{feature.id}/{r.id}") for r in requirements]
        if match.rule.covers == "feature" and feature.description:
            found.append(Cover(feature.span, feature.description))
    criteria = (*feature.criteria, *spec.criteria) if match.rule.covers == "feature" else match.criteria
    found += [Cover(c.span, c.text) for c in criteria]
    return (*found, *(_section(section) for section in spec.sections if section.binding and section.text))


def _section(section: Section) -> Cover:
    return Cover(section.span, section.text)


def _accepted(match: Match) -> tuple[Acceptance, ...]:
    rows = [Acceptance(r.text, "requirement", tuple(r.span.lines)) for r in match.requirements]
    return (*rows, *(Acceptance(c.text, "criterion", tuple(c.span.lines)) for c in match.criteria))


# --- edges --------------------------------------------------------------------------------------------------------


def _by_rule(matches: Sequence[Match], tasks: Sequence[Task]) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    for match, task in zip(matches, tasks, strict=True):
        found.setdefault(match.rule.id, []).append(task)
    return found


def _needs(rule: Rule, task: Task, tasks: Sequence[Task], by_rule: Mapping[str, list[Task]]) -> tuple[Need, ...]:
    """A rule's needs within the feature; `kind:code` stands for every task of that kind, used by all its names."""
    found: dict[str, Need] = {}
    for wanted in rule.needs:
        kind = wanted.rule.removeprefix("kind:")
        of_kind = wanted.rule.startswith("kind:")
        for other in [t for t in tasks if t.kind == kind] if of_kind else by_rule.get(wanted.rule, []):
            if other.id != task.id:
                names = tuple(c.name for c in other.defines) if of_kind else wanted.uses
                found[other.id] = Need(other.id, names)
    return tuple(found.values())


def _with_feature_needs(task: Task, spec: Spec, by_feature: Mapping[str, list[Task]]) -> Task:
    """Code tasks that need nothing within their feature need the code tasks of the features that it depends on."""
    feature = next(f for f in spec.features if f.id == task.feature)
    if task.kind != "code" or task.needs or not feature.needs:
        return task
    above = [t for name in feature.needs for t in by_feature.get(name, []) if t.kind == "code"]
    return replace(task, needs=tuple(Need(t.id, tuple(c.name for c in t.defines)) for t in above))
