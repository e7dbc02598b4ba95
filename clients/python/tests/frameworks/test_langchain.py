"""LangChain and LangGraph: a scripted model calls tools whose key comes from a real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, Tool, tool
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel, Field, SecretStr

from conftest import ROOT
from linear import ARGUMENT, Linear, library_locals, shown
from toolvault import AsyncToolvault, Confidential, SecretMissing
from toolvault.langchain import with_secrets


class Scripted(GenericFakeChatModel):
    """A model with scripted answers."""

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        SEEN[:] = [convert_to_openai_tool(one)["function"]["parameters"] for one in tools]
        return self


SEEN: list[dict[str, Any]] = []


class Events(BaseCallbackHandler):
    """Records everything that callbacks receive."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_") and name not in ("on_llm_new_token",):
            return lambda *args, **kwargs: self.told.append((name, args, kwargs))
        return super().__getattribute__(name)


def agent(wrapped: BaseTool, arguments: dict[str, Any]) -> Any:
    call = {"name": wrapped.name, "args": arguments, "id": "c1", "type": "tool_call"}
    script = iter([AIMessage(content="", tool_calls=[call]), AIMessage(content="done")])
    return create_agent(Scripted(messages=script), [wrapped])


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("arguments", [{"issue_id": "ENG-42"}, {"issue_id": "ENG-42", ARGUMENT: "guessed"}])
def test_an_agent_calls_a_tool_with_the_key(key, runtime, provider, witness, is_async, arguments):
    linear, events, runs = Linear(provider.url), Events(), RunCollectorCallbackHandler()
    function = StructuredTool.from_function(linear.get_issue, coroutine=linear.get_issue_async)
    wrapped = with_secrets(function, runtime)
    asked = {"messages": [("user", "what about ENG-42?")]}
    config = {"callbacks": [events, runs]}
    runnable = agent(wrapped, arguments)
    result = asyncio.run(runnable.ainvoke(asked, config)) if is_async else runnable.invoke(asked, config)
    assert list(SEEN[0]["properties"]) == ["issue_id"]
    assert SEEN[0]["required"] == ["issue_id"]
    assert provider.received == [key[0]]
    assert [one.content for one in result["messages"] if isinstance(one, ToolMessage)] == ["issue ENG-42: open"]
    assert events.told
    witness.clean("history", result, json.dumps([one.model_dump() for one in result["messages"]], default=repr))
    witness.clean("callbacks", events.told, [one.model_dump_json() for one in runs.traced_runs])
    witness.clean("the tool", repr(wrapped), wrapped.model_dump_json(exclude={"args_schema", "func", "coroutine"}))
    witness.clean_logs()


def test_a_client_for_event_loops_serves_both_ways(key, runtime, server, provider, vault):
    issued = vault.keys.create(scopes=["resolve"]).key

    async def calls() -> list[str]:
        async with AsyncToolvault(runtime.url, issued) as client:
            linear = Linear(provider.url)
            plain = with_secrets(StructuredTool.from_function(linear.get_issue), client)
            loop = with_secrets(
                StructuredTool.from_function(coroutine=linear.get_issue_async), client, tool_name="get_x"
            )
            return [await plain.ainvoke({"issue_id": "a"}), await loop.ainvoke({"issue_id": "b"})]

    assert asyncio.run(calls()) == ["issue a: open", "issue b: open"]
    assert provider.received == [key[0]] * 2


def test_rotation_is_picked_up(key, runtime, vault, provider, witness):
    wrapped = with_secrets(StructuredTool.from_function(Linear(provider.url).get_issue), runtime)
    wrapped.invoke({"issue_id": "a"})
    newer = witness.canary("newer token")
    vault.secrets.update(key[1], secret_value=newer)
    wrapped.invoke({"issue_id": "b"})
    assert provider.received == [key[0], newer]


def test_a_missing_secret_is_an_error_with_the_arguments_name(runtime, provider):
    wrapped = with_secrets(StructuredTool.from_function(Linear(provider.url).get_issue), runtime, hide=[ARGUMENT])
    with pytest.raises(SecretMissing, match=ARGUMENT) as failure:
        wrapped.invoke({"issue_id": "a"})
    assert failure.value.argument == ARGUMENT
    assert failure.value.tool == "get_issue"
    assert provider.received == []


def test_without_a_secret_the_tool_stays_as_it_is(runtime, provider):
    function = StructuredTool.from_function(Linear(provider.url).get_issue)
    assert with_secrets(function, runtime) is function


def test_an_argument_that_the_tool_does_not_have_cannot_be_hidden(runtime, provider):
    with pytest.raises(ValueError, match="no argument 'token'"):
        with_secrets(StructuredTool.from_function(Linear(provider.url).get_issue), runtime, hide=["token"])


def test_what_a_tool_says_is_searched(key, runtime, provider, witness):
    linear = Linear(provider.url)
    said = with_secrets(StructuredTool.from_function(linear.get_chatty), runtime).invoke({"issue_id": "a"})
    assert said == {"issue": "a", "sent": ["Bearer [secret:linear]"], "bytes": "[secret:linear]"}
    failing = with_secrets(StructuredTool.from_function(linear.get_failing), runtime)
    events = Events()
    with pytest.raises(Exception, match=r"a with \[secret:linear\] failed") as failure:
        failing.invoke({"issue_id": "a"}, {"callbacks": [events]})
    witness.clean("an error", failure.value, repr(failure.value), shown(failure.value), events.told)
    witness.clean("locals", library_locals(failure.value))
    witness.clean_logs()


def test_references_of_trusted_configuration(runtime, vault, provider, witness):
    value = witness.canary("named")
    vault.secrets.create("special", value)
    function = StructuredTool.from_function(Linear(provider.url).get_issue)
    with_secrets(function, runtime, bindings={ARGUMENT: "secret://special"}).invoke({"issue_id": "a"})
    assert provider.received == [value]


def test_a_tool_of_a_class_of_its_own(key, runtime, provider, witness):
    linear = Linear(provider.url)

    class Arguments(BaseModel):
        issue_id: str = Field(description="which")
        api_token: str

    class Issue(BaseTool):
        name: str = "get_own"
        description: str = "an issue"
        args_schema: type[BaseModel] = Arguments

        def _run(self, issue_id: str, api_token: str, run_manager: Any = None) -> str:
            assert run_manager is not None
            return linear.get_issue(issue_id, api_token)

    wrapped = with_secrets(Issue(), runtime)
    assert wrapped.args == {"issue_id": {"title": "Issue Id", "type": "string", "description": "which"}}
    assert wrapped.invoke({"issue_id": "a"}) == "issue a: open"
    assert asyncio.run(wrapped.ainvoke({"issue_id": "b"})) == "issue b: open"
    assert provider.received == [key[0]] * 2
    witness.clean("the tool", repr(wrapped))


def test_what_the_framework_injects_stays(key, runtime, provider):
    linear = Linear(provider.url)

    @tool
    def get_injected(issue_id: str, call: Annotated[str, InjectedToolCallId], api_token: SecretStr) -> str:
        """Returns an issue."""
        return linear.get_issue(f"{issue_id}-{call}", api_token.get_secret_value())

    wrapped = with_secrets(get_injected, runtime)
    call = {"name": "get_injected", "args": {"issue_id": "a"}, "id": "c7", "type": "tool_call"}
    assert wrapped.invoke(call).content == "issue a-c7: open"
    assert list(wrapped.args) == ["issue_id"]
    assert provider.received == [key[0]]


def test_a_tool_that_takes_it_covered(key, runtime, provider, witness):
    linear = Linear(provider.url)

    @tool
    def get_covered(issue_id: str, api_token: Confidential) -> str:
        """Returns an issue."""
        return linear.get_issue(issue_id, api_token.reveal())

    wrapped = with_secrets(get_covered, runtime)
    assert wrapped.invoke({"issue_id": "a"}) == "issue a: open"
    assert provider.received == [key[0]]
    written = get_covered.args_schema(issue_id="a", api_token=key[0]).model_dump_json()
    assert written == '{"issue_id":"a","api_token":"Confidential(********)"}'


def test_a_graph_that_is_saved(key, runtime, provider, witness):
    function = StructuredTool.from_function(Linear(provider.url).get_issue)
    saver = InMemorySaver()
    call = {"name": "get_issue", "args": {"issue_id": "a"}, "id": "c1", "type": "tool_call"}
    script = iter([AIMessage(content="", tool_calls=[call]), AIMessage(content="done")])
    runnable = create_agent(Scripted(messages=script), [with_secrets(function, runtime)], checkpointer=saver)
    runnable.invoke({"messages": [("user", "x")]}, {"configurable": {"thread_id": "1"}})
    assert provider.received == [key[0]]
    assert "issue a: open" in str(list(saver.list(None)))
    witness.clean("what was saved", list(saver.list(None)), saver.storage, saver.blobs, saver.writes)


def test_a_tool_described_by_a_json_schema(key, runtime, provider):
    linear = Linear(provider.url)
    described = {
        "type": "object",
        "properties": {"issue_id": {"type": "string"}, "api_token": {"type": "string"}},
        "required": ["issue_id", "api_token"],
    }

    async def call(**given: str) -> str:
        return await linear.get_issue_async(**given)

    function = StructuredTool(name="get_described", description="d", args_schema=described, coroutine=call)
    wrapped = with_secrets(function, runtime)
    assert wrapped.args_schema == {
        "type": "object",
        "properties": {"issue_id": {"type": "string"}},
        "required": ["issue_id"],
    }
    assert asyncio.run(wrapped.ainvoke({"issue_id": "a"})) == "issue a: open"
    assert provider.received == [key[0]]


def test_a_tool_of_one_text_is_refused(runtime):
    with pytest.raises(TypeError, match="takes one text"):
        with_secrets(Tool(name="t", description="d", func=print), runtime)


def test_the_readmes_examples(server, operator_key, tmp_path, vault):
    text = (ROOT / "clients" / "python" / "README.md").read_text()
    # The fourth needs iointel, which is not here.
    both = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[:3]
    program = tmp_path / "example.py"
    program.write_text("\n".join([*both, "print(list(tools[0].args), tools[0].invoke({'issue_id': 'ENG-43'}))"]))
    known = {"TOOLVAULT_URL": server.environment["TOOLVAULT_URL"], "TOOLVAULT_API_KEY": operator_key}
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, env=os.environ | known)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "ENG-42 and [secret:linear-prod]",
        "['issue_id'] ENG-43, asked with a token of 24 characters",
    ]
