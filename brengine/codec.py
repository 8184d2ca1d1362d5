"""Records and plans as JSON and back, validated by pydantic: what is read from disk is untrusted."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from brengine.domain import Plan
from brengine.verdict import Evidence, Record

Row = dict[str, Any]


@cache
def _plan() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


@cache
def _record() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def plan_to_json(plan: Plan) -> bytes:
    """A plan as canonical JSON: equal plans give equal bytes."""
    return _plan().dump_json(plan)


def plan_from_json(content: bytes) -> Plan | None:
    """The plan, or None when the bytes are no plan of this version."""
    try:
        return _plan().validate_json(content)
    except ValidationError:
        return None


def record_to_row(record: Record) -> Row:
    """A record as a block of short JSON rows, for the journal and for br.lock (which is read in diffs)."""
    row: Row = {
        "name": record.name,
        "ask": dict(record.ask),
        "verify": dict(record.verify),
        "outputs": dict(record.outputs),
        "evidence": {e.check: _evidence_row(e) for e in record.evidence},
        "attempt": record.attempt,
    }
    optional: Row = {"model": record.model, "adopted": record.adopted, "failed": record.failed}
    if record.spent:
        optional["spent"] = {"asks": record.spent.asks, "tokens": record.spent.tokens, "cost": record.spent.cost}
    return row | {name: value for name, value in optional.items() if value}


def record_from_row(task: str, row: Row) -> Record | None:
    """The record, or None when the row does not validate: an unreadable record is not done."""
    try:
        fields = {
            **row,
            "task": task,
            "ask": sorted(row["ask"].items()),
            "verify": sorted(row["verify"].items()),
            "outputs": sorted(row["outputs"].items()),
            "evidence": [{"check": check, **fields} for check, fields in row["evidence"].items()],
        }
        return _record().validate_python(fields)
    except (ValidationError, KeyError, TypeError, AttributeError):
        return None


def _evidence_row(evidence: Evidence) -> Row:
    names = ("status", "reason", "command", "exit_code", "executed", "failed", "skipped", "covered", "coverable")
    row = {name: getattr(evidence, name) for name in names}
    return {name: value for name, value in row.items() if value not in ("", None) and (value or name == "exit_code")}
