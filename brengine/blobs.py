"""A content-addressed store of files for what was paid for (replies, outputs), and the action cache over it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brengine import digest, durable

_HEX = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """Contents by their SHA-256, under `<root>/<2 hex>/<64 hex>`; checked on every read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, content: bytes) -> str:
        """Store durably, answer the SHA-256. A content that is whole already is not written again."""
        name = digest.of_bytes(content)
        if self.get(name) is None:
            durable.write(self._path(name), content)
        return name

    def get(self, name: str) -> bytes | None:
        """The content, or None when it is absent or no longer what its name says."""
        if not _HEX.fullmatch(name):
            return None
        try:
            content = self._path(name).read_bytes()
        except OSError:
            return None
        return content if digest.of_bytes(content) == name else None

    def has(self, name: str) -> bool:
        """True when a file of that name is there (its content is checked by `get`)."""
        return bool(_HEX.fullmatch(name)) and self._path(name).is_file()

    def _path(self, name: str) -> Path:
        return self._root / name[:2] / name


@dataclass(frozen=True, slots=True)
class Action:
    """What an ask Key led to: path -> SHA-256 of each output, at which attempt, by which model."""

    outputs: Mapping[str, str]
    attempt: int = 1
    model: str = ""


class Actions:
    """The action cache: ask Key digest -> Action, one JSON file each. Whatever is not whole is absent."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, action: Action) -> None:
        """Remember durably what a Key led to; a later answer to the same Key replaces it."""
        row = {
            "version": 1,
            "outputs": dict(action.outputs),
            "attempt": action.attempt,
            "model": action.model,
        }
        durable.write(self._root / f"{key}.json", digest.canonical(row).encode())

    def get(self, key: str) -> Action | None:
        """What the Key led to, or None; entries that do not validate are absent."""
        try:
            row = json.loads((self._root / f"{key}.json").read_bytes())
            outputs = row["outputs"]
            if row["version"] != 1 or not all(_HEX.fullmatch(sha) for sha in outputs.values()):
                return None
            return Action(
                {str(path): str(sha) for path, sha in outputs.items()}, int(row["attempt"]), str(row["model"])
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
