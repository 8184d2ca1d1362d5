"""The frozen nouns of the engine (DESIGN section 3). Values only: no files, no clock, no behaviour beyond look-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from brengine import digest
from brengine.errors import Diagnostic
from brengine.source import Span

Kind = Literal["code", "tests", "documentation", "examples", "configuration", "data"]
Complexity = Literal["simple", "medium", "complex"]
Priority = Literal["high", "medium", "low"]
Mark = Literal["given", "chosen", "invented"]
AcceptanceKind = Literal["requirement", "criterion", "rule", "literal"]
SurfaceKind = Literal["module", "function", "class", "constant", "command", "file", "endpoint"]
ReadingStatus = Literal["read", "ask", "nothing"]
LineKind = Literal[
    "feature", "requirement", "criterion", "attribute", "description", "container", "context", "ignored", "blank"
]
SectionRole = Literal["overview", "tech-stack", "layout", "acceptance", "non-functional", "constraints", "other"]

PROJECT = "project"
"""The id of the feature that owns what belongs to no feature of the spec."""


# --- the specification ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that the spec demands, verbatim; a criterion is one that says how it is judged."""

    id: str
    text: str
    span: Span
    above: str = ""
    """The bullets above a nested one, or the other cells of its row: what the text is about."""

    @property
    def full(self) -> str:
        """The text behind what it is about: `Monthly: as a table`."""
        return f"{self.above}: {self.text}" if self.above else self.text


@dataclass(frozen=True, slots=True)
class Feature:
    """A named part of the product with its requirements; `span` covers heading to last line."""

    id: str
    name: str
    span: Span
    description: str = ""
    requirements: tuple[Requirement, ...] = ()
    criteria: tuple[Requirement, ...] = ()
    priority: Priority = "medium"
    needs: tuple[str, ...] = ()
    """Ids of the features that this one depends on."""
    domain: str = ""
    coverage: int | None = None
    """The coverage goal in per cent that the spec sets for this feature, or None."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the spec that is no feature: context. `binding` sections are constraints for every task."""

    id: str
    title: str
    role: SectionRole
    span: Span
    text: str

    @property
    def binding(self) -> bool:
        """Tech stack, layout, non-functional and constraints bind; an overview informs (DESIGN 5)."""
        return self.role in ("tech-stack", "layout", "non-functional", "constraints")


@dataclass(frozen=True, slots=True)
class Ignored:
    """Lines that are not built, and why."""

    span: Span
    why: str


@dataclass(frozen=True, slots=True)
class Account:
    """What a run of lines became; `of` names the feature, section or reason."""

    span: Span
    kind: LineKind
    of: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a document was read. The spans of `account` are in order, apart, and together the whole document."""

    status: ReadingStatus = "nothing"
    confidence: float = 0.0
    """0–1: how sure the reading is; below 0.7 it is asked about."""
    how: str = ""
    """What marks the features: `sub-headings of "Core Features"`; for `nothing`, the reason."""
    span: Span | None = None
    """From the first feature's first line to the last one's last."""
    others: tuple[str, ...] = ()
    """Other ways to read it, the better ones first."""
    ignored: tuple[Ignored, ...] = ()
    account: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed specification. Every line is in a feature, a section, or named by a diagnostic."""

    path: str
    title: str
    features: tuple[Feature, ...] = ()
    sections: tuple[Section, ...] = ()
    criteria: tuple[Requirement, ...] = ()
    """Acceptance criteria of the whole document, outside any feature."""
    diagnostics: tuple[Diagnostic, ...] = ()
    reading: Reading = field(default_factory=Reading)
    coverage: int | None = None
    """The coverage goal in per cent that the document sets for everything, or None."""
    finished: tuple[Feature, ...] = ()
    """Features of the document with nothing left to build, without their requirements."""


# --- the plan ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Contract:
    """One entry of `defines`: a public name, the file that holds it, and its exact form."""

    name: str
    path: str
    text: str
    """The signature with what callers may rely on: argument order, returns, errors, conventions."""


@dataclass(frozen=True, slots=True)
class Need:
    """An edge down: the task needed and which of its contracts' names are used."""

    task: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One thing that must hold, with the spec lines that say so (lines are shown, never hashed)."""

    text: str
    kind: AcceptanceKind = "rule"
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    """Spec lines that a task answers for: the span is shown, only the text is hashed."""

    span: Span
    text: str
    requirement: str = ""
    """`feature-id/requirement-id` when the lines are a requirement, else empty."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A gap or contradiction of the spec, decided once and binding for the tasks that it names (all if none)."""

    id: str
    text: str
    mark: Mark = "chosen"
    tasks: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    confirm: bool = False
    """True where a person should say whether it is meant so."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A public name, entry point or command line that the outside relies on."""

    name: str
    form: str
    mark: Mark = "chosen"
    kind: SurfaceKind = "function"
    task: str = ""
    """The task that makes it."""


@dataclass(frozen=True, slots=True)
class Task:
    """The unit that is stale or fresh."""

    id: str
    name: str
    feature: str
    kind: Kind
    targets: tuple[str, ...]
    tests: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    reads: tuple[str, ...] = ()
    domain: str = "backend"
    complexity: Complexity = "medium"
    minutes: int = 60
    priority: Priority = "medium"
    acceptance: tuple[Acceptance, ...] = ()
    defines: tuple[Contract, ...] = ()
    covers: tuple[Cover, ...] = ()
    done: str = ""
    """The phrase of the line that reports it done (`User model created`)."""
    layer: str = ""
    """The title of its layer (`Database layer`), which heads its batch."""
    rule: str = ""
    """Which rule made it, as `pack/rule`."""
    coverage: int | None = None
    """A coverage goal of its own in per cent, or None for the project's."""
    assembles: tuple[str, ...] = ()
    """Regions that the engine puts together, in this order, into its one target; nobody is asked for it."""

    @property
    def files(self) -> tuple[str, ...]:
        """Targets then tests: every file that it owns."""
        return self.targets + self.tests

    @property
    def requirements(self) -> tuple[str, ...]:
        """`feature-id/requirement-id` of each requirement that it covers, in order."""
        return tuple(cover.requirement for cover in self.covers if cover.requirement)


@dataclass(frozen=True, slots=True)
class Batch:
    """1–3 tasks of one feature and one domain, asked for in one prompt; its id comes from its members."""

    id: str
    title: str
    feature: str
    domain: str
    tasks: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Ids of the batches that must be promoted before this one is verified."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Frozen tasks in rule order, batches in order of execution. A function of spec, rules, settings and lock ids."""

    spec: Spec
    tasks: tuple[Task, ...]
    batches: tuple[Batch, ...]
    rulings: tuple[Ruling, ...] = ()
    surface: tuple[Surface, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


# --- keys and reasons -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """Named digests of everything that an answer (ask) or a verdict (verify) depends on, in sorted order."""

    kind: Literal["ask", "verify"]
    inputs: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """The digest of all inputs, 64 hex digits. A requirement's text counts, the id that it goes by does not."""
        rows = sorted([name.split(":")[0] if name.startswith("spec:") else name, value] for name, value in self.inputs)
        return digest.of_value(f"{self.kind}-key/1", rows)

    def without(self, name: str) -> Key:
        """The same Key with one input left out (recordings ignore the template's version)."""
        return Key(self.kind, tuple(pair for pair in self.inputs if pair[0] != name))


class ReasonKind(StrEnum):
    """Why a task is stale: the closed set of promise 8."""

    NEVER_BUILT = "never built"
    ASK_CHANGED = "ask changed"
    TARGET_MISSING = "target missing"
    TARGET_EDITED = "target edited"
    NEED_CHANGED = "need changed"
    GATE_CHANGED = "gate changed"
    TOOLCHAIN_CHANGED = "toolchain changed"
    EVIDENCE_FAILED = "evidence failed"
    UPSTREAM_STALE = "upstream stale"
    RETRY_ASKED = "retry asked"
    FORGOTTEN = "forgotten"
    VERIFY_ASKED = "verification asked"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, about one input, with its value before and after (digests or short texts)."""

    kind: ReasonKind
    about: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}" if self.about else str(self.kind)
