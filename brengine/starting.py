"""A first specification: a template of a kind of product, filled in, with the user's own features. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from brengine import ids, layout

KINDS = ("cli", "library", "rest", "web")
STACKS = {
    "python": "- Python 3.11 or later, standard library only\n- pytest for the tests",
    "typescript": "- TypeScript on Node 20 or later\n- The test runner of Node for the tests",
    "javascript": "- JavaScript on Node 20 or later, no dependencies\n- The test runner of Node for the tests",
}
LAYOUTS = {
    "python": "- `{package}/` the package, one module for each part\n- `tests/` the tests, `docs/` the manual",
    "": "- `src/` the sources, one file for each part\n- `tests/` the tests, `docs/` the manual",
}


_ENDINGS: dict[str, tuple[str, ...]] = {
    "python": (".py", "pyproject.toml"),
    "typescript": (".ts", ".tsx", "tsconfig.json"),
    "javascript": (".js", ".jsx", "package.json"),
}


class Wanted(NamedTuple):
    """A feature as the user gives it: its name and what it must do."""

    name: str
    requirements: tuple[str, ...] = ()


def default_language(kind: str) -> str:
    """The language that a kind of product is usually written in."""
    return "typescript" if kind == "web" else "python"


def language_of(paths: Sequence[str]) -> str:
    """The language that most of the files are in, "" where there are none that tell."""
    counts = {name: sum(path.endswith(endings) for path in paths) for name, endings in _ENDINGS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def wanted(text: str) -> Wanted:
    """`Search: by name; by price` as a feature with two requirements."""
    name, _, rest = text.partition(":")
    return Wanted(_line(name), tuple(_line(part) for part in rest.split(";") if part.strip()))


def compose(
    template: str, name: str, language: str, features: Sequence[Wanted] = (), criteria: Sequence[str] = ()
) -> str:
    """The specification's text. Given features and criteria take the place of the template's."""
    package = layout.module_name(ids.plain_slug(name, "app"))
    values = {
        "name": _line(name),
        "command": package.replace("_", "-"),
        "stack": STACKS.get(language, f"- {_line(language)}"),
        "layout": LAYOUTS.get(language, LAYOUTS[""]).replace("{package}", package),
    }
    text = re.sub(r"\{(name|command|stack|layout)\}", lambda match: values[match[1]], template)
    if features:
        rows = [row for f in features for row in (f"- {f.name}", *(f"  - {r}" for r in f.requirements or (f.name,)))]
        text = _section(text, "Features", rows)
    if criteria:
        text = _section(text, "Acceptance Criteria", [f"- {_line(criterion)}" for criterion in criteria])
    return text


def existing(paths: Sequence[str]) -> str:
    """What stands in a folder already, as a section of the specification: context, nothing to be made."""
    tops: dict[str, int] = {}
    for path in paths:
        top = f"{path.split('/')[0]}/" if "/" in path else path
        tops[top] = tops.get(top, 0) + 1
    rows = [f"- `{top}`" + (f" ({count} files)" if top.endswith("/") else "") for top, count in sorted(tops.items())]
    more = [f"- and {len(rows) - 20} more"] if len(rows) > 20 else []
    return "\n".join(["## Existing Code", "", "This was here before; it is used, not replaced.", "", *rows[:20], *more])


def _section(text: str, title: str, rows: Sequence[str]) -> str:
    head, _, rest = text.partition(f"## {title}\n")
    following = rest.find("\n## ")
    tail = rest[following:] if following >= 0 else "\n"
    return f"{head}## {title}\n\n" + "\n".join(rows) + "\n" + tail


def _line(text: str) -> str:
    return " ".join(text.split())
