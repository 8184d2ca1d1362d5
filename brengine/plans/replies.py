"""What answers about plans say: plan files, notes, questions of authors. All of it untrusted. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brengine import reply
from brengine.errors import Diagnostic, InputError
from brengine.plans import files
from brengine.plans.files import PlanFile
from brengine.plans.prompts import complaint
from brengine.source import Source

MOST_LINES = 80
_NOTE = re.compile(r"^[\s*-]*(PART|NAME|GAP|CONFLICT|RULE)\s+(\d[\d,\s–-]*?)\s*:\s*(\S.*)$")
_SEAM = re.compile(r"^[\s*-]*SEAM\s+([^\s:]+)\s*:\s*(\S.*)$")
_END = re.compile(r"^[\s*-]*END\s+(\d{1,4})\s*$")
_NEED = re.compile(r"^[\s*-]*NEED[:\s]+`?([A-Za-z_][\w.]*)`?\s*(.*)$")
_CONFLICT = re.compile(r"^[\s*-]*CONFLICT[:\s]+(?:lines?\s+)?(\d+(?:\s*[,–-]\s*\d+)*)\s*(?:[:.,–-]\s*(\S.*))?$")
_BLAME = re.compile(r"^[\s*-]*BLAME[:\s]+`?([\w./#-]*\w)`?\s*(.*)$")
_NONE = ("none", "nothing", "no", "n", "na", "name")


@dataclass(frozen=True, slots=True)
class Written:
    """Plan files that a reply holds, and what is wrong with it."""

    texts: Mapping[str, str]
    plans: tuple[PlanFile, ...]
    findings: tuple[str, ...]


def written(text: str, stop: str, nonce: str, allowed: Sequence[str], before: Mapping[str, str]) -> Written:
    """The plan files of a reply over those of the answer before it."""
    declared = frozenset(allowed)
    parsed = reply.parse(text, nonce, declared, stop=stop, allowed_missing=declared)
    findings = [str(finding) for finding in parsed.findings]
    texts = dict(before)
    for change in parsed.files:
        if change.content is not None:
            texts[change.path] = change.content
        else:
            edited, problem = reply.apply_edits(texts.get(change.path, ""), change.edits)
            findings += [f"{change.path}: {problem}"] if problem else []
            texts[change.path] = texts.get(change.path, "") if problem else edited
    read = of_texts(texts)
    return Written(texts, read.plans, (*findings, *read.findings))


def of_texts(texts: Mapping[str, str]) -> Written:
    """Plan files as texts, with what is wrong with their form."""
    plans, findings = [], []
    for path, content in texts.items():
        try:
            plans.append(_of_its_feature(files.load(Source(path, content))))
        except InputError as error:
            findings += [complaint(found) for found in error.diagnostics]
    if not texts:
        findings.append("the reply holds no plan file")
    return Written(dict(texts), tuple(plans), tuple(findings))


def _of_its_feature(plan: PlanFile) -> PlanFile:
    """The plan, if it is where it belongs. Raises InputError."""
    own = plan.path.rsplit("/", 1)[-1].removesuffix(".yaml")
    wrong = [task.id for task in plan.tasks if task.feature != own] if own != "changes" else []
    if plan.feature != own or wrong:
        message = f"it is the plan of {own!r}, and has {', '.join(wrong[:5]) or f'plan: {plan.feature}'}"
        hint = "ids are <feature>.<name>, in the file of their feature"
        raise InputError(message, hint, (Diagnostic("plan", "error", message, plan.path, None, hint),))
    return plan


def notes(text: str, stop: str) -> tuple[str, ...]:
    """The lines of a gathering reply; () where it has none or was cut."""
    rows = [f"{m[1]} {m[2]}: {m[3]}"[:400] for line in text.splitlines() if (m := _NOTE.match(line))]
    return tuple(rows[:MOST_LINES]) if stop == "end_turn" else ()


def seams(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The complaints of a review about tasks that there are."""
    found = [(m[1], m[2]) for line in text.splitlines() if (m := _SEAM.match(line))]
    return tuple(f"{name}: {said}"[:600] for name, said in found[:10] if name in known)


@dataclass(frozen=True, slots=True)
class Question:
    """What an author could not settle: a missing contract, lines that disagree, a need that is wrong."""

    kind: str
    """`need`, `conflict` or `blame`."""
    about: str
    """The name that is missing, the line numbers, or the need's task, file or contract."""
    said: str = ""


def questions(text: str) -> tuple[Question, ...]:
    """The questions in what a reply says outside its files."""
    found = []
    for line in text.splitlines():
        need, conflict, blame = _NEED.match(line), _CONFLICT.match(line), _BLAME.match(line)
        if need and need[1].lower() not in _NONE:
            found.append(Question("need", need[1], need[2].strip(" :-–—")[:400]))
        elif conflict:
            found.append(Question("conflict", conflict[1].strip(), (conflict[2] or "")[:600]))
        elif blame and blame[1].lower() not in _NONE:
            found.append(Question("blame", blame[1], blame[2].strip(" :-–—")[:600]))
    return tuple(dict.fromkeys(found))
