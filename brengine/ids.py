"""Ids that do not move: explicit, else in the text, else a slug; a reworded text keeps the id that a lock has seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from brengine import digest

MAX_SLUG = 60
"""Bytes of a slug: three of them and a feature's still make a file name."""
SIMILAR = 0.6
_NUMBERED = re.compile(r"[a-z]{1,6}-?(?:[a-z]+-)?\d{1,4}(?:-\d{1,4})*")
_IN_TEXT = re.compile(r"^\W*((?:FR|NFR|REQ|US|UC|RF|SRS|BR)-?(?:[A-Z]+-)?\d+(?:[.-]\d+)*)\b", re.IGNORECASE)


@lru_cache(maxsize=65536)
def slug(text: str, fallback: str) -> str:
    """Letters and digits of any script in lower case with `-` between; never empty, at most 60 bytes.

    What is longer is cut and ends with a digest of all of it, so that texts which begin alike stay apart.
    """
    words = "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).lower()))
    return _bounded(words) or f"{fallback}-{digest.of_text(text)[:8]}"


def plain_slug(text: str, fallback: str) -> str:
    """An ASCII slug for file names; what has no ASCII letters is named by its digest."""
    decomposed = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = _bounded("-".join(re.findall(r"[a-z0-9]+", decomposed)))
    return words if words and not words[0].isdigit() else f"{fallback}-{digest.of_text(text)[:8]}"


def _bounded(words: str) -> str:
    if len(words.encode()) <= MAX_SLUG:
        return words
    cut = words.encode()[: MAX_SLUG - 9].decode("utf-8", "ignore").strip("-")
    return f"{cut}-{digest.of_text(words)[:8]}"


def own_id(text: str, explicit: str, fallback: str) -> str:
    """The id that a text has by itself."""
    if explicit:
        return slug(explicit, fallback)
    found = _IN_TEXT.match(text)
    return found[1].lower().replace(".", "-") if found else slug(text, fallback)


def is_number(name: str) -> bool:
    """True for an id that says nothing but its number: `fr-001`, `us-7`."""
    return bool(_NUMBERED.fullmatch(name))


def assign(
    texts: Sequence[str], explicit: Sequence[str], known: Mapping[str, str], fallback: str
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """(an id per text, the (old text, new text) pairs that were taken for rewordings).

    `known` maps id to text as the lock last saw them. Exact texts keep their ids first, then the most similar ones
    take the ids whose texts are gone; the rest get their own ids, made unique in order.
    """
    ids: list[str] = [
        own_id(text, given, fallback) if given else "" for text, given in zip(texts, explicit, strict=True)
    ]
    left = {name: text for name, text in known.items() if name not in ids}
    by_text = {text: name for name, text in left.items()}
    for index, text in enumerate(texts):
        if not ids[index] and text in by_text and by_text[text] in left:
            ids[index] = by_text[text]
            del left[by_text[text]]
    renamed = _reworded(texts, ids, left)
    numbers = _Numbers(name for name in ids if name)
    for index, text in enumerate(texts):
        if not ids[index]:
            ids[index] = numbers.unique(own_id(text, "", fallback))
    return tuple(ids), tuple(renamed)


def _reworded(texts: Sequence[str], ids: list[str], left: dict[str, str]) -> list[tuple[str, str]]:
    """Give the ids of vanished texts to the most similar new ones."""
    if not left:
        return []
    pairs = [
        (_likeness(old, text), index, name)
        for index, text in enumerate(texts)
        if not ids[index] and own_id(text, "", "x") not in left
        for name, old in left.items()
    ]
    renamed = []
    for ratio, index, name in sorted(pairs, key=lambda pair: (-pair[0], pair[1])):
        if ratio >= SIMILAR and not ids[index] and name in left:
            ids[index] = name
            renamed.append((left.pop(name), texts[index]))
    return renamed


def _likeness(old: str, new: str) -> float:
    """0–1: by characters, or by words where one text has nearly all words of the other (it was drawn out)."""
    a, b = set(re.findall(r"\w+", old.lower())), set(re.findall(r"\w+", new.lower()))
    shared = len(a & b) / min(len(a), len(b)) if a and b else 0.0
    ratio = SequenceMatcher(None, old, new).ratio()
    return max(ratio, 0.9 * shared) if min(len(a), len(b)) > 1 else ratio


def apart(names: Sequence[str]) -> tuple[str, ...]:
    """The names with a number behind each that was there before: what is wrong is reported, not lost."""
    numbers = _Numbers(())
    return tuple(numbers.unique(name) for name in names)


class _Numbers:
    """Makes names unique by a number behind them, in near-linear time."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def unique(self, name: str) -> str:
        found, number = name, self._next.get(name, 2)
        while found in self._taken:
            found = f"{name}-{number}"
            number += 1
        self._next[name] = number
        self._taken.add(found)
        return found
