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
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from ._injection.injector import blocking
from .async_client import AsyncToolvault
from .client import Toolvault
from .errors import ApiError, Forbidden, ToolvaultError
from .models import Explanation, ToolCall

if TYPE_CHECKING:
    from iointel import Agent, Workflow
    from iointel.src.agent_methods.data_models.datamodels import AgentParams, Tool
    from pydantic import BaseModel

KEEP_SECONDS = 5.0
T = TypeVar("T")

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
    hook = _Tools(vault, keep_seconds).made
    return hook if isinstance(vault, Toolvault) else _in_thread(hook)


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
        return cast("Agent", _agent(inner, _supplied(params, vault)))

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
    return await asyncio.to_thread(with_secrets, tool, vault, hide=hide, bindings=bindings, redact=redact)


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
    tools_of = _Tools(vault, keep_seconds)
    await asyncio.to_thread(tools_of.expect, definition)
    text = yaml.safe_dump(definition, sort_keys=False)
    agents, made = _agents(vault, instantiate_agent), _in_thread(tools_of.made)
    return cast("Workflow", await Workflow.from_yaml(text, instantiate_agent=agents, instantiate_tool=made))


def portable(definition: Any) -> Any:
    """A dumped workflow, or dumped `AgentParams`, in which each tool is its name and its constructor arguments.

    `create_agent` and `Workflow.from_yaml` accept this form in any process.
    """
    from ._iointel import files

    return files.portable(definition)


class _Tools:
    """`instantiate_tool` for one vault."""

    def __init__(self, vault: Toolvault | AsyncToolvault, keep_seconds: float) -> None:
        self._vault = blocking(vault)
        self._keep_seconds = keep_seconds
        self._is_permitted = False
        # What is known before a tool is created, from one request for many tools.
        self._expected: dict[str, Explanation] = {}

    def made(self, tool: Tool, state_args: dict[str, Any] | None) -> BaseModel:
        from ._iointel.wish import Wish

        wish = Wish(tool, state_args)
        call = wish.call
        self._permit()
        explanation = self._expected.pop(_key(call), None) or _only(self._vault.explain_many([call]))
        if not explanation.would_succeed:
            # The exception that this raises says why. If it raises none, a secret was stored meanwhile.
            _only(self._vault.resolve_many([call]))
            explanation = _only(self._vault.explain_many([call]))
        if not explanation.would_succeed:
            raise ToolvaultError(f"the secrets for the tool {tool.name} change while it is created; create it again")
        return wish.granted(explanation, self._vault, self._keep_seconds)

    def expect(self, definition: Any) -> None:
        """Asks what the tools of a file will get."""
        from iointel.src.utilities.registries import TOOLS_REGISTRY

        from ._iointel import files
        from ._iointel.tools import is_stateful
        from ._iointel.wish import Wish

        named = [(TOOLS_REGISTRY[name], given) for name, given in files.named(definition)]
        calls = [Wish(tool, given).call for tool, given in named if is_stateful(tool)]
        if calls:
            self._permit()
        for start in range(0, len(calls), 100):
            asked = calls[start : start + 100]
            for call, explanation in zip(asked, self._vault.explain_many(asked), strict=True):
                if isinstance(explanation, Explanation):
                    self._expected[_key(call)] = explanation

    def _permit(self) -> None:
        """Checks that the key may fetch values: it is better to fail before an agent runs."""
        if not self._is_permitted and "resolve" not in self._vault.me().scopes:
            raise Forbidden("This key lacks the scope 'resolve'.", status=403)
        self._is_permitted = True


def _key(call: ToolCall) -> str:
    # The arguments are left out of its own text.
    return repr((call, call.args))


def _only(results: list[T | ApiError]) -> T:
    [result] = results
    if isinstance(result, ApiError):
        raise result
    return result


def _in_thread(function: Callable[..., T]) -> Callable[..., Awaitable[T]]:
    """The same without blocking the event loop."""

    async def call(*args: Any) -> T:
        return await asyncio.to_thread(function, *args)

    return call


def _agents(vault: Toolvault | AsyncToolvault, inner: Callable[..., Any] | None) -> AsyncAgentHook:
    async def hook(params: AgentParams) -> Agent:
        made = _agent(inner, await asyncio.to_thread(_supplied, params, vault))
        return cast("Agent", await made if inspect.isawaitable(made) else made)

    return hook


def _agent(inner: Callable[..., Any] | None, params: AgentParams) -> Any:
    from iointel.src.agent_methods.agents.agents_factory import instantiate_agent_default

    return (inner or instantiate_agent_default)(params)


def _supplied(params: AgentParams, vault: Toolvault | AsyncToolvault) -> AgentParams:
    """The tools that are functions with their secrets."""
    from ._iointel.tools import arguments, is_function, registered, with_values

    functions = {tool.name: arguments(tool) for tool in params.tools or () if is_function(tool) and arguments(tool)}
    found = blocking(vault).defaults(functions)
    tools_of = [
        with_values(registered(tool), vault, found[tool.name]) if is_function(tool) and found.get(tool.name) else tool
        for tool in params.tools or ()
    ]
    return cast("AgentParams", params.model_copy(update={"tools": tools_of}))


if __name__ == "__main__":
    from ._iointel.check import main

    raise SystemExit(main())
