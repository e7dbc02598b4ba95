"""One request and its answer, over httpx.

What httpx raises is left behind as a whole: the frames of its traceback hold headers and bodies.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
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
LONGEST_PAUSE = 30.0

try:
    USER_AGENT = f"toolvault-python/{version('toolvault')}"
except PackageNotFoundError:
    USER_AGENT = "toolvault-python"


class KeyAuth(httpx.Auth):
    """Puts the key into each request. It has no readable form."""

    def __init__(self, key: Confidential) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]
        # httpx covers this header in what it prints, and not `x-api-key`.
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


def options(settings: Settings) -> dict[str, object]:
    """What both kinds of httpx client are made with."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
    if settings.user is not None:
        headers["x-toolvault-user"] = settings.user
    return {
        "auth": KeyAuth(settings.api_key),
        "headers": headers,
        "timeout": settings.timeout,
        "verify": settings.verify,
        "follow_redirects": False,
        # A proxy from the environment would read what is not encrypted.
        "trust_env": settings.is_encrypted,
    }


def request(client: httpx.Client | httpx.AsyncClient, settings: Settings, operation: Operation[T]) -> httpx.Request:
    """The request that an operation is."""
    headers = dict(operation.headers)
    if operation.body is not None:
        headers["Content-Type"] = operation.body.media_type
    return client.build_request(
        operation.method,
        settings.url + operation.path,
        params=dict(operation.query) or None,
        content=operation.body.encoded() if operation.body is not None else None,
        headers=headers,
    )


def answer(response: httpx.Response) -> Answer:
    """The parts of a whole response."""
    headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
    warnings = tuple(response.headers.get_list("toolvault-warning"))
    return Answer(response.status_code, headers, response.content, warnings)


def unreachable(settings: Settings, error: Exception) -> Unavailable:
    """The same failure without what httpx knows of it."""
    return Unavailable(f"no answer from {settings.url} ({type(error).__name__})")


def outcome(operation: Operation[T], received: Answer | ApiError) -> T | ApiError:
    """What the operation answers, or the exception to raise."""
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
    return UnexpectedAnswer("the server's answer is none of Toolvault's", status=received.status)


def pause(operation: Operation[T], failure: ApiError, attempt: int, retries: int) -> float | None:
    """How many seconds to wait before asking again; none if that is not safe, or would not help."""
    if not operation.is_repeatable or attempt >= retries or not isinstance(failure, (RateLimited, Unavailable)):
        return None
    if failure.retry_after is not None:
        return failure.retry_after if failure.retry_after <= LONGEST_PAUSE else None
    return FIRST_PAUSE * 2.0**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - it only spreads requests
