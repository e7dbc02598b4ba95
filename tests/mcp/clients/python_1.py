"""The Python SDK of the earlier era."""

import asyncio
import json
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main(url: str, key: str, tool: str, arguments: str) -> None:
    async with streamablehttp_client(url, headers={"Authorization": f"Bearer {key}"}) as (reader, writer, _):
        async with ClientSession(reader, writer) as session:
            await session.initialize()
            tools = {one.name: one.inputSchema for one in (await session.list_tools()).tools}
            result = await session.call_tool(tool, json.loads(arguments))
            print(json.dumps({"era": "legacy", "tools": tools, "text": result.content[0].text}))


asyncio.run(main(*sys.argv[1:]))
