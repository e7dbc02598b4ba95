"""Users' code, as type checkers see it: what goes in comes out."""

from agno.agent import Agent
from agno.tools.function import Function
from agno.tools.toolkit import Toolkit
from typing_extensions import assert_type

from toolvault import AsyncToolvault, Toolvault, secrets
from toolvault.agno import run_user, with_secrets, with_secrets_async

vault = Toolvault()


def find(a: str, api_key: str) -> str:
    """Finds."""
    return a


class Kit(Toolkit):
    pass


@secrets(vault, "api_key")
def decorated(a: str, api_key: str = "") -> str:
    return a


assert_type(with_secrets(find, vault), Function)
assert_type(with_secrets(Function.from_callable(find), vault, user=run_user, hide=["api_key"]), Function)
assert_type(with_secrets(Kit(), vault), Kit)
assert_type(with_secrets([find], vault, tool_name=lambda name: f"linear__{name}"), list[Function])
Agent(tools=[with_secrets(find, vault), with_secrets(Kit(), vault), *with_secrets([find], vault), decorated])


async def later() -> None:
    async with AsyncToolvault() as own:
        assert_type(await with_secrets_async(find, own, user="id"), Function)
        assert_type(await with_secrets_async(Kit(), own), Kit)
