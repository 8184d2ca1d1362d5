"""Backends: the real SDK against a loopback server that misbehaves; recorded and hand-written replies."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_server import _stream, write_reply

from brengine import places, recordings
from brengine.asks import Ask, Member, Prompt, Reply, Usage, Waiting
from brengine.backends import retry
from brengine.backends.anthropic_api import AnthropicBackend, Bounds
from brengine.backends.manual import MAX_BYTES, ManualBackend
from brengine.backends.replay import Recorder, ReplayBackend
from brengine.backends.retry import Fault, Gate, Patience
from brengine.errors import BackendError, InputError, MissingKey
from brengine.events import Noted
from brengine.reply import parse
from brengine.settings import Settings
from brengine.tokens import upper_bound

KEY = "sk-ant-the-key-that-must-not-leak"
ASK = Ask((Member("f.a", "k" * 64, "r" * 64, 1), Member("f.b", "j" * 64, "s" * 64, 1)))
PROMPT = Prompt("system text", "user text", "abc123", "task@1")
GOOD = _stream("hello", "claude-sonnet-5-5")

TABLE = places.read_prices(places.Places(Path("/nonexistent"), Path("/nonexistent")), Settings())

Step = Callable[[BaseHTTPRequestHandler], None]


def send(status: int, body: bytes, kind: str = "text/event-stream", **headers: str) -> Step:
    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return step


def error(status: int, kind: str, **headers: str) -> Step:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": f"no, {KEY}"}}).encode()
    return send(status, body, "application/json", **headers)


def cut(body: bytes, announce: bool = True) -> Step:
    """Half of a stream, then the connection goes: with a length that is not met, or just closed."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        if announce:
            handler.send_header("content-length", str(len(body) * 2))
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return step


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.end_headers()
    for _ in range(40):
        try:
            handler.wfile.write(b'event: ping\ndata: {"type": "ping"}\n\n')
            handler.wfile.flush()
        except OSError:
            return
        time.sleep(0.1)


def edited(old: str, new: str) -> bytes:
    assert old.encode() in GOOD
    return GOOD.replace(old.encode(), new.encode())


@contextmanager
def serving(*steps: Step) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """A server that plays one step per request, the last one again and again; answers its address and the bodies."""
    bodies: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            steps[min(len(bodies), len(steps)) - 1](self)

        def log_message(self, *unused: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
    finally:
        server.shutdown()
        server.server_close()


def asked(*steps: Step, **bounds: float) -> tuple[Reply | BackendError, list[dict[str, object]], list[float]]:
    """Ask a server that plays these steps; answers the reply or error, the requests and the waits."""
    waits: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    with serving(*steps) as (url, bodies):
        environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        backend = AnthropicBackend(
            "claude-sonnet-5-5", 1000, environ, table=TABLE, bounds=Bounds(**bounds), sleep=sleep
        )  # type: ignore[arg-type]
        backend._gate = Gate(lambda: clock[0], sleep)
        try:
            return backend.answer(ASK, PROMPT), bodies, waits
        except BackendError as raised:
            return raised, bodies, waits
        finally:
            backend.close()


def test_a_reply_with_its_tokens_and_cost() -> None:
    reply, bodies, waits = asked(send(200, GOOD))
    assert isinstance(reply, Reply)
    assert (reply.text, reply.stop, reply.model) == ("hello", "end_turn", "claude-sonnet-5-5")
    assert (reply.usage, waits) == (Usage(100, 50), []) and reply.cost == pytest.approx((100 * 2 + 50 * 10) / 1e6)
    (body,) = bodies
    assert body["stream"] is True and body["max_tokens"] == 1000
    assert body["system"] == [{"type": "text", "text": "system text", "cache_control": {"type": "ephemeral"}}]


def test_overload_and_rate_limits_are_waited_out_as_told() -> None:
    reply, bodies, waits = asked(
        error(529, "overloaded_error"), error(429, "rate_limit_error", retry_after="7"), send(200, GOOD)
    )
    assert isinstance(reply, Reply) and len(bodies) == 3
    assert len(waits) == 2 and 0 <= waits[0] <= 1 and waits[1] == 7


def test_a_retry_after_is_clamped_and_waiting_has_an_end() -> None:
    failed, bodies, waits = asked(error(429, "rate_limit_error", retry_after="86400"), patience=300)
    assert isinstance(failed, BackendError) and failed.kind == "http-429"
    assert waits == [120, 120] and len(bodies) == 3


CUTS = {
    "cut": cut(GOOD[: len(GOOD) // 2]),
    "closed": cut(GOOD[: GOOD.index(b"event: message_delta")], announce=False),
    "html": send(200, b"<html>hi</html>", "text/html"),
    "broken json": send(200, edited('"text": "hello"', '"text": "hel')),
    "no message_stop": send(200, GOOD[: GOOD.index(b"event: message_stop")]),
    "twice": send(200, GOOD[: GOOD.index(b"event: content_block_start")] + GOOD),
    "unknown stop": send(200, edited('"stop_reason": "end_turn"', '"stop_reason": "bored"')),
    "500": error(500, "api_error"),
    "in-stream overload": send(200, b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'),
}


@pytest.mark.parametrize("name", CUTS)
def test_what_is_no_whole_reply_is_asked_for_again(name: str) -> None:
    reply, bodies, _ = asked(CUTS[name], send(200, GOOD))
    assert isinstance(reply, Reply), reply
    assert (reply.text, len(bodies)) == ("hello", 2)
    if name in ("no message_stop", "unknown stop"):
        assert reply.usage == Usage(200, 100), "what the cut reply cost is counted"


def test_tries_are_bounded() -> None:
    failed, bodies, _ = asked(CUTS["closed"])
    assert isinstance(failed, BackendError) and len(bodies) == retry.TRIES


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error")]
)
def test_what_no_retry_can_mend_is_sent_once_and_shows_no_key(status: int, kind: str) -> None:
    failed, bodies, waits = asked(error(status, kind))
    assert isinstance(failed, BackendError) and len(bodies) == 1 and waits == []
    assert KEY not in str(failed) + failed.hint and str(status) in str(failed)


def test_a_spend_limit_is_not_waited_for() -> None:
    body = {
        "type": "error",
        "error": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}},
    }
    failed, bodies, _ = asked(send(429, json.dumps(body).encode(), "application/json"))
    assert isinstance(failed, BackendError) and failed.kind == "spend-limit" and len(bodies) == 1


@pytest.mark.parametrize("stop", ["max_tokens", "refusal"])
def test_a_reply_that_ended_otherwise_says_so(stop: str) -> None:
    reply, bodies, _ = asked(send(200, edited("end_turn", stop)))
    assert isinstance(reply, Reply) and reply.stop == stop and len(bodies) == 1


def test_a_reply_has_a_deadline_and_a_size() -> None:
    failed, _, _ = asked(drip, deadline=0.3)
    assert isinstance(failed, BackendError) and failed.kind == "deadline"
    failed, bodies, _ = asked(send(200, _stream("x" * 5000, "m")), max_bytes=1000)
    assert isinstance(failed, BackendError) and failed.kind == "too-large" and len(bodies) == 1


def test_a_redirect_is_not_followed_with_the_prompt() -> None:
    with serving(send(200, GOOD)) as (elsewhere, stolen):
        failed, bodies, _ = asked(send(307, b"", Location=f"{elsewhere}/v1/messages"))
        assert isinstance(failed, BackendError) and stolen == [] and len(bodies) == 1


def test_without_a_key_there_is_no_backend_and_an_unknown_price_is_none() -> None:
    with pytest.raises(MissingKey, match="ANTHROPIC_API_KEY is not set"):
        AnthropicBackend("m", 1, {"ANTHROPIC_BASE_URL": "https://api.anthropic.com/"}, table={})
    with serving(send(200, GOOD)) as (url, _):
        own = AnthropicBackend("m", 1, {"ANTHROPIC_BASE_URL": url}, table={})
        assert own.answer(ASK, PROMPT).text == "hello", "an endpoint of one's own may need no key"
        own.close()
    reply, _, _ = asked(send(200, _stream("x", "some-other-model")))
    assert isinstance(reply, Reply) and reply.cost is None


def test_many_failures_in_a_row_break_the_circuit_for_everyone() -> None:
    now = [100.0]
    gate = Gate(lambda: now[0], lambda seconds: None)
    for _ in range(retry.BREAK_AFTER - 1):
        gate.failed()
    assert gate.broken() is None
    gate.failed()
    fault = gate.broken()
    assert fault and not fault.retryable and "the last 8 requests failed" in fault.message
    now[0] += retry.BREAK_FOR
    assert gate.broken() is None and gate.broken() is not None, "one finds out, the others are not sent"
    gate.answered()
    assert gate.broken() is None


def test_an_endpoint_that_is_gone_is_not_hammered_by_many_workers() -> None:
    with serving(CUTS["closed"]) as (url, bodies):
        environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        backend = AnthropicBackend("claude-sonnet-5-5", 1000, environ, table=TABLE, sleep=lambda seconds: None)
        errors: list[str] = []

        def ask() -> None:
            with pytest.raises(BackendError) as raised:
                backend.answer(ASK, PROMPT)
            errors.append(raised.value.kind)

        for _ in range(5):
            workers = [threading.Thread(target=ask) for _ in range(8)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        backend.close()
    assert len(errors) == 40 and errors[8:] == ["broken"] * 32 and len(bodies) <= 16


def test_counting_tokens_takes_nobodys_turn_during_a_pause() -> None:
    """Who counts is not who finds out whether a trouble is over: everybody else would wait for that for ever."""
    with serving(error(429, "rate_limit_error"), send(200, GOOD)) as (url, bodies):
        environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        backend = AnthropicBackend("claude-sonnet-5-5", 1000, environ, table=TABLE)
        backend._gate.close_for(0.3)
        assert backend.count(ASK, PROMPT) is None and not bodies and backend._counts
        answers: list[object] = []
        threads = [
            threading.Thread(target=lambda: answers.append(backend.answer(ASK, PROMPT)), daemon=True) for _ in "abc"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(answers) == 3, "nobody waits for ever"
        backend.close()


def test_a_try_after_a_break_that_is_refused_leaves_the_turn_to_others() -> None:
    now = [0.0]
    gate = Gate(lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
    for _ in range(retry.BREAK_AFTER):
        gate.failed()
    now[0] += retry.BREAK_FOR
    assert gate.broken() is None
    gate.wait()
    gate.release()  # the one that finds out meets a 429
    gate.close_for(1.0)
    assert gate.broken() is not None, "looked at before anybody takes a turn"
    now[0] += retry.BREAK_FOR
    assert gate.broken() is None
    gate.wait()
    assert gate.trying and now[0] < 1000


def test_a_long_pause_is_told() -> None:
    told: list[object] = []
    with serving(send(429, b"", **{"retry-after": "7"}), send(529, b"", **{"retry-after": "1"}), send(200, GOOD)) as (
        url,
        _,
    ):
        environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        clock = [0.0]
        backend = AnthropicBackend("claude-sonnet-5-5", 1000, environ, table=TABLE, sink=told.append)
        backend._gate = Gate(lambda: clock[0], lambda seconds: clock.__setitem__(0, clock[0] + seconds))
        assert isinstance(backend.answer(ASK, PROMPT), Reply)
        backend.close()
    assert told == [Noted("http-429: asking pauses for 7 s")]


def test_an_answer_that_may_not_be_longer_is_asked_for_as_before() -> None:
    longer = replace(ASK, longer=True)
    with serving(error(400, "invalid_request_error"), send(200, GOOD)) as (url, bodies):
        environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        backend = AnthropicBackend("claude-sonnet-5-5", 1000, environ, table=TABLE)
        assert isinstance(backend.answer(longer, PROMPT), Reply)
        assert [body["max_tokens"] for body in bodies] == [2000, 1000]
        backend.close()


def test_only_a_prompt_that_was_counted_in_one_try_is_learned_from() -> None:
    first, _, _ = asked(send(200, GOOD))
    again, _, _ = asked(CUTS["no message_stop"], send(200, GOOD))
    silent, _, _ = asked(send(200, edited('"input_tokens": 100', '"input_tokens": 0')))
    assert [reply.prompt_tokens for reply in (first, again, silent) if isinstance(reply, Reply)] == [100, 0, 0]


def test_where_an_endpoint_tells_no_tokens_they_are_estimated() -> None:
    odd = [edited('{"input_tokens": 100, "output_tokens": 1}', usage) for usage in ("null", '{"input_tokens": "many"}')]
    for stream in (
        *odd,
        edited('"input_tokens": 100', '"input_tokens": 0'),
        edited('"input_tokens": 100', '"input_tokens": -5'),
    ):
        reply, _, _ = asked(send(200, stream))
        assert isinstance(reply, Reply) and reply.note == "tokens are estimates: the endpoint told none", reply
        assert reply.usage == Usage(PROMPT.size, upper_bound("hello")) and reply.cost


def test_a_pause_holds_for_everyone() -> None:
    clock, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    gate = Gate(lambda: clock[0], sleep)
    gate.wait()
    gate.close_for(5)
    gate.close_for(3)
    gate.wait()
    assert slept == [5]


def test_after_a_pause_one_tries_and_the_others_wait_for_what_comes_of_it() -> None:
    gate = Gate(time.monotonic, time.sleep)
    gate.close_for(0.05)
    came: list[int] = []
    held = threading.Event()

    def send(number: int) -> None:
        gate.wait()
        came.append(number)
        held.wait(5)

    workers = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    time.sleep(0.4)
    assert len(came) == 1, "one finds out"
    gate.release()
    time.sleep(0.3)
    assert len(came) == 2, "it had no answer: another finds out"
    gate.opened()
    time.sleep(0.3)
    assert len(came) == 6
    held.set()
    for worker in workers:
        worker.join()


@given(st.integers(1, 60))
def test_waits_are_jittered_and_bounded(number: int) -> None:
    assert 0 <= retry.backoff(number) <= min(60, 2 ** (number - 1))


def test_patience_counts_waits_and_tries_apart() -> None:
    patience = Patience(1000)
    for _ in range(20):
        assert patience.after(Fault("m", "k", retryable=True, waits=True, retry_after=1)) == 1
    assert patience.tries == 0
    assert patience.after(Fault("m", "k")) is None


# --- recorded and hand-written replies ----------------------------------------------------------------------------


class Once:
    """A backend that gives one reply."""

    name = "once"
    paid = False

    def __init__(self, answer: Reply | Waiting) -> None:
        self.given = answer

    def answer(self, ask: Ask, prompt: Prompt) -> Reply | Waiting:
        return self.given


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_recording_comes_back_as_it_was(text: str) -> None:
    made = recordings.of(ASK, PROMPT, Reply(text, "end_turn", Usage(1, 2, 3, 4), "m", "b", 0.1, "a note"))
    assert recordings.read(recordings.write(made), "x") == made


@pytest.mark.parametrize(
    "text",
    ["", "hello", "<!-- br-recording {} -->\n", "<!-- br-recording { -->\n", '<!-- br-recording {"version": 2} -->\n'],
)
def test_what_is_no_recording_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match=r"x\.md is no recording"):
        recordings.read(text, "x.md")


def test_replies_are_recorded_and_replayed_with_the_present_nonce(tmp_path: Path) -> None:
    text = '<<<BR-abc123 FILE path="a">>>\nabc123\n<<<BR-abc123 END>>>\n'
    Recorder(Once(Reply(text, "end_turn", Usage(5, 6), "m")), tmp_path).answer(ASK, PROMPT)
    backend = ReplayBackend(tmp_path)
    later = Prompt("s", "u", "fff", "task@2")
    reply = backend.answer(ASK, later)
    assert isinstance(reply, Reply)
    assert reply.text == '<<<BR-fff FILE path="a">>>\nabc123\n<<<BR-fff END>>>\n'
    assert (reply.usage, reply.cost, reply.backend) == (Usage(5, 6), 0.0, "replay")
    alone = Ask(ASK.members[:1])
    assert isinstance(backend.answer(alone, later), Reply), "a part of what was asked is answered too"
    for other in (Member("f.a", "k" * 64, "x" * 64, 1), Member("f.a", "k" * 64, "r" * 64, 2)):
        with pytest.raises(BackendError, match=r"no recording for this change: f\.a") as raised:
            backend.answer(Ask((other,)), later)
        assert raised.value.kind == "no-recording"


def test_an_ask_whose_members_were_recorded_apart_gets_their_files_together(tmp_path: Path) -> None:
    members = [Member(f"f.{name}", "k" * 64, "r" * 64, 1) for name in "abc"]
    for member in members:
        name = member.task[-1]
        text = write_reply({f"{name}.py": f"{name} = 1\n"}, "abc123", notes=f"DECISIONS: {name}")
        Recorder(Once(Reply(text, "end_turn", Usage(5, 6), "m")), tmp_path).answer(Ask((member,)), PROMPT)
    reply = ReplayBackend(tmp_path).answer(Ask(tuple(members[:2])), Prompt("s", "u", "fff", "task@2"))
    assert isinstance(reply, Reply) and reply.usage == Usage(10, 12)
    parsed = parse(reply.text, "fff", frozenset(["a.py", "b.py"]))
    assert not parsed.findings and [change.content for change in parsed.files] == ["a = 1\n", "b = 1\n"]
    assert "DECISIONS: a" in parsed.notes and "DECISIONS: b" in parsed.notes
    with pytest.raises(BackendError, match="no recording"):
        ReplayBackend(tmp_path).answer(Ask((*members, replace(members[0], task="f.d"))), PROMPT)


def test_promise_3_recording_never_loses_a_reply_and_keeps_its_line_ends(tmp_path: Path) -> None:
    given = Reply("a\r\nb\n\ud800", "end_turn")
    assert Recorder(Once(given), tmp_path).answer(ASK, PROMPT) is given
    replayed = ReplayBackend(tmp_path).answer(ASK, PROMPT)
    assert isinstance(replayed, Reply) and replayed.text == "a\r\nb\n?"


def test_each_try_is_priced_by_its_own_length() -> None:
    whole = _stream("hello", "claude-haiku-5-5").replace(b'"input_tokens": 100', b'"input_tokens": 60000')
    reply, bodies, _ = asked(send(200, whole[: whole.index(b"event: message_stop")]), send(200, whole))
    assert isinstance(reply, Reply) and len(bodies) == 2
    assert reply.cost == pytest.approx(2 * (60_000 * 0.10 + 50 * 0.50) / 1e6)


def test_a_waiting_answer_is_not_recorded(tmp_path: Path) -> None:
    waiting = Waiting("p", "r")
    assert Recorder(Once(waiting), tmp_path / "rec").answer(ASK, PROMPT) is waiting
    assert not (tmp_path / "rec").exists()


def test_a_person_finds_the_prompt_and_leaves_the_reply(tmp_path: Path) -> None:
    backend = ManualBackend(tmp_path)
    waiting = backend.answer(ASK, PROMPT)
    assert isinstance(waiting, Waiting)
    assert Path(waiting.prompt_path).read_text() == "system text\n---\n\nuser text"
    Path(waiting.reply_path).write_text("  \n")
    assert isinstance(backend.answer(ASK, PROMPT), Waiting), "an empty file is no reply"
    Path(waiting.reply_path).write_bytes(b"\xef\xbb\xbfhello\r\n")
    reply = backend.answer(ASK, PROMPT)
    assert isinstance(reply, Reply) and (reply.text, reply.cost) == ("hello\n", 0.0)
    Path(waiting.reply_path).write_bytes(b"\xff\xfe")
    with pytest.raises(BackendError, match="not UTF-8"):
        backend.answer(ASK, PROMPT)
    Path(waiting.reply_path).write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(BackendError, match="larger than"):
        backend.answer(ASK, PROMPT)
