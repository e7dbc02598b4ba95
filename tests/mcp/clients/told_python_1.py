"""The Python SDK of the older era, as `told.py` describes: `told_python_1.py ERA TARGET`."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from told import follow, say


async def heard(message: object) -> None:
    if method := getattr(getattr(message, "root", None), "method", None):
        say(heard=method)


async def main(_era: str, target: str) -> None:
    where = json.loads(target)
    if "command" in where:
        program, *arguments = where["command"]
        streams = stdio_client(StdioServerParameters(command=program, args=arguments, env=where["environment"]))
    else:
        streams = streamablehttp_client(where["url"], headers={"Authorization": f"Bearer {where['key']}"})
    async with AsyncExitStack() as stack:
        reader, writer, *_ = await stack.enter_async_context(streams)
        session = await stack.enter_async_context(ClientSession(reader, writer, message_handler=heard))
        await session.initialize()

        async def call(tool: str | None, arguments: dict) -> str:
            if tool is None:
                return str(len((await session.list_tools()).tools))
            return (await session.call_tool(tool, arguments)).content[0].text

        await follow(call)


asyncio.run(main(*sys.argv[1:]))
