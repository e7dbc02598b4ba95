"""The server's address and the key."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..confidential import Confidential
from ..errors import ConfigurationError
from .users import Users

DEFAULT_URL = "http://127.0.0.1:8710"
URL = "TOOLVAULT_URL"
API_KEY = "TOOLVAULT_API_KEY"
API_KEY_FILE = "TOOLVAULT_API_KEY_FILE"


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
