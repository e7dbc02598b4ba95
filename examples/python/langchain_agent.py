"""A LangChain agent with a tool whose key is in the vault: python examples/python/langchain_agent.py"""

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from toolvault import Toolvault
from toolvault.langchain import with_secrets

import linear
import scripted
from offline import offline, report


@tool
def get_issue(issue_id: str, api_token: str) -> str:
    """Returns an issue of Linear."""
    return linear.get_issue(issue_id, api_token)


with offline(), Toolvault() as vault:
    tools = [with_secrets(get_issue, vault, tool_name="linear__get_issue")]
    agent = create_agent(scripted.langchain(), tools)
    result = agent.invoke({"messages": [HumanMessage("What about ENG-42?")]})
    report(result["messages"][-1].text, result)
