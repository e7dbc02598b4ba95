"""A Pydantic AI agent with the tools of a server behind the gateway: python examples/python/pydantic_ai_gateway.py"""

import os

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset

import scripted
from offline import offline, report

with offline():
    headers = {"Authorization": f"Bearer {os.environ['AGENT_KEY']}"}
    toolset = MCPToolset(f"{os.environ['TOOLVAULT_URL']}/mcp/linear", headers=headers)
    result = Agent(scripted.pydantic_ai(), toolsets=[toolset]).run_sync("What about ENG-42?")
    report(result.output, result.all_messages())
