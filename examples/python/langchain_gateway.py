"""A LangChain agent with the tools of a server behind the gateway: python examples/python/langchain_gateway.py"""

import asyncio
import os

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient

import scripted
from offline import offline, report


async def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['AGENT_KEY']}"}
    server = {"transport": "streamable_http", "url": f"{os.environ['TOOLVAULT_URL']}/mcp/linear", "headers": headers}
    agent = create_agent(scripted.langchain(), await MultiServerMCPClient({"linear": server}).get_tools())
    result = await agent.ainvoke({"messages": [("user", "What about ENG-42?")]})
    report(result["messages"][-1].text, result)


with offline():
    asyncio.run(main())
