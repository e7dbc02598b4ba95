"""The clients with a real server: every operation, blocking and async."""

from __future__ import annotations

import asyncio
import inspect
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

import toolvault
from toolvault import AsyncToolvault, Completed, SecretInfo, ToolCall, Toolvault, client
from toolvault._operations import secrets

NEVER = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(params=["blocking", "async"])
def ask(request, vault, operator_key):
    """Calls an operation of either client by its dotted name."""

    async def awaited(path: str, args: Any, options: Any) -> Any:
        async with AsyncToolvault(vault.url, operator_key) as asynchronous:
            called = operation(asynchronous, path)(*args, **options)
            return [one async for one in called] if inspect.isasyncgen(called) else await called

    def operation(of: object, path: str) -> Any:
        for name in path.split("."):
            of = getattr(of, name)
        return of

    def call(path: str, *args: Any, **options: Any) -> Any:
        if request.param == "async":
            return asyncio.run(awaited(path, args, options))
        called = operation(vault, path)(*args, **options)
        return list(called) if inspect.isgenerator(called) else called

    return call


def test_the_life_of_a_secret(ask, witness):
    value, newer, longer = (witness.canary(purpose) for purpose in ("value", "newer", "longer"))
    made = ask("secrets.create", "a", value, tool_name="linear__*", tool_arg="token", is_default_for_tool=True)
    assert (made.secret_name, made.tool_name, made.tool_arg, made.is_default_for_tool) == (
        "a",
        "linear__*",
        "token",
        True,
    )
    assert made.created_at.tzinfo is not None
    assert made.etag
    changed = ask("secrets.update", made.secret_id, secret_name="b", secret_value=newer, if_match=made.etag)
    assert (changed.secret_name, changed.tool_arg) == ("b", "token")
    assert ask("secrets.update", made.secret_id, tool_arg=None).tool_arg is None
    assert ask("secrets.update", made.secret_id) == ask("secrets.get", made.secret_id)
    ask("secrets.put_value", made.secret_id, longer + "x" * 2000)
    assert [one.version for one in ask("secrets.versions", made.secret_id)] == [3, 2, 1]
    ask("secrets.restore", made.secret_id, 1)
    ask("secrets.delete_version", made.secret_id, 2)
    assert [one.version for one in ask("secrets.versions", made.secret_id)] == [4, 3, 1]
    assert (
        ask("resolve", "x", bindings={"token": f"secret:///id/{made.secret_id}"}, args={}).args == {"token": value}
        if (ask("secrets.update", made.secret_id, tool_name=None))
        else False
    )
    ask("secrets.delete", made.secret_id)
    with pytest.raises(toolvault.NotFound):
        ask("secrets.get", made.secret_id)
    witness.clean("models", repr(made), repr(changed))
    witness.clean_logs()


def test_lists(ask, vault):
    for number in range(5):
        vault.secrets.create(f"s{number}", "a-value", tool_name="linear__*" if number % 2 else None)
    page = ask("secrets.list", limit=2, offset=1)
    assert ([one.secret_name for one in page.data], page.total, page.limit, page.offset) == (["s1", "s2"], 5, 2, 1)
    assert [one.secret_name for one in ask("secrets.list", tool_name="linear__x").data] == ["s1", "s3"]
    assert [one.secret_name for one in ask("secrets.list", q="4").data] == ["s4"]
    assert [one.secret_name for one in ask("secrets.iterate")] == ["s0", "s1", "s2", "s3", "s4"]
    assert [one.secret_name for one in ask("secrets.iterate", secret_name="s3")] == ["s3"]


def test_iterating_leaves_nothing_out_that_stays(vault, monkeypatch):
    monkeypatch.setattr(secrets, "PAGE", 2)
    names = [f"s{number}" for number in range(7)]
    for name in names:
        vault.secrets.create(name, "a-value")
    seen = []
    for one in vault.secrets.iterate():
        seen.append(one.secret_name)
        if one.secret_name in ("s1", "s3", "s4"):
            vault.secrets.delete(one.secret_id)
    assert seen == names


def test_policies(ask, vault):
    made = vault.secrets.create("a", "a-value")
    assert ask("secrets.policy", made.secret_id) == toolvault.Policy()
    until = datetime(2040, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    patterns = {"base_url": ["https://api.github.com/*"]}
    policy = ask(
        "secrets.set_policy",
        made.secret_id,
        expires_at=until,
        rotate_after_days=3,
        when=patterns,
        redact=False,
        approval="writes",
        canary=True,
    )
    assert (policy.approval, policy.canary) == ("writes", True)
    assert (policy.expires_at, policy.when) == (until, {"base_url": ("https://api.github.com/*",)})
    [known] = ask("secrets.policies")
    assert (known.secret_id, known.redact, known.is_due, known.is_expired) == (made.secret_id, False, False, False)
    with pytest.raises(ValueError, match="zone"):
        ask("secrets.set_policy", made.secret_id, expires_at=datetime(2040, 1, 1))


def test_keys_users_and_who_one_is(ask, vault, witness):
    issued = ask("keys.create", scopes=["resolve"], name="narrow", tools=["linear__*"], expires_in=600)
    witness.watch("issued key", issued.key.reveal())
    with Toolvault(vault.url, issued.key) as narrow:
        me = narrow.me()
        assert (me.name, me.scopes, me.tools) == ("narrow", ("resolve",), ("linear__*",))
        with pytest.raises(toolvault.Forbidden, match="lacks the scope"):
            narrow.secrets.list()
        with pytest.raises(toolvault.Forbidden):
            narrow.resolve("github__x")
    assert issued.key_id in [one.key_id for one in ask("keys.list")]
    assert ask("keys.update", issued.key_id, name="other").name == "other"
    successor = ask("keys.rotate", issued.key_id, overlap_seconds=0)
    ask("keys.delete", successor.key_id)
    with Toolvault(vault.url, successor.key) as revoked, pytest.raises(toolvault.Unauthorized):
        revoked.me()
    user = ask("users.create", f"ada-{issued.key_id}")
    assert ask("users.update", user.user_id, disabled=True, secrets_limit=3).secrets_limit == 3
    assert ask("users.update", user.user_id, secrets_limit=None).secrets_limit is None
    assert user.user_id in [one.user_id for one in ask("users.list")]
    ask("users.delete", user.user_id)
    assert ask("usage").secrets == 0
    witness.clean("models", repr(issued))
    witness.clean_logs()


def test_the_audit_trail(ask, vault):
    made = vault.secrets.create("audited", "a-value", tool_name="t", tool_arg="a", is_default_for_tool=True)
    vault.resolve("t")
    page = ask("audit.list", secret_id=made.secret_id, limit=1)
    assert (page.data[0].action, page.data[0].tool, page.data[0].argument) == ("secret.used", "t", "a")
    older = ask("audit.list", secret_id=made.secret_id, cursor=page.next_cursor)
    assert [one.action for one in older.data] == ["secret.created"]
    assert [one.action for one in ask("audit.iterate", secret_id=made.secret_id)] == ["secret.used", "secret.created"]
    assert ask("audit.list", since=datetime.now(timezone.utc) + timedelta(hours=1)).data == ()


def test_what_was_received_keeps_its_meaning(ask, vault):
    vault.secrets.create("a", "a-value", tool_name="t", tool_arg="key", is_default_for_tool=True)
    received = {
        "one": 1.0,
        "huge": Decimal("1e400"),
        "exact": Decimal("0.10"),
        "long": 123456789012345678901234567890,
        "nested": {"ü": [True, None, "secret://a", -0.0]},
        "empty": "",
    }
    completed = ask("resolve", "t", received)
    assert isinstance(completed, Completed)
    assert completed.args == {**received, "key": "a-value"}
    assert all(completed.args[name] is received[name] for name in received)
    assert [(one.arg, one.secret_name, one.version, one.source) for one in completed.applied] == [
        ("key", "a", 1, "default")
    ]
    assert ask("resolve", "t", {"key": ""}).args == {"key": ""}
    assert ask("resolve", "t", {"key": None}).args == {"key": "a-value"}
    assert ask("resolve", "t", {}, accepts=["other"]).args == {}


def test_why_arguments_cannot_be_completed(ask, vault):
    for _ in range(2):
        vault.secrets.create("twice", "a-value")
    expired = vault.secrets.create("old", "a-value", tool_name="t", tool_arg="old", is_default_for_tool=True)
    vault.secrets.set_policy(expired.secret_id, expires_at=datetime(2020, 1, 1, tzinfo=timezone.utc))
    expected = {
        toolvault.SecretMissing: {"args": {"old": ""}, "require": ["a"]},
        toolvault.SecretNotAvailable: {"args": {"old": ""}, "bindings": {"a": "secret://nowhere"}},
        toolvault.SecretAmbiguous: {"args": {"old": ""}, "bindings": {"a": "secret://twice"}},
        toolvault.SecretExpired: {},
    }
    for kind, call in expected.items():
        with pytest.raises(kind) as failure:
            ask("resolve", "t", **call)
        assert failure.value.argument == ("old" if kind is toolvault.SecretExpired else "a")
        assert (failure.value.tool, failure.value.status) == ("t", 409)
        assert isinstance(failure.value, toolvault.Unresolved)
    with pytest.raises(toolvault.ValidationError, match="bindings"):
        ask("resolve", "t", bindings={"a": "literal"})


def test_many_at_once(ask, vault):
    vault.secrets.create("a", "a-value", tool_name="t", tool_arg="key", is_default_for_tool=True)
    one, other = ask("resolve_many", [ToolCall("t", {"x": 1}), ToolCall("u", require=("key",))])
    assert one.args == {"x": 1, "key": "a-value"}
    assert isinstance(other, toolvault.SecretMissing)
    assert (other.argument, other.tool) == ("key", "u")


@pytest.mark.parametrize("tool", ["..", ".", "a/b", "ü %2F?#", "a.b-c"])
def test_any_name_of_a_tool(ask, vault, tool):
    vault.secrets.create("a", "a-value", tool_name=tool, tool_arg="key", is_default_for_tool=True)
    explanation = ask("explain", tool)
    assert explanation.tool_name == tool
    assert [(one.arg, one.outcome, one.candidates[0].pattern) for one in explanation.arguments] == [
        ("key", "default", tool)
    ]
    assert (explanation.gateway, explanation.arguments[0].near) == (None, ())
    completed = ask("resolve", tool)
    assert (completed.args, completed.applied[0].redact) == ({"key": "a-value"}, True)


def test_what_almost_applies_is_explained(ask, vault):
    made = vault.secrets.create("a", "a-value", tool_name="get_it", tool_arg="key")
    [near] = ask("explain", "get_it").arguments[0].near
    assert (near.secret_id, near.secret_name, "default" in near.why) == (made.secret_id, "a", True)


def test_refusals(ask, vault):
    made = vault.secrets.create("a", "a-value")
    assert isinstance(made, SecretInfo)
    vault.secrets.update(made.secret_id, secret_name="b")
    with pytest.raises(toolvault.PreconditionFailed):
        ask("secrets.update", made.secret_id, secret_name="c", if_match=made.etag)
    with pytest.raises(toolvault.NotFound):
        ask("secrets.delete", NEVER)
    with pytest.raises(toolvault.ValidationError) as failure:
        ask("secrets.create", "", "abc")
    assert [one.loc for one in failure.value.problems] == [("body", "secret_name"), ("body", "secret_value")]
    many = [vault.secrets.create(f"b{number}", "a-value").secret_id for number in range(17)]
    for one in many[:15]:
        vault.secrets.put_value(one, "x" * 65_536)
    with pytest.raises(toolvault.QuotaExceeded):
        ask("resolve_many", [ask("secrets.put_value", one, "x" * 65_536) for one in many[15:]])


def test_both_clients_have_the_same_operations():
    pairs = [
        (Toolvault, AsyncToolvault),
        *(
            (getattr(client, name), getattr(toolvault.async_client, f"Async{name}"))
            for name in ("Secrets", "Keys", "Users", "Audit")
        ),
    ]
    for blocking, asynchronous in pairs:
        for name, method in inspect.getmembers(blocking, inspect.isfunction):
            if name.startswith("_") or name in ("close", "acting_for", "current_user"):
                continue
            other = getattr(asynchronous, name)
            assert inspect.signature(method).parameters == inspect.signature(other).parameters, name
            assert inspect.iscoroutinefunction(other) or inspect.isasyncgenfunction(other), name
