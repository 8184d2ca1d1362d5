"""A backend of a project's own: the one of the manual as it stands, and ones that break."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from model_server import declared, nonce, write_reply
from sandbox import FILES, Sandbox

MANUAL = (Path(__file__).parent.parent / "docs" / "backends.md").read_text(encoding="utf-8")
PROGRAM = MANUAL.split("## A backend in Python")[1].split("```python\n")[1].split("```")[0]
SETTINGS = '[build]\nbackend = "python"\npython = "my_backend:ChatServer"\n'


@pytest.fixture
def chat() -> Iterator[str]:
    """A server of the kind that the manual's backend asks."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            prompt = body["messages"][1]["content"]
            text = write_reply({path: FILES[path] for path in declared(prompt)}, nonce(prompt))
            choice = {"message": {"content": text}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 700, "completion_tokens": 50}
            content = json.dumps({"choices": [choice], "usage": usage, "model": body["model"]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *unused: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_the_backend_of_the_manual_works_as_it_stands(tmp_path: Path, chat: str) -> None:
    box = Sandbox(tmp_path / "project")
    box.write("my_backend.py", PROGRAM)
    box.write("br.toml", SETTINGS)
    assert len(PROGRAM.splitlines()) <= 50
    built = box.br("build", "-j", "2", env={"CHAT_URL": chat})
    assert built.code == 0 and "3 of 3 done (3 built)" in built.out and "tokens      1,500" in built.out, built.out
    assert "2 of unknown price" in built.out
    gone = Sandbox(tmp_path / "other")
    gone.write("my_backend.py", PROGRAM)
    gone.write("br.toml", SETTINGS)
    failed = gone.br("build", env={"CHAT_URL": "http://127.0.0.1:9"})
    assert failed.code == 2 and "no reply from http://127.0.0.1:9" in failed.out and "Traceback" not in failed.out


HEAD = "class T:\n    name, paid = 't', False\n    def __init__(self, model): ...\n"
BROKEN = {
    "no name": ("", "", "the python backend is not named"),
    "no class": ("my_backend", "", "the python backend is not named"),
    "no module": ("nowhere:Thing", "", "cannot be made: ModuleNotFoundError"),
    "no such class": ("my_backend:Thing", "x = 1\n", "cannot be made: AttributeError"),
    "breaks at once": ("my_backend:Thing", "class Thing:\n    pass\n", "cannot be made: TypeError"),
    "syntax": ("my_backend:Thing", "class Thing(\n", "cannot be made: SyntaxError"),
    "no answer": (
        "my_backend:T",
        "class T:\n    name, paid = 't', True\n    def __init__(self, m): ...\n",
        "has no answer",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_backend_that_cannot_be_made_is_said_before_anything_is_asked(tmp_path: Path, case: str) -> None:
    named, program, said = BROKEN[case]
    box = Sandbox(tmp_path / "project")
    box.write("my_backend.py", program)
    box.write("br.toml", f'[build]\nbackend = "python"\npython = "{named}"\n')
    refused = box.br("build")
    assert refused.code == 3 and said in refused.out and "Traceback" not in refused.out, refused.out


@pytest.mark.parametrize("body", ["raise KeyError('usage')", "return 'text'", "return None"])
def test_a_backend_that_breaks_is_no_reply_and_no_traceback(tmp_path: Path, body: str) -> None:
    box = Sandbox(tmp_path / "project")
    box.write("my_backend.py", f"{HEAD}    def answer(self, ask, prompt):\n        {body}\n")
    box.write("br.toml", '[build]\nbackend = "python"\npython = "my_backend:T"\n')
    failed = box.br("build")
    assert failed.code == 2 and "the backend t " in failed.out and "Traceback" not in failed.out, failed.out
