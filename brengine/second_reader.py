"""Asks the model how a document is read; every answer is stored first and checked against the text."""

from __future__ import annotations

from collections.abc import Mapping

from brengine import digest, templates
from brengine.asking import Asker
from brengine.asks import Ask, Member, Prompt, Waiting
from brengine.errors import InputError
from brengine.reading import second
from brengine.reading.options import Settled
from brengine.reading.second import ATTEMPTS, Answer
from brengine.source import Source
from brengine.tokens import upper_bound

NAME = "spec.reading"
"""What the ask goes by where tasks have their ids."""
MAX_TOKENS = 150_000
HOW = "a second reader"


def read(source: Source, texts: Mapping[str, Source], asker: Asker) -> Answer | Waiting:
    """The answer for this text: stored, or asked for, at most twice. Raises BackendError where no reply can be had.

    `texts` are the templates `reader` (the stable prefix) and `reading`.
    """
    system, loaded = templates.load(texts["reader"]), templates.load(texts["reading"])
    text = second.numbered(source)
    if upper_bound(text) > MAX_TOKENS:
        raise InputError(f"{source.path} is too long for a second reader", "mark its features, or --accept-reading")
    findings: tuple[str, ...] = ()
    answer = Answer()
    for attempt in range(1, ATTEMPTS + 1):
        ask = Ask((_member(source, loaded, attempt),))
        got = asker.obtain(ask, _prompt(system, loaded, source, text, findings))
        if isinstance(got, Waiting):
            return got
        answer = second.check(got.text, got.stop, source)
        if not answer.findings:
            break
        findings = answer.findings[:10]
    return answer


def settled(answer: Answer, source: Source) -> Settled:
    """What the lock remembers of an answer without findings."""
    return Settled(HOW, digest.of_text(source.text), answer.lined, answer.nothing)


def _member(source: Source, template: templates.Template, attempt: int) -> Member:
    recorded = digest.of_value("reading/1", source.text)
    key = digest.of_value("reading/1", [source.text, f"{template.name}@{template.version}"])
    return Member(NAME, key, recorded, attempt)


def _prompt(
    system: templates.Template, template: templates.Template, source: Source, text: str, findings: tuple[str, ...]
) -> Prompt:
    stable = templates.render(system, {})
    values = {"text": text, "last": len(source.lines), "findings": findings}
    nonce = digest.of_value("nonce/1", [stable, templates.render(template, {**values, "nonce": ""})])[:12]
    user = templates.render(template, {**values, "nonce": nonce})
    return Prompt(stable, user, nonce, f"{template.name}@{template.version}")
