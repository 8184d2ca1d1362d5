"""`br log`: looking back."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from brengine import ledger, log_report
from brengine.places import Places


@click.command()
@click.option("-n", "--last", type=click.IntRange(1), default=20, help="So many runs, the latest last.")
@click.option("--stats", is_flag=True, help="How often first answers passed, by size of the ask, model and template.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_obj
def log(where: Places, last: int, stats: bool, as_json: bool) -> None:
    """Past runs of this workspace: what was asked and spent, what was built.

    The journal under .br/ tells it: a fresh clone has none.
    """
    rows = ledger.history(where.journal)
    if stats:
        found = log_report.stats(rows)
        lines = [json.dumps({group: asdict(tries) for group, tries in found.items()}, indent=1)]
        told = lines if as_json else list(log_report.shown_stats(found)) if found else ["No answer was judged yet."]
    else:
        runs = log_report.runs(rows)[-last:]
        lines = [json.dumps([asdict(run) for run in runs], indent=1)]
        told = lines if as_json else list(log_report.shown(runs)) or ["No run yet."]
    for line in told:
        click.echo(line)
