"""A person with a browser who signs in at an authorization server."""

import asyncio
import http.client
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

TIMEOUT = 30
MOST_STEPS = 12


class Browser:
    """Follows redirects with cookies, up to the redirect URI."""

    def __init__(self) -> None:
        self.cookies: dict[tuple[str, str], str] = {}

    def ask(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str, bytes]:
        """One request; returns the status, the absolute address of a redirect, and the body."""
        parts = urlsplit(url)
        kept = "; ".join(f"{name}={value}" for (host, name), value in self.cookies.items() if host == parts.netloc)
        headers = {"Cookie": kept} if kept else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request("GET" if form is None else "POST", target, form and urlencode(form), headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or []:
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[parts.netloc, name] = morsel.value
            return answer.status, urljoin(url, answer.headers.get("Location", "")), answer.read()
        finally:
            connection.close()

    def sign_in(self, url: str, redirect: str, name: str) -> str:
        """Says who one is where a form asks for it; returns the address of the answer, which is not opened."""
        form = None
        for _ in range(MOST_STEPS):
            status, location, body = self.ask(url, form)
            form = None
            if location.startswith(redirect + "?"):
                return location
            if status in (302, 303):
                url = location
            elif status == 200 and b"<form" in body:
                form = {"name": name, "act": "go"}
            else:
                raise RuntimeError(f"{status} at {url}: {body[:300]!r}")
        raise RuntimeError(f"too many redirects, the last to {url}")


async def sign_in(url: str, redirect: str, name: str = "") -> str:
    """As a person with a new browser."""
    return await asyncio.to_thread(Browser().sign_in, url, redirect, name)


async def connect(user, server: str, name: str = "", **further: object) -> dict:
    """Signs a user of the gateway in at a server through the API; returns the connection."""
    redirect = "http://127.0.0.1:4711/callback"
    begun = await user.ask("POST", f"/v1/connections/{server}/begin", {"redirect_port": 4711, **further})
    if begun.status != 200:
        raise RuntimeError(f"begin: {begun.status} {begun.body.decode(errors='replace')}")
    answer = await sign_in(begun.json()["url"], redirect, name)
    body = {"flow": begun.json()["flow"], "answer": urlsplit(answer).query}
    done = await user.ask("POST", f"/v1/connections/{server}/complete", body)
    if done.status != 200:
        raise RuntimeError(f"complete: {done.status} {done.body.decode(errors='replace')}")
    return done.json()
