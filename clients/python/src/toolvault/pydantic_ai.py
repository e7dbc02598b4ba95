"""Tools of Pydantic AI whose keys come from the vault."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic_ai import AbstractToolset, FunctionToolset, RunContext, Tool, WrapperToolset
from pydantic_ai._function_schema import FunctionSchema
from pydantic_ai.toolsets.abstract import ToolsetTool
from pydantic_core import ValidationError

from ._injection import schema
from ._injection.injected import Injected
from ._injection.injector import Injector, Options, Subject, Vault, Wrapping, user_id, wrapping
from ._injection.objects import fill, typed_member
from ._injection.opened import Opened, Path
from ._injection.plain import plain
from .confidential import Confidential

if TYPE_CHECKING:
    from typing_extensions import Unpack

Deps = TypeVar("Deps")
Set = TypeVar("Set", bound=FunctionToolset[Any])


def run_user(context: RunContext[Any]) -> str | None:
    """The user of a run, for the option `user`: `user_id` of its dependencies."""
    return user_id(context.deps)


@overload
def with_secrets(tool: Tool[Deps], vault: Vault, **options: Unpack[Options]) -> Tool[Deps]: ...
@overload
def with_secrets(tool: Set, vault: Vault, **options: Unpack[Options]) -> Set: ...
@overload
def with_secrets(tool: AbstractToolset[Deps], vault: Vault, **options: Unpack[Options]) -> AbstractToolset[Deps]: ...
@overload
def with_secrets(
    tool: Sequence[Tool[Any] | Callable[..., Any]], vault: Vault, **options: Unpack[Options]
) -> list[Tool[Any]]: ...
@overload
def with_secrets(tool: Callable[..., Any], vault: Vault, **options: Unpack[Options]) -> Tool[Any]: ...
def with_secrets(tool: Any, vault: Vault, **options: Unpack[Options]) -> Any:
    """The same tool without the arguments that the vault supplies. The model does not see them; the call has them.

    Takes a tool, a function, a list of these, or a toolset with the tools that it has now. `Options` says what the
    options are. `user` may be a function of the `RunContext`, such as `run_user`.
    """
    return _wrapping(tool, vault, options).now()


@overload
async def with_secrets_async(tool: Tool[Deps], vault: Vault, **options: Unpack[Options]) -> Tool[Deps]: ...
@overload
async def with_secrets_async(tool: Set, vault: Vault, **options: Unpack[Options]) -> Set: ...
@overload
async def with_secrets_async(
    tool: AbstractToolset[Deps], vault: Vault, **options: Unpack[Options]
) -> AbstractToolset[Deps]: ...
@overload
async def with_secrets_async(
    tool: Sequence[Tool[Any] | Callable[..., Any]], vault: Vault, **options: Unpack[Options]
) -> list[Tool[Any]]: ...
@overload
async def with_secrets_async(tool: Callable[..., Any], vault: Vault, **options: Unpack[Options]) -> Tool[Any]: ...
async def with_secrets_async(tool: Any, vault: Vault, **options: Unpack[Options]) -> Any:
    """`with_secrets` that does not block the event loop."""
    return await _wrapping(tool, vault, options).later()


def _wrapping(tool: Any, vault: Vault, options: Options) -> Wrapping[Tool[Any]]:
    if isinstance(tool, AbstractToolset):
        leaves: list[AbstractToolset[Any]] = []
        tool.apply(leaves.append)
        own = [one for leaf in leaves if isinstance(leaf, FunctionToolset) for one in leaf.tools.values()]

        def together(made: list[Tool[Any]]) -> Any:
            return _replaced(tool, dict(zip(map(id, own), made, strict=True)), vault, options)

        return Wrapping([_subject(one) for one in own], vault, options, together)
    return wrapping(tool, _subject, vault, options)


def _replaced(toolset: Any, made: Mapping[int, Tool[Any]], vault: Vault, options: Options) -> Any:
    def replaced(leaf: AbstractToolset[Any]) -> AbstractToolset[Any]:
        if not isinstance(leaf, FunctionToolset):
            return Supplied(leaf, vault, options)
        copied = copy.copy(leaf)
        copied.tools = {name: made[id(one)] for name, one in leaf.tools.items()}
        return copied

    return toolset.visit_and_replace(replaced)


def _subject(tool: Any) -> Subject[Tool[Any]]:
    if not isinstance(tool, Tool) and not (callable(tool) and hasattr(tool, "__name__")):
        raise TypeError(
            f"{type(tool).__name__} has no function here: its provider runs it. Give with_secrets tools, functions or "
            "toolsets, or put an MCP server behind the gateway"
        )
    tool = tool if isinstance(tool, Tool) else Tool(tool)
    described, single = tool.function_schema.json_schema, tool.function_schema.single_arg_name
    if single is not None and single not in described.get("properties", {}):
        # The model sees the members of the only argument. Secrets may also name them by pointers into the argument.
        envelope = {**described, "properties": {**described["properties"], single: described}}
        described = {**envelope, "required": [*described.get("required", ()), single]}
    return Subject(tool, tool.name, described, lambda injector: _bound(tool, injector))


def _bound(tool: Tool[Any], injector: Injector) -> Tool[Any]:
    known = tool.function_schema
    filling = Filling(injector, known)
    bound = copy.copy(tool)
    bound.description = injector.description(tool.description) if tool.description else tool.description
    bound.function_schema = SuppliedSchema(
        **{one.name: getattr(known, one.name) for one in dataclasses.fields(known)} | filling.changes, filling=filling
    )
    if tool.args_validator is not None:
        bound.args_validator = filling.checked(tool.args_validator)
    return bound


class Filling:
    """The hidden arguments of one tool: apart while the framework validates, filled in for the call."""

    def __init__(self, injector: Injector, known: FunctionSchema) -> None:
        self._injector = injector
        self.is_blocking = injector.is_blocking
        self._single = known.single_arg_name
        self._paths = {self._inner(one.path) for one in injector.places}
        opened = Opened(known.validator, self._paths, injector.objects if self._single is None else ())
        self._members = opened.members
        self.changes = {
            "validator": opened.validator,
            "json_schema": schema.without(known.json_schema, self._paths),
        }

    def _inner(self, path: Path) -> Path:
        """The path in the schema that the model sees."""
        return path[1:] if len(path) > 1 and path[0] == self._single else path

    async def injected(self, args: Mapping[str, Any], context: RunContext[Any]) -> Injected:
        """The values for a call with these validated arguments."""
        return await self._injector.wanted(self._given(args), context).later()

    def injected_now(self, args: Mapping[str, Any], context: RunContext[Any]) -> Injected:
        """The same in a thread that may wait."""
        return self._injector.wanted(self._given(args), context).now()

    def _given(self, args: Mapping[str, Any]) -> dict[str, Any]:
        members = plain(args.get(self._single)) if self._single is not None else {}
        return self._injector.given({**members, **args})

    def filled(self, args: Mapping[str, Any], injected: Injected) -> dict[str, Any]:
        """The validated arguments with their values, in the types of the tool."""
        values: dict[Path, Confidential | None] = dict.fromkeys(self._paths) | {
            self._inner(path): value for path, value in injected.by_path.items()
        }
        outer: Path = () if self._single is None else (self._single,)
        return fill(args, {(*outer, *path): value for path, value in values.items()}, self._typed)

    def _typed(self, args: Any, path: Sequence[str], value: Confidential) -> Any:
        member = self._members.get(self._inner(tuple(path)))
        if member is None:
            return typed_member(args, path, value)
        try:
            return member.validate_python(value.reveal())
        except ValidationError:
            pass  # It shows the value.
        raise ValueError(f"the value for argument {path[-1]!r} is refused by its type")

    def checked(self, validate: Callable[..., Any]) -> Callable[..., Any]:
        """The tool's own check of validated arguments, with their values."""

        async def check(context: RunContext[Any], **args: Any) -> None:
            injected = await self.injected(args, context)
            with injected:
                result = validate(context, **self.filled(args, injected))
                if inspect.isawaitable(result):
                    await result

        return check


@dataclasses.dataclass(kw_only=True)
class SuppliedSchema(FunctionSchema):
    """The schema of a tool, whose calls get their values. `FunctionSchema` is private to Pydantic AI."""

    filling: Filling = dataclasses.field(repr=False)

    async def call(self, args_dict: dict[str, Any], ctx: RunContext[Any]) -> Any:
        if self.filling.is_blocking and not self.is_async:
            # The framework calls the function in a thread, which can also wait for the vault.
            own = {one.name: getattr(self, one.name) for one in dataclasses.fields(FunctionSchema)}
            own |= {
                "function": self._call_now,
                "takes_ctx": True,
                "positional_fields": [],
                "var_positional_field": None,
            }
            return await FunctionSchema(**own).call(args_dict, ctx)
        injected = await self.filling.injected(args_dict, ctx)
        with injected:
            return injected.redact(await super().call(self.filling.filled(args_dict, injected), ctx))

    def _call_now(self, ctx: RunContext[Any], /, **args_dict: Any) -> Any:
        injected = self.filling.injected_now(args_dict, ctx)
        with injected:
            return injected.redact(self._function_with(self.filling.filled(args_dict, injected), ctx))

    def _function_with(self, filled: dict[str, Any], ctx: RunContext[Any]) -> Any:
        # A traceback shows this frame, so it forgets the values at the end.
        args, kwargs = self._call_args(filled, ctx)
        try:
            return self.function(*args, **kwargs)
        finally:
            del args, kwargs, filled


@dataclasses.dataclass(kw_only=True)
class SuppliedTool(ToolsetTool[Any]):
    """A tool of another toolset, such as an MCP server, with its injector."""

    inner: ToolsetTool[Any]
    injector: Injector


@dataclasses.dataclass
class Supplied(WrapperToolset[Any]):
    """A toolset whose tools are known only while it runs."""

    vault: Vault = dataclasses.field(repr=False)
    options: Options

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        tools = await super().get_tools(ctx)
        subjects = [
            Subject(one, name, one.tool_def.parameters_json_schema, _of_set(one)) for name, one in tools.items()
        ]
        return dict(zip(tools, await Wrapping(subjects, self.vault, self.options).later(), strict=True))

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        if not isinstance(tool, SuppliedTool):
            return await super().call_tool(name, tool_args, ctx, tool)
        given = tool.injector.given(tool_args)
        injected = await tool.injector.wanted(given, ctx).later()
        with injected:
            filled = tool.injector.filled
            return injected.redact(await super().call_tool(name, filled(given, injected), ctx, tool.inner))


def _of_set(tool: ToolsetTool[Any]) -> Callable[[Injector], ToolsetTool[Any]]:
    def wrap(injector: Injector) -> ToolsetTool[Any]:
        own = {one.name: getattr(tool, one.name) for one in dataclasses.fields(ToolsetTool)}
        text = tool.tool_def.description
        own["tool_def"] = dataclasses.replace(
            tool.tool_def,
            parameters_json_schema=injector.schema(),
            description=injector.description(text) if text else text,
        )
        return SuppliedTool(**own, inner=tool, injector=injector)

    return wrap
