"""Tools of agno 3 whose keys come from the vault."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from agno.run import RunContext
from agno.tools.function import Function
from agno.tools.toolkit import Toolkit
from agno.utils import log

from ._injection import logs
from ._injection.calls import Arguments, supplied
from ._injection.injected import Injected
from ._injection.injector import Injector, Options, Subject, Vault, Wrapping, wrapping
from ._injection.objects import hints_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

Kit = TypeVar("Kit", bound=Toolkit)

# agno passes its run's context to wrappers that have this parameter.
CONTEXT = "_agno_run_context"

# `@tool` and `Function` log what a tool raises.
logs.watch(*{one.name for one in (log.agent_logger, log.team_logger, log.workflow_logger)})


def run_user(context: RunContext) -> str | None:
    """The user of a run, for the option `user`: the `user_id` that the run was started with."""
    return context.user_id


@overload
def with_secrets(tool: Kit, vault: Vault, **options: Unpack[Options]) -> Kit: ...
@overload
def with_secrets(
    tool: Sequence[Function | Callable[..., Any]], vault: Vault, **options: Unpack[Options]
) -> list[Function]: ...
@overload
def with_secrets(tool: Function | Callable[..., Any], vault: Vault, **options: Unpack[Options]) -> Function: ...
def with_secrets(tool: Any, vault: Vault, **options: Unpack[Options]) -> Any:
    """The same tool without the arguments that the vault supplies. The model does not see them; the call has them.

    Takes a `Function`, a plain function, a list of these, or a toolkit. `Options` says what the options are. `user`
    may be a function of the run's `RunContext`, such as `run_user`. agno reports errors to the model.
    """
    return _wrapping(tool, vault, options).now()


@overload
async def with_secrets_async(tool: Kit, vault: Vault, **options: Unpack[Options]) -> Kit: ...
@overload
async def with_secrets_async(
    tool: Sequence[Function | Callable[..., Any]], vault: Vault, **options: Unpack[Options]
) -> list[Function]: ...
@overload
async def with_secrets_async(
    tool: Function | Callable[..., Any], vault: Vault, **options: Unpack[Options]
) -> Function: ...
async def with_secrets_async(tool: Any, vault: Vault, **options: Unpack[Options]) -> Any:
    """`with_secrets` that does not block the event loop."""
    return await _wrapping(tool, vault, options).later()


def _wrapping(tool: Any, vault: Vault, options: Options) -> Wrapping[Function]:
    if not isinstance(tool, Toolkit):
        return wrapping(tool, lambda one: _subject(one, options), vault, options)
    tools = [*tool.functions.values(), *tool.async_functions.values()]
    if not tools:
        raise TypeError(
            f"toolkit {tool.name!r} has no tools yet: connect it first, or put its server behind the gateway"
        )

    def together(made: list[Function]) -> Toolkit:
        by_tool = dict(zip(map(id, tools), made, strict=True))
        kit = copy.copy(tool)
        for name in ("functions", "async_functions"):
            functions = getattr(tool, name)
            setattr(kit, name, type(functions)((each, by_tool[id(one)]) for each, one in functions.items()))
        return kit

    return Wrapping([_subject(one, options) for one in tools], vault, options, together)


def _subject(tool: Any, options: Options) -> Subject[Function]:
    if not isinstance(tool, Function):
        if not callable(tool):
            raise TypeError(f"{type(tool).__name__} is not called here: give with_secrets functions or a toolkit")
        tool = Function(name=tool.__name__, entrypoint=tool)
    if tool.entrypoint is None:
        raise TypeError(f"tool {tool.name!r} has no function")
    processed = tool.model_copy()
    processed.process_entrypoint()
    needs_context = callable(options.get("user"))
    return Subject(
        processed,
        tool.name,
        processed.parameters,
        lambda injector: _bound(processed, injector, needs_context),
        hints_of(processed.entrypoint),
    )


def _bound(tool: Function, injector: Injector, needs_context: bool) -> Function:
    bound = tool.model_copy()
    hidden = {one.path[0] for one in injector.places if len(one.path) == 1}
    bound.parameters = injector.schema()
    bound.description = injector.description(tool.description) if tool.description else tool.description
    if tool.user_input_schema is not None:
        bound.user_input_schema = [one for one in tool.user_input_schema if one.name not in hidden]
    if tool.user_input_fields is not None:
        bound.user_input_fields = [one for one in tool.user_input_fields if one not in hidden]
    assert tool.entrypoint is not None  # noqa: S101 - for the type checker
    # What is processed already stays as it is: agno would look for the hidden arguments again.
    bound.entrypoint, bound.skip_entrypoint_processing = _supplied(tool.entrypoint, injector, needs_context), True
    return bound


def _supplied(entrypoint: Callable[..., Any], injector: Injector, needs_context: bool) -> Callable[..., Any]:
    def given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], object]:
        # An application may have replaced it since then.
        logs.watch(log.logger.name)
        named = injector.given(kwargs)
        context = named.pop(CONTEXT, None) if needs_context else None
        return named, context

    def filled(given: Mapping[str, Any], injected: Injected) -> Arguments:
        return (), injector.filled(given, injected)

    made = functools.wraps(entrypoint)(supplied(entrypoint, injector, given, filled))
    if needs_context:
        made.__signature__ = _with_context(inspect.signature(entrypoint))  # type: ignore[attr-defined]
    return made


def _with_context(signature: inspect.Signature) -> inspect.Signature:
    parameters = list(signature.parameters.values())
    at = next((at for at, one in enumerate(parameters) if one.kind is inspect.Parameter.VAR_KEYWORD), len(parameters))
    return signature.replace(
        parameters=[*parameters[:at], inspect.Parameter(CONTEXT, inspect.Parameter.KEYWORD_ONLY), *parameters[at:]]
    )
