"""Programs of one's own as backends, and which model is asked what."""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from model_server import ModelServer, declared, nonce, write_reply
from sandbox import FILES, RULES, Sandbox

from brengine.asks import Ask, Member, Prompt
from brengine.backends.command import CommandBackend
from brengine.domain import Task
from brengine.errors import BackendError, InputError
from brengine.routing import Routes
from brengine.verdict import Finding, signature

ASK = Ask((Member("f.a", "k" * 64, "r" * 64, 1),), "some-model")
PROMPT = Prompt("be good", "write a file", "ab12", "task@1")


def run(folder: Path, code: str, seconds: float = 20.0) -> CommandBackend:
    return CommandBackend([sys.executable, "-c", code], folder, "own-model", seconds)


def test_a_program_reads_the_prompt_and_its_output_is_the_reply(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['BR_MODEL'], os.getcwd(), sys.stdin.read().upper(), sep='|')"
    reply = run(tmp_path, code).answer(ASK, PROMPT)
    assert reply.text == f"some-model|{os.path.realpath(tmp_path)}|BE GOOD\n\nWRITE A FILE\n"
    assert (reply.stop, reply.backend, reply.cost, reply.model) == ("end_turn", "command", None, "some-model")
    assert reply.usage.input_tokens > 0 and reply.usage.output_tokens > 0 and "estimates" in reply.note


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.stderr.write('no quota left'); sys.exit(3)", "ended with 3: no quota left"),
        ("raise SystemExit(1)", "ended with 1: it said nothing"),
        ("pass", "printed nothing"),
        ("print('x' * 9_000_000)", "printed more than 8,388,608 bytes"),
        ("import time; time.sleep(60)", "gave no whole reply within 0.5 s"),
    ],
)
def test_a_program_that_fails_gives_no_reply(tmp_path: Path, code: str, said: str) -> None:
    with pytest.raises(BackendError) as failed:
        run(tmp_path, code, 0.5 if "sleep" in code else 20.0).answer(ASK, PROMPT)
    assert said in failed.value.message


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no-such-program cannot be run"):
        CommandBackend(["no-such-program"], tmp_path, "m").answer(ASK, PROMPT)
    with pytest.raises(InputError, match="has no command"):
        CommandBackend([], tmp_path, "m")


def test_a_project_is_built_by_a_program(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "project")
    box.write("files.json", json.dumps(FILES))
    box.write("model.py", MODEL)
    box.write("br.toml", f'[build]\nbackend = "command"\ncommand = ["{sys.executable}", "model.py"]\n')
    built = box.br("build", "-j", "2")
    assert built.code == 0 and len(box.tree()) == 6, built.out
    assert "2 sent" in built.out and "2 of unknown price" in built.out
    assert "up to date" in box.br("build").out
    assert "what a command answers is unknown" in box.br("build", "--max-cost", "1").out


MODEL = """\
import json, re, sys
prompt = sys.stdin.read()
mark = re.findall(r"<<<BR-([0-9a-f]+) MANIFEST", prompt)[-1]
paths = list(dict.fromkeys(re.findall(r'<<<BR-[0-9a-f]+ FILE path="([^"]+)">>>', prompt)))
files = json.load(open("files.json"))
for path in paths:
    print(f'<<<BR-{mark} FILE path="{path}">>>\\n{files[path]}<<<BR-{mark} END>>>')
print(f"<<<BR-{mark} MANIFEST count={len(paths)}>>>", *paths, f"<<<BR-{mark} DONE>>>", sep="\\n")
"""


# --- routing ------------------------------------------------------------------------------------------------------


def task(complexity: str) -> Task:
    return Task("f.a", "A", "f", "code", ("a.py",), complexity=complexity)  # type: ignore[arg-type]


def test_the_most_complex_task_of_an_ask_chooses_its_model() -> None:
    routes = Routes("middle", {"simple": "small", "complex": "large"}, plan="large")
    assert routes.first([task("simple"), task("simple")]) == "small"
    assert routes.first([task("simple"), task("medium")]) == "middle"
    assert routes.first([task("complex")]) == routes.again(task("complex")) == routes.planning() == "large"
    assert Routes("middle", {}, "repairer").again(task("simple")) == "repairer"
    assert Routes("middle").planning() == "middle" and routes.all == ("middle", "small", "large")


def test_a_build_asks_the_model_that_br_toml_names_and_another_after_a_failure(
    box: Sandbox, model: ModelServer
) -> None:
    box.write("br.toml", '[models]\nsimple = "claude-haiku-5-5"\ncomplex = "claude-opus-5"\nrepair = "claude-opus-5"\n')
    box.write(
        "rules/calc.yaml",
        RULES.replace(
            "layer: top, domain: backend, complexity: simple", "layer: top, domain: backend, complexity: complex"
        ),
    )
    right = dict(model.files)
    model.answer = lambda prompt, server: wrong(prompt, server) if len(server.prompts) == 1 else None
    built = box.br("build")
    assert built.code == 0, built.out
    assert model.models == ["claude-haiku-5-5", "claude-opus-5", "claude-opus-5"]
    assert model.files == right and "unknown price" not in built.out
    assert '"model": "claude-opus-5"' in box.read("br.lock")
    box.write("br.toml", '[models]\nsimple = "claude-sonnet-5-5"\n')
    assert "up to date" in box.br("build").out, "the model is in no Key"


def wrong(prompt: str, server: ModelServer) -> str:
    files = {path: server.files[path].replace("a + b", "a - b") for path in declared(prompt)}
    return write_reply(files, nonce(prompt))


def test_the_same_failure_twice_changes_the_strategy(box: Sandbox, model: ModelServer) -> None:
    box.write("br.toml", '[build]\nattempts = 3\n[models]\nrepair = "claude-sonnet-5"\nstuck = "claude-opus-5"\n')
    model.answer = lambda prompt, server: wrong(prompt, server) if len(server.prompts) <= 3 else None
    failed = box.br("build", "doubling")
    assert failed.code == 1 and box.asked == 3, failed.out
    told = ["The same was found at the attempt before" in prompt for prompt in model.prompts]
    assert told == [False, False, True]
    assert model.models[1:] == ["claude-sonnet-5", "claude-opus-5"]
    shown = box.br("task", "show", "adding", "--attempt", "2").out
    assert "attempt 2 of arithmetic.add-adding: claude-sonnet-5, 150 tokens, $" in shown
    assert "[tests]" in shown and "return a - b" in shown
    refused = box.br("task", "show", "adding", "--attempt", "9")
    assert refused.code == 3 and "there are: 1, 2, 3" in refused.out


def test_a_failure_is_the_same_whatever_numbers_it_names() -> None:
    first = [Finding("tests", "test_add: assert 5 == -1 at 0x7f3a\nmore", "tests/test_adding.py", 6)]
    again = [Finding("tests", "test_add: assert 7 == -2 at 0x81bc\nother", "tests/test_adding.py", 9)]
    other = [Finding("coverage", "60 % of the lines are covered", "calc/adding.py")]
    assert signature(first) == signature(again) != signature(other)
    assert signature([]) == frozenset()


def test_the_program_of_the_manual_works_as_it_stands(tmp_path: Path) -> None:
    manual = (Path(__file__).parent.parent / "docs" / "backends.md").read_text(encoding="utf-8")
    program = manual.split("```python\n")[1].split("```")[0]
    box = Sandbox(tmp_path / "project")
    box.write("my_model.py", program)
    box.write("br.toml", manual.split("```toml\n")[1].split("```")[0].replace("python3", sys.executable))
    with Local() as url:
        built = box.br("build", env={"MODEL_URL": url})
    assert built.code == 0 and len(box.tree()) == 6, built.out


class Local:
    """A server of the kind that the manual's program asks."""

    def __enter__(self) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                assert self.path == "/api/generate" and body["model"] == "some-local-model"
                files = {path: FILES[path] for path in declared(body["prompt"])}
                content = json.dumps({"response": write_reply(files, nonce(body["prompt"]))}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *unused: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *unused: object) -> None:
        self._server.shutdown()
        self._server.server_close()
