"""The user for whom a key with `any_user` acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

# By client, because an ID names a user of one server only. A context variable: tasks and threads do not share it.
_acting: ContextVar[Mapping[Users, str]] = ContextVar("toolvault_users", default=MappingProxyType({}))


class Users:
    """The user of one client, now: the one of a call, else of the context, else of the client."""

    def __init__(self, default: str | None) -> None:
        self._default = None if default is None else checked(default)

    @contextmanager
    def acting_for(self, user: str) -> Iterator[None]:
        """Within this block, and in tasks that begin in it, the client acts for this user."""
        token = _acting.set({**_acting.get(), self: checked(user)})
        try:
            yield
        finally:
            _acting.reset(token)

    def now(self, user: str | None = None) -> str | None:
        """The user for whom a request is sent; None for the key's own user."""
        return _acting.get().get(self, self._default) if user is None else checked(user)


def checked(user: str) -> str:
    """The ID. Raises `ValueError` for one that no user has: it must not fall back to another user."""
    if not isinstance(user, str) or not user or any(not "!" <= one <= "~" for one in user):
        raise ValueError("a user's ID is a text of visible ASCII characters")
    return user
