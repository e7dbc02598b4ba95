"""The server's address, the key, and the user for whom a key with `any_user` acts."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from ..confidential import Confidential
from ..errors import ConfigurationError

DEFAULT_URL = "http://127.0.0.1:8710"
URL = "TOOLVAULT_URL"
API_KEY = "TOOLVAULT_API_KEY"
API_KEY_FILE = "TOOLVAULT_API_KEY_FILE"


# By client, because an ID names a user of one server only. A context variable: tasks and threads do not share it.
_acting: ContextVar[Mapping[Users, str]] = ContextVar("toolvault_users", default=MappingProxyType({}))


class Users:
    """The user of one client, now: the one of a call, else of the context, else of the client."""

    def __init__(self, default: str | None) -> None:
        self._default = None if default is None else checked(default)

    @contextmanager
    def acting_for(self, user: str) -> Iterator[None]:
        """Within this block, and in tasks that begin in it, the client acts for this user."""
        token = _acting.set({**_acting.get(), self: checked(user)})
        try:
            yield
        finally:
            _acting.reset(token)

    def now(self, user: str | None = None) -> str | None:
        """The user for whom a request is sent; None for the key's own user."""
        return _acting.get().get(self, self._default) if user is None else checked(user)


def checked(user: str) -> str:
    """The ID. Raises `ValueError` for one that no user has: it must not fall back to another user."""
    if not isinstance(user, str) or not user or any(not "!" <= one <= "~" for one in user):
        raise ValueError("a user's ID is a text of visible ASCII characters")
    return user


class Changes:
    """The changes that a client made to secrets. What was read before the last one may be outdated."""

    def __init__(self) -> None:
        self.last = object()

    def made(self) -> None:
        """Notes a change."""
        self.last = object()


@dataclass(frozen=True)
class Settings:
    """The settings of a client. `timeout` is in seconds, for an operation with its connection and its retries."""

    url: str
    api_key: Confidential
    users: Users
    timeout: float
    retries: int
    verify: ssl.SSLContext | bool
    changes: Changes = field(default_factory=Changes)

    @property
    def is_encrypted(self) -> bool:
        """Whether requests use TLS."""
        return self.url.startswith("https:")


def settings(
    url: str | None,
    api_key: str | Confidential | None,
    *,
    user: str | None,
    timeout: float,
    retries: int,
    allow_http: bool,
    verify: ssl.SSLContext | bool,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """The given settings, completed from the environment. Raises `ConfigurationError`."""
    key = _key(Confidential(api_key) if api_key is not None else _key_of(environment))
    address = _address(url or environment.get(URL) or DEFAULT_URL, allow_http)
    return Settings(address, key, Users(user), timeout, retries, verify)


def _key_of(environment: Mapping[str, str]) -> Confidential:
    key, file = environment.get(API_KEY), environment.get(API_KEY_FILE)
    if key:
        return Confidential(key)
    if not file:
        raise ConfigurationError(f"no API key: give api_key, or set {API_KEY} or {API_KEY_FILE}")
    try:
        return Confidential(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
    raise ConfigurationError(f"{API_KEY_FILE}: {file}: {reason}")


def _key(key: Confidential) -> Confidential:
    key = Confidential(key.reveal().strip())
    if not key.reveal() or any(not "!" <= one <= "~" for one in key.reveal()):
        raise ConfigurationError("the API key is empty, or has a character that no key has")
    return key


def _address(url: str, allow_http: bool) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ConfigurationError(f"{URL} must be an address such as {DEFAULT_URL} or https://vault.example.com")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{URL} must not contain a user or password; set the key in {API_KEY}")
    if parts.path.rstrip("/").endswith("/v1"):
        raise ConfigurationError(f"{URL} must not end in /v1, which the client adds by itself")
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ConfigurationError(f"plain http to {host} would expose keys: use https, or allow_http=True")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
