"""The wire format of replies: whole files or edits between sentinel lines, and a closing manifest. All of it untrusted.

    <<<BR-N FILE path="pkg/a.py">>>  …content…  <<<BR-N END>>>
    <<<BR-N EDIT path="pkg/b.py">>>
    <<<BR-N SEARCH>>>  …old lines…  <<<BR-N REPLACE>>>  …new lines…     (one or more pairs)
    <<<BR-N END>>>
    <<<BR-N VOID path="pkg/c.py">>>  …why a file is not given…  <<<BR-N END>>>
    <<<BR-N MANIFEST count=2>>>  one path per line  <<<BR-N DONE>>>

Each sentinel is a line of its own; N is the prompt's nonce. Text outside is notes. VOID is what a backend that collects
files says of one that it does not take: it is a finding, and the manifest leaves it out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from brengine.verdict import Finding

MAX_REPLY = 8 * 1024 * 1024
MAX_FILE = 1024 * 1024
MAX_FILES = 200
MAX_LEVELS = 10
ACCEPTED_STOPS = ("end_turn", "stop_sequence")
CUT_STOPS = ("max_tokens", "model_context_window_exceeded")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}
_PRIVATE = {".git", ".br", ".hg", ".svn"}
_LEAKS = ("</content>", "</parameter>", "</invoke>")


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a reply: its whole content, or (search, replace) edits of what is there."""

    path: str
    content: str | None
    edits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """What a reply holds. With any finding it is not to be accepted as it stands."""

    files: tuple[FileChange, ...]
    notes: str
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Scan:
    """The state of the line scanner."""

    files: list[FileChange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    void: set[str] = field(default_factory=set)
    """Paths that are not given, with a finding each."""
    manifest: list[str] | None = None
    count: int = 0
    done: bool = False

    cut: bool = False
    """True where the answer came to its longest."""

    def complain(self, message: str, path: str = "", hint: str = "", by_cut: bool = False) -> None:
        """Something is wrong; `by_cut`: as it is where an answer ends too soon."""
        self.findings.append(Finding("cut" if by_cut and self.cut else "reply", message, path, hint=hint))


def parse(
    text: str,
    nonce: str,
    declared: frozenset[str],
    *,
    stop: str = "end_turn",
    allowed_missing: frozenset[str] = frozenset(),
) -> ParsedReply:
    """Take a reply apart. Never raises for what it contains; everything wrong is a finding.

    Its check is `reply`; `cut` where the answer came to its longest; `refusal` where there is none.
    """
    scan = _Scan(cut=stop in CUT_STOPS)
    if stop == "refusal":
        return ParsedReply((), text[:MAX_REPLY], (Finding("refusal", "the model refused to answer"),))
    if stop not in ACCEPTED_STOPS:
        hint = "write less, or finish what was cut"
        scan.complain(f"the reply ended with {stop!r}, not of itself", hint=hint, by_cut=True)
    if len(text) > MAX_REPLY:
        scan.complain(f"the reply is larger than {MAX_REPLY:,} characters")
        return ParsedReply((), "", tuple(scan.findings))
    _scan(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), re.escape(nonce), scan)
    _check_manifest(scan)
    _check_files(scan, declared, allowed_missing)
    good = tuple(change for change in scan.files if change.path in declared)
    return ParsedReply(good, "\n".join(scan.notes).strip(), tuple(scan.findings))


def _scan(lines: Sequence[str], nonce: str, scan: _Scan) -> None:
    sentinel = re.compile(
        rf'<<<BR-{nonce} (FILE|EDIT|VOID|SEARCH|REPLACE|END|MANIFEST|DONE)(?: (path="([^"]*)"|count=(\d{{1,6}})))?>>>'
    )
    block: tuple[str, str, list[str]] | None = None
    for line in lines:
        match = sentinel.fullmatch(line.rstrip())
        if match is None:
            (block[2] if block else scan.notes).append(line)
            continue
        block = _sentinel(match, line, block, scan)
    if block:
        said = f"the block of {block[1] or 'the manifest'} is not closed: the reply is cut"
        scan.complain(said, block[1], by_cut=True)


def _sentinel(
    match: re.Match[str], line: str, block: tuple[str, str, list[str]] | None, scan: _Scan
) -> tuple[str, str, list[str]] | None:
    word, path = match[1], match[3] or ""
    if word in ("FILE", "EDIT", "VOID", "MANIFEST"):
        if block:
            scan.complain(f"a block begins inside that of {block[1] or 'the manifest'}", block[1])
        if scan.done or scan.manifest is not None:
            scan.complain("something follows the manifest", path)
        if word == "MANIFEST":
            scan.count = int(match[4] or -1)
        return (word, path, [])
    if word in ("SEARCH", "REPLACE") and block and block[0] == "EDIT":
        block[2].append(f"\0{word}")
        return block
    if word == "END" and block and block[0] != "MANIFEST":
        _close(block, scan)
        return None
    if word == "DONE" and block and block[0] == "MANIFEST":
        scan.manifest = [entry.strip() for entry in block[2] if entry.strip()]
        scan.done = True
        return None
    scan.complain(f"a sentinel stands where none belongs: {line.strip()}")
    return block


def _close(block: tuple[str, str, list[str]], scan: _Scan) -> None:
    kind, path, lines = block
    if kind == "VOID":
        shown = path if path.isascii() and path.isprintable() else ascii(path)[1:-1]
        scan.complain(f"refused: {' '.join(lines).strip()[:200]}", shown, "write only the declared files")
        scan.void.add(path)
        return
    if kind == "FILE":
        scan.files.append(FileChange(path, _content(path, lines)))
        return
    edits = _edits(lines)
    if edits is None:
        scan.complain("an edit is not made of SEARCH and REPLACE pairs", path)
    else:
        scan.files.append(FileChange(path, None, edits))


def _content(path: str, lines: list[str]) -> str:
    """The lines as a file: a fence around all of it is dropped (not in Markdown), exactly one newline ends it."""
    body = list(lines)
    while body and not body[-1].strip():
        body.pop()
    fenced = len(body) > 1 and body[0].startswith("```") and body[-1].strip() == "```"
    if fenced and not path.endswith((".md", ".markdown")):
        body = body[1:-1]
    return "\n".join(body) + "\n" if body else ""


def _edits(lines: list[str]) -> tuple[tuple[str, str], ...] | None:
    chunks: list[tuple[str, list[str]]] = []
    for line in lines:
        if line in ("\0SEARCH", "\0REPLACE"):
            chunks.append((line[1:], []))
        elif chunks:
            chunks[-1][1].append(line)
        elif line.strip():
            return None
    words = [word for word, _ in chunks]
    if not chunks or words != ["SEARCH", "REPLACE"] * (len(chunks) // 2):
        return None
    texts = ["\n".join(body) for _, body in chunks]
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def _check_manifest(scan: _Scan) -> None:
    if scan.manifest is None:
        hint = "end with MANIFEST, the paths, DONE"
        scan.complain("the closing manifest is missing: the reply is cut", hint=hint, by_cut=True)
        return
    paths = [change.path for change in scan.files]
    if sorted(scan.manifest) != sorted(paths) or scan.count != len(paths):
        scan.complain(
            f"the manifest names {scan.count} files ({', '.join(scan.manifest)}), the reply holds {len(paths)}"
        )


def _check_files(scan: _Scan, declared: frozenset[str], allowed_missing: frozenset[str]) -> None:
    if len(scan.files) > MAX_FILES:
        scan.complain(f"the reply holds more than {MAX_FILES} files")
    seen: set[str] = set()
    for change in scan.files:
        problem = path_problem(change.path) or ("" if change.path in declared else "it is not declared for this ask")
        if problem:
            scan.complain(f"refused: {problem}", ascii(change.path)[1:-1], "write only the declared files")
        elif change.path in seen:
            scan.complain("the file is given twice", change.path)
        seen.add(change.path)
        trouble = _content_problem(change)
        if trouble:
            scan.complain(trouble, change.path)
    for path in sorted(declared - seen - scan.void - allowed_missing):
        hint = "give every declared file whole"
        scan.complain("the declared file is missing from the reply", path, hint, by_cut=True)


def _content_problem(change: FileChange) -> str:
    texts = [change.content] if change.content is not None else [part for edit in change.edits for part in edit]
    for text in texts:
        if len(text) > MAX_FILE:
            return f"the file is larger than {MAX_FILE:,} characters"
        if "\0" in text:
            return "the file contains a NUL character"
        if any("\ud800" <= c <= "\udfff" for c in text):
            return "the file contains a lone surrogate"
        if text.rstrip().endswith(_LEAKS):
            return "the file ends with a tag that leaked from the reply's own format"
    return ""


def path_problem(path: str) -> str:
    """Why a path must not be written, or "" when it may: relative, beneath the root, plain on every platform."""
    if not path or path.startswith(("/", "~", "-")) or "\\" in path or ":" in path:
        return "a path must be relative, with / between folders and no ~, - or : trick"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in path):
        return "a path must not hold control or format characters"
    if unicodedata.normalize("NFKC", path) != path:
        return "a path must be in normal form"
    parts = path.split("/")
    if len(parts) > MAX_LEVELS or len(path.encode()) > 1024:
        return "the path is too long"
    return next((problem for part in parts if (problem := _part_problem(part))), "")


def _part_problem(part: str) -> str:
    folded = part.casefold()
    if part in ("", ".", ".."):
        return "a path must not leave its folder"
    if part != part.strip() or part.endswith(".") or part.startswith("-") or len(part.encode()) > 255:
        return "a name must not begin or end with a space, begin with -, end with a dot, or be too long"
    if folded in _PRIVATE or re.fullmatch(r"git(mod)?~\d+", folded):
        return f"{part} is private"
    if folded.split(".", 1)[0] in _RESERVED or any(c in part for c in '<>"|?*'):
        return f"{part} is no plain file name"
    return ""


def apply_edits(current: str, edits: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """(the new text, "") or ("", what is wrong): each search must match exactly once, in whole lines."""
    text = "\n" + current.rstrip("\n") + "\n"
    for search, replacement in edits:
        wanted = f"\n{search}\n"
        found = text.count(wanted)
        if not search.strip() or found != 1:
            first = search.strip().split("\n", 1)[0][:80]
            return "", f"the search text {first!r} occurs {found} times, not once"
        text = text.replace(wanted, f"\n{replacement}\n" if replacement else "\n", 1)
    return text[1:], ""


def neutral(text: str) -> str:
    """Text without a line that could be taken for a sentinel, for what is put into a reply as notes."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(f"| {line}" if line.lstrip().startswith("<<<BR-") else line for line in lines)


def format_reply(files: Mapping[str, str], nonce: str, notes: str = "", void: Mapping[str, str] | None = None) -> str:
    """A well-formed reply with whole files; `void`: paths that are not given, with why."""
    parts = [notes] if notes else []
    parts += [f'<<<BR-{nonce} FILE path="{path}">>>\n{text}<<<BR-{nonce} END>>>' for path, text in files.items()]
    told = (void or {}).items()
    parts += [f'<<<BR-{nonce} VOID path="{path}">>>\n{why}\n<<<BR-{nonce} END>>>' for path, why in told]
    listed = "".join(f"{path}\n" for path in files)
    parts.append(f"<<<BR-{nonce} MANIFEST count={len(files)}>>>\n{listed}<<<BR-{nonce} DONE>>>")
    return "\n".join(parts) + "\n"
