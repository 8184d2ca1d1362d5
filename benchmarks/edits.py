"""Do ids move? Random edits of real documents, with and without what a lock remembers.

    python benchmarks/edits.py FOLDER [--edits N]

Each edit inserts a bullet, deletes a requirement, moves a requirement or moves a whole feature. Counted are the ids of
features and requirements that were there before, are there still with the same text, and go by another id.
Identical texts cannot be told apart (they are diagnosed) and do not count. Where an edit changes how the document is
read, it is counted apart: then the question is asked again.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from brengine import spec as reader
from brengine.domain import Feature, Spec
from brengine.reading.options import Options
from brengine.source import Source, Span

Lines = list[str]


def ids(spec: Spec) -> dict[tuple[str, str], str]:
    """(feature's name, requirement's text or "") → id, without those that stand twice."""
    rows = [((f.name, ""), f.id) for f in spec.features]
    rows += [((f.name, r.full), f"{f.id}/{r.id}") for f in spec.features for r in f.requirements]
    often = Counter(key for key, _ in rows)
    names = Counter(f.name for f in spec.features)
    alone = {
        text for text, count in Counter(r.full for f in spec.features for r in f.requirements).items() if count < 2
    }
    return {k: v for k, v in rows if often[k] == 1 and names[k[0]] == 1 and (not k[1] or k[1] in alone)}


def edited(lines: Sequence[str], spec: Spec, chance: random.Random) -> Lines:
    """The lines after one random edit."""
    feature = chance.choice(spec.features)
    rows = [r for r in feature.requirements if lines[r.span.line - 1].lstrip()[:2] in ("- ", "* ")]
    kind = chance.choice(["insert", "delete", "move", "feature"])
    if kind == "feature" and len(spec.features) > 1 and _apart(spec.features):
        return _swapped(lines, *chance.sample(list(spec.features), 2))
    if not rows:
        return list(lines)
    row = chance.choice(rows)
    out = list(lines)
    if kind == "insert":
        line = lines[row.span.line - 1]
        indent = line[: len(line) - len(line.lstrip())]
        out.insert(row.span.line - 1, f"{indent}- Entirely new {chance.randint(10**6, 10**7)} words {chance.random()}")
    elif kind in {"delete", "feature"}:
        del out[row.span.line - 1 : row.span.end_line]
    else:
        other = chance.choice(rows)
        if (
            other.span.line == row.span.line
            or row.span.end_line > row.span.line
            or other.span.end_line > other.span.line
        ):
            return list(lines)
        out[row.span.line - 1], out[other.span.line - 1] = out[other.span.line - 1], out[row.span.line - 1]
    return out


def _apart(features: Sequence[Feature]) -> bool:
    rows = sorted(features, key=lambda f: f.span.line)
    return all(a.span.end_line < b.span.line for a, b in itertools.pairwise(rows))


def _swapped(lines: Sequence[str], one: Feature, other: Feature) -> Lines:
    first, second = sorted((one.span, other.span), key=lambda span: span.line)

    def cut(span: Span) -> Lines:
        return list(lines[span.line - 1 : span.end_line])

    between = list(lines[first.end_line : second.line - 1])
    return [*lines[: first.line - 1], *cut(second), *between, *cut(first), *lines[second.end_line :]]


def trial(path: Path, count: int, chance: random.Random) -> Counter[str]:
    """What came of the edits of one document."""
    source = Source(path.name, path.read_bytes().decode("utf-8-sig", "replace"))
    options = Options(accept=True)
    before = reader.parse(source, options=options)
    found: Counter[str] = Counter()
    if not before.features:
        return found
    found["documents"] += 1
    known: Mapping[str, Mapping[str, str]] = reader.known_of(before)
    for number in range(count):
        lines = edited(source.lines, before, chance)
        remembered = (known, reader.names_of(before)) if number % 2 else (None, None)
        after = reader.parse(Source(path.name, "\n".join(lines)), *remembered, options)
        found["edits"] += 1
        if after.reading.how != before.reading.how:
            found["read otherwise"] += 1
            continue
        old, new = ids(before), ids(after)
        found["ids compared"] += len(old.keys() & new.keys())
        found["ids moved"] += sum(old[key] != new[key] for key in old.keys() & new.keys())
    return found


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--edits", default=20, help="Edits of each document.")
@click.option("--details", is_flag=True)
def main(folder: Path, edits: int, details: bool) -> int:
    """Print the counts; exits with 1 when an id moved."""
    chance = random.Random(20261125)
    total: Counter[str] = Counter()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".md", ".txt")):
        found = trial(path, edits, chance)
        total += found
        if details and (found["ids moved"] or found["read otherwise"]):
            print(path.name, dict(found))
    for name in ("documents", "edits", "read otherwise", "ids compared", "ids moved"):
        print(f"  {name:<16} {total[name]:>8,}")
    return 1 if total["ids moved"] else 0


if __name__ == "__main__":
    sys.exit(main(standalone_mode=False))
