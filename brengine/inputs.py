"""What a plan is a function of, and its digest (apart from planning, whose imports a no-op build must not pay for)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brengine import digest
from brengine.reading.options import Options
from brengine.settings import Settings
from brengine.source import Source

PLAN_VERSION = 5
"""Bump when equal inputs give another plan, so that no cached plan of an older engine is believed."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a plan is a function of."""

    spec: Source
    rules: tuple[Source, ...]
    settings: Settings
    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    plans: tuple[Source, ...] = ()
    """The plan files: what stands there wins over the rules."""

    @property
    def digest(self) -> str:
        """The digest of all inputs: equal digests mean byte-equal plans."""
        return digest.of_value(
            f"plan/{PLAN_VERSION}",
            [
                [self.spec.path, self.spec.text],
                [[rule.path, rule.text] for rule in self.rules],
                repr(self.settings),
                {feature: dict(known) for feature, known in self.ids.items()},
                dict(self.names),
                repr(self.options),
                [[plan.path, plan.text] for plan in self.plans],
            ],
        )
