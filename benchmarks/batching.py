"""How many tasks share a prompt, over real specifications planned by the rules, and why the others stand alone.

    python benchmarks/batching.py FOLDER

Counted are tasks that are not complex: those are asked for alone on purpose.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from brengine import places, plan_report, planning, room
from brengine.domain import Plan
from brengine.errors import InputError
from brengine.inputs import Inputs
from brengine.reading.options import Options
from brengine.settings import Settings
from brengine.source import Source

RULES = places.read_rules(places.Places(Path("/nonexistent"), Path("/nonexistent")), Settings())


def plans(folder: Path) -> Iterator[Plan]:
    """The plans of all documents that can be planned, their readings accepted."""
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".md", ".txt")):
        source = Source(path.name, path.read_bytes().decode("utf-8-sig", "replace"))
        try:
            yield planning.make(Inputs(source, RULES, Settings(), {}, {}, Options(accept=True)))
        except InputError:
            continue


def causes(plan: Plan) -> Iterator[str]:
    """Why each batch of one stands alone, without the names of features."""
    by_id = {task.id: task for task in plan.tasks}
    space = room.of(plan.tasks, plan.rulings, plan.spec, Settings())
    for batch in plan.batches:
        if len(batch.tasks) == 1 and by_id[batch.tasks[0]].complexity != "complex":
            task = by_id[batch.tasks[0]]
            single = sum(other.feature == task.feature for other in plan.tasks) == 1
            why = plan_report.why(batch, plan, space.fits).removeprefix("alone: ").replace(f" of {task.feature}", "")
            yield "the only task of its feature" if single else why


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Print the share and the causes."""
    found = list(plans(folder))
    shares = [plan_report.share(plan) for plan in found]
    shared, everything = sum(s for s, _ in shares), sum(a for _, a in shares)
    told = f"{shared} of {everything} tasks that are not complex are in batches of 2–3"
    print(f"{len(found)} plans: {told} ({100 * shared / max(1, everything):.0f} %)")
    for cause, count in Counter(cause for plan in found for cause in causes(plan)).most_common():
        print(f"  {count:>5}  {cause}")


if __name__ == "__main__":
    sys.exit(main())
