"""A recorded reply: one text file with a header line and the reply as it came. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brengine.asks import Ask, Prompt, Reply, Usage
from brengine.errors import InputError

HEAD, TAIL = "<!-- br-recording ", " -->\n"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Recording:
    """For which members (task, attempt, ask Key without the template's version) a text was the answer."""

    members: tuple[tuple[str, int, str], ...]
    nonce: str
    text: str
    model: str = ""
    note: str = ""
    usage: Usage = field(default_factory=Usage)


def of(ask: Ask, prompt: Prompt, reply: Reply) -> Recording:
    """The recording of a reply that was given."""
    members = tuple((m.task, m.attempt, m.recorded) for m in ask.members)
    return Recording(members, prompt.nonce, reply.text, reply.model, reply.note, reply.usage)


def write(recording: Recording) -> str:
    """The file's text."""
    usage = recording.usage
    head: Mapping[str, object] = {
        "version": VERSION,
        "members": [{"task": task, "attempt": attempt, "key": key} for task, attempt, key in recording.members],
        "nonce": recording.nonce,
        "model": recording.model,
        "note": recording.note,
        "usage": [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens],
    }
    return f"{HEAD}{json.dumps(head, sort_keys=True)}{TAIL}{recording.text}"


def read(text: str, path: str) -> Recording:
    """The recording in a file's text. Raises InputError naming the file."""
    line, _, body = text.partition("\n")
    try:
        if not (line.startswith(HEAD) and line.endswith(TAIL.rstrip("\n"))):
            raise ValueError("it does not begin with a recording's header")
        row = json.loads(line[len(HEAD) : -len(TAIL.rstrip("\n"))])
        if row["version"] != VERSION:
            raise ValueError(f"it is of version {row['version']}, not {VERSION}")
        members = tuple((str(m["task"]), int(m["attempt"]), str(m["key"])) for m in row["members"])
        usage = Usage(*(int(n) for n in row["usage"]))
        return Recording(members, str(row["nonce"]), body, str(row["model"]), str(row["note"]), usage)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no recording: {error}", "remove it, or record it again") from error


def with_nonce(recording: Recording, nonce: str) -> str:
    """The reply's text with the present nonce in its sentinels."""
    return recording.text.replace(f"<<<BR-{recording.nonce} ", f"<<<BR-{nonce} ")


def joined(parts: Sequence[Recording]) -> Recording:
    """One recording from several whose members are apart: their files one after the other, one manifest of all."""
    nonce = parts[0].nonce
    manifest = re.compile(
        rf"^<<<BR-{re.escape(nonce)} MANIFEST count=\d+>>>$\n(.*?)^<<<BR-{re.escape(nonce)} DONE>>>$", re.M | re.S
    )
    texts = [with_nonce(part, nonce).replace("\r\n", "\n") for part in parts]
    paths = [path for text in texts for match in manifest.finditer(text) for path in match[1].split("\n") if path]
    bodies = [manifest.sub("", text).rstrip("\n") for text in texts]
    listed = "".join(f"{path}\n" for path in paths)
    end = f"<<<BR-{nonce} MANIFEST count={len(paths)}>>>\n{listed}<<<BR-{nonce} DONE>>>\n"
    models = dict.fromkeys(part.model for part in parts)
    notes = dict.fromkeys(part.note for part in parts if part.note)
    return Recording(
        tuple(member for part in parts for member in part.members),
        nonce,
        "\n".join([*bodies, end]),
        ", ".join(models),
        "; ".join(notes),
        sum((part.usage for part in parts), Usage()),
    )
