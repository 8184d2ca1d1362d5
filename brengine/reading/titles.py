"""What a heading says: its bare name, its number, its marks, and which kind of section it opens. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from brengine.domain import SectionRole
from brengine.reading import words

MAX_TITLE = 300
"""Characters of a heading that are looked at."""
_EMPHASIS = re.compile(r"\*\*|__|~~|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
_ESCAPE = re.compile(r"\\([^\w\s])")
_NUMBER = re.compile(
    r"^(?:(?:section|part|chapter)\s+)?"
    r"(?:(?!\d{3}\s)\d{1,3}(?:\.\d{1,3}){0,5}(?:\s*[.):–—]|\s*-(?=\s)|(?=\s)|(?=[\u3040-\u9fff\uac00-\ud7af]))|[ivxIVX]{1,5}[.)]\s|[A-Za-z][.)]\s"
    r"|[一二三四五六七八九十]{1,3}[、.．:]|第[一二三四五六七八九十\d]{1,3}[章节節部]|제\s?\d+\s?[장절])\s*"
)
_TAIL = re.compile(r"\s*[({\[（【*]+[^()\[\]（）【】*]{0,60}[)}\]）】*]+\s*$")
_EDGE = re.compile(r"^[^\w\s/`\"'(\[<@$.+]+\s*|[\s:：]+$")
_DONE = re.compile(r"✅|☑|✔|\[x\]|~~.+~~", re.IGNORECASE)
_DONE_WORD = re.compile(
    r"[(\[—–:-]\s*(?:100 ?% )?(?:completed?|done|implemented|finished|shipped|已完成|完了|완료)\s*[)\]!]*\s*$",
    re.IGNORECASE,
)
_FEATURE = re.compile(
    r"^(?:feature|funktion|feat|功能|機能|기능|fonctionnalité|funcionalidad|funcionalidade|функция|tính năng|"
    r"funzionalità|özellik)"
    r"(?:\s*[#№]?\s*(?P<number>[A-Z]?\d{1,5}(?:\.\d{1,3})*))?(?:\s*[:：—–]|\s+-(?=\s))\s*(?P<name>\S.*)$",
    re.IGNORECASE,
)
_GROUP = re.compile(r"(?:phase|step|week|sprint|milestone|stage)\s+\w{1,3}\s*(?:$|[:：–—(-])", re.IGNORECASE)
_CONTAINER = re.compile("|".join(re.escape(phrase) for phrases in words.CONTAINERS for phrase in phrases))
_LONGEST_FIRST = tuple(sorted(phrases, key=len, reverse=True) for phrases in words.CONTAINERS)
_BILINGUAL = re.compile(r"\s+[/|｜]\s+|(?<=[\u3040-\u9fff\uac00-\ud7af])\s*/\s*(?=[a-z])")
_AND = re.compile(r"\s*(?:&|\+|,|\band\b|\bund\b|\bet\b|\by\b|\be\b|\bи\b|\bvà\b|\bи\b)\s+")
_GENERIC_CJK = re.compile(
    "|".join(sorted(map(re.escape, words.GENERIC_CJK), key=len, reverse=True)) + r"|[\s()（）·、,:：-]"
)
_NON_FUNCTIONAL = dict(words.ROLES)["non-functional"]
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
SPECIFICATION = re.compile(
    r"^(?:feature specification|specification|requirements document|product requirements|prd|project spec)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Title:
    """A heading taken apart. `bare` has no number, emoji, emphasis or closing colon; `words` is it in lower case."""

    text: str
    bare: str
    words: str
    done: bool = False


@lru_cache(maxsize=65536)
def read(text: str) -> Title:
    """A heading's text, taken apart."""
    text = _ESCAPE.sub(r"\1", " ".join(text.split()))[:MAX_TITLE]
    done = bool(_DONE.search(text) or _DONE_WORD.search(text))
    name = bare(text)
    plain = _TAIL.sub("", _TAIL.sub("", name)) or name
    return Title(text, name, plain.lower(), done)


@lru_cache(maxsize=65536)
def bare(text: str) -> str:
    """The text without number, emoji, emphasis, checkbox and closing colon."""
    text = re.sub(r"^\[[ xX]?\]\s*", "", text)
    name = _EDGE.sub("", _EMPHASIS.sub("", text)).strip()
    name = re.sub(r"^[\d#*]\ufe0f?\u20e3\s*", "", _EDGE.sub("", name))
    found = _NUMBER.sub("", name).strip()
    found = _EDGE.sub("", re.sub(r"[\s\ufe0f✅☑✔⭐🔴🟡🟢🟠]+$", "", found)).strip()
    return found or name or text.strip()


@lru_cache(maxsize=65536)
def feature_name(text: str) -> str:
    """The name in `Feature 3: Name`, `Feature: Name` and the like in other languages, else ""."""
    match = _FEATURE.match(_NUMBER.sub("", read(text).text.strip("*_ ")))
    return bare(match["name"]) if match else ""


def feature_number(text: str) -> int:
    """3 in `Feature 3: Name`, 0 where there is none."""
    match = _FEATURE.match(_NUMBER.sub("", read(text).text.strip("*_ ")))
    return int(match["number"]) if match and (match["number"] or "").isdigit() else 0


def has(title: str, phrases: tuple[str, ...]) -> bool:
    """True when one of the phrases stands in the lower-case title, as whole words where the script has words."""
    return any(_holds(title, phrase) for phrase in phrases if phrase in title)


def _holds(title: str, phrase: str) -> bool:
    if _CJK.search(phrase):
        return True
    return bool(re.search(rf"(?<![\w-]){re.escape(phrase)}(?![\w-]|\.\d)", title))


@lru_cache(maxsize=65536)
def rank(text: str) -> tuple[int, bool]:
    """(the rank of the words that make this heading hold features, whether they stand alone); (0, False) for none.

    1 is `Core Features`, 7 `Phases`. A heading of another role, a deferred or excluded one has none.
    """
    title = read(text)
    plain = title.words
    if (
        not plain
        or len(plain) > 90
        or not _CONTAINER.search(plain)
        or has(plain, words.NOT_FEATURES)
        or is_out(text)
        or is_deferred(text)
    ):
        return 0, False
    if (
        has(plain, (*_NON_FUNCTIONAL, *words.STACK))
        or _GROUP.match(title.bare)
        or plain.startswith(("data ", "technical req", "security req", "hardware "))
    ):
        return 0, False
    ranks = [_rank(part) for part in _BILINGUAL.split(plain)]
    ranks += [
        (number, _is_generic(plain, part)) for part in _AND.split(plain) for number, alone in [_rank(part)] if alone
    ]
    return min(ranks, key=lambda found: (not found[1], found[0] or 9))


def _is_generic(plain: str, part: str) -> bool:
    """True when nothing but the part of a title says anything: `Core Features & Specifications`."""
    left = re.findall(r"[^\W\d_][\w-]*", plain.replace(part, " ", 1))
    return all(word in words.GENERIC for word in left)


def is_joined(text: str) -> bool:
    """True for a heading of two things: `Features & Data Model`."""
    return bool(_AND.search(read(text).words))


def _rank(plain: str) -> tuple[int, bool]:
    for number, phrases in enumerate(_LONGEST_FIRST, start=1):
        found = next((phrase for phrase in phrases if has(plain, (phrase,))), "")
        if found and _leads(plain, found, number):
            return number, _alone(plain, found)
    return 0, False


def _leads(plain: str, found: str, number: int) -> bool:
    """The phrase is what the heading is about: it begins or ends it, and little else is said."""
    at_edge = plain.startswith(found) or plain.endswith(found) or _CJK.search(found)
    limit = 7 if number <= 3 else 5
    return bool(at_edge) and len(plain.split()) <= limit


def _alone(plain: str, found: str) -> bool:
    rest = plain.replace(found, " ", 1)
    if _CJK.search(found):
        return not _GENERIC_CJK.sub("", rest).strip()
    left = [word for word in re.findall(r"[^\W\d_][\w-]*|&", rest) if word not in words.GENERIC]
    return not left


def is_out(text: str) -> bool:
    """True for non-goals and what is out of scope."""
    return has(read(text).words, words.OUT_OF_SCOPE)


def is_deferred(text: str) -> bool:
    """True for what is for later: future work, stretch goals, nice to have."""
    plain = read(text).words
    return has(plain, words.DEFERRED) and not plain.startswith(("must have", "core", "mvp"))


@lru_cache(maxsize=65536)
def role(text: str) -> SectionRole:
    """A section's role by the words of its heading."""
    if is_out(text):
        return "constraints"
    plain = read(text).words
    return next((role for role, known in words.ROLES if any(word in plain for word in known)), "other")


def is_frame(text: str) -> bool:
    """True for a heading that is no feature even inside a container of features."""
    return read(text).words in words.FRAME or is_out(text) or is_deferred(text)


@lru_cache(maxsize=65536)
def is_section(text: str) -> bool:
    """True for a heading that is the name of a known kind of section, and so is no feature."""
    plain = read(text).words.removeprefix("the ").strip()
    if any(plain in known for _, known in words.ROLES) or plain in words.CONTEXT:
        return True
    if is_out(text) or is_deferred(text):
        return True
    parts = [part.strip() for part in re.split(r"\s*(?:&|/|,| and | und | et | y | e | и )\s*", plain)]
    return len(parts) > 1 and all(part in words.CONTEXT or any(part in k for _, k in words.ROLES) for part in parts)


def aside(text: str) -> str:
    """Why a part of this title is passed over: `out of scope`, `for later`, or ""."""
    if is_out(text):
        return "out of scope"
    return "for later" if is_deferred(text) else ""


@lru_cache(maxsize=65536)
def is_remark(text: str) -> bool:
    """True for a heading within a feature below which nothing is demanded: notes, background, files."""
    return read(text).words in words.REMARKS or role(text) in ("overview", "tech-stack", "layout")


def is_done(text: str) -> bool:
    """True where a heading or bullet carries a done mark: ✅, [x], (COMPLETED), ~~struck through~~."""
    return read(text).done


def is_tagged_later(text: str) -> bool:
    """True for a name with a tag that puts it off: `Export (v2)`, `Chat [future]`."""
    return bool(
        re.search(
            r"[(\[（](?:v[23](?![.\d])|future|later|stretch|post-mvp|phase [2-9]|nice to have|deferred|"
            r"backlog)\b[^()\[\]]{0,30}[)\]）]",
            text[:MAX_TITLE],
            re.IGNORECASE,
        )
    )


def unprioritised(name: str) -> str:
    """The name without `(Priority: P1)` behind and `Phase 2:` before it: ids follow neither priority nor order."""
    name = re.sub(
        r"^(?:phase|step|milestone|part|script|stage|etapa|fase|étape)\s+\d{1,3}\s*[:.–—-]\s*(?=\S)",
        "",
        name,
        flags=re.IGNORECASE,
    )
    return re.sub(r"\s*[(（][^()（）]{0,20}\bp[0-4]\s*[)）]\s*$", "", name, flags=re.IGNORECASE) or name


@lru_cache(maxsize=65536)
def content_words(text: str) -> frozenset[str]:
    """The words of a text that say something: four letters and more, without endings."""
    found = re.findall(r"[^\W\d_]{4,}|[\u3040-\u9fff\uac00-\ud7af]{2}", text.lower()[:20_000])
    return frozenset(word[:6] for word in found if word not in words.EMPTY)
