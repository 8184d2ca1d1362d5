"""Which files a specification names, and the name of the product's package. Pure."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Sequence

from brengine import ids
from brengine.domain import Feature, Section, Spec
from brengine.reading import titles
from brengine.reply import path_problem
from brengine.settings import Settings
from brengine.toolchains import Toolchain

_FOLDER = re.compile(r"(?<![\w/.])([a-z_][a-z0-9_]*)/")
_NO_PACKAGES = ("tests", "test", "docs", "doc", "examples", "src", "scripts", "lib", "bin")
_PATH = re.compile(r"(?<![\w/.@:-])((?:[\w.-]{1,60}/){0,8}[\w-]{1,60}(?:\.[\w-]{1,20})?\.[a-z]{1,6})(?![\w/])")
_TREE = re.compile(r"^(?P<indent>[\s│|]*)(?:[├└]──?|\+--|[|`]--)\s*(?P<name>[\w.@/-]+)")
_DOCUMENT = re.compile(
    r"\b(?:project|product|feature|software|technical|functional|system|requirements?|specifications?|spec|document|"
    r"prd|overview|design|plan|the|a|an|for|of)\b|[^\w\s-]",
    re.IGNORECASE,
)
MAX_NAMED = 6
"""Files that one task makes because the specification names them for its feature."""


def package_name(spec: Spec, settings: Settings) -> str:
    """The package of the product: named by the layout section, else by settings, else by the title."""
    for section in spec.sections:
        if section.role == "layout":
            found = [name for name in _FOLDER.findall(section.text) if name not in _NO_PACKAGES]
            if found:
                return str(found[0])
    title = settings.name or _product(spec.title)
    return module_name(ids.plain_slug(title, "app"))


def _product(title: str) -> str:
    """The product in a title like `Product Requirements Document: Shop` or `Shop — Project Specification`."""
    parts = [part.strip() for part in re.split(r"\s*[:：|]\s+|\s+[-–—]\s+", title) if part.strip()]
    named = [part for part in parts if _DOCUMENT.sub(" ", part).strip()]
    chosen = named[0] if named else title
    words = re.sub(
        r"(?i)\b(?:prd|project spec(?:ification)?|specification|spec|requirements(?: document)?)\b", " ", chosen
    )
    short = " ".join(re.sub(r"\(.*?\)", " ", words).split()[:4])
    return short or chosen


def module_name(slug: str) -> str:
    """A slug as the name of a module: snake case, never a keyword."""
    name = slug.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) or name in ("__init__", "__main__", "test") else name


def camel(name: str) -> str:
    """`user_profile` as `UserProfile`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def named_files(feature: Feature, tree: Sequence[str], toolchain: Toolchain) -> tuple[str, ...]:
    """The files that the specification names for a feature: in its own text, else in the file tree by its name."""
    texts = [feature.description, *(r.text for r in feature.requirements), *(c.text for c in feature.criteria)]
    own = [path for text in texts for path in paths_in(text) if toolchain.owns(path) and "/" in path]
    found = tuple(dict.fromkeys(own))
    if not found:
        words = titles.content_words(feature.name)
        found = tuple(p for p in tree if toolchain.owns(p) and _stem_words(p) and _stem_words(p) <= words)
    return found if len([p for p in found if not toolchain.is_test(p)]) <= MAX_NAMED else ()


def _stem_words(path: str) -> frozenset[str]:
    stem = path.rsplit("/", 1)[-1].split(".", maxsplit=1)[0]
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_-]", " ", stem)
    return titles.content_words(re.sub(r"(?i)^test\s|\stests?$", "", spaced))


def paths_in(text: str) -> Iterator[str]:
    """The file paths in a text that may be written."""
    for match in _PATH.finditer(text[:20_000]):
        path = match[1].removeprefix("./")
        if not path_problem(path):
            yield path


def tree_paths(sections: Iterable[Section]) -> tuple[str, ...]:
    """The files of the trees that are drawn in the layout sections."""
    found: list[str] = []
    for section in sections:
        if section.role == "layout":
            found += _tree(section.text)
    return tuple(dict.fromkeys(path for path in found if not path_problem(path)))


def _tree(text: str) -> Iterator[str]:
    """The files of one drawn tree: a line without a branch that ends with / is its root."""
    above: list[tuple[int, str]] = []
    for line in text.split("\n"):
        match = _TREE.match(line)
        if not match:
            continue
        depth, name = len(match["indent"].expandtabs(4)), match["name"]
        while above and above[-1][0] >= depth:
            above.pop()
        path = "/".join([*(folder for _, folder in above), name.strip("/")])
        is_folder = name.endswith("/") or "." not in name.rsplit("/", 1)[-1]
        if is_folder:
            above.append((depth, name.strip("/")))
        else:
            yield path
