"""LangChain and LangGraph: a tool with secrets is the tool that it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, BaseToolkit, InjectedToolCallId, StructuredTool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, InjectedStore, ToolNode
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from linear import shown
from toolvault import AsyncToolvault, secrets
from toolvault.langchain import with_secrets, with_secrets_async


@pytest.fixture
def value(vault, witness):
    """The value of a default for `api_key` of tools named t__…"""
    made = witness.canary("key")
    vault.secrets.create("linear", made, tool_name="t__*", tool_arg="api_key", is_default_for_tool=True)
    return made


class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self


def said(name: str, *calls: dict[str, Any]) -> AIMessage:
    made = [{"name": name, "args": args, "id": f"c{at}", "type": "tool_call"} for at, args in enumerate(calls)]
    return AIMessage(content="", tool_calls=made)


class Path(BaseModel):
    """Where."""

    model_config = ConfigDict(extra="forbid")

    path: str
    api_key: str

    @field_validator("path")
    @classmethod
    def inside(cls, path: str) -> str:
        if ".." in path:
            raise ValueError("outside")
        return path

    @model_validator(mode="after")
    def of_this_key(self) -> Path:
        if not self.api_key.startswith("lin_api_"):
            raise ValueError("another key")
        return self


def test_e2_the_schemas_own_validators(value, runtime, witness):
    @tool(args_schema=Path)
    def t__read(path: str, api_key: str) -> str:
        """Reads."""
        return path

    wrapped = with_secrets(t__read, runtime)
    assert wrapped.invoke({"path": "etc"}) == "etc"
    # E14: beside `extra="forbid"`.
    assert wrapped.invoke({"path": "etc", "api_key": "made up"}) == "etc"
    with pytest.raises(ValidationError, match="outside") as failure:
        wrapped.invoke({"path": "../etc"})
    witness.clean("the refusal", shown(failure.value), failure.value.errors())
    with pytest.raises(ValidationError, match="Extra inputs"):
        wrapped.invoke({"path": "etc", "other": 1})
    wrapped.handle_validation_error = lambda error: f"no: {error.errors()[0]['msg']}"
    assert wrapped.invoke({"path": "../etc"}) == "no: Value error, outside"


def test_e9_an_object_that_the_program_passes(vault, runtime, witness):
    vault.secrets.create(
        "in", witness.canary("in"), tool_name="p__*", tool_arg="/req/api_key", is_default_for_tool=True
    )

    @tool
    def p__do(req: Path) -> str:
        """Does it."""
        return f"{req.path} {req.api_key[:8]}"

    wrapped, given = with_secrets(p__do, runtime), Path(path="etc", api_key="lin_api_of_another")
    assert wrapped.invoke({"req": given}) == "etc lin_api_"
    assert given.api_key == "lin_api_of_another"

    class Open(BaseModel, extra="allow", frozen=True):
        note: str | None = None

    @secrets(runtime, "/req/api_key", "/req/note", tool_name="p__do")
    def p__open(req: Open) -> dict[str, Any]:
        return {**req.model_dump(), "set": sorted(req.model_fields_set)}

    given = Open(note="made up", api_key="made up")
    assert p__open(given) == {"note": None, "api_key": "[secret:in]", "set": ["api_key"]}


def test_e3_what_langgraph_injects(value, runtime):
    @tool
    def t__known(
        note: str,
        state: Annotated[dict, InjectedState],
        store: Annotated[BaseStore, InjectedStore()],
        call: Annotated[str, InjectedToolCallId],
        api_key: str,
    ) -> str:
        """Reads."""
        return f"{note} {len(state['messages'])} {store.get(('a',), 'k').value} {call} {api_key[:8]}"

    store = InMemoryStore()
    store.put(("a",), "k", {"v": 1})
    wrapped = with_secrets(t__known, runtime)
    assert list(wrapped.args) == ["note"]
    expected = "n 1 {'v': 1} c0 lin_api_"
    graph = StateGraph(MessagesState).add_node("tools", ToolNode([wrapped])).add_edge(START, "tools")
    result = graph.compile(store=store).invoke({"messages": [said("t__known", {"note": "n"})]})
    assert result["messages"][-1].content == expected
    model = Scripted(messages=iter([said("t__known", {"note": "n"}), AIMessage(content="done")]))
    result = create_agent(model, [wrapped], store=store).invoke({"messages": [("user", "x")]})
    assert [one.content for one in result["messages"] if isinstance(one, ToolMessage)] == [
        expected.replace("n 1", "n 2")
    ]


def test_e4_state_of_the_tool_and_of_its_copies(value, runtime):
    class Own(BaseTool):
        name: str = "t__own"
        description: str = "reads"
        base: str = "one"

        def _run(self, a: str, api_key: str) -> str:
            return f"{self.base} {a} {api_key[:8]}"

    made = Own()
    wrapped = with_secrets(made, runtime)
    assert isinstance(wrapped, Own)
    wrapped.base = "two"
    assert wrapped.invoke({"a": "x"}) == "two x lin_api_"
    copied = wrapped.model_copy(update={"base": "three"})
    assert copied.invoke({"a": "x"}) == "three x lin_api_"
    assert asyncio.run(copied.ainvoke({"a": "x"})) == "three x lin_api_"
    assert list(copied.args) == ["a"]
    assert made.base == "one"
    assert "api_key" in made.args
    renamed = wrapped.model_copy(update={"description": "writes"})
    assert renamed.tool_call_schema["description"] == "writes"


class Refusal(ToolException):
    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def test_e7_tool_exceptions_and_interrupts(value, runtime, witness):
    @tool
    def t__refuse(a: str, api_key: str) -> str:
        """Reads."""
        raise Refusal(f"no with {api_key}", 7)

    wrapped = with_secrets(t__refuse, runtime)
    with pytest.raises(Refusal) as failure:
        wrapped.invoke({"a": "x"})
    assert (str(failure.value), failure.value.code) == ("no with [secret:linear]", 7)
    wrapped.handle_tool_error = True
    assert wrapped.invoke({"a": "x"}) == "no with [secret:linear]"

    @tool
    def t__ask(a: str, api_key: str) -> str:
        """Reads."""
        return f"{interrupt({'with': api_key})} {api_key[:8]}"

    graph = StateGraph(MessagesState).add_node("tools", ToolNode([with_secrets(t__ask, runtime)]))
    saver = InMemorySaver()
    running = graph.add_edge(START, "tools").compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "1"}}
    result = running.invoke({"messages": [said("t__ask", {"a": "x"})]}, config)
    assert result["__interrupt__"][0].value == {"with": "[secret:linear]"}
    resumed = running.invoke(Command(resume="yes"), config)
    assert resumed["messages"][-1].content == "yes lin_api_"
    witness.clean(
        "what was saved", list(saver.list(None)), saver.storage, saver.blobs, saver.writes, shown(failure.value)
    )


def test_e12_a_tool_that_returns_parts(value, runtime):
    @tool
    def t__parts(a: str, api_key: str) -> Iterator[str]:
        """Reads."""
        yield f"{a} {api_key[:9]}"
        yield f"{api_key[9:]} end"

    assert "".join(with_secrets(t__parts, runtime).invoke({"a": "x"})) == "x [secret:linear] end"


def test_e16_toolkits(value, runtime):
    @tool
    def t__one(a: str, api_key: str) -> str:
        """Reads."""
        return f"{a} {api_key[:8]}"

    class Kit(BaseToolkit):
        def get_tools(self) -> list[BaseTool]:
            return [t__one, StructuredTool.from_function(lambda a: a, name="plain", description="d")]

    one, plain = with_secrets(Kit(), runtime)
    assert one.invoke({"a": "x"}) == "x lin_api_"
    assert plain.invoke({"a": "x"}) == "x"
    assert [list(each.args) for each in asyncio.run(with_secrets_async(Kit(), runtime))] == [["a"], ["a"]]


def test_e20_calls_of_one_turn_share_a_request(value, server, vault, monkeypatch):
    async def t__one(a: str, api_key: str) -> str:
        """Reads."""
        return f"{a} {api_key[:8]}"

    async def turn() -> tuple[list[str], list[str]]:
        async with AsyncToolvault(
            server.environment["TOOLVAULT_URL"], vault.keys.create(scopes=["resolve"]).key
        ) as own:
            wrapped = await with_secrets_async(t__one, own)
            asked: list[str] = []
            run = own._sender._run
            own._sender._joint._run = lambda one, ends: asked.append(one.path) or run(one, ends)
            graph = StateGraph(MessagesState).add_node("tools", ToolNode([wrapped])).add_edge(START, "tools")
            message = said("t__one", *({"a": str(n)} for n in range(20)))
            result = await graph.compile().ainvoke({"messages": [message]})
            return asked, [one.content for one in result["messages"][1:]]

    asked, contents = asyncio.run(turn())
    assert asked == ["/v1/resolve"]
    assert contents == [f"{n} lin_api_" for n in range(20)]


def test_the_private_names_of_langchain_that_this_uses():
    """langchain-core 1.8.3: `_to_args_and_kwargs` validates, and its result goes to `_run` or `_arun`."""
    import inspect

    assert list(inspect.signature(BaseTool._to_args_and_kwargs).parameters) == ["self", "tool_input", "tool_call_id"]
    for method in (BaseTool.run, BaseTool.arun):
        assert "_to_args_and_kwargs" in method.__code__.co_names
    assert "_run" in BaseTool.run.__code__.co_names
    assert "_arun" in BaseTool.arun.__code__.co_names
