"""The ways in which a document can be read, each with its units and how sure it is. Pure.

How sure is a number from 0 to 1, made of what marks the features (a kit's signature, `Feature N:`, the rank of a
heading's words), of what the units look like, and of the rivals. It was set on labelled documents: docs/evidence.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from brengine.reading import guesses, kits, titles, units, words
from brengine.reading.guesses import shut
from brengine.reading.markdown import Part, Tree
from brengine.reading.units import Candidate, Unit

SURE = 0.7
"""From here on a reading is taken without a question."""
_BASE = {1: 0.92, 2: 0.8, 3: 0.8, 4: 0.55, 5: 0.74, 6: 0.66, 7: 0.6}
_FORM = {
    "headings": 0.02,
    "layers": -0.12,
    "nested": 0.02,
    "items": -0.06,
    "rows": -0.06,
    "bold": -0.12,
    "groups": -0.06,
}
_PHASE = re.compile(r"(?i)(?:phase|milestone|step|script|part|fase|étape|阶段)\s*\d+")
_OVERVIEW = re.compile(r"\boverview\b|\bsummary\b|概述|概要|概览|概覽|総覧|개요|обзор|aperçu|überblick")
_STORY = re.compile(r"^[\W_]*(?:as an? |als |en tant que |como |作为|come |jako )", re.IGNORECASE)


def find(tree: Tree) -> tuple[Candidate, ...]:
    """Every way to read the document, the surest first."""
    kit = kits.find(tree)
    found = [*_explicit(tree), *_merged(_contained(tree)), *guesses.find(tree)]
    if kit is not None:
        first = Candidate(f"{kit.name} headings", kit.units, 0.98, (), kit.removed, kit.common)
        if kit.sure:
            return (first,)
        found.append(replace(first, confidence=0.8))
    found = _agreeing(found)
    found.sort(key=lambda c: (-c.confidence, c.span.line))
    return tuple(_against_rivals(found))


# --- explicit: `Feature N: Name` ----------------------------------------------------------------------------------


def _explicit(tree: Tree) -> list[Candidate]:
    parts = [part for part in tree.root.walk() if part.heading and titles.feature_name(part.title)]
    parts = [part for part in parts if not any(titles.feature_name(above.title) for above in part.trail())]
    if not parts:
        return []
    found = []
    for part in parts:
        unit = units.of_heading(part)
        unit.name = titles.feature_name(part.title)
        found.append(unit)
    siblings = _unnamed_siblings(parts)
    found = sorted([*found, *siblings], key=lambda unit: unit.span.line)
    alone = len(parts) == 1 and (bool(siblings) or parts[0].level == 1)
    return [Candidate("`Feature: name` headings", tuple(found), 0.8 if alone else 0.96)]


def _unnamed_siblings(parts: Sequence[Part]) -> list[Unit]:
    """Sub-headings beside `Feature N:` ones in a container of features: they are features too."""
    above = {
        id(part.above): part.above for part in parts if part.above is not None and titles.rank(part.above.title)[0] == 1
    }
    known = {id(part) for part in parts}
    return [unit for part in above.values() if part for unit in units.headings(part) if id(unit.part) not in known]


# --- containers ---------------------------------------------------------------------------------------------------


def _contained(tree: Tree) -> list[Candidate]:
    found = []
    often = Counter(titles.read(part.title).words for part in tree.root.walk())
    for part in tree.root.walk():
        rank, alone = titles.rank(part.title) if part.heading else (0, False)
        if often[titles.read(part.title).words] > 2:
            continue
        if not rank or shut(part) or _is_inner(part) or _has_better(part, rank):
            continue
        made = _of_container(part, rank)
        if made:
            form, inside = made
            found.append(_scored(part, rank, alone, form, inside))
    return found


def _is_inner(part: Part) -> bool:
    """True for a group within a container of groups: the container holds its features."""
    above = part.above
    if above is None or above.heading is None or titles.is_section(part.title):
        return False
    rank, alone = titles.rank(above.title)
    return alone and rank <= 3 and len(above.parts) > 1 and units.grouped(above)


def _has_better(part: Part, rank: int) -> bool:
    """True when a part below is itself the heading of features, of the same rank or better, with units."""
    grouped = rank <= 3 and units.grouped(part)
    for below in part.walk():
        if below is part or titles.is_section(below.title) or (grouped and below.above is part):
            continue
        inner, alone = titles.rank(below.title)
        if inner and alone and inner <= rank and _of_container(below, inner) and not shut(below):
            return True
    return False


def _of_container(part: Part, rank: int) -> tuple[str, list[Unit]] | None:
    """(form, units) of a container, None when nothing in it can be a feature."""
    below = units.headings(part)
    if below and rank != 7 and (units.grouped(part) or (rank == 3 and all(_stories(unit.part) for unit in below))):
        return _of_groups(part, below)
    if len(below) > 1 and units.layered(part):
        return "layers", below
    listed = any(block.kind in ("list", "table") for block in part.body)
    if below and (len(below) > 1 or not listed or rank == 7):
        return "headings", below
    rows, items = units.rows(part), units.items(part)
    if len(rows) > max(1, len(items)):
        return "rows", rows
    return _listed(items) or _bold(part) or (("headings", below) if below else None)


def _listed(items: list[Unit]) -> tuple[str, list[Unit]] | None:
    nested = sum(any(block.kind == "list" for block in unit.blocks) for unit in items) * 2 > len(items)
    return ("nested" if nested else "items", items) if items else None


def _bold(part: Part) -> tuple[str, list[Unit]] | None:
    found = units.bold(part)
    return ("bold", found) if len(found) > 1 else None


def _stories(part: Part | None) -> bool:
    if part is None or part.parts:
        return False
    items = units.items(part)
    return bool(items) and sum(bool(_STORY.match(unit.name)) for unit in items) * 2 > len(items)


def _of_groups(part: Part, below: Sequence[Unit]) -> tuple[str, list[Unit]] | None:
    """Groups of features (`Must have`, `Phase 1`): what stands in them, each marked with its group."""
    found: list[Unit] = []
    for group in below:
        assert group.part is not None
        made = _of_container(group.part, 1)
        for unit in made[1] if made else []:
            unit.group = unit.group or titles.read(group.name).bare
            found.append(unit)
    return ("groups", found) if found else ("headings", list(below))


def _scored(part: Part, rank: int, alone: bool, form: str, inside: Sequence[Unit]) -> Candidate:
    score = _BASE[rank] + _FORM[form]
    score -= 0.0 if alone else 0.28 if titles.is_joined(part.title) else 0.22
    score -= (0.1 if form == "nested" or (form == "headings" and rank == 1) else 0.3) if len(inside) == 1 else 0.0
    score -= 0.15 if len(inside) > 60 else 0.0
    score -= _depth(part)
    score -= 0.07 if titles.read(part.title).words == "scope" else 0.15 if _overview(part) else 0.0
    score -= 0.1 if form == "headings" and not all(unit.bodied for unit in inside) else 0.0
    score -= 0.12 if form == "items" and rank in (2, 5) and _mixed(inside) else 0.0
    score += 0.05 if form == "items" and rank == 5 and len(inside) > 3 and not _mixed(inside) else 0.0
    score += 0.06 if rank == 3 and all(_STORY.match(unit.name) for unit in inside) else 0.0
    score += 0.05 if rank == 6 and form == "headings" and len(inside) > 2 and not _pieces(part) else 0.0
    score += (
        0.2 if titles.read(part.title).words == "phases" and all(_PHASE.match(unit.name) for unit in inside) else 0.0
    )
    score -= 0.2 if rank == 2 and part.level == 1 and part.above and len(part.above.parts) == 1 else 0.0
    how = {
        "headings": "sub-headings",
        "layers": "sub-headings",
        "rows": "table rows",
        "bold": "bold names",
        "groups": "groups",
    }.get(form, "list items")
    return Candidate(f'{how} of "{titles.read(part.title).bare}"', tuple(inside), max(0.05, round(score, 2)), (part,))


def _depth(part: Part) -> float:
    """A heading that stands inside a part which is no frame for features says less."""
    trail = list(part.trail())
    many = bool(trail) and trail[-1].above is not None and sum(p.level == 1 for p in trail[-1].above.parts) > 1
    above = [p for p in trail if (p.level > 1 or many) and p.above is not None and len(p.above.parts) > 1]
    frames = ("requirements", "scope", "product", "specification", "feature", "functional", "user", "功能", "需求")
    return (
        0.0
        if not above or all(any(w in p.title.lower() for w in frames) or titles.rank(p.title)[0] for p in above)
        else 0.18
    )


def _pieces(part: Part) -> bool:
    return titles.has(titles.read(part.title).words, words.PIECES)


def _mixed(inside: Sequence[Unit]) -> bool:
    lengths = [len(unit.name) for unit in inside]
    return max(lengths) > 200


def _merged(found: list[Candidate]) -> list[Candidate]:
    """Containers of equal rank that stand side by side (`Required Features`, `Optional Features`) are read together."""
    out: list[Candidate] = []
    for candidate in found:
        (part,) = candidate.containers
        rank = titles.rank(part.title)
        mate = next(
            (c for c in out if _twins(c.containers[0], part) and titles.rank(c.containers[0].title) == rank), None
        )
        if mate is None or rank[0] > 3 or not rank[1] or _overview(part) != _overview(mate.containers[0]):
            out.append(candidate)
            continue
        out.remove(mate)
        how = f'{mate.how} and of "{titles.read(part.title).bare}"'
        sure = min(mate.confidence, candidate.confidence) - 0.05
        out.append(Candidate(how, (*mate.units, *candidate.units), round(sure, 2), (*mate.containers, part)))
    return out


def _overview(part: Part) -> bool:
    """True for a heading that tells about the features before they are listed."""
    return bool(_OVERVIEW.search(titles.read(part.title).words))


def _twins(one: Part, other: Part) -> bool:
    return one.level == other.level and one.above is other.above


# --- against each other ---------------------------------------------------------------------------------------------


def _agreeing(found: Sequence[Candidate]) -> list[Candidate]:
    """Ways that come to the same units are one, surer than each."""
    by_units: dict[tuple[int, ...], list[Candidate]] = {}
    for candidate in found:
        by_units.setdefault(tuple(unit.span.line for unit in candidate.units), []).append(candidate)
    out = []
    for group in by_units.values():
        best = max(group, key=lambda c: c.confidence)
        surer = min(0.95, best.confidence + 0.03 * sum(c.confidence > 0.5 for c in group if c is not best))
        out.append(replace(best, confidence=round(max(surer, best.confidence), 2)))
    return out


def _against_rivals(found: Sequence[Candidate]) -> list[Candidate]:
    """The surest reading is less sure where another, of other features, is nearly as good."""
    if len(found) < 2:
        return list(found)
    first, *others = found
    rivals = [c for c in others if c.confidence > max(0.62, first.confidence - 0.16) and not _alike(first, c)]
    if rivals:
        first = replace(first, confidence=round(first.confidence - 0.1 - 0.02 * len(rivals), 2))
    return [first, *others]


def _alike(one: Candidate, other: Candidate) -> bool:
    mine = {unit.span.line for unit in one.units}
    inside = any(u.span.line <= other.span.line and other.span.end_line <= u.span.end_line for u in one.units)
    return inside or len(mine & {unit.span.line for unit in other.units}) * 2 > len(mine)
