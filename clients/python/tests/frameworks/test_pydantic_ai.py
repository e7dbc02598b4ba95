"""Pydantic AI: a scripted model calls tools whose key comes from a real server."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_ai import Agent, ModelRetry, RunContext, Tool
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from linear import ARGUMENT, Linear, library_locals, shown
from toolvault import SecretMissing
from toolvault.pydantic_ai import with_secrets


class Wanted(BaseModel):
    issue_id: str


SEEN: list[dict[str, Any]] = []


def agent(tool: Tool[Any], arguments: dict[str, Any], **options: Any) -> Agent[Any, str]:
    def answer(messages: list[Any], info: AgentInfo) -> ModelResponse:
        SEEN[:] = [one.parameters_json_schema for one in info.function_tools]
        if any(isinstance(part, ToolReturnPart) for part in messages[-1].parts):
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart(tool.name, arguments)])

    return Agent(FunctionModel(answer), tools=[tool], **options)


def returned(result: Any) -> list[Any]:
    parts = [part for message in result.all_messages() for part in message.parts]
    return [part.content for part in parts if isinstance(part, ToolReturnPart)]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("arguments", [{"issue_id": "ENG-42"}, {"issue_id": "ENG-42", ARGUMENT: "guessed"}])
def test_an_agent_calls_a_tool_with_the_key(key, runtime, provider, witness, is_async, arguments):
    linear = Linear(provider.url)
    tool = with_secrets(Tool(linear.get_issue_async if is_async else linear.get_issue), runtime)
    result = agent(tool, arguments).run_sync("what about ENG-42?")
    assert list(SEEN[0]["properties"]) == ["issue_id"]
    assert SEEN[0]["required"] == ["issue_id"]
    assert returned(result) == ["issue ENG-42: open"]
    assert provider.received == [key[0]]
    witness.clean("history", result.all_messages(), result.all_messages_json(), pickle.dumps(result.all_messages()))
    witness.clean("the tool", repr(tool), repr(tool.function_schema))
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(tool)
    witness.clean_logs()


def test_a_missing_secret_is_an_error_with_the_arguments_name(runtime, provider):
    tool: Tool[Any] = with_secrets(Linear(provider.url).get_issue, runtime, hide=[ARGUMENT])
    with pytest.raises(SecretMissing, match=ARGUMENT) as failure:
        agent(tool, {"issue_id": "a"}).run_sync("x")
    assert failure.value.argument == ARGUMENT
    assert provider.received == []


def test_what_a_tool_says_is_searched(key, runtime, provider, witness):
    linear = Linear(provider.url)
    result = agent(with_secrets(linear.get_chatty, runtime), {"issue_id": "a"}).run_sync("x")
    assert returned(result) == [{"issue": "a", "sent": ["Bearer [secret:linear]"], "bytes": "[secret:linear]"}]
    with pytest.raises(Exception, match=r"a with \[secret:linear\] failed") as failure:
        agent(with_secrets(linear.get_failing, runtime), {"issue_id": "a"}).run_sync("x")
    witness.clean("an error", repr(failure.value), shown(failure.value), library_locals(failure.value))
    witness.clean_logs()


def test_asking_the_model_to_try_again_stays_that(key, runtime, witness):
    tries = []

    def get_picky(issue_id: str, api_token: str) -> str:
        """Returns an issue."""
        tries.append(issue_id)
        if len(tries) == 1:
            raise ModelRetry(f"not with {api_token}")
        return "fine"

    result = agent(with_secrets(get_picky, runtime), {"issue_id": "a"}).run_sync("x")
    parts = [part for message in result.all_messages() for part in message.parts]
    assert [(one.outcome, one.content) for one in parts if isinstance(one, ToolReturnPart)] == [
        ("retried", "not with [secret:linear]")
    ]
    witness.clean("history", result.all_messages_json())


def test_context_and_types_of_the_tool_stay(key, runtime, provider):
    linear = Linear(provider.url)

    def get_typed(ctx: RunContext[str], wanted: Wanted, api_token: SecretStr) -> str:
        """Returns an issue."""
        return ctx.deps + linear.get_issue(wanted.issue_id, api_token.get_secret_value())

    tool = with_secrets(Tool(get_typed), runtime)
    said = {"wanted": {"issue_id": "a"}}
    result = agent(tool, said, deps_type=str).run_sync("x", deps="for ada: ")
    assert list(SEEN[0]["properties"]) == ["wanted"]
    assert returned(result) == ["for ada: issue a: open"]
    assert provider.received == [key[0]]


def test_a_tool_described_by_a_json_schema(key, runtime, provider):
    linear = Linear(provider.url)
    described = {
        "type": "object",
        "properties": {"issue_id": {"type": "string"}, "api_token": {"type": "string"}},
        "required": ["issue_id", "api_token"],
    }
    function = Tool.from_schema(lambda **given: linear.get_issue(**given), "get_own", "d", described)
    result = agent(with_secrets(function, runtime), {"issue_id": "a", ARGUMENT: "guessed"}).run_sync("x")
    assert list(SEEN[0]["properties"]) == ["issue_id"]
    assert returned(result) == ["issue a: open"]
    assert provider.received == [key[0]]


def test_the_rest_of_the_tool_stays(key, runtime, provider):
    function = Tool(Linear(provider.url).get_issue, timeout=7, description="own words", metadata={"a": 1})
    wrapped = with_secrets(function, runtime)
    assert (wrapped.name, wrapped.description, wrapped.timeout) == ("get_issue", "own words", 7)
    assert function.function_schema.json_schema["required"] == ["issue_id", ARGUMENT]
