"""Ways to read a document in which no heading names features: guesses, most of them asked about. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from brengine.reading import titles, units
from brengine.reading.markdown import Part, Tree
from brengine.reading.units import Candidate

_PHASE = re.compile(r"(?i)(?:phase|milestone|step|script|part|fase|étape|阶段)\s*\d+")
_ID_HEADING = re.compile(r"(?:\d+\\?[.)]\s*)?(?P<prefix>[A-Z]{1,6}(?:-[A-Z]{1,14})?)-?\d{1,4}\s*[:.\-–—]\s*\S")
_FEATURE_COLUMN = re.compile(
    r"^(?:features?|functions?|功能|機能|기능|funcionalidad|funcionalidade|fonctionnalité|funktion|функция|tính năng)$"
)
_ONE_OF = re.compile(
    r"^(?P<kind>module|component|epic|script|page|screen|service|tool|view|模块|模組|モジュール|모듈|módulo|modulo|modul|модуль)"
    r"\s*#?\d{1,2}(?:\.\d+)?\s*[:：.–—-]\s*\S",
    re.IGNORECASE,
)
_ID_PREFIXES = ("F", "FR", "REQ", "RF", "US", "UC", "FEAT", "FEATURE", "EPIC", "SRS")


def shut(part: Part) -> bool:
    """True below a part that is out of scope, deferred, or itself holds features."""
    return any(titles.is_out(above.title) or titles.is_deferred(above.title) for above in part.trail())


def find(tree: Tree) -> list[Candidate]:
    """Headings of one level as features: a guess, always asked about."""
    out = []
    for level in (1, 2, 3):
        parts = [p for p in tree.root.walk() if p.level == level and not titles.is_section(p.title) and not shut(p)]
        parts = [p for p in parts if not titles.rank(p.title)[0] and not titles.SPECIFICATION.match(p.title)]
        if len(parts) > 1:
            found = tuple(units.of_heading(part) for part in parts)
            out.append(Candidate(f"headings of level {level}", found, 0.4 - 0.05 * level))
    out += _numbered(tree)
    phased = [p for p in tree.root.walk() if _PHASE.match(titles.read(p.title).bare)]
    if len(phased) > 1 and len({p.level for p in phased}) == 1:
        out.append(Candidate("phases", tuple(map(units.of_heading, phased)), 0.5))
    for part in tree.root.walk():
        inside = (
            units.items(part)
            if part.heading and not titles.is_section(part.title) and not titles.rank(part.title)[0]
            else []
        )
        if (
            len(inside) > 2
            and sum(unit.name.startswith("**") and bool(unit.blocks) for unit in inside) * 3 > len(inside) * 2
        ):
            out.append(Candidate(f'list items of "{titles.read(part.title).bare}"', tuple(inside), 0.42, (part,)))
    out += [*_numbered_parts(tree), *_kinded(tree), *_tabled(tree)]
    top = units.items(tree.root)
    if top and all(any(b.kind == "list" for b in unit.blocks) for unit in top):
        out.append(Candidate("list items before any heading", tuple(top), 0.6))
    return out


def _kinded(tree: Tree) -> list[Candidate]:
    """`Module 1: name`, `Page 2: name`: headings of one level that number the parts of the product."""
    by_kind: dict[tuple[str, int], list[Part]] = {}
    for part in tree.root.walk():
        match = _ONE_OF.match(titles.read(part.title).bare) if part.heading and not shut(part) else None
        if match:
            by_kind.setdefault((match["kind"].lower(), part.level), []).append(part)
    return [
        Candidate(
            f"`{kind.capitalize()} N: name` headings",
            tuple(map(units.of_heading, parts)),
            0.74 if _running(parts) else 0.6,
        )
        for (kind, _), parts in by_kind.items()
        if len(parts) > 2
    ]


def _running(parts: Sequence[Part]) -> bool:
    """True where no number is missing: a gap says that something was not seen."""
    numbers = [int(match[0]) for part in parts if (match := re.search(r"\d+", part.title))]
    return sorted(numbers) == list(range(min(numbers), min(numbers) + len(numbers)))


def _tabled(tree: Tree) -> list[Candidate]:
    """Tables whose column is headed `Feature`, wherever they stand."""
    out = []
    for part in tree.root.walk():
        for table in (block for block in part.body if block.kind == "table"):
            head = next(([c.text for c in row.children("cell")] for row in table.walk() if row.kind == "row"), [])
            rows = units.of_table(table) if any(_FEATURE_COLUMN.match(titles.read(t).words) for t in head) else []
            if len(rows) > 1 and not titles.rank(part.title)[0] and not shut(part):
                where = f'of "{titles.read(part.title).bare}"' if part.heading else "before any heading"
                sure = 0.6 if part.heading else 0.72
                out.append(Candidate(f"table rows {where}", tuple(rows), sure, (part,) if part.heading else ()))
    return out


def _numbered_parts(tree: Tree) -> list[Candidate]:
    """Three and more sub-headings with running numbers, where their other siblings have none: a guess."""
    out = []
    for above in tree.root.walk():
        parts = [p for p in above.parts if re.match(r"\d{1,2}\\?[.)]\s", titles.read(p.title).text)]
        named = [p for p in parts if not titles.is_section(p.title) and not titles.rank(p.title)[0]]
        apart = len(above.parts) > len(parts) if above.level < 2 else True
        if len(named) > 2 and len(named) == len(parts) and apart and not titles.is_section(above.title):
            where = f'of "{titles.read(above.title).bare}"' if above.heading else "in the text"
            out.append(Candidate(f"numbered headings {where}", tuple(map(units.of_heading, parts)), 0.5))
    return out


def _numbered(tree: Tree) -> list[Candidate]:
    """Headings with ids of one kind (`F001: …`, `REQ-AREA-001: …`); surer where the id is a requirement's."""
    by_prefix: dict[str, list[Part]] = {}
    for part in tree.root.walk():
        match = _ID_HEADING.match(titles.read(part.title).text) if part.heading else None
        if match:
            by_prefix.setdefault(match["prefix"].split("-")[0], []).append(part)
    for parts in by_prefix.values():
        parts[:] = [part for part in parts if not any(above in parts for above in part.trail())]
    prefix, parts = max(by_prefix.items(), key=lambda found: len(found[1]), default=("", []))
    if len(parts) < 2:
        return []
    sure = 0.8 if prefix in _ID_PREFIXES and len({part.level for part in parts}) == 1 else 0.62
    return [Candidate("numbered headings", tuple(map(units.of_heading, parts)), sure)]
