"""The small print of a specification: labels, attributes, list marks, references. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from brengine.domain import Priority
from brengine.reading import titles, words

ATTRIBUTES = ("priority", "needs", "domain", "coverage")
MAX_LINE = 4000
"""Characters of a line that are searched for labels."""
_ATTRIBUTE_BLOCK = re.compile(
    r"\s*\{#([^\s{}]*)((?:\s+[^\s{}]+)*)\s*\}\s*$|\s*\{([a-z]+=[^\s{}]+(?:\s+[a-z]+=[^\s{}]+)*)\s*\}\s*$"
)
_CHECKBOX = re.compile(r"^(?:\[[ xX]?\]\s*){1,3}")
_TICKED = re.compile(r"^(?:\[[ ]?\]\s*)?\[[xX]\]\s|^(?:[-*]\s*)?[✅☑✔]|^~~.+~~[.\s]*$|[✅☑✔]\ufe0f?\s*$")
_LABEL = re.compile(
    r"^\s*(?:[^\w\s*_#\[(<`\"']{1,3}\ufe0f?\s*)?(?P<m>\*\*|__|\*|_)?(?P<label>[^\W\d_](?:[^\W\d_]|"
    r"[ '’/-]){1,30}?)(?:\s*\([^()]{1,30}\))?"
    r"(?:(?P=m))?\s*[:：]\s*(?:\*\*|__|\*|_)?\s*(?P<rest>.*)$"
)
_LONE = re.compile(r"^\s*(?:\*\*|__)(?P<label>[^*_:]{2,40})(?:\*\*|__)\s*$")
_BOLD = re.compile(r"^(?:\*\*|__)(?P<name>[^*_\n]+?):?(?:\*\*|__)\s*(?:[:：—–-]\s*)?(?P<rest>.*)$", re.DOTALL)
_NEEDS_LINE = re.compile(
    r"^\W{0,4}(?:(?:depends on|blocked by|dépend de|depende de|hängt ab von|зависит от)\s+(?P<on>\S.{0,200})"
    r"|requires the (?P<the>.{1,80}?) features?)\s*\.?\s*$",
    re.IGNORECASE,
)
_REQUIRES = re.compile(r"\brequires the (?P<name>[\w` -]{2,60}?) features?\b", re.IGNORECASE)
_DONE_STATUS = re.compile(
    r"^\W*(?:✅|☑|✔|(?:completed?|done|implemented|finished|shipped|已完成|完了|완료|completado|concluído|terminé)\b)",
    re.IGNORECASE,
)
_OUT = re.compile(r"^\W*(?:out of scope|non-goals?|not in scope|won'?t (?:do|have)|excluded)\s*[:：–—]", re.IGNORECASE)
_LATER = re.compile(
    r"^\W*(?:future|deferred|later|stretch(?: goal)?|nice to have|post-mvp|v[23](?![.\d])|backlog)\s*[:：–—\])]",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"^\W*(?:in progress|in review|planned|proposed|draft|approved|accepted|active|open|todo|to do|pending|not started|"
    r"new|wip|blocked|ready|进行中|计划|진행|en curso|em andamento|en cours|geplant|в работе)\W*$",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*(?:[,;，、；]|\band\b|\bund\b|\bet\b|\+|&|\n)\s*")


@dataclass(slots=True)
class Attributes:
    """What a trailing `{#id key=value …}` says; `unknown` are keys that mean nothing here."""

    id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def attributes(text: str) -> tuple[str, Attributes]:
    """(the text without its attribute block, what the block says)."""
    head, tail = text[:-500], text[-500:]
    match = _ATTRIBUTE_BLOCK.search(tail) if tail.rstrip().endswith("}") else None
    if match and match[3] and not any(pair.partition("=")[0] in ATTRIBUTES for pair in match[3].split()):
        match = None  # {a=b} is text, unless one of its keys is known
    if not match:
        return text.strip(), Attributes()
    pairs = [pair.partition("=") for pair in (match[2] or match[3] or "").split()]
    values = {key: value for key, _, value in pairs if key in ATTRIBUTES}
    unknown = tuple(key for key, _, _ in pairs if key not in ATTRIBUTES)
    return (head + tail[: match.start()]).strip(), Attributes(match[1] or "", values, unknown)


def label(line: str) -> tuple[str, str]:
    """(field, rest) of `**Priority:** High`, `Priority: High`, a lone `**RF**` and the like; else ("", "")."""
    line = line[:MAX_LINE]
    match = _LABEL.match(line) or _LONE.match(line)
    known = words.LABELS.get(match["label"].strip().lower(), "") if match else ""
    if match and known:
        return known, match["rest"].strip() if "rest" in match.groupdict() else ""
    needs = _NEEDS_LINE.match(line)
    if needs:
        return "hint", (needs["on"] or needs["the"]).strip(" .")
    return "", ""


def apart(text: str) -> tuple[str, list[tuple[int, str, str]]]:
    """(a bullet's text without the fields on lines of their own below it, those: line within it, field, rest)."""
    lines = text.split("\n")
    rows: list[tuple[int, str, str]] = []
    for offset, line in enumerate(lines[1:], start=1):
        found, rest = label(line) if ":" in line or "：" in line or line.lstrip("*_ ")[:1].isupper() else ("", "")
        if found in ("needs", "outside", "priority", "status", "hint") and rest:
            rows.append((offset, found, rest))
        elif rows:
            rows[-1] = (*rows[-1][:2], f"{rows[-1][2]} {line.strip()}")
    return "\n".join(lines[: rows[0][0]]) if rows else text, rows


def unknown_label(line: str) -> bool:
    """True for `**Files to create:**`: a bold label that is not known ends what the last one began."""
    return bool(re.match(r"^\s*(?:\*\*|__)[^*_\n]{2,60}(?::\s*(?:\*\*|__)|(?:\*\*|__)\s*:)", line[:200]))


def title_label(title: str) -> str:
    """The field that a sub-heading opens (`#### Acceptance Criteria`), else ""."""
    plain = titles.read(title).words
    found = words.LABELS.get(plain, "")
    if not found and titles.has(plain, ("acceptance criteria", "acceptance scenarios", "scenario", "success criteria")):
        return "criteria"
    if not found and plain.endswith(("requirements", "capabilities", "features", "tasks", "functionality")):
        return "requirements"
    return found


def unmarked(text: str) -> str:
    """A bullet's text without its checkbox, its lines joined."""
    return _CHECKBOX.sub("", " ".join(line.strip() for line in text.split("\n")))


def ticked(text: str) -> bool:
    """True for a bullet with a done mark: [x], ✅, struck through."""
    return bool(_TICKED.search(text.strip()[:MAX_LINE]))


def put_off(text: str) -> str:
    """Why a bullet is not for now: `Out of scope: …`, `Future: …`, `(v2) …`; "" where it is."""
    if _OUT.match(text[:200]):
        return "out of scope"
    return "for later" if _LATER.match(text[:200]) or titles.is_tagged_later(text[:200]) else ""


def is_status(text: str) -> bool:
    """True for a text that is the value of a status field, and no sentence about states."""
    return done_status(text) or bool(_STATUS.match(text[:60]))


def done_status(text: str) -> bool:
    """True for the value of a `Status` field that says that it is done."""
    return bool(_DONE_STATUS.match(text[:100]))


def bold_name(text: str) -> tuple[str, str]:
    """(name, rest) of `**Name**: rest`; (text, "") otherwise."""
    match = _BOLD.match(text)
    return (match["name"].strip(), match["rest"].strip()) if match else (text, "")


def priority_of(text: str) -> Priority | None:
    """The priority that a word means, or None."""
    plain = text.strip().strip("*_` ").lower().split(" (")[0].split("（")[0].strip(" .")
    found = words.PRIORITIES.get(plain)
    if found is None and plain:
        tokens = re.findall(r"[\w-]+|[🔴🟡🟠🟢]", plain)
        found = next((words.PRIORITIES[token] for token in tokens[:3] if token in words.PRIORITIES), None)
    return found


def priority_in_title(text: str) -> str:
    """`P1` in `Name (Priority: P1)`, or the coloured mark before a name; "" where there is none."""
    match = re.search(
        r"[(（\[]\s*(?:[^()（）:：]{1,12}[:：]\s*)?(p[0-4]|high|medium|low|must|should|could)\b[^()（）]{0,12}[)）\]]",
        text[:300],
        re.IGNORECASE,
    )
    if match:
        return match[1]
    return next((mark for mark in "🔴🟡🟠🟢" if mark in text[:20]), "")


def references(text: str) -> list[str]:
    """The names in the value of a dependency field."""
    names = [name.strip(" .*_`\"'") for name in _SPLIT.split(text[:MAX_LINE])]
    return [name for name in names if name.lower().strip("#() ") not in words.NOTHING]


def required(text: str) -> list[str]:
    """The names that a sentence requires as features: `… requires the Reports feature`."""
    return (
        [match["name"] for match in _REQUIRES.finditer(text[:MAX_LINE])]
        if "requires the" in text[:MAX_LINE].lower()
        else []
    )
