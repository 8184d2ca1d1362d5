"""How real specifications are read: right, asked about or silently wrong, by kind, and what plans come of them.

    python benchmarks/reading.py FOLDER [--labels LABELS.tsv] [--details]

FOLDER holds documents in a folder for each kind. LABELS.tsv names for each (`file`, relative to FOLDER) whether it can
be built (`buildable`: Y, A for a description of what exists, N for no product spec) and, where one reading is
unambiguous, its features (`feature_names`, parted by ` || `). A reading is right when at least 90 % of the names are
found and at least 90 % of what was found are names.
"""

from __future__ import annotations

import csv
import re
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from brengine import places
from brengine import spec as reader
from brengine.domain import Plan, Spec
from brengine.errors import InputError
from brengine.inputs import Inputs
from brengine.reading.options import Options
from brengine.settings import Settings
from brengine.source import Source

GOOD = 0.9
RULES = places.read_rules(places.Places(Path("/nonexistent"), Path("/nonexistent")), Settings())
COLUMNS = ("kind", "documents", "labelled", "right", "asked", "wrong", "refused", "planned", "rejected", "slowest")


@dataclass(frozen=True)
class Label:
    """What a person found in a document."""

    buildable: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """What became of one document."""

    path: str
    kind: str
    spec: Spec
    seconds: float
    unaccounted: int
    judged: str
    """right, asked, wrong, refused, not refused, or "" where no label says."""
    plan: str
    """planned, or the first error."""


def labels(path: Path | None) -> dict[str, Label]:
    """The labels by file; none without a path."""
    if path is None:
        return {}
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {
        row["file"]: Label(row["buildable"], tuple(n for n in (row["feature_names"] or "").split(" || ") if n))
        for row in rows
    }


def plain(name: str) -> str:
    """A name without what a reader may drop: numbers, marks, priorities, case."""
    text = unicodedata.normalize("NFKC", name).lower()
    numbers = r"^\W*(?:\d+(?:\.\d+)*[.)]?\s|(?:feature|phase|script) \d+:)\s*"
    text = re.sub(rf"\((?:priority:? *)?p\d\)|{numbers}", "", text)
    return " ".join(re.findall(r"\w+", text))


def agrees(found: Sequence[str], gold: Sequence[str]) -> bool:
    """Recall and precision of the names are both at least 90 %."""
    mine, theirs = Counter(map(plain, found)), Counter(map(plain, gold))
    hits = sum((mine & theirs).values())
    return bool(mine) and hits >= GOOD * sum(theirs.values()) and hits >= GOOD * sum(mine.values())


def judge(spec: Spec, label: Label | None) -> str:
    """How the reading compares with the label."""
    status = spec.reading.status
    if label is None:
        return ""
    if label.buildable == "N":
        return "refused" if status == "nothing" else "asked" if status == "ask" else "not refused"
    if not label.names:
        return ""
    names = [feature.name for feature in (*spec.features, *spec.finished)]
    if status == "ask":
        return "asked"
    return "right" if agrees(names, label.names) else "wrong"


def unaccounted(spec: Spec, source: Source) -> int:
    """Lines that are in no span of the account, or in two, or that say something and were claimed by nothing."""
    lines = Counter(line for row in spec.reading.account for line in row.span.lines)
    missing = sum(lines[number] != 1 for number in range(1, len(source.lines) + 1))
    return missing + sum(len(row.span.lines) for row in spec.reading.account if row.of == "unclaimed")


def planned(source: Source) -> str:
    """`planned` where the accepted reading gives a valid plan twice the same that covers everything; else why not."""
    from brengine import codec, planning

    inputs = Inputs(source, RULES, Settings(), {}, {}, Options(accept=True))
    try:
        once: Plan = planning.make(inputs)
    except InputError as error:
        first = error.diagnostics[0] if error.diagnostics else None
        return f"{first.rule}: line {first.span.line if first.span else 0}: {first.message}" if first else error.message
    return "planned" if codec.plan_to_json(once) == codec.plan_to_json(planning.make(inputs)) else "differs"


def measure(folder: Path, known: Mapping[str, Label]) -> Iterator[Row]:
    """A row for each document below the folder."""
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".md", ".txt")):
        name = path.relative_to(folder).as_posix()
        source = Source(name, path.read_bytes().decode("utf-8-sig", "replace"))
        started = time.perf_counter()
        spec = reader.parse(source)
        seconds = time.perf_counter() - started
        judged = judge(spec, known.get(name))
        yield Row(name, name.split("/")[0], spec, seconds, unaccounted(spec, source), judged, planned(source))


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The figures by kind as a Markdown table."""
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|" + "---|" * len(COLUMNS)
    kinds = sorted({row.kind for row in rows})
    for kind in [*kinds, "all"]:
        of_kind = [row for row in rows if kind in (row.kind, "all")]
        judged = Counter(row.judged for row in of_kind)
        count = sum(judged[name] for name in ("right", "asked", "wrong", "refused", "not refused"))
        good = sum(row.plan == "planned" for row in of_kind)
        slow = f"{max(row.seconds for row in of_kind):.2f} s"
        figures = (len(of_kind), count, judged["right"], judged["asked"], judged["wrong"] + judged["not refused"])
        cells = (kind, *figures, judged["refused"], good, len(of_kind) - good, slow)
        yield "| " + " | ".join(map(str, cells)) + " |"
    yield ""
    yield f"Lines unaccounted for: {sum(row.unaccounted for row in rows)}."


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--labels", "labelled", type=click.Path(exists=True, path_type=Path), default=None)
@click.option("--details", is_flag=True, help="A line for each document first.")
def main(folder: Path, labelled: Path | None, details: bool) -> None:
    """Print the table."""
    rows = list(measure(folder, labels(labelled)))
    for row in rows if details else ():
        reading = row.spec.reading
        sure = f"{reading.status} {reading.confidence:.2f} {len(row.spec.features)}"
        print(f"{row.judged or '-':<11} {sure:<14} {row.path[:70]:<70} {reading.how[:80]} | {row.plan[:110]}")
    for line in table(rows):
        print(line)


if __name__ == "__main__":
    sys.exit(main())
