"""Objects without the values in them: copies of what contains a value, and everything else as it is."""

from __future__ import annotations

import array
import asyncio
import collections
import copy
import functools
import io
import types
from collections.abc import ItemsView, Iterable, Iterator, KeysView, MappingView
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from ..confidential import Confidential
from . import later
from .plain import members

if TYPE_CHECKING:
    from .redaction import Redaction

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
    functools.partial,
    asyncio.AbstractEventLoop,
)
# A view of a dictionary, and a dictionary that cannot be changed.
VIEWS = (MappingView, types.MappingProxyType)
FILES = (io.StringIO, io.BytesIO)


def content(value: Any) -> str | bytes | None:
    """The text or the bytes that an object consists of; None if it consists of other objects."""
    try:
        if isinstance(value, str):
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
        if isinstance(value, array.array) and value.typecode not in "uw":
            return value.tobytes()
        if isinstance(value, FILES):
            return value.getvalue()
    except ValueError:
        pass  # It is closed.
    return None


class Copies:
    """The copies of one result."""

    def __init__(self, redaction: Redaction, found: dict[int, Any]) -> None:
        self._redaction = redaction
        self._found = found
        self._made: dict[int, Any] = {}

    def of(self, value: Any, depth: int) -> Any:
        if id(value) not in self._found or isinstance(value, ATOMS):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = self._text(value) if depth == 0 else self._copy(value, depth - 1)
        return self._made[id(value)]

    def _copy(self, value: Any, depth: int) -> Any:
        if later.is_later(value):
            return later.redacted(value, self._redaction)
        held = content(value)
        if held is not None:
            return self._content(value, held)
        if isinstance(value, (tuple, frozenset)):
            inside = [self.of(one, depth) for one in value]
            return value._make(inside) if hasattr(value, "_make") else _as(type(value), inside)
        if isinstance(value, VIEWS):
            return self._view(value, depth)
        try:
            made = copy.copy(value)
        except Exception:
            return self._text(value)
        self._made[id(value)] = made
        try:
            self._fill(made, value, depth)
        except Exception:
            return self._text(value)
        return self._text(value) if not is_silent(value) and self._redaction.shows(said(made)) else made

    def _content(self, value: Any, held: str | bytes) -> Any:
        clean = self._redaction.text(held) if isinstance(held, str) else self._redaction.raws.text(held)
        if isinstance(value, array.array):
            return array.array(value.typecode, clean) if len(clean) % value.itemsize == 0 else clean
        made: Any = clean if type(value) is type(clean) else _as(type(value), clean)
        if isinstance(value, FILES):
            made.seek(value.tell())
        return made

    def _view(self, value: Any, depth: int) -> Any:
        """A view, or a dictionary that cannot be changed."""
        is_paired = isinstance(value, (ItemsView, types.MappingProxyType))
        pairs = value.items() if isinstance(value, types.MappingProxyType) else value
        inside = [one for pair in pairs for one in pair] if is_paired else list(value)
        # Some views make their items anew each time.
        self._found |= self._redaction.found(inside)
        clean = [self.of(one, depth) for one in inside]
        if is_paired:
            made = dict(zip(clean[::2], clean[1::2], strict=True))
            return made.items() if isinstance(value, ItemsView) else types.MappingProxyType(made)
        return dict.fromkeys(clean).keys() if isinstance(value, KeysView) else dict(enumerate(clean)).values()

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
        return self._redaction.text(text)


def said(value: Any) -> str:
    """What an object shows of itself."""
    try:
        return f"{value}\n{value!r}"
    except Exception:
        return ""


def is_silent(value: Any) -> bool:
    """Whether the text of an object says nothing that its parts do not say."""
    return isinstance(value, (*PROGRAM, dict, *SEQUENCES))


def parts(value: Any) -> Iterator[Any]:
    """What an object consists of."""
    if content(value) is not None or isinstance(value, PROGRAM) or later.is_later(value):
        return
    if isinstance(value, (dict, types.MappingProxyType)):
        yield from value
        yield from value.values()
    elif isinstance(value, ItemsView):
        # Its pairs are made anew each time.
        yield from (one for pair in value for one in pair)
    elif isinstance(value, (*SEQUENCES, MappingView)):
        yield from cast("Iterable[Any]", value)
    if type(value) not in (dict, *SEQUENCES):
        # What comes later is a result in a record of results, but in other objects a part of how they work.
        is_record = members(value) is not None
        yield from (one for _, one in attributes(value) if is_record or not later.is_later(one))


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
        return (
            content
            if isinstance(content, (str, bytes))
            else next(one for one in SEQUENCES if issubclass(kind, one))(content)
        )
