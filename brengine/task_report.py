"""One task with all that it rests on, for a person and for machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from brengine import report
from brengine.asks import Prompt
from brengine.conditions import Condition
from brengine.spending import Spend
from brengine.standing import Standing
from brengine.verdict import Record


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of one task."""

    standing: Standing
    condition: Condition
    batch: str
    spend: Spend
    prompt: Prompt


def lines(shown: Shown) -> Iterator[str]:
    """The lines of `br task show`."""
    found, condition, prompt = shown.standing.task, shown.condition, shown.prompt
    yield f"{found.id}: {found.name}"
    yield f"state        {condition.state}" + (f" ({'; '.join(condition.reasons)})" if condition.reasons else "")
    if condition.note:
        yield f"note         {condition.note}"
    for finding in condition.findings:
        yield f"finding      {report.first_line(finding)}"
    if condition.prompt:
        yield f"prompt       {condition.prompt}"
        yield f"reply        awaited in {condition.reply}"
    yield f"batch        {shown.batch}"
    yield f"made by      rule {found.rule}"
    effort = f"{found.complexity}, {found.minutes} min, {found.priority} priority"
    yield f"kind         {found.kind}, {found.domain}, {effort}"
    yield f"targets      {', '.join(found.targets)}"
    yield f"tests        {', '.join(found.tests) or 'none'}"
    for need in found.needs:
        yield f"needs        {need.task}" + (f" (uses {', '.join(need.uses)})" if need.uses else "")
    for contract in found.defines:
        yield f"defines      {contract.name} in {contract.path}"
    for cover in found.covers:
        yield f"covers       line {cover.span.line}: {report.first_line(cover.text)}"
    for accepted in found.acceptance:
        place = f" (line {accepted.lines[0]})" if accepted.lines else ""
        yield f"acceptance   {accepted.text}{place}"
    for evidence in shown.standing.record.evidence if shown.standing.record else ():
        what = evidence.reason or evidence.command or ""
        yield f"evidence     {evidence.check}: {evidence.status} {report.first_line(what)}".rstrip()
    record = shown.standing.record
    if record:
        yield f"made in      {made(record)}"
    yield f"spent        {shown.spend}"
    told = f"prompt       {prompt.template}, at most {prompt.context_tokens:,} tokens of context"
    yield f"{told}; {left_out(prompt)}"


def made(record: Record) -> str:
    """How the files of a record came about: the attempt, the model, and what that took."""
    if record.adopted:
        return "a person's edit"
    if not record.attempt:
        return "no ask"
    who = f"attempt {record.attempt}" + (f" by {record.model}" if record.model else "")
    if not record.spent:
        return who
    asks = f"{record.spent.asks} ask{'' if record.spent.asks == 1 else 's'}"
    price = "price unknown" if record.spent.cost is None else f"${record.spent.cost:.4f}"
    return f"{who}, {asks}, {record.spent.tokens:,} tokens, {price}"


def left_out(prompt: Prompt) -> str:
    """What did not fit a prompt, and what is in it by its public surface alone."""
    short = f"; shortened: {', '.join(prompt.shortened)}" if prompt.shortened else ""
    return f"left out: {', '.join(prompt.left_out) or 'nothing'}{short}"


def row(shown: Shown) -> dict[str, Any]:
    """The object of `br task show --json`."""
    found, record, condition = shown.standing.task, shown.standing.record, shown.condition
    return {
        "id": found.id,
        "name": found.name,
        **condition_row(condition),
        "feature": found.feature,
        "batch": shown.batch,
        "rule": found.rule,
        "kind": found.kind,
        "domain": found.domain,
        "complexity": found.complexity,
        "minutes": found.minutes,
        "priority": found.priority,
        "targets": list(found.targets),
        "tests": list(found.tests),
        "needs": [{"task": need.task, "uses": list(need.uses)} for need in found.needs],
        "defines": [{"name": one.name, "path": one.path, "text": one.text} for one in found.defines],
        "covers": [{"line": cover.span.line, "text": cover.text} for cover in found.covers],
        "acceptance": [{"text": one.text, "lines": list(one.lines)} for one in found.acceptance],
        "made": _made_row(record),
        "evidence": [_evidence(one) for one in (record.evidence if record else ())],
        "spent": shown.spend.row(),
        "prompt": {
            "template": shown.prompt.template,
            "context_tokens": shown.prompt.context_tokens,
            "left_out": list(shown.prompt.left_out),
            "shortened": list(shown.prompt.shortened),
        },
    }


def _made_row(record: Record | None) -> dict[str, Any] | None:
    """How the files of a record came about; None without one."""
    if record is None:
        return None
    spent = record.spent
    took = {"asks": spent.asks, "tokens": spent.tokens, "cost": spent.cost} if spent else None
    return {"attempt": record.attempt, "model": record.model, "adopted": record.adopted, "spent": took}


def condition_row(condition: Condition) -> dict[str, Any]:
    """How a task stands: `state`, and of the rest what there is."""
    fields: dict[str, Any] = {
        "reasons": list(condition.reasons),
        "findings": list(condition.findings),
        "attempt": condition.attempt,
        "note": condition.note,
        "awaits": {"prompt": condition.prompt, "reply": condition.reply} if condition.prompt else {},
    }
    return {"state": condition.state, **{name: value for name, value in fields.items() if value}}


def _evidence(one: Any) -> dict[str, Any]:
    fields = {"check": one.check, "status": one.status, "reason": one.reason, "command": one.command}
    counts = {"executed": one.executed, "failed": one.failed, "covered": one.covered, "coverable": one.coverable}
    return {name: value for name, value in {**fields, **counts}.items() if value not in ("", 0)}
