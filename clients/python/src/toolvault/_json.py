"""JSON in which numbers keep their meaning, and confidential values stay hidden until they are written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal

from .confidential import Confidential


def write(value: object) -> str:
    """The value as JSON. Raises `TypeError` or `ValueError`, which name a type but never the content."""
    if isinstance(value, Confidential):
        return json.dumps(value.reveal())
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("JSON has no infinity and no NaN")
        return float.__repr__(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("JSON has no infinity and no NaN")
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_name(name)}:{write(one)}" for name, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(write, value)) + "]"
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as JSON")


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a member's name is a string, not of type {type(name).__name__}")
    return json.dumps(name)


def read(text: bytes) -> object:
    """The value of a text. A number that no float equals becomes a `Decimal`. Raises `ValueError` with the text."""
    return json.loads(text, parse_float=_number)


def _number(text: str) -> float | Decimal:
    exact = Decimal(text)
    nearest = float(text)
    if math.isfinite(nearest) and Decimal(repr(nearest)) == exact:
        return nearest
    return exact
