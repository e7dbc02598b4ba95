"""What a tool's constructor receives, from where, and when."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import notes
import pytest
from iointel.src.agent_methods.agents.tool_factory import resolve_single_tool, resolve_tools
from iointel.src.utilities.registries import STATEFUL_TOOL_DEFAULTS

from linear import shown
from toolvault import (
    AsyncToolvault,
    Explanation,
    Forbidden,
    SecretAmbiguous,
    SecretExpired,
    SecretMissing,
    SecretNotAvailable,
    Toolvault,
    ToolvaultError,
    Unavailable,
)
from toolvault.iointel import instantiate_tool


def store(vault, name, value, tool="notes__*", arg="token", *, default=True):
    return vault.secrets.create(name, value, tool_name=tool, tool_arg=arg, is_default_for_tool=default)


@pytest.mark.parametrize("arg", ["token", "/token"])
def test_a_default_goes_to_the_constructor(vault, made, provider, witness, arg):
    value = witness.canary("default")
    store(vault, "notes", value, arg=arg)
    assert made("notes__read", {"url": provider.url})(note="n1") == "issue n1: open"
    assert provider.received == [value]


def test_a_reference_goes_where_it_stands_and_wins_over_the_default(vault, made, witness):
    default, named = witness.canary("default"), witness.canary("named")
    store(vault, "notes", default)
    other = store(vault, "other", named, default=False)
    for reference in ("secret://other", f"secret:///id/{other.secret_id}"):
        assert made("notes__read", {"token": reference}).object.token == named
    assert made("notes__read").object.token == default


def test_what_was_given_wins_over_the_default_and_null_was_not_given(vault, made, witness):
    value = witness.canary("default")
    store(vault, "notes", value)
    assert made("notes__read", {"token": "as given here"}).object.token == "as given here"
    assert made("notes__read", {"token": None}).object.token == value


def test_a_secret_that_is_not_granted_to_tool_and_argument_is_refused(vault, made, witness):
    store(vault, "elsewhere", witness.canary("other tool"), tool="agno__*", default=False)
    store(vault, "argument", witness.canary("other argument"), arg="password", default=False)
    for name in ("elsewhere", "argument", "nobody"):
        with pytest.raises(SecretNotAvailable) as caught:
            made("notes__read", {"token": f"secret://{name}"})
        assert (caught.value.argument, caught.value.tool) == ("token", "notes__read")


def test_what_is_wrong_is_told_before_a_tool_is_made(vault, made, witness):
    with pytest.raises(SecretMissing) as caught:
        made("notes__read")
    assert caught.value.argument == "token"
    assert "toolvault explain 'notes__read'" in str(caught.value)
    old = store(vault, "notes", witness.canary("old"))
    vault.secrets.set_policy(old.secret_id, expires_at=datetime(2020, 1, 1, tzinfo=timezone.utc))
    with pytest.raises(SecretExpired) as caught:
        made("notes__read")
    assert caught.value.argument == "token"
    for _ in range(2):
        store(vault, "twin", witness.canary("twin"), default=False)
    with pytest.raises(SecretAmbiguous):
        made("notes__read", {"token": "secret://twin"})


def test_secrets_that_change_without_end(vault, made, runtime, witness, monkeypatch):
    """An explanation that contradicts what is resolved is asked for again, but only once."""
    store(vault, "notes", witness.canary("value"))
    asked = []

    def explain_many(calls):
        asked.append(calls)
        return [Explanation("notes__read", False, ())]

    monkeypatch.setattr(runtime, "explain_many", explain_many)
    with pytest.raises(ToolvaultError, match="the tool notes__read change while it is created"):
        made("notes__read")
    assert len(asked) == 2


def test_references_stand_for_whole_arguments_that_exist(made):
    with pytest.raises(ToolvaultError, match="notes__read has no argument 'nothing'"):
        made("notes__read", {"token": "given here", "nothing": "secret://x"})
    with pytest.raises(ToolvaultError, match="in 'url' is a reference"):
        made("notes__read", {"token": "given here", "url": ["secret://x"]})


def test_a_tool_without_secrets_is_what_iointel_makes(made):
    held = made("notes__read", {"token": "given here"})
    assert type(held.object).__module__ == "notes"
    assert made("raw__show")() == "from elsewhere"


def test_iointels_own_defaults_count_as_given(vault, made, witness, monkeypatch):
    value = witness.canary("named")
    store(vault, "notes", value, default=False)
    monkeypatch.setitem(STATEFUL_TOOL_DEFAULTS, "notes__read", {"token": "secret://notes", "url": "http://x"})
    held = made("notes__read", {"url": "http://y"})
    assert (held.object.token, held.object.url) == (value, "http://y")


def test_a_new_value_is_picked_up(vault, made, linear, witness):
    first, second = witness.canary("first"), witness.canary("second")
    secret = store(vault, "linear", first, tool="agno__linear__*", arg="api_token")
    tool, slow = made("agno__linear__get_user_details"), made("agno__linear__get_user_details", keep_seconds=3600)
    tool(), slow()
    vault.secrets.update(secret.secret_id, secret_value=second)
    tool(), slow()
    assert linear.received == [first, first, second, first]


def test_another_default_is_picked_up_and_the_end_of_all_is_an_error(vault, made, witness):
    broad, narrow = witness.canary("broad"), witness.canary("narrow")
    secrets = [store(vault, "broad", broad)]
    held = made("notes__read")
    assert held.object.token == broad
    secrets.append(store(vault, "narrow", narrow, tool="notes__read"))
    assert held.object.token == narrow
    for one in secrets:
        vault.secrets.delete(one.secret_id)
    with pytest.raises(SecretMissing) as caught:
        _ = held.object.token
    assert caught.value.argument == "token"


def test_conditions_of_a_policy_hold_at_every_read(vault, made, witness):
    value = witness.canary("bound to a host")
    secret = store(vault, "notes", value)
    vault.secrets.set_policy(secret.secret_id, when={"url": ("https://notes.example/*",)})
    with pytest.raises(SecretNotAvailable):
        made("notes__read", {"url": "https://evil.example/"})
    held = made("notes__read", {"url": "https://notes.example/api"})
    assert held.object.token == value
    held.object.url = "https://evil.example/"
    with pytest.raises(SecretNotAvailable):
        _ = held.object.token


def test_what_the_constructor_makes_of_a_value_is_made_of_the_value(vault, made, witness):
    value, other = witness.canary("value"), witness.canary("other")
    secret = store(vault, "prepared", value, tool="prepared__*")
    store(vault, "raw", value, tool="raw__*", arg="api_key")
    held = made("prepared__show")
    mark = "[secret:prepared]"
    assert held() == [mark, f"Bearer {mark}", "1"]
    assert held() == [mark, f"Bearer {mark}", "2"]
    assert held.object.header == f"Bearer {value}"
    vault.secrets.update(secret.secret_id, secret_value=other)
    assert held() == [mark, f"Bearer {mark}", "1"]
    assert held.object.header == f"Bearer {other}"
    assert made("raw__show").object._client.key == value


def test_what_ends_with_an_object_is_ended_once_and_only_if_it_began(vault, made, witness):
    value = witness.canary("value")
    store(vault, "prepared", value, tool="prepared__*")
    gc.collect()
    del notes.ENDED[:]
    made("prepared__show")
    gc.collect()
    assert notes.ENDED == []
    made("prepared__show")()
    gc.collect()
    assert [value] == notes.ENDED


def test_a_key_that_may_not_fetch_values_is_told_at_once(vault, made, server, witness):
    store(vault, "notes", witness.canary("value"))
    key = vault.keys.create(scopes=["manage"], name="no runtime").key
    with Toolvault(server.environment["TOOLVAULT_URL"], key) as other, pytest.raises(Forbidden, match="'resolve'"):
        made("notes__read", vault=other)


def test_values_have_the_type_of_their_field(vault, made, witness):
    value = witness.canary("key")
    store(vault, "pin", "123456", tool="typed__*", arg="pin")
    store(vault, "key", value, tool="typed__*", arg="key")
    held = made("typed__show")
    assert held() == "123457 [secret:key]"
    assert held.object.model_dump_json() == "{}"
    assert made("typed__show", {"pin": "secret://pin"}).object.model_dump() == {"pin": "secret://pin"}


def test_arguments_that_a_class_does_not_declare(vault, made, witness):
    value = witness.canary("any")
    store(vault, "any", value, tool="open__*", default=False)
    held = made("open__show", {"token": "secret://any", "other": 1})
    assert held() == "[secret:any] 1"
    assert held.object.model_dump() == {"other": 1, "token": "secret://any"}


def test_fields_that_a_tool_changes_stay_changed(vault, made, provider, witness):
    store(vault, "notes", witness.canary("value"))
    held = made("notes__read", {"url": provider.url})
    for _ in range(2):
        held(note="n")
    assert held.object.calls == 2
    assert held.tool.fn_self[1] == f'{{"url": "{provider.url}", "calls": 2}}'


def test_a_blocking_and_an_async_vault_do_the_same(vault, runtime, server, provider, witness):
    value = witness.canary("value")
    store(vault, "notes", value)
    key = vault.keys.create(scopes=["resolve"], name="async").key

    async def read_soon() -> object:
        async with AsyncToolvault(server.environment["TOOLVAULT_URL"], key) as asynchronous:
            hook = instantiate_tool(asynchronous)
            (tool,) = await resolve_tools([("notes__read_soon", {"url": provider.url})], tool_instantiator=hook)
            with pytest.raises(SecretNotAvailable):
                await resolve_tools([("notes__read", {"token": "secret://nobody"})], tool_instantiator=hook)
            return await tool.get_wrapped_fn()(note="n2")

    assert asyncio.run(read_soon()) == "issue n2: open"
    name, tool = resolve_single_tool("notes__read", instantiate_tool(runtime), False)
    assert name == "notes__read"
    assert tool._load_fn_self().token == value
    assert provider.received == [value]


def test_two_users_in_one_process_do_not_meet(server, vault, made, witness):
    mine, theirs = witness.canary("mine"), witness.canary("theirs")
    store(vault, "notes", mine)
    user = vault.users.create("somebody else")
    platform = asyncio.run(
        server.command(
            "key",
            "create",
            "--user",
            "default",
            "--scope",
            "manage",
            "--scope",
            "resolve",
            "--any-user",
            "--expires",
            "1d",
            "--json",
        )
    )
    key = json.loads(platform.stdout)["key"]
    with Toolvault(server.environment["TOOLVAULT_URL"], key, user=user.user_id) as other:
        store(other, "notes", theirs)
        held = [made("notes__read"), made("notes__read", vault=other), made("notes__read")]
        assert [one.object.token for one in held] == [mine, theirs, mine]
        assert type(held[0].object) is type(held[1].object)
    vault.users.delete(user.user_id)


def test_tools_that_patch_a_module_are_made_one_after_the_other(vault, made, linear, witness):
    values = [witness.canary(f"value {number}") for number in range(8)]
    for number, value in enumerate(values):
        store(vault, f"linear-{number}", value, tool="agno__linear__*", arg="api_token", default=False)
    tools = [made("agno__linear__get_user_details", {"api_token": f"secret://linear-{number}"}) for number in range(8)]
    found: dict[int, str] = {}
    barrier = threading.Barrier(8)

    def make(number: int) -> None:
        barrier.wait()
        found[number] = tools[number].object._tool.headers["Authorization"]

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict(enumerate(values))


def test_without_a_server_nothing_is_used_on(vault, made, witness):
    value = witness.canary("value")
    store(vault, "notes", value)
    nowhere = Toolvault("http://127.0.0.1:9", "tvk_x", retries=0)
    with pytest.raises(Unavailable):
        made("notes__read", vault=nowhere)


def test_results_of_own_classes_are_redacted(vault, made, witness):
    value = witness.canary("value")
    store(vault, "issues", value, tool="issues__*")
    for tool, kind in (("issues__model", notes.Issue), ("issues__plain", notes.Ticket)):
        found = made(tool)()
        assert (type(found), found.state, found.sent) == (kind, "open", "Bearer [secret:issues]")
        witness.clean("the result", repr(found), vars(found))
    with pytest.raises(notes.Closed) as caught:
        asyncio.run(made("issues__fails")())
    assert (caught.value.code, str(caught.value)) == (7, "closed with [secret:issues]")
    witness.clean("the error", shown(caught.value), repr(caught.value))


def platform(server, vault):
    made = asyncio.run(
        server.command(
            *("key", "create", "--user", "default", "--scope", "manage", "--scope", "resolve"),
            *("--any-user", "--expires", "1d", "--json"),
        )
    )
    users = [vault.users.create(f"user {number} of {id(made)}").user_id for number in range(2)]
    return json.loads(made.stdout)["key"], users


def test_one_object_serves_many_users(server, vault, made, witness, provider):
    key, users = platform(server, vault)
    values = [witness.canary(f"value of {number}") for number in range(2)]
    with Toolvault(server.environment["TOOLVAULT_URL"], key) as shared:
        for user, value in zip(users, values, strict=True):
            with shared.acting_for(user):
                store(shared, "notes", value)
        with shared.acting_for(users[0]):
            held = made("notes__read", {"url": provider.url}, vault=shared, keep_seconds=60)

        def call(user: str) -> tuple[str, str]:
            with shared.acting_for(user):
                return held(note="n"), held.object.token

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(call, users * 20))
        assert found == [("issue n: open", values[number % 2]) for number in range(40)]
        assert sorted(provider.received) == sorted(values * 20)
    for user in users:
        vault.users.delete(user)


def test_a_change_by_the_same_client_holds_at_once(vault, made, witness):
    first, second = witness.canary("first"), witness.canary("second")
    secret = store(vault, "notes", first)
    held = made("notes__read", vault=vault, keep_seconds=3600)
    assert held.object.token == first
    vault.secrets.update(secret.secret_id, secret_value=second)
    assert held.object.token == second


def test_an_async_tool_does_not_block_the_loop(vault, made, runtime, provider, witness, monkeypatch):
    store(vault, "notes", witness.canary("value"))
    held = made("notes__read_soon", {"url": provider.url}, keep_seconds=60)
    here = threading.get_ident()
    threads = []
    run = runtime._sender.run
    monkeypatch.setattr(runtime._sender, "run", lambda one: threads.append(threading.get_ident()) or run(one))
    assert asyncio.run(held(note="n")) == "issue n: open"
    assert threads
    assert here not in threads
