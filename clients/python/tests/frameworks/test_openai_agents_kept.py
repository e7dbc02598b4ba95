"""The OpenAI Agents SDK: a tool with secrets is the tool that it was."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
from typing import Annotated, Any

import agents
import pytest
from agents import Agent, FunctionTool, RunConfig, Runner, WebSearchTool, function_tool
from agents.mcp import MCPServerStdio
from agents.tool import _FailureHandlingFunctionToolInvoker
from agents.tool_context import ToolContext
from pydantic import AfterValidator, BaseModel

from linear import shown
from scripted_openai import Scripted, Spans, outputs
from toolvault.openai_agents import with_secrets, with_secrets_async


@pytest.fixture
def value(vault, witness):
    """The value of a default for `api_key` of tools named t__…"""
    made = witness.canary("key")
    vault.secrets.create("linear", made, tool_name="t__*", tool_arg="api_key", is_default_for_tool=True)
    return made


@pytest.fixture(autouse=True)
def logged(monkeypatch):
    """The SDK logs all data."""
    monkeypatch.setattr(agents._debug, "DONT_LOG_TOOL_DATA", False)
    monkeypatch.setattr(agents._debug, "DONT_LOG_MODEL_DATA", False)


def call(tool: FunctionTool, text: str) -> Any:
    context: Any = ToolContext(None, tool_name=tool.name, tool_call_id="c", tool_arguments=text)
    return asyncio.run(tool.on_invoke_tool(context, text))


def inside(path: str) -> str:
    if ".." in path:
        raise ValueError("outside")
    return path


def test_e2_refusals_hold_no_value(value, runtime, vault, witness):
    spans = Spans()
    agents.tracing.set_trace_processors([spans])
    errors: list[Exception] = []

    def told(_: Any, error: Exception) -> str:
        errors.append(error)
        return f"no: {error}"

    def t__read(path: Annotated[str, AfterValidator(inside)], api_key: str) -> str:
        """Reads."""
        raise AssertionError("it was called")

    long = witness.canary("long key") + "x" * 60 + value[-9:]
    vault.secrets.create("long", long, tool_name="t__number", tool_arg="api_key", is_default_for_tool=True)

    def t__number(path: str, api_key: int) -> str:
        """Reads."""
        raise AssertionError("it was called")

    for function, word in ((t__read, "outside"), (t__number, "valid integer")):
        wrapped = with_secrets(function_tool(function, failure_error_function=told), runtime)
        run = Runner.run(Agent(name="a", model=Scripted('{"path": "../etc"}'), tools=[wrapped]), "x")
        result = asyncio.run(run)
        assert word in outputs(result)[0]
        # pydantic shortens inputs in its messages.
        for place in (outputs(result), [shown(one) for one in errors], spans.exported):
            assert "lin_api_" not in str(place)
            assert value[-9:] not in str(place)
            witness.clean("the refusal", place)
    assert value[-9:] not in witness.logs.getvalue()
    witness.clean_logs()


class Own(FunctionTool):
    """A tool whose invoker is a method."""

    def __init__(self, base: str) -> None:
        self.base = base
        described = {"type": "object", "properties": {"a": {}, "api_key": {}}, "required": ["a", "api_key"]}
        super().__init__("t__own", "d", described, self._invoke, strict_json_schema=False)

    async def _invoke(self, context: Any, text: str) -> str:
        given = json.loads(text)
        return f"{self.base} {given['a']} {given['api_key'][:8]}"


def test_e4_subclasses_and_copies(value, runtime):
    wrapped = with_secrets(Own("one"), runtime)
    assert isinstance(wrapped, Own)
    assert call(wrapped, '{"a": "x"}') == "one x lin_api_"
    decorated = with_secrets(function_tool(lambda a, api_key: api_key[:8], name_override="t__l"), runtime)
    copied = copy.copy(decorated)
    assert call(copied, '{"a": "x"}') == "lin_api_"


def test_e15_malformed_json_reaches_the_tool(value, runtime):
    async def invoke(_: Any, text: str) -> str:
        try:
            return f"read {sorted(json.loads(text))}"
        except ValueError:
            return f"what is {text}?"

    described = {"type": "object", "properties": {"a": {}, "api_key": {}}}
    custom = FunctionTool("t__own", "d", described, invoke, strict_json_schema=False)
    wrapped = with_secrets(custom, runtime)
    assert call(wrapped, '{"a": ') == 'what is {"a": ?'
    assert call(wrapped, "[1]") == "read [1]"
    assert call(wrapped, "") == "read ['api_key']"
    assert call(wrapped, '{"a": 1.0}') == "read ['a', 'api_key']"


def test_policies_of_approvals_see_what_they_did(value, runtime):
    seen: list[Any] = []

    async def policy(_: Any, params: dict[str, Any], call_id: str) -> bool:
        seen.append(params)
        return False

    @function_tool(needs_approval=policy)
    def t__plain(a: str, api_key: str) -> str:
        """Reads."""
        return f"{a} {api_key[:8]}"

    @function_tool(needs_approval=policy)
    def t__changing(a: int, api_key: str) -> str:
        """Reads."""
        return f"{a} {api_key[:8]}"

    run = Runner.run(Agent(name="a", model=Scripted('{"a": "x"}'), tools=[with_secrets(t__plain, runtime)]), "x")
    assert outputs(asyncio.run(run)) == ["x lin_api_"]
    assert seen == [{"a": "x"}]
    # Validation changes the argument, so the SDK asks a person, as without us.
    run = Runner.run(Agent(name="a", model=Scripted('{"a": "7"}'), tools=[with_secrets(t__changing, runtime)]), "x")
    assert len(asyncio.run(run).interruptions) == 1
    assert seen == [{"a": "x"}]


def test_e16_hosted_tools_and_servers(runtime):
    for other in (WebSearchTool(), MCPServerStdio(params={"command": "true"})):
        with pytest.raises(TypeError, match="as it is"):
            with_secrets(other, runtime)
        with pytest.raises(TypeError, match="as it is"):
            asyncio.run(with_secrets_async([other], runtime))


class Out(BaseModel):
    a: str


def test_what_is_kept_of_a_tool(value, runtime):
    async def t__read(a: str, api_key: str) -> str:
        """Reads."""
        return a

    made = function_tool(t__read, timeout=7, defer_loading=True, is_enabled=lambda *_: True)
    wrapped = with_secrets(made, runtime)
    kept = [one.name for one in dataclasses.fields(made) if one.name not in ("params_json_schema", "on_invoke_tool")]
    assert all(getattr(wrapped, name) == getattr(made, name) for name in kept)
    assert wrapped.__wrapped__ is t__read
    assert "api_key" in made.params_json_schema["properties"]
    result = asyncio.run(
        Runner.run(
            Agent(name="a", model=Scripted('{"a": "x"}'), tools=[dataclasses.replace(wrapped, defer_loading=False)]),
            "x",
            run_config=RunConfig(trace_include_sensitive_data=True),
        )
    )
    assert outputs(result) == ["x"]


def test_the_private_names_of_the_sdk_that_this_uses():
    """openai-agents 0.24.0: the invoker reports errors of its implementation, and lets approvals look at arguments."""
    made = function_tool(lambda a: a, name_override="f")
    assert isinstance(made.on_invoke_tool, _FailureHandlingFunctionToolInvoker)
    assert callable(made.on_invoke_tool._invoke_tool_impl.__agents_prepare_arguments__)
    context: Any = ToolContext(None, tool_name="f", tool_call_id="c", tool_arguments="{}")
    assert context._function_tool_arguments is None
