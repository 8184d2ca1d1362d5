"""The forms that spec kits write, known by their signatures: spec-kit stories, Kiro requirements, OpenSpec. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from brengine.reading import titles, units
from brengine.reading.markdown import Part, Tree
from brengine.reading.units import Unit

_STORY_WORDS = (
    r"user story|story|user storys?|用户故事|使用者故事|ユーザーストーリー|사용자 스토리|사용자 이야기|"
    r"historia de usuario|história de (?:usuário|utilizador)|història d'usuari|récit utilisateur|histoire utilisateur|"
    r"anwenderstory|benutzer-?story|benutzergeschichte|nutzergeschichte|пользовательская история|"
    r"історія користувача|storia utente|historyjka użytkownika|historia użytkownika|gebruikersverhaal|"
    r"kullanıcı hikayesi|cerita pengguna|câu chuyện người dùng|uživatelský příběh|användarberättelse|us"
)
STORY = re.compile(
    rf"^(?:(?:{_STORY_WORDS})[\s-]*#?\d+(?:\.\d+)?\s*(?:[-–—:：.]+\s*|\s)(?P<name>\S.*)"
    r"|[^\W\d_][^\d:：()（）]{1,28}\s*\d+\s*[-–—:：.]+\s*"
    r"(?P<signed>\S.{0,250}[(（][^()（）]{0,20}\bP\d\s*[)）].{0,20}))$",
    re.IGNORECASE,
)
"""`User Story 1 - Name`, in any language where the name ends with a priority (`P1`)."""
_OWN_ID = re.compile(r"US[-\s]?\d", re.IGNORECASE)
DELTA = re.compile(r"^(?:added|modified|removed|renamed) requirements$", re.IGNORECASE)
KIRO = re.compile(
    r"^(?:requirement|要件|需求|요구사항|requisito|exigence|anforderung|требование|"
    r"yêu cầu)\s*#?(?P<number>\d+(?:\.\d+)?)\s*"
    r"(?:[-–—:：.]+\s*(?P<name>\S.*))?$",
    re.IGNORECASE,
)
OPENSPEC = re.compile(r"^requirement\s*:\s*(?P<name>\S.*)$", re.IGNORECASE)
_SIGNED = re.compile(
    r"[(（][^()（）]{0,20}\bP\d\s*[)）]|user scenarios|사용자 시나리오|用户场景|ユーザーシナリオ|benutzerszenarien",
    re.IGNORECASE,
)
_STORY_TEXT = re.compile(r"^\s*\*\*[^*:：]{3,40}(?:\*\*\s*[:：]|[:：]\s*\*\*)\s*(?P<text>.+)$")
"""`**User Story:** As a …`: the first bold label below a requirement without a title, in any language."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What a kit's document holds: its units, what it takes back, and where its common requirements stand."""

    name: str
    units: tuple[Unit, ...]
    removed: tuple[Unit, ...] = ()
    common: tuple[Part, ...] = ()
    sure: bool = True
    """False where only the headings are a kit's, and not what stands around them."""


def find(tree: Tree) -> Kit | None:
    """The kit that the document was written with, or None."""
    parts = [part for part in tree.root.walk() if part.heading]
    return _openspec(parts) or _kiro(parts) or _speckit(parts)


def _named(part: Part, name: str) -> Unit:
    unit = units.of_heading(part)
    unit.name = name
    return unit


def _openspec(parts: list[Part]) -> Kit | None:
    found: list[Unit] = []
    gone: list[Unit] = []
    for part in parts:
        match = OPENSPEC.match(part.title.strip())
        above = part.above.title.strip().lower() if part.above else ""
        delta = DELTA.match(above)
        if match or delta:
            name = match["name"] if match else titles.bare(part.title)
            (gone if delta and above.startswith(("removed", "renamed")) else found).append(_named(part, name))
    scenarios = any(re.match(r"(?i)\s*scenario\b", part.title) for part in parts)
    if not (found or gone) or not (scenarios or len(found) + len(gone) > 1):
        return None
    return Kit("OpenSpec", tuple(found), tuple(gone))


def _kiro(parts: list[Part]) -> Kit | None:
    found = []
    for part in parts:
        match = KIRO.match(titles.read(part.title).text.strip("*_ "))
        if match:
            name = match["name"] or _story(part) or titles.read(part.title).text
            found.append(_named(part, name))
    told = any(
        _story(unit.part) or any("criteria" in p.title.lower() for p in unit.part.parts) for unit in found if unit.part
    )
    return Kit("Kiro", tuple(found)) if found and (told or len(found) > 1) else None


def _story(part: Part | None) -> str:
    """The text of a `**User Story:** …` paragraph."""
    for block in part.body if part else ():
        for line in block.text.split("\n"):
            match = _STORY_TEXT.match(line)
            if match:
                return match["text"].strip()
    return ""


def _speckit(parts: list[Part]) -> Kit | None:
    found, common = [], []
    for part in parts:
        match = STORY.match(titles.read(part.title).text.strip("*_ "))
        if match:
            own = _OWN_ID.match(titles.read(part.title).bare)
            found.append(_named(part, titles.bare(part.title) if own else match["name"] or match["signed"]))
        elif re.search(r"\b[NF]?F?R-?\d{2,3}\b", _text(part)) and titles.rank(part.title)[0] == 2 and not part.parts:
            common.append(part)
        elif part.parts and titles.rank(part.title)[0] == 2 and "functional" in part.title.lower():
            common += [below for below in part.walk() if below.body]
    if not found or not _stands(parts):
        return None
    inside = [unit.span for unit in found]
    apart = [p for p in common if not any(s.line <= p.span.line <= s.end_line for s in inside)]
    signed = any(_SIGNED.search(p.title) for p in parts)
    return Kit("spec-kit", tuple(found), (), tuple(apart), signed)


def _stands(parts: list[Part]) -> bool:
    """False where the priorities that sign stories stand at some headings of a row only, or at features and phases."""
    names = [titles.read(part.title).text.strip("*_ ") for part in parts]
    signed = [match for name in names if (match := STORY.match(name)) and match["signed"]]
    if not signed:
        return True
    prefix = re.split(r"\d", signed[0][0])[0].strip().lower()
    same = [name for name in names if re.match(rf"{re.escape(prefix)}\s*#?\d", name.lower())]
    other = re.match(r"(?:feature|phase|module|step|part|milestone|sprint|epic|requirement|task|page|screen)", prefix)
    return len(signed) > 1 and len(same) == len(signed) and not other


def _text(part: Part) -> str:
    return " ".join(block.text for top in part.body for block in top.walk())[:5000]
