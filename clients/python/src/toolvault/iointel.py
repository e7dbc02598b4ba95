"""Tools of iointel that get their secrets from Toolvault, and store none.

    vault = Toolvault()
    workflow = await load_workflow(vault, file_path="triage.yaml")
    agent = await create_agent(
        params, instantiate_tool=instantiate_tool(vault), instantiate_agent=instantiate_agent(vault)
    )

A constructor argument of a method's class, or an argument of a function, that was not given gets the default secret for
the tool. A constructor argument that is `secret://…` gets that secret, if it is granted to the tool and the argument.
Values are fetched when a tool needs them, for the user for whom the vault acts then, and redacted in its results.
`python -m toolvault.iointel check triage.yaml` shows beforehand what each tool would get.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, overload

from ._http.operation import Operation
from ._injection.injector import blocking
from ._operations import tools
from .async_client import AsyncToolvault
from .client import Toolvault
from .errors import Forbidden
from .models import Explanation, Me

if TYPE_CHECKING:
    from iointel import Agent, Workflow
    from iointel.src.agent_methods.data_models.datamodels import AgentParams, Tool
    from pydantic import BaseModel

KEEP_SECONDS = 5.0

Hook = Callable[["Tool", "dict[str, Any] | None"], "BaseModel"]
AsyncHook = Callable[["Tool", "dict[str, Any] | None"], Awaitable["BaseModel"]]
AgentHook = Callable[["AgentParams"], "Agent"]
AsyncAgentHook = Callable[["AgentParams"], Awaitable["Agent"]]


@overload
def instantiate_tool(vault: Toolvault, *, keep_seconds: float = KEEP_SECONDS) -> Hook: ...
@overload
def instantiate_tool(vault: AsyncToolvault, *, keep_seconds: float = KEEP_SECONDS) -> AsyncHook: ...
def instantiate_tool(vault: Toolvault | AsyncToolvault, *, keep_seconds: float = KEEP_SECONDS) -> Hook | AsyncHook:
    """The `instantiate_tool` of `Workflow.from_yaml` and `create_agent`, the `tool_instantiator` of `resolve_tools`.

    It raises `SecretMissing` or a related error, with the argument's name, before an agent runs. A fetched value is
    used for `keep_seconds`, for one user. With an `AsyncToolvault` loading does not block; values are always fetched
    in a thread in which a tool runs, or in one of its own.
    """
    hooks = _Hooks(vault, keep_seconds)
    return hooks.blocking if isinstance(vault, Toolvault) else hooks.asynchronous


@overload
def instantiate_agent(vault: Toolvault, inner: AgentHook | None = None) -> AgentHook: ...
@overload
def instantiate_agent(vault: AsyncToolvault, inner: AgentHook | AsyncAgentHook | None = None) -> AsyncAgentHook: ...
def instantiate_agent(
    vault: Toolvault | AsyncToolvault, inner: AgentHook | AsyncAgentHook | None = None
) -> AgentHook | AsyncAgentHook:
    """The `instantiate_agent` of `Workflow.from_yaml` and `create_agent`, for tools that are functions.

    The arguments for which the vault has a default are hidden from the model, and get their values when the function is
    called. `inner` is an `instantiate_agent` of your own.
    """
    if isinstance(vault, AsyncToolvault):
        return _agents(vault, inner)

    def hook(params: AgentParams) -> Agent:
        found = vault.defaults(_functions(params))
        return cast("Agent", _agent(inner, _supplied(params, vault, found)))

    return hook


def with_secrets(
    tool: Tool | Callable[..., Any],
    vault: Toolvault | AsyncToolvault,
    *,
    hide: Collection[str] | None = None,
    bindings: Mapping[str, str] | None = None,
    redact: Collection[str] | None = None,
) -> Tool:
    """A function that `@register_tool` registered, without the arguments that the vault supplies, for `Agent(tools=…)`.

    These are the arguments in `bindings` (references such as `secret://linear-prod`) and in `hide`, or, without `hide`,
    those for which the vault has a default. Values are redacted in results: all of them, or those in `redact`.
    """
    from ._iointel.tools import arguments, registered, with_values

    known = registered(tool)
    if hide is None:
        hide = blocking(vault).defaults({known.name: arguments(known)})[known.name]
    return with_values(known, vault, hide, bindings, redact)


async def with_secrets_async(
    tool: Tool | Callable[..., Any],
    vault: Toolvault | AsyncToolvault,
    *,
    hide: Collection[str] | None = None,
    bindings: Mapping[str, str] | None = None,
    redact: Collection[str] | None = None,
) -> Tool:
    """`with_secrets` that does not block the event loop."""
    from ._iointel.tools import arguments, registered, with_values

    known = registered(tool)
    if hide is None:
        hide = (await _defaults(vault)({known.name: arguments(known)}))[known.name]
    return with_values(known, vault, hide, bindings, redact)


async def load_workflow(
    vault: Toolvault | AsyncToolvault,
    yaml_str: str | None = None,
    file_path: str | Path | None = None,
    *,
    instantiate_agent: Callable[..., Any] | None = None,
    keep_seconds: float = KEEP_SECONDS,
) -> Workflow:
    """The workflow in a file, written by hand or by `Workflow.to_yaml`, in this process or another one."""
    import yaml
    from iointel import Workflow

    from ._iointel import files

    definition = files.read(yaml_str, file_path)
    hooks = _Hooks(vault, keep_seconds)
    agents = _agents(vault, instantiate_agent)
    if isinstance(vault, AsyncToolvault):
        await hooks.expect(definition)
        hook = hooks.asynchronous
    else:
        await asyncio.to_thread(hooks.expect_blocking, definition)
        hook = hooks.in_thread
    text = yaml.safe_dump(definition, sort_keys=False)
    return cast("Workflow", await Workflow.from_yaml(text, instantiate_agent=agents, instantiate_tool=hook))


def portable(definition: Any) -> Any:
    """A dumped workflow, or dumped `AgentParams`, in which each tool is its name and its constructor arguments.

    `create_agent` and `Workflow.from_yaml` accept this form in any process.
    """
    from ._iointel import files

    return files.portable(definition)


Steps = Generator[Operation[Any], Any, Any]


class _Hooks:
    """`instantiate_tool` for one vault."""

    def __init__(self, vault: Toolvault | AsyncToolvault, keep_seconds: float) -> None:
        self._vault = vault
        self._keep_seconds = keep_seconds
        self._may: tuple[str, ...] = ()
        # What is known before a tool is created, from one request for many tools.
        self._expected: dict[str, Explanation] = {}

    def blocking(self, tool: Tool, state_args: dict[str, Any] | None) -> BaseModel:
        return cast("BaseModel", self._run(self._steps(tool, state_args)))

    async def asynchronous(self, tool: Tool, state_args: dict[str, Any] | None) -> BaseModel:
        return cast("BaseModel", await self._await(self._steps(tool, state_args)))

    async def in_thread(self, tool: Tool, state_args: dict[str, Any] | None) -> BaseModel:
        return await asyncio.to_thread(self.blocking, tool, state_args)

    async def expect(self, definition: Any) -> None:
        await self._await(self._expectations(definition))

    def expect_blocking(self, definition: Any) -> None:
        self._run(self._expectations(definition))

    def _steps(self, tool: Tool, state_args: dict[str, Any] | None) -> Steps:
        from ._iointel.wish import Wish

        wish = Wish(tool, state_args)
        call = wish.call
        yield from self._permitted()
        explanation = self._expected.pop(repr((call, call.args)), None) or (yield tools.explain(call))
        while not explanation.would_succeed:
            # The exception that this raises says why.
            yield tools.resolve(call)
            explanation = yield tools.explain(call)
        return wish.granted(explanation, blocking(self._vault)._sender, self._keep_seconds)

    def _expectations(self, definition: Any) -> Steps:
        from iointel.src.utilities.registries import TOOLS_REGISTRY

        from ._iointel import files
        from ._iointel.tools import is_stateful
        from ._iointel.wish import Wish

        named = [(TOOLS_REGISTRY[name], given) for name, given in files.named(definition)]
        calls = [Wish(tool, given).call for tool, given in named if is_stateful(tool)]
        if len(calls) > 1:
            yield from self._permitted()
        for start in range(0, len(calls) if len(calls) > 1 else 0, 100):
            asked = calls[start : start + 100]
            for call, explanation in zip(asked, (yield tools.explain_many(asked)), strict=True):
                if isinstance(explanation, Explanation):
                    self._expected[repr((call, call.args))] = explanation

    def _permitted(self) -> Steps:
        """Checks that the key may fetch values: it is better to fail before an agent runs."""
        if not self._may:
            me: Me = yield tools.me()
            if "resolve" not in me.scopes:
                raise Forbidden("This key lacks the scope 'resolve'.", status=403)
            self._may = me.scopes

    def _run(self, steps: Steps) -> Any:
        sender, answer = blocking(self._vault)._sender, None
        try:
            while True:
                answer = sender.run(steps.send(answer))
        except StopIteration as end:
            return end.value

    async def _await(self, steps: Steps) -> Any:
        sender, answer = cast(AsyncToolvault, self._vault)._sender, None
        while True:
            try:
                operation = steps.send(answer)
            except StopIteration as end:
                return end.value
            answer = await sender.run(operation)


Defaults = Callable[[Mapping[str, Collection[str]]], Awaitable[Mapping[str, Collection[str]]]]


def _defaults(vault: Toolvault | AsyncToolvault) -> Defaults:
    """`defaults` that does not block the event loop."""
    if isinstance(vault, AsyncToolvault):
        return vault.defaults

    async def found(wanted: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
        return await asyncio.to_thread(vault.defaults, wanted)

    return found


def _agents(vault: Toolvault | AsyncToolvault, inner: Callable[..., Any] | None) -> AsyncAgentHook:
    async def hook(params: AgentParams) -> Agent:
        made = _agent(inner, _supplied(params, vault, await _defaults(vault)(_functions(params))))
        return cast("Agent", await made if inspect.isawaitable(made) else made)

    return hook


def _agent(inner: Callable[..., Any] | None, params: AgentParams) -> Any:
    from iointel.src.agent_methods.agents.agents_factory import instantiate_agent_default

    return (inner or instantiate_agent_default)(params)


def _functions(params: AgentParams) -> dict[str, frozenset[str]]:
    """The arguments of the tools that are functions."""
    from ._iointel.tools import arguments, is_function

    return {tool.name: arguments(tool) for tool in params.tools or () if is_function(tool) and arguments(tool)}


def _supplied(
    params: AgentParams, vault: Toolvault | AsyncToolvault, found: Mapping[str, Collection[str]]
) -> AgentParams:
    from ._iointel.tools import is_function, registered, with_values

    tools_of = [
        with_values(registered(tool), vault, found[tool.name]) if is_function(tool) and found.get(tool.name) else tool
        for tool in params.tools or ()
    ]
    return cast("AgentParams", params.model_copy(update={"tools": tools_of}))


if __name__ == "__main__":
    from ._iointel.check import main

    raise SystemExit(main())
