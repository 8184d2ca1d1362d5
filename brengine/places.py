"""Where everything of a project lies, and the texts that a plan is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brengine import datafiles, durable, prices, settings
from brengine.errors import Diagnostic, InputError
from brengine.settings import Settings
from brengine.source import Source, Span

CONFIG = "br.toml"
SPEC = "PROJECT_SPEC.md"
ELSEWHERE = (".buildrunner/PROJECT_SPEC.md",)
"""Where a specification is looked for after PROJECT_SPEC.md."""


@dataclass(frozen=True, slots=True)
class Places:
    """`project` holds spec and br.toml; `root` is built into and holds `.br/` and br.lock (often the same folder)."""

    project: Path
    root: Path

    @property
    def state(self) -> Path:
        """`.br/`: journal, stores, staging. Not for committing."""
        return self.root / ".br"

    @property
    def journal(self) -> Path:
        """The append-only journal."""
        return self.state / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """br.lock: for committing."""
        return self.root / "br.lock"

    @property
    def plan(self) -> Path:
        """The last plan, by the digest of what it was made from."""
        return self.state / "plan.json"


def read_settings(places: Places) -> Settings:
    """br.toml, or the defaults where there is none."""
    path = places.project / CONFIG
    return settings.load(read_text(path), shown(path)) if path.is_file() else Settings()


def read_spec(places: Places, found: Settings, given: Path | None = None) -> Source:
    """The specification's text; `given` on the command line wins over br.toml."""
    path = given or spec_path(places, found)
    if path.is_dir():
        raise InputError(f"{shown(path)} is a folder", "name the specification's file")
    if not path.is_file():
        raise InputError(
            f"there is no specification at {shown(path)}", "`br init` writes one; --spec FILE names another"
        )
    return Source(shown(path), read_text(path))


def spec_path(places: Places, found: Settings) -> Path:
    """Where the project's own specification is: as br.toml says, else where others keep it."""
    path = places.project / found.spec
    if found.spec == SPEC and not path.is_file():
        return next((p for p in (places.project / other for other in ELSEWHERE) if p.is_file()), path)
    return path


def read_rules(places: Places, found: Settings) -> tuple[Source, ...]:
    """The shipped packs, then the project's own, which override a pack of the same name."""
    own = places.project / found.rules
    folder = datafiles.folder("rules")
    paths = [
        p for base in (folder, own) for p in (*sorted(base.glob("*.yaml")), *sorted(base.glob("toolchains/*.yaml")))
    ]
    return tuple(Source(_rule_path(path, folder), read_text(path)) for path in paths if path.name != "prices.yaml")


def read_prices(places: Places, found: Settings) -> prices.Table:
    """The shipped prices, and over them those of the project's own `prices.yaml` beside its rules, model by model."""
    table: dict[str, Sequence[prices.Price]] = {}
    for path in (datafiles.folder("rules") / "prices.yaml", places.project / found.rules / "prices.yaml"):
        if path.is_file():
            table |= prices.load(Source(shown(path), read_text(path)))
    return table


def read_plans(places: Places, found: Settings) -> tuple[Source, ...]:
    """The plan files that people and the model wrote, by the path `plan/<feature>.yaml` whatever their folder."""
    paths = sorted((places.project / found.plans).glob("*.yaml"))
    return tuple(Source(f"plan/{path.name}", read_text(path)) for path in paths)


def write_plans(places: Places, found: Settings, texts: Mapping[str, str]) -> None:
    """Write plan files, each whole."""
    for path, text in texts.items():
        durable.write(places.project / found.plans / path.rsplit("/", 1)[-1], text.encode())


def read_template(places: Places, found: Settings, name: str) -> Source:
    """A prompt template: the project's own where there is one, else the shipped one."""
    own = places.project / found.prompts / f"{name}.j2"
    path = own if own.is_file() else datafiles.folder("prompts") / f"{name}.j2"
    return Source(shown(path), read_text(path))


def read_text(path: Path) -> str:
    """A text file in UTF-8 (a BOM is dropped); InputError for anything else."""
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Span(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        message, hint = f"{shown(path)} is not UTF-8 text", "save it as UTF-8"
        said = Diagnostic("not-utf8", "error", message, shown(path), place, hint)
        raise InputError(message, hint, (said,)) from error
    except OSError as error:
        raise InputError(f"cannot read {shown(path)}: {error.strerror}") from error


def shown(path: Path) -> str:
    """A path as messages show it: relative to where the user stands when it is below that."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _rule_path(path: Path, shipped: Path) -> str:
    """Shipped rules go by one name wherever they are installed, so that plans agree."""
    return f"rules/{path.relative_to(shipped).as_posix()}" if path.is_relative_to(shipped) else shown(path)
