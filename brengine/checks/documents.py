"""Documentation: relative links resolve, and its Python blocks run. Examples: every script runs and exits with 0."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from markdown_it import MarkdownIt

from brengine.checks.outcome import Checked, Tools, content, judged, limits_of, not_applicable, script_findings
from brengine.ports import Subject
from brengine.verdict import Evidence, Finding


def check(subject: Subject, tools: Tools) -> Checked:
    """Links and blocks of every Markdown target."""
    pages = [path for path in subject.task.targets if path.endswith((".md", ".markdown"))]
    links: list[Finding] = []
    evidence: list[Evidence] = []
    findings: list[Finding] = []
    texts = {path: content(subject.root, path).decode("utf-8", "replace") for path in pages}  # before anything is run
    for path, text in texts.items():
        tokens = MarkdownIt("commonmark").parse(text)
        inline = [child for token in tokens for child in token.children or ()]
        targets = [str(child.attrGet("href") or child.attrGet("src") or "") for child in inline]
        links += [finding for target in targets if (finding := _link(subject.root, path, target))]
        blocks = [t.content for t in tokens if t.type == "fence" and t.info.split()[:1] in (["python"], ["py"])]
        ran = _blocks(subject, path, blocks, tools)
        evidence += ran.evidence
        findings += ran.findings
    linked = judged("links", tuple(links))
    return Checked((*linked.evidence, *evidence), (*links, *findings))


def _link(root: Path, page: str, target: str) -> Finding | None:
    if not target or target.startswith("#") or re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", target):
        return None
    path = PurePosixPath(page).parent / unquote(target.split("#", 1)[0])
    if (root / path).exists():
        return None
    return Finding("links", f"the link to {target} leads nowhere", page, hint="link only to files of the project")


def _blocks(subject: Subject, path: str, blocks: list[str], tools: Tools) -> Checked:
    """All blocks of a page in one process, joined in order, so that later ones may use names of earlier ones."""
    if not blocks:
        return not_applicable("blocks", f"{path} has no Python blocks")
    script = "\n\n".join(blocks)
    return _ran("blocks", subject, path, ("-c", script), "python -c (its Python blocks)", tools)


def examples(subject: Subject, tools: Tools) -> Checked:
    """Run every script among the targets."""
    scripts = [path for path in subject.task.targets if path.endswith(".py")]
    if not scripts:
        return not_applicable("examples", "there is no script among the targets")
    ran = [_ran("examples", subject, path, (path,), f"python {path}", tools) for path in scripts]
    return Checked(tuple(e for r in ran for e in r.evidence), tuple(f for r in ran for f in r.findings))


def _ran(check: str, subject: Subject, path: str, argv: tuple[str, ...], shown: str, tools: Tools) -> Checked:
    result = tools.commands.run(
        (tools.python, *argv), cwd=subject.root, limits=limits_of(subject.gates), env={"PYTHONPATH": str(subject.root)}
    )
    findings = script_findings(check, path, result, subject.gates.seconds)
    return judged(check, findings, shown, result.exit_code)
