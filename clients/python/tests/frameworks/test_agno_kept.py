"""agno 3: a tool with secrets is the tool that it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from agno.agent import Agent
from agno.exceptions import RetryAgentRun, StopAgentRun
from agno.models.message import Message
from agno.run import RunContext
from agno.tools import tool
from agno.tools.function import Function, FunctionCall
from agno.tools.toolkit import Toolkit

from linear import shown
from scripted_agno import Scripted
from toolvault.agno import with_secrets, with_secrets_async


@pytest.fixture
def value(vault, witness):
    """The value of a default for `api_key` of tools named t__…"""
    made = witness.canary("key")
    vault.secrets.create("linear", made, tool_name="t__*", tool_arg="api_key", is_default_for_tool=True)
    return made


def execution(function: Function, args: dict[str, Any], is_async: bool = False) -> Any:
    made = FunctionCall(function=function._per_run_copy(), arguments=args)
    made.function._run_context = RunContext(run_id="r", session_id="s", user_id="u")
    made.function.process_entrypoint()
    return asyncio.run(made.aexecute()) if is_async else made.execute()


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("decorated", [False, True])
def test_e5_exceptions_that_steer_the_run(value, runtime, witness, is_async, decorated, capfd):
    def t__stop(a: str, api_key: str) -> str:
        """Stops."""
        raise StopAgentRun(
            f"stop {api_key}", user_message=f"said {api_key}", messages=[Message(role="user", content=api_key)]
        )

    async def t__retry(a: str, api_key: str) -> str:
        """Again."""
        raise RetryAgentRun(f"again {api_key}", user_message=f"try {api_key}")

    function = t__retry if is_async else t__stop
    wrapped = with_secrets(tool(function) if decorated else function, runtime)
    with pytest.raises(RetryAgentRun if is_async else StopAgentRun) as failure:
        execution(wrapped, {"a": "x"}, is_async)
    error = failure.value
    assert error.stop_execution is not is_async
    assert str(error) == ("again [secret:linear]" if is_async else "stop [secret:linear]")
    assert error.user_message == ("try [secret:linear]" if is_async else "said [secret:linear]")
    if not is_async:
        assert error.messages[0].content == "[secret:linear]"
    witness.clean("the error", shown(error), vars(error))
    witness.clean("what was printed", *capfd.readouterr())
    witness.clean_logs()


def test_e5_a_run_that_a_tool_stops(value, runtime):
    def t__stop(a: str, api_key: str) -> str:
        """Stops."""
        raise StopAgentRun(f"stop {api_key}")

    asked: list[int] = []

    class Counting(Scripted):
        def invoke(self, *args: Any, **options: Any) -> Any:
            asked.append(1)
            return super().invoke(*args, **options)

    Agent(model=Counting(arguments='{"a": "x"}'), tools=[with_secrets(t__stop, runtime)], telemetry=False).run("x")
    assert asked == [1]


def test_e8_what_a_person_is_asked_for(value, runtime):
    @tool(requires_user_input=True, user_input_fields=["q"])
    def t__some(q: str, other: str, api_key: str) -> str:
        """Asks."""
        return f"{q} {other} {api_key[:8]}"

    @tool(requires_user_input=True)
    def t__all(q: str, other: str, api_key: str) -> str:
        """Asks."""
        return f"{q} {other} {api_key[:8]}"

    for function, names in ((t__some, ["q"]), (t__all, ["q", "other"])):
        wrapped = with_secrets(function, runtime)
        copied = wrapped._per_run_copy()
        copied.process_entrypoint()
        asked = [one.name for one in copied.user_input_schema if one.value is None]
        assert [name for name in asked if name in names or name == "api_key"] == names
        assert "api_key" in [one.name for one in function.user_input_schema]
        assert execution(wrapped, {"q": "a", "other": "b"}).result == "a b lin_api_"


@pytest.mark.parametrize("is_async", [False, True])
def test_e12_values_in_parts(value, runtime, is_async):
    def t__parts(a: str, api_key: str) -> Iterator[str]:
        """Reads."""
        yield f"{a} {api_key[:9]}"
        yield f"{api_key[9:]} end"

    async def t__later(a: str, api_key: str) -> AsyncIterator[str]:
        """Reads."""
        yield f"{a} {api_key[:9]}"
        yield f"{api_key[9:]} end"

    async def joined(parts: AsyncIterator[str]) -> str:
        return "".join([one async for one in parts])

    if is_async:
        result = execution(with_secrets(t__later, runtime), {"a": "x"}, True).result
        assert asyncio.run(joined(result)) == "x [secret:linear] end"
    else:
        result = execution(with_secrets(t__parts, runtime), {"a": "x"}).result
        assert "".join(result) == "x [secret:linear] end"


class Kit(Toolkit):
    def __init__(self) -> None:
        self.base = "one"
        super().__init__(
            name="kit", tools=[self.t__one], async_tools=[(self.t__one_async, "t__one")], instructions="be brief"
        )

    def t__one(self, a: str, api_key: str) -> str:
        """Reads."""
        return f"{self.base} {a} {api_key[:8]}"

    async def t__one_async(self, a: str, api_key: str) -> str:
        """Reads."""
        return f"async {self.base} {a} {api_key[:8]}"


def test_e16_toolkits(value, runtime):
    kit = Kit()
    wrapped = with_secrets(kit, runtime)
    assert isinstance(wrapped, Kit)
    assert wrapped.instructions == "be brief"
    assert execution(wrapped.functions["t__one"], {"a": "x"}).result == "one x lin_api_"
    assert execution(wrapped.async_functions["t__one"], {"a": "x"}, True).result == "async one x lin_api_"
    assert list(wrapped.functions["t__one"].parameters["properties"]) == ["a"]
    kit.functions["t__one"].process_entrypoint()
    assert list(kit.functions["t__one"].parameters["properties"]) == ["a", "api_key"]
    assert list(asyncio.run(with_secrets_async(kit, runtime)).functions) == ["t__one"]
    with pytest.raises(TypeError, match="connect it first"):
        with_secrets(Toolkit(name="empty"), runtime)
    with pytest.raises(TypeError, match="give with_secrets"):
        with_secrets({"type": "web_search"}, runtime)


def test_hooks_and_caches_see_no_value(value, runtime, witness, tmp_path):
    seen: list[Any] = []

    def hook(function_name: str, function_call: Any, arguments: dict[str, Any]) -> Any:
        seen.append((function_name, dict(arguments)))
        return function_call(**arguments)

    @tool(tool_hooks=[hook], cache_results=True, cache_dir=str(tmp_path))
    def t__one(a: str, api_key: str) -> str:
        """Reads."""
        return f"{a} {api_key}"

    wrapped = with_secrets(t__one, runtime)
    assert [execution(wrapped, {"a": "x"}).result for _ in range(2)] == ["x [secret:linear]"] * 2
    assert seen == [("t__one", {"a": "x"})] * 2
    witness.clean("hooks and caches", seen, *(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()))


def test_the_private_names_of_agno_that_this_uses():
    """agno 3.1.10 gives the run's context to wrappers with this parameter, and it never shows it to a model."""
    assert "_agno_run_context" in FunctionCall._build_entrypoint_args.__code__.co_consts
