"""The common part of all frameworks' tools, without a framework: the decorator, schemas and descriptions."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import json
import subprocess
import sys
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from types import SimpleNamespace

import pytest

import toolvault
from linear import ARGUMENT, library_locals, shown
from toolvault import Confidential, SecretNotAvailable, secrets
from toolvault._injection import schema
from toolvault._injection.injector import Subject, Wrapping
from toolvault._injection.plain import plain


def supplied(function, vault, **options):
    """The function with its argument from the vault."""
    return secrets(vault, ARGUMENT, tool_name="get_it", **options)(function)


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
        return supplied(repeat, runtime, redact=redact)()

    assert result() == "[secret:user]"
    vault.secrets.set_policy(made.secret_id, redact=False)
    assert result() == "ada-lovelace"
    assert result(redact=["api_token"]) == "[secret:user]"


@pytest.mark.parametrize(("argument", "named"), [("k", "/k"), ("/k", "k"), ("/req/k", "/req/k")])
def test_what_is_redacted_is_named_by_place(runtime, vault, witness, argument, named):
    """`k` and `/k` are the same place."""
    made = in_req(vault, witness, argument)
    vault.secrets.set_policy(made.secret_id, redact=False)

    def get_in(k: str = "", req: dict[str, str] | None = None) -> str:
        return k or req["k"]

    given = {"req": {}} if argument == "/req/k" else {}
    assert get_in(**runtime.inject("get_in", redact=[named]).args).startswith("lin")
    for hidden_as in {argument, named}:
        wrapped = secrets(runtime, hidden_as, redact=[named])(get_in)
        assert wrapped(**given) == "[secret:inner]"
    assert runtime.inject("get_in", redact=[named]).redact(witness.canaries[-1].value) == "[secret:inner]"


def test_an_argument_names_what_is_in_it(runtime, vault, witness):
    made = in_req(vault, witness, "/req/k")
    vault.secrets.set_policy(made.secret_id, redact=False)
    injected = runtime.inject("get_in", redact=["req"])
    assert injected.redact(witness.canaries[-1].value) == "[secret:inner]"


def test_names_of_nothing_that_the_tool_takes(runtime, key):
    with pytest.raises(ValueError, match="'token' in `redact`"):
        secrets(runtime, "k", redact=["token"])(lambda k: k)
    for options in ({"redact": ["token"]}, {"hide": ["token"]}, {"bindings": {"/token": "secret://linear"}}):
        with pytest.raises(ValueError, match=r"no argument '/?token'"):
            hidden(runtime, {"get_it": described("a", ARGUMENT)}, **options)
    with pytest.raises(ValueError, match="one place"):
        secrets(runtime, bindings={"k": "secret://a", "/k": "secret://b"})(lambda k: k)


def test_two_names_of_one_place_are_one(key, runtime):
    found = hidden(runtime, {"get_it": described("a", ARGUMENT)}, hide=[f"/{ARGUMENT}", ARGUMENT])
    assert [path for _, path, _ in found["get_it"]] == [(ARGUMENT,)]
    by_reference = secrets(runtime, ARGUMENT, bindings={f"/{ARGUMENT}": "secret://linear"}, tool_name="get_it")
    assert by_reference(lambda api_token: api_token)() == "[secret:linear]"


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
    assert merged(supplied(parts, runtime)("x")) == ["xlin"]
    assert merged(asyncio.run(all_parts())) == ["xlin"]
    assert supplied(positional, runtime)(a="x") == expected
    assert supplied(starred, runtime)("x") == expected
    assert supplied(keywords, runtime)(a="x") == expected
    assert supplied(Called(), runtime)("x") == expected
    returning = supplied(lambda a, api_token: asyncio.sleep(0, (a, api_token[:3])), runtime)
    assert asyncio.run(later(returning, "x")) == expected


def test_a_generator_function_that_is_decorated_twice(key, vault, runtime):
    vault.secrets.create("other", "another-value", tool_name="get_parts", tool_arg="other", is_default_for_tool=True)

    @secrets(runtime, ARGUMENT)
    @secrets(runtime, "other")
    def get_parts(a: str, api_token: str = "", other: str = ""):
        yield [a, api_token[:3], other[:3]]

    assert list(get_parts("x")) == [["x", "lin", "ano"]]


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


def hidden(vault, tools, **options):
    """Which places of tools are hidden, by name."""
    made = {}
    subjects = [
        Subject(name, name, described, lambda injector, name=name: made.update({name: injector.places}))
        for name, described in tools.items()
    ]
    Wrapping(subjects, vault, options).now()
    return {name: {(one.text, one.path, one.is_required) for one in places} for name, places in made.items()}


def described(*names, **more):
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": [*names], **more}


def test_which_arguments_are_hidden(key, runtime):
    found = hidden(runtime, {"get_it": described("a", ARGUMENT)})
    assert found == {"get_it": {(ARGUMENT, (ARGUMENT,), True)}}
    assert hidden(runtime, {"other": described("a", ARGUMENT)}) == {}
    optional = {**described("a", ARGUMENT), "required": ["a"]}
    assert hidden(runtime, {"other": optional}, hide=[ARGUMENT]) == {"other": {(ARGUMENT, (ARGUMENT,), False)}}
    with pytest.raises(ValueError, match="no argument 'token'"):
        hidden(runtime, {"get_it": described("a")}, hide=["token"])


def test_an_expired_default_stays_hidden(key, runtime, vault):
    vault.secrets.set_policy(key[1], expires_at=datetime(2020, 1, 1, tzinfo=timezone.utc))
    assert "get_it" in hidden(runtime, {"get_it": described(ARGUMENT)})
    with pytest.raises(toolvault.SecretExpired, match=ARGUMENT):
        supplied(lambda api_token: api_token, runtime)()


def test_the_decorator_hides_it_also_from_the_description(key, runtime):
    @secrets(runtime, ARGUMENT)
    def get_it(a: str, api_token: str) -> str:
        """Gets it.

        Args:
            a: Which.
            api_token: The key.
        """
        return f"{a} {api_token}"

    assert get_it("x") == "x [secret:linear]"
    assert get_it(a="x", api_token="made up") == "x [secret:linear]"
    assert "key" not in get_it.__doc__
    assert "Which." in get_it.__doc__
    with pytest.raises(TypeError, match="name the arguments"):
        secrets(runtime)
    with pytest.raises(ValueError, match="does not take argument 'token'"):
        secrets(runtime, "token")(lambda a: a)


def test_members_of_an_argument(runtime, vault, witness):
    vault.secrets.create("inner", witness.canary("inner"), tool_name="get_in", tool_arg="/req/k", is_default_for_tool=1)

    @secrets(runtime, "/req/k", tool_name="get_in")
    def get_in(req: dict[str, str]) -> list[str]:
        return [req["a"], req["k"][:3]]

    given = {"a": "x", "k": "made up"}
    assert get_in(given) == ["x", "lin"]
    assert given == {"a": "x", "k": "made up"}


@dataclasses.dataclass(frozen=True)
class Req:
    a: str
    k: str
    note: str | None = None


@dataclasses.dataclass
class Around:
    req: Req | None


def in_req(vault, witness, argument="/req/k", **more):
    return vault.secrets.create(
        "inner", witness.canary("inner"), tool_name="get_in", tool_arg=argument, is_default_for_tool=True, **more
    )


def test_members_of_objects(runtime, vault, witness):
    """What a caller put there never precedes the vault."""
    in_req(vault, witness)

    @secrets(runtime, "/req/k", "/req/note", tool_name="get_in")
    def get_in(req: Req, more: str = "") -> list[object]:
        return [type(req), req.a, req.k[:3], req.note]

    given = Req("x", "made up", "made up")
    assert get_in(given) == [Req, "x", "lin", None]
    assert given == Req("x", "made up", "made up")

    @secrets(runtime, "/around/req/k", tool_name="get_out", bindings={"/around/req/k": "secret://deep"})
    def get_out(around: Around) -> list[object]:
        return [type(around.req), around.req.k[:3]]

    vault.secrets.create("deep", witness.canary("deep"))
    assert get_out(Around(given)) == [Req, "lin"]


def test_members_of_objects_without_a_secret(runtime):
    @secrets(runtime, "/req/k", tool_name="get_in")
    def get_in(req: Req | dict[str, str] | None = None) -> object:
        return req

    with pytest.raises(toolvault.SecretMissing, match="/req/k"):
        get_in(Req("x", "made up"))
    assert get_in({"k": "made up", "a": "x"}) == {"a": "x"}
    assert get_in() is None


def test_objects_that_cannot_take_a_member(runtime, vault, witness):
    in_req(vault, witness)

    @secrets(runtime, "/req/k", tool_name="get_in")
    def get_in(req: object = None) -> object:
        raise AssertionError("it was called")

    with pytest.raises(TypeError, match="'k' of a SimpleNamespace, which cannot be replaced"):
        get_in(SimpleNamespace(k="made up"))


def test_members_of_what_keywords_take(runtime, vault, witness):
    made = in_req(vault, witness)

    @secrets(runtime, "/req/k", tool_name="get_in")
    def get_in(**given: dict[str, str]) -> list[str]:
        return [given["req"]["a"], given["req"]["k"][:3]]

    assert get_in(req={"a": "x", "k": "made up"}) == ["x", "lin"]
    vault.secrets.set_policy(made.secret_id, when={"base_url": ["https://api.github.com/*"]})
    with pytest.raises(SecretNotAvailable):
        get_in(req={"a": "x"}, base_url="https://evil.example/")


def merged(parts) -> list:
    """The parts, with texts in a row as one: the cuts depend on the value, because what may begin one is kept back."""
    found = []
    for part in parts:
        if found and isinstance(part, str | bytes) and type(found[-1]) is type(part):
            found[-1] += part
        else:
            found.append(part)
    return found


def test_values_that_come_in_parts_are_redacted(key, runtime):
    """E12: also where a value is split between parts, in all kinds of generators."""

    def parts(api_token: str):
        yield "begin "
        yield api_token[:7]
        yield api_token[7:] + " end"
        yield {"other": api_token}
        yield api_token.encode()[:5]
        yield api_token.encode()[5:]

    async def parts_awaited(api_token: str):
        for part in parts(api_token):
            yield part

    async def collected() -> list:
        return [one async for one in supplied(parts_awaited, runtime)()]

    expected = ["begin [secret:linear] end", {"other": "[secret:linear]"}, b"[secret:linear]"]
    assert merged(supplied(parts, runtime)()) == expected
    assert merged(supplied(lambda api_token: parts(api_token), runtime)()) == expected
    assert merged(asyncio.run(collected())) == expected


def test_a_stream_that_ends_with_an_error(key, runtime, witness):
    def parts(api_token: str):
        yield "a"
        yield api_token[:7]
        raise LookupError(api_token)

    found = []
    with pytest.raises(LookupError) as failure:
        found.extend(supplied(parts, runtime)())
    assert merged(found) == ["a" + key[0][:7]]
    witness.clean("the error", shown(failure.value), library_locals(failure.value))


def test_errors_of_functions_hold_no_value(key, runtime, witness):
    def fails(a: str, api_token: str) -> str:
        try:
            raise LookupError(api_token)
        except LookupError as error:
            raise KeyError(f"{a} {api_token}", {"token": [api_token]}) from error

    def silently(a: str, api_token: str) -> str:
        raise KeyError(a)

    with pytest.raises(KeyError) as failure:
        supplied(fails, runtime)("x")
    assert failure.value.args == ("x [secret:linear]", {"token": ["[secret:linear]"]})
    witness.clean("the error", shown(failure.value), repr(failure.value.__cause__), library_locals(failure.value))
    for function in (fails, silently):
        with pytest.raises(KeyError) as failure:
            supplied(function, runtime)("x")
        trace = failure.value.__traceback__
        while trace is not None:
            # Nothing that a debugger shows of finished functions, and nothing of ours.
            if not trace.tb_frame.f_code.co_name.startswith("test_"):
                witness.clean("locals", repr(trace.tb_frame.f_locals))
            trace = trace.tb_next


REQ = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "k": {"type": "string"}},
    "required": ["a", "k"],
}


def test_schemas():
    one = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "k": {"type": "string"}},
        "required": ["a", "k"],
        "dependentRequired": {"a": ["k"], "k": ["a"]},
        "anyOf": [{"required": ["k"]}, {"properties": {"k": {}, "b": {}}}],
        "examples": [{"k": "x"}],
    }
    assert set(schema.texts(one)) == {"a", "b", "k"}
    assert schema.without(one, [("k",)]) == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "dependentRequired": {"a": []},
        "anyOf": [{"required": []}, {"properties": {"b": {}}}],
    }
    assert one["required"] == ["a", "k"]


@pytest.mark.parametrize("nullable", [False, True])
def test_members_in_definitions(nullable):
    req = {"$ref": "#/$defs/Req"}
    one = {
        "properties": {"req": {"anyOf": [req, {"type": "null"}]} if nullable else req, "n": {"type": "string"}},
        "required": ["req"],
        "$defs": {"Req": REQ},
    }
    assert schema.declares(one, ["req", "k"])
    assert not schema.declares(one, ["req", "other"])
    # An object that is there must have it; nullable only says that there need not be one.
    assert schema.requires(one, ["req", "k"])
    assert schema.requires(one, ["req"]) is not nullable
    either = {**one, "properties": {"req": {"anyOf": [req, {"type": "object", "properties": {"k": {}}}]}}}
    assert not schema.requires(either, ["req", "k"])
    assert schema.is_object(one, ["req"])
    assert not schema.is_object(one, ["n"])
    assert "/req/k" in schema.texts(one)
    reduced = schema.without(one, [("req", "k")])
    assert '"k"' not in json.dumps(reduced)
    assert "$defs" not in reduced
    assert one["$defs"]["Req"] == REQ
    shared = {**one, "properties": {**one["properties"], "other": req}}
    reduced = schema.without(shared, [("req", "k")])
    assert '"k"' not in json.dumps(reduced["properties"])
    assert reduced["$defs"] == {"Req": REQ}


def test_a_schema_that_contains_itself():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "k": {"type": "string"}}}
    one = {"properties": {"node": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    assert "/node/k" in schema.texts(one)
    reduced = schema.without(one, [("node", "k")])
    assert list(reduced["properties"]["node"]["properties"]) == ["next"]
    with pytest.raises(ValueError, match="does not contain"):
        schema.texts({"properties": {"a": {"$ref": "#/$defs/x"}}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Finds.\n\nArgs:\n    a: Which.\n    k: The key,\n        a secret.\n    b: More.", "a: Which.|b: More."),
        ("Finds.\n\nArgs:\n    k (str): The key.\n\nReturns:\n    It.", "Finds.|Returns:|It."),
        ("Finds.\n\nParameters\n----------\na : str\n    Which.\nk : str\n    The key.", "a : str|Which."),
        (
            "Finds.\n\n:param a: Which.\n:param str k: The key.\n:type k: str\n:returns: It.",
            ":param a: Which.|:returns",
        ),
        ("Finds.\n\n- `a`: which\n- `k`: the key", "- `a`: which"),
        ("Finds the key of a lock.", "Finds the key of a lock."),
        ("Finds.\n\nArgs:\n    **k**: The key.", "Finds."),
    ],
)
def test_descriptions(text, expected):
    found = schema.described(text, {"k"})
    for part in expected.split("|"):
        assert part in found
    assert "he key" not in found or "lock" in text
    assert not found.endswith(":")
    assert "Args:\n\n" not in found


def test_arguments_as_json():
    class Colour(Enum):
        RED = "red"

    assert plain({"a": (1, 2.5, None), 3: Colour.RED, "p": Path("/x")}) == {"a": [1, 2.5, None], "3": "red", "p": "/x"}
