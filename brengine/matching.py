"""Which rules apply to which features, and the requirements and criteria that each takes. Pure and deterministic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from brengine import digest
from brengine.domain import PROJECT, Feature, Requirement, Section, Spec
from brengine.reading import titles
from brengine.rules import Pack, Rule
from brengine.source import Span
from brengine.tokens import upper_bound
from brengine.toolchains import Chosen

MOST = 12
"""Requirements that one task takes where its rule grows; more are parted. Criteria may be as many again."""
MAX_SECTION = 1_800
"""Tokens of a section that a task may be about."""
LEAST = 4
"""Rows of a part, before it may end."""
NAMED = 0.34
"""What a word in the name of a feature counts, as a share of its requirements."""
SEVERAL = 3
"""How many requirements must speak of a pack's words where nothing else does."""
SHARE = 0.5
"""The share of a feature's requirements by which a rule takes the feature as a whole."""


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
    whole: bool = False
    """It takes everything that is demanded of the feature (or that other code leaves): no other rule shares it."""

    @property
    def anchor(self) -> Requirement | None:
        """The row that a part is named by: one that stays where others come and go."""
        rows = self.requirements or self.criteria
        return min(rows, key=lambda row: digest.short("anchor", row.id), default=None)

    @property
    def rows(self) -> tuple[Requirement, ...]:
        """Requirements, then criteria."""
        return (*self.requirements, *self.criteria)


def product(spec: Spec) -> Feature:
    """The feature that rules for the whole product apply to: the only one, else what belongs to none."""
    if len(spec.features) == 1:
        return spec.features[0]
    return Feature(PROJECT, spec.title, Span(1))


@dataclass(frozen=True, slots=True)
class Ground:
    """What else decides about matches: toolchains, the features whose files tell their domain, room for texts."""

    chosen: Chosen
    domains: Mapping[str, str]
    """Feature id → `frontend` or `backend`, by the files that the specification names for it."""
    tokens: int
    """Tokens of texts that one task may take: what a prompt has room for."""


def matches(spec: Spec, packs: Sequence[Pack], ground: Ground) -> list[Match]:
    """All matches, feature by feature in the order of the spec and of the rules, then those for the whole product."""
    about, rows = _told(spec)
    packs = [pack for pack in packs if _applies(pack, about, rows, ground.chosen)]
    there = {pack.name for pack in packs if any(_fits(pack, feature) for feature in spec.features)}
    packs = [pack for pack in packs if not there & set(pack.unless)]
    only = {pack.name: _best(pack, spec) for pack in packs if pack.once and spec.features}
    whole = product(spec)
    found: list[Match] = []
    for feature in spec.features:
        mine = [pack for pack in packs if _fits(pack, feature) and only.get(pack.name, feature.id) == feature.id]
        rules = [rule for pack in mine for rule in pack.rules]
        if feature.id == whole.id:
            mine_found = _of_feature(feature, spec, rules, ground)
        else:
            own = [rule for rule in rules if rule.scope != "product"]
            mine_found = _of_feature(feature, replace(spec, criteria=()), own, ground)
        found += mine_found
    if whole.id == PROJECT:
        rules = [rule for pack in packs if not pack.words for rule in pack.rules if rule.scope == "product"]
        found += _with_rest(_of_feature(whole, spec, rules, ground), spec.criteria)
    return [part for match in found for part in _parted(match, ground.tokens)]


def _applies(pack: Pack, about: str, rows: Sequence[str], chosen: Chosen) -> bool:
    names = (chosen.main.name, chosen.frontend.name)
    if pack.toolchains and not any(name in pack.toolchains for name in names):
        return False
    if holds(about, pack.without):
        return False
    if not pack.spec or holds(about, pack.spec):
        return True
    return sum(holds(row, pack.spec) for row in rows) >= SEVERAL


def _told(spec: Spec) -> tuple[str, list[str]]:
    """(what the document says about the product as a whole, the requirements), without what it does not want."""
    texts = [spec.title, *(feature.name for feature in spec.features)]
    for section in spec.sections:
        if not (titles.is_out(section.title) or titles.is_deferred(section.title)):
            texts += [section.title, section.text]
    rows = [row.full for feature in spec.features for row in feature.requirements]
    return _wanted("\n".join(texts)), [_wanted(row) for row in rows]


def _wanted(text: str) -> str:
    """The text without fenced code and without the phrases that say no."""
    return _NEGATED.sub(" ", _FENCED.sub(" ", text))


_FENCED = re.compile(r"^\s*(?:```|~~~).*?^\s*(?:```|~~~)\s*$", re.DOTALL | re.MULTILINE)
_NEGATED = re.compile(
    r"(?i)\b(?:no|not|never|without|avoid|don't|instead of|rather than|kein\w*|ohne|sin|sem|sans|нет|без)\b"
    r"[^.;\n]{0,60}"
)


def _fits(pack: Pack, feature: Feature) -> bool:
    return not pack.words or holds(feature.name, pack.words)


def _best(pack: Pack, spec: Spec) -> str:
    """The id of the feature that most of the pack's rules find something in; "" where too few find anything."""
    fitting = [feature for feature in spec.features if _fits(pack, feature)] or list(spec.features)
    asked = [rule for rule in pack.rules if rule.requirement]

    def hits(feature: Feature) -> int:
        return sum(any(holds(row.full, rule.requirement) for row in feature.requirements) for rule in asked)

    best = max(fitting, key=hits)
    return best.id if hits(best) >= pack.at_least else ""


# --- one feature --------------------------------------------------------------------------------------------------


def _of_feature(feature: Feature, spec: Spec, rules: Sequence[Rule], ground: Ground) -> list[Match]:
    """The matches in the order of the rules; catch-all rules share what all the others have left, in their order."""
    criteria = (*feature.criteria, *spec.criteria)
    by_rule: dict[tuple[str, str], list[Match]] = {}
    for rule in rules:
        if not rule.catch_all:
            by_rule[rule.pack, rule.id] = _of_rule(rule, feature, spec, criteria)
    covered = {r.id for found in by_rule.values() for m in found if m.rule.kind == "code" for r in m.requirements}
    about = _about(rules, feature, [row for row in feature.requirements if row.id not in covered])
    for rule in rules:
        if rule.catch_all:
            left = [row for row in feature.requirements if row.id not in covered]
            made = _of_rest(rule, feature, left, criteria, ground, rule is about)
            by_rule[rule.pack, rule.id] = made
            covered |= {row.id for match in made for row in match.requirements}
    found = [match for rule in rules for match in by_rule[rule.pack, rule.id]]
    return _with_rest(found, criteria) if feature.id != PROJECT else found


def _of_rule(rule: Rule, feature: Feature, spec: Spec, criteria: Sequence[Requirement]) -> list[Match]:
    if rule.features > len(spec.features):
        return []
    sections = tuple(s for s in spec.sections if rule.section and _about_that(s, rule.section))
    if rule.section and not sections:
        return []
    texts = [feature.name, *(r.full for r in feature.requirements)]
    if rule.feature and not any(holds(text, rule.feature) for text in texts):
        return []
    taken = tuple(c for c in criteria if holds(c.full, rule.criteria))
    wanted = [r for r in feature.requirements if not rule.requirement or holds(r.full, rule.requirement)]
    if rule.scope == "each-requirement":
        return [Match(rule, feature, (requirement,), taken) for requirement in wanted]
    if rule.requirement and not wanted:
        return []
    return [Match(rule, feature, tuple(wanted) if rule.requirement else (), taken, False, sections)]


def _about_that(section: Section, words: tuple[str, ...]) -> bool:
    """True for a section with such words in its title whose whole text one task may carry."""
    return bool(section.text) and holds(section.title, words) and _cost(section.text) <= MAX_SECTION


def _of_rest(
    rule: Rule,
    feature: Feature,
    left: Sequence[Requirement],
    criteria: Sequence[Requirement],
    ground: Ground,
    about: bool,
) -> list[Match]:
    if rule.feature and not any(holds(text, rule.feature) for text in (feature.name, *(r.full for r in left))):
        return []
    wanted = [row for row in left if not rule.requirement or holds(row.full, rule.requirement)]
    taken = tuple(c for c in criteria if holds(c.full, rule.criteria))
    if rule.scope == "each-requirement":
        return [Match(rule, feature, (row,), taken) for row in wanted]
    mine = _share(rule, feature, left, wanted, ground, about)
    return [Match(rule, feature, tuple(mine), taken, whole=len(mine) == len(feature.requirements))] if mine else []


def _share(
    rule: Rule,
    feature: Feature,
    left: Sequence[Requirement],
    wanted: Sequence[Requirement],
    ground: Ground,
    about: bool,
) -> Sequence[Requirement]:
    """What a rule takes of what is left: all where the feature is about it, its own where the feature must be parted.

    A feature that one task can do stays together. It is parted where its front end has another toolchain, or where it
    is too large.
    """
    if not rule.requirement:
        return left
    web = rule.domain == "frontend"
    domain = ground.domains.get(feature.id, feature.domain)
    if domain == "frontend" or (domain == "backend" and web):
        return left if web and domain == "frontend" else ()
    mixed = ground.chosen.main is not ground.chosen.frontend
    apart = web and mixed and len(left) - len(wanted) >= rule.at_least
    if (apart and len(wanted) >= rule.at_least) or (len(left) > MOST and len(wanted) >= LEAST):
        return wanted
    return left if about else ()


def _about(rules: Sequence[Rule], feature: Feature, left: Sequence[Requirement]) -> Rule | None:
    """The catch-all rule that a feature is about: most of its requirements hold its words; its name counts as well."""
    best, most = None, 0.0
    for rule in rules:
        if not (rule.catch_all and rule.requirement):
            continue
        hits = sum(holds(row.full, rule.requirement) for row in left)
        named = holds(feature.name, rule.requirement)
        enough = hits >= rule.at_least or hits == len(left) > 1 or (named and hits)
        share = (hits + NAMED * len(left) * named) / len(left) if left else 0.0
        if enough and share >= SHARE and share > most:
            best, most = rule, share
    return best


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


def _parted(match: Match, tokens: int) -> Iterator[Match]:
    """The match, or its parts where it takes more than one task can do.

    A part ends at a requirement by the digest of its id, so that a new one changes the part that it falls into and no
    other. Criteria go with the part whose words they share, as far as there is room there.
    """
    rows = (*match.requirements, *match.criteria)
    few = len(match.requirements) <= MOST and len(rows) <= 2 * MOST and _tokens(rows) <= tokens
    if few or not (match.rule.grows or match.rule.rest):
        yield match
        return
    share = max(tokens // 2, tokens - _tokens(match.criteria))
    parts = list(_runs(match.requirements, share))
    extra: list[Requirement] = []
    for criterion in match.criteria:
        roomy = [part for part in parts if _tokens(part) + _cost(criterion.full) <= tokens and len(part) < 2 * MOST]
        home = max(roomy, key=lambda part: _likeness(criterion, part), default=extra)
        home.append(criterion)
    ours = set(match.requirements)
    for part in (*parts, *_runs(extra, tokens)):
        mine = tuple(row for row in part if row in ours)
        yield replace(match, requirements=mine, criteria=tuple(row for row in part if row not in ours), part=True)


def _runs(rows: Sequence[Requirement], tokens: int) -> Iterator[list[Requirement]]:
    part: list[Requirement] = []
    for row in rows:
        full = len(part) >= MOST or _tokens([*part, row]) > tokens
        ends = len(part) >= LEAST and digest.short("part", part[-1].id)[0] in "012"
        if part and (full or ends):
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def _likeness(row: Requirement, part: Sequence[Requirement]) -> int:
    mine = titles.content_words(row.full)
    return max(len(mine & titles.content_words(other.full)) for other in part)


def _tokens(rows: Iterable[Requirement]) -> int:
    return sum(_cost(row.full) for row in rows)


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
