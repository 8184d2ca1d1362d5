"""What a plan is judged by beyond its form: lines, literals, stated names, seams, room in the prompt. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from brengine import assembling, graph, interface
from brengine.domain import PROJECT, Contract, Ruling, Spec, Surface, Task
from brengine.errors import Diagnostic, Severity, nearest
from brengine.plans import anchors, literals
from brengine.plans.assembly import Assembled, owners, regions, used_in_contracts
from brengine.plans.surface import Stated, stated
from brengine.reading.markdown import Fence, fences
from brengine.room import Room
from brengine.source import Source, Span
from brengine.verdict import Gates

MOST = 12
"""Findings of one kind that are listed; the rest is counted."""
_OWNED = ("requirement", "criterion", "description")
_PROTECTED = ("acceptance/", "plan/", "rules/", "prompts/", "recordings/")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is judged against."""

    spec: Spec
    source: Source
    given: tuple[Surface, ...] = ()
    """The surface that tests, examples and the specification rely on."""
    present: tuple[str, ...] = ()
    """Files of the workspace that are there already and belong to nobody's task."""
    limit: int = 4000
    """Tokens that the context of a prompt may take."""
    gates: Gates = Gates()  # noqa: RUF009 - frozen


def findings(plan: Assembled, ground: Ground) -> tuple[Diagnostic, ...]:
    """Everything that a good architect would not sign. Errors must go; warnings are told."""
    judges = (
        _forbidden,
        _contracts,
        _stated,
        _surface,
        _circles,
        _regions,
        _rulings,
        _tests,
        _packaging,
        _room,
    )
    found = [finding for judge in judges for finding in _few(judge(plan, ground))]
    blind = [*_few(_blind(plan, ground)), *_few(_apart(plan, ground))]
    return (*found, *blind, *_lines(plan, ground), *_few(_literals(plan, ground)))


def _few(rows: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    listed = list(rows)
    yield from listed[:MOST]
    if len(listed) > MOST:
        last = listed[MOST]
        yield Diagnostic(last.rule, last.severity, f"and {len(listed) - MOST} more like these", last.path, last.span)


def _at(
    plan: Assembled, task: Task, rule: str, message: str, hint: str = "", severity: Severity = "error"
) -> Diagnostic:
    path, span = plan.places.get(task.id, (task.rule, Span(1)))
    return Diagnostic(rule, severity, message, path, span, hint)


# --- against the specification ------------------------------------------------------------------------------------


def _forbidden(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """Nothing that the specification puts out of scope, for later or as done; no file that is not a task's to write."""
    out = {line: ignored.why for ignored in ground.spec.reading.ignored for line in ignored.span.lines}
    for task in plan.tasks:
        lines = [
            n for cover in task.covers for n in cover.span.lines if n in out and ground.source.lines[n - 1].strip()
        ]
        if lines:
            message = f"{task.id} covers {anchors.ranges(lines)}, which is not to be built: {out[lines[0]]}"
            yield _at(plan, task, "forbidden", message, "take these lines out, or make them a ruling")
        for path in task.files:
            if path.startswith(_PROTECTED) or path in (ground.spec.path, "br.toml", "br.lock", "dodo.py"):
                yield _at(plan, task, "forbidden", f"{task.id} writes {path}, which is not a task's to write")
            elif path in ground.present and not path.endswith("__init__.py"):
                message = f"{task.id} writes {path}, which is there already and not of the engine's making"
                yield _at(plan, task, "occupied", message, "use another path where it is to be kept", "warning")


def _lines(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """Lines of features, and of sections that bind, that neither a task nor a ruling answers for."""
    left = uncovered(plan, ground)
    if left:
        message = f"no task covers lines {anchors.ranges(left)} of the specification, no ruling speaks of them"
        span = Span(left[0], 1, left[0])
        yield Diagnostic("uncovered-lines", "warning", message, ground.spec.path, span, "cover them, or rule on them")


def uncovered(plan: Assembled, ground: Ground) -> list[int]:
    """The numbers of lines that somebody must answer for and nobody does."""
    return [n for n in owed(ground) if n not in plan.claimed]


def owed(ground: Ground) -> list[int]:
    """The numbers of lines that a task or a ruling must answer for: of features, and of sections that bind."""
    texts = ground.source.lines
    found = {n for row in ground.spec.reading.account if row.kind in _OWNED for n in row.span.lines}
    found |= {n for section in ground.spec.sections if section.binding for n in section.span.lines}
    found -= {n for ignored in ground.spec.reading.ignored for n in ignored.span.lines}
    told = [n for n in sorted(found) if n <= len(texts) and any(c.isalnum() for c in texts[n - 1])]
    return [n for n in told if not texts[n - 1].lstrip().startswith("#")]


def _stated(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """Every `def`, class and constant that the specification states is in a contract, with that form."""
    by_name = {contract.name: (task, contract) for task in plan.tasks for contract in task.defines}
    out = {line for ignored in ground.spec.reading.ignored for line in ignored.span.lines}
    for row in stated(ground.source):
        if row.line in out:
            continue
        name = row.owner or row.name
        entry = by_name.get(name) or by_name.get(f"{row.owner}.{row.name}".strip("."))
        if entry is None:
            message = f"the specification states {row.form!r}, no contract defines {name}"
            span = Span(row.line)
            yield Diagnostic("stated", "error", message, ground.spec.path, span, f"give it to a task as {name}")
            continue
        difference = _differs(row, entry[1])
        if difference:
            message = f"{entry[0].id} defines {name} otherwise than line {row.line} states: {difference}"
            yield _at(plan, entry[0], "stated", message, f"the specification has: {row.form}")


def _differs(row: Stated, contract: Contract) -> str:
    """How a contract's form differs from the stated one; "" where it does not, or where that cannot be told."""
    text = f"class {row.owner}:\n    {row.form}" if row.owner else row.form
    wanted = interface.stated(text)
    if not wanted or wanted[0][1].name != row.name:
        return "" if row.name in contract.text else f"{row.name} is not in it"
    for owner, function in interface.stated(contract.text):
        if function.name == row.name and owner == row.owner:
            return interface.compared(wanted[0][1], function).replace("the contract", "the specification")
    return f"{row.owner}.{row.name} is not in it" if row.owner else ""


def _literals(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """Exact texts on lines that no task covers: no acceptance record, no test."""
    out = {line for ignored in ground.spec.reading.ignored for line in ignored.span.lines}
    for held in literals.held(ground.source, plan.tasks, {}):
        if not held.tasks and held.found.line not in out:
            shown = " ".join(held.found.text.split())[:70]
            message = f"the {held.found.kind} {shown!r} (line {held.found.line}) reaches no task"
            hint = "cover its line with the task that must hold it"
            yield Diagnostic("literal", "warning", message, ground.spec.path, Span(held.found.line), hint)


# --- seams --------------------------------------------------------------------------------------------------------


def _contracts(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """A contract lies in a file of its task; a name has one owner."""
    seen: dict[tuple[str, str], Task] = {}
    for task in plan.tasks:
        homes = {assembling.file_of(path) for path in task.files}
        for contract in task.defines:
            if contract.path not in homes:
                message = f"{task.id} defines {contract.name} in {contract.path}, which is none of its files"
                yield _at(plan, task, "contract", message, f"one of: {', '.join(sorted(homes))}")
            other = seen.get((contract.name, contract.path))
            if other is not None:
                message = f"{contract.name} in {contract.path} is defined by {task.id} and by {other.id}"
                yield _at(plan, task, "contract", message, "one owner each")
            seen[contract.name, contract.path] = task
        if task.kind == "code" and not task.defines and not task.assembles:
            hint = "state what others may rely on, for an entry point its command line"
            yield _at(plan, task, "contract", f"{task.id} is code and defines no contract", hint, "warning")


def _circles(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """A name in a contract that belongs to a task which itself needs this one: a circle that no need shows."""
    owner = owners(plan.tasks)
    edges = {task.id: [need.task for need in task.needs] for task in plan.tasks}
    for task in plan.tasks:
        signed = [function for contract in task.defines for _, function in interface.stated(contract.text)]
        names = {word for function in signed for word in interface.annotated(function)}
        for name in sorted(names & used_in_contracts(task)):
            other = owner.get(name, task.id)
            if other != task.id and other not in edges[task.id] and task.id in graph.closure(edges, [other]):
                message = f"{task.id} has {name} of {other} in a signature, and {other} needs {task.id}: a circle"
                yield _at(plan, task, "hidden-cycle", message, f"move {name} to a task that both need")


def _surface(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """What the outside relies on is made by somebody, under the names that it uses."""
    ids = {task.id for task in plan.tasks}
    for item in plan.surface:
        if item.task not in ids:
            close = nearest(item.task, ids)
            hint = f"did you mean {close!r}?" if close else ""
            message = f"the surface {item.name!r} is made by {item.task}, which is no task"
            yield Diagnostic("surface", "error", message, f"plan/{PROJECT}.yaml", None, hint)
    modules = {assembling.module_of(path): path for task in plan.tasks for path in task.targets if ".py" in path}
    there = {assembling.module_of(path) for path in ground.present if path.endswith(".py")}
    for item in ground.given:
        problem = _missing(item, plan, modules, there)
        if problem:
            message = f"{item.form.partition('  # ')[2] or 'a given test'} relies on {item.name}: {problem}"
            yield Diagnostic("surface", "error", message, f"plan/{PROJECT}.yaml", None, f"it says: {item.form}")


def _missing(item: Surface, plan: Assembled, modules: Mapping[str, str], there: set[str]) -> str:
    """Why a given name would not be found; "" where it is."""
    if item.kind == "command":
        said = [surface.name + " " + surface.form for surface in plan.surface]
        return "" if any(item.name in text for text in said) else "no surface of the plan names it"
    module = item.name if item.kind == "module" else item.name.rpartition(".")[0]
    if module in there or (item.kind != "module" and item.name in modules):
        return ""
    if module not in modules:
        return f"no task makes the module {module}"
    if item.kind == "module":
        return ""
    name, home = item.name.rpartition(".")[2], assembling.file_of(modules[module])
    texts = [c.text + c.name for task in plan.tasks for c in task.defines if c.path == home]
    return "" if any(name in text for text in texts) else f"no contract in {home} has it"


def _regions(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """Regions are for Python files that no task writes whole."""
    whole = {path: task for task in plan.tasks if not task.assembles for path in task.files}
    for file, parts in regions(plan.tasks).items():
        first = next(iter(parts.values()))
        if not file.endswith(".py"):
            yield _at(plan, first, "region", f"{file} is parted into regions and is not Python")
        if file in whole:
            message = f"{file} is made of regions and is written whole by {whole[file].id}"
            yield _at(plan, first, "region", message, "one way or the other")


def _rulings(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    ids = {task.id for task in plan.tasks}
    seen: dict[str, Ruling] = {}
    for ruling in plan.rulings:
        place = f"plan/{PROJECT}.yaml"
        if ruling.id in seen:
            yield Diagnostic("ruling", "error", f"two rulings are called {ruling.id}", place)
        seen[ruling.id] = ruling
        for name in ruling.tasks:
            if name not in ids:
                message = f"the ruling {ruling.id} binds {name}, which is no task"
                yield Diagnostic("ruling", "error", message, place, None, nearest(name, ids))


# --- what can be built --------------------------------------------------------------------------------------------


def _tests(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """pytest collects by the file's name."""
    for task in plan.tasks:
        own = task.tests if task.kind == "code" else task.targets if task.kind == "tests" else ()
        names = [path.rsplit("/", 1)[-1] for path in own if path.endswith(".py")]
        if names and not any(name.startswith("test_") for name in names):
            message = f"none of the test files of {task.id} is called test_….py: nothing would run"
            yield _at(plan, task, "test-name", message, f"for example tests/test_{names[0].removesuffix('.py')}.py")


def _packaging(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """A command that people type is installed by a packaging file that somebody makes."""
    commands = [item for item in plan.surface if item.kind == "command" and " " not in item.name.strip()]
    files = {path.rsplit("/", 1)[-1] for task in plan.tasks for path in task.targets}
    files |= {path.rsplit("/", 1)[-1] for path in ground.present}
    python = any(path.endswith(".py") for task in plan.tasks for path in task.targets)
    wanted = "pyproject.toml" if python else "package.json"
    if commands and not files & {wanted, "setup.py", "setup.cfg"}:
        message = f"{commands[0].name} is a command, and no task makes the {wanted} that installs it"
        yield Diagnostic(
            "packaging", "error", message, f"plan/{PROJECT}.yaml", None, f"a configuration task for {wanted}"
        )


def _room(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """What a task's prompt must hold fits the limit."""
    space = Room(plan.tasks, plan.rulings, ground.spec, ground.gates, ground.limit)
    for task in plan.tasks:
        used = 0 if task.assembles else space.weight([task])
        if used > ground.limit:
            parts = ", ".join(f"{what} {cost:,}" for what, cost in space.parts(task).items() if cost)
            message = f"the prompt of {task.id} must hold {used:,} tokens, the limit is {ground.limit:,}: {parts}"
            yield _at(plan, task, "room", message, "cover fewer lines, use fewer names of its needs, or split the task")


_ABOVE = re.compile(
    r"\b(?:see|as|the \w+|shown|stated|given|described) (?:above|below)\b(?! (?:the|a|an|it|its)\b)", re.IGNORECASE
)


def _blind(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """Texts that point at lines which their readers do not see."""
    sees = {task.id: {n for cover in task.covers for n in cover.span.lines} for task in plan.tasks}
    users: dict[tuple[str, str], set[str]] = {}
    for task in plan.tasks:
        for need in task.needs:
            for name in need.uses:
                users.setdefault((need.task, name), set()).add(task.id)
    for task in plan.tasks:
        texts = [(f"contract {c.name}", c.text, users.get((task.id, c.name), set())) for c in task.defines]
        texts += [("acceptance", a.text, set()) for a in task.acceptance if a.kind == "rule"]
        for what, text, readers in texts:
            said = _pointer(text, [sees[name] for name in (task.id, *readers)], ground)
            if said:
                message = f"the {what} of {task.id} points at {said!r}, which not every reader of it sees"
                yield _at(plan, task, "blind-reference", message, "say what stands there", "warning")
    for ruling in plan.rulings:
        said = _pointer(ruling.text, [sees[name] for name in ruling.tasks or sees if name in sees], ground)
        if said:
            message = f"the ruling {ruling.id} points at {said!r}, which not every reader of it sees"
            place = f"plan/{PROJECT}.yaml"
            yield Diagnostic("blind-reference", "warning", message, place, None, "say what stands there")


_SPEAKS = re.compile(
    r"\b(?:example|table|block|output|listing|sample|format|schema|diagram|code)s?\s+(above|below)\b", re.IGNORECASE
)
NEAR = 60
"""Lines within which the block is looked for that a line speaks of."""


def _apart(plan: Assembled, ground: Ground) -> Iterator[Diagnostic]:
    """Lines that speak of a block beside them, covered by a task that does not see the block."""
    texts, blocks = ground.source.lines, fences(ground.source)
    for task in plan.tasks:
        seen = {n for cover in task.covers for n in cover.span.lines}
        for line in sorted(seen):
            speaks = _SPEAKS.search(texts[line - 1])
            block = _beside(line, speaks[1].lower() == "above", blocks) if speaks else None
            if speaks and block and not seen & set(block.numbers):
                where = anchors.ranges(block.numbers)
                message = f"{task.id} covers line {line}, which speaks of the {speaks[0]!r}, and not lines {where}"
                hint = "cover them too, or leave that line to the task that covers them"
                yield _at(plan, task, "blind-reference", message, hint, "warning")


def _beside(line: int, above: bool, blocks: Sequence[Fence]) -> Fence | None:
    before = [b for b in blocks if b.numbers.stop <= line and line - b.numbers.stop < NEAR]
    after = [b for b in blocks if line < b.numbers.start < line + NEAR]
    return (before[-1] if before else None) if above else (after[0] if after else None)


def _pointer(text: str, readers: Sequence[set[int]], ground: Ground) -> str:
    """What a text points at that one of its readers does not see; "" where there is nothing.

    `line 3` may be a line of a data file: only numbers of lines that say more than that count.
    """
    lines = [n for n in anchors.mentioned(text) if n > MOST and n <= len(ground.source.lines)]
    unseen = [n for n in lines if any(n not in seen for seen in readers)]
    above = _ABOVE.search(text)
    return f"line {unseen[0]}" if unseen else above[0] if above else ""
