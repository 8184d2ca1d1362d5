"""Kill a build at every numbered point at which state or files change, resume it, and count what went wrong.

    python benchmarks/kills.py [--jobs N]

Each row must be 0 but for the repeats, which are at most the asks in flight at the kill. Takes a few minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from model_server import ModelServer  # noqa: E402
from sandbox import FILES, Sandbox  # noqa: E402

from brengine.durable import COUNT_TO, KILL_AT  # noqa: E402


def trial(folder: Path, number: int, jobs: str, lock: str) -> dict[str, int]:
    """One build killed at a point and resumed."""
    with ModelServer(dict(FILES)) as model:
        box = Sandbox(folder / str(number), model)
        killed = box.br("build", "-j", jobs, env={KILL_AT: str(number)})
        resumed = box.br("build", "-j", jobs)
        tree = {path: text.encode() for path, text in FILES.items()}
        return {
            "not killed": int(killed.code != -9),
            "not resumed": int(resumed.code != 0),
            "another tree": int(box.tree() != tree),
            "another lock": int(box.read("br.lock") != lock),
            "not up to date afterwards": int("up to date" not in box.br("build").out),
            "repeated asks": len(model.prompts) - 2,
            "repeats not said": int(len(model.prompts) > 2 and "possibly paid" not in resumed.out),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", default="1", help="br build -j")
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as name, ModelServer(dict(FILES)) as model:
        folder = Path(name)
        reference = Sandbox(folder / "reference", model)
        reference.br("build", "-j", jobs, env={COUNT_TO: str(folder / "points")})
        count = len((folder / "points").read_text().splitlines())
        lock = reference.read("br.lock")
        with ThreadPoolExecutor(2) as pool:
            rows = list(pool.map(lambda number: trial(folder, number, jobs, lock), range(1, count + 1)))
    print(f"{count} points, one kill at each, -j {jobs}")
    for key in rows[0]:
        print(f"  {key:<26} {sum(row[key] for row in rows):>4}   most at one kill {max(row[key] for row in rows)}")


if __name__ == "__main__":
    main()
