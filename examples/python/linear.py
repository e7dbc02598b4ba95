"""A fake Linear on this machine that records credentials, and the code of its tool."""

import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RECEIVED: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Answers with an issue, and records the credential."""

    def do_GET(self) -> None:
        RECEIVED.append(self.headers.get("authorization", ""))
        body = f"{self.path.strip('/')} is open: the lamp flickers".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def running() -> Iterator[str]:
    """Runs it; yields its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def get_issue(issue_id: str, api_token: str) -> str:
    """The code of a tool: it calls the provider with the key."""
    request = urllib.request.Request(f"{os.environ['LINEAR_URL']}/{issue_id}", headers={"authorization": api_token})
    with urllib.request.urlopen(request) as answer:
        text: str = answer.read().decode()
    return text
