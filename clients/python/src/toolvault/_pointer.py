"""Places inside arguments: a name, or a JSON Pointer (RFC 6901) such as `/params/api_key`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def steps(argument: str) -> tuple[str, ...]:
    """The names on the way to a place; the first is the argument's. `k` and `/k` are the same place."""
    if not argument.startswith("/"):
        return (argument,)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in argument[1:].split("/"))


def overlaps(one: str, other: str) -> bool:
    """Whether two arguments are the same place, or one is inside the other."""
    return all(step == same for step, same in zip(steps(one), steps(other), strict=False))


def shortest(argument: str) -> str:
    """The place as a name, if it can be one."""
    first, *others = steps(argument)
    return argument if others or not first or first.startswith("/") else first


def get(args: Mapping[str, Any], argument: str) -> Any:
    """What is at a place. Raises `KeyError` or `TypeError` if there is no such place."""
    found: Any = args
    for step in steps(argument):
        found = found[step]
    return found


def put(args: Mapping[str, Any], argument: str, value: object) -> dict[str, Any]:
    """The arguments with this value at a place. Neither they nor the objects in them are changed."""
    return _put(args, steps(argument), value)


def _put(args: Mapping[str, Any] | None, way: Sequence[str], value: object) -> dict[str, Any]:
    first, *others = way
    args = args or {}
    return {**args, first: _put(args.get(first), others, value) if others else value}
