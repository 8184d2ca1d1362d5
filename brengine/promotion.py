"""Putting verified files into the workspace: all of a promotion or none, never over what is not ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brengine import codec, digest, durable
from brengine.blobs import Action, Actions, Blobs
from brengine.domain import Key
from brengine.ledger import Ledger
from brengine.rows import Row
from brengine.verdict import Record
from brengine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Accepted:
    """One task's verified files: contents, the digests that they may replace, and the record to be."""

    record: Record
    files: Mapping[str, bytes]
    base: Mapping[str, str]
    """path -> SHA-256 that stood there when the files were asked for or looked at ("" for absent)."""
    seconds: float = 0.0
    """How long the verification took that accepted them."""


class Promoter:
    """The only way into the tree. Journalled before and after, rolled forward after a crash."""

    def __init__(self, workspace: Workspace, ledger: Ledger, blobs: Blobs, actions: Actions, clashes: Path) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._blobs = blobs
        self._actions = actions
        self._clashes = clashes

    def clashes(self, accepted: Accepted) -> tuple[str, ...]:
        """Paths whose content is neither what the files were made over nor what they are: a person was here."""
        found = []
        for path, content in accepted.files.items():
            now = self._workspace.digest(path)
            if now not in (accepted.base.get(path, ""), digest.of_bytes(content)):
                found.append(path)
        return tuple(found)

    def keep_aside(self, accepted: Accepted) -> str:
        """Keep the files of a clash beside the user's; answers the folder."""
        folder = self._clashes / accepted.record.task
        for path, content in accepted.files.items():
            durable.write(folder / path, content)
        return str(folder)

    def promote(self, batch: str, accepted: Sequence[Accepted]) -> None:
        """Contents into the store, `promote` into the journal, files into the tree, `promoted` with the records."""
        files: dict[str, list[str]] = {}
        for item in accepted:
            for path, content in item.files.items():
                files[path] = [self._workspace.digest(path), self._blobs.put(content)]
        records = [
            {"task": a.record.task, "record": codec.record_to_row(a.record), "seconds": round(a.seconds, 3)}
            for a in accepted
        ]
        row: Row = {"t": "promote", "batch": batch, "files": files, "records": records}
        for item in accepted:
            action = Action(dict(item.record.outputs), item.record.attempt, item.record.model)
            self._actions.put(_ask_digest(item.record), action)
        self._ledger.append(row)
        self._carry_out(row)

    def recover(self) -> tuple[str, ...]:
        """Roll forward every promotion that was begun; answers a note for each file or batch that needs a person."""
        notes: list[str] = []
        for row in list(self._ledger.state.promotions.values()):
            notes += self._carry_out(row)
            notes.append(f"finished the promotion of {row['batch']} that was interrupted")
        return tuple(notes)

    def _carry_out(self, row: Row) -> list[str]:
        notes, refused = [], set()
        for path, (old, new) in row["files"].items():
            now = self._workspace.digest(path)
            content = self._blobs.get(new)
            if now == new:
                continue
            if now != old or content is None:
                notes.append(f"{path} was changed meanwhile: kept as it is")
                refused.add(path)
                continue
            self._workspace.write(path, content)
        records = [r for r in row["records"] if not refused & r["record"]["outputs"].keys()]
        self._ledger.append({"t": "promoted", "batch": row["batch"], "records": records})
        return notes


def _ask_digest(record: Record) -> str:
    return Key("ask", record.ask).digest
