"""Users' code, as type checkers see it: what goes in comes out."""

from agents import Agent, FunctionTool, function_tool
from typing_extensions import assert_type

from toolvault import AsyncToolvault, Toolvault, secrets
from toolvault.openai_agents import run_user, with_secrets, with_secrets_async

vault = Toolvault()


def find(a: str, api_key: str) -> str:
    """Finds."""
    return a


class Own(FunctionTool):
    pass


@function_tool
@secrets(vault, "api_key")
def decorated(a: str, api_key: str = "") -> str:
    return a


def own() -> Own:
    raise NotImplementedError


assert_type(with_secrets(find, vault), FunctionTool)
assert_type(with_secrets(decorated, vault, user=run_user, hide=["api_key"]), FunctionTool)
assert_type(with_secrets(own(), vault), Own)
assert_type(with_secrets([find, decorated], vault, tool_name=lambda name: f"linear__{name}"), list[FunctionTool])
Agent[None](name="a", tools=[with_secrets(find, vault), *with_secrets([find], vault)])


async def later() -> None:
    async with AsyncToolvault() as own:
        assert_type(await with_secrets_async(find, own, user="id"), FunctionTool)
        assert_type(await with_secrets_async([find], own), list[FunctionTool])
