"""An OpenAI agent with the tools of a server behind the gateway: python examples/python/openai_agents_gateway.py"""

import asyncio
import os

from agents import Agent, Runner, set_tracing_disabled
from agents.mcp import MCPServerStreamableHttp

import scripted
from offline import offline, report


async def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['AGENT_KEY']}"}
    parameters = {"url": f"{os.environ['TOOLVAULT_URL']}/mcp/linear", "headers": headers}
    async with MCPServerStreamableHttp(params=parameters) as server:
        agent = Agent(name="triager", model=scripted.openai_agents(), mcp_servers=[server])
        result = await Runner.run(agent, "What about ENG-42?")
    report(result.final_output, result.to_input_list())


set_tracing_disabled(True)  # it would want a network
with offline():
    asyncio.run(main())
