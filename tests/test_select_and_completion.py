"""Words that people type, and what became of requirements."""

from __future__ import annotations

import pytest
from builders import cover, record, task

from brengine import completion, select
from brengine.batch import batches
from brengine.domain import Feature, Plan, Requirement, Spec
from brengine.errors import InputError
from brengine.source import Span
from brengine.verdict import Evidence, Record

AUTH = Feature(
    "user-authentication",
    "User Authentication",
    Span(1),
    requirements=(Requirement("reset", "Password reset", Span(5)), Requirement("mail", "Mails look nice", Span(6))),
)
TASKS = (
    task("create-user-model", feature=AUTH.id),
    task("add-password-reset", feature=AUTH.id, covers=(cover("Password reset", f"{AUTH.id}/reset"),)),
    task("add-password-hashing", feature=AUTH.id),
    task("write-manual", feature=AUTH.id, kind="documentation", covers=(cover("Mails", f"{AUTH.id}/mail"),)),
    task("report", feature="audit"),
)
PLAN = Plan(Spec("s.md", "S", (AUTH,)), TASKS, batches(TASKS))


@pytest.mark.parametrize(
    ("word", "name", "abbreviated"),
    [
        ("feature:user-authentication", "feature:user-authentication", False),
        ("feature:auth", "feature:user-authentication", True),
        ("user-authentication", "feature:user-authentication", False),
        ("auth", "feature:user-authentication", True),
        ("password-reset", "task:user-authentication.add-password-reset", True),
        ("task:hash", "task:user-authentication.add-password-hashing", True),
        ("report", "task:audit.report", True),
        ("pkg/create_user_model.py", "task:user-authentication.create-user-model", False),
        ("./tests/test_report.py", "task:audit.report", False),
        ("audit", "feature:audit", False),
    ],
)
def test_a_word_finds_what_it_names(word: str, name: str, abbreviated: bool) -> None:
    found = select.select(PLAN, word)
    assert (found.name, found.abbreviated) == (name, abbreviated)


def test_features_and_batches_stand_for_their_tasks() -> None:
    assert len(select.select(PLAN, "feature:auth").tasks) == 4
    batch = PLAN.batches[0]
    assert select.select(PLAN, f"batch:{batch.id}").tasks == batch.tasks


def test_an_ambiguous_word_lists_the_candidates() -> None:
    with pytest.raises(InputError, match="ambiguous") as raised:
        select.select(PLAN, "task:password")
    assert "add-password-reset" in raised.value.hint and "add-password-hashing" in raised.value.hint


def test_an_unknown_word_names_the_nearest() -> None:
    with pytest.raises(InputError) as raised:
        select.select(PLAN, "user-autentication")
    assert "user-authentication" in raised.value.hint
    with pytest.raises(InputError) as raised:
        select.select(PLAN, "zzzz")
    assert "br task list" in raised.value.hint


def records() -> dict[str, Record]:
    evidence = (Evidence("tests", "passed", executed=2, covered=3, coverable=4),)
    return {t.id: record(t, {}, {}, {}, evidence=evidence if t.kind == "code" else ()) for t in TASKS}


def test_promise_5_every_requirement_ends_verified_failed_or_unverifiable() -> None:
    every = frozenset(t.id for t in TASKS)
    reset, mail = completion.settle(PLAN, every, frozenset(), records())
    assert (reset.fate, mail.fate, mail.why) == ("verified", "unverifiable", "no test runs for it")
    assert completion.rate((reset, mail)) == 50.0, "what cannot be verified counts in the denominator"
    red, _ = completion.settle(PLAN, every, frozenset([TASKS[1].id]), records())
    assert red.fate == "failed" and TASKS[1].id in red.why
    none, _ = completion.settle(PLAN, frozenset(), frozenset(), {})
    assert none.fate == "not built" and none.tasks == (TASKS[1].id,)
    assert completion.rate(()) == 0.0


def test_sums_over_evidence() -> None:
    evidence = tuple(e for r in records().values() for e in r.evidence)
    assert completion.tests_run(evidence) == 8 and completion.coverage(evidence) == 75.0
    assert completion.coverage(()) is None
