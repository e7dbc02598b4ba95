"""Arguments as JSON, so that a policy can look at them."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any


class Hidden(str):
    """Stands in validated arguments where a value comes later. A text, so that serialisers take it."""

    def get_secret_value(self) -> str:
        """For serialisers and validators of pydantic's `SecretStr`."""
        return self


HIDDEN = Hidden("[hidden]")


def plain(value: Any) -> Any:
    """The value as JSON. Objects without a JSON form become their text, which a policy can match or refuse."""
    if value is None or isinstance(value, (bool, int, Decimal)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items() if one is not HIDDEN}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    if is_root(value):
        return plain(value.root)
    names = members(value)
    if names is not None:
        return plain({name: getattr(value, attribute, None) for name, attribute in names.items()})
    return str(value)


def parsed(value: Any) -> Any:
    """The object whose JSON text a model wrote; any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, dict) else value


def members(value: Any) -> dict[str, str] | None:
    """The attributes of an object of a known kind (pydantic, dataclass), by their names in JSON."""
    known = fields_of(value)
    if known is not None:
        names = {spellings(name, field)[0]: name for name, field in known.items()}
        return names | {name: name for name in getattr(value, "model_extra", None) or ()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: field.name for field in dataclasses.fields(value)}
    return None


def spellings(name: str, field: Any) -> list[str]:
    """The names by which a field of pydantic is given. The first is the one in its schema."""
    alias = field.validation_alias or field.alias
    return [one for one in getattr(alias, "choices", [alias]) if isinstance(one, str)] or [name]


def fields_of(value: Any) -> Mapping[str, Any] | None:
    """The fields of a model or a dataclass of pydantic."""
    found = getattr(type(value), "__pydantic_fields__", None)
    return found if isinstance(found, Mapping) else None


def is_root(value: Any) -> bool:
    """Whether it is a model of pydantic that stands for its only member."""
    return getattr(type(value), "__pydantic_root_model__", False) is True
