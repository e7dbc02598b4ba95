"""JSON in which numbers keep their meaning, and confidential values stay hidden until they are written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal

from .confidential import Confidential

# `json.dumps` without its options.
_plain = json.JSONEncoder().encode


def write(value: object) -> str:
    """The value as JSON. Raises `TypeError` or `ValueError`, which name a type but never the content."""
    if value is None or isinstance(value, (str, bool)):
        return _plain(value)
    if isinstance(value, Confidential):
        return _plain(value.reveal())
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, (float, Decimal)):
        if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
            raise ValueError("JSON has no infinity and no NaN")
        return float.__repr__(value) if isinstance(value, float) else str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(write, value)) + "]"
    if isinstance(value, (dict, Mapping)):
        return "{" + ",".join([f"{_name(name)}:{write(one)}" for name, one in value.items()]) + "}"
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as JSON")


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a member's name is a string, not of type {type(name).__name__}")
    return _plain(name)


def read(text: bytes) -> object:
    """The value of a text. A number that no float equals becomes a `Decimal`. Raises `ValueError` with the text."""
    return _decoder.decode(text.decode("utf-8", "surrogatepass"))


def _number(text: str) -> float | Decimal:
    exact = Decimal(text)
    nearest = float(text)
    if math.isfinite(nearest) and Decimal(repr(nearest)) == exact:
        return nearest
    return exact


_decoder = json.JSONDecoder(parse_float=_number)
