"""Members of validated arguments: of dictionaries, of models of pydantic, and of dataclasses."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from .plain import members

ABSENT = object()


def get(value: Any, path: Sequence[str]) -> Any:
    """What is at a path; `ABSENT` if there is no such place."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step, ABSENT)
        else:
            value = getattr(value, (members(value) or {}).get(step, step), ABSENT)
    return value


def put(value: Any, path: Sequence[str], new: object) -> Any:
    """A copy with another member at a path; without the member if that is `ABSENT` and the holder a dictionary."""
    first, *others = path
    if value is None:
        value = {}
    if isinstance(value, Mapping):
        inner = put(value.get(first), others, new) if others else new
        return {**{name: one for name, one in value.items() if name != first}, **_member(first, inner)}
    name = (members(value) or {}).get(first, first)
    inner = put(getattr(value, name, None), others, new) if others else new
    if inner is ABSENT:
        return value
    if hasattr(value, "model_copy"):
        return value.model_copy(update={name: inner})
    made = copy.copy(value)
    object.__setattr__(made, name, inner)
    return made


def _member(name: str, value: object) -> dict[str, object]:
    return {} if value is ABSENT else {name: value}
