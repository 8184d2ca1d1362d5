"""The Messages API through the real SDK, which is imported at the first ask. Its own retries are off.

The SDK passes truncated streams as success, obeys any retry-after and follows redirects with the prompt; so here: a
reply counts only when the stream said `message_stop`, one deadline and one byte cap bound it, nothing is redirected.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from brengine import prices
from brengine.asks import Ask, Prompt, Reply, Usage
from brengine.backends.retry import Fault, Gate, Patience
from brengine.budget import LONGER
from brengine.errors import NO_KEY, MissingKey
from brengine.events import Noted, Sink
from brengine.ports import Meter
from brengine.tokens import upper_bound

DEFAULT_URL = "https://api.anthropic.com"
WAITING_IS_CHEAP = (429, 503, 529)
RETRYABLE = (408, 409, 500, 502, 504)
TOLD = 3.0
"""Seconds from which on a pause is told."""
COUNTING = 10.0
"""Seconds that a count of tokens may take."""
FAULT_TYPES = {"overloaded_error": True, "rate_limit_error": True, "api_error": False, "timeout_error": False}
"""Error types that may come in a stream: True where they are waited out."""
KNOWN_STOPS = ("end_turn", "stop_sequence", "max_tokens", "refusal", "pause_turn", "model_context_window_exceeded")


def has_credentials(environ: Mapping[str, str]) -> bool:
    """True with a key or token, or with an endpoint of one's own, which may need none."""
    names = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    own = environ.get("ANTHROPIC_BASE_URL", "").rstrip("/") not in ("", DEFAULT_URL)
    return own or any(environ.get(name) for name in names)


class Failed(Exception):
    """A request that gave no reply."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(slots=True)
class Partial:
    """What has come of a stream so far."""

    text: list[str] = field(default_factory=list)
    started: bool = False
    stopped: bool = False
    stop: str = ""
    model: str = ""
    tokens: dict[str, int] = field(default_factory=dict)

    @property
    def usage(self) -> Usage:
        """The tokens told so far."""
        names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        return Usage(*(self.tokens.get(name, 0) for name in names))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds and bytes that one reply may take, and seconds that an ask may wait in all."""

    deadline: float = 900.0
    max_bytes: int = 8 * 1024 * 1024
    patience: float = 1800.0
    connect: float = 10.0


class AnthropicBackend:
    """Asks a Messages endpoint. Safe to use from several threads; a rate limit pauses them all."""

    name = "anthropic"
    paid = True

    def __init__(
        self,
        model: str,
        max_output_tokens: int,
        environ: Mapping[str, str],
        *,
        table: prices.Table,
        bounds: Bounds = Bounds(),
        meter: Meter | None = None,
        sink: Sink = lambda event: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = environ.get("ANTHROPIC_API_KEY", "")
        self._token = environ.get("ANTHROPIC_AUTH_TOKEN", "")
        self._url = environ.get("ANTHROPIC_BASE_URL") or DEFAULT_URL
        if not has_credentials(environ):
            raise MissingKey(NO_KEY)
        self._model = model
        self._max_output_tokens = max_output_tokens
        self._bounds = bounds
        self._meter = meter
        self._sink = sink
        self._prices = table
        self._sleep = sleep
        self._gate = Gate(time.monotonic, sleep)
        self._mutex = threading.Lock()
        self._counts = True
        """False once the endpoint gave no count of a prompt."""
        self._made: Any = None

    def answer(self, ask: Ask, prompt: Prompt) -> Reply:
        """The reply, with what cut replies before it cost as well. Raises BackendError without a key in its text."""
        patience, model = Patience(self._bounds.patience), ask.model or self._model
        tries: list[Usage] = []
        while True:
            broken = self._gate.broken()
            if broken:
                raise broken.error()
            self._gate.wait()
            partial = Partial()
            try:
                self._request(ask, prompt, partial)
                self._gate.answered()
                return self._reply(model, prompt, partial, tries)
            except Failed as failed:
                if ask.longer and failed.fault.kind == "http-400":  # this model may not answer at such length
                    self._gate.opened()
                    ask = replace(ask, longer=False)
                    continue
                tries.append(partial.usage)
                self._took(failed.fault, partial.usage)
                pause = patience.after(failed.fault)
                if pause is None:
                    raise failed.fault.error() from None
                if self._meter:
                    self._meter.allow()
                self._rest(failed.fault, pause)

    def _took(self, fault: Fault, usage: Usage) -> None:
        """A try gave no reply: others may try, and what it took is counted."""
        if fault.waits:
            self._gate.release()
        else:
            self._gate.opened()
            if fault.retryable:
                self._gate.failed()
        if self._meter:
            self._meter.count(usage)

    def _rest(self, fault: Fault, seconds: float) -> None:
        """Pause before the next try: everybody for a refusal, else this worker alone."""
        if not fault.waits:
            self._sleep(seconds)
            return
        self._gate.close_for(seconds)
        if seconds >= TOLD:
            self._sink(Noted(f"{fault.kind}: asking pauses for {seconds:.0f} s"))

    def count(self, ask: Ask, prompt: Prompt) -> int | None:
        """Tokens of a prompt by the endpoint's own count; None where it gives none. It is then not tried again."""
        if not self._counts or self._gate.busy:
            return None
        asked = self._arguments(ask, prompt)
        del asked["max_tokens"]
        try:
            found = self._client.messages.count_tokens(**asked, timeout=COUNTING).input_tokens
        except Exception:  # whatever it is, the estimate will do
            found = None
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
            return found
        self._counts = False
        return None

    def _reply(self, asked: str, prompt: Prompt, partial: Partial, before: list[Usage]) -> Reply:
        """The reply with the tokens and the cost of every try; each is priced by its own prompt's length."""
        text = "".join(partial.text)
        told = partial.usage.prompt and (partial.usage.output_tokens or not text)
        own = partial.usage if told else Usage(prompt.size, upper_bound(text))
        tries, note = [*before, own], "" if told else "tokens are estimates: the endpoint told none"
        model, today = partial.model or asked, datetime.now(UTC).date().isoformat()
        costs = [prices.cost(model, usage, self._prices, today) for usage in tries]
        priced = [dollars for dollars in costs if dollars is not None]
        dollars = sum(priced) if len(priced) == len(costs) else None
        counted = 0 if not told or before else own.prompt
        return Reply(text, partial.stop, sum(tries, Usage()), model, self.name, dollars, note, counted)

    def _request(self, ask: Ask, prompt: Prompt, partial: Partial) -> None:
        """One request, streamed into `partial`. Every way to fail ends in Failed."""
        end = time.monotonic() + self._bounds.deadline
        try:
            with self._client.messages.create(**self._arguments(ask, prompt), stream=True) as stream:
                self._gate.opened()
                for event in stream:
                    _take(event, partial)
        except Exception as error:  # the SDK lets raw httpx, JSON and assertion errors through
            if time.monotonic() > end:
                raise Failed(_late(self._bounds)) from None
            raise Failed(_cause(error) or self._fault(error)) from None
        if not (partial.started and partial.stopped and partial.stop in KNOWN_STOPS):
            raise Failed(Fault("the reply was cut before its end", "cut", retryable=True))

    def _arguments(self, ask: Ask, prompt: Prompt) -> dict[str, Any]:
        system = {"type": "text", "text": prompt.system, "cache_control": {"type": "ephemeral"}}
        return {
            "model": ask.model or self._model,
            "max_tokens": self._max_output_tokens * (LONGER if ask.longer else 1),
            "system": [system],
            "messages": [{"role": "user", "content": prompt.user}],
        }

    def close(self) -> None:
        """Close the connections that are kept open between asks."""
        with self._mutex:
            if self._made is not None:
                self._made.close()

    @property
    def _client(self) -> Any:
        with self._mutex:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Any:
        import anthropic
        import httpx2

        timeout = httpx2.Timeout(min(60.0, self._bounds.deadline), connect=self._bounds.connect)
        transport = _bounded_transport(self._bounds)
        http = httpx2.Client(trust_env=False, follow_redirects=False, timeout=timeout, transport=transport)
        credentials = {"auth_token": self._token} if self._token and not self._key else {"api_key": self._key or "none"}
        return anthropic.Anthropic(**credentials, base_url=self._url, max_retries=0, http_client=http)  # type: ignore[arg-type]

    def _fault(self, error: Exception) -> Fault:
        """What an exception of the SDK or below it means. No key leaves through its text."""
        status = getattr(error, "status_code", None)
        kind = str(getattr(error, "type", None) or "")
        text = self._redacted(f"{type(error).__name__}: {error}")[:300]
        if isinstance(status, int) and status != 200:
            return _by_status(status, text, error)
        if status == 200 or kind in FAULT_TYPES:
            return Fault(text, kind or "stream", kind in FAULT_TYPES, FAULT_TYPES.get(kind, False))
        return Fault(f"no whole reply from {self._url}: {text}", "connection", retryable=True)

    def _redacted(self, text: str) -> str:
        for secret in (self._key, self._token):
            if secret:
                text = text.replace(secret, "[key]")
        return text


def _bounded_transport(bounds: Bounds) -> Any:
    """An HTTP transport whose every response ends at the deadline and at the byte cap, whatever the SDK shows of it."""
    import httpx2

    class Counted(httpx2.SyncByteStream):
        def __init__(self, inner: Any, end: float) -> None:
            self._inner = inner
            self._end = end

        def __iter__(self) -> Any:
            size = 0
            for chunk in self._inner:
                size += len(chunk)
                if size > bounds.max_bytes:
                    raise Failed(Fault(f"the reply is larger than {bounds.max_bytes:,} bytes", "too-large"))
                if time.monotonic() > self._end:
                    raise Failed(_late(bounds))
                yield chunk

        def close(self) -> None:
            self._inner.close()

    class Bounded(httpx2.HTTPTransport):
        def handle_request(self, request: Any) -> Any:
            end = time.monotonic() + bounds.deadline
            response = super().handle_request(request)
            response.stream = Counted(response.stream, end)
            return response

    return Bounded(trust_env=False)


def _late(bounds: Bounds) -> Fault:
    return Fault(f"no whole reply within {bounds.deadline:g} s", "deadline", retryable=True)


def _cause(error: BaseException | None) -> Fault | None:
    """The Fault that was raised below the SDK, however it was wrapped."""
    while error is not None:
        if isinstance(error, Failed):
            return error.fault
        error = error.__cause__ or error.__context__
    return None


def _by_status(status: int, text: str, error: Exception) -> Fault:
    if "spend_limit" in f"{getattr(error, 'body', '')}{text}":
        return Fault(text, "spend-limit", hint="raise the limit, then build again")
    waits = status in WAITING_IS_CHEAP
    retryable = waits or status in RETRYABLE
    hint = "check ANTHROPIC_API_KEY" if status in (401, 403) else ""
    return Fault(f"{status}: {text}", f"http-{status}", retryable, waits, _retry_after(error), hint)


def _retry_after(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        seconds = float(headers.get("retry-after", ""))
    except (ValueError, TypeError, AttributeError):
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _take(event: Any, partial: Partial) -> None:
    """One event of the stream. Whatever is not of the known shape fails the request."""
    kind = event.type
    if kind == "message_start":
        if partial.started:
            raise Failed(Fault("two replies came in one stream", "malformed", retryable=True))
        partial.started = True
        partial.model = str(event.message.model)
        _count(event.message.usage, partial)
    elif kind == "content_block_delta" and event.delta.type == "text_delta":
        partial.text.append(event.delta.text)
    elif kind == "message_delta":
        partial.stop = str(event.delta.stop_reason)
        _count(event.usage, partial)
    elif kind == "message_stop":
        partial.stopped = True


def _count(usage: Any, partial: Partial) -> None:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    for name in names:
        value = getattr(usage, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            partial.tokens[name] = max(value, partial.tokens.get(name, 0))
