"""Why a document is no product specification: empty, a stub, a template, conventions, a syllabus. Pure."""

from __future__ import annotations

import re

from brengine.reading import titles
from brengine.reading.markdown import Tree
from brengine.source import Source

STUB = 40
"""Words below which a document without features says too little."""
_WORD = re.compile(r"[^\W\d_]{2,40}")
# What the blanks of a template hold (TODO among it), looked for in the document: a pattern, nothing left to do here.
_HINT = re.compile(
    r"^\W*(?:\*\*)?[^:\[\]<>(]{0,60}(?:\*\*)?:?\s*(?:\[[^\]()]{3,}\]|<[A-Za-z][^<>]{2,}>|\{\{.*\}\}"
    r"|TBD|TODO|to be (?:defined|determined).*|\.\.\.|…|_{3,})\.?\s*$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"^\W*(?:\*\*)?(?:[^:\[\]<>(]{1,60}(?:\*\*)?:\s*(?:\*\*)?)?\([^()]{8,}\)\.?\s*$")
"""A line whose only text, or only value, is in parentheses: an instruction to who fills it in."""
_BLANK = re.compile(r"\[(?=[^\]]*[a-z _])[A-Z][^\]()]{2,60}\](?![(\[])|<[A-Z][\w ]{2,30}>|\{\{[^{}]{2,40}\}\}")
_ENVIRONMENT = re.compile(
    r"required for|prerequisite|install|environment variable|\bports?\b|\bsetup\b|verification|dependenc|"
    r"system requirements|"
    r"development requirements|hardware|software requirements|getting started|running|runtime|"
    r"production requirements|python|node",
    re.IGNORECASE,
)
_CONVENTIONS = re.compile(
    r"convention|naming|code style|style guide|formatting|commit|branch|code review|imports|comments|lint|pull request|"
    r"coding standard|best practices|error handling|file organi[sz]ation|type hints|do'?s and don'?ts|principles|"
    r"guidelines|rules|规范|规则|约定|禁止|工作流程|規約|規則|컨벤션|규칙|convenciones|convenções|konventionen|соглашени",
    re.IGNORECASE,
)
_COURSE = (
    *(
        "your project",
        "your group",
        "your team",
        "your teammates",
        "the class",
        "as a class",
        "grading",
        "graded",
        "rubric",
    ),
    *(
        "due date",
        "submit your",
        "hand in",
        "semester",
        "extra credit",
        "points)",
        "syllabus",
        "final report",
        "office hours",
    ),
    *("you will be", "you should submit", "late submissions", "the course", "assignment"),
)
_CONTRACT = re.compile(
    r"contract\b.*\b(?:front|back|fe|be|api)|(?:front|back|fe|be|api)\S*\b.*\bcontract", re.IGNORECASE
)


def why(source: Source, tree: Tree, confidence: float) -> str:
    """Why there is nothing to build in the document, as the end of a sentence; "" when there may be.

    `confidence` is that of the best reading: a sure one is never refused.
    """
    if not source.text.strip():
        return "the document is empty"
    known = len(_WORD.findall(source.text[:20_000]))
    if confidence < 0.5 and known < STUB and not re.search(r"[\u3040-\u9fff\uac00-\ud7af]{8}", source.text[:20_000]):
        return f"it says no more than {known} words and names no features"
    if confidence < 0.5 and known < 150 and re.search(r"\]\([^)]+\.md[^)]*\)", source.text[:20_000]):
        return "it points to another document for what it wants"
    if confidence >= 0.7:
        return ""
    return _template(source) or _by_headings(tree) or _course(source)


def _template(source: Source) -> str:
    lines = [
        line.strip() for line in source.lines[:600] if line.strip() and not line.lstrip().startswith(("#", "|", "```"))
    ]
    hints = sum(bool(_HINT.match(line[:300]) or _ASIDE.match(line[:300])) for line in lines)
    blanks = sum(bool(_BLANK.search(line[:300])) for line in lines)
    heads = [line for line in source.lines[:60] if line.startswith("# ")]
    unnamed = bool(heads) and bool(_BLANK.search(heads[0]))
    empty = len(lines) > 3 and (hints * 10 >= len(lines) * 4 or (blanks > 7 and blanks * 5 >= len(lines)))
    return "it is a template that nobody has filled in" if empty or unnamed else ""


def _by_headings(tree: Tree) -> str:
    parts = [part for part in tree.root.walk() if part.heading]
    if not parts:
        return ""
    first, rest = parts[0].title, [titles.read(part.title).text for part in parts[1:]] or [parts[0].title]
    if _CONTRACT.search(first):
        return "it is a contract between teams about an interface, not a product"
    if re.search(r"(?i)\bindex\b|索引|目录|目次|색인|índice", first) and _points_elsewhere(tree):
        return "it is an index of other documents"
    of_env, of_style = (sum(bool(p.search(t)) for t in rest) for p in (_ENVIRONMENT, _CONVENTIONS))
    if of_env * 10 >= len(rest) * 7 and len(rest) > 1:
        return "it lists what must be installed and set up, not what is to be built"
    if (of_style * 10 >= len(rest) * 5 and len(rest) > 2) or re.search(
        r"(?i)conventions|style guide|coding standards|开发规范|编码规范|代码规范|コーディング規約|코딩 컨벤션", first
    ):
        return "it states conventions for working on code, not what is to be built"
    return ""


def _points_elsewhere(tree: Tree) -> bool:
    """True when rows or bullets mostly link to other documents."""
    rows = [
        b.text or " ".join(c.text for c in b.walk())
        for p in tree.root.walk()
        for t in p.body
        for b in t.walk()
        if b.kind in ("row", "item")
    ]
    return len(rows) > 1 and sum(bool(re.search(r"\]\([^)]+\)|\.md\b", row[:500])) for row in rows) * 2 > len(rows)


def _course(source: Source) -> str:
    text = source.text[:60_000].lower()
    found = sum(phrase in text for phrase in _COURSE)
    return "it is the assignment or syllabus of a course" if found >= 3 else ""
