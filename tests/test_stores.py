"""Durable writes, the content-addressed store and the action cache."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brengine import digest, durable
from brengine.blobs import Action, Actions, Blobs


def test_a_blob_is_found_by_its_digest_and_damage_is_absence(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    name = blobs.put(b"paid for")
    assert blobs.get(name) == b"paid for" and blobs.has(name) and blobs.put(b"paid for") == name
    path = tmp_path / name[:2] / name
    path.write_bytes(b"paid for?")
    assert blobs.get(name) is None
    assert blobs.put(b"paid for") == name and blobs.get(name) == b"paid for", "a damaged blob is written again"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 65])
def test_a_name_that_is_no_digest_is_absent(tmp_path: Path, name: str) -> None:
    assert Blobs(tmp_path).get(name) is None and not Blobs(tmp_path).has(name)


def test_actions_come_back_and_planted_ones_do_not(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    made = Action({"pkg/a.py": "a" * 64}, 2, "model")
    actions.put("k", made)
    assert actions.get("k") == made and actions.get("other") is None
    bad = [b"", b"[]", b"{}", b'{"version":2,"outputs":{},"attempt":1,"model":""}']
    bad += [b'{"version":1,"outputs":{"a":"../x"},"attempt":1,"model":""}', b'{"version":1,"outputs":[1],"attempt":1}']
    for content in bad:
        (tmp_path / "k.json").write_bytes(content)
        assert actions.get("k") is None


def test_an_interrupted_write_leaves_the_old_content_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    durable.write(path, b"old")
    script = f"from pathlib import Path; from brengine import durable; durable.write(Path({str(path)!r}), b'new')"
    env = {**os.environ, durable.KILL_AT: "1"}
    ended = subprocess.run([sys.executable, "-c", script], env=env, check=False)
    assert ended.returncode == -signal.SIGKILL and path.read_bytes() == b"old"
    env = {**os.environ, durable.COUNT_TO: str(tmp_path / "points")}
    subprocess.run([sys.executable, "-c", script], env=env, check=True)
    assert path.read_bytes() == b"new"
    assert (tmp_path / "points").read_text().split() == ["written", "file", "renamed", "file"]


def test_a_failed_write_removes_its_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        durable.write(tmp_path / "folder", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_canonical_json_and_tags_keep_values_apart() -> None:
    assert digest.canonical({"b": 1, "a": [None, "é"]}) == '{"a":[null,"é"],"b":1}'
    assert digest.of_value("x", [1]) != digest.of_value("y", [1])
    assert len(digest.short("x", 1)) == digest.SHORT
    assert digest.of_text("\ud800") != digest.of_text("?")
    with pytest.raises(ValueError):
        digest.canonical(float("nan"))
