"""Models that need no network: each calls a tool once, and then says what the tool answered."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

ARGUMENTS = {"issue_id": "ENG-42"}


def langchain(tool: str = "get_issue") -> Any:
    """One for LangChain."""
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import AIMessage, ToolMessage
    from langchain_core.outputs import ChatGeneration, ChatResult

    class Scripted(BaseChatModel):
        @property
        def _llm_type(self) -> str:
            return "scripted"

        def bind_tools(self, tools: Any, **_: Any) -> Any:
            return self

        def _generate(self, messages: Any, *_: Any, **__: Any) -> ChatResult:
            if isinstance(messages[-1], ToolMessage):
                message = AIMessage(f"Linear says: {messages[-1].text}")
            else:
                call = {"name": tool, "args": ARGUMENTS, "id": "call-1", "type": "tool_call"}
                message = AIMessage("", tool_calls=[call])
            return ChatResult(generations=[ChatGeneration(message=message)])

    return Scripted()


def openai_agents(tool: str = "get_issue") -> Any:
    """One for the OpenAI Agents SDK."""
    from agents import Model, ModelResponse, Usage
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    class Scripted(Model):
        async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:
            outputs = [] if isinstance(input, str) else [one["output"] for one in input if "output" in one]
            if outputs:
                said = outputs[0] if isinstance(outputs[0], str) else outputs[0][0]["text"]
                text = ResponseOutputText(text=f"Linear says: {said}", type="output_text", annotations=[])
                output: Any = ResponseOutputMessage(
                    id="message-1", content=[text], role="assistant", status="completed", type="message"
                )
            else:
                arguments = json.dumps(ARGUMENTS)
                output = ResponseFunctionToolCall(
                    arguments=arguments, call_id="call-1", name=tool, type="function_call"
                )
            return ModelResponse(output=[output], usage=Usage(), response_id=None)

        def stream_response(self, *_: Any, **__: Any) -> Any:
            raise NotImplementedError

    return Scripted()


def pydantic_ai(tool: str = "get_issue") -> Any:
    """One for Pydantic AI."""
    from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    def answer(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        returned = [part.content for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if returned:
            return ModelResponse(parts=[TextPart(f"Linear says: {returned[0]}")])
        return ModelResponse(parts=[ToolCallPart(tool, ARGUMENTS)])

    return FunctionModel(answer)


def agno(tool: str = "get_issue") -> Any:
    """One for agno."""
    from agno.models.base import Model
    from agno.models.response import ModelResponse

    class Scripted(Model):
        def invoke(self, messages: Any, *_: Any, **__: Any) -> ModelResponse:
            returned = [one.content for one in messages if one.role == "tool"]
            if returned:
                return ModelResponse(role="assistant", content=f"Linear says: {returned[0]}")
            function = {"name": tool, "arguments": json.dumps(ARGUMENTS)}
            call = {"id": "call-1", "type": "function", "function": function}
            return ModelResponse(role="assistant", tool_calls=[call])

        async def ainvoke(self, *args: Any, **options: Any) -> ModelResponse:
            return self.invoke(*args, **options)

        def invoke_stream(self, *args: Any, **options: Any) -> Iterator[ModelResponse]:
            yield self.invoke(*args, **options)

        async def ainvoke_stream(self, *args: Any, **options: Any) -> AsyncIterator[ModelResponse]:
            yield self.invoke(*args, **options)

        def _parse_provider_response(self, response: Any, **_: Any) -> ModelResponse:
            return response

        def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
            return response

    return Scripted(id="scripted")
