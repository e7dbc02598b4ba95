"""The Python SDK of both eras, as `told.py` describes: `told_python_2.py ERA TARGET`."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from told import follow, say


async def heard(message: object) -> None:
    if method := getattr(message, "method", None):
        say(heard=method)


async def main(era: str, target: str) -> None:
    where = json.loads(target)
    async with AsyncExitStack() as stack:
        if "command" in where:
            program, *arguments = where["command"]
            transport = stdio_client(StdioServerParameters(command=program, args=arguments, env=where["environment"]))
        else:
            headers = {"Authorization": f"Bearer {where['key']}"}
            http_client = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
            transport = streamable_http_client(where["url"], http_client=http_client)
        mode = "legacy" if era == "legacy" else "2026-07-28"
        client = await stack.enter_async_context(Client(transport, mode=mode, message_handler=heard))
        if era == "modern":
            subscription = await stack.enter_async_context(client.listen(tools_list_changed=True))
            listening = asyncio.create_task(report(subscription))
            stack.callback(listening.cancel)

        async def call(tool: str | None, arguments: dict) -> str:
            if tool is None:
                return str(len((await client.list_tools()).tools))
            return (await client.call_tool(tool, arguments)).content[0].text

        await follow(call)


async def report(subscription: object) -> None:
    try:
        async for _event in subscription:
            say(heard="notifications/tools/list_changed")
    except Exception as error:  # noqa: BLE001 - that it is lost is what is told
        say(lost=f"{type(error).__name__}: {error}")


asyncio.run(main(*sys.argv[1:]))
