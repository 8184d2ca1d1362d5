"""What the outside relies on: read from given tests, examples and the specification, before anybody plans. Pure."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from brengine import interface
from brengine.domain import Surface, SurfaceKind
from brengine.reading.markdown import Fence, fences
from brengine.source import Source

_KNOWN = frozenset(sys.stdlib_module_names) | {"pytest", "hypothesis", "numpy", "pandas", "__future__"}
_TOOLS = re.compile(
    r"(?:pip3?|python3?|cd|git|npm|npx|yarn|node|ls|cat|echo|export|mkdir|curl|docker|make|uv|poetry|pytest|source|rm|cp|mv"
    r"|sudo|brew|apt|apt-get|ruff|mypy|br|doit|go|cargo|head|tail|grep|wc|time|printf)"
)
"""Commands of the machine, not of the product."""
_PYTHON = ("python", "py", "python3", "pycon")
_CALLABLE = re.compile(r"^#{2,6}\s+.*?`(?:class\s+)?([A-Za-z_][\w.]*)\s*(\([^`]*\))`")
_CONSTANT = re.compile(r"^([A-Z][A-Z0-9_]{2,})\s*(?::[^=]+)?=\s*\S")


@dataclass(frozen=True, slots=True)
class Stated:
    """A name that the specification states the form of: `owner` is the class of a method, or ""."""

    name: str
    form: str
    line: int
    owner: str = ""


# --- forms that the specification states --------------------------------------------------------------------------


def stated(source: Source) -> tuple[Stated, ...]:
    """Every `def`, class and constant whose form the specification states, in order.

    Blocks that show a use (they import something, or are typed at a prompt) state nothing.
    """
    found: dict[tuple[str, str], Stated] = {}
    for number, line in enumerate(source.lines, start=1):
        heading = _CALLABLE.match(line)
        if heading:
            owner, _, name = heading[1].rpartition(".")
            row = Stated(name, f"{name}{heading[2]}", number, owner)
            found.setdefault((owner, name), row)
    for block in fences(source):
        uses = any(re.match(r"\s*(?:>>>|import |from \S+ import )", line) for line in block.lines)
        if block.language in _PYTHON and not uses:
            for row in _declared(block):
                found.setdefault((row.owner, row.name), row)
    return tuple(sorted(found.values(), key=lambda row: row.line))


def _declared(block: Fence) -> Iterator[Stated]:
    owner, depth = "", 0
    for offset, line in enumerate(block.lines):
        indent = len(line) - len(line.lstrip())
        owner = owner if indent > depth or not line.strip() else ""
        header = re.match(r"\s*(?:(?:async\s+)?def|class)\s+(\w+)", line)
        if header:
            is_class = line.lstrip().startswith("class")
            if not header[1].startswith("_") or header[1] == "__init__":
                yield Stated(header[1], line.strip().rstrip(":"), block.first + offset, "" if is_class else owner)
            owner, depth = (header[1], indent) if is_class else (owner, depth)
        elif _CONSTANT.match(line):
            yield Stated(line.split("=")[0].split(":")[0].strip(), line.strip(), block.first + offset)


# --- names that are used ------------------------------------------------------------------------------------------


def given(source: Source, tests: Mapping[str, str]) -> tuple[Surface, ...]:
    """What given tests and examples, and the blocks of the specification, import and call. `tests`: path → text."""
    found: dict[str, Surface] = {}
    for path, text in tests.items():
        for item in _of_python(text, path):
            found.setdefault(item.name, item)
    for block in fences(source):
        where = f"{source.path}:{block.first}"
        text = "\n".join(line.replace(">>> ", "", 1).replace("... ", "", 1) for line in block.lines)
        rows = _of_python(text, where) if block.language in _PYTHON else _of_console(block.lines, where)
        for item in rows:
            found.setdefault(item.name, item)
    return tuple(found.values())


def _of_python(text: str, where: str) -> list[Surface]:
    tree = interface.parse(text)
    if tree is None:  # a block with prompts and output between: its import lines will do
        lines = [line.strip() for line in text.split("\n") if re.match(r"\s*(?:from [\w.]+ import|import) [\w.]", line)]
        tree = interface.parse("\n".join(lines)) or ast.Module([], [])
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level and _own(node.module):
            for alias in node.names:
                kind: SurfaceKind = "class" if alias.name[:1].isupper() else "function"
                kind = "constant" if alias.name.isupper() else kind
                form = f"from {node.module} import {alias.name}"
                found.append(Surface(f"{node.module}.{alias.name}", f"{form}  # {where}", "given", kind))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if _own(alias.name):
                    found.append(Surface(alias.name, f"import {alias.name}  # {where}", "given", "module"))
        elif isinstance(node, ast.List):
            found += _of_arguments(node, where)
    return found


def _own(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] not in _KNOWN


def _of_arguments(node: ast.List, where: str) -> list[Surface]:
    """`[sys.executable, "-m", "package", …]` as a command line."""
    words = [item.value if isinstance(item, ast.Constant) else None for item in node.elts]
    for index, word in enumerate(words[:-1]):
        module = words[index + 1]
        if word == "-m" and isinstance(module, str) and _own(module):
            return [Surface(f"python -m {module}", f"python -m {module}  # {where}", "given", "command")]
    return []


def _of_console(lines: Sequence[str], where: str) -> list[Surface]:
    found = []
    for line in lines:
        if line.startswith("$ "):
            words = line[2:].split()
            module = words[2] if words[:1] in (["python"], ["python3"]) and words[1:2] == ["-m"] and words[2:] else ""
            if module and _own(module):
                found.append(Surface(f"python -m {module}", f"{line[2:]}  # {where}", "given", "command"))
            elif words and not _TOOLS.fullmatch(words[0]) and re.fullmatch(r"[a-z][\w-]*", words[0]):
                found.append(Surface(words[0], f"{line[2:]}  # {where}", "given", "command"))
    return found
