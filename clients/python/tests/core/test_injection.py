"""The common part of all frameworks' tools, without a framework."""

from __future__ import annotations

import asyncio
import functools
import inspect
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

import toolvault
from linear import ARGUMENT
from toolvault import Confidential, SecretNotAvailable
from toolvault._injection import schema
from toolvault._injection.function import injected
from toolvault._injection.injector import Injector
from toolvault._injection.plain import plain
from toolvault._injection.redaction import Redaction

VALUE = 'a "value" with ü/&\\ in it'


def supplied(function, vault, **options):
    """The function with its argument from the vault."""
    return injected(function, Injector(vault, "get_it", {"a", "base_url", ARGUMENT}, [ARGUMENT], None, None), **options)


def test_nothing_of_a_framework_is_imported():
    code = (
        "import sys, toolvault\n"
        "print([one for one in ('langchain', 'langchain_core', 'agents', 'pydantic_ai', 'agno', 'iointel', 'pydantic')"
        " if one in sys.modules])"
    )
    path = str(Path(toolvault.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.strip() == "[]"


def test_the_policy_of_a_secret_says_whether_results_are_redacted(vault, runtime):
    made = vault.secrets.create(
        "user", "ada-lovelace", tool_name="get_it", tool_arg="api_token", is_default_for_tool=True
    )

    def repeat(api_token: str) -> str:
        return api_token

    def result(redact=None):
        return injected(repeat, Injector(runtime, "get_it", {"api_token"}, ["api_token"], None, redact))()

    assert result() == "[secret:user]"
    vault.secrets.set_policy(made.secret_id, redact=False)
    assert result() == "ada-lovelace"
    assert result(redact=["api_token"]) == "[secret:user]"


async def later(function, *args):
    return await function(*args)


def test_all_kinds_of_functions(key, runtime):
    def plainly(a: str, api_token: str) -> tuple[str, str]:
        return a, api_token[:3]

    async def awaited(a: str, api_token: str) -> tuple[str, str]:
        return a, api_token[:3]

    def parts(a: str, api_token: str):
        yield a
        yield api_token[:3]

    async def parts_awaited(a: str, api_token: str):
        yield a
        yield api_token[:3]

    def positional(api_token: str, /, a: str) -> tuple[str, str]:
        return a, api_token[:3]

    def starred(api_token: str, *a: str) -> tuple[str, ...]:
        return (*a, api_token[:3])

    def keywords(**given: str) -> tuple[str, str]:
        return given["a"], given["api_token"][:3]

    class Called:
        def __call__(self, a: str, api_token: str) -> tuple[str, str]:
            return a, api_token[:3]

    async def all_parts() -> tuple[str, ...]:
        return tuple([one async for one in supplied(parts_awaited, runtime)("x")])

    expected = ("x", "lin")
    assert supplied(plainly, runtime)("x") == expected
    assert supplied(functools.partial(plainly, "x"), runtime)() == expected
    assert asyncio.run(supplied(awaited, runtime)(a="x")) == expected
    assert tuple(supplied(parts, runtime)("x")) == expected
    assert asyncio.run(all_parts()) == expected
    assert supplied(positional, runtime)(a="x") == expected
    assert supplied(starred, runtime)("x") == expected
    assert supplied(keywords, runtime)(a="x") == expected
    assert supplied(Called(), runtime)("x") == expected
    returning = supplied(lambda a, api_token: asyncio.sleep(0, (a, api_token[:3])), runtime)
    assert asyncio.run(later(returning, "x")) == expected


def test_the_value_as_the_function_wants_it(key, runtime):
    def covered(a: str, api_token: Confidential) -> bool:
        return api_token == Confidential(key[0])

    assert supplied(covered, runtime)("x") is True


def test_what_a_framework_sees_of_the_function(key, runtime):
    def function(a: int, api_token: str, base_url: str = "x") -> list[str]:
        """Says."""
        return []

    seen = supplied(function, runtime)
    assert str(inspect.signature(seen)) == "(a: int, base_url: str = 'x') -> list[str]"
    assert seen.__annotations__ == {"a": int, "base_url": str, "return": list[str]}
    assert (seen.__name__, seen.__doc__) == ("function", "Says.")
    assert not hasattr(seen, "__wrapped__")
    assert key[0] not in repr(seen.__closure__)


def test_a_policy_sees_the_companion_arguments(key, runtime, vault):
    vault.secrets.set_policy(key[1], when={"base_url": ["https://api.github.com/*"]})

    class Address:
        def __init__(self, text: str) -> None:
            self.text = text

        def __str__(self) -> str:
            return self.text

    def function(a: str, base_url: object, api_token: str) -> str:
        return "called"

    call = supplied(function, runtime)
    assert call("x", "https://api.github.com/repos") == "called"
    assert call("x", Address("https://api.github.com/repos")) == "called"
    for elsewhere in ("https://evil.example/", Address("https://evil.example/"), ["https://api.github.com/"], object()):
        with pytest.raises(SecretNotAvailable):
            call("x", elsewhere)


def test_which_arguments_are_hidden_is_asked_once_in_a_while(key, runtime, monkeypatch):
    asked = []
    run = runtime._sender.run
    monkeypatch.setattr(runtime._sender, "run", lambda operation: asked.append(operation.path) or run(operation))
    for _ in range(3):
        assert Injector(runtime, "get_it", {"a", ARGUMENT}, None, None, None).hidden == {ARGUMENT}
    assert Injector(runtime, "other", {"a", ARGUMENT}, None, None, None).hidden == set()
    assert asked == ["/v1/tools/get_it/explain", "/v1/tools/other/explain"]


def test_an_expired_default_stays_hidden(key, runtime, vault):
    from datetime import datetime, timezone

    vault.secrets.set_policy(key[1], expires_at=datetime(2020, 1, 1, tzinfo=timezone.utc))
    injector = Injector(runtime, "get_it", {ARGUMENT}, None, None, None)
    assert injector.hidden == {ARGUMENT}
    with pytest.raises(toolvault.SecretExpired, match=ARGUMENT):
        injector.supply({})


def test_forms_of_a_value_are_found():
    import base64
    import html
    import json
    from urllib.parse import quote

    redaction = Redaction([("s", Confidential(VALUE))])
    raw = VALUE.encode()
    forms = [VALUE, json.dumps(VALUE), json.dumps(VALUE, ensure_ascii=False), quote(VALUE), quote(VALUE, safe="")]
    forms += [html.escape(VALUE), repr(VALUE), raw.hex(), raw.hex().upper()]
    forms += [base64.b64encode(b"user:"[:n] + raw + b"tail"[:m]).decode() for n in range(4) for m in range(4)]
    forms += [base64.urlsafe_b64encode(raw).decode()]
    for form in forms:
        cleaned = redaction.text(f"<{form}>")
        assert "[secret:s]" in cleaned, form
        assert "value" not in cleaned
    assert redaction.result({"a": ("x", [VALUE], raw), VALUE: 1}) == {
        "a": ("x", ["[secret:s]"], b"[secret:s]"),
        "[secret:s]": 1,
    }
    untouched = {"a": [1, None, "text"]}
    assert redaction.result(untouched) == untouched
    assert Redaction([("s", Confidential("short"))]).text("short") == "short"


def test_objects_that_show_a_value_become_text():
    class Shows:
        def __str__(self) -> str:
            return f"<{VALUE}>"

    redaction = Redaction([("s", Confidential(VALUE))])
    assert redaction.result(Shows()) == "<[secret:s]>"
    assert redaction.result([Shows()]) == ["<[secret:s]>"]
    silent = object()
    assert redaction.result(silent) is silent


def test_only_named_arguments_are_looked_for(key, runtime):
    injector = Injector(runtime, "get_it", {ARGUMENT}, [ARGUMENT], None, [])
    assert injected(lambda api_token: api_token, injector)() == key[0]


def test_schemas():
    described = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "k": {"type": "string"}},
        "required": ["a", "k"],
        "dependentRequired": {"a": ["k"], "k": ["a"]},
        "anyOf": [{"required": ["k"]}, {"properties": {"k": {}, "b": {}}}],
        "examples": [{"k": "x"}],
    }
    assert schema.declared(described) == {"a", "b", "k"}
    assert schema.without(described, {"k"}) == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "dependentRequired": {"a": []},
        "anyOf": [{"required": []}, {"properties": {"b": {}}}],
    }
    assert described["required"] == ["a", "k"]
    with pytest.raises(ValueError, match="reference"):
        schema.without({"$ref": "#/$defs/x"}, {"k"})


def test_arguments_as_json():
    class Colour(Enum):
        RED = "red"

    assert plain({"a": (1, 2.5, None), 3: Colour.RED, "p": Path("/x")}) == {"a": [1, 2.5, None], "3": "red", "p": "/x"}
