"""Builds against a mock of the Messages API that is not ours: aimock, where Node is there to run it.

`.ci/run` installs it into .aimock/; elsewhere `npm install --prefix .aimock @copilotkit/aimock@1.43.0` does.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from model_server import declared, nonce, write_reply
from sandbox import FILES, Sandbox

PROGRAM = Path(__file__).parent.parent / ".aimock" / "node_modules" / ".bin" / "llmock"
pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"aimock is not installed at {PROGRAM.parents[2].name}/")


USAGE = {"input_tokens": 1000, "output_tokens": 300}


@dataclass
class Server:
    """A running mock."""

    port: int

    @property
    def environ(self) -> dict[str, str]:
        """What a client needs to find it."""
        return {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.port}", "ANTHROPIC_API_KEY": "test"}

    def call(self, method: str, path: str, body: object = None) -> object:
        """Its own controls."""
        content = json.dumps(body).encode() if body is not None else None
        head = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", content, head, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def asked(self) -> int:
        """How many messages were asked for."""
        rows = self.call("GET", "/__aimock/journal")
        assert isinstance(rows, list)
        return sum(row["path"].startswith("/v1/messages") and "count" not in row["path"] for row in rows)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "fixtures"
    folder.mkdir()
    (folder / "none.json").write_text(
        '{"fixtures": [{"match": {"userMessage": "never"}, "response": {"content": "x"}}]}'
    )
    command = [PROGRAM, "-p", str(port), "-f", str(folder), "--strict", "--log-level", "silent", "-c", "200"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Server(port)
    finally:
        process.kill()
        process.wait()


def answers(box: Sandbox, server: Server) -> None:
    """Have the mock answer each first ask of the project with the right files."""
    fixtures = []
    for task in ("add-adding", "add-rendering"):
        shown = box.br("prompt", "show", task).out
        text = write_reply({path: FILES[path] for path in declared(shown)}, nonce(shown))
        match = re.search(r"The nonce is \w+", shown)
        assert match
        fixtures.append({"match": {"userMessage": match[0]}, "response": {"content": text, "usage": USAGE}})
    server.call("POST", "/__aimock/fixtures", {"fixtures": fixtures})


def test_a_build_against_an_independent_server(tmp_path: Path, server: Server) -> None:
    box = Sandbox(tmp_path / "project")
    answers(box, server)
    built = box.br("build", "-j", "2", env=server.environ)
    assert built.code == 0 and "3 of 3 done (3 built)" in built.out, built.out
    assert server.asked() == 2 and box.tree() == {p: c.encode() for p, c in FILES.items()}
    assert "tokens      2,600" in built.out, built.out
    assert box.br("build", env=server.environ).code == 0 and server.asked() == 2


def test_its_faults_are_waited_out_or_told(tmp_path: Path, server: Server) -> None:
    box = Sandbox(tmp_path / "project")
    answers(box, server)
    overloaded = {"status": 529, "body": {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}}
    server.call("POST", "/__aimock/error", overloaded)
    built = box.br("build", env=server.environ)
    assert built.code == 0 and "3 of 3 done (3 built)" in built.out, built.out
    assert server.asked() == 3, "the overload cost one request more"


def test_where_it_has_no_answer_the_build_says_so(tmp_path: Path, server: Server) -> None:
    box = Sandbox(tmp_path / "project")
    refused = {"status": 401, "body": {"type": "error", "error": {"type": "authentication_error", "message": "no"}}}
    server.call("POST", "/__aimock/error", refused)
    built = box.br("build", env=server.environ)
    assert built.code == 2 and "check ANTHROPIC_API_KEY" in built.out and "Traceback" not in built.out, built.out


def test_text_that_is_no_reply_is_a_finding(tmp_path: Path, server: Server) -> None:
    box = Sandbox(tmp_path / "project")
    prose = {"match": {"userMessage": "The nonce is"}, "response": {"content": "Sure! Here is the code you want."}}
    server.call("POST", "/__aimock/fixtures", {"fixtures": [prose]})
    built = box.br("build", "arithmetic", env=server.environ)
    assert built.code == 1 and "the closing manifest is missing" in built.out, built.out
    assert not box.tree()
