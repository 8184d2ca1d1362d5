"""Tests must fail when the functions that they are for are emptied: of all at once, and of each contract alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from brengine import assembling
from brengine.checks import emptying
from brengine.checks.emptying import How
from brengine.checks.outcome import Checked, Private, Tools, content, limits_of, not_applicable, private_folders, tail
from brengine.domain import Contract
from brengine.ports import Subject
from brengine.verdict import Evidence, Finding

DRIVER = Path(__file__).with_name("teeth_run.py")
MOST_ALONE = 12
"""Contracts that are emptied one by one."""
LONGEST = 20.0
"""Seconds for the tests over one variant: longer counts as noticed."""
ALL: tuple[How, ...] = ("raising", "answering nothing of use")
RESULT = "result.json"
COMMAND = "pytest over emptied functions"


@dataclass(frozen=True, slots=True)
class Variant:
    """The tree with some functions emptied."""

    name: str
    path: str
    """The target that the finding is about."""
    files: dict[str, str]


def check(subject: Subject, tests: Sequence[str], targets: Sequence[str], tools: Tools) -> Checked:
    """Run the tests over each variant of the targets; those that nothing noticed are findings."""
    variants = list(_variants(subject.root, targets, subject.task.defines))
    if not tests or not variants:
        why = "there are no tests to try" if not tests else "there is no function to empty"
        return not_applicable("teeth", why)
    with private_folders() as private:
        found = _tried(subject, variants, tests, private, tools)
    if isinstance(found, str):
        return Checked(errored=f"emptied functions could not be tried: {found}")
    survived = [variant for variant in variants if found.get(variant.name, 0) == 0]
    findings = tuple(_finding(variant) for variant in _worst(survived))
    status = "failed" if findings else "passed"
    count, lived = len(variants), len(survived)
    return Checked((Evidence("teeth", status, command=COMMAND, executed=count, failed=lived),), findings)  # type: ignore[arg-type]


def _variants(root: Path, targets: Sequence[str], contracts: Sequence[Contract]) -> Iterator[Variant]:
    texts = {path: (root / path).read_text(encoding="utf-8") for path in targets if (root / path).is_file()}
    for how in ALL:
        made = {path: out.text for path, text in texts.items() if (out := emptied_of(path, text, how))}
        if made:
            yield Variant(f"all functions {how}", next(iter(made)), _assembled(root, made))
    count = 0
    for contract in contracts:
        text = texts.get(contract.path, "")
        for name in emptying.functions(text):
            if _is_of(name, contract) and count < MOST_ALONE:
                out = emptying.emptied(text, "answering nothing of use", name)
                if out:
                    count += 1
                    yield Variant(name, contract.path, _assembled(root, {contract.path: out.text}))


def emptied_of(path: str, text: str, how: How) -> emptying.Emptied | None:
    """A Python target emptied; None for any other."""
    return emptying.emptied(text, how) if assembling.file_of(path).endswith(".py") else None


def _is_of(name: str, contract: Contract) -> bool:
    """True for a contract's function, and for the public methods of a contract's class that its text names."""
    head, _, method = name.partition(".")
    if contract.name in (name, head) and not method:
        return True
    if not method or method.startswith("_"):
        return False
    return contract.name == name or (contract.name == head and f"def {method}(" in contract.text)


def _assembled(root: Path, made: dict[str, str]) -> dict[str, str]:
    """The changed files; where they are regions, also the file that is put together from them."""
    files = dict(made)
    for file in {assembling.file_of(path) for path in made if assembling.file_of(path) != path}:
        beside = sorted((root / file).parent.glob(f"{Path(file).name}{assembling.MARK}*"))
        paths = [path.relative_to(root).as_posix() for path in beside]
        parts = {path: made.get(path) or (root / path).read_text(encoding="utf-8") for path in paths}
        files[file] = assembling.assemble(parts).text
    return files


def _tried(
    subject: Subject, variants: Sequence[Variant], tests: Sequence[str], private: Private, tools: Tools
) -> dict[str, int] | str:
    """Variant -> exit code of its tests; or why that is not known."""
    driver, wanted, ini = (private.told / name for name in ("run.py", "wanted.json", "pytest.ini"))
    shutil.copyfile(DRIVER, driver)
    ini.write_text("[pytest]\n")
    seconds = min(LONGEST, float(subject.gates.seconds))
    rows = [{"name": variant.name, "files": variant.files} for variant in variants]
    told = {"root": str(subject.root), "tests": list(tests), "variants": rows, "seconds": seconds}
    result = str(private.results / RESULT)
    wanted.write_text(json.dumps({**told, "ini": str(ini), "result": result}), encoding="utf-8")
    limits = limits_of(subject.gates, seconds=len(variants) * (seconds + 5.0))
    env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(subject.root)}
    argv = (tools.python, str(driver), str(wanted))
    reads, writes = (private.told,), (private.results,)
    ended = tools.commands.run(argv, cwd=subject.root, limits=limits, env=env, reads=reads, writes=writes)
    try:
        found = json.loads(content(private.results, RESULT))
        return {str(name): int(code) for name, code in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return tail(ended.stderr or f"ended by {ended.ended}", 300)


def _worst(survived: Sequence[Variant]) -> Sequence[Variant]:
    """One finding for all functions at once says it all."""
    whole = [variant for variant in survived if variant.name.startswith("all functions")]
    return whole[:1] or survived


def _finding(variant: Variant) -> Finding:
    if variant.name.startswith("all functions"):
        message = f"the tests pass with {variant.name}: they prove nothing"
    else:
        message = f"the tests pass with {variant.name} emptied: nothing that they assert depends on it"
    return Finding("teeth", message, variant.path, hint="assert what it answers or changes, its errors included")
