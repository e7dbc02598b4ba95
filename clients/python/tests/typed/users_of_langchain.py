"""Users' code, as type checkers see it: what goes in comes out."""

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.tools import BaseTool, BaseToolkit, StructuredTool, tool
from typing_extensions import assert_type

from toolvault import AsyncToolvault, Toolvault, secrets
from toolvault.langchain import run_user, with_secrets, with_secrets_async

vault = Toolvault()


def find(a: str, api_key: str) -> str:
    """Finds."""
    return a


class Own(BaseTool):
    def _run(self, a: str) -> str:
        return a


class Kit(BaseToolkit):
    def get_tools(self) -> list[BaseTool]:
        return []


@secrets(vault, "api_key")
def decorated(a: str, api_key: str = "") -> str:
    return a


@tool
def made(a: str) -> str:
    """Makes."""
    return a


assert_type(with_secrets(find, vault), StructuredTool)
assert_type(with_secrets(Own(name="own", description="d"), vault, tool_name="x", hide=["api_key"]), Own)
assert_type(with_secrets(made, vault, user=run_user, hide=["api_key"]), BaseTool)
assert_type(with_secrets([find, made], vault, tool_name=lambda name: f"linear__{name}"), list[BaseTool])
assert_type(with_secrets(Kit(), vault), list[BaseTool])
assert_type(decorated("a"), str)
create_agent(FakeListChatModel(responses=[]), tools=[with_secrets(find, vault), *with_secrets(Kit(), vault)])


async def later() -> None:
    async with AsyncToolvault() as own:
        assert_type(await with_secrets_async(find, own, user="id"), StructuredTool)
        assert_type(await with_secrets_async([find], own), list[BaseTool])
