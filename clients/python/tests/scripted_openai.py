"""A scripted model for the OpenAI Agents SDK, and what its tracing exports."""

from __future__ import annotations

from typing import Any

from agents import Model, ModelResponse, Usage
from agents.tracing import TracingProcessor
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class Scripted(Model):
    """A model that calls the first tool with scripted arguments, and then finishes."""

    def __init__(self, arguments: str) -> None:
        self.arguments = arguments
        self.seen: list[dict[str, Any]] = []

    async def get_response(
        self, system_instructions: Any, input: Any, model_settings: Any, tools: Any, *_: Any, **__: Any
    ) -> Any:
        self.seen = [one.params_json_schema for one in tools]
        called = not isinstance(input, str) and any(one.get("type") == "function_call_output" for one in input)
        text = ResponseOutputText(text="done", type="output_text", annotations=[])
        message = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        call = ResponseFunctionToolCall(
            arguments=self.arguments, call_id="c1", name=tools[0].name, type="function_call"
        )
        return ModelResponse(output=[message if called else call], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


class Spans(TracingProcessor):
    """Records what tracing exports."""

    def __init__(self) -> None:
        self.exported: list[object] = []

    def on_trace_start(self, trace: Any) -> None:
        self.exported.append(trace.export())

    def on_trace_end(self, trace: Any) -> None:
        self.exported.append(trace.export())

    def on_span_start(self, span: Any) -> None:
        self.exported.append(span.export())

    def on_span_end(self, span: Any) -> None:
        self.exported.append(span.export())

    def shutdown(self) -> None:
        pass

    def force_flush(self) -> None:
        pass


def outputs(result: Any) -> list[Any]:
    return [one["output"] for one in result.to_input_list() if one.get("type") == "function_call_output"]
