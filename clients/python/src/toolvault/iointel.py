"""Tools of iointel that get their secrets from Toolvault, and store none.

    vault = Toolvault()
    workflow = await load_workflow(vault, file_path="triage.yaml")
    agent = await create_agent(params, instantiate_tool=instantiate_tool(vault))

A constructor argument that was not given gets the default secret for the tool. One that is `secret://…` gets that
secret, if it is granted to the tool and the argument. Values are fetched when a tool needs them.
`python -m toolvault.iointel check triage.yaml` shows beforehand what each tool would get.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, overload

from ._injection.injector import _sender
from .async_client import AsyncToolvault
from .client import Toolvault
from .errors import Forbidden
from .models import Me

if TYPE_CHECKING:
    from iointel import Workflow
    from iointel.src.agent_methods.data_models.datamodels import Tool
    from pydantic import BaseModel

KEEP_SECONDS = 5.0

Hook = Callable[["Tool", "dict[str, Any] | None"], "BaseModel"]
AsyncHook = Callable[["Tool", "dict[str, Any] | None"], Awaitable["BaseModel"]]


@overload
def instantiate_tool(vault: Toolvault, *, keep_seconds: float = KEEP_SECONDS) -> Hook: ...
@overload
def instantiate_tool(vault: AsyncToolvault, *, keep_seconds: float = KEEP_SECONDS) -> AsyncHook: ...
def instantiate_tool(vault: Toolvault | AsyncToolvault, *, keep_seconds: float = KEEP_SECONDS) -> Hook | AsyncHook:
    """The `instantiate_tool` of `Workflow.from_yaml` and `create_agent`, the `tool_instantiator` of `resolve_tools`.

    It raises `SecretMissing` or a related error, with the argument's name, before an agent runs. A fetched value is
    used for `keep_seconds`. With an `AsyncToolvault` loading does not block; values are always fetched in the thread in
    which a tool runs.
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
    """The workflow in a file, written by hand or by `Workflow.to_yaml`, in this process or another one."""
    import yaml
    from iointel import Workflow

    from ._iointel import files

    definition = yaml.safe_dump(files.read(yaml_str, file_path), sort_keys=False)
    hook = instantiate_tool(vault, keep_seconds=keep_seconds)
    return cast(
        "Workflow",
        await Workflow.from_yaml(definition, instantiate_agent=instantiate_agent, instantiate_tool=hook),
    )


def portable(definition: Any) -> Any:
    """A dumped workflow, or dumped `AgentParams`, in which each tool is its name and its constructor arguments.

    `create_agent` and `Workflow.from_yaml` accept this form in any process.
    """
    from ._iointel import files

    return files.portable(definition)


def _hook(vault: Toolvault, keep_seconds: float) -> Hook:
    from ._iointel.wish import Wish

    sender = _sender(vault)
    may: list[str] = []

    def hook(tool: Tool, state_args: dict[str, Any] | None) -> BaseModel:
        wish = Wish(tool, state_args)
        may.extend(() if may else _sufficient(vault.me()))
        while not (explanation := vault.explain(**wish.call)).would_succeed:
            # The exception raised below says why.
            vault.resolve(**wish.call)
        return wish.granted(explanation, sender, keep_seconds)

    return hook


def _async_hook(vault: AsyncToolvault, keep_seconds: float) -> AsyncHook:
    from ._iointel.wish import Wish

    sender = _sender(vault)
    may: list[str] = []

    async def hook(tool: Tool, state_args: dict[str, Any] | None) -> BaseModel:
        wish = Wish(tool, state_args)
        may.extend(() if may else _sufficient(await vault.me()))
        while not (explanation := await vault.explain(**wish.call)).would_succeed:
            await vault.resolve(**wish.call)
        return wish.granted(explanation, sender, keep_seconds)

    return hook


def _sufficient(me: Me) -> tuple[str, ...]:
    """Checks that the key may fetch values: it is better to fail before an agent runs."""
    if "resolve" not in me.scopes:
        raise Forbidden("This key lacks the scope 'resolve'.", status=403)
    return me.scopes


if __name__ == "__main__":
    from ._iointel.check import main

    raise SystemExit(main())
