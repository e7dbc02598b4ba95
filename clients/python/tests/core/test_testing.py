"""The fake vault: its use, and that it decides as the server does."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timezone

import pytest

import toolvault
from toolvault import ToolCall
from toolvault.testing import FakeVault, Use

TOOLS = ["a__b", "a__b__c", "a/b", "ü"]
PATTERNS = ["a__b", "a__*", "a__*c", "*b*", "*", "a/b", "ü", "x*", "a__**c", None]
ARGUMENTS = ["key", "/key", "/req/key", "/req/a~1b", "/req", "req", "other", "/~key", "/req/in/key", None]
RECEIVED = [
    {},
    {"key": "mine"},
    {"key": None, "req": {}},
    {"req": {"key": "mine", "n": 1}},
    {"req": None},
    {"req": "text"},
    {"req": {"in": 7}},
    {"req": {"a/b": ""}},
    {"url": "https://api.example/x?y=1"},
    {"url": "https://API.example:443/x"},
    {"url": "https://evil.example/x"},
    {"url": "https://api.example@evil.example/"},
    {"url": 7},
    {"url": "http://api.example/x"},
    {"req": {"url": "plain text"}},
]
CONDITIONS = [{}, {}, {}, {"url": ["https://api.example/*"]}, {"/req/url": ["plain*"]}, {"url": ["https://x/*", "*"]}]
PAST = datetime(2020, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def fake():
    made = FakeVault()
    made.add("linear", "lin_api_of_a_test", tool_name="linear__*", tool_arg="api_token", is_default_for_tool=True)
    return made


def test_both_clients_without_a_network(fake):
    expected = {"n": 1.0, "api_token": "lin_api_of_a_test"}
    vault, asynchronous = fake.client(), fake.async_client()
    call = vault.inject("linear__get", {"n": 1.0})
    assert call.args == expected
    assert call.redact("lin_api_of_a_test") == "[secret:linear]"

    async def both():
        many = await asyncio.gather(*(asynchronous.resolve("linear__get", {"n": 1.0}, user=one) for one in (None, "u")))
        return [one.args for one in many]

    assert asyncio.run(both()) == [expected, {"n": 1.0}]
    assert asynchronous.blocking.resolve("linear__get").args == {"api_token": "lin_api_of_a_test"}
    assert fake.uses == [Use("linear__get", "api_token", "linear")] * 3
    assert vault.defaults({"linear__get": ["api_token", "n"], "other": ["api_token"]}) == {
        "linear__get": {"api_token"},
        "other": frozenset(),
    }
    with pytest.raises(toolvault.SecretMissing) as failure:
        vault.resolve("other", require=["api_token"])
    assert (failure.value.argument, failure.value.tool) == ("api_token", "other")
    assert "lin_api" not in repr(fake) + repr(fake._secrets)


def test_users_have_secrets_of_their_own(fake):
    fake.add("linear", "value of ada", tool_name="*", tool_arg="api_token", is_default_for_tool=True, user="ada")
    vault = fake.client()
    with vault.acting_for("ada"):
        assert vault.resolve("linear__get").args == {"api_token": "value of ada"}
    assert fake.uses == [Use("linear__get", "api_token", "linear", "ada")]


def test_secrets_are_changed_through_the_client(fake):
    vault = fake.client()
    made = vault.secrets.create("b", "value of b", tool_name="t", tool_arg="k", is_default_for_tool=True)
    assert vault.resolve("t").args == {"k": "value of b"}
    assert vault.secrets.update(made.secret_id, secret_value="newer value", tool_arg=None).tool_arg is None
    assert vault.resolve("t").args == {}
    vault.secrets.put_value(made.secret_id, "another value")
    assert vault.resolve("t", bindings={"k": "secret://b"}).applied[0].version == 3
    vault.secrets.set_policy(made.secret_id, expires_at=PAST)
    with pytest.raises(toolvault.SecretExpired):
        vault.resolve("t", bindings={"k": "secret://b"})
    assert [one.secret_name for one in vault.secrets.iterate()] == ["linear", "b"]
    vault.secrets.delete(made.secret_id)
    with pytest.raises(toolvault.NotFound):
        vault.secrets.get(made.secret_id)
    with pytest.raises(NotImplementedError, match="use a server"):
        vault.keys.list()


def outcome(result):
    if isinstance(result, toolvault.ApiError):
        return type(result).__name__, [(one.type, one.loc, one.msg) for one in result.problems]
    return result.args, [(one.arg, one.secret_name, one.version, one.source, one.redact) for one in result.applied]


def explained(result):
    return result.would_succeed, [
        (one.arg, one.outcome, [(each.secret_name, each.wins) for each in one.candidates])
        for one in result.arguments
        if one.outcome != "none" or one.candidates
    ]


@pytest.mark.parametrize("seed", range(12))
def test_it_decides_as_the_server_does(vault, runtime, seed):
    chosen, fake = random.Random(seed), FakeVault()
    names = ["one", "two", "two", "a b/c"]
    for number in range(chosen.randrange(3, 9)):
        binding = {
            "tool_name": chosen.choice(PATTERNS),
            "tool_arg": chosen.choice(ARGUMENTS),
            "is_default_for_tool": chosen.random() < 0.7,
        }
        name, value = chosen.choice(names), f"value number {number}"
        policy = {
            "expires_at": PAST if chosen.random() < 0.1 else None,
            "when": chosen.choice(CONDITIONS),
            "redact": chosen.random() < 0.8,
        }
        made = vault.secrets.create(name, value, **binding)
        vault.secrets.set_policy(made.secret_id, **policy)
        fake.add(name, value, **binding, **policy)
    calls = []
    for _ in range(100):
        arguments = [one for one in ARGUMENTS if one not in (None, "/~key")]
        references = ["secret://one", "secret://two", "secret://a%20b%2Fc", "secret://none"]
        bound = chosen.sample(arguments, chosen.choice([0, 0, 1, 2]))
        calls.append(
            ToolCall(
                chosen.choice(TOOLS),
                chosen.choice(RECEIVED),
                {one: chosen.choice(references) for one in bound},
                chosen.choice([None, tuple(chosen.sample(arguments, 3))]),
                tuple(chosen.sample(arguments, chosen.choice([0, 0, 1, 2]))),
            )
        )
    client = fake.client()
    for call, real, ours in zip(calls, runtime.resolve_many(calls), client.resolve_many(calls), strict=True):
        assert outcome(ours) == outcome(real), (call, call.args)
    for call, real, ours in zip(calls, runtime.explain_many(calls), client.explain_many(calls), strict=True):
        assert explained(ours) == explained(real), (call, call.args)
