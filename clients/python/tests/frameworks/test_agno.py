"""agno 3: a scripted model calls tools whose key comes from a real server."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.run import RunContext
from agno.tools import tool as decorated
from agno.tools.function import Function
from agno.tools.toolkit import Toolkit

from linear import ARGUMENT, Linear
from scripted_agno import Scripted
from toolvault.agno import with_secrets


def run(tool: Any, arguments: dict[str, Any], is_async: bool = False) -> tuple[Any, Scripted, InMemoryDb]:
    model, db = Scripted(arguments=json.dumps(arguments)), InMemoryDb()
    agent = Agent(model=model, tools=[tool], db=db, telemetry=False, debug_mode=True)
    result = asyncio.run(agent.arun("what about it?")) if is_async else agent.run("what about it?")
    return result, model, db


def returned(result: Any) -> list[Any]:
    return [one.content for one in result.messages if one.role == "tool"]


def stored(db: InMemoryDb) -> str:
    return repr(vars(db))


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("arguments", [{"issue_id": "ENG-42"}, {"issue_id": "ENG-42", ARGUMENT: "guessed"}])
def test_an_agent_calls_a_tool_with_the_key(key, runtime, provider, witness, is_async, arguments, capfd):
    linear = Linear(provider.url)
    tool = with_secrets(linear.get_issue_async if is_async else linear.get_issue, runtime, tool_name="get_issue")
    result, model, db = run(tool, arguments, is_async)
    assert list(model.seen[0]["parameters"]["properties"]) == ["issue_id"]
    assert model.seen[0]["parameters"]["required"] == ["issue_id"]
    assert returned(result) == ["issue ENG-42: open"]
    assert provider.received == [key[0]]
    witness.clean("history", result, result.to_json(), [one.to_dict() for one in result.messages], stored(db))
    witness.clean("tool executions", [one.to_dict() for one in result.tools])
    witness.clean("the tool", repr(tool), tool.to_dict(), tool.model_dump())
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(tool)
    witness.clean("what was printed", *capfd.readouterr())
    witness.clean_logs()


def test_a_missing_secret_is_an_error_with_the_arguments_name(runtime, provider):
    tool = with_secrets(Linear(provider.url).get_issue, runtime, hide=[ARGUMENT])
    result, _, _ = run(tool, {"issue_id": "a"})
    assert f"Argument '{ARGUMENT}' of tool 'get_issue' is required" in str(returned(result))
    assert result.tools[0].tool_call_error
    assert provider.received == []


def test_what_a_tool_says_is_searched(key, runtime, provider, witness, capfd):
    linear = Linear(provider.url)
    result, _, _ = run(with_secrets(linear.get_chatty, runtime), {"issue_id": "a"})
    assert "Bearer [secret:linear]" in str(returned(result))
    failing = with_secrets(decorated(linear.get_failing), runtime)
    result, _, db = run(failing, {"issue_id": "a"})
    assert "a with [secret:linear] failed" in str(returned(result))
    witness.clean("history", result.to_json(), stored(db))
    witness.clean("what was printed", *capfd.readouterr())
    witness.clean_logs()


def test_a_decorated_tool_with_what_agno_injects(key, runtime, provider):
    linear = Linear(provider.url)

    @decorated(name="get_injected", instructions="be brief")
    def own(run_context: RunContext, issue_id: str, api_token: str) -> str:
        """Returns an issue."""
        assert run_context.run_id
        return linear.get_issue(issue_id, api_token)

    wrapped = with_secrets(own, runtime)
    result, model, _ = run(wrapped, {"issue_id": "a"})
    assert (wrapped.name, wrapped.instructions) == ("get_injected", "be brief")
    assert list(model.seen[0]["parameters"]["properties"]) == ["issue_id"]
    assert returned(result) == ["issue a: open"]
    assert provider.received == [key[0]]
    assert ARGUMENT in own.parameters["properties"]


def test_a_function_of_a_toolkit(key, runtime, provider):
    class Kit(Toolkit):
        def __init__(self) -> None:
            self.linear = Linear(provider.url)
            super().__init__(name="kit", tools=[self.get_issue])

        def get_issue(self, issue_id: str, api_token: str) -> str:
            """Returns an issue."""
            return self.linear.get_issue(issue_id, api_token)

    result, model, _ = run(with_secrets(Kit().functions["get_issue"], runtime), {"issue_id": "a"})
    assert list(model.seen[0]["parameters"]["properties"]) == ["issue_id"]
    assert returned(result) == ["issue a: open"]
    assert provider.received == [key[0]]


def test_parts_of_a_stream(key, runtime, witness):
    def get_parts(issue_id: str, api_token: str) -> Iterator[str]:
        """Returns an issue."""
        yield issue_id
        yield f" with {api_token}"

    result, _, _ = run(with_secrets(get_parts, runtime), {"issue_id": "a"})
    assert "a with [secret:linear]" in str(returned(result))
    witness.clean("history", result.to_json())


def test_a_tool_with_nothing_to_call_is_refused(runtime):
    with pytest.raises(TypeError, match="has no function"):
        with_secrets(Function(name="outside"), runtime)
