"""`br doctor`: what it looks at, what it never shows, and when it says that a build cannot do its work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from brengine import cli_doctor, fence
from brengine.commands import Door
from brengine.places import Places
from brengine.verdict import Fence

BEST = Door().fence


def doctor(root: Path, *arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(cli_doctor.doctor, arguments, obj=Places(root, root), standalone_mode=False)
    assert found.exception is None, found.output
    return found.return_value, found.output


def test_everything_is_tried_and_no_key_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-never-shown")
    code, out = doctor(tmp_path)
    assert code == 0 and "sk-never" not in out and "ANTHROPIC_API_KEY set" in out
    for name in ("fence", "fence network", "limits", "python", "pytest", "coverage", "git", "disk", "lock", "staging"):
        assert f" {name} " in out, name
    assert BEST.name in out and out.rstrip().endswith("Nothing is in the way of a build.")


def test_for_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    code, out = doctor(tmp_path, "--json")
    told = json.loads(out)
    states = {row["name"]: row["state"] for row in told["rows"]}
    assert code == 0 and told["ok"] and states["python"] == "ok"
    assert states["fence network"] == ("ok" if BEST.network else "gap")


def test_a_property_that_does_not_hold_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tried(kind: str, *others: object) -> Fence | str:
        found = Fence(kind, False, True, True, True, ("a note",))
        return found if kind == "landlock" else "it is not there"

    monkeypatch.setattr(fence, "tried", tried)
    code, out = doctor(tmp_path)
    assert code == 0 and "- fence namespaces   it is not there" in out
    assert "does not hold: nothing is reached" in out and "a note" in out
    (tmp_path / "br.toml").write_text('[gates]\nfence = "required"\n')
    code, out = doctor(tmp_path)
    assert code == 1 and "✗ fence network" in out and out.rstrip().endswith("in the way of a build.")


def test_off_is_said(tmp_path: Path) -> None:
    (tmp_path / "br.toml").write_text('[gates]\nfence = "off"\n[build]\nbackend = "manual"\n')
    code, out = doctor(tmp_path)
    assert code == 0 and "switched off in br.toml" in out and "does not hold: no file of yours is read" in out


def test_what_is_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "br.toml").write_text('[build]\nbackend = "anthropic"\n')
    code, out = doctor(tmp_path)
    assert code == 1 and "needs ANTHROPIC_API_KEY" in out
    (tmp_path / "br.toml").write_text("[build\n")
    (tmp_path / ".br").mkdir()
    (tmp_path / ".br/writer.lock").write_text("process 1, br build\n")
    monkeypatch.setattr(cli_doctor, "LITTLE_MB", 1 << 40)
    monkeypatch.setattr(cli_doctor, "TOOLS", ("no-such-tool",))
    monkeypatch.setattr(cli_doctor.shutil, "which", lambda name: None)
    code, out = doctor(tmp_path)
    assert code == 1 and "this is not TOML" in out and "a build is running: process 1" in out
    assert "✗ disk" in out and "✗ no-such-tool" in out and "- git" in out
