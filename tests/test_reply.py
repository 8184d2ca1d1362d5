"""The wire format: what is taken, and everything that is refused (promise 7: the model is untrusted)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brengine import reply

N = "0123456789ab"
FILES = {"pkg/a.py": "x = 1\n", "tests/test_a.py": "def test():\n    assert True\n"}
DECLARED = frozenset(FILES)


def parse(text: str, **more: object) -> reply.ParsedReply:
    return reply.parse(text, N, DECLARED, **more)  # type: ignore[arg-type]


def messages(parsed: reply.ParsedReply) -> str:
    return "\n".join(f"{f.path}: {f.message}" for f in parsed.findings)


def test_a_manifest_of_absurd_length_is_a_finding() -> None:
    assert parse(f"<<<BR-{N} MANIFEST count={'9' * 5000}>>>\npkg/a.py\n<<<BR-{N} DONE>>>\n").findings


def test_an_undeclared_file_in_a_cut_reply_is_refused_all_the_same() -> None:
    text = reply.format_reply({**FILES, "setup.py": "x = 1\n"}, N)
    parsed = parse(text[: text.index(f"<<<BR-{N} MANIFEST")], stop="max_tokens")
    assert {(finding.check, finding.path) for finding in parsed.findings} >= {("reply", "setup.py"), ("cut", "")}


def test_a_well_formed_reply_is_taken_whole() -> None:
    parsed = parse(reply.format_reply(FILES, N, "DECISIONS: none"))
    assert parsed.findings == () and parsed.notes == "DECISIONS: none"
    assert {change.path: change.content for change in parsed.files} == FILES


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_are_one(end: str) -> None:
    parsed = parse(reply.format_reply(FILES, N).replace("\n", end))
    assert {change.path: change.content for change in parsed.files} == FILES


BODY = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=80).filter(
    lambda text: not text.strip().startswith("```") and "</" not in text
)


@settings(max_examples=100)
@given(BODY, BODY)
def test_any_text_comes_through(first: str, second: str) -> None:
    files = {
        path: text.rstrip() + "\n" if text.strip() else "" for path, text in zip(FILES, (first, second), strict=True)
    }
    parsed = parse(reply.format_reply(files, N))
    assert parsed.findings == ()
    assert {change.path: change.content for change in parsed.files} == files


@given(st.integers(0, 12))
def test_a_reply_cut_at_any_line_is_never_accepted(lines: int) -> None:
    whole = reply.format_reply(FILES, N).splitlines()
    parsed = parse("\n".join(whole[: min(lines, len(whole) - 1)]))
    assert parsed.findings


def test_a_file_that_a_backend_does_not_take_is_a_finding() -> None:
    text = reply.format_reply({"pkg/a.py": FILES["pkg/a.py"]}, N, "", {"tests/test_a.py": "it is a link", "../x": "no"})
    parsed = parse(text)
    assert messages(parsed) == "tests/test_a.py: refused: it is a link\n../x: refused: no"
    assert [change.path for change in parsed.files] == ["pkg/a.py"]


def sentinel(word: str) -> str:
    return f"<<<BR-{N} {word}>>>"


FILE_A, EDIT_A = sentinel('FILE path="pkg/a.py"'), sentinel('EDIT path="pkg/a.py"')


GOOD = reply.format_reply(FILES, N)
CASES = {
    "no manifest": (GOOD[: GOOD.index(f"<<<BR-{N} MANIFEST")], "manifest is missing"),
    "wrong count": (GOOD.replace("count=2", "count=3"), "the manifest names 3 files"),
    "wrong path in manifest": (GOOD.replace("\npkg/a.py\n", "\npkg/b.py\n"), "the manifest names"),
    "unclosed": (f"{FILE_A}\nx", "is not closed"),
    "nested": (GOOD.replace("x = 1\n", f"{FILE_A}\n"), "begins inside"),
    "twice": (reply.format_reply(FILES, N).replace("tests/test_a.py", "pkg/a.py"), "given twice"),
    "undeclared": (reply.format_reply({**FILES, "pkg/b.py": "y\n"}, N), "not declared"),
    "missing": (reply.format_reply({"pkg/a.py": "x\n"}, N), "tests/test_a.py: the declared file is missing"),
    "after the manifest": (GOOD + f"{FILE_A}\n{sentinel('END')}\n", "follows the manifest"),
    "stray sentinel": (f"{sentinel('SEARCH')}\n{GOOD}", "where none belongs"),
    "nul": (GOOD.replace("x = 1", "x = '\0'"), "NUL"),
    "surrogate": (GOOD.replace("x = 1", "x = '\ud800'"), "surrogate"),
    "leak": (GOOD.replace("x = 1\n", "x = 1\n</content>\n"), "leaked"),
    "other nonce": (reply.format_reply(FILES, "ffffffffffff"), "missing"),
    "prose": ("I cannot do that.", "manifest is missing"),
    "large file": (GOOD.replace("x = 1", "x" * (reply.MAX_FILE + 1)), "larger than"),
    "large reply": ("x" * (reply.MAX_REPLY + 1), "larger than"),
    "many files": (reply.format_reply({f"pkg/{n}.py": "" for n in range(201)}, N), "more than 200"),
    "edit without pairs": (
        GOOD.replace(FILE_A, EDIT_A),
        "not made of SEARCH and REPLACE",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_a_finding(name: str) -> None:
    text, message = CASES[name]
    assert message in messages(parse(text))


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "pause_turn", ""])
def test_a_reply_that_did_not_end_of_itself_is_not_accepted(stop: str) -> None:
    assert parse(GOOD, stop=stop).findings


def test_files_of_others_may_be_missing() -> None:
    text = reply.format_reply({"pkg/a.py": "x\n"}, N)
    assert parse(text, allowed_missing=frozenset(["tests/test_a.py"])).findings == ()


def test_a_fence_around_a_whole_file_is_dropped_but_not_in_markdown() -> None:
    files = {"pkg/a.py": "```python\nx = 1\n```\n", "docs/a.md": "```\ncode\n```\n"}
    parsed = reply.parse(reply.format_reply(files, N), N, frozenset(files))
    assert {c.path: c.content for c in parsed.files} == {"pkg/a.py": "x = 1\n", "docs/a.md": "```\ncode\n```\n"}


def test_edits_are_read_and_applied_where_they_match_once() -> None:
    text = "\n".join(
        [EDIT_A, sentinel("SEARCH"), "b = 2", sentinel("REPLACE"), "b = 3", "c = 4"]
        + [sentinel("END"), sentinel("MANIFEST count=1"), "pkg/a.py", sentinel("DONE")]
    )
    parsed = parse(text, allowed_missing=frozenset(["tests/test_a.py"]))
    assert parsed.findings == ()
    (change,) = parsed.files
    assert change.content is None
    assert reply.apply_edits("a = 1\nb = 2\n", change.edits) == ("a = 1\nb = 3\nc = 4\n", "")
    assert "occurs 2 times" in reply.apply_edits("b = 2\nx\nb = 2\n", change.edits)[1]
    assert "occurs 0 times" in reply.apply_edits("xb = 2\n", change.edits)[1]
    assert reply.apply_edits("a\nb\n", (("b", ""),)) == ("a\n", "")


BAD_PATHS = """
../x src/../../x ./x /etc/x //etc/x ~/x ~root/x C:\\x C:x \\\\host\\x ..\\x a\\b.py -rf a//b a/ .git/hooks/x .GIT/x
.git./x git~1/x GITMOD~1 .br/journal.jsonl nul.py con aux.txt com1 lpt9.log a.py:ads src/-x a?.py a*.py a|b a<b
""".split()
BAD_PATHS += ["", ".", "..", "a b /x", " a", "a ", "a.", "a\0b", "a\nb", "a\tb", "a\x1b[0m", "\u202egnp.py", "a\u200bb"]
BAD_PATHS += [
    "．．/x",
    "ｃon.py",
    "e\u0301.py",
    "\ud800.py",
    "x" * 256,
    "/".join("abcdefghijk"),
    "a/" + "x" * 1100,
    'a"b',
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_promise_7_bad_paths_are_refused(path: str) -> None:
    assert reply.path_problem(path)


@pytest.mark.parametrize("path", ["a.py", "pkg/a.py", "docs/日本語.md", "é.py", ".gitignore", "a-b/c_d.txt", "a b.txt"])
def test_plain_paths_are_taken(path: str) -> None:
    assert reply.path_problem(path) == ""
