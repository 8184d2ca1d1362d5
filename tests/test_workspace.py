"""The only door to the user's tree: beneath its root, through no link, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from builders import record, task

from brengine import digest
from brengine.blobs import Actions, Blobs
from brengine.errors import EngineError
from brengine.ledger import Ledger
from brengine.promotion import Accepted, Promoter
from brengine.workspace import Workspace, stage, unstage


def test_files_are_written_read_digested_and_removed(tmp_path: Path) -> None:
    space = Workspace(tmp_path)
    space.write("a/b/c.txt", b"x")
    assert space.read("a/b/c.txt") == b"x" and space.digest("a/b/c.txt") == digest.of_bytes(b"x")
    space.write("a/b/c.txt", b"y")
    assert space.read("a/b/c.txt") == b"y" and [p.name for p in (tmp_path / "a/b").iterdir()] == ["c.txt"]
    space.remove("a/b/c.txt")
    assert not (tmp_path / "a").exists() and space.digest("a/b/c.txt") == "" and space.read("q/r") is None
    space.remove("a/b/c.txt")


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", ".git/config", ".br/journal.jsonl", ""])
def test_promise_7_no_path_leads_out(tmp_path: Path, path: str) -> None:
    for act in (lambda: Workspace(tmp_path).write(path, b"x"), lambda: Workspace(tmp_path).read(path)):
        with pytest.raises(EngineError, match="refused path"):
            act()
    with pytest.raises(EngineError, match="refused path"):
        stage(tmp_path / "s", {path: b"x"})


def test_promise_7_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_text("theirs")
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "f")
    os.link(outside / "f", root / "hard")
    space = Workspace(root)
    assert space.read("folder/f") is None and space.read("file") is None
    with pytest.raises(EngineError, match="a link or no folder"):
        space.write("folder/f", b"x")
    space.write("file", b"mine")
    space.write("hard", b"mine")
    assert (outside / "f").read_text() == "theirs" and not (root / "file").is_symlink()


def test_folders_and_pipes_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("x")
    space = Workspace(tmp_path)
    assert space.read("folder") is None and space.read("pipe") is None and space.read("file/below") is None
    with pytest.raises(EngineError, match="cannot write folder"):
        space.write("folder", b"x")
    with pytest.raises(EngineError, match="cannot reach"):
        space.write("file/below", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder", "pipe"]


def test_staging_is_made_afresh(tmp_path: Path) -> None:
    root = stage(tmp_path / "s", {"a/b": b"1", "c": b"2"})
    stage(root, {"c": b"3"})
    assert [p.name for p in root.iterdir()] == ["c"]
    unstage(root)
    assert not root.exists()


def made(tmp_path: Path) -> tuple[Promoter, Workspace, Ledger]:
    space = Workspace(tmp_path)
    ledger = Ledger(tmp_path / ".br/journal.jsonl", tmp_path / "br.lock")
    blobs, actions = Blobs(tmp_path / ".br/blobs"), Actions(tmp_path / ".br/actions")
    return Promoter(space, ledger, blobs, actions, tmp_path / ".br/clashes"), space, ledger


def accepted(**files: bytes) -> Accepted:
    paths = {f"pkg/{name}.py": content for name, content in files.items()}
    outputs = {path: digest.of_bytes(content) for path, content in paths.items()}
    return Accepted(record(task("a"), {"kind": "1"}, {}, outputs), paths, dict.fromkeys(paths, ""))


def test_a_promotion_that_was_interrupted_is_finished(tmp_path: Path) -> None:
    promoter, space, ledger = made(tmp_path)
    promoter.promote("f.a", [accepted(x=b"1", y=b"2")])
    journal = tmp_path / ".br/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    space.remove("pkg/y.py")
    again, space, ledger = made(tmp_path)
    assert ledger.state.records == {} and list(ledger.state.promotions) == ["f.a"]
    assert again.recover() == ("finished the promotion of f.a that was interrupted",)
    assert space.read("pkg/y.py") == b"2" and "f.a" in ledger.state.records


def test_promise_4_rolling_forward_never_overwrites_what_a_person_wrote(tmp_path: Path) -> None:
    promoter, space, ledger = made(tmp_path)
    promoter.promote("f.a", [accepted(x=b"1")])
    journal = tmp_path / ".br/journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    (tmp_path / "pkg/x.py").write_bytes(b"a person's")
    again, space, ledger = made(tmp_path)
    assert again.recover()[0] == "pkg/x.py was changed meanwhile: kept as it is"
    assert space.read("pkg/x.py") == b"a person's" and ledger.state.records == {}


def test_a_clash_is_seen_and_the_new_version_is_kept_aside(tmp_path: Path) -> None:
    promoter, space, _ = made(tmp_path)
    item = accepted(x=b"1")
    assert promoter.clashes(item) == ()
    space.write("pkg/x.py", b"a person's")
    assert promoter.clashes(item) == ("pkg/x.py",)
    folder = promoter.keep_aside(item)
    assert (Path(folder) / "pkg/x.py").read_bytes() == b"1"
    space.write("pkg/x.py", b"1")
    assert promoter.clashes(item) == ()
