"""The OpenID provider of tests/oidc as a process, and tokens from it."""

import base64
import json
import os
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path


class Provider:
    """One provider with its own keys."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        environment = os.environ | {"TOOLVAULT_TEST_OIDC_ATTACHED": "1"}
        self.process = subprocess.Popen(
            ["node", str(folder / "provider.mjs"), str(port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the provider did not start")
        self.ready = json.loads(line)

    @property
    def port(self) -> int:
        return urllib.parse.urlsplit(self.ready["issuer"]).port

    def token(self, resource: str = "RS256", scope: str | None = None) -> str:
        """An access token by client_credentials for the resource of this algorithm or flaw."""
        form = {"grant_type": "client_credentials", "resource": self.ready["resources"][resource]}
        if scope is not None:
            form["scope"] = scope
        identity = f"{self.ready['client_id']}:{self.ready['client_secret']}".encode()
        request = urllib.request.Request(self.ready["token_url"], urllib.parse.urlencode(form).encode())
        request.add_header("authorization", f"Basic {base64.b64encode(identity).decode()}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["access_token"]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def part(token: str, position: int) -> dict:
    """The header (0) or the claims (1) of a token."""
    text = token.split(".")[position]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def with_header(token: str, **members: object) -> str:
    """The token with changed header members and the old signature."""
    _, claims, signature = token.split(".")
    return f"{encoded(json.dumps(part(token, 0) | members).encode())}.{claims}.{signature}"


def with_claims(token: str, **members: object) -> str:
    """The token with changed claims and the old signature."""
    header, _, signature = token.split(".")
    return f"{header}.{encoded(json.dumps(part(token, 1) | members).encode())}.{signature}"
