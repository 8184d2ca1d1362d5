"""What `doit forget` means: batches that doit's database knew and knows no more are verified again, never asked for.

doit's database is otherwise not looked at. A fresh clone has none, and nothing is forgotten there.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from brengine import durable
from brengine.places import Places


def forgotten(where: Places) -> frozenset[str]:
    """Batches that doit's database knew at the end of the last run and knows no more: they are verified again."""
    try:
        known = json.loads(_known_file(where).read_bytes())
    except (OSError, ValueError):
        return frozenset()
    return frozenset(str(name) for name in known) - _in_database(where) if isinstance(known, list) else frozenset()


def remember(where: Places) -> None:
    """Note which batches doit's database knows now."""
    durable.write(_known_file(where), json.dumps(sorted(_in_database(where))).encode())


def _known_file(where: Places) -> Path:
    return where.state / "doit.known.json"


def _in_database(where: Places) -> frozenset[str]:
    path = where.state / "doit.db"
    if not path.is_file():
        return frozenset()
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            rows = database.execute("select task_id from doit").fetchall()
    except sqlite3.Error:
        return frozenset()
    return frozenset(row[0].removeprefix("batch:") for row in rows if row[0].startswith("batch:"))
