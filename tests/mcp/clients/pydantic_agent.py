"""Tools as Pydantic AI agents get them: a test model calls one and answers with its result."""

import asyncio
import json
import sys

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


async def main(url: str, key: str, tool: str, arguments: str) -> None:
    seen = {}

    def answer(messages: list, info: AgentInfo) -> ModelResponse:
        seen.update({one.name: one.parameters_json_schema for one in info.function_tools})
        returned = [part.content for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if not returned:
            return ModelResponse(parts=[ToolCallPart(tool, json.loads(arguments))])
        text = returned[0] if isinstance(returned[0], str) else json.dumps(returned[0])
        return ModelResponse(parts=[TextPart(text)])

    toolset = MCPToolset(url, headers={"Authorization": f"Bearer {key}"})
    result = await Agent(FunctionModel(answer), toolsets=[toolset]).run("call it")
    print(json.dumps({"era": "auto", "tools": seen, "text": result.output}))


asyncio.run(main(*sys.argv[1:]))
