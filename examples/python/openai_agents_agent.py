"""An OpenAI agent with a tool whose key is in the vault: python examples/python/openai_agents_agent.py"""

from agents import Agent, Runner, function_tool, set_tracing_disabled
from toolvault import Toolvault
from toolvault.openai_agents import with_secrets

import linear
import scripted
from offline import offline, report


@function_tool
def get_issue(issue_id: str, api_token: str) -> str:
    """Returns an issue of Linear."""
    return linear.get_issue(issue_id, api_token)


set_tracing_disabled(True)  # it would want a network
with offline(), Toolvault() as vault:
    tool = with_secrets(get_issue, vault, tool_name="linear__get_issue")
    agent = Agent(name="triager", model=scripted.openai_agents(), tools=[tool])
    result = Runner.run_sync(agent, "What about ENG-42?")
    report(result.final_output, result.to_input_list())
