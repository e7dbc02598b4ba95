"""Tools of Pydantic AI whose keys come from the vault."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, cast

from pydantic_ai import ModelRetry, Tool
from pydantic_core import SchemaValidator

from ._injection import schema
from ._injection.function import injected
from ._injection.injector import Injector, Vault

KEPT = (ModelRetry,)

Deps = TypeVar("Deps")


def with_secrets(
    tool: Tool[Deps] | Callable[..., Any],
    vault: Vault,
    *,
    tool_name: str | None = None,
    hide: Collection[str] | None = None,
    bindings: Mapping[str, str] | None = None,
    redact: Collection[str] | None = None,
) -> Tool[Deps]:
    """The same tool without the arguments that the vault supplies. The model does not see them; the call has them.

    These are the arguments in `bindings` (references such as `secret://linear-prod`) and in `hide`, or, without `hide`,
    those for which the vault has a default for `tool_name`. `tool_name` is the tool's own name by default. Values are
    redacted in the tool's results: all of them, or those of the arguments in `redact`. A call without its secret raises
    `SecretMissing` or a related error with the argument's name.
    """
    tool = tool if isinstance(tool, Tool) else Tool(tool)
    visible = tool.function_schema.json_schema
    injector = Injector(vault, tool_name or tool.name, schema.declared(visible), hide, bindings, redact)
    if not injector.hidden:
        return tool
    function = injected(tool.function, injector, KEPT)
    # The validator would require the hidden arguments, so it is rebuilt for the function without them.
    checked = Tool(
        function,
        takes_ctx=tool.takes_ctx,
        name=tool.name,
        docstring_format=tool.docstring_format,
        require_parameter_descriptions=tool.require_parameter_descriptions,
    )
    known = tool.function_schema
    if _checks_nothing(tool):
        known = dataclasses.replace(known, json_schema=schema.without(visible, injector.hidden))
    else:
        known = checked.function_schema
    validator = cast(SchemaValidator, Dropping(known.validator, injector.hidden))
    bound = copy.copy(tool)
    bound.function = function
    bound.function_schema = dataclasses.replace(known, function=function, validator=validator)
    return bound


class Dropping:
    """Validates arguments as before, after discarding what the model made up for hidden ones."""

    def __init__(self, validator: Any, hidden: frozenset[str]) -> None:
        self._validator = validator
        self._hidden = hidden

    def validate_json(self, text: str | bytes | bytearray, **options: Any) -> Any:
        """Validates arguments as the model wrote them."""
        try:
            given = json.loads(text)
        except ValueError:
            return self._validator.validate_json(text, **options)
        if isinstance(given, dict) and self._hidden & given.keys():
            text = json.dumps({name: one for name, one in given.items() if name not in self._hidden})
        return self._validator.validate_json(text, **options)

    def validate_python(self, given: Any, **options: Any) -> Any:
        """Validates arguments as objects."""
        if isinstance(given, dict):
            given = {name: one for name, one in given.items() if name not in self._hidden}
        return self._validator.validate_python(given, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._validator, name)


def _checks_nothing(tool: Tool[Any]) -> bool:
    """Whether the tool was created by `Tool.from_schema`, which passes the arguments unchecked."""
    return tool.function_schema.validator.title == "any"
