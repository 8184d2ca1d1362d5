"""The other faces: doit, kills, manual and recorded replies, init, the example, import cost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from model_server import ModelServer, declared, nonce, write_reply
from sandbox import FILES, Sandbox

from brengine import cli_project, datafiles
from brengine.durable import COUNT_TO, KILL_AT

TREE = {path: text.encode() for path, text in FILES.items()}


def with_dodo(box: Sandbox) -> Sandbox:
    box.write("dodo.py", cli_project.DODO)
    return box


def test_doit_and_br_share_one_state_and_give_one_result(box: Sandbox) -> None:
    with_dodo(box)
    built = box.doit("-n", "4")
    assert built.code == 0, built.out
    assert box.tree() == TREE and box.asked == 2 and "✓ Adding added" in built.out
    assert "up to date" in box.br("build").out
    again = box.doit()
    assert again.code == 0 and box.asked == 2
    assert all(line.startswith("--") for line in again.out.splitlines()), again.out
    (box.root / "calc/adding.py").unlink()
    assert box.br("build").code == 0 and box.doit().code == 0 and box.asked == 2


def test_doit_lists_real_tasks_with_targets_and_edges(box: Sandbox) -> None:
    with_dodo(box)
    listed = box.doit("list", "--all", "--quiet").out.split()
    assert {"feature:arithmetic", "task:arithmetic.add-adding", "verify:project"} <= set(listed)
    batch = "batch:arithmetic.add-adding+add-doubling"
    assert batch in listed and batch.replace("batch", "ask") in listed
    shown = box.doit("info", batch).out
    assert "calc/adding.py" in shown and "ask:arithmetic.add-adding+add-doubling" in shown
    assert box.doit("feature:arithmetic").code == 0
    assert sorted(box.tree()) == sorted(p for p in FILES if "rendering" not in p)


def test_doit_forget_leads_to_verification_never_to_an_ask(box: Sandbox) -> None:
    with_dodo(box)
    box.doit()
    assert box.doit("forget", "-a").code == 0
    assert "forgotten" in box.br("why", "adding").out
    again = box.doit()
    assert (again.code, box.asked) == (0, 2) and "(verified)" in again.out
    assert "forgotten" not in box.br("status").out


def test_doit_clean_obeys_br_clean(box: Sandbox) -> None:
    with_dodo(box)
    box.doit()
    box.write("calc/adding.py", "# mine\n")
    cleaned = box.doit("clean")
    assert "kept calc/adding.py (edited" in cleaned.out
    assert sorted(box.tree()) == ["calc/adding.py"]


def test_doit_fails_as_br_does(box: Sandbox, model: ModelServer) -> None:
    with_dodo(box)
    box.write("br.toml", "[build]\nattempts = 1\n")
    model.files["calc/adding.py"] = "def add(a: int, b: int) -> int:\n    return 0\n"
    failed = box.doit()
    assert failed.code == 1 and "✗ Add adding" in failed.out and box.tree() == {}
    box.write("PROJECT_SPEC.md", "")
    refused = box.doit("list")
    assert refused.code == 3 and "the specification is empty" in refused.out and "Traceback" not in refused.out


def test_promise_3_killed_anywhere_it_resumes_and_pays_nothing_twice(box: Sandbox, tmp_path: Path) -> None:
    """Kill -9 at numbered points of a build, resume, compare with an uninterrupted build."""
    log = tmp_path / "points"
    reference = Sandbox(tmp_path / "reference", box.model)
    assert reference.br("build", env={COUNT_TO: str(log)}).code == 0
    count = len(log.read_text().splitlines())
    assert count > 40
    for number in [*range(2, count, max(1, count // 8)), count]:
        shutil.rmtree(box.root)
        fresh = Sandbox(box.root, box.model)
        fresh.measured = False
        before = fresh.asked
        killed = fresh.br("build", env={KILL_AT: str(number)})
        assert killed.code == -9, (number, killed.out)
        resumed = fresh.br("build")
        assert resumed.code == 0, (number, resumed.out)
        assert fresh.tree() == reference.tree() == TREE, number
        repeats = fresh.asked - before - 2
        assert repeats <= 1, (number, "at most the ask in flight at the kill")
        assert repeats == 0 or "possibly paid, not received" in resumed.out, number
        assert "up to date" in fresh.br("build").out, number
        assert (fresh.root / "br.lock").read_text() == (reference.root / "br.lock").read_text(), number


def manual_reply(folder: Path) -> str:
    (prompt,) = [p for p in folder.glob("*.prompt.md") if not p.with_name(p.name.replace("prompt", "reply")).exists()]
    text = prompt.read_text()
    return write_reply({path: FILES[path] for path in declared(text)}, nonce(text))


def test_a_person_answers_a_task_by_hand_and_it_is_verified_alike(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "project")
    waiting = box.br("task", "execute", "--manual", "adding")
    assert waiting.code == 1 and "wait for a reply:\n    answer" in waiting.out and box.tree() == {}
    reply = tmp_path / "reply.md"
    reply.write_text(manual_reply(box.root / ".br/manual").replace("a + b", "a - b"))
    refused = box.br("task", "execute", "--manual", "adding", "--reply", str(reply))
    assert refused.code == 1 and "test_add" in refused.out and box.tree() == {}
    good = manual_reply(box.root / ".br/manual")
    accepted = box.br("task", "execute", "--manual", "adding", "--reply", "-", "--record", "rec", env={}, stdin=good)
    assert accepted.code == 0, accepted.out
    assert sorted(box.tree()) == sorted(p for p in FILES if "rendering" not in p), "the batch is one prompt"
    assert len(list((box.root / "rec").glob("*.a2.reply.md"))) == 1


def test_a_prompt_goes_to_a_clipboard_and_its_reply_comes_from_an_editor(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "project")
    shown = box.br("prompt", "show", "adding").out
    execute = ("task", "execute", "--manual", "adding", "--editor")
    nothing = box.br(*execute, env={"EDITOR": "true"})
    assert nothing.code == 3 and "the editor gave no reply" in nothing.out and box.tree() == {}
    good = tmp_path / "good.md"
    good.write_text(write_reply({path: FILES[path] for path in declared(shown)}, nonce(shown)))
    built = box.br(*execute, env={"EDITOR": f"cp {good}"})
    assert built.code == 0 and sorted(box.tree()) == sorted(path for path in FILES if "rendering" not in path), (
        built.out
    )


def test_recorded_replies_are_replayed_byte_for_byte_and_only_where_they_match(box: Sandbox, tmp_path: Path) -> None:
    box.br("build", "--record", "recordings")
    other = Sandbox(tmp_path / "other")
    shutil.copytree(box.root / "recordings", other.root / "recordings")
    replayed = other.br("build")
    assert replayed.code == 0, replayed.out
    assert (
        other.tree() == TREE and "Replaying recorded replies" in replayed.out and "0 sent, 2 replayed" in replayed.out
    )
    other.edit("PROJECT_SPEC.md", "Doubling a number", "Doubling any number")
    unknown = other.br("build")
    assert unknown.code == 2 and "no recording for this change: arithmetic.add-doubling" in unknown.out
    assert "ANTHROPIC_API_KEY" in unknown.out and other.tree() == TREE


def test_init_writes_a_project_that_plans_and_keeps_what_is_there(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "unused")
    assert box.br("init", "shop").code == 0
    made = Sandbox.__new__(Sandbox)
    made.root, made.model = box.root / "shop", None
    assert made.br("spec", "check").code == 0
    assert "Extracted 2 features: Parse, Render" in made.br("spec", "analyze").out
    assert made.doit("list").code == 0
    made.write("br.toml", "# mine\n")
    assert "kept  br.toml" in made.br("init").out and made.read("br.toml") == "# mine\n"
    assert made.br("init", "--name", 'a"b').code == 3


def test_the_example_builds_from_recordings_and_a_stranger_can_run_its_tests(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "here")
    box.measured = False
    built = box.br("demo", "demo", "-j", "2")
    assert built.code == 0, built.out
    for text in (
        "Extracted 1 feature: User Authentication",
        "Batch 1: Database layer (2 tasks)",
        "✓ User model created",
        "Create auth middleware: attempt 1 of 3 was not accepted",
        "Replaying recorded replies",
        "tasks       12 of 12 done",
        "completion  100 % (4 of 4 requirements verified)",
        "What to try next",
    ):
        assert text in built.out, text
    assert "nothing asked, nothing run" in box.br("demo", "demo").out
    demo = Sandbox.__new__(Sandbox)
    demo.measured = False
    demo.root, demo.model = box.root / "demo", None
    pytest_command = [str(Path(sys.executable).with_name("pytest")), "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(pytest_command, cwd=demo.root, capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "passed" in ran.stdout
    demo.edit("PROJECT_SPEC.md", f"- {cli_project.DEMO_EDIT[0]}\n", f"- {cli_project.DEMO_EDIT[1]}\n")
    assert "+Password reset, with links that expire after 15 minutes" in demo.br("why", "password-reset").out
    edited = demo.br("build")
    assert edited.code == 0 and "3 built, 2 verified" in edited.out, edited.out
    assert "RESET_TTL: int = 900" in demo.read("userauth/reset.py")


def test_the_example_gives_the_twelve_tasks_of_its_rules() -> None:
    folder = datafiles.folder("examples/auth")
    command = [sys.executable, "-m", "brengine", "-C", str(folder), "spec", "analyze"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Extracted 1 feature: User Authentication" in shown
    tasks = [line.split(". ", 1)[1] for line in shown.splitlines() if ". " in line]
    assert tasks == [
        "Create User model (90 min)",
        "Add password hashing (60 min)",
        "Create auth endpoints (90 min)",
        "Add JWT generation (60 min)",
        "Implement social login (120 min)",
        "Add password reset (90 min)",
        "Implement 2FA (120 min)",
        "Create auth middleware (60 min)",
        "Write unit tests (90 min)",
        "Write integration tests (90 min)",
        "Update documentation (60 min)",
        "Add examples (60 min)",
    ]


HEAVY = ("anthropic", "networkx", "jinja2")


@pytest.mark.parametrize("command", [("--help",), ("build",), ("status",)])
def test_help_and_a_build_with_nothing_to_do_import_nothing_heavy(box: Sandbox, command: tuple[str, ...]) -> None:
    box.br("build")
    (box.root / ".br/plan.json").write_text("of an older engine")
    assert "up to date" in box.br("build").out, "a build that finds nothing to do keeps its plan all the same"
    script = (
        "import sys\nfrom brengine.cli import main\n"
        "try:\n    main()\nfinally:\n    print('LOADED', [m for m in sys.modules if m in "
        f"{(*HEAVY, 'doit', 'markdown_it')!r}])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=box.root,
        env=box.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    loaded = ended.stdout.split("LOADED")[1]
    assert not any(name in loaded for name in HEAVY), loaded
    assert command == ("status",) or "doit" not in loaded
