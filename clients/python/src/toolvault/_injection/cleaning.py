"""Objects without the values in them: copies of what contains a value, and everything else as it is."""

from __future__ import annotations

import asyncio
import collections
import copy
import functools
import types
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from ..confidential import Confidential
from .finding import Finder

# Beyond so many objects with attributes, the others are judged by their text only.
MOST_OBJECTS = 10_000
DEEPEST = 200

ATOMS = (type(None), bool, int, float, complex, Enum, Confidential)
SEQUENCES = (list, tuple, set, frozenset, collections.deque)
# What is no result, but a part of a program.
PROGRAM = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    functools.partial,
    asyncio.Future,
    asyncio.AbstractEventLoop,
)
RAW = (bytes, bytearray)


class Cleaner:
    """Makes copies without values."""

    __slots__ = ("raws", "texts")

    def __init__(self, texts: Finder[str], raws: Finder[bytes]) -> None:
        self.texts = texts
        self.raws = raws

    def cleaned(self, value: Any) -> Any:
        """The same without values: a copy, or the object itself if nothing in it contains one."""
        if type(value) is str:
            return self.texts.text(value) if self.texts.shows(value) else value
        found = self.found([value])
        return Copies(self, found).of(value, DEEPEST) if found else value

    def found(self, values: Iterable[Any]) -> dict[int, Any]:
        """The objects that contain a value or lead to one, by identity."""
        seen: dict[int, Any] = {}
        holders: dict[int, list[int]] = {}
        found: list[int] = []
        waiting = [one for one in values if not isinstance(one, ATOMS)]
        left = MOST_OBJECTS
        while waiting:
            one = waiting.pop()
            if id(one) in seen:
                continue
            seen[id(one)] = one
            if self._shows(one):
                found.append(id(one))
            left -= (is_object := not isinstance(one, (str, *RAW, Mapping, *SEQUENCES)))
            for part in parts(one) if left > 0 or not is_object else ():
                if not isinstance(part, ATOMS):
                    holders.setdefault(id(part), []).append(id(one))
                    waiting.append(part)
        reached: dict[int, Any] = {}
        while found:
            this = found.pop()
            if this not in reached:
                reached[this] = seen[this]
                found += holders.get(this, ())
        return reached

    def _shows(self, value: Any) -> bool:
        if isinstance(value, str):
            return self.texts.shows(value)
        if isinstance(value, RAW):
            return self.raws.shows(bytes(value))
        if isinstance(value, (*PROGRAM, dict, *SEQUENCES)):
            return False
        return self.texts.shows(said(value))


class Copies:
    """The copies of one result."""

    def __init__(self, cleaner: Cleaner, found: Mapping[int, Any]) -> None:
        self._cleaner = cleaner
        self._found = found
        self._made: dict[int, Any] = {}

    def of(self, value: Any, depth: int) -> Any:
        if id(value) not in self._found or isinstance(value, ATOMS):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = self._text(value) if depth == 0 else self._copy(value, depth - 1)
        return self._made[id(value)]

    def _copy(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            text = self._cleaner.texts.text(value)
            return text if type(value) is str else _as(type(value), text)
        if isinstance(value, RAW):
            return type(value)(self._cleaner.raws.text(bytes(value)))
        if isinstance(value, (tuple, frozenset)):
            inside = [self.of(one, depth) for one in value]
            return value._make(inside) if hasattr(value, "_make") else _as(type(value), inside)
        try:
            made = copy.copy(value)
        except Exception:
            return self._text(value)
        self._made[id(value)] = made
        try:
            self._fill(made, value, depth)
        except Exception:
            return self._text(value)
        is_plain = isinstance(value, (dict, *SEQUENCES))
        return self._text(value) if not is_plain and self._cleaner.texts.shows(said(made)) else made

    def _fill(self, made: Any, value: Any, depth: int) -> None:
        if isinstance(value, dict):
            items = [(self.of(name, depth), self.of(one, depth)) for name, one in value.items()]
            made.clear()
            made.update(items)
        elif isinstance(value, SEQUENCES):
            items = [self.of(one, depth) for one in value]
            made.clear()
            (made.update if isinstance(made, set) else made.extend)(items)
        for name, one in attributes(value):
            if id(one) in self._found:
                assign(made, name, self.of(one, depth))

    def _text(self, value: Any) -> Any:
        """For an object that cannot be copied: its redacted text."""
        try:
            text = str(value)
        except Exception:
            text = type(value).__name__
        return self._cleaner.texts.text(text)


def said(value: Any) -> str:
    """What an object shows of itself."""
    try:
        return f"{value}\n{value!r}"
    except Exception:
        return ""


def parts(value: Any) -> Iterator[Any]:
    """What an object consists of."""
    if isinstance(value, (str, *RAW, *PROGRAM)):
        return
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, SEQUENCES):
        yield from value
    if type(value) not in (dict, *SEQUENCES):
        yield from (one for _, one in attributes(value))


def attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that an object stores, in its dictionary, in slots, or in the fields of a built-in class."""
    yield from dict(getattr(value, "__dict__", ())).items()
    for kind in type(value).__mro__:
        if kind is BaseException:
            yield "args", value.args
        elif kind.__flags__ & 1 << 9 or issubclass(kind, BaseException):
            for name, one in vars(kind).items():
                if isinstance(one, (types.MemberDescriptorType, types.GetSetDescriptorType)) and name != "__dict__":
                    try:
                        yield name, one.__get__(value, kind)
                    except Exception:  # noqa: S112 - it has no value yet
                        continue


def assign(value: Any, name: str, one: Any) -> None:
    """Stores an attribute, also in an object that is frozen."""
    own = getattr(value, "__dict__", None)
    if own is not None and name in own:
        own[name] = one
    else:
        object.__setattr__(value, name, one)


def _as(kind: Any, content: Any) -> Any:
    """The content in a subclass of a built-in type, or in that type if the subclass takes something else."""
    try:
        return kind(content)
    except Exception:
        return content if isinstance(content, str) else next(one for one in SEQUENCES if issubclass(kind, one))(content)
