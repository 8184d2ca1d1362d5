"""What the fence costs: the same commands behind each kind, in milliseconds. `python benchmarks/fence.py [ROUNDS]`."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from brengine import fence
from brengine.commands import Door

TEST = "def test_a():\n    assert 1 + 1 == 2\n"
COMMANDS = {
    "true": ["/bin/true"],
    "python": [sys.executable, "-c", "pass"],
    "pytest": [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_a.py"],
}


def main() -> None:
    """Interleaved rounds, so that a busy machine is equally unfair to all; medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    door = Door()
    kinds = [kind for kind in ("limits", "landlock", "namespaces") if not isinstance(_seen(kind, door), str)]
    print(fence.kernel(), f"{rounds} rounds", sep=", ")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_a.py").write_text(TEST)
        for name, argv in COMMANDS.items():
            took: dict[str, list[float]] = {kind: [] for kind in kinds}
            for _ in range(rounds):
                for kind in kinds:
                    began = time.perf_counter()
                    assert door.behind(kind, argv, Path(folder)).exit_code == 0
                    took[kind].append(1000 * (time.perf_counter() - began))
            medians = {kind: statistics.median(values) for kind, values in took.items()}
            base = medians["limits"]
            print(f"{name:<8}", *(f"{kind} {ms:.0f} ms (+{ms - base:.0f})" for kind, ms in medians.items()), sep="  ")


def _seen(kind: str, door: Door) -> object:
    return fence.tried(kind, sys.executable, door.behind)


if __name__ == "__main__":
    main()
