"""A scripted model for agno."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from agno.models.base import Model
from agno.models.response import ModelResponse


@dataclass
class Scripted(Model):
    """A model that calls the first tool with scripted arguments, and then finishes."""

    id: str = "scripted"
    arguments: str = "{}"
    seen: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, messages: Any, tools: Any = None, **_: Any) -> ModelResponse:
        self.seen = [one["function"] for one in tools or []]
        if any(one.role == "tool" for one in messages):
            return ModelResponse(role="assistant", content="done")
        call = {"name": self.seen[0]["name"], "arguments": self.arguments}
        return ModelResponse(role="assistant", tool_calls=[{"id": "c1", "type": "function", "function": call}])

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
