"""A fake vault for your own tests: real clients, the server's rules of resolving, no network and no server.

fake = FakeVault()
fake.add("linear", "lin_api_of_a_test", tool_name="linear__*", tool_arg="api_token", is_default_for_tool=True)
vault = fake.client()           # or fake.async_client(), for code that awaits
...
assert fake.uses == [Use("linear__get_issue", "api_token", "linear")]
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from ._testing.rules import Stored
from ._testing.server import Answering
from .async_client import AsyncToolvault
from .client import Toolvault
from .confidential import Confidential

__all__ = ["FakeVault", "Use"]


@dataclass(frozen=True)
class Use:
    """A secret that was applied to an argument of a tool. `user` is the one for whom the client acted."""

    tool: str
    argument: str
    secret_name: str
    user: str | None = None


class FakeVault:
    """A vault in memory. Each user has secrets of their own; None is the user of the key.

    Its clients have all operations on secrets and policies but versions, and `resolve`, `inject`, `explain`, `defaults`
    and `me`. They raise `NotImplementedError` for others. It grants every scope, and stores what a server would refuse.
    """

    def __init__(self) -> None:
        # What was applied, in order.
        self.uses: list[Use] = []
        self._secrets: dict[str | None, list[Stored]] = {}
        self._ticks = 0

    def add(
        self,
        secret_name: str,
        secret_value: str | Confidential,
        *,
        tool_name: str | None = None,
        tool_arg: str | None = None,
        is_default_for_tool: bool = False,
        expires_at: datetime | None = None,
        when: Mapping[str, Sequence[str]] | None = None,
        redact: bool = True,
        user: str | None = None,
    ) -> str:
        """Stores a secret with its policy. Returns its ID."""
        secret = Stored(
            str(uuid.uuid4()),
            secret_name,
            Confidential(secret_value),
            tool_name,
            tool_arg,
            is_default_for_tool,
            expires_at,
            when or {},
            redact,
            self.tick(),
        )
        self.stored(user).append(secret)
        return secret.secret_id

    def client(self, **options: Any) -> Toolvault:
        """A blocking client. `options` are those of `Toolvault`."""
        return Toolvault("http://localhost", "tvk_fake", transport=httpx.MockTransport(Answering(self)), **options)

    def async_client(self, **options: Any) -> AsyncToolvault:
        """A client for event loops. `options` are those of `AsyncToolvault`."""
        return AsyncToolvault("http://localhost", "tvk_fake", transport=httpx.MockTransport(Answering(self)), **options)

    def stored(self, user: str | None) -> list[Stored]:
        """The secrets of a user, oldest first."""
        return self._secrets.setdefault(user, [])

    def secret(self, secret_id: str, user: str | None) -> Stored:
        """One secret. Raises `KeyError` if the user has no such secret."""
        found = [one for one in self.stored(user) if one.secret_id == secret_id]
        if not found:
            raise KeyError(secret_id)
        return found[0]

    def used(self, tool: str, applied: Sequence[Mapping[str, Any]], user: str | None) -> None:
        """Records what was applied."""
        self.uses += [Use(tool, one["arg"], one["secret_name"], user) for one in applied]

    def tick(self) -> int:
        """The time of a change."""
        self._ticks += 1
        return self._ticks

    def __repr__(self) -> str:
        return f"FakeVault({len(self.uses)} uses)"
