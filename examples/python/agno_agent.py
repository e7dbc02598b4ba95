"""An agno agent with a tool whose key is in the vault: python examples/python/agno_agent.py"""

from agno.agent import Agent
from toolvault import Toolvault
from toolvault.agno import with_secrets

import linear
import scripted
from offline import offline, report


def get_issue(issue_id: str, api_token: str) -> str:
    """Returns an issue of Linear."""
    return linear.get_issue(issue_id, api_token)


with offline(), Toolvault() as vault:
    tools = [with_secrets(get_issue, vault, tool_name="linear__get_issue")]
    agent = Agent(model=scripted.agno(), tools=tools, telemetry=False)
    result = agent.run("What about ENG-42?")
    report(str(result.content), result.to_json())
