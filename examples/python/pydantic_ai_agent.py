"""A Pydantic AI agent with a tool whose key is in the vault: python examples/python/pydantic_ai_agent.py"""

from pydantic_ai import Agent
from toolvault import Toolvault
from toolvault.pydantic_ai import with_secrets

import linear
import scripted
from offline import offline, report


def get_issue(issue_id: str, api_token: str) -> str:
    """Returns an issue of Linear."""
    return linear.get_issue(issue_id, api_token)


with offline(), Toolvault() as vault:
    tools = [with_secrets(get_issue, vault, tool_name="linear__get_issue")]
    agent = Agent(scripted.pydantic_ai(), tools=tools)
    result = agent.run_sync("What about ENG-42?")
    report(result.output, result.all_messages())
