"""One process whose tools act for many users: python examples/python/langchain_users.py"""

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, BaseToolkit, tool
from toolvault.langchain import run_user, with_secrets
from toolvault.testing import FakeVault

import scripted


@tool
def get_issue(issue_id: str, api_token: str) -> str:
    """Returns an issue of Linear."""
    return f"{issue_id}, asked with the key of {api_token.removeprefix('lin_api_of_')}"


class Linear(BaseToolkit):
    def get_tools(self) -> list[BaseTool]:
        return [get_issue]


fake = FakeVault()  # in production: vault = Toolvault(), with a key that has `any_user`
for user in ("ada", "bob"):
    value = f"lin_api_of_{user}"
    fake.add("linear", value, tool_name="linear__*", tool_arg="api_token", is_default_for_tool=True, user=user)
vault = fake.client()
tools = with_secrets(Linear(), vault, tool_name=lambda name: f"linear__{name}", hide=["api_token"], user=run_user)
agent = create_agent(scripted.langchain(), tools)
for user in ("ada", "bob"):
    config: RunnableConfig = {"configurable": {"user_id": user}}
    print(agent.invoke({"messages": [HumanMessage("What about ENG-42?")]}, config)["messages"][-1].text)
