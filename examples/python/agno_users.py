"""One process whose tools act for many users: python examples/python/agno_users.py"""

from agno.agent import Agent
from agno.tools.toolkit import Toolkit
from toolvault.agno import run_user, with_secrets
from toolvault.testing import FakeVault

import scripted


def get_issue(issue_id: str, api_token: str) -> str:
    """Returns an issue of Linear."""
    return f"{issue_id}, asked with the key of {api_token.removeprefix('lin_api_of_')}"


fake = FakeVault()  # in production: vault = Toolvault(), with a key that has `any_user`
for user in ("ada", "bob"):
    value = f"lin_api_of_{user}"
    fake.add("linear", value, tool_name="linear__*", tool_arg="api_token", is_default_for_tool=True, user=user)
vault = fake.client()
tools = with_secrets(
    Toolkit(name="linear", tools=[get_issue]),
    vault,
    tool_name=lambda name: f"linear__{name}",
    hide=["api_token"],
    user=run_user,
)
agent = Agent(model=scripted.agno(), tools=[tools], telemetry=False)
for user in ("ada", "bob"):
    print(agent.run("What about ENG-42?", user_id=user).content)
