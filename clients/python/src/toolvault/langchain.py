"""Tools of LangChain and LangGraph whose keys come from the vault."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast, overload

from langchain_core.runnables.config import RunnableConfig, ensure_config
from langchain_core.tools import BaseTool, BaseToolkit, StructuredTool, Tool
from pydantic import BaseModel, PrivateAttr

from ._injection.injected import Injected
from ._injection.injector import Injector, Options, Subject, Vault, Wrapping, user_id, wrapping
from ._injection.objects import hints_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T", bound=BaseTool)
F = TypeVar("F", bound=Callable[..., Any])
Tools = BaseToolkit | Sequence[BaseTool | Callable[..., Any]]


def run_user(config: RunnableConfig) -> str | None:
    """The user of a run, for the option `user`: `user_id` of `configurable` in the run's configuration."""
    return user_id(config.get("configurable", {}))


@overload
def with_secrets(tool: T, vault: Vault, **options: Unpack[Options]) -> T: ...
@overload
def with_secrets(tool: Tools, vault: Vault, **options: Unpack[Options]) -> list[BaseTool]: ...
@overload
def with_secrets(tool: Callable[..., Any], vault: Vault, **options: Unpack[Options]) -> StructuredTool: ...
def with_secrets(tool: Any, vault: Vault, **options: Unpack[Options]) -> Any:
    """The same tool without the arguments that the vault supplies. The model does not see them; the call has them.

    Takes a tool, a function, or several: a list or a toolkit, of which it returns the list. `Options` says what the
    options are. `user` may be a function of the `RunnableConfig`, such as `run_user`.
    """
    return _wrapping(tool, vault, options).now()


@overload
async def with_secrets_async(tool: T, vault: Vault, **options: Unpack[Options]) -> T: ...
@overload
async def with_secrets_async(tool: Tools, vault: Vault, **options: Unpack[Options]) -> list[BaseTool]: ...
@overload
async def with_secrets_async(tool: Callable[..., Any], vault: Vault, **options: Unpack[Options]) -> StructuredTool: ...
async def with_secrets_async(tool: Any, vault: Vault, **options: Unpack[Options]) -> Any:
    """`with_secrets` that does not block the event loop."""
    return await _wrapping(tool, vault, options).later()


def _wrapping(tool: Any, vault: Vault, options: Options) -> Wrapping[BaseTool]:
    return wrapping(tool.get_tools() if isinstance(tool, BaseToolkit) else tool, _subject, vault, options)


def _subject(tool: Any) -> Subject[BaseTool]:
    if not isinstance(tool, BaseTool):
        if not callable(tool):
            raise TypeError(
                f"{type(tool).__name__} is not called here: give with_secrets tools, functions or a toolkit"
            )
        kind = "coroutine" if inspect.iscoroutinefunction(tool) else "func"
        tool = StructuredTool.from_function(**{kind: tool})
    if isinstance(tool, Tool):
        raise TypeError(f"tool {tool.name!r} takes one text; only a tool with named arguments can have hidden ones")
    described = tool.args_schema if isinstance(tool.args_schema, dict) else _seen(tool.tool_call_schema)
    return Subject(tool, tool.name, described, lambda injector: _bound(tool, injector), tool.args_schema)


def _seen(described: Any) -> dict[str, Any]:
    """What the model sees of a tool's arguments."""
    if isinstance(described, type) and issubclass(described, BaseModel):
        return described.model_json_schema()
    raise TypeError(f"arguments described by {described!r} cannot be hidden; use a model of pydantic 2")


def _bound(tool: BaseTool, injector: Injector) -> BaseTool:
    bound: BaseTool = tool.model_copy(update={"description": injector.description(tool.description)})
    if isinstance(tool.args_schema, dict):
        bound.args_schema = injector.schema()
    bound.__class__ = _class_of(type(tool))
    cast(Any, bound)._toolvault = injector
    return bound


class _Deferred(NamedTuple):
    """What a model said, before the tool's own class validates it."""

    args: Mapping[str, Any]
    call_id: str | None


@functools.cache
def _class_of(kind: type[Any]) -> type[Any]:
    """A subclass of a tool's class whose calls get their values between the framework and the class.

    `_to_args_and_kwargs` is private to LangChain: it validates. What it returns is passed to `_run` or `_arun`, the
    methods that tools implement. So validation waits until the values are there, and happens once.
    """

    class Supplied(kind):  # type: ignore[misc]
        _toolvault: Injector = PrivateAttr()

        @property
        def tool_call_schema(self) -> Any:
            described = super().tool_call_schema
            if isinstance(described, dict):
                return described
            return {**self._toolvault.schema(), "description": self.description}

        def _to_args_and_kwargs(self, tool_input: Any, tool_call_id: str | None) -> Any:
            if not isinstance(tool_input, Mapping):
                return super()._to_args_and_kwargs(tool_input, tool_call_id)
            return (_Deferred(self._toolvault.given(tool_input), tool_call_id),), {}

        def _filled(self, deferred: _Deferred, injected: Injected) -> Any:
            filled = self._toolvault.filled(deferred.args, injected)
            return super()._to_args_and_kwargs(filled, deferred.call_id)[1]

        @_seen_as(kind._run)
        def _run(self, *args: Any, **of_framework: Any) -> Any:
            if not (args and isinstance(args[0], _Deferred)):
                return super()._run(*args, **of_framework)
            injected = self._toolvault.wanted(args[0].args, ensure_config()).now()
            with injected:
                # No variable of this frame holds a value: a traceback shows it.
                return injected.redact(super()._run(**self._filled(args[0], injected), **of_framework))

        if kind._arun is not BaseTool._arun:

            @_seen_as(kind._arun)
            async def _arun(self, deferred: _Deferred, **of_framework: Any) -> Any:
                injected = await self._toolvault.wanted(deferred.args, ensure_config()).later()
                with injected:
                    return injected.redact(await super()._arun(**self._filled(deferred, injected), **of_framework))

    Supplied.__name__, Supplied.__qualname__, Supplied.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Supplied


def _seen_as(method: Callable[..., Any]) -> Callable[[F], F]:
    """Lets a method look like another one. LangChain looks at each call, so annotations are evaluated here."""

    def seen(own: F) -> F:
        functools.update_wrapper(own, method)
        own.__annotations__ = hints_of(method)
        own.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
        return own

    return seen
