"""The small print of a specification: labels, attributes, list marks, heading words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from brengine.domain import Priority, SectionRole

ATTRIBUTES = ("priority", "needs", "domain", "coverage")
_ATTRIBUTE_BLOCK = re.compile(r"\s*\{#([^\s{}]*)((?:\s+[^\s{}]+)*)\s*\}\s*$|\s*\{((?:[a-z]+=[^\s{}]+\s*)+)\}\s*$")
_CHECKBOX = re.compile(r"^\[[ xX]?\]\s+")
_NUMBERED = re.compile(r"^(?:feature\s+)?\d+(?:\.\d+)*\s*[.):—–-]*\s+", re.IGNORECASE)
_FEATURE = re.compile(r"^feature(?:\s+\d+(?:\.\d+)*)?\s*[:—–-]\s*(?P<name>.+)$", re.IGNORECASE)
_LABEL = re.compile(
    r"^\s*(?:\*\*|__)?(?P<label>[A-Za-z][A-Za-z ]{1,30}?)(?:\*\*|__)?\s*:\s*(?:\*\*|__)?\s*(?P<rest>.*)$"
)
_BOLD = re.compile(r"^(?:\*\*|__)(?P<name>[^*_]+?):?(?:\*\*|__)\s*(?:[:—–-]\s*)?(?P<rest>.*)$", re.DOTALL)

LABELS = {
    "description": "description",
    "requirements": "requirements",
    "acceptance criteria": "criteria",
    "acceptance": "criteria",
    "priority": "priority",
    "depends on": "needs",
    "dependencies": "needs",
    "needs": "needs",
    "blocked by": "needs",
}
PRIORITIES: dict[str, Priority] = {
    **dict.fromkeys(("critical", "highest", "high", "must", "must have", "p0", "p1"), "high"),
    **dict.fromkeys(("medium", "normal", "should", "should have", "p2"), "medium"),
    **dict.fromkeys(("low", "lowest", "could", "could have", "nice to have", "p3"), "low"),
}
FEATURE_WORDS = re.compile(
    r"^(?:(?:core|key|main|mvp|product|user|planned)\s+)?(?:features|feature list)(?:\s*(?:&|and)\s*functionality)?$",
    re.IGNORECASE,
)
ROLES: tuple[tuple[SectionRole, tuple[str, ...]], ...] = (
    ("acceptance", ("acceptance criteria", "definition of done", "success criteria")),
    ("non-functional", ("non-functional", "nonfunctional", "performance", "security", "reliability", "quality")),
    ("layout", ("project structure", "file structure", "directory structure", "folder structure", "layout")),
    ("tech-stack", ("tech stack", "technology", "technologies", "technical stack", "stack")),
    ("constraints", ("constraint", "out of scope", "non-goals", "non goals", "conventions", "limitations")),
    ("overview", ("overview", "introduction", "summary", "about", "purpose", "background", "vision", "goals")),
)
NOTHING = ("", "none", "-", "–", "—", "n/a", "nothing")


@dataclass(slots=True)
class Attributes:
    """What a trailing `{#id key=value …}` says; `unknown` are keys that mean nothing here."""

    id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def attributes(text: str) -> tuple[str, Attributes]:
    """(the text without its attribute block, what the block says)."""
    match = _ATTRIBUTE_BLOCK.search(text)
    if not match:
        return text.strip(), Attributes()
    pairs = [pair.partition("=") for pair in (match[2] or match[3] or "").split()]
    values = {key: value for key, _, value in pairs if key in ATTRIBUTES}
    unknown = tuple(key for key, _, _ in pairs if key not in ATTRIBUTES)
    return text[: match.start()].strip(), Attributes(match[1] or "", values, unknown)


def label(line: str) -> tuple[str, str]:
    """(field, rest) of `**Priority:** High`, `Priority: High` and the like; ("", "") where no known label stands."""
    match = _LABEL.match(line)
    known = LABELS.get(match["label"].strip().lower(), "") if match else ""
    return (known, match["rest"].strip()) if match and known else ("", "")


def unmarked(text: str) -> str:
    """A bullet's text without its checkbox, its lines joined."""
    return _CHECKBOX.sub("", " ".join(line.strip() for line in text.split("\n")))


def feature_heading(title: str) -> str:
    """The name in `Feature 3: Name` or `Feature: Name`, else ""."""
    match = _FEATURE.match(title.strip())
    return match["name"].strip() if match else ""


def plain_title(title: str) -> str:
    """A heading without number, emoji and emphasis at its ends."""
    bare = re.sub(r"^[^\w]+|[^\w)]+$", "", title.strip().replace("**", "").replace("`", ""))
    return _NUMBERED.sub("", bare).strip() or bare


def is_container(title: str) -> bool:
    """True for `Features`, `Core Features`, `4. Key Features` and their like."""
    return bool(FEATURE_WORDS.match(plain_title(title)))


def bold_name(text: str) -> tuple[str, str]:
    """(name, rest) of `**Name**: rest`; (text, "") otherwise."""
    match = _BOLD.match(text)
    return (match["name"].strip(), match["rest"].strip()) if match else (text, "")


def role_of(title: str) -> SectionRole:
    """A section's role by the words of its heading."""
    words = plain_title(title).lower()
    return next((role for role, known in ROLES if any(word in words for word in known)), "other")


def is_section(title: str) -> bool:
    """True for a heading that is exactly the name of a known section, and so is no feature."""
    return any(plain_title(title).lower() in known for _, known in ROLES)


def priority_of(text: str) -> Priority | None:
    """The priority that a word means, or None."""
    return PRIORITIES.get(text.strip().strip("*_ ").lower().split(" (")[0])
