"""Tools as LangChain agents get them."""

import asyncio
import json
import sys

from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(url: str, key: str, tool: str, arguments: str) -> None:
    connection = {"transport": "streamable_http", "url": url, "headers": {"Authorization": f"Bearer {key}"}}
    tools = {one.name: one for one in await MultiServerMCPClient({"server": connection}).get_tools()}
    content = await tools[tool].ainvoke(json.loads(arguments))
    text = content if isinstance(content, str) else content[0]["text"]
    print(json.dumps({"era": "legacy", "tools": {name: one.args_schema for name, one in tools.items()}, "text": text}))


asyncio.run(main(*sys.argv[1:]))
