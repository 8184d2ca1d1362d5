"""Reading what a program writes to a pseudo-terminal."""

from __future__ import annotations

import os


def to_end(above: int) -> bytes:
    """Everything until the program has closed its side."""
    seen = b""
    while True:
        try:
            chunk = os.read(above, 4096)
        except OSError:
            return seen
        if not chunk:
            return seen
        seen += chunk
