"""Where the data files shipped with the engine are: inside the wheel, or at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `rules`, `prompts` or `examples/auth` as shipped; raises FileNotFoundError when it is nowhere."""
    for base in (_HERE / "_data", _HERE.parent):
        if (base / name).is_dir():
            return base / name
    raise FileNotFoundError(f"the shipped folder {name} is missing from this installation")
