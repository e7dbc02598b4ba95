"""Members of arguments: of dictionaries, of models of pydantic, and of dataclasses."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import operator
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..confidential import Confidential
from .plain import HIDDEN, fields_of, is_root, members, spellings

Path = Sequence[str]
# What makes of a value what its place takes: from its holder, the path to it, and the value.
Typed = Callable[[Any, Path, Confidential], Any]

ABSENT = object()


def holds(args: Any, path: Path) -> bool | None:
    """Whether the holder of a place has this member or can get it; None if there is no object.

    Raises `TypeError` for an object of an unknown kind that has the member.
    """
    holder = _holder(args, path)
    if isinstance(holder, Mapping):
        return True
    return None if members(holder) is None else _attribute(holder, path[-1]) is not None


def needs(args: Any, path: Path) -> bool | None:
    """Whether the holder of a place cannot be without the member; None if its kind does not say so."""
    holder = _holder(args, path)
    name = _attribute(holder, path[-1])
    return None if name is None else _default(holder, name) is ABSENT


def put(value: Any, path: Path, new: object) -> Any:
    """A copy with another member at a path.

    With `ABSENT` a dictionary loses it, and an object has its default again. With `HIDDEN` a dictionary loses it too.
    """
    first, *others = path
    if is_root(value):
        return value.model_copy(update={"root": put(value.root, path, new)})
    if value is None or value is ABSENT:
        value = {}
    inner = put(_member(value, first), others, new) if others else new
    if isinstance(value, Mapping):
        is_gone = inner is ABSENT or inner is HIDDEN
        return {name: one for name, one in value.items() if name != first} if is_gone else {**value, first: inner}
    name = _attribute(value, first)
    if name is None:
        raise TypeError(f"a {type(value).__name__} cannot have a member {first!r}")
    inner = _default(value, name) if (is_gone := inner is ABSENT) else inner
    if hasattr(value, "model_copy"):
        made = value.model_copy(update={name: inner})
        if is_gone:
            made.model_fields_set.discard(name)
        return made
    made = copy.copy(value)
    object.__setattr__(made, name, inner)
    return made


def renamed(value: Any, kind: Any, path: Path) -> Any:
    """What a model said for a type, where what leads to a place has the names that the path says.

    pydantic may take a member by several names. Of those that were given it takes one, which stays.
    """
    if not path or not isinstance(value, Mapping):
        return value
    first, *others = path
    names, inner = _declared(kind, first)
    given = next((one for one in names if one in value), None)
    if given is None:
        return value
    return {name: one for name, one in value.items() if name not in names} | {
        first: renamed(value[given], inner, others)
    }


def is_respelled(kind: Any, path: Path) -> bool:
    """Whether something on the way to a place may be given by several names."""
    if not path:
        return False
    names, inner = _declared(kind, path[0])
    return len(names) > 1 or is_respelled(inner, path[1:])


def fill(args: Mapping[str, Any], values: Mapping[Path, Confidential | None], typed: Typed) -> dict[str, Any]:
    """A copy with the values at these paths. A place without a value is as if nothing had been given for it."""
    filled: Any = dict(args)
    # An argument before its members.
    for path in sorted(values, key=len):
        value = values[path]
        if value is not None:
            filled = put(filled, path, typed(filled, path, value))
        elif holds(filled, path):
            filled = put(filled, path, ABSENT)
    return typing.cast("dict[str, Any]", filled)


def typed_member(args: Any, path: Path, value: Confidential) -> Any:
    """The value in the type of the object's member; a text in a dictionary."""
    holder = _holder(args, path)
    name = _attribute(holder, path[-1])
    return value.reveal() if name is None else typed(path[-1], value, _hint(holder, name))


def typed(name: str, value: Confidential, hint: Any) -> Any:
    """The value in the type that an annotation requires, such as `SecretStr`."""
    if hint is Confidential:
        return value
    if hint in (None, str, Any, inspect.Parameter.empty) or isinstance(hint, (str, typing.TypeVar)):
        return value.reveal()
    try:
        return importlib.import_module("pydantic").TypeAdapter(hint).validate_python(value.reveal())
    except ImportError:
        return value.reveal()
    except Exception:  # noqa: S110 - its message may contain the value
        pass
    raise ValueError(f"the value for argument {name!r} is refused by its type")


def _declared(kind: Any, step: str) -> tuple[list[str], Any]:
    """The names by which a member of a type is given, as pydantic prefers them, and the member's type."""
    for one in _types(kind):
        fields = getattr(one, "__pydantic_fields__", None)
        if getattr(one, "__pydantic_root_model__", False) is True:
            return _declared(one.__pydantic_fields__["root"].annotation, step)
        if not isinstance(fields, Mapping):
            hints = one if isinstance(one, Mapping) else hints_of(one)
            if step in hints:
                return [step], hints[step]
            continue
        config = getattr(one, "model_config", None) or getattr(one, "__pydantic_config__", None) or {}
        is_named = config.get("populate_by_name") or config.get("validate_by_name")
        for name, field in fields.items():
            names = [*spellings(name, field), *([name] if is_named else ())]
            if step in names:
                return names, field.annotation
    return [step], None


def _types(kind: Any) -> list[Any]:
    """The types of a union, without what annotates them."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _types(inner[0])
    return [one for each in inner for one in _types(each)] if origin in (typing.Union, types.UnionType) else [kind]


def hints_of(target: Any) -> dict[str, Any]:
    """The annotations of a function or a class, evaluated as far as possible."""
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError):
        pass
    try:
        return dict(getattr(target, "__annotations__", {}))
    except NameError:
        return {}


def _holder(args: Any, path: Path) -> Any:
    for step in path[:-1]:
        args = _member(args, step)
    return _inside(args, path[-1])


def _member(holder: Any, step: str) -> Any:
    holder = _inside(holder, step)
    if isinstance(holder, Mapping):
        return holder.get(step)
    name = _attribute(holder, step)
    return None if name is None else getattr(holder, name, None)


def _inside(holder: Any, step: str) -> Any:
    """The holder itself. Refuses what has the member, but is of a kind whose members cannot be replaced."""
    while is_root(holder):
        holder = holder.root
    is_known = isinstance(holder, Mapping) or members(holder) is not None or type(holder).__module__ == "builtins"
    if not is_known and hasattr(holder, step):
        raise TypeError(
            f"the vault supplies {step!r} of a {type(holder).__name__}, which cannot be replaced there: pass a "
            "dictionary, a dataclass or a model of pydantic"
        )
    return holder


def _attribute(holder: Any, step: str) -> str | None:
    """The attribute that a member of an object is stored in."""
    names = members(holder)
    if names is None:
        return None
    for name, field in (fields_of(holder) or {}).items():
        if step in spellings(name, field):
            return name
    is_own = step in names.values() or getattr(holder, "model_extra", None) is not None
    return names.get(step, step if is_own else None)


def _default(holder: Any, name: str) -> Any:
    """What the member is if nothing is given for it; `ABSENT` if that is no choice."""
    known = fields_of(holder)
    if known is not None:
        if name not in known or known[name].is_required():
            return ABSENT
        return known[name].get_default(call_default_factory=True, validated_data=vars(holder))
    [found] = [one for one in dataclasses.fields(holder) if one.name == name]
    if found.default is not dataclasses.MISSING:
        return found.default
    return ABSENT if found.default_factory is dataclasses.MISSING else found.default_factory()


def _hint(holder: Any, name: str) -> Any:
    known = fields_of(holder)
    if known is not None:
        found = known.get(name)
        return None if found is None else annotation(found)
    return hints_of(type(holder)).get(name)


def annotation(field: Any) -> Any:
    """The type that a field of pydantic takes, with its constraints."""
    if not field.metadata:
        return field.annotation
    # `Annotated[…]` with a star needs Python 3.11.
    return operator.getitem(typing.cast(Any, typing.Annotated), (field.annotation, *field.metadata))
