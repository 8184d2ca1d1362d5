"""Which feature a reference names: by id, name, number or the head of its name; errors name the nearest. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from brengine import ids
from brengine.errors import Diagnostic, diagnose, nearest
from brengine.reading import fields, titles
from brengine.reading.features import Draft, Wish
from brengine.reading.markdown import Block, Tree
from brengine.source import Source

_NUMBER = re.compile(
    r"^(?:the )?(?:feature|feat|phase|step|requirement|req|user story|story|us|epic|module|f|功能|機能|기능|"
    r"fonctionnalité|funcionalidad)?"
    r"[\s#.-]*0*(\d{1,3})(?:\s*[:(（–—-].*)?$",
    re.IGNORECASE,
)
_EDGE = re.compile(
    r"^(?P<owner>.{2,80}?)\s*(?:\bdepends? on\b|\brequires?\b|\bneeds?\b|\bis blocked by\b"
    r"|depende de|dépend de|hängt ab von|依赖|[:：←]|<-)\s*(?P<needs>\S.*)$",
    re.IGNORECASE,
)
_COLUMN = re.compile(
    r"^(?:depends? on|dependenc(?:y|ies)|requires|needs|blocked by|depende de|dépend de|依赖|依存|의존)\b",
    re.IGNORECASE,
)


class Names:
    """The features by all the names that they go by."""

    def __init__(self, drafts: Mapping[str, Draft], aside: Sequence[Draft] = ()) -> None:
        self._drafts = drafts
        self._aside = {_plain(text) for draft in aside for text in (draft.name, titles.read(draft.name).words)}
        self._aside |= {_plain(draft.attributes.id) for draft in aside if draft.attributes.id}
        self._numbers = {draft.number: "" for draft in aside} | {draft.number: name for name, draft in drafts.items()}
        self._exact: dict[str, str] = {}
        for name, draft in drafts.items():
            for key in (
                name,
                _plain(draft.name),
                ids.slug(draft.name, "feature"),
                _plain(titles.read(draft.name).words),
            ):
                self._exact.setdefault(key, name)

    def find(self, text: str) -> str:
        """The id of the feature that the text names, "" for none or several."""
        wanted = _plain(text)
        if wanted in self._exact:
            return self._exact[wanted]
        match = _NUMBER.match(wanted)
        if match and int(match[1]) in self._numbers:
            return self._numbers[int(match[1])]
        if len(wanted) < 3:
            return ""
        words = set(re.findall(r"\w+", wanted))
        inside = [name for name, draft in self._drafts.items() if words <= set(re.findall(r"\w+", draft.name.lower()))]
        return inside[0] if len(inside) == 1 else ""

    def is_exact(self, text: str) -> bool:
        """True where the text is a feature's name, id or number, and not only a part of its name."""
        wanted = _plain(text)
        return wanted in self._exact or bool(_NUMBER.match(wanted))

    def is_aside(self, text: str) -> bool:
        """True for a feature that is done, or not for now: nothing is left to depend on."""
        match = _NUMBER.match(_plain(text))
        return _plain(text) in self._aside or bool(match and self._numbers.get(int(match[1])) == "")

    def hint(self, text: str) -> str:
        """What may have been meant."""
        names = [draft.name.lower() for draft in self._drafts.values()]
        close = nearest(_plain(text), names)
        return (
            f"did you mean {close!r}?"
            if close
            else f"the features are: {', '.join(d.name for d in self._drafts.values())}"
        )

    def near(self, text: str) -> bool:
        """True when a feature has nearly this name."""
        return bool(nearest(_plain(text), [draft.name.lower() for draft in self._drafts.values()]))


def _plain(text: str) -> str:
    plain = " ".join(text.strip().strip("#*_`\"' .").lower().split())
    return plain.removeprefix("the ").removesuffix(" features").removesuffix(" feature").strip()


def resolve(
    drafts: Mapping[str, Draft], aside: Sequence[Draft], tree: Tree, source: Source
) -> tuple[dict[str, tuple[str, ...]], list[Diagnostic]]:
    """(the ids that each feature needs, what could not be resolved)."""
    names = Names(drafts, aside)
    found: dict[str, list[str]] = {name: [] for name in drafts}
    said: list[Diagnostic] = []
    for name, draft in drafts.items():
        attribute = [Wish(n, draft.place) for n in draft.attributes.values.get("needs", "").split(",") if n]
        for wish in (*draft.needs, *attribute):
            found[name] += _one(names, name, wish, source, said)
        for row in (*draft.requirements, *draft.criteria):
            found[name] += [other for text in fields.required(row.text) if (other := names.find(text))]
    for owner, wish in (*_tables(tree, names), *_lists(tree, names)):
        found[owner] += _one(names, owner, wish, source, said)
    return {name: tuple(dict.fromkeys(n for n in wanted if n != name)) for name, wanted in found.items()}, said


def _one(names: Names, owner: str, wish: Wish, source: Source, said: list[Diagnostic]) -> list[str]:
    bare = re.sub(r"\s*[(（].*?[)）]\s*$", "", wish.text)
    other = names.find(wish.text) or names.find(bare)
    if other and (wish.strict or names.is_exact(wish.text) or names.is_exact(bare)):
        return [other]
    if wish.quiet or names.is_aside(wish.text) or names.is_aside(bare):
        return []
    loose = not wish.strict or len(wish.text.split()) > 2 or bool(re.search(r"[a-z]+ ?\d", wish.text.lower()))
    if not loose or wish.text.startswith("#") or (wish.strict and names.near(wish.text)):
        message = f"there is no feature {wish.text!r} to depend on"
        said.append(diagnose(source, wish.place, "unknown-reference", "error", message, names.hint(wish.text)))
    else:
        message = f"{wish.text[:80]!r} is no feature: taken as something from outside"
        said.append(diagnose(source, wish.place, "outside-dependency", "warning" if wish.strict else "note", message))
    return []


def _tables(tree: Tree, names: Names) -> list[tuple[str, Wish]]:
    """The rows of tables with a column `Depends on` whose first matching cell names a feature.

    What names another row of its table (a task, a milestone) is no feature and no mistake.
    """
    found = []
    for part in tree.root.walk():
        for table in part.body:
            if table.kind == "table":
                found += _table(table, names)
    return found


def _lists(tree: Tree, names: Names) -> list[tuple[str, Wish]]:
    """`X depends on Y` in the bullets of a section `Dependencies`, where both are features."""
    found = []
    for part in tree.root.walk():
        if not (part.heading and _COLUMN.match(titles.read(part.title).words.removeprefix("feature "))):
            continue
        for item in (item for block in part.body if block.kind == "list" for item in block.children("item")):
            text = " ".join(item.inside[0].text.split()) if item.inside else ""
            match = _EDGE.match(fields.unmarked(text)[:300])
            owner = names.find(titles.bare(match["owner"])) if match else ""
            if match and owner:
                wanted = [name for name in fields.references(match["needs"]) if names.find(name)]
                found += [(owner, Wish(name, item.span)) for name in wanted]
    return found


def _table(table: Block, names: Names) -> list[tuple[str, Wish]]:
    rows = [row.children("cell") for row in table.walk() if row.kind == "row"]
    head = [titles.read(cell.text).words for cell in rows[0]] if rows else []
    column = next((n for n, text in enumerate(head) if _COLUMN.match(text)), None)
    if column is None:
        return []
    found = []
    own = {_plain(cells[0].text) for cells in rows[1:] if cells}
    for cells in rows[1:]:
        owner = next(
            (o for n, cell in enumerate(cells) if n != column and (o := names.find(titles.bare(cell.text)))), ""
        )
        if owner and column < len(cells):
            wanted = [
                name for name in fields.references(cells[column].text) if names.find(name) or _plain(name) not in own
            ]
            found += [(owner, Wish(name, cells[column].span)) for name in wanted]
    return found
