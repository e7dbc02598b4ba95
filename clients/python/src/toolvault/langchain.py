"""Tools of LangChain and LangGraph whose keys come from the vault."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from operator import getitem
from typing import Annotated, Any, cast

from langchain_core.tools import BaseTool, StructuredTool, Tool, ToolException
from pydantic import BaseModel, create_model
from pydantic.fields import FieldInfo

from ._injection import schema
from ._injection.function import injected
from ._injection.injector import Injector, Vault

KEPT = (ToolException,)


def with_secrets(
    tool: BaseTool | Callable[..., Any],
    vault: Vault,
    *,
    tool_name: str | None = None,
    hide: Collection[str] | None = None,
    bindings: Mapping[str, str] | None = None,
    redact: Collection[str] | None = None,
) -> BaseTool:
    """The same tool without the arguments that the vault supplies. The model does not see them; the call has them.

    These are the arguments in `bindings` (references such as `secret://linear-prod`) and in `hide`, or, without `hide`,
    those for which the vault has a default for `tool_name`. `tool_name` is the tool's own name by default. Values are
    redacted in the tool's results: all of them, or those of the arguments in `redact`. A call without its secret raises
    `SecretMissing` or a related error with the argument's name.
    """
    if not isinstance(tool, BaseTool):
        tool = StructuredTool.from_function(tool)
    if isinstance(tool, Tool):
        raise TypeError(f"tool {tool.name!r} takes one text; only a tool with named arguments can have hidden ones")
    visible = tool.args_schema or tool.get_input_schema()
    injector = Injector(vault, tool_name or tool.name, _declared(visible), hide, bindings, redact)
    if not injector.hidden:
        return tool
    bound: BaseTool = tool.model_copy(update={"args_schema": _without(visible, injector.hidden)})
    if isinstance(bound, StructuredTool):
        bound.func = injected(bound.func, injector, KEPT) if bound.func else None
        bound.coroutine = injected(bound.coroutine, injector, KEPT) if bound.coroutine else None
        return bound
    # For a tool of the user's own class: attributes of the instance precede methods of the class.
    vars(bound)["_run"] = injected(tool._run, injector, KEPT)
    if type(tool)._arun is not BaseTool._arun:
        vars(bound)["_arun"] = injected(tool._arun, injector, KEPT)
    return bound


def _declared(visible: Any) -> frozenset[str]:
    if isinstance(visible, dict):
        return schema.declared(visible)
    return frozenset(_model(visible).model_fields)


def _without(visible: Any, hidden: Collection[str]) -> Any:
    if isinstance(visible, dict):
        return schema.without(visible, hidden)
    model = _model(visible)
    # `Annotated` keeps markers of LangChain such as `InjectedState`.
    fields: dict[str, Any] = {
        name: (_annotated(field), field) for name, field in model.model_fields.items() if name not in hidden
    }
    return create_model(
        model.__name__, __config__=model.model_config, __doc__=model.__doc__, __module__=model.__module__, **fields
    )


def _annotated(field: FieldInfo) -> Any:
    return getitem(cast(Any, Annotated), (field.annotation, *field.metadata)) if field.metadata else field.annotation


def _model(visible: Any) -> type[BaseModel]:
    if isinstance(visible, type) and issubclass(visible, BaseModel):
        return visible
    raise TypeError(f"arguments described by {cast(Any, visible)!r} cannot be hidden; use a model of pydantic 2")
