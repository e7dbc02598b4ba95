"""A fake Linear that records credentials, and a scripted model; both on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["dict[str, Any]", str], bytes]


@contextmanager
def answering(answer: Answer, media_type: str) -> Iterator[str]:
    """Runs a server that answers each JSON body with a function of it and `Authorization`; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            content = answer(body, self.headers.get("authorization", ""))
            self.send_response(200)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Linear:
    """`received` has the credential of each request."""

    def __init__(self) -> None:
        self.received: list[str] = []

    def answer(self, body: dict[str, Any], authorization: str) -> bytes:
        self.received.append(authorization)
        if "viewer" in body["query"]:
            data: dict[str, Any] = {"viewer": {"id": "u1", "name": "Ada", "email": "ada@example.com"}}
        else:
            data = {"issue": {"id": "ENG-42", "title": "Broken lamp", "description": "It flickers."}}
        return json.dumps({"data": data}).encode()


class Model:
    """Calls the tools of a script in order, then says what they answered. `received` has all requests."""

    def __init__(self, *script: tuple[str, dict[str, Any]]) -> None:
        self.script = script
        self.received: list[dict[str, Any]] = []

    def answer(self, body: dict[str, Any], _: str) -> bytes:
        self.received.append(body)
        results = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        delta: dict[str, Any] = {"role": "assistant"}
        if len(results) < len(self.script):
            name, arguments = self.script[len(results)]
            function = {"name": name, "arguments": json.dumps(arguments)}
            delta["tool_calls"] = [{"index": 0, "id": f"call-{len(results)}", "type": "function", "function": function}]
        else:
            delta["content"] = "Found: " + "; ".join(results)
        end = "tool_calls" if "tool_calls" in delta else "stop"
        parts = [{"index": 0, "delta": delta, "finish_reason": None}, {"index": 0, "delta": {}, "finish_reason": end}]
        frame = {"id": "scripted", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}
        lines = [f"data: {json.dumps({**frame, 'choices': [part]})}\n\n" for part in parts]
        return "".join([*lines, "data: [DONE]\n\n"]).encode()
