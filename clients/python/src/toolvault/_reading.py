"""Builds models from JSON: a field's metadata says how to read it; unknown members are ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar, cast

T = TypeVar("T")
Reader = Callable[[Any], object]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def data(read: Reader) -> Mapping[str, Reader]:
    """Metadata of a field: `read` converts the received value."""
    return {"read": read}


moment = data(_moment)


def optional(metadata: Mapping[str, Reader]) -> Mapping[str, Reader]:
    """The same for a field that may be null."""
    read = metadata["read"]
    return data(lambda received: None if received is None else read(received))


def one(model: type[Any]) -> Mapping[str, Reader]:
    """A model."""
    return data(lambda received: build(model, received))


def several(model: type[Any]) -> Mapping[str, Reader]:
    """A list of models."""
    return data(lambda received: tuple(build(model, each) for each in received))


def texts(received: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Lists of texts by name."""
    return {name: tuple(each) for name, each in received.items()}


def build(model: type[T], received: object) -> T:
    """A model of an object. A wrong type raises `KeyError`, `TypeError` or `ValueError`."""
    members = cast("Mapping[str, Any]", received)
    given = {
        each.name: each.metadata["read"](members[each.name]) if "read" in each.metadata else members[each.name]
        for each in fields(cast(Any, model))
        if each.name in members
    }
    return model(**given)
