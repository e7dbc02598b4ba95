"""One request and its answer, over httpx.

Exceptions of httpx are never chained: the frames of their tracebacks hold headers and bodies.
"""

from __future__ import annotations

import asyncio
import functools
import random
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

import httpx

from ..confidential import Confidential
from ..errors import ApiError, RateLimited, Unavailable, UnexpectedAnswer, Unresolved
from .operation import Answer, Operation
from .refusal import refusal
from .settings import Settings

T = TypeVar("T")

FIRST_PAUSE = 0.2

try:
    USER_AGENT = f"toolvault-python/{version('toolvault')}"
except PackageNotFoundError:
    USER_AGENT = "toolvault-python"


class KeyAuth(httpx.Auth):
    """Adds the key to each request. It has no readable form."""

    def __init__(self, key: Confidential) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]
        # httpx hides this header in its output, but not `x-api-key`.
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


def options(settings: Settings) -> dict[str, object]:
    """The arguments for both kinds of httpx client."""
    return {
        "auth": KeyAuth(settings.api_key),
        "headers": {"User-Agent": USER_AGENT, "Accept": "application/json"},
        "verify": settings.verify,
        "follow_redirects": False,
        # A proxy from the environment could read unencrypted requests.
        "trust_env": settings.is_encrypted,
    }


def request(
    client: httpx.Client | httpx.AsyncClient, settings: Settings, operation: Operation[T], timeout: float
) -> httpx.Request:
    """The request for an operation. Each of its steps may take `timeout` seconds."""
    headers = dict(operation.headers)
    if operation.user is not None:
        headers["x-toolvault-user"] = operation.user
    if operation.body is not None:
        headers["Content-Type"] = operation.body.media_type
    return client.build_request(
        operation.method,
        _address(settings.url + operation.path),
        params=dict(operation.query) or None,
        content=operation.body.encoded() if operation.body is not None else None,
        headers=headers,
        timeout=timeout,
    )


# Most requests are for few addresses, which httpx takes long to parse.
_address = functools.lru_cache(maxsize=64)(httpx.URL)


def unreachable(settings: Settings, error: Exception) -> Unavailable:
    """The same failure, without details from httpx."""
    if isinstance(error, (httpx.TimeoutException, TimeoutError, asyncio.TimeoutError)):
        return Unavailable(f"no answer from {settings.url} within {settings.timeout:g} s")
    return Unavailable(f"no answer from {settings.url} ({type(error).__name__})")


def outcome(operation: Operation[T], received: Answer | ApiError) -> T | ApiError:
    """The result of the operation, or the exception to raise."""
    if isinstance(received, ApiError):
        return received
    refused = refusal(received)
    if isinstance(refused, Unresolved):
        refused.tool = operation.tool
    if refused is not None:
        return refused
    try:
        return operation.read(received)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        pass
    return UnexpectedAnswer("the answer is not from a Toolvault server", status=received.status)


def pause(operation: Operation[T], failure: ApiError, attempt: int, retries: int, left: float) -> float | None:
    """How many seconds to wait before a retry; None if a retry is unsafe or useless, or later than `left` seconds."""
    if not operation.is_repeatable or attempt >= retries or not isinstance(failure, (RateLimited, Unavailable)):
        return None
    wait = failure.retry_after
    if wait is None:
        wait = FIRST_PAUSE * 2.0**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - it only spreads requests
    return wait if wait < left else None
