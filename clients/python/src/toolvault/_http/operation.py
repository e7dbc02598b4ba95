"""One operation of the API, as data: the request, how to read the answer, and whether a retry is safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

from .. import _json
from ..confidential import Confidential

T = TypeVar("T")

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """A whole answer. Its content may hold values."""

    status: int
    headers: httpx.Headers
    content: bytes = field(repr=False)

    def json(self) -> object:
        """The parsed content. Raises `ValueError`, whose text contains the content."""
        return _json.read(self.content)


@dataclass(frozen=True)
class Body:
    """The body of a request, serialised as late as possible."""

    content: object = field(repr=False)
    media_type: str = JSON

    def encoded(self) -> bytes:
        """The body as bytes."""
        if self.media_type.endswith("json"):
            return _json.write(self.content).encode()
        if not isinstance(self.content, Confidential):
            return b""
        try:
            return self.content.reveal().encode()
        except UnicodeEncodeError:
            # This error contains the whole text.
            pass
        raise ValueError("a value must be Unicode text without lone surrogates")


@dataclass(frozen=True)
class Operation(Generic[T]):
    """`path` is relative to the server's address; `tool` is the tool concerned.

    `is_repeatable` means that a second request does no harm, `is_change` that cached answers are outdated after it.
    `user` is the one for whom it acts. Operations with the same `join` can share a request, made of their `part`s.
    """

    method: str
    path: str
    read: Callable[[Answer], T] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = False
    is_change: bool = False
    tool: str = ""
    user: str | None = None
    part: Any = field(default=None, repr=False)
    join: Callable[[Sequence[Any], str | None], Operation[list[Any]]] | None = None
