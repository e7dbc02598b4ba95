"""One operation of the API, as data: what is asked, how the answer is read, and whether asking twice is safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .. import _json
from ..confidential import Confidential

T = TypeVar("T")

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """A whole answer. Its content may hold values."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()

    def json(self) -> object:
        """The content's meaning; raises `ValueError`, which holds the content."""
        return _json.read(self.content)


@dataclass(frozen=True)
class Body:
    """What is sent, written as late as possible."""

    content: object = field(repr=False)
    media_type: str = JSON

    def encoded(self) -> bytes:
        """The bytes of it."""
        if self.media_type.endswith("json"):
            return _json.write(self.content).encode()
        if not isinstance(self.content, Confidential):
            return b""
        try:
            return self.content.reveal().encode()
        except UnicodeEncodeError:
            # Such an error holds the whole text.
            pass
        raise ValueError("a value must be Unicode text without lone surrogates")


@dataclass(frozen=True)
class Operation(Generic[T]):
    """`path` is below the server's address; `tool` is the one concerned.

    It `is_repeatable` if a second request does no harm.
    """

    method: str
    path: str
    read: Callable[[Answer], T] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = False
    tool: str = ""
