"""A fake Linear and a fake model on loopback, and tool objects as iointel creates them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[4] / "examples" / "python" / "iointel"
sys.path += [str(EXAMPLE), str(Path(__file__).parent)]

import agno.tools.linear  # noqa: E402
import fakes  # noqa: E402
import iointel.src.agent_methods.tools.agno.linear  # noqa: E402, F401
import notes  # noqa: E402, F401
import requests  # noqa: E402
from iointel.src.agent_methods.agents.tool_factory import resolve_tools  # noqa: E402

from toolvault.iointel import instantiate_tool  # noqa: E402


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> Iterator[fakes.Linear]:
    """The server that iointel's Linear calls."""
    running = fakes.Linear()
    with fakes.answering(running.answer, "application/json") as url:

        class Requests:
            exceptions = requests.exceptions

            @staticmethod
            def post(_: str, **rest: Any) -> requests.Response:
                return requests.post(url, timeout=10, **rest)

        monkeypatch.setattr(agno.tools.linear, "requests", Requests)
        yield running


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[fakes.Model]:
    """The model that agents call. The test sets its script."""
    from iointel.src.utilities import constants

    running = fakes.Model()
    with fakes.answering(running.answer, "text/event-stream") as url:
        monkeypatch.setenv("IO_API_BASE_URL", f"{url}/v1")
        monkeypatch.setenv("IO_API_KEY", "none")
        for one in (constants.get_api_url, constants.get_api_key):
            one.cache_clear()
        yield running
    for one in (constants.get_api_url, constants.get_api_key):
        one.cache_clear()


@pytest.fixture
def made(runtime) -> Callable[..., Any]:
    """The object behind a tool, created with arguments as in a file."""

    def make(
        tool: str, arguments: dict[str, Any] | None = None, *, vault: Any = runtime, keep_seconds: float = 0
    ) -> Any:
        hook = instantiate_tool(vault, keep_seconds=keep_seconds)
        wanted: list[Any] = [tool if arguments is None else (tool, arguments)]
        (resolved,) = asyncio.run(resolve_tools(wanted, tool_instantiator=hook))
        return Held(resolved)

    return make


class Held:
    """A tool of iointel, and the object whose method it is."""

    def __init__(self, tool: Any) -> None:
        self.tool = tool
        self.object = tool._load_fn_self()

    def __call__(self, **arguments: Any) -> Any:
        return self.tool.get_wrapped_fn()(**arguments)
