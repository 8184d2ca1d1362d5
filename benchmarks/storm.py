"""A build of many batches against an endpoint that fails at random: does everything end, and is every token counted?

    python benchmarks/storm.py [--batches 1000] [--jobs 16] [--seed 1] [--storm]

Each batch is one task of kind data, so that verification takes no time. The endpoint answers with 429 (with and without
retry-after), 529, 500, cut streams, streams that end too soon, HTML with status 200, malformed events, refusals and
undeclared files, truncated, slow, silent, dropped and huge replies and odd usage; with --storm it only refuses, most
of the time. It keeps its own account of what it has sent.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from brengine.asks import Usage
from brengine.events import Replied, TaskEnded, Unanswered

MIX = (
    *(["good"] * 80),
    *("429", "429-after", "529", "529", "500", "cut", "html", "malformed", "early", "refusal", "undeclared", "wrong"),
    *("truncated", "slow", "silent", "dropped", "huge", "odd-usage"),
)
STORM = ("good", "429", "529", "529-after")
INPUT, OUTPUT = 120, 60
SILENCE, DEADLINE = 3.0, 2.0
"""Seconds for which a silent stream says nothing, and after which it is given up."""
HUGE = 9 * 1024 * 1024


@dataclass
class Account:
    """What the endpoint has done."""

    chance: random.Random
    faults: tuple[str, ...]
    served: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    most: int = 0
    mutex: threading.Lock = field(default_factory=threading.Lock)
    storm_until: float = 0.0

    def next(self) -> str:
        """What the next request meets; in a storm refusals come in gusts."""
        with self.mutex:
            if self.faults is STORM:
                now = time.monotonic()
                if now < self.storm_until:
                    kind = self.chance.choice(STORM[1:])
                elif self.chance.random() < 0.02:
                    self.storm_until, kind = now + 0.3, "529"
                else:
                    kind = "good"
            else:
                kind = self.chance.choice(self.faults)
            self.served[kind] += 1
            return kind

    def spend(self, usage: int) -> None:
        """Tokens that were billed."""
        with self.mutex:
            self.tokens += usage


def handler(account: Account) -> type[BaseHTTPRequestHandler]:
    """The endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            kind, prompt = account.next(), body["messages"][0]["content"]
            if kind.split("-")[0].isdigit():
                self.send_response(int(kind.split("-")[0]))
                if kind.endswith("after"):
                    self.send_header("retry-after", "0.2")
                self.send_header("content-length", "0")
                self.end_headers()
                return
            if kind == "dropped":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            stream = self._stream(kind, prompt, body["model"])
            self.send_response(200)
            self.send_header("content-type", "text/html" if kind == "html" else "text/event-stream")
            self.send_header("content-length", str(len(stream)))
            self.end_headers()
            if kind in ("slow", "silent"):
                half = len(stream) // 2
                self.wfile.write(stream[:half])
                self.wfile.flush()
                time.sleep(0.3 if kind == "slow" else SILENCE)
                stream = stream[half:]
            with contextlib.suppress(OSError):
                self.wfile.write(stream)

        def _stream(self, kind: str, prompt: str, model: str) -> bytes:
            if kind == "html":
                return b"<html><body>Bad gateway</body></html>"
            mark = re.findall(r"<<<BR-([0-9a-f]+) MANIFEST", prompt)[-1]
            path = re.findall(r'<<<BR-[0-9a-f]+ FILE path="([^"]+)">>>', prompt)[-1]
            path = "other.json" if kind == "undeclared" else path
            content = "{not json" if kind == "wrong" else '{"ok": true}'
            text = f'<<<BR-{mark} FILE path="{path}">>>\n{content}\n<<<BR-{mark} END>>>\n'
            text += f"<<<BR-{mark} MANIFEST count=1>>>\n{path}\n<<<BR-{mark} DONE>>>\n"
            usage = {"input_tokens": INPUT, "output_tokens": 1}
            message = {"id": "m", "type": "message", "role": "assistant", "model": model, "content": []}
            stop = {"refusal": "refusal", "truncated": "max_tokens"}.get(kind, "end_turn")
            text = text[: len(text) // 2] if kind == "truncated" else text
            text += " " * HUGE if kind == "huge" else ""
            if kind == "odd-usage":
                usage = {"input_tokens": None, "output_tokens": "many"}
            events = [
                {
                    "type": "message_start",
                    "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage},
                },
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": OUTPUT}},
                {"type": "message_stop"},
            ]
            if kind == "cut":
                events = events[:3]
            if kind == "early":
                events = events[:5]
            if kind == "odd-usage":
                events[4]["usage"] = {"output_tokens": -3}
            else:
                account.spend(INPUT + (1 if kind in ("cut", "malformed", "silent", "huge") else OUTPUT))
            rows = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
            if kind == "malformed":
                rows[2] = "event: content_block_delta\ndata: {broken\n\n"
            return "".join(rows).encode()

        def log_message(self, *unused: object) -> None:
            pass

    return Handler


@dataclass
class Told:
    """What the engine told."""

    outcomes: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    estimated: Usage = field(default_factory=Usage)
    """Of replies whose usage nobody could read."""
    mutex: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, event: object) -> None:
        with self.mutex:
            if isinstance(event, TaskEnded):
                self.outcomes[str(event.outcome)] += 1
            elif isinstance(event, Replied) and "estimates" in event.reply.note:
                self.estimated = self.estimated + event.reply.usage
            elif isinstance(event, Replied):
                self.usage = self.usage + event.reply.usage
            elif isinstance(event, Unanswered):
                self.usage = self.usage + event.usage


class Quiet(ThreadingHTTPServer):
    """Who hangs up is no news here."""

    daemon_threads = True

    def handle_error(self, *unused: object) -> None:
        """Nothing."""


def project(folder: Path, count: int) -> None:
    """A specification of so many data files."""
    rows = "\n".join(f"- Record {number} is kept" for number in range(count))
    (folder / "PROJECT_SPEC.md").write_text(f"# Records\n\n## Features\n\n### Feature: Records\n\n{rows}\n")
    rules = folder / "rules"
    rules.mkdir()
    (rules / "records.yaml").write_text(
        "pack: records\nversion: 1\nlayers: {core: Core layer}\nrules:\n  - id: record\n"
        "    when: {kind: each-requirement, requirement: [record]}\n"
        "    task: {name: 'Keep {requirement}', kind: data, layer: core, domain: backend, complexity: complex,\n"
        "      minutes: 60, done: kept, targets: ['data/{requirement_slug}.json'], covers: match}\n"
    )
    for pack in ("testing", "documentation", "examples", "general"):
        (rules / f"{pack}.yaml").write_text(f"pack: {pack}\nversion: 1\nrules: []\n")


@click.command()
@click.option("--batches", type=int, default=1000)
@click.option("--jobs", type=int, default=16)
@click.option("--seed", type=int, default=1)
@click.option("--storm", is_flag=True, help="Only refusals, in gusts.")
@click.option("--max-tokens", type=int, default=None, help="A budget.")
def main(batches: int, jobs: int, seed: int, storm: bool, max_tokens: int | None) -> None:
    """Build, and compare both accounts."""
    from brengine import doit_bridge
    from brengine.backends.anthropic_api import AnthropicBackend, Bounds
    from brengine.budget import Caps
    from brengine.places import Places
    from brengine.wiring import Project

    account = Account(random.Random(seed), STORM if storm else MIX)
    server = Quiet(("127.0.0.1", 0), handler(account))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environ = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{server.server_address[1]}", "ANTHROPIC_API_KEY": "none"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder, batches)
        (folder / "br.toml").write_text("[build]\nmax_output_tokens = 1000\n")
        told = Told()
        built = Project(Places(folder, folder), sink=told, caps=Caps(tokens=max_tokens), environ=environ)
        short = Bounds(deadline=DEADLINE)
        backend = AnthropicBackend("claude-sonnet-5-5", 1000, environ, table={}, bounds=short, meter=built.budget)
        built._backing.__dict__["backend"] = backend
        count, started = len(built.plan.batches), time.perf_counter()
        doit_bridge.run(built, doit_bridge.in_order(built), jobs=jobs, keep_going=True)
        seconds = time.perf_counter() - started
        tasks = len(built.plan.tasks)
    requests = sum(account.served.values())
    print(f"{tasks} tasks in {count} batches, {jobs} workers, {seconds:.0f} s: {dict(told.outcomes)}")
    print(f"requests: {requests} ({requests / tasks:.2f} for each task): {dict(account.served.most_common())}")
    print(f"tokens: billed {account.tokens:,}, counted {told.usage.total:,}, by the budget {built.budget.tokens:,}")
    print(f"  and {told.estimated.total:,} estimated where the endpoint told none")
    if max_tokens is not None:
        print(f"budget: {max_tokens:,} tokens, {'held' if account.tokens <= max_tokens else 'BROKEN'}")


if __name__ == "__main__":
    sys.exit(main())
