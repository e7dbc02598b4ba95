"""For whom a call acts: the user of the moment in which it is made, also if it is used later."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from toolvault import Toolvault, secrets
from toolvault._operations import secrets as secret_operations
from toolvault.testing import FakeVault

USERS = (None, "ada", "bob")


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(secret_operations, "PAGE", 2)
    made = FakeVault()
    for user in USERS:
        for number in range(3):
            made.add(f"{user} {number}", f"value of {user}", user=user)
        made.add(f"{user}", f"key of {user}", tool_name="*", tool_arg="k", is_default_for_tool=True, user=user)
    return made


def made_for_each(vault, call):
    """A call in the block of each user, the last one without a block. None of them is used in its block."""
    calls = []
    for user in USERS[1:]:
        with vault.acting_for(user):
            calls.append(call())
    return [call(), *calls]


async def parts_of(stream):
    return [one async for one in stream]


def test_pages(fake):
    expected = [[f"{user} 0", f"{user} 1", f"{user} 2", f"{user}"] for user in USERS]
    vault = fake.client()
    found = made_for_each(vault, vault.secrets.iterate)
    with vault.acting_for("bob"):
        assert [[one.secret_name for one in each] for each in found] == expected

    async def asynchronous():
        vault = fake.async_client()
        streams = made_for_each(vault, vault.secrets.iterate)
        with vault.acting_for("bob"):
            found = [await parts_of(each) for each in streams]
        return [[one.secret_name for one in each] for each in found]

    assert asyncio.run(asynchronous()) == expected


def test_what_is_awaited_later(fake):
    async def found():
        vault = fake.async_client()
        calls = made_for_each(vault, lambda: vault.resolve("t"))
        defaults = made_for_each(vault, lambda: vault.defaults({"t": ["k"]}))
        with vault.acting_for("bob"):
            assert await asyncio.gather(*defaults) == [{"t": {"k"}}] * 3
            return [one.args["k"] for one in await asyncio.gather(*calls)]

    assert asyncio.run(found()) == [f"key of {user}" for user in USERS]


@pytest.mark.parametrize("is_async", [False, True])
def test_tools_that_are_used_later(fake, is_async):
    vault = fake.async_client() if is_async else fake.client()

    class Tools:
        @secrets(vault, "k", redact=())
        def parts(self, k: str = ""):
            yield {k}

        @secrets(vault, "k", redact=())
        async def parts_awaited(self, k: str = ""):
            yield {k}

    tools, expected = Tools(), [[{f"key of {user}"}] for user in USERS]
    assert inspect.isgeneratorfunction(tools.parts)
    assert inspect.isasyncgenfunction(tools.parts_awaited)

    async def used(made, use):
        with vault.acting_for("bob"):
            return [await use(one) for one in made]

    made = made_for_each(vault, tools.parts)
    with vault.acting_for("bob"):
        assert [list(one) for one in made] == expected
    assert asyncio.run(used(made_for_each(vault, tools.parts_awaited), parts_of)) == expected


def test_a_method_of_a_subclass_stays(fake):
    class Own(Toolvault):
        def resolve(self, tool, **options):
            return tool

    assert Own("http://127.0.0.1:1", "tvk_own").resolve("t") == "t"
