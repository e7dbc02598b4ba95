"""Users' code, as type checkers see it: what goes in comes out."""

from dataclasses import dataclass
from typing import Any

from pydantic_ai import AbstractToolset, Agent, FunctionToolset, RunContext, Tool
from typing_extensions import assert_type

from toolvault import AsyncToolvault, Toolvault, secrets
from toolvault.pydantic_ai import run_user, with_secrets, with_secrets_async

vault = Toolvault()


@dataclass
class Deps:
    user_id: str


def find(a: str, api_key: str) -> str:
    """Finds."""
    return a


def mine(ctx: RunContext[Deps], a: str, api_key: str) -> str:
    """Finds."""
    return a


@secrets(vault, "api_key")
def decorated(a: str, api_key: str = "") -> str:
    return a


assert_type(with_secrets(Tool[Deps](mine), vault), Tool[Deps])
assert_type(with_secrets(FunctionToolset[Deps]([mine]), vault), FunctionToolset[Deps])
assert_type(with_secrets(FunctionToolset[Deps]([mine]).prefixed("p"), vault), AbstractToolset[Deps])
assert_type(with_secrets([find, mine], vault, user=run_user, hide=["api_key"]), list[Tool[Any]])
assert_type(with_secrets(find, vault), Tool[Any])
Agent("test", tools=[with_secrets(find, vault), decorated])
Agent(
    "test",
    deps_type=Deps,
    tools=[with_secrets(find, vault), with_secrets(Tool[Deps](mine), vault), *with_secrets([find], vault)],
    toolsets=[with_secrets(FunctionToolset[Deps]([mine]), vault)],
)
Agent("test", deps_type=Deps, tools=with_secrets([find, mine], vault))


async def later() -> None:
    async with AsyncToolvault() as own:
        assert_type(await with_secrets_async(Tool[Deps](mine), own, user="id"), Tool[Deps])
        assert_type(await with_secrets_async([find], own), list[Tool[Any]])
