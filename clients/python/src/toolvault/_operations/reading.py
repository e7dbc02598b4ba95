"""What requests are made of, and how answers become models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

from .._http.operation import Answer
from .._reading import build
from ..models import SecretInfo

T = TypeVar("T")

# How many objects a page has when all pages are read.
PAGE = 1000


class Unchanged:
    """Marks a field that stays unchanged."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()


def a(model: type[T]) -> Callable[[Answer], T]:
    """Reads one model."""
    return lambda answer: build(model, answer.json())


def all_of(model: type[T]) -> Callable[[Answer], tuple[T, ...]]:
    """Reads the models in `data`."""

    def read(answer: Answer) -> tuple[T, ...]:
        received: Any = answer.json()
        return tuple(build(model, one) for one in received["data"])

    return read


def secret(answer: Answer) -> SecretInfo:
    """Reads a secret, with metadata from the headers."""
    warnings = tuple(answer.headers.get_list("toolvault-warning"))
    return replace(build(SecretInfo, answer.json()), etag=answer.headers.get("etag"), warnings=warnings)


def nothing(answer: Answer) -> None:
    """Reads an empty object."""
    answer.json()


def segment(text: object) -> str:
    """A text as one segment of a path, even if it consists of dots."""
    encoded = quote(str(text), safe="")
    return encoded.replace(".", "%2E") if set(encoded) <= {"."} else encoded


def given(**members: object) -> dict[str, object]:
    """The members that are not None."""
    return {name: member for name, member in members.items() if member is not None}


def asked(**members: object) -> dict[str, str]:
    """The members that are not None, as a query."""
    return {name: str(member) for name, member in given(**members).items()}


def changed(**fields: object) -> dict[str, object]:
    """The fields that are not `UNCHANGED`."""
    return {name: field for name, field in fields.items() if not isinstance(field, Unchanged)}


def moment(at: datetime | None) -> str | None:
    """A time as the API writes it. Raises `ValueError` if it has no time zone."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a time needs a time zone, as in datetime.now(timezone.utc)")
    return at.isoformat()
