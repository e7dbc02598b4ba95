"""Builds models from JSON, by their annotations; unknown members are ignored."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from .confidential import Confidential

T = TypeVar("T")


def build(model: type[T], received: object) -> T:
    """A model of an object. A wrong type raises `KeyError`, `TypeError` or `ValueError`."""
    members = cast("Mapping[str, Any]", received)
    return model(
        **{name: _read(kind, members[name]) for name, kind in _kinds(cast(Any, model)).items() if name in members}
    )


@functools.cache
def _kinds(model: Any) -> dict[str, Any]:
    kinds = get_type_hints(model)
    return {each.name: kinds[each.name] for each in fields(model)}


def _read(kind: Any, received: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if received is None else _read(inner[0], received)
    if origin is tuple:
        return tuple(_read(inner[0], each) for each in received)
    if origin is Mapping:
        return {name: _read(inner[1], each) for name, each in received.items()}
    if kind is datetime:
        return datetime.fromisoformat(received.replace("Z", "+00:00"))
    if kind is Confidential:
        return Confidential(received)
    return build(cast(Any, kind), received) if is_dataclass(kind) else received
