"""Pydantic AI: a tool with secrets is the tool that it was."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_ai import (
    Agent,
    ApprovalRequired,
    DeferredToolRequests,
    DeferredToolResults,
    FunctionToolset,
    RunContext,
    Tool,
)
from pydantic_ai._function_schema import FunctionSchema
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.native_tools import WebSearchTool
from pydantic_ai.tools import GenerateToolJsonSchema

from linear import shown
from toolvault import AsyncToolvault
from toolvault._injection.opened import Opened
from toolvault._injection.plain import HIDDEN
from toolvault.pydantic_ai import with_secrets, with_secrets_async


@pytest.fixture
def value(vault, witness):
    """The value of a default for `api_key` of tools named t__…"""
    made = witness.canary("key")
    vault.secrets.create("linear", made, tool_name="t__*", tool_arg="api_key", is_default_for_tool=True)
    return made


SEEN: list[dict[str, Any]] = []


def scripted(*calls: tuple[str, dict[str, Any] | str]) -> FunctionModel:
    """A model that makes these calls in its first turn."""

    def answer(messages: list[Any], info: AgentInfo) -> ModelResponse:
        SEEN[:] = [{"name": one.name, "schema": one.parameters_json_schema} for one in info.function_tools]
        if any(isinstance(part, ToolReturnPart) for message in messages for part in message.parts):
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart(name, args, f"c{at}") for at, (name, args) in enumerate(calls)])

    return FunctionModel(answer)


def returned(result: Any) -> list[Any]:
    parts = [part for message in result.all_messages() for part in message.parts]
    return [part.content for part in parts if isinstance(part, ToolReturnPart)]


def t__read(a: str, api_key: str) -> str:
    """Reads."""
    return f"{a} {api_key[:8]}"


def test_e7_approvals(value, runtime, witness):
    def t__ask(ctx: RunContext[None], a: str, api_key: str) -> str:
        """Asks."""
        if not ctx.tool_call_approved:
            raise ApprovalRequired(metadata={"with": api_key})
        return f"{a} {api_key[:8]}"

    agent = Agent(
        scripted(("t__ask", {"a": "x"})),
        tools=[with_secrets(t__ask, runtime)],
        output_type=[str, DeferredToolRequests],
        deps_type=type(None),
    )
    asked = agent.run_sync("x")
    assert isinstance(asked.output, DeferredToolRequests)
    assert asked.output.metadata == {"c0": {"with": "[secret:linear]"}}
    witness.clean("what is stored", repr(asked), asked.all_messages_json())
    answers = DeferredToolResults(approvals={"c0": True})
    result = agent.run_sync(message_history=asked.all_messages(), deferred_tool_results=answers)
    assert returned(result) == ["x lin_api_"]


def test_e15_a_check_of_the_arguments(value, runtime, witness):
    checked: list[Any] = []

    def check(ctx: RunContext[None], a: str, api_key: str) -> None:
        checked.append((a, api_key[:8]))
        if a == "bad":
            raise ValueError(f"not {api_key}")

    wrapped = with_secrets(Tool(t__read, args_validator=check), runtime)
    assert returned(Agent(scripted(("t__read", {"a": "x"})), tools=[wrapped]).run_sync("x")) == ["x lin_api_"]
    assert checked == [("x", "lin_api_")]
    with pytest.raises(ValueError, match=r"not \[secret:linear\]") as failure:
        Agent(scripted(("t__read", {"a": "bad"})), tools=[wrapped]).run_sync("x")
    witness.clean("the refusal", shown(failure.value))


def test_e15_the_tools_own_schema_generator(value, runtime):
    class Marked(GenerateToolJsonSchema):
        def generate(self, *args: Any, **options: Any) -> Any:
            return {**super().generate(*args, **options), "x-marked": True}

    wrapped = with_secrets(Tool(t__read, schema_generator=Marked), runtime)
    assert wrapped.function_schema.json_schema["x-marked"] is True
    assert list(wrapped.function_schema.json_schema["properties"]) == ["a"]


class Inner(BaseModel):
    model_config = ConfigDict(frozen=True)

    token: SecretStr = Field(alias="apiKey", min_length=12)
    a: int = 3


class Outer(BaseModel):
    inner: Inner
    note: str = ""

    @model_validator(mode="after")
    def short(self) -> Outer:
        if len(self.note) > 5:
            raise ValueError("too long")
        return self


def test_e9_deep_members(vault, runtime, witness):
    vault.secrets.create(
        "deep", witness.canary("deep"), tool_name="d__*", tool_arg="/outer/inner/apiKey", is_default_for_tool=True
    )
    seen: list[Any] = []

    def d__do(ctx: RunContext[None], outer: Outer, n: int) -> str:
        """Does it."""
        return f"{outer.inner.token.get_secret_value()[:8]} {outer.inner.a} {outer.note} {n}"

    def check(ctx: RunContext[None], outer: Outer, n: int) -> None:
        seen.append(outer.inner.token.get_secret_value()[:8])

    wrapped = with_secrets(Tool(d__do, args_validator=check), runtime)
    assert "apiKey" not in json.dumps(wrapped.function_schema.json_schema)
    said: dict[str, Any] = {"outer": {"inner": {}, "note": "n"}, "n": 1}
    for args in (said, json.dumps(said), {"outer": json.dumps(said["outer"]), "n": 1}):
        agent = Agent(scripted(("d__do", args)), tools=[wrapped])
        assert returned(agent.run_sync("x")) == ["lin_api_ 3 n 1"]
    assert seen == ["lin_api_"] * 3
    validated = wrapped.function_schema.validator.validate_python(said)
    assert validated["outer"].inner.token is HIDDEN
    assert validated["outer"].model_dump_json() == '{"inner":{"token":"**********","a":3},"note":"n"}'
    refused = Agent(scripted(("d__do", {"outer": {"inner": {}, "note": "longer"}, "n": 1})), tools=[wrapped], retries=0)
    with pytest.raises(Exception, match="retries"):
        refused.run_sync("x")


def test_e16_toolsets(value, runtime, witness):
    tools = FunctionToolset([t__read], max_retries=2)

    @tools.tool
    def other(ctx: RunContext[None], a: str, api_key: str = "own") -> str:
        """Reads."""
        return f"{a} {api_key}"

    wrapped = with_secrets(tools, runtime)
    assert isinstance(wrapped, FunctionToolset)
    assert wrapped.max_retries == 2
    agent = Agent(scripted(("t__read", {"a": "x"}), ("other", {"a": "y"})), toolsets=[wrapped])
    assert returned(agent.run_sync("x")) == ["x lin_api_", "y own"]
    assert list(tools.tools["t__read"].function_schema.json_schema["properties"]) == ["a", "api_key"]
    combined = with_secrets(tools.prefixed("p"), runtime)
    agent = Agent(scripted(("p_t__read", {"a": "x"})), toolsets=[combined])
    assert returned(agent.run_sync("x")) == ["x lin_api_"]
    assert {one["name"]: list(one["schema"]["properties"]) for one in SEEN}["p_t__read"] == ["a"]
    with pytest.raises(TypeError, match="its provider runs it"):
        with_secrets(WebSearchTool(), runtime)


def test_e16_the_tools_of_a_server(value, runtime, witness):
    """They are known only while it runs."""
    server = MCPServer("s")
    server.add_tool(t__read)
    wrapped = with_secrets(MCPToolset(server), runtime)
    result = asyncio.run(Agent(scripted(("t__read", {"a": "x", "api_key": "made up"})), toolsets=[wrapped]).run("x"))
    assert [list(one["schema"]["properties"]) for one in SEEN] == [["a"]]
    assert "x lin_api_" in str(returned(result))
    witness.clean("history", result.all_messages_json())


def test_e20_calls_of_one_turn_share_a_request(value, server, vault):
    async def turn() -> tuple[list[str], Any]:
        async with AsyncToolvault(
            server.environment["TOOLVAULT_URL"], vault.keys.create(scopes=["resolve"]).key
        ) as own:
            wrapped = await with_secrets_async(t__read, own)
            asked: list[str] = []
            run = own._sender._run
            own._sender._joint._run = lambda one, ends: asked.append(one.path) or run(one, ends)
            calls = [("t__read", {"a": str(n)}) for n in range(20)]
            return asked, await Agent(scripted(*calls), tools=[wrapped]).run("x")

    asked, result = asyncio.run(turn())
    assert asked == ["/v1/resolve"]
    assert returned(result) == [f"{n} lin_api_" for n in range(20)]


def test_the_private_names_that_this_uses():
    """pydantic-ai 2.68.0: `FunctionSchema.call`. pydantic-core: a validator's pickled form holds its schema."""
    known = Tool(t__read).function_schema
    assert type(known) is FunctionSchema
    assert known.validator.__reduce__()[1][0]["type"] == "typed-dict"
    opened = Opened(known.validator, [("api_key",), ("none",)])
    assert list(opened.members) == [("api_key",)]
    assert opened.validator.validate_python({"a": "x", "api_key": 7}) == {"a": "x"}
