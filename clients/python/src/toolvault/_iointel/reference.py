"""References to secrets, such as `secret://linear-prod`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

SCHEME = "secret://"


def to(name: str) -> str:
    """The reference to the secret with this name."""
    return SCHEME + quote(name, safe="-._~")


def is_one(value: object) -> bool:
    """Whether it is a reference."""
    return isinstance(value, str) and value.startswith(SCHEME)


def is_inside(value: object) -> bool:
    """Whether a part of it is a reference. YAML aliases repeat an object; each is visited once."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if is_one(one):
            return True
        if isinstance(one, (Mapping, list, tuple, set, frozenset)) and id(one) not in seen:
            seen.add(id(one))
            waiting += one.values() if isinstance(one, Mapping) else one
    return False
