"""The OpenAI Agents SDK: a scripted model calls tools whose key comes from a real server."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import agents
import pytest
from agents import Agent, FunctionTool, RunConfig, Runner, function_tool
from agents.tracing import set_trace_processors

from linear import ARGUMENT, Linear
from scripted_openai import Scripted, Spans, outputs
from toolvault import SecretMissing
from toolvault.openai_agents import with_secrets


@pytest.fixture
def spans():
    processor = Spans()
    set_trace_processors([processor])
    return processor


@pytest.fixture(params=[True, False], ids=["data not logged", "data logged"], autouse=True)
def logging_of_data(request, monkeypatch):
    """The SDK logs data only if configured to; either way, no value is logged."""
    monkeypatch.setattr(agents._debug, "DONT_LOG_TOOL_DATA", request.param)
    monkeypatch.setattr(agents._debug, "DONT_LOG_MODEL_DATA", request.param)


def run(tool: FunctionTool, arguments: str) -> tuple[Any, Scripted]:
    model = Scripted(arguments)
    agent = Agent(name="a", model=model, tools=[tool])
    return asyncio.run(
        Runner.run(agent, "what about it?", run_config=RunConfig(trace_include_sensitive_data=True))
    ), model


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("arguments", ['{"issue_id": "ENG-42"}', '{"issue_id": "ENG-42", "api_token": "guessed"}'])
def test_an_agent_calls_a_tool_with_the_key(key, runtime, provider, witness, spans, is_async, arguments):
    linear = Linear(provider.url)
    tool = with_secrets(function_tool(linear.get_issue_async if is_async else linear.get_issue), runtime)
    result, model = run(tool, arguments)
    assert list(model.seen[0]["properties"]) == ["issue_id"]
    assert model.seen[0]["required"] == ["issue_id"]
    assert outputs(result) == ["issue ENG-42: open"]
    assert provider.received == [key[0]]
    assert spans.exported
    witness.clean("history", result.to_input_list(), result.new_items, json.dumps(result.to_input_list()))
    witness.clean("state", result.to_state().to_string(), repr(result.to_state()))
    witness.clean("traces", spans.exported)
    witness.clean("the tool", repr(tool))
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(tool)
    witness.clean_logs()


def test_a_missing_secret_is_an_error_with_the_arguments_name(runtime, provider, spans):
    function = function_tool(Linear(provider.url).get_issue, failure_error_function=None)
    with pytest.raises(Exception, match=ARGUMENT) as failure:
        run(with_secrets(function, runtime, hide=[ARGUMENT]), '{"issue_id": "a"}')
    error = failure.value if isinstance(failure.value, SecretMissing) else failure.value.__cause__
    assert isinstance(error, SecretMissing)
    assert error.argument == ARGUMENT
    assert provider.received == []


def test_the_tools_own_words_about_a_failure(runtime, provider, spans):
    words = []

    def said(context: Any, error: Exception) -> str:
        words.append(error)
        return f"it did not work: {error}"

    function = function_tool(Linear(provider.url).get_issue, failure_error_function=said)
    result, _ = run(with_secrets(function, runtime, hide=[ARGUMENT]), '{"issue_id": "a"}')
    assert isinstance(words[0], SecretMissing)
    assert ARGUMENT in outputs(result)[0]


def test_what_a_tool_says_is_searched(key, runtime, provider, witness, spans):
    linear = Linear(provider.url)
    result, _ = run(with_secrets(function_tool(linear.get_chatty), runtime), '{"issue_id": "a"}')
    assert "Bearer [secret:linear]" in outputs(result)[0]
    failing = function_tool(linear.get_failing, failure_error_function=lambda context, error: str(error))
    result, _ = run(with_secrets(failing, runtime), '{"issue_id": "a"}')
    assert "a with [secret:linear] failed" in outputs(result)[0]
    witness.clean("history and traces", result.to_input_list(), spans.exported)
    witness.clean_logs()


def test_a_tool_that_reads_its_arguments_itself(key, runtime, provider, witness, spans):
    linear = Linear(provider.url)
    described = {
        "type": "object",
        "properties": {"issue_id": {"type": "string"}, "api_token": {"type": "string"}},
        "required": ["issue_id", "api_token"],
        "additionalProperties": False,
    }

    async def invoke(context: Any, text: str) -> Any:
        return await linear.get_issue_async(**json.loads(text))

    function = FunctionTool(name="get_own", description="d", params_json_schema=described, on_invoke_tool=invoke)
    result, model = run(with_secrets(function, runtime), '{"issue_id": "a", "api_token": "guessed"}')
    assert list(model.seen[0]["properties"]) == ["issue_id"]
    assert outputs(result) == ["issue a: open"]
    assert provider.received == [key[0]]
    witness.clean("history and traces", result.to_input_list(), spans.exported)
    witness.clean_logs()


def test_the_rest_of_the_tool_stays(key, runtime, provider):
    function = function_tool(Linear(provider.url).get_issue_async, timeout=7, description_override="own words")
    wrapped = with_secrets(function, runtime)
    assert (wrapped.name, wrapped.description, wrapped.timeout_seconds) == ("get_issue_async", "own words", 7)
    assert with_secrets(Linear(provider.url).get_issue, runtime).name == "get_issue"
