"""A model for tests: a loopback Messages endpoint that answers every prompt with files from a table.

It reads the nonce and the declared files from the prompt, as a model would, and counts what it is asked.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

USAGE = {"input_tokens": 100, "output_tokens": 1}
Answer = Callable[[str, "ModelServer"], str | None]
"""(prompt, server) -> the reply's text, or None for the table's."""

_NONCE = re.compile(r"<<<BR-([0-9a-f]+) (?:FILE|MANIFEST)")
_FILE = re.compile(r'<<<BR-[0-9a-f]+ FILE path="([^"]+)">>>')


@dataclass
class ModelServer:
    """`files` maps a path to its content; `answers` may override single replies; `prompts` is what was asked."""

    files: dict[str, str] = field(default_factory=dict)
    answer: Answer | None = None
    delay: float = 0.0
    faults: list[str] = field(default_factory=list)
    """What the next requests meet instead of a good reply: a status, `cut`, or a stop reason."""
    prompts: list[str] = field(default_factory=list)
    counts: Callable[[str], int] | None = None
    """How many tokens a prompt has, for an endpoint that tells; None for one that does not."""
    counted: int = 0
    usage: dict[str, int] = field(default_factory=lambda: dict(USAGE))
    """What each answer is said to take when it begins."""
    models: list[str] = field(default_factory=list)
    """Which model was asked, each time."""
    longest: list[int] = field(default_factory=list)
    """How many tokens the answer was allowed, each time."""
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> ModelServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *unused: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def environ(self) -> dict[str, str]:
        """What a client needs to find this server."""
        assert self._server is not None
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-test-key-that-must-not-leak"}

    def reply(self, prompt: str) -> str:
        """The reply to a prompt: every declared file from the table."""
        given = self.answer(prompt, self) if self.answer else None
        if given is not None:
            return given
        return write_reply({path: self.files[path] for path in declared(prompt) if path in self.files}, nonce(prompt))


def nonce(prompt: str) -> str:
    """The nonce that a prompt asks for."""
    return _NONCE.findall(prompt)[-1]


def declared(prompt: str) -> list[str]:
    """The files that a prompt asks for, in order."""
    return list(dict.fromkeys(_FILE.findall(prompt)))


def write_reply(files: Mapping[str, str], mark: str, notes: str = "Done.") -> str:
    """A reply written by hand, apart from the code under test."""
    parts = [notes]
    for path, content in files.items():
        parts.append(f'<<<BR-{mark} FILE path="{path}">>>\n{content}<<<BR-{mark} END>>>')
    listed = "".join(f"{path}\n" for path in files)
    parts.append(f"<<<BR-{mark} MANIFEST count={len(files)}>>>\n{listed}<<<BR-{mark} DONE>>>")
    return "\n".join(parts) + "\n"


def _handler(model: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            content = body["messages"][0]["content"]
            prompt = content if isinstance(content, str) else "".join(part["text"] for part in content)
            if self.path.endswith("/count_tokens"):
                self._count(body["system"][0]["text"] + prompt)
                return
            model.prompts.append(prompt)
            model.models.append(body["model"])
            model.longest.append(body["max_tokens"])
            time.sleep(model.delay)
            fault = model.faults.pop(0) if model.faults else ""
            if fault.isdigit():
                self.send_response(int(fault))
                self.send_header("retry-after", "0.1")
                self.send_header("content-length", "0")
                self.end_headers()
                return
            text = model.reply(prompt)
            if fault == "max_tokens":  # as the real thing: the text ends where it happens to be
                text = text[: int(0.7 * len(text))]
            stream = _stream("" if fault == "refusal" else text, body["model"], model.usage)
            if fault == "cut":
                stream = stream[: stream.index(b"event: message_delta")]
            elif fault:
                stream = stream.replace(b"end_turn", fault.encode())
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(stream)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked may have been killed
                self.wfile.write(stream)

        def _count(self, text: str) -> None:
            model.counted += 1
            content = json.dumps({"input_tokens": model.counts(text)} if model.counts else {}).encode()
            self.send_response(200 if model.counts else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *unused: object) -> None:
            pass

    return Handler


def _stream(text: str, model: str, usage: Mapping[str, int] = MappingProxyType(USAGE)) -> bytes:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
    start = {**message, "stop_reason": None, "stop_sequence": None, "usage": dict(usage)}
    done = {"stop_reason": "end_turn", "stop_sequence": None}
    events: list[dict[str, object]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": done, "usage": {"output_tokens": 50}},
        {"type": "message_stop"},
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
