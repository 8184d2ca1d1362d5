"""The two Keys of a task, with a digest per input so that a Reason can name what changed (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from brengine import digest
from brengine.domain import Contract, Key, Need, Ruling, Task
from brengine.verdict import Gates

INTERFACE = "*"
"""The name of a contract that stands for the computed Interface of a file whose task states none."""
TEMPLATE = "template"
"""The input of the ask Key that recordings leave out."""


def ask_values(
    task: Task, contracts: Mapping[str, tuple[Contract, ...]], rulings: Iterable[Ruling], template: str
) -> dict[str, object]:
    """The inputs of the ask Key as values, by name. `contracts` maps task id to what that task defines.

    Never holds a line number, a name, minutes, complexity, domain or model: none of them wakes a task.
    """
    covered = {cover.text for cover in task.covers}
    values: dict[str, object] = {
        "kind": task.kind,
        "targets": sorted(task.targets),
        "tests": sorted(task.tests),
        "defines": sorted([c.name, c.path, c.text] for c in task.defines),
        "acceptance": sorted(
            [a.kind, a.text] for a in task.acceptance if a.text not in covered and a.kind != "literal"
        ),
        "reads": sorted(task.reads),
        "spec": sorted({cover.text for cover in task.covers if not cover.requirement}),
        "rulings": sorted(r.text for r in rulings if not r.tasks or task.id in r.tasks),
        TEMPLATE: template,
    }
    for cover in task.covers:
        if cover.requirement:
            values[f"spec:{cover.requirement}"] = cover.text
    for need in task.needs:
        values[f"need:{need.task}"] = used(need, contracts.get(need.task, ()))
    return values


def used(need: Need, contracts: Iterable[Contract]) -> list[list[str]]:
    """The contracts of a need whose names are used, as sorted rows of name, path, text; a computed Interface always."""
    return sorted([c.name, c.path, c.text] for c in contracts if c.name in need.uses or c.name == INTERFACE)


def ask_key(task: Task, contracts: Mapping[str, tuple[Contract, ...]], rulings: Iterable[Ruling], template: str) -> Key:
    """The ask Key: what an answer depends on."""
    values = ask_values(task, contracts, rulings, template)
    return Key("ask", tuple(sorted((name, digest.short("ask", value)) for name, value in values.items())))


def gates_digest(gates: Gates) -> str:
    """What a verdict depends on of its gates, 16 hex digits."""
    values: list[object] = [gates.coverage, gates.seconds, gates.memory_mb, gates.processes, gates.teeth]
    values += [[c.name, list(c.command), list(c.files), list(c.kinds), c.format] for c in gates.checks]
    return digest.short("gates", values)


def verify_key(
    ask: Key, own: Mapping[str, str], needed: Mapping[str, Mapping[str, str]], gates: Gates, toolchain: str
) -> Key:
    """The verify Key: ask Key, digests of the task's own files, of each need's files, gates and toolchain.

    `own` maps path to SHA-256 ("" for an absent file); `needed` maps the id of every task in the closure of the
    needs to such a map.
    """
    rows = [
        ("ask", ask.digest[: digest.SHORT]),
        (
            "gates",
            gates_digest(gates),
        ),
        ("toolchain", toolchain),
    ]
    rows += [(f"file:{path}", content[: digest.SHORT]) for path, content in own.items()]
    rows += [(f"need:{task}", digest.short("files", dict(files))) for task, files in needed.items()]
    return Key("verify", tuple(sorted(rows)))
