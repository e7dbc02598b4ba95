"""What each adapter keeps of a tool, whoever made it: the same tests in each framework (TOOLVAULT_FRAMEWORK)."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Annotated, Any

import httpx
import pytest
from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, RootModel, SecretStr
from typing_extensions import TypedDict

from harness import FRAMEWORK, Failed, call, harness, seen, tool, with_secrets, with_secrets_async
from linear import library_locals, shown
from toolvault import AsyncToolvault, Toolvault, ToolvaultError, secrets

KEY = "api_key"


@pytest.fixture
def value(vault, witness):
    """The value of a default for `api_key` of tools named t__…"""
    made = witness.canary("key")
    vault.secrets.create("linear", made, tool_name="t__*", tool_arg=KEY, is_default_for_tool=True)
    return made


@pytest.fixture
def pointed(vault, witness):
    """The value of a default for `api_key` inside the argument `req` of tools named p__…"""
    made = witness.canary("inner key")
    vault.secrets.create("inner", made, tool_name="p__*", tool_arg="/req/api_key", is_default_for_tool=True)
    return made


def properties(one: Any) -> list[str]:
    return list(seen(one)["parameters"]["properties"])


def refused(one: Any, args: dict[str, Any]) -> str:
    """The text of the error of a call, and of what caused it."""
    with pytest.raises(Exception) as failure:
        call(one, args)
    return shown(failure.value)


RAN: list[int] = []


def hundred(amount: int) -> int:
    RAN.append(amount)
    return int(amount) * 100


def inside(path: str) -> str:
    if ".." in path:
        raise ValueError("outside")
    return path


def test_e1_validators_of_the_other_arguments_run_once(value, runtime):
    RAN.clear()

    def t__pay(usd: Annotated[int, BeforeValidator(hundred)], api_key: str) -> str:
        """Pays."""
        return f"{usd} {api_key[:8]}"

    assert call(with_secrets(tool(t__pay), runtime), {"usd": 5}) == "500 lin_api_"
    assert RAN == [5]


def test_e2_guards_stay(value, runtime, witness):
    called: list[str] = []

    def t__read(path: Annotated[str, AfterValidator(inside)], api_key: str) -> str:
        """Reads."""
        called.append(path)
        return "read"

    wrapped = with_secrets(tool(t__read), runtime)
    words = refused(wrapped, {"path": "../etc"})
    assert "outside" in words or FRAMEWORK == "openai_agents"
    assert called == []
    assert call(wrapped, {"path": "etc"}) == "read"
    witness.clean("the refusal", words)


def test_e2_the_hidden_argument_is_validated_too(value, runtime, witness):
    def t__typed(a: str, api_key: SecretStr) -> str:
        """Reads."""
        return f"{a} {type(api_key).__name__} {api_key.get_secret_value()[:8]}"

    def t__number(a: str, api_key: int) -> str:
        """Reads."""
        raise AssertionError("it was called")

    assert call(with_secrets(tool(t__typed), runtime), {"a": "x"}) == "x SecretStr lin_api_"
    words = refused(with_secrets(tool(t__number), runtime), {"a": "x"})
    witness.clean("the refusal", words)
    assert "it was called" not in words
    # pydantic shortens inputs in its messages.
    assert value[:9] not in words
    assert value[-9:] not in words


class Refused(httpx.HTTPStatusError):
    """A type that a middleware retries."""


def test_e7_errors_keep_their_type(value, runtime, witness):
    errors: list[BaseException] = []

    def t__get(a: str, api_key: str) -> str:
        """Gets."""
        request = httpx.Request("GET", f"http://127.0.0.1/?key={api_key}", headers={"x-key": api_key})
        try:
            try:
                raise LookupError(api_key)
            except LookupError as error:
                raise Refused(f"401 for {request.url}", request=request, response=httpx.Response(401)) from error
        except Refused as error:
            errors.append(error)
            raise

    wrapped = with_secrets(tool(t__get), runtime)
    with pytest.raises(Exception) as failure:
        call(wrapped, {"a": "x"})
    if FRAMEWORK != "agno":
        error = failure.value
        assert type(error) is Refused
        assert error.response.status_code == 401
        assert "key=[secret:linear]" in str(error.request.url) or "%5Bsecret" in str(error.request.url)
    witness.clean("the error", shown(failure.value), repr(vars(errors[0])), library_locals(failure.value))
    witness.clean("what caused it", shown(errors[0]), repr(errors[0].__cause__), repr(errors[0].__context__))
    witness.clean_logs()


class Req(BaseModel):
    """What to do."""

    model_config = ConfigDict(extra="forbid")

    a: int
    api_key: str = Field(description="The key.")


class Own(BaseModel):
    api_key: str


def test_e9_a_member_of_a_model_is_hidden_and_supplied(pointed, runtime, witness):
    def p__do(req: Req) -> str:
        """Does it."""
        return f"{type(req).__name__} {req.a} {req.api_key[:8]} {sorted(req.model_fields_set)}"

    wrapped = with_secrets(tool(p__do), runtime)
    described = json.dumps(seen(wrapped))
    assert KEY not in described
    assert '"a"' in described
    said = {"a": 1} if FRAMEWORK == "pydantic_ai" else {"req": {"a": 1}}
    expected = "Req 1 lin_api_ ['a', 'api_key']"
    assert call(wrapped, said) == expected
    made_up = {"a": 1, KEY: "made up"} if FRAMEWORK == "pydantic_ai" else {"req": {"a": 1, KEY: "made up"}}
    assert call(wrapped, made_up) == expected
    assert "a" in refused(wrapped, {"a": "x"} if FRAMEWORK == "pydantic_ai" else {"req": {"a": "x"}})
    assert KEY in json.dumps(seen(tool(p__do)))


def test_e9_beside_other_arguments(pointed, runtime):
    def p__do(req: Req, note: str, other: Req | None = None) -> str:
        """Does it."""
        return f"{note} {req.api_key[:8]} {other and other.api_key}"

    wrapped = with_secrets(tool(p__do), runtime)
    parameters = seen(wrapped)["parameters"]
    assert KEY not in json.dumps(parameters["properties"]["req"])
    both = {"req": {"a": 1}, "note": "n", "other": {"a": 2, "api_key": "its own"}}
    assert call(wrapped, both) == "n lin_api_ its own"


@dataclasses.dataclass
class Held:
    a: int
    api_key: str


class Keyed(TypedDict):
    a: int
    api_key: str


class Both(BaseModel):
    req: Req
    held: Held
    keyed: Keyed
    covered: Annotated[SecretStr, Field(alias="apiKey")]
    rooted: RootModel[Req]
    many: list[Own]


PLACES = ("/both/req/api_key", "/both/held/api_key", "/both/keyed/api_key", "/both/apiKey", "/both/rooted/api_key")


def made_up() -> dict[str, Any]:
    inner = {"a": 1, KEY: "made up"}
    objects = {name: {**inner} for name in ("req", "held", "keyed", "rooted")}
    return {**objects, "apiKey": "made up", "many": [{KEY: "its own"}]}


@pytest.mark.parametrize("is_decorated", [False, True])
def test_e9_members_of_all_kinds_of_objects(vault, runtime, witness, is_decorated):
    """What a model makes up never precedes the vault, also where the framework has made objects of it."""
    for number, place in enumerate(PLACES):
        value = witness.canary(f"key {number}")
        vault.secrets.create(str(number), value, tool_name="q__*", tool_arg=place, is_default_for_tool=True)

    def q__do(both: Both, note: str) -> str:
        """Does it."""
        keys = [both.req.api_key, both.held.api_key, both.keyed[KEY], both.covered.get_secret_value()]
        keys += [both.rooted.root.api_key]
        kinds = [type(one).__name__ for one in (both.req, both.held, both.keyed, both.covered)]
        return f"{[key[:8] for key in keys]} {kinds} {both.many[0].api_key}"

    one = tool(secrets(runtime, *PLACES)(q__do)) if is_decorated else with_secrets(tool(q__do), runtime)
    if not is_decorated:
        assert "apiKey" not in json.dumps(seen(one))
    assert call(one, {"both": made_up(), "note": "n"}) == (
        f"{['lin_api_'] * 5} ['Req', 'Held', 'dict', 'SecretStr'] its own"
    )


def test_e9_a_member_without_its_secret(runtime):
    def p__do(note: str, req: Req | None = None) -> str:
        """Does it."""
        raise AssertionError("it was called")

    with pytest.raises((ToolvaultError, Failed), match="'/req/api_key' of tool 'p__do' is required"):
        call(with_secrets(tool(p__do), runtime, hide=["/req/api_key"]), {"req": {"a": 1, KEY: "made up"}, "note": "n"})


def test_e11_descriptions_do_not_name_it(value, runtime):
    def t__find(a: str, api_key: str) -> str:
        """Finds an issue.

        Args:
            a: Which one.
            api_key: Linear key, from
                the settings page.
        """
        return a

    wrapped = with_secrets(tool(t__find), runtime)
    assert KEY not in json.dumps(seen(wrapped))
    assert "Linear key" not in json.dumps(seen(wrapped))
    assert "Finds an issue." in seen(wrapped)["description"]
    assert "Which one." in json.dumps(seen(wrapped))


def test_e14_what_a_model_makes_up_is_dropped(value, runtime):
    def t__find(a: str, api_key: str) -> str:
        """Finds."""
        return f"{a} {api_key[:8]}"

    assert call(with_secrets(tool(t__find), runtime), {"a": "x", KEY: "made up"}) == "x lin_api_"


def test_e15_an_argument_with_a_member_of_the_same_name(value, runtime):
    def t__do(req: Own, api_key: str) -> str:
        """Does it."""
        return f"{req.api_key} {api_key[:8]}"

    wrapped = with_secrets(tool(t__do), runtime)
    assert properties(wrapped) == ["req"]
    assert call(wrapped, {"req": {"api_key": "its own"}}) == "its own lin_api_"


def test_e19_json_text_for_an_object(value, pointed, runtime):
    def t__do(options: dict[str, Any], api_key: str) -> str:
        """Does it."""
        return f"{options} {api_key[:8]}"

    def p__do(req: Req, note: str) -> str:
        """Does it."""
        return f"{req.a} {req.api_key[:8]}"

    assert call(with_secrets(tool(t__do), runtime), {"options": '{"b": 1}'}) == "{'b': 1} lin_api_"
    assert call(with_secrets(tool(p__do), runtime), {"req": '{"a": 1}', "note": "n"}) == "1 lin_api_"


def test_e19_an_optional_key_without_a_secret_is_left_out(runtime, vault, witness):
    def t__find(a: str, api_key: str | None = None) -> str:
        """Finds."""
        return f"{a} {api_key and api_key[:8]}"

    wrapped = with_secrets(tool(t__find), runtime, hide=[KEY])
    assert properties(wrapped) == ["a"]
    assert call(wrapped, {"a": "x", KEY: "made up"}) == "x None"
    vault.secrets.create("late", witness.canary("late"), tool_name="t__*", tool_arg=KEY, is_default_for_tool=True)
    assert call(wrapped, {"a": "x"}) == "x lin_api_"


def test_a_key_that_must_be_there(runtime):
    def t__find(a: str, api_key: str) -> str:
        """Finds."""
        raise AssertionError("it was called")

    with pytest.raises((ToolvaultError, Failed), match="Argument 'api_key' of tool 't__find' is required"):
        call(with_secrets(tool(t__find), runtime, hide=[KEY]), {"a": "x"})


def test_e20_several_tools_at_once(value, runtime, monkeypatch):
    def t__one(a: str, api_key: str) -> str:
        """Finds."""
        return f"one {api_key[:8]}"

    def t__two(a: str, api_key: str) -> str:
        """Finds."""
        return f"two {api_key[:8]}"

    def other(a: str, api_key: str) -> str:
        """Finds."""
        return f"other {api_key}"

    one, two, third = with_secrets([tool(t__one), t__two, tool(other)], runtime)
    assert [properties(each) for each in (one, two, third)] == [["a"], ["a"], ["a", KEY]]
    assert [call(one, {"a": "x"}), call(two, {"a": "x"})] == ["one lin_api_", "two lin_api_"]
    renamed = with_secrets([tool(other)], runtime, tool_name=lambda name: f"t__{name}")
    assert call(renamed[0], {"a": "x"}) == "other [secret:linear]"
    with pytest.raises(TypeError, match="several tools cannot have one tool_name"):
        with_secrets([tool(other), tool(t__one)], runtime, tool_name="t__one")


def test_e13_without_blocking_the_loop(value, server, vault):
    def t__find(a: str, api_key: str) -> str:
        """Finds."""
        return f"{a} {api_key[:8]}"

    async def calls() -> list[Any]:
        key = vault.keys.create(scopes=["resolve"]).key
        async with AsyncToolvault(server.environment["TOOLVAULT_URL"], key) as client:
            wrapped = await with_secrets_async(tool(t__find), client)
            return await asyncio.gather(*(harness.call(wrapped, {"a": str(n)}) for n in range(5)))

    assert asyncio.run(calls()) == [f"{n} lin_api_" for n in range(5)]


def test_e6_a_client_for_event_loops_in_several_loops(value, server, vault):
    def t__find(a: str, api_key: str) -> str:
        """Finds."""
        return f"{a} {api_key[:8]}"

    client = AsyncToolvault(server.environment["TOOLVAULT_URL"], vault.keys.create(scopes=["resolve"]).key)
    wrapped = with_secrets(tool(t__find), client)
    assert [call(wrapped, {"a": str(n)}) for n in range(3)] == [f"{n} lin_api_" for n in range(3)]


def test_e10_a_default_that_the_same_client_makes(vault, witness):
    def t__find(a: str, api_key: str) -> str:
        """Finds."""
        return f"{a} {api_key[:8]}"

    assert properties(with_secrets(tool(t__find), vault)) == ["a", KEY]
    vault.secrets.create("new", witness.canary("new"), tool_name="t__*", tool_arg=KEY, is_default_for_tool=True)
    assert properties(with_secrets(tool(t__find), vault)) == ["a"]


def test_e16_what_is_no_tool(runtime):
    with pytest.raises((TypeError, AttributeError), match=r"with_secrets|function"):
        with_secrets(object(), runtime)


def test_users_of_one_process(server, vault, operator_key, witness):
    async def key_for_all() -> str:
        done = await server.command(
            "key", "create", "--user", "default", "--scope", "resolve", "--any-user", "--expires", "1d", "--json"
        )
        return json.loads(done.stdout)["key"]

    own, key = vault.me().user_id, asyncio.run(key_for_all())
    witness.watch("key for all", key)
    vault.secrets.create("mine", witness.canary("mine"), tool_name="t__*", tool_arg=KEY, is_default_for_tool=True)
    other = vault.users.create("other").user_id

    def t__who(a: str, api_key: str) -> str:
        """Finds."""
        return f"{a} {api_key[:8]}"

    platform = Toolvault(server.environment["TOOLVAULT_URL"], key)
    run_user = __import__(f"toolvault.{FRAMEWORK}", fromlist=["run_user"]).run_user
    try:
        by_run = with_secrets(tool(t__who), platform, hide=[KEY], user=run_user)
        assert call(by_run, {"a": "x"}, user=own) == "x lin_api_"
        assert "api_key" in refused_for(by_run, other)
        assert "found none" in refused_for(by_run, None)
        by_id = with_secrets(tool(t__who), platform, user=own)
        assert properties(by_id) == ["a"]
        assert call(by_id, {"a": "x"}, user=other) == "x lin_api_"
        by_context = with_secrets(tool(t__who), platform, hide=[KEY])
        with platform.acting_for(own):
            assert call(by_context, {"a": "x"}) == "x lin_api_"
        with platform.acting_for(other):
            assert "api_key" in refused(by_context, {"a": "x"})
        with pytest.raises(ValueError, match="`hide`"):
            with_secrets(tool(t__who), platform, user=run_user)
    finally:
        platform.close()
        vault.users.delete(other)


def refused_for(one: Any, user: str | None) -> str:
    with pytest.raises(Exception) as failure:
        call(one, {"a": "x"}, user)
    return shown(failure.value)


class Named(BaseModel):
    """Its fields are given by several names. A name that is given beside the right one is refused."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")
    aliased: Annotated[str, Field(alias="apiKey")] = "none"
    chosen: Annotated[str, Field(validation_alias=AliasChoices("chosenKey", "chosen_key"))] = "none"
    inner: Annotated[Req | None, Field(alias="innerPart")] = None


@pytest.mark.parametrize("names", [("apiKey", "chosenKey", "innerPart"), ("aliased", "chosen_key", "inner")])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_field_that_is_given_by_several_names(vault, runtime, witness, names, is_there):
    """What a model makes up under any of them is dropped."""
    hidden = ["/named/apiKey", "/named/chosenKey", "/named/innerPart/api_key"]
    for place in hidden if is_there else hidden[2:]:
        value = witness.canary(place)
        vault.secrets.create(place, value, tool_name="n__*", tool_arg=place, is_default_for_tool=True)

    def n__do(named: Named, note: str) -> str:
        """Does it."""
        return " ".join(key[:8] for key in (named.aliased, named.chosen, named.inner.api_key)) + f" {named.inner.a}"

    wrapped = with_secrets(tool(n__do), runtime, hide=hidden)
    first, second, third = names
    given = {first: "made up", second: "made up", third: {"a": 1, KEY: "made up"}}
    expected = " ".join(["lin_api_"] * 3 if is_there else ["none", "none", "lin_api_"]) + " 1"
    assert call(wrapped, {"named": given, "note": "n"}) == expected


def test_a_decorated_coroutine_function_is_a_tool(value, runtime):
    @secrets(runtime, KEY)
    async def t__find(a: str, api_key: str = "") -> str:
        """Finds it."""
        return f"{a} {api_key[:8]}"

    made = tool(t__find)
    assert "Finds it." in seen(made)["description"]
    assert KEY not in json.dumps(seen(made)["parameters"])
    assert call(made, {"a": "x"}) == "x lin_api_"
