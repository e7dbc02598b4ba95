"""Objects that store references where their class stores values.

iointel holds, dumps, shows and copies an object of a subclass of the tool's class. Its fields are `Reference`s. When
its methods read them, or attributes that the class derived from the values, they read the object behind it.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar, cast

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError

from .._injection.objects import annotation
from .._injection.plain import plain
from ..errors import ToolvaultError
from .behind import Behind, Source, Toolkit

_BEHIND = "_behind"
# The attribute in which iointel's tools have agno's toolkit.
_TOOLKIT = "_tool"
# Attributes that interactive tools look up on any object.
_NOT_STATE = ("__", "_repr_", "_ipython_")

S = TypeVar("S")

_lock = threading.Lock()
_classes: dict[type[BaseModel], type[BaseModel]] = {}


class _Kept(str):
    """A text that copies do not lose. Its pickle is a plain text."""

    def __copy__(self: S) -> S:
        return self

    def __deepcopy__(self: S, memo: object) -> S:
        return self

    def __reduce_ex__(self, protocol: object) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


class Reference(_Kept):
    """A reference in the place of a value. For a default, it is the secret that applied when the object was created."""

    is_default: bool

    @classmethod
    def to(cls, text: str, *, is_default: bool) -> Reference:
        """A reference: written in the file, or (`is_default` true) whatever the default is."""
        made = cls(text)
        made.is_default = is_default
        return made


class Dump(_Kept):
    """A dump that keeps its object alive: iointel keeps only the dump, and the dump alone has no values."""

    of: BaseModel


class _Served:
    """The differences between a served class and the tool's class, which comes next in the MRO."""

    # Properties that cache their result on the object, so they belong to the object behind.
    _toolvault_cached: ClassVar[frozenset[str]]

    def __init__(self, *_: object, **__: object) -> None:
        name = type(self).__name__
        raise ToolvaultError(f"a dump of {name} contains no secrets: load it with toolvault.iointel.load_workflow")

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name in type(self)._toolvault_cached:
            return getattr(_behind(self), name)
        value = super().__getattribute__(name)
        return getattr(_behind(self), name) if isinstance(value, Reference) else value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and not name.startswith(_NOT_STATE):
            found = getattr(_behind(self), name)
            return Toolkit(found, _private(self)[_BEHIND].redaction) if name == _TOOLKIT else found
        others = object.__getattribute__(self, "__pydantic_extra__") or {}
        if name in others:
            value = others[name]
            return getattr(_behind(self), name) if isinstance(value, Reference) else value
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") and not name.startswith(_NOT_STATE):
            setattr(_behind(self), name, value)
        else:
            super().__setattr__(name, value)

    def __copy__(self) -> BaseModel:
        copy = cast("BaseModel", super().__copy__())  # type: ignore[misc]
        private = _private(copy)
        private[_BEHIND] = private[_BEHIND].another()
        return copy

    def __del__(self) -> None:
        """Does nothing: the object behind closes what the class opened."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a tool that Toolvault serves cannot be pickled; dump its workflow")

    def __repr_args__(self) -> list[tuple[str, Any]]:
        fields = cast("type[BaseModel]", type(self)).model_fields
        return [(name, value) for name, value in _stored(self).items() if name not in fields or fields[name].repr]

    __repr__ = BaseModel.__repr__
    __str__ = BaseModel.__str__

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Constructor arguments: a reference where one was written, and nothing where a default applies."""
        references = _references(self)
        dump = super().model_dump(**_without(references, options))  # type: ignore[misc]
        return {**dump, **_written(references)}

    def model_dump_json(self, **options: Any) -> str:
        """The same as JSON."""
        references = _references(self)
        rest = json.loads(super().model_dump_json(**_without(references, options)))  # type: ignore[misc]
        dump = Dump(json.dumps({**rest, **_written(references)}))
        dump.of = cast("BaseModel", self)
        return dump


def behind(held: object) -> Behind | None:
    """What has the values of a served object; None for any other object."""
    return cast("Behind", _private(held)[_BEHIND]) if isinstance(held, _Served) else None


def prepare(served: object) -> None:
    """Fetches the values, so that the object has them for some seconds."""
    _behind(served)


def serve(
    tool_class: type[BaseModel], source: Source, literals: Mapping[str, Any], references: Mapping[str, Reference]
) -> BaseModel:
    """An object for a tool of this class, with literal arguments and references by argument."""
    served_class = _class_for(tool_class)
    given: dict[str, Any] = {**_validated(tool_class, source.tool, literals), **references}
    fields = served_class.model_fields
    stored = {
        name: given[name] if name in given else field.get_default(call_default_factory=True, validated_data={})
        for name, field in fields.items()
        if name in given or not field.is_required()
    }
    keeps_others = served_class.model_config.get("extra") == "allow"
    others = {name: value for name, value in given.items() if name not in fields} if keeps_others else None
    served: BaseModel = object.__new__(served_class)
    object.__setattr__(served, "__dict__", stored)
    object.__setattr__(served, "__pydantic_fields_set__", {name for name in given if name in fields or keeps_others})
    object.__setattr__(served, "__pydantic_extra__", others)
    object.__setattr__(served, "__pydantic_private__", {_BEHIND: Behind(tool_class, source, literals)})
    return served


def _validated(tool_class: type[BaseModel], tool: str, literals: Mapping[str, Any]) -> dict[str, Any]:
    """Literals in the types of their fields. A literal that contains a reference is validated later, with its value."""
    validated = dict(literals)
    for name, field in tool_class.model_fields.items():
        if name not in literals:
            continue
        problem = ""
        try:
            validated[name] = TypeAdapter(annotation(field)).validate_python(literals[name])
        except ValidationError as error:
            problem = "; ".join(one["msg"] for one in error.errors(include_input=False, include_context=False))
        except PydanticUserError:
            # Only the class itself can handle this type.
            continue
        if problem:
            raise ToolvaultError(f"the tool {tool} refuses the value of '{name}': {problem}")
    return validated


def _class_for(tool_class: type[BaseModel]) -> type[BaseModel]:
    """The served class of a tool's class. There is only one each, because iointel identifies classes by name."""
    with _lock:
        if tool_class not in _classes:
            namespace = {"__module__": f"toolvault.iointel.{tool_class.__module__}", "__doc__": tool_class.__doc__}
            made = cast("Any", type(tool_class))(tool_class.__name__, (_Served, tool_class), namespace)
            made._toolvault_cached = frozenset(_cached_properties(tool_class))
            # They may derive something from a value, and show it.
            decorators = made.__pydantic_decorators__
            for computed in (decorators.computed_fields, decorators.field_serializers, decorators.model_serializers):
                computed.clear()
            made.model_rebuild(force=True)
            _classes[tool_class] = made
        return _classes[tool_class]


def _cached_properties(tool_class: type[BaseModel]) -> Iterator[str]:
    for base in tool_class.__mro__:
        for name, value in vars(base).items():
            if isinstance(value, functools.cached_property):
                yield name


def _behind(served: object) -> BaseModel:
    """The object with the current values."""
    given: set[str] = object.__getattribute__(served, "__pydantic_fields_set__")
    literals = {
        name: value
        for name, value in _stored(served).items()
        if name in given and value is not None and not isinstance(value, Reference)
    }
    behind: Behind = _private(served)[_BEHIND]
    return behind.get(plain(literals))


def _stored(served: object) -> dict[str, Any]:
    """Fields by name, and the extra arguments that the class keeps."""
    fields: dict[str, Any] = object.__getattribute__(served, "__dict__")
    others: dict[str, Any] | None = object.__getattribute__(served, "__pydantic_extra__")
    return {**fields, **(others or {})}


def _private(served: object) -> dict[str, Any]:
    return cast("dict[str, Any]", object.__getattribute__(served, "__pydantic_private__"))


def _references(served: object) -> dict[str, Reference]:
    return {name: value for name, value in _stored(served).items() if isinstance(value, Reference)}


def _without(references: Mapping[str, Reference], options: dict[str, Any]) -> dict[str, Any]:
    """Dump options that also exclude the references."""
    excluded = options.get("exclude") or set()
    if isinstance(excluded, Mapping):
        return {**options, "exclude": {**excluded, **dict.fromkeys(references, True)}}
    return {**options, "exclude": {*excluded, *references}}


def _written(references: Mapping[str, Reference]) -> dict[str, str]:
    return {name: str(reference) for name, reference in references.items() if not reference.is_default}
