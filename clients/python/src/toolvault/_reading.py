"""Builds models from JSON, by their annotations; unknown members are ignored."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from .confidential import Confidential

T = TypeVar("T")


def build(model: type[T], received: object) -> T:
    """A model of an object. A wrong type raises `KeyError`, `TypeError` or `ValueError`."""
    members = cast("Mapping[str, Any]", received)
    return model(**{name: read(members[name]) for name, read in _readers(cast(Any, model)).items() if name in members})


@functools.cache
def _readers(model: Any) -> dict[str, Callable[[Any], Any]]:
    kinds = get_type_hints(model)
    return {each.name: _reader(kinds[each.name]) for each in fields(model)}


def _reader(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of this type of JSON."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        read = _reader(inner[0])
        return lambda received: None if received is None else read(received)
    if origin is tuple:
        read = _reader(inner[0])
        return lambda received: tuple(map(read, received))
    if origin is Mapping:
        read = _reader(inner[1])
        return lambda received: {name: read(each) for name, each in received.items()}
    if kind is datetime:
        return lambda received: datetime.fromisoformat(received.replace("Z", "+00:00"))
    if is_dataclass(kind):
        return functools.partial(build, cast(Any, kind))
    return Confidential if kind is Confidential else lambda received: received
