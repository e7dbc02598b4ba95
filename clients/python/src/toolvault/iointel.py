"""Tools of iointel that get their secrets from Toolvault, and store none.

    vault = Toolvault()
    workflow = await load_workflow(vault, file_path="triage.yaml")
    agent = await create_agent(params, instantiate_tool=instantiate_tool(vault))

A constructor's argument that was not given gets the default secret for the tool; one that is `secret://…` gets the
secret that this names, if it is granted to the tool and the argument. Values are fetched when a tool needs them.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload
from urllib.parse import quote

from ._http.senders import Sender
from .async_client import AsyncToolvault
from .client import Toolvault
from .errors import ToolvaultError
from .models import Explanation

if TYPE_CHECKING:
    from iointel import Workflow
    from iointel.src.agent_methods.data_models.datamodels import Tool
    from pydantic import BaseModel

SCHEME = "secret://"
KEEP_SECONDS = 5.0

Hook = Callable[["Tool", "dict[str, Any] | None"], "BaseModel"]
AsyncHook = Callable[["Tool", "dict[str, Any] | None"], Awaitable["BaseModel"]]


@overload
def instantiate_tool(vault: Toolvault, *, keep_seconds: float = KEEP_SECONDS) -> Hook: ...
@overload
def instantiate_tool(vault: AsyncToolvault, *, keep_seconds: float = KEEP_SECONDS) -> AsyncHook: ...
def instantiate_tool(vault: Toolvault | AsyncToolvault, *, keep_seconds: float = KEEP_SECONDS) -> Hook | AsyncHook:
    """The `instantiate_tool` of `Workflow.from_yaml` and `create_agent`, the `tool_instantiator` of `resolve_tools`.

    It raises `SecretMissing` and its siblings, which name the argument, before an agent runs. A value that was fetched
    serves for `keep_seconds`. With an `AsyncToolvault` loading does not block; values are fetched in the thread that a
    tool runs in, in any case.
    """
    if isinstance(vault, Toolvault):
        return _hook(vault, keep_seconds)
    return _async_hook(vault, keep_seconds)


async def load_workflow(
    vault: Toolvault | AsyncToolvault,
    yaml_str: str | None = None,
    file_path: str | Path | None = None,
    *,
    instantiate_agent: Callable[..., Any] | None = None,
    keep_seconds: float = KEEP_SECONDS,
) -> Workflow:
    """The workflow of a file, written by hand or by `Workflow.to_yaml`, in this process or another."""
    import yaml
    from iointel import Workflow

    from ._iointel import files

    if (yaml_str is None) == (file_path is None):
        raise ToolvaultError("give yaml_str or file_path")
    text = yaml_str if yaml_str is not None else Path(str(file_path)).read_text(encoding="utf-8")
    definition = yaml.safe_dump(files.read(text), sort_keys=False)
    hook = instantiate_tool(vault, keep_seconds=keep_seconds)
    return await Workflow.from_yaml(definition, instantiate_agent=instantiate_agent, instantiate_tool=hook)


def portable(definition: Any) -> Any:
    """A dumped workflow, or dumped `AgentParams`, in which each tool is its name and its constructor's arguments.

    In that form `create_agent` and `Workflow.from_yaml` take it in any process.
    """
    from ._iointel import files

    return files.portable(definition)


class _Wish:
    """What one tool is to be constructed with."""

    def __init__(self, tool: Tool, state_args: Mapping[str, Any] | None) -> None:
        from iointel.src.utilities.registries import STATEFUL_TOOL_DEFAULTS
        from iointel.src.utilities.tooling import get_tool_model_class

        from ._iointel.served import jsonable

        self.tool = tool
        self.tool_class = get_tool_model_class(tool)
        given = {**STATEFUL_TOOL_DEFAULTS.get(tool.name, {}), **(state_args or {})}
        self.given = {name: value for name, value in given.items() if value is not None}
        self.bindings = {name: str(value) for name, value in self.given.items() if _is_reference(value)}
        self.literals = {name: value for name, value in self.given.items() if name not in self.bindings}
        fields = self.tool_class.model_fields
        self._check(fields)
        self.call: dict[str, Any] = {
            "tool": tool.name,
            "args": jsonable(self.literals),
            "bindings": self.bindings,
            "accepts": [name for name in fields if name not in self.given],
            "require": [
                name for name, field in fields.items() if field.is_required() and not _fills_itself(self.tool_class, name)
            ],
        }

    def _check(self, fields: Mapping[str, Any]) -> None:
        keeps_others = self.tool_class.model_config.get("extra") == "allow"
        unknown = sorted(name for name in self.bindings if name not in fields)
        if unknown and not keeps_others:
            raise ToolvaultError(f"the tool {self.tool.name} has no argument '{unknown[0]}' for a reference")
        inside = sorted(name for name, value in self.literals.items() if _holds_reference(value))
        if inside:
            raise ToolvaultError(f"the tool {self.tool.name}: a reference is the whole of an argument, not a part of '{inside[0]}'")

    def granted(self, explanation: Explanation, sender: Sender, keep_seconds: float) -> BaseModel:
        """The object, from what the server says it would apply."""
        from iointel.src.agent_methods.agents.tool_factory import instantiate_stateful_tool
        from iointel.src.agent_methods.data_models.datamodels import TOOL_SELF_INSTANCES

        from ._iointel.served import Reference, serve
        from ._iointel.source import Source

        defaults = _defaults(explanation)
        if not self.bindings and not defaults:
            return instantiate_stateful_tool(self.tool, self.given)
        references = {name: Reference.to(text, is_default=False) for name, text in self.bindings.items()}
        references |= {name: Reference.to(text, is_default=True) for name, text in defaults.items()}
        source = Source(sender, self.tool.name, self.bindings, frozenset(defaults), keep_seconds)
        served = serve(self.tool_class, source, self.literals, references)
        # iointel looks here before it makes an object of a dump.
        TOOL_SELF_INSTANCES[id(served)] = served
        return served


def _hook(vault: Toolvault, keep_seconds: float) -> Hook:
    def hook(tool: Tool, state_args: dict[str, Any] | None) -> BaseModel:
        wish = _Wish(tool, state_args)
        while not (explanation := vault.explain(**wish.call)).would_succeed:
            # What it raises says why.
            vault.resolve(**wish.call)
        return wish.granted(explanation, vault._sender, keep_seconds)

    return hook


def _async_hook(vault: AsyncToolvault, keep_seconds: float) -> AsyncHook:
    sender = Sender(vault._sender.settings)

    async def hook(tool: Tool, state_args: dict[str, Any] | None) -> BaseModel:
        wish = _Wish(tool, state_args)
        while not (explanation := await vault.explain(**wish.call)).would_succeed:
            await vault.resolve(**wish.call)
        return wish.granted(explanation, sender, keep_seconds)

    return hook


def _defaults(explanation: Explanation) -> dict[str, str]:
    """The arguments that defaults serve, each with a reference to the one that does now."""
    return {
        argument.arg: SCHEME + quote(candidate.secret_name, safe="-._~")
        for argument in explanation.arguments
        if argument.outcome == "default"
        for candidate in argument.candidates
        if candidate.wins
    }


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith(SCHEME)


def _holds_reference(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_is_reference(part) or _holds_reference(part) for part in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_is_reference(part) or _holds_reference(part) for part in value)
    return False


def _fills_itself(tool_class: type[BaseModel], name: str) -> bool:
    """Whether a class has a way of its own to a required field, as `Wolfram` has to its key."""
    parameter = inspect.signature(tool_class.__init__).parameters.get(name)
    return parameter is not None and parameter.default is not inspect.Parameter.empty
