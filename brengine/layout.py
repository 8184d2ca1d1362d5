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
from brengine.toolchains import Chosen, Toolchain

_FOLDER = re.compile(r"(?<![\w/.])([a-z_][a-z0-9_]*)/")
_NO_PACKAGES = ("tests", "test", "docs", "doc", "examples", "src", "scripts", "lib", "bin")
_PATH = re.compile(r"(?<![\w/.@:-])((?:[\w.-]{1,60}/){0,8}[\w-]{1,60}(?:\.[\w-]{1,20})?\.[a-z]{1,6})(?![\w/])")
_TREE = re.compile(r"^(?P<indent>[\s│|]*)(?:[├└]──?|\+--|[|`]--)\s*(?P<name>[\w.@/-]+)")
_DOCUMENT = re.compile(
    r"\b(?:project|product|feature|software|technical|functional|system|requirements?|specifications?|spec|document|"
    r"prd|overview|design|plan|the|a|an|for|of)\b|[^\w\s-]",
    re.IGNORECASE,
)
_SOURCES = ("src", "lib", "app", "internal", "cmd", "tests", "test", "pkg", "scripts")
_ROOTS = ("src", "app", "backend", "frontend", "server", "client", "web", "api", "lib")
_RESERVED = (
    *("con", "prn", "aux", "nul", "__init__", "__main__", "test", "tests", "conftest"),
    *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)),
)
_WRITTEN = re.compile(
    r"(?i)\b(?:writ(?:ten|e)|lives?|create[sd]?|implement(?:ed|s)?|located|add(?:ed|s)?|build|files?|target|module|path)\b"
    r"[^.\n`]{0,30}[`*\s:]{1,4}(?P<path>(?:[\w.-]{1,60}/){1,8}[\w.-]{1,60}\.[a-z]{1,6})(?![\w/])"
)
_SMALL = (
    "the",
    "an",
    "and",
    "or",
    "of",
    "to",
    "in",
    "for",
    "with",
    "that",
    "must",
    "should",
    "shall",
    "system",
    "given",
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
    named = [part for part in parts if _DOCUMENT.sub(" ", part).strip() and not titles.is_section(part)]
    named.sort(key=lambda part: bool(re.search(r"(?i)\b(?:spec|specification|requirements|prd|document)\b", part)))
    chosen = named[0] if named else "app"
    words = re.sub(
        r"(?i)\b(?:prd|project spec(?:ification)?|specification|spec|requirements(?: document)?)\b", " ", chosen
    )
    short = " ".join(re.sub(r"\(.*?\)", " ", words).split()[:4])
    return short or chosen


def module_name(slug: str) -> str:
    """A slug as the name of a module: snake case, never a keyword."""
    name = slug.replace("-", "_")
    if name in _RESERVED or name.startswith("test_"):
        return f"{name}_module"
    return f"{name}_" if keyword.iskeyword(name) else name


def feature_slug(feature: Feature) -> str:
    """What the files of a feature are named after: its id, or its name where the id is but a number."""
    own = re.sub(r"^\W*[A-Z]{1,6}-?(?:[A-Z]+-)?\d{1,4}(?:\.\d+)?\W+", "", feature.name)
    if ids.is_number(feature.id) and own and own != feature.name:
        return ids.plain_slug(titles.unprioritised(own), "feature")
    short = re.sub(r"\s*[(（][^()（）]*[)）]", "", feature.name).strip()
    named = feature.id == ids.slug(titles.unprioritised(feature.name), "feature") and short
    return ids.plain_slug(short if named else feature.id, "feature")


def camel(name: str) -> str:
    """`user_profile` as `UserProfile`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def named_files(
    feature: Feature, tree: Sequence[str], toolchain: Toolchain, elsewhere: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """The files that the specification names for a feature: in its own text, else in the file tree by its name.

    A file that it mentions only in passing is not its own where another feature says that it is written there
    (`elsewhere`, in small letters).
    """
    strong = written_in(feature)
    mentioned = [path for text in _texts(feature) for path in paths_in(text) if toolchain.owns(path) and "/" in path]
    own = [path for path in mentioned if path.casefold() in strong or path.casefold() not in elsewhere]
    found = tuple({path.casefold(): path for path in reversed(own)}.values())[::-1]
    if not found:
        words = titles.content_words(feature.name)
        found = tuple(p for p in tree if toolchain.owns(p) and _stem_words(p) and _stem_words(p) <= words)
    return found if len([p for p in found if not toolchain.is_test(p)]) <= MAX_NAMED else ()


def written_in(feature: Feature) -> frozenset[str]:
    """The files, in small letters, of which a feature says that it is written there."""
    texts = _texts(feature)
    return frozenset(m["path"].casefold() for text in texts for m in _WRITTEN.finditer(text[:20_000]))


def _texts(feature: Feature) -> list[str]:
    rows = (*feature.requirements, *feature.criteria)
    return [feature.description, *(row.full for row in rows)]


def domains(spec: Spec, tree: Sequence[str], chosen: Chosen) -> dict[str, str]:
    """Feature id → `frontend` or `backend`, where all files that are named for it are of one of two toolchains."""
    found: dict[str, str] = {}
    if chosen.main is chosen.frontend:
        return found
    for feature in spec.features:
        front, back = (named_files(feature, tree, toolchain) for toolchain in (chosen.frontend, chosen.main))
        if bool(front) != bool(back):
            found[feature.id] = "frontend" if front else "backend"
    return found


def prefixes(spec: Spec, tree: Sequence[str], chosen: Chosen, package: str) -> dict[str, str]:
    """Toolchain name → the folder above its files: as the specification has it, else `web/` for a second toolchain."""
    paths, found = list(tree), {}
    if not tree:  # without a tree, what most of the named files say
        named = [p for f in spec.features for p in dict.fromkeys(q for text in _texts(f) for q in paths_in(text))]
        paths = named if len(named) > max(4, len(spec.features)) else []
    for toolchain, otherwise in ((chosen.frontend, "web/"), (chosen.main, "")):
        tops = [path.split("/")[0] for path in paths if toolchain.owns(path) and "/" in path]
        top = max(set(tops), key=lambda name: (tops.count(name), name), default="")
        if toolchain.source.startswith("{package}/") and any(path.startswith(f"src/{package}/") for path in paths):
            found[toolchain.name] = "src/"
            continue
        own = (package, *_SOURCES, toolchain.source.split("/", maxsplit=1)[0])
        common = tops.count(top) * 10 >= len(tops) * 6 and top not in own and not path_problem(top)
        found[toolchain.name] = f"{top}/" if top and common else otherwise
    if chosen.main is chosen.frontend and found[chosen.main.name] == "web/":
        found[chosen.main.name] = ""
    return found


def beside(path: str, toolchain: Toolchain) -> str:
    """The test that stands next to a file."""
    folder, _, name = path.rpartition("/")
    stem, _, ending = name.partition(".")
    test = toolchain.beside.replace("{stem}", stem).replace("{ending}", ending)
    return f"{folder}/{test}" if folder else test


def short_slug(text: str) -> str:
    """The first telling words of a text as a part of a module's name."""
    words = re.findall(r"[a-z0-9]{2,}", ids.plain_slug(" ".join(text.replace("**", "").split()[:8]), "part"))
    return "_".join(word for word in words if word not in _SMALL)[:32].strip("_")


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
    lines = text.split("\n")
    drawn = [match["name"] for line in lines if (match := _TREE.match(line))]
    for line in lines:
        match = _TREE.match(line)
        if not match:
            root = line.strip().strip("`").rstrip("/")
            kept = re.fullmatch(r"[\w.-]{2,40}", root) and (root in _ROOTS or "__init__.py" in drawn[:3])
            above = (
                [(-1, root)] if kept and line.strip().strip("`").endswith("/") else [] if not line.strip() else above
            )
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
