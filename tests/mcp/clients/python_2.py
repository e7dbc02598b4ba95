"""The Python SDK of both eras."""

import asyncio
import json
import sys

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, key: str, tool: str, arguments: str) -> None:
    for era, mode in (("legacy", "legacy"), ("modern", "2026-07-28"), ("auto", "auto")):
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http_client:
            async with Client(streamable_http_client(url, http_client=http_client), mode=mode) as client:
                tools = {one.name: one.input_schema for one in (await client.list_tools()).tools}
                result = await client.call_tool(tool, json.loads(arguments))
                print(json.dumps({"era": era, "tools": tools, "text": result.content[0].text}))


asyncio.run(main(*sys.argv[1:]))
