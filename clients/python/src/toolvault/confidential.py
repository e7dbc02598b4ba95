"""A text that shows its content only on request."""

from __future__ import annotations

import hmac
import importlib
from typing import Any, NoReturn


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Confidential:
    """A value or a key. It has no readable form, cannot be pickled, and returns its content only from `reveal()`."""

    __slots__ = ("__text",)

    __text: str

    def __init__(self, text: str | Confidential) -> None:
        if isinstance(text, Confidential):
            text = text.reveal()
        if not isinstance(text, str):
            raise TypeError("a confidential value must be a string")
        object.__setattr__(self, "_Confidential__text", text)

    def reveal(self) -> str:
        """The content. Pass it on at once, and store it nowhere."""
        return self.__text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        """For pydantic: validated from a string, serialised as its masked form."""
        schema = importlib.import_module("pydantic_core").core_schema
        of_text = schema.no_info_after_validator_function(cls, schema.str_schema())
        return schema.json_or_python_schema(
            json_schema=of_text,
            python_schema=schema.union_schema([schema.is_instance_schema(cls), of_text]),
            serialization=schema.plain_serializer_function_ser_schema(repr),
        )

    def __repr__(self) -> str:
        return "Confidential(********)"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return format(repr(self), specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Confidential):
            return NotImplemented
        return hmac.compare_digest(_bytes(self.__text), _bytes(other.__text))

    # A hash would identify the content.
    __hash__ = None  # type: ignore[assignment]

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a confidential value cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a confidential value cannot be changed")

    def __copy__(self) -> Confidential:
        return self

    def __deepcopy__(self, memo: object) -> Confidential:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a confidential value cannot be pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a confidential value cannot be serialised")
