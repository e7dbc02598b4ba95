"""One way to make, show and call a tool in each framework, so that one test serves all of them."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

FRAMEWORK = os.environ.get("TOOLVAULT_FRAMEWORK", "langchain")
adapter = importlib.import_module(f"toolvault.{FRAMEWORK}")
with_secrets, with_secrets_async = adapter.with_secrets, adapter.with_secrets_async


class Failed(Exception):
    """The framework made a text of an error: agno always does."""


class LangChain:
    """`tool.invoke`, or the same with `await`."""

    def tool(self, function: Callable[..., Any]) -> Any:
        from langchain_core.tools import StructuredTool
        from langchain_core.utils.function_calling import convert_to_openai_tool

        self.convert = convert_to_openai_tool
        asynchronous = {"coroutine": function} if asyncio.iscoroutinefunction(function) else {"func": function}
        return StructuredTool.from_function(**asynchronous)

    def seen(self, tool: Any) -> dict[str, Any]:
        return self.convert(tool)["function"]

    async def call(self, tool: Any, args: dict[str, Any], user: str | None = None) -> Any:
        return await tool.ainvoke(args, {"configurable": {"user_id": user}})


class OpenAIAgents:
    """What the SDK calls with the JSON text of the model."""

    def tool(self, function: Callable[..., Any]) -> Any:
        from agents import function_tool

        return function_tool(function, failure_error_function=None, strict_mode=False)

    def seen(self, tool: Any) -> dict[str, Any]:
        return {"name": tool.name, "description": tool.description, "parameters": tool.params_json_schema}

    async def call(self, tool: Any, args: dict[str, Any], user: str | None = None) -> Any:
        from agents.tool_context import ToolContext

        text = json.dumps(args)
        context = ToolContext({"user_id": user}, tool_name=tool.name, tool_call_id="c", tool_arguments=text)
        return await tool.on_invoke_tool(context, text)


class PydanticAI:
    """An agent with a scripted model; the same one for each call of a tool."""

    def __init__(self) -> None:
        self.agents: dict[int, tuple[Any, Any]] = {}

    def tool(self, function: Callable[..., Any]) -> Any:
        from pydantic_ai import Tool

        return Tool(function, max_retries=0)

    def seen(self, tool: Any) -> dict[str, Any]:
        made = tool.tool_def
        return {"name": made.name, "description": made.description, "parameters": made.parameters_json_schema}

    async def call(self, tool: Any, args: dict[str, Any], user: str | None = None) -> Any:
        from pydantic_ai import Agent
        from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
        from pydantic_ai.models.function import FunctionModel

        def answer(messages: list[Any], _: Any) -> ModelResponse:
            if any(isinstance(part, ToolReturnPart) for part in messages[-1].parts):
                return ModelResponse(parts=[TextPart("done")])
            return ModelResponse(parts=[ToolCallPart(tool.name, json.loads(messages[0].parts[0].content))])

        if id(tool) not in self.agents:
            self.agents[id(tool)] = tool, Agent(FunctionModel(answer), tools=[tool], deps_type=dict)
        result = await self.agents[id(tool)][1].run(json.dumps(args), deps={"user_id": user})
        parts = [part for message in result.all_messages() for part in message.parts]
        [content] = [part.content for part in parts if isinstance(part, ToolReturnPart)]
        return content

    async def only(self, tool: Any, args: dict[str, Any]) -> Any:
        """The call without the run of an agent, which takes much longer."""
        known = tool.function_schema
        return await known.call(known.validator.validate_python(args), SimpleNamespace(deps={}))


class Agno:
    """What agno's models call."""

    def tool(self, function: Callable[..., Any]) -> Any:
        from agno.tools import tool

        return tool(function)

    def seen(self, tool: Any) -> dict[str, Any]:
        return tool.to_dict()

    async def call(self, tool: Any, args: dict[str, Any], user: str | None = None) -> Any:
        from agno.run import RunContext
        from agno.tools.function import FunctionCall

        function = tool._per_run_copy()
        function._run_context = RunContext(run_id="r", session_id="s", user_id=user)
        function.process_entrypoint()
        outcome = await FunctionCall(function=function, arguments=args).aexecute()
        if outcome.status == "failure":
            raise Failed(outcome.error)
        return outcome.result


harness: Any = {"langchain": LangChain, "openai_agents": OpenAIAgents, "pydantic_ai": PydanticAI, "agno": Agno}[
    FRAMEWORK
]()
tool, seen = harness.tool, harness.seen


def call(one: Any, args: dict[str, Any], user: str | None = None) -> Any:
    """The result of a call of a tool with what a model said."""
    return asyncio.run(harness.call(one, args, user))
