"""Toolchains as data: by which words a specification asks for one, and where its files go. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, ValidationError

from brengine import yamlsource
from brengine.domain import Spec
from brengine.source import Source

FOLDER = "toolchains"
SEEN = 2
"""How often a language must be spoken of outside the tech stack."""
STACK_WEIGHT = 6
"""How much more a word in the tech stack says than one elsewhere."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    toolchain: str
    words: list[str]
    anywhere: list[str] = []
    extensions: list[str]
    source: str
    test: str
    entry: str
    test_names: list[str]
    beside: str = ""
    frontend: bool = False
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Where the files of a language go. Paths hold {package}, {module} (snake case) and {Module} (camel case)."""

    name: str
    words: tuple[str, ...]
    """Words that ask for it in a tech stack."""
    anywhere: tuple[str, ...]
    """The few of them that mean nothing else, wherever they stand."""
    extensions: tuple[str, ...]
    source: str
    test: str
    entry: str
    test_names: tuple[str, ...]
    """Patterns of the names of test files."""
    beside: str
    """The name of the test of a file that the specification names, next to it; "" where tests have a folder."""
    frontend: bool
    """It can make what runs in a browser."""
    verified: bool
    """There are checks that run its tests; of others tasks are planned and cannot be verified yet."""

    def is_test(self, path: str) -> bool:
        """True for the path of a test file."""
        name = path.rsplit("/", 1)[-1]
        inside = any(part in ("tests", "test", "__tests__", "spec") for part in path.split("/")[:-1])
        return inside or any(fnmatch(name, pattern) for pattern in self.test_names)

    def owns(self, path: str) -> bool:
        """True for the path of a file in its language."""
        return path.endswith(self.extensions)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The toolchains of a project: for most tasks, and for those of the domain `frontend`."""

    main: Toolchain
    frontend: Toolchain

    def of(self, domain: str) -> Toolchain:
        """The toolchain of a task of this domain."""
        return self.frontend if domain == "frontend" else self.main


def load(sources: Sequence[Source]) -> tuple[Toolchain, ...]:
    """The toolchains; a later one of the same name replaces an earlier one. Raises InputError with the place."""
    found: dict[str, Toolchain] = {}
    for source in sources:
        document = yamlsource.load(source)
        try:
            row = _File.model_validate(document.value)
        except ValidationError as error:
            first = error.errors()[0]
            raise document.error(tuple(first["loc"]), f"{first['loc'][-1]}: {first['msg'].lower()}") from error
        found[row.toolchain] = Toolchain(
            row.toolchain,
            tuple(row.words),
            tuple(row.anywhere),
            tuple(row.extensions),
            row.source,
            row.test,
            row.entry,
            tuple(row.test_names),
            row.beside,
            row.frontend,
            row.verified,
        )
    return tuple(found.values())


def choose(known: Sequence[Toolchain], spec: Spec, named: str = "") -> Chosen:
    """The toolchains that the specification asks for: Python where it is silent; `named` (br.toml) wins."""
    by_name = {toolchain.name: toolchain for toolchain in known}
    default = by_name.get("python", known[0])
    scores = {toolchain.name: _score(toolchain, spec) for toolchain in known}
    best = max(known, key=lambda toolchain: scores[toolchain.name])
    main = by_name.get(named) or (best if scores[best.name] else default)
    web = [toolchain for toolchain in known if toolchain.frontend and scores[toolchain.name] >= STACK_WEIGHT]
    frontend = main if main.frontend or not web else max(web, key=lambda toolchain: scores[toolchain.name])
    return Chosen(_backend(main, known, scores), frontend)


def _backend(main: Toolchain, known: Sequence[Toolchain], scores: dict[str, int]) -> Toolchain:
    """Where a front end is named most often, the rest may have a language of its own in the stack."""
    others = [t for t in known if not t.frontend and scores[t.name] >= STACK_WEIGHT]
    best = max(others, key=lambda t: scores[t.name], default=main)
    return best if main.frontend and scores[best.name] * 2 > scores[main.name] else main


def _score(toolchain: Toolchain, spec: Spec) -> int:
    stack = "\n".join(section.text for section in spec.sections if section.role == "tech-stack")
    rest = "\n".join(
        [section.text for section in spec.sections if section.role != "tech-stack"]
        + [text for f in spec.features for text in (f.name, f.description, *(r.text for r in f.requirements))]
    )
    in_stack = len(set(_pattern(toolchain.words, toolchain.extensions).findall(stack.lower())))
    around = len(_pattern(toolchain.anywhere, toolchain.extensions).findall(rest.lower())) if toolchain.anywhere else 0
    return STACK_WEIGHT * in_stack + (min(around, 100) if around >= SEEN else 0)


@lru_cache(maxsize=128)
def _pattern(known: tuple[str, ...], extensions: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(re.escape(word.lower()) for word in known)
    endings = "|".join(re.escape(ending) for ending in extensions)
    return re.compile(rf"(?<![\w.])(?:{words})(?![\w+#])|(?<=[\w*])(?:{endings})(?![\w])")
