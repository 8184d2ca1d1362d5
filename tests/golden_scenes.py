"""The scenes of the golden files: what is done to a project, and which commands are shown, in order."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from model_server import declared, nonce, write_reply
from sandbox import FILES, SPEC, Sandbox

Act = Callable[[Sandbox], object]


@dataclass(frozen=True)
class Scene:
    """Commands whose output is one golden file: `tests/golden/<name>.txt`."""

    name: str
    commands: tuple[str, ...]
    stdin: str = ""
    env: dict[str, str] = field(default_factory=dict)

    def played(self, box: Sandbox) -> str:
        """Each command, what it printed, and its exit code where that is not 0."""
        parts = []
        for command in self.commands:
            ran = box.br(*shlex.split(command), stdin=self.stdin, env={"COLUMNS": "80", **self.env})
            out = ran.out if not ran.out or ran.out.endswith("\n") else f"{ran.out}⏎\n"
            parts.append(f"$ br {command}\n{out}" + (f"[exit code {ran.code}]\n" if ran.code else ""))
        return "\n".join(parts)


def scene(name: str, *commands: str, stdin: str = "", **env: str) -> Scene:
    """A scene of the commands given, or of the one that is its name."""
    return Scene(name, commands or (name.replace("-", " "),), stdin, env)


def write(path: str, text: str) -> Act:
    """A file is written."""
    return lambda box: box.write(path, text)


def edit(path: str, old: str, new: str) -> Act:
    """A text is replaced."""
    return lambda box: box.edit(path, old, new)


def quietly(command: str) -> Act:
    """A command whose output another scene shows."""
    return lambda box: box.br(*shlex.split(command))


def answers(path: str = "", old: str = "", new: str = "") -> Act:
    """From here on the model answers with the right files, with one text of one replaced."""

    def act(box: Sandbox) -> None:
        assert box.model is not None and old in FILES.get(path, "")
        box.model.files = dict(FILES)
        if path:
            box.model.files[path] = FILES[path].replace(old, new)

    return act


def faults(*found: str) -> Act:
    """What the next requests meet."""

    def act(box: Sandbox) -> None:
        assert box.model is not None
        box.model.faults = list(found)

    return act


def mended(path: str, old: str, new: str) -> Act:
    """The model answers with a wrong text first, and rightly when it is asked for a repair."""

    def act(box: Sandbox) -> None:
        assert box.model is not None
        wrong = {**FILES, path: FILES[path].replace(old, new)}

        def answer(prompt: str, server: object) -> str:
            table = FILES if "did not pass" in prompt else wrong
            return write_reply({name: table[name] for name in declared(prompt)}, nonce(prompt))

        box.model.answer = answer

    return act


def by_hand(box: Sandbox) -> None:
    """A person answers the first prompt that waits."""
    prompt = sorted((box.root / ".br/manual").glob("*.prompt.md"))[0]
    text = prompt.read_text(encoding="utf-8")
    reply = write_reply({path: FILES[path] for path in declared(text)}, nonce(text))
    prompt.with_name(prompt.name.replace(".prompt.", ".reply.")).write_text(reply, encoding="utf-8")


def all_files(box: Sandbox) -> None:
    """A person writes every file."""
    for path, text in FILES.items():
        box.write(path, text)


UNSURE = """\
# Shop

## Development Phases

### Phase 1: Catalogue
- Search by name

### Phase 2: Basket
- Add and remove goods
"""
WRONG = ("calc/adding.py", "a + b", "a - b")

STORIES: dict[str, tuple[Scene | Act, ...]] = {
    "a project": (
        # before anything is built
        scene("unbuilt-plan", "plan"),
        scene("unbuilt-plan-jobs", "plan -j 4"),
        scene("unbuilt-plan-json", "plan --format json"),
        scene("unbuilt-plan-questions", "plan --check", "plan --rulings", "plan --batches", "plan --ledger"),
        scene("unbuilt-build-dry", "build -n", "build -n reports"),
        scene("unbuilt-status", "status"),
        scene("unbuilt-why", "why arithmetic"),
        scene("unbuilt-task-list", "task list", "task list --sort name", "task list --feature reports"),
        scene("unbuilt-task-show", "task show doubling"),
        scene("unbuilt-prompt-show", "prompt show doubling"),
        scene("unbuilt-prompt-show-alone", "prompt show doubling --alone"),
        scene("unbuilt-log", "log", "log --stats"),
        scene("spec-check", "spec check", "spec check --coverage"),
        scene("spec-check-json", "spec check --format json"),
        scene("spec-analyze", "spec analyze", "spec analyze --explain --matrix"),
        *(scene(f"graph-{form}", f"graph --format {form}") for form in ("dot", "mermaid", "json")),
        scene("graph-tree", *(f"graph --by {by}" for by in ("task", "batch", "feature"))),
        # built
        scene("build"),
        scene("build-again", "build", "build -q", "build arith"),
        scene("built-plan", "plan", "build -n"),
        scene("built-status", "status"),
        scene("built-why", "why calc/doubling.py"),
        scene("built-task-show", "task show doubling", "task show adding --attempt 1"),
        scene("built-prompt-show", "prompt show rendering"),
        scene("built-graph", "graph", "graph reports"),
        scene("clean-dry", "clean -n", "clean -n --outputs", "clean -n --state", "clean -n --orphans"),
        # the specification is edited
        edit("PROJECT_SPEC.md", "Doubling a number", "Doubling any number"),
        scene("edited-why", "why doubling", "why reports"),
        scene("edited-plan", "plan"),
        scene("edited-status", "status"),
        scene("edited-build", "build"),
        edit("PROJECT_SPEC.md", "  - Rendering a sum as text\n", "  - Writing a sum down\n"),
        scene("left-the-plan", "status", "clean -n --orphans"),
        write("PROJECT_SPEC.md", SPEC),
        scene("log", "log", "log --stats", "log -n 1 --json"),
        edit("calc/adding.py", "a + b", "b + a"),
        scene("touched", "why adding", "status", "build"),
    ),
    "red": (
        mended(*WRONG),
        scene("repaired-build", "build arithmetic"),
        answers("calc/rendering.py", "} = {", "} is {"),
        lambda box: setattr(box.model, "answer", None),
        scene("red-build", "build"),
        scene("red-status", "status"),
        scene("red-why", "why reports"),
        scene("red-task-show", "task show rendering", "task show rendering --attempt 3"),
        scene("red-task-show-no-attempt", "task show rendering --attempt 7"),
        scene("red-plan", "plan"),
        scene("red-log", "log", "log --stats"),
        answers(),
        scene("retry", "retry rendering"),
    ),
    "skipped": (
        write("br.toml", "[build]\nattempts = 1\n"),
        answers(*WRONG),
        scene("skipped-build", "build -k"),
        scene("skipped-quiet", "build -q"),
        scene("skipped-status", "status"),
        scene("skipped-task-list", "task list"),
    ),
    "budget": (
        scene("budget-build", "build --max-asks 1"),
        scene("budget-status", "status"),
        faults("529", "429"),
        scene("limited-build", "build"),
    ),
    "events": (
        scene("events", "build --json"),
        scene("events-again", "build --json"),
        scene("events-status", "status --json"),
    ),
    "manual": (
        scene("manual-build", "build --backend manual"),
        scene("manual-status", "status"),
        by_hand,
        scene("manual-build-answered", "build --backend manual"),
        scene("task-execute", "task execute rendering --manual"),
        scene("task-execute-bad", "task execute rendering --manual --reply -", stdin="I cannot do that.\n"),
    ),
    "adopted": (
        scene("adopt-nothing", "adopt adding"),
        all_files,
        scene("adopt", "adopt arithmetic reports"),
        scene("adopt-status", "status", "task list"),
    ),
    "interactive": (
        scene("interactive", "run --interactive", stdin="s\na\nl\n"),
        scene("interactive-quit", "run --interactive", stdin="q\n"),
    ),
    "starting": (
        scene(
            "init",
            "init shop --template cli --feature 'Search: by name; by price' --criterion 'Nothing is found twice' --yes",
            "-C shop plan",
            "init shop --template cli --yes",
        ),
        scene("init-default", "init plain"),
        scene("completion-bash"),
        scene("version", "--version"),
    ),
    "mistakes": (
        scene("unknown-command", "biuld", "build --jbos 2", "build -j 0", "why", "task"),
        scene("unknown-target", "build addding", "why nothing-like-that"),
        scene("ambiguous-target", "why add", "task show arithmetic"),
        scene("no-specification", "build --spec missing.md", "-C nowhere build"),
        scene("no-answer-kept", "task show adding --attempt 2"),
        scene("clean-what", "clean"),
        scene("no-key", "build -y", ANTHROPIC_API_KEY="", ANTHROPIC_BASE_URL=""),
        scene("first-paid-run", "build", ANTHROPIC_BASE_URL=""),
        write("br.toml", "[build]\nmodell = 1\n\n[gates]\ncoverage = 'high'\n"),
        scene("bad-settings", "build"),
        write("br.toml", "[build\n"),
        scene("bad-toml", "build"),
        write("br.toml", "[build]\nmodel = 'claude-sonnet-5-5'\n"),
        edit("rules/calc.yaml", "kind: code, layer: core", "knd: code, layer: core"),
        scene("bad-rules", "build"),
        lambda box: (box.root / "rules/calc.yaml").unlink(),
        edit("PROJECT_SPEC.md", "needs=arithmetic", "needs=arithmetics"),
        scene("bad-specification", "build", "spec check"),
        write("PROJECT_SPEC.md", UNSURE),
        scene(
            "unsure-specification",
            "plan",
            "spec check",
            "plan --accept-reading",
            ANTHROPIC_API_KEY="",
            ANTHROPIC_BASE_URL="",
        ),
        write("PROJECT_SPEC.md", "# Notes\n\nSome prose about a calculator.\n\n- one\n- two\n"),
        scene("nothing-to-build", "build", "spec check"),
        write("PROJECT_SPEC.md", ""),
        scene("empty-specification", "build", "spec check"),
    ),
}
