"""An agno agent with the tools of a server behind the gateway: python examples/python/agno_gateway.py"""

import asyncio
import os

from agno.agent import Agent
from agno.tools.mcp import MCPTools, StreamableHTTPClientParams

import scripted
from offline import offline, report


async def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['AGENT_KEY']}"}
    parameters = StreamableHTTPClientParams(url=f"{os.environ['TOOLVAULT_URL']}/mcp/linear", headers=headers)
    async with MCPTools(transport="streamable-http", server_params=parameters) as tools:
        agent = Agent(model=scripted.agno(), tools=[tools], telemetry=False)
        result = await agent.arun("What about ENG-42?")
    report(result.content, result.to_json())


with offline():
    asyncio.run(main())
