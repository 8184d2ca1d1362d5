"""The specification reader: shapes, places, ids, diagnostics, and no line lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brengine import errors, spec
from brengine.domain import Spec
from brengine.source import Source, Span

SEED = """\
# Shop

## Overview

Sells things.

## Tech Stack

- Python

## Features

- User Authentication
  - JWT-based auth
  - Social login (Google, GitHub)
- Catalogue
  - Search by name

## Acceptance Criteria

- [ ] A wrong password is refused
"""


def read(text: str, **known: object) -> Spec:
    return spec.parse(Source("SPEC.md", text), **known)  # type: ignore[arg-type]


def rules(parsed: Spec) -> list[str]:
    return [diagnostic.rule for diagnostic in parsed.diagnostics]


def test_nested_bullets_are_features_with_requirements() -> None:
    parsed = read(SEED)
    auth, catalogue = parsed.features
    assert (parsed.title, auth.id, auth.name) == ("Shop", "user-authentication", "User Authentication")
    assert [(r.id, r.text, r.span) for r in auth.requirements] == [
        ("jwt-based-auth", "JWT-based auth", Span(14, 5, 14, 18)),
        ("social-login-google-github", "Social login (Google, GitHub)", Span(15, 5, 15, 33)),
    ]
    assert (auth.span.line, auth.span.end_line, catalogue.span.line) == (13, 15, 16)
    assert [c.text for c in parsed.criteria] == ["A wrong password is refused"]
    assert {s.title: (s.role, s.binding) for s in parsed.sections}["Tech Stack"] == ("tech-stack", True)
    assert parsed.diagnostics == ()


VARIANTS = [
    SEED.replace("- ", "* "),
    SEED.replace("- User", "1. User").replace("- Catalogue", "2. Catalogue").replace("  - ", "   - "),
    SEED.replace("  - ", "\t- "),
    SEED.replace("\n", "\r\n"),
    SEED.replace("- User Authentication", "- **User Authentication**").replace("- Catalogue", "- **Catalogue**:"),
    SEED.replace("## Features", "# Features"),
    SEED.replace("## Features", "## 4. Core Features"),
    SEED.replace("## Features", "## 🚀 Key Features"),
    SEED.replace("- JWT", "- [ ] JWT").replace("- Search", "- [ ] Search"),
    SEED.replace("- Catalogue", "\n- Catalogue"),
]


@pytest.mark.parametrize("text", VARIANTS)
def test_the_seed_form_is_read_alike_in_all_its_dresses(text: str) -> None:
    parsed = read(text)
    wanted = read(SEED)
    assert [(f.id, f.name, [(r.id, r.text) for r in f.requirements]) for f in parsed.features] == [
        (f.id, f.name, [(r.id, r.text) for r in f.requirements]) for f in wanted.features
    ]


HEADINGS = """\
# App

## Features

### Feature 1: Users
**Priority:** High
**Depends on:** none

People register.

#### Requirements
- FR-001 They register with an address
  that is confirmed
- They log in {#login}

#### Acceptance Criteria
1. A second registration is refused

### Reports {#rep priority=low domain=frontend coverage=95}
Priority: Low
Depends on: Feature 1, Login expires after 24 hours is no field

Requirements:
- Monthly
  - As a table
"""


def test_feature_headings_with_fields() -> None:
    parsed = read(HEADINGS.replace(", Login expires after 24 hours is no field", ""))
    users, reports = parsed.features
    assert (users.id, users.priority, users.needs, users.description) == ("users", "high", (), "People register.")
    assert [(r.id, r.text) for r in users.requirements] == [
        ("fr-001", "FR-001 They register with an address that is confirmed"),
        ("login", "They log in"),
    ]
    assert [c.text for c in users.criteria] == ["A second registration is refused"]
    assert (reports.id, reports.priority, reports.needs) == ("rep", "low", ("users",))
    assert (reports.domain, reports.coverage) == ("frontend", 95)
    assert [(r.text, r.full) for r in reports.requirements] == [
        ("Monthly", "Monthly"),
        ("As a table", "Monthly: As a table"),
    ]


def test_a_reference_to_nothing_is_an_error_with_the_nearest_name() -> None:
    parsed = read(HEADINGS.replace("Feature 1, Login expires after 24 hours is no field", "Userz"))
    (found,) = parsed.diagnostics
    assert (found.rule, found.severity, found.hint) == ("unknown-reference", "error", "did you mean 'users'?")
    assert found.place == "SPEC.md:21:1"


def test_after_in_a_sentence_makes_no_dependency() -> None:
    parsed = read("## Features\n- Tokens\n  - A token expires after 24 hours\n- Hours\n  - Opening hours\n")
    assert [f.needs for f in parsed.features] == [(), ()]


@pytest.mark.parametrize(
    ("text", "rule", "severity"),
    [
        ("", "empty-spec", "error"),
        ("# Only a title\n\nand prose\n", "no-features", "error"),
        (
            "## Features\n\n" + "The users search the catalogue by name and by number and by year. " * 4,
            "unsure-reading",
            "error",
        ),
        ("### Feature: Empty\n", "empty-feature", "warning"),
        ("## Features\n- A\n  - x\n  - x\n", "duplicate", "warning"),
        ("## Features\n- A\n  - x\n- A\n  - y\n", "duplicate", "warning"),
        ("## Features\n- A {#a}\n  - x\n- B {#a}\n  - y\n", "duplicate-id", "error"),
        ("## Features\n- A {#a prioritty=high}\n  - x\n", "unknown-attribute", "error"),
        ("### Feature: A\n**Priority:** sometime\n- x\n", "unknown-priority", "warning"),
        ("##Features\n- A\n  - x\n", "heading-space", "note"),
        ("## Features\n- A\n  - It is fast\n", "vague", "warning"),
        ("## Features\n- A\n  - TBD\n", "placeholder", "warning"),
        ("## Features\n- A\n  - Login [NEEDS CLARIFICATION: how?]\n", "open-question", "warning"),
        ("## Features\n- A {#a needs=b}\n  - x\n- B {#b needs=a}\n  - y\n", "dependency-cycle", "error"),
        ("### Feature: A\n- x\n\nDependencies:\n- PostgreSQL 16 or later\n", "outside-dependency", "note"),
        ("## Features\n- A\n  - x, see [more](docs/more.md)\n", "elsewhere", "note"),
    ],
)
def test_what_is_odd_is_said_with_its_rule(text: str, rule: str, severity: str) -> None:
    parsed = read(text)
    found = [d for d in parsed.diagnostics if d.rule == rule]
    assert found and found[0].severity == severity
    assert errors.render(found[0]).startswith(f"{severity}: ")


def test_duplicate_names_get_ids_of_their_own() -> None:
    parsed = read("## Features\n- A\n  - x\n  - x\n- A\n  - y\n")
    assert [f.id for f in parsed.features] == ["a", "a-2"]
    assert [r.id for r in parsed.features[0].requirements] == ["x", "x-2"]


def test_a_flat_list_is_a_feature_each() -> None:
    parsed = read("## Features\n- Search by name\n- Sort by price\n")
    assert [(f.name, [r.text for r in f.requirements]) for f in parsed.features] == [
        ("Search by name", ["Search by name"]),
        ("Sort by price", ["Sort by price"]),
    ]


def test_what_is_demanded_is_never_lost_for_want_of_a_label() -> None:
    parsed = read(
        "### Feature: A\n\nAcceptance Criteria:\n- a 401\n- a 403\n\n### Feature: B\n\nUsers search\nby name.\n"
    )
    a, b = parsed.features
    assert ([r.text for r in a.requirements], a.criteria) == (["a 401", "a 403"], ())
    assert [r.text for r in b.requirements] == ["Users search by name."]


def test_headings_in_fences_and_front_matter_are_no_headings() -> None:
    parsed = read("---\ntitle: x\n# no\n---\n# T\n\n```\n## Features\n- not one\n```\n\n## Features\n- A\n  - x\n")
    assert [f.name for f in parsed.features] == ["A"]
    assert parsed.sections[0].title == "front matter"


def test_a_diagnostic_looks_like_a_compilers() -> None:
    parsed = read("## Features\n- A {needs=B}\n  - x\n")
    assert errors.render(parsed.diagnostics[0]) == (
        "error: there is no feature 'B' to depend on [unknown-reference]\n"
        " --> SPEC.md:2:3\n"
        "  |\n"
        "2 | - A {needs=B}\n"
        "  |   ^^^^^^^^^^^\n"
        "hint: the features are: A"
    )


# --- promise 6: ids do not move -----------------------------------------------------------------------------------

NAMES = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz ", min_size=4, max_size=20).map(str.strip).filter(lambda t: len(t) > 3),
    min_size=1,
    max_size=6,
    unique=True,
)


def written(features: dict[str, list[str]]) -> str:
    rows = [f"- {name}\n" + "".join(f"  - {text}\n" for text in texts) for name, texts in features.items()]
    return "# T\n\n## Features\n\n" + "".join(rows)


def ids_of(parsed: Spec) -> dict[tuple[str, str], str]:
    return {(f.name, r.text): f"{f.id}/{r.id}" for f in parsed.features for r in f.requirements}


@settings(max_examples=60)
@given(st.dictionaries(NAMES.map(lambda names: names[0]), NAMES, min_size=2, max_size=4), st.randoms(), st.booleans())
def test_promise_6_inserting_deleting_and_moving_changes_no_other_id(
    features: dict[str, list[str]], random: object, remember: bool
) -> None:
    before = read(written(features))
    known = {"known": spec.known_of(before), "known_names": spec.names_of(before)} if remember else {}
    if any(d.rule == "duplicate" for d in before.diagnostics) or len(set(ids_of(before).values())) < len(
        ids_of(before)
    ):
        return
    if any(identifier.rsplit("-", 1)[-1].isdigit() for identifier in ids_of(before).values()):
        return  # ids that were made unique by their order are what {#id} is offered for
    order = list(features)
    random.shuffle(order)  # type: ignore[attr-defined]
    changed = {name: list(features[name]) for name in order}
    for texts in changed.values():
        random.shuffle(texts)  # type: ignore[attr-defined]
    first = next(iter(changed))
    changed[first] = ["0123 entirely new 4567", *changed[first]]
    after = ids_of(read(written({"9876 new feature 5432": ["8888 words 9999"], **changed}), **known))
    for key, identifier in ids_of(before).items():
        assert after[key] == identifier


def test_promise_6_a_reworded_bullet_keeps_its_id_once_a_lock_has_seen_it() -> None:
    before = read(SEED)
    text = SEED.replace("- JWT-based auth", "- JWT-based authentication").replace(
        "Search by name", "Search by name or by number"
    )
    after = read(text, known=spec.known_of(before), known_names=spec.names_of(before))
    assert [r.id for f in after.features for r in f.requirements] == [
        r.id for f in before.features for r in f.requirements
    ]
    assert rules(after) == ["renamed", "renamed"]
    renamed = read(SEED.replace("- Catalogue", "- Catalogues"), known={}, known_names=spec.names_of(before))
    assert [f.id for f in renamed.features] == ["user-authentication", "catalogue"]


LINES = st.lists(
    st.sampled_from(
        ["# A", "## Features", "### Feature 1: X", "- a", "  - b", "\t- c", "1. d", "text", "", "| a |", "|---|", "```"]
        + [
            "**Priority:** High",
            "Depends on: X",
            "> q",
            "<div>",
            "---",
            "===",
            "[ ] e",
            "- [x] **F**: g {#h}",
            "    code",
        ]
    ),
    max_size=25,
)


def accounted(text: str) -> None:
    """The spans of the account are in order, apart, and together the document; no line is unclaimed."""
    parsed = read(text)
    spans = [row.span for row in parsed.reading.account]
    numbers = [number for span in spans for number in span.lines]
    assert numbers == list(range(1, len(Source("SPEC.md", text).lines) + 1))
    assert not [row for row in parsed.reading.account if row.of == "unclaimed"]
    assert parsed.reading.status in ("read", "ask", "nothing") and 0 <= parsed.reading.confidence <= 1


@settings(max_examples=300)
@given(LINES)
def test_promise_5_every_line_is_accounted_for(lines: list[str]) -> None:
    accounted("\n".join(lines))


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_promise_5_any_text_is_accounted_for(text: str) -> None:
    accounted(text)


def test_slugs_of_any_script_make_file_names() -> None:
    parsed = read("## Features\n- " + "認証機能" * 30 + "\n  - " + "二要素認証" * 40 + "\n- 🎉\n  - ...\n")
    names = [name for f in parsed.features for name in (f.id, f.requirements[0].id)]
    assert all(0 < len(name.encode()) <= 60 for name in names)
    alike = (
        read("## Features\n- A\n  - " + "long " * 30 + "one\n  - " + "long " * 30 + "two\n").features[0].requirements
    )
    assert alike[0].id != alike[1].id and not alike[1].id.endswith("-2"), "texts that begin alike stay apart"
    assert names[2].startswith("feature-") and names[3].startswith("requirement-")


def test_hard_texts_are_read_quickly() -> None:
    import time

    texts = ["- a\n" * 30000, "  " * 5000 + "- x", "> " * 3000 + "x", "[" * 30000, "|" + "-|" * 20000, "x" * 500_000]
    texts.append("".join("  " * n + "- deep\n" for n in range(2000)))
    for text in texts:
        start = time.monotonic()
        read(text)
        assert time.monotonic() - start < 5
