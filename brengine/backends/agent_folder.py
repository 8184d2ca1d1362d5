"""What an agent left in its folder, as a reply in the engine's own format. Its transcript is not asked.

A file counts as written where its bytes are others than those that were put there. Links, files with a second name,
oversized files, files that are no UTF-8 and paths that no task may have are not read: each becomes a VOID of the reply.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from brengine.monitor import Entry, sweep
from brengine.reply import MAX_FILE, MAX_FILES, MAX_REPLY, format_reply, neutral, path_problem
from brengine.workspace import Workspace

MOST_NOTES = 100_000
"""Characters of the agent's last words that are kept."""
PRIVATE = (".claude", ".mcp.json", "claude.md", "claude.local.md")
"""Names that mean something to the agent's program: never among the copies."""


@dataclass(slots=True)
class Collected:
    """Files that were written, and paths that are not taken, with why."""

    files: dict[str, str] = field(default_factory=dict)
    void: dict[str, str] = field(default_factory=dict)
    size: int = 0


def copies(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that an agent is given: nothing that its program would take for settings."""
    return {path: content for path, content in files.items() if not _is_private(path)}


def collect(root: Path, before: Mapping[str, bytes], declared: Sequence[str], secrets: Sequence[str]) -> Collected:
    """What was written below `root`, where `before` was put; declared files are whole as soon as one was written."""
    found, after, tree = Collected(), sweep(root), Workspace(root)
    for path in sorted(after):
        if len(found.files) + len(found.void) >= MAX_FILES:
            found.void["."] = f"more than {MAX_FILES} files were written"
            break
        _take(path, after[path], before.get(path), tree, found, secrets)
    for path in sorted(set(before) - set(after)):
        found.void[path] = "it was removed"
    if found.files.keys() & set(declared):
        _keep_rest(found, before, declared)
    for path in sorted(entry.name for entry in root.parent.iterdir() if entry.name not in (root.name, "home")):
        found.void[f"../{_shown(path)}"] = "it lies outside the folder of the ask"
    return found


def reply_text(found: Collected, nonce: str, notes: str) -> str:
    """The reply: what the agent said last as notes, then every file."""
    ended = {path: text if text.endswith("\n") or not text else f"{text}\n" for path, text in found.files.items()}
    for path in [path for path, text in ended.items() if f"<<<BR-{nonce} " in text]:
        del ended[path]
        found.void[path] = "it holds a line of the reply's own format"
    return format_reply(ended, nonce, neutral(notes[:MOST_NOTES]).strip(), found.void)


def _take(
    path: str, entry: Entry, was: bytes | None, tree: Workspace, found: Collected, secrets: Sequence[str]
) -> None:
    problem = _problem(path, entry)
    if not problem and was is not None and entry.size == len(was) and tree.read(path) == was:
        return
    if not problem and entry.size > MAX_FILE:
        problem = f"it is larger than {MAX_FILE:,} bytes"
    content = b"" if problem else tree.read(path) or b""
    found.size += len(content)
    if found.size > MAX_REPLY // 2:
        problem = f"what was written is larger than {MAX_REPLY // 2:,} bytes in all"
    elif any(secret.encode() in content for secret in secrets):
        problem = "it holds a credential"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        problem = "it is not UTF-8 text"
    if problem:
        found.void[_shown(path)] = problem
    else:
        found.files[path] = text


def _keep_rest(found: Collected, before: Mapping[str, bytes], declared: Sequence[str]) -> None:
    """Declared files that were left as they are belong to the answer."""
    for path in declared:
        if path in before and path not in found.files and path not in found.void:
            with contextlib.suppress(UnicodeDecodeError):
                found.files[path] = before[path].decode("utf-8")


def _problem(path: str, entry: Entry) -> str:
    """Why a path is not even read, or "" where it may be."""
    if entry.kind != "file":
        return "it is a link" if entry.kind == "link" else "it is no plain file"
    if entry.names > 1:
        return "the file has a second name"
    return path_problem(path)


def _is_private(path: str) -> bool:
    return any(part.casefold() in PRIVATE for part in path.split("/"))


def _shown(path: str) -> str:
    """A path that fits into a sentinel line."""
    return ascii(path)[1:-1].replace('"', "'")
