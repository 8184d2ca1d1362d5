"""Numbers with what they count: `1 task`, `2 tasks`. Pure."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """A number and a noun, in the plural where it is not one; thousands are parted."""
    return f"{number:,} {plural(number, what)}"


def plural(number: int, what: str) -> str:
    """A noun for so many; `batch` becomes `batches`."""
    if number == 1:
        return what
    return f"{what}es" if what.endswith("ch") else f"{what}s"


def repaired(number: int) -> str:
    """How many asks were repairs: `1 of them a repair`, `2 of them repairs`."""
    return f"{number} of them {'a repair' if number == 1 else 'repairs'}"
