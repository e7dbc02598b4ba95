"""One process whose tools act for many users: python examples/python/openai_agents_users.py"""

from dataclasses import dataclass

from agents import Agent, Runner, function_tool, set_tracing_disabled
from toolvault.openai_agents import run_user, with_secrets
from toolvault.testing import FakeVault

import scripted


@dataclass
class Session:
    user_id: str


@function_tool
def get_issue(issue_id: str, api_token: str) -> str:
    """Returns an issue of Linear."""
    return f"{issue_id}, asked with the key of {api_token.removeprefix('lin_api_of_')}"


fake = FakeVault()  # in production: vault = Toolvault(), with a key that has `any_user`
for user in ("ada", "bob"):
    value = f"lin_api_of_{user}"
    fake.add("linear", value, tool_name="linear__*", tool_arg="api_token", is_default_for_tool=True, user=user)
vault = fake.client()
set_tracing_disabled(True)  # it would want a network
tools = with_secrets([get_issue], vault, tool_name=lambda name: f"linear__{name}", hide=["api_token"], user=run_user)
agent = Agent[Session](name="triager", model=scripted.openai_agents(), tools=[*tools])
for user in ("ada", "bob"):
    print(Runner.run_sync(agent, "What about ENG-42?", context=Session(user)).final_output)
