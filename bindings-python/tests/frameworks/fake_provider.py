"""A model provider on this machine that speaks OpenAI's chat completions and Anthropic's messages, streaming included, and
refuses what the real ones refuse. What the model says is a script; what it counts are the words that went in and out."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import itertools
import json
import threading
from typing import Any, Iterator


@dataclasses.dataclass
class Say:
    """The model answers with a text."""

    text: str


@dataclasses.dataclass
class Use:
    """The model calls a tool, which must have been offered."""

    tool: str
    arguments: dict[str, Any]


@dataclasses.dataclass
class Refuse:
    """The provider refuses."""

    status: int
    retry_after: float | None = None


Answer = Say | Use | Refuse


class Provider:
    """A script of answers, and what was asked."""

    def __init__(self, port: int, answers: list[Answer]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        #: The bodies of the requests that were answered or refused, in order.
        self.requests: list[dict[str, Any]] = []
        self.input_tokens = 0
        self.output_tokens = 0
        self._answers = answers
        self._lock = threading.Lock()
        self._ids = itertools.count(1)

    def answer(self, body: dict[str, Any]) -> Answer:
        """The next answer of the script."""
        with self._lock:
            self.requests.append(body)
            return self._answers.pop(0) if self._answers else Refuse(500)

    def count(self, asked: Any, answer: Say | Use) -> tuple[int, int]:
        """The tokens of an exchange."""
        said = answer.text if isinstance(answer, Say) else json.dumps(answer.arguments)
        spent = len(json.dumps(asked).split()), len(said.split())
        with self._lock:
            self.input_tokens += spent[0]
            self.output_tokens += spent[1]
        return spent

    def id(self, prefix: str) -> str:
        """A new id."""
        return f"{prefix}_{next(self._ids)}"

    @property
    def left(self) -> int:
        """How many answers nobody asked for."""
        return len(self._answers)


@contextlib.contextmanager
def provider(*answers: Answer) -> Iterator[Provider]:
    """A provider on a free port, which gives these answers, one for each request."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.provider = Provider(server.server_port, list(answers))  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.provider  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        path = self.path.partition("?")[0]
        dialects: dict[str, type[_ChatCompletions | _Messages]] = {
            "/v1/chat/completions": _ChatCompletions,
            "/v1/messages": _Messages,
        }
        speaks = dialects.get(path)
        if speaks is None:
            self._json(404, {"error": {"message": f"there is no {self.path}"}})
            return
        dialect = speaks(self.headers, body, provider)
        answer = provider.answer(body)
        if isinstance(answer, Refuse):
            headers = {} if answer.retry_after is None else {"retry-after": str(answer.retry_after)}
            self._json(answer.status, dialect.error(answer.status, f"scripted: {answer.status}"), headers)
        elif (wrong := dialect.wrong(answer)) is not None:
            self._json(400, dialect.error(400, wrong))
        elif body.get("stream"):
            self._events(dialect.events(answer))
        else:
            self._json(200, dialect.whole(answer))

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        for name, content in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, content)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _events(self, events: Iterator[str]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(f"{event}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True


class _ChatCompletions:
    """OpenAI's."""

    def __init__(self, headers: Any, body: dict[str, Any], provider: Provider) -> None:
        self._headers, self._body, self._provider = headers, body, provider

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}

    def wrong(self, answer: Say | Use) -> str | None:
        """What the real one would not take."""
        if not str(self._headers.get("authorization")).startswith("Bearer "):
            return "You didn't provide an API key."
        if not self._body.get("model") or not self._body.get("messages"):
            return "you must provide a model and messages"
        asked: set[str] = set()
        for message in self._body["messages"]:
            if message["role"] == "tool":
                if message["tool_call_id"] not in asked:
                    return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
                asked.remove(message["tool_call_id"])
            elif asked:
                return f"an assistant message with 'tool_calls' must be followed by tool messages: {asked}"
            asked |= {call["id"] for call in message.get("tool_calls") or []}
        if asked:
            return f"an assistant message with 'tool_calls' must be followed by tool messages: {asked}"
        offered = {tool["function"]["name"] for tool in self._body.get("tools") or []}
        if isinstance(answer, Use) and answer.tool not in offered:
            return f"scripted: the tool {answer.tool} was not offered, only {offered}"
        return None

    def _base(self, kind: str) -> dict[str, Any]:
        id = self._provider.id("chatcmpl")
        return {"id": id, "object": kind, "created": 1_767_225_600, "model": self._body["model"]}

    def _usage(self, answer: Say | Use) -> dict[str, int]:
        given, said = self._provider.count(self._body["messages"], answer)
        return {"prompt_tokens": given, "completion_tokens": said, "total_tokens": given + said}

    def _message(self, answer: Say | Use) -> dict[str, Any]:
        if isinstance(answer, Say):
            return {"role": "assistant", "content": answer.text}
        function = {"name": answer.tool, "arguments": json.dumps(answer.arguments)}
        call = {"id": self._provider.id("call"), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}

    def whole(self, answer: Say | Use) -> dict[str, Any]:
        reason = "stop" if isinstance(answer, Say) else "tool_calls"
        choice = {"index": 0, "message": self._message(answer), "finish_reason": reason, "logprobs": None}
        return {**self._base("chat.completion"), "choices": [choice], "usage": self._usage(answer)}

    def events(self, answer: Say | Use) -> Iterator[str]:
        base = self._base("chat.completion.chunk")

        def chunk(delta: dict[str, Any], reason: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            return f"data: {json.dumps({**base, 'choices': [choice]})}"

        message = self._message(answer)
        if isinstance(answer, Say):
            yield chunk({"role": "assistant", "content": ""})
            for piece in pieces(answer.text):
                yield chunk({"content": piece})
            yield chunk({}, "stop")
        else:
            [call] = message["tool_calls"]
            begun = {**call, "index": 0, "function": {"name": answer.tool, "arguments": ""}}
            yield chunk({"role": "assistant", "content": None, "tool_calls": [begun]})
            for piece in pieces(call["function"]["arguments"]):
                yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            yield chunk({}, "tool_calls")
        if (self._body.get("stream_options") or {}).get("include_usage"):
            yield f"data: {json.dumps({**base, 'choices': [], 'usage': self._usage(answer)})}"
        yield "data: [DONE]"


class _Messages:
    """Anthropic's."""

    def __init__(self, headers: Any, body: dict[str, Any], provider: Provider) -> None:
        self._headers, self._body, self._provider = headers, body, provider

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = {429: "rate_limit_error", 529: "overloaded_error", 400: "invalid_request_error"}.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": self._provider.id("req")}

    def wrong(self, answer: Say | Use) -> str | None:
        """What the real one would not take."""
        if not (self._headers.get("x-api-key") or str(self._headers.get("authorization")).startswith("Bearer ")):
            return "x-api-key: header is required"
        if not self._headers.get("anthropic-version"):
            return "anthropic-version: header is required"
        for field in ("model", "max_tokens", "messages"):
            if not self._body.get(field):
                return f"{field}: Field required"
        if self._body["messages"][0]["role"] != "user":
            return 'messages: first message must use the "user" role'
        offered = {tool["name"] for tool in self._body.get("tools") or []}
        if isinstance(answer, Use) and answer.tool not in offered:
            return f"scripted: the tool {answer.tool} was not offered, only {offered}"
        return None

    def _usage(self, answer: Say | Use) -> dict[str, int]:
        given, said = self._provider.count(self._body["messages"], answer)
        # One token of the input comes from the cache, which this API counts beside it.
        return {
            "input_tokens": given - 1,
            "cache_read_input_tokens": 1,
            "cache_creation_input_tokens": 0,
            "output_tokens": said,
        }

    def _block(self, answer: Say | Use) -> dict[str, Any]:
        if isinstance(answer, Say):
            return {"type": "text", "text": answer.text}
        return {"type": "tool_use", "id": self._provider.id("toolu"), "name": answer.tool, "input": answer.arguments}

    def whole(self, answer: Say | Use) -> dict[str, Any]:
        return {
            "id": self._provider.id("msg"),
            "type": "message",
            "role": "assistant",
            "model": self._body["model"],
            "content": [self._block(answer)],
            "stop_reason": "end_turn" if isinstance(answer, Say) else "tool_use",
            "stop_sequence": None,
            "usage": self._usage(answer),
        }

    def events(self, answer: Say | Use) -> Iterator[str]:
        def event(kind: str, **fields: Any) -> str:
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}"

        whole = self.whole(answer)
        usage, [block] = whole["usage"], whole["content"]
        begun = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
        yield event("message_start", message=begun)
        if isinstance(answer, Say):
            yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            yield event("ping")
            for piece in pieces(answer.text):
                yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        else:
            yield event("content_block_start", index=0, content_block={**block, "input": {}})
            for piece in pieces(json.dumps(answer.arguments)):
                yield event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": piece})
        yield event("content_block_stop", index=0)
        ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield event("message_delta", delta=ended, usage={"output_tokens": usage["output_tokens"]})
        yield event("message_stop")


def pieces(text: str, size: int = 7) -> list[str]:
    """The text in pieces, as a model writes it."""
    return [text[at : at + size] for at in range(0, len(text), size)]
