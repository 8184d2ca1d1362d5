"""Which rules apply to which features, and the requirements and criteria that each takes. Pure and deterministic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from brengine import digest
from brengine.domain import PROJECT, Feature, Requirement, Section, Spec
from brengine.rules import Pack, Rule
from brengine.source import Span
from brengine.tokens import upper_bound
from brengine.toolchains import Chosen

MOST = 12
"""Requirements and criteria that one task takes where its rule grows; more are parted."""
LEAST = 4
"""Rows of a part, before it may end."""
MAX_TOKENS = 1_500
"""Tokens of the texts that one task takes where its rule grows: what a prompt has room for."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that applies to a feature, with the requirements and criteria that it takes."""

    rule: Rule
    feature: Feature
    requirements: tuple[Requirement, ...] = ()
    criteria: tuple[Requirement, ...] = ()
    part: bool = False
    """It takes only a part of what the rule takes of the feature; named by the part's first row."""
    sections: tuple[Section, ...] = ()
    """The sections that the rule is about."""

    @property
    def rows(self) -> tuple[Requirement, ...]:
        """Requirements and criteria in the order of the document."""
        return tuple(sorted((*self.requirements, *self.criteria), key=lambda row: row.span.line))


def product(spec: Spec) -> Feature:
    """The feature that rules for the whole product apply to: the only one, else what belongs to none."""
    if len(spec.features) == 1:
        return spec.features[0]
    return Feature(PROJECT, spec.title, Span(1))


def matches(spec: Spec, packs: Sequence[Pack], chosen: Chosen) -> list[Match]:
    """All matches, feature by feature in the order of the spec and of the rules, then those for the whole product."""
    text = _all_text(spec)
    packs = [pack for pack in packs if _applies(pack, text, chosen)]
    there = {pack.name for pack in packs if any(_fits(pack, feature) for feature in spec.features)}
    packs = [pack for pack in packs if not there & set(pack.unless)]
    only = {pack.name: _best(pack, spec).id for pack in packs if pack.once and spec.features}
    whole = product(spec)
    found: list[Match] = []
    for feature in spec.features:
        mine = [pack for pack in packs if _fits(pack, feature) and only.get(pack.name, feature.id) == feature.id]
        rules = [rule for pack in mine for rule in pack.rules]
        if feature.id == whole.id:
            mine_found = _of_feature(feature, spec, rules)
        else:
            mine_found = _of_feature(feature, replace(spec, criteria=()), [r for r in rules if r.scope != "product"])
        found += mine_found
    if whole.id == PROJECT:
        rules = [rule for pack in packs if not pack.words for rule in pack.rules if rule.scope == "product"]
        found += _with_rest(_of_feature(whole, spec, rules), spec.criteria)
    return [part for match in found for part in _parted(match)]


def _applies(pack: Pack, text: str, chosen: Chosen) -> bool:
    names = (chosen.main.name, chosen.frontend.name)
    if pack.toolchains and not any(name in pack.toolchains for name in names):
        return False
    return not pack.spec or holds(text, pack.spec)


def _all_text(spec: Spec) -> str:
    texts = [spec.title]
    for section in spec.sections:
        texts += [section.title, section.text]
    for feature in spec.features:
        texts += [feature.name, feature.description, *(row.text for row in feature.requirements)]
    return "\n".join(texts)


def _fits(pack: Pack, feature: Feature) -> bool:
    return not pack.words or holds(feature.name, pack.words)


def _best(pack: Pack, spec: Spec) -> Feature:
    """The feature that most of the pack's rules find something in; the first of equals."""
    fitting = [feature for feature in spec.features if _fits(pack, feature)] or list(spec.features)
    asked = [rule for rule in pack.rules if rule.requirement]

    def hits(feature: Feature) -> int:
        return sum(any(holds(row.text, rule.requirement) for row in feature.requirements) for rule in asked)

    return max(fitting, key=hits)


# --- one feature --------------------------------------------------------------------------------------------------


def _of_feature(feature: Feature, spec: Spec, rules: Sequence[Rule]) -> list[Match]:
    """The matches in the order of the rules; catch-all rules share what all the others have left, in their order."""
    criteria = (*feature.criteria, *spec.criteria)
    by_rule: dict[tuple[str, str], list[Match]] = {}
    for rule in rules:
        if not rule.catch_all:
            by_rule[rule.pack, rule.id] = _of_rule(rule, feature, spec, criteria)
    covered = {r.id for found in by_rule.values() for m in found if m.rule.kind == "code" for r in m.requirements}
    for rule in rules:
        if rule.catch_all:
            left = [row for row in feature.requirements if row.id not in covered]
            made = _of_rest(rule, feature, left, criteria)
            by_rule[rule.pack, rule.id] = made
            covered |= {row.id for match in made for row in match.requirements}
    found = [match for rule in rules for match in by_rule[rule.pack, rule.id]]
    return _with_rest(found, criteria) if feature.id != PROJECT else found


def _of_rule(rule: Rule, feature: Feature, spec: Spec, criteria: Sequence[Requirement]) -> list[Match]:
    if rule.features > len(spec.features):
        return []
    sections = tuple(s for s in spec.sections if rule.section and s.text and holds(s.title, rule.section))
    if rule.section and not sections:
        return []
    texts = [feature.name, *(r.text for r in feature.requirements)]
    if rule.feature and not any(holds(text, rule.feature) for text in texts):
        return []
    taken = tuple(c for c in criteria if holds(c.text, rule.criteria))
    wanted = [r for r in feature.requirements if not rule.requirement or holds(r.text, rule.requirement)]
    if rule.scope == "each-requirement":
        return [Match(rule, feature, (requirement,), taken) for requirement in wanted]
    if rule.requirement and not wanted:
        return []
    return [Match(rule, feature, tuple(wanted) if rule.requirement else (), taken, False, sections)]


def _of_rest(rule: Rule, feature: Feature, left: Sequence[Requirement], criteria: Sequence[Requirement]) -> list[Match]:
    if rule.feature and not any(holds(text, rule.feature) for text in (feature.name, *(r.text for r in left))):
        return []
    wanted = tuple(row for row in left if not rule.requirement or holds(row.text, rule.requirement))
    taken = tuple(c for c in criteria if holds(c.text, rule.criteria))
    if rule.scope == "each-requirement":
        return [Match(rule, feature, (row,), taken) for row in wanted]
    enough = len(wanted) >= rule.at_least or len(wanted) == len(left)
    return [Match(rule, feature, wanted, taken)] if wanted and enough else []


def _with_rest(found: list[Match], criteria: Sequence[Requirement]) -> list[Match]:
    """Criteria that no rule took go to the rule that takes the rest, else to the last one."""
    taken = {c.span for match in found for c in match.criteria}
    left = tuple(c for c in criteria if c.span not in taken)
    if not found or not left:
        return found
    index = next((i for i, match in enumerate(found) if match.rule.rest), len(found) - 1)
    match = found[index]
    return [*found[:index], replace(match, criteria=(*match.criteria, *left)), *found[index + 1 :]]


# --- parting ------------------------------------------------------------------------------------------------------


def _parted(match: Match) -> Iterator[Match]:
    """The match, or its parts where it takes more than one task can do.

    A part ends at a row by the digest of its id, so that a new row changes the part that it falls into and no other.
    """
    rows = match.rows
    if not match.rule.grows or (len(rows) <= MOST and _tokens(rows) <= MAX_TOKENS):
        yield match
        return
    part: list[Requirement] = []
    for row in rows:
        full = len(part) >= MOST or _tokens([*part, row]) > MAX_TOKENS
        ends = len(part) >= LEAST and digest.short("part", part[-1].id)[0] in "0123"
        if part and (full or ends):
            yield _part(match, part)
            part = []
        part.append(row)
    yield _part(match, part)


def _part(match: Match, rows: Sequence[Requirement]) -> Match:
    spans = {row.span for row in rows}
    requirements = tuple(row for row in match.requirements if row.span in spans)
    criteria = tuple(row for row in match.criteria if row.span in spans)
    return replace(match, requirements=requirements, criteria=criteria, part=True)


def _tokens(rows: Iterable[Requirement]) -> int:
    return sum(_cost(row.text) for row in rows)


@lru_cache(maxsize=65536)
def _cost(text: str) -> int:
    return upper_bound(text)


# --- words --------------------------------------------------------------------------------------------------------


def holds(text: str, words: Iterable[str]) -> bool:
    """True when one of the words or phrases stands in the text as whole words, whatever the case."""
    wanted = tuple(words)
    return bool(wanted) and bool(_words(wanted).search(text))


@lru_cache(maxsize=1024)
def _words(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)


def by_rule(found: Sequence[Match]) -> Mapping[str, list[int]]:
    """The indexes of the matches of each rule."""
    rows: dict[str, list[int]] = {}
    for index, match in enumerate(found):
        rows.setdefault(match.rule.id, []).append(index)
    return rows
