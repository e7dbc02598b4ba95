"""API keys, and the users of the server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from .._http.operation import Body, Operation
from ..models import IssuedKey, Key, Scope, User
from .method import operation
from .reading import UNCHANGED, Unchanged, a, all_of, asked, changed, given, moment, nothing, segment

PATH = "/v1/keys"
USERS = "/v1/users"


class KeyOperations:
    """API keys. Needs `manage`."""

    @operation
    def list(self, *, user_id: str | None = None) -> Operation[tuple[Key, ...]]:
        """The user's keys or, with `admin`, those of another user."""
        return Operation("GET", PATH, all_of(Key), query=asked(user_id=user_id), is_repeatable=True)

    @operation
    def create(
        self,
        *,
        scopes: Sequence[Scope],
        name: str | None = None,
        tools: Sequence[str] | None = None,
        expires_in: int | None = None,
        expires_at: datetime | None = None,
        any_user: bool = False,
        user_id: str | None = None,
    ) -> Operation[IssuedKey]:
        """Creates a key. `expires_in` is in seconds; `tools` are patterns that limit all its scopes."""
        content = given(
            name=name,
            scopes=[*scopes],
            tools=None if tools is None else [*tools],
            expires_in=expires_in,
            expires_at=moment(expires_at),
            any_user=any_user,
            user_id=user_id,
        )
        return Operation("POST", PATH, a(IssuedKey), body=Body(content))

    @operation
    def update(
        self,
        key_id: str,
        *,
        name: str | None = None,
        scopes: Sequence[Scope] | None = None,
        expires_in: int | None = None,
        expires_at: datetime | None = None,
    ) -> Operation[Key]:
        """Renames a key, or narrows its scopes or its lifetime."""
        narrower = None if scopes is None else [*scopes]
        content = given(name=name, scopes=narrower, expires_in=expires_in, expires_at=moment(expires_at))
        return Operation("PATCH", f"{PATH}/{segment(key_id)}", a(Key), body=Body(content))

    @operation
    def rotate(self, key_id: str, *, overlap_seconds: int | None = None) -> Operation[IssuedKey]:
        """Creates a successor; the old key stays valid during the overlap."""
        body = Body(given(overlap_seconds=overlap_seconds))
        return Operation("POST", f"{PATH}/{segment(key_id)}/rotate", a(IssuedKey), body=body)

    @operation
    def delete(self, key_id: str) -> Operation[None]:
        """Revokes a key and its descendants."""
        return Operation("DELETE", f"{PATH}/{segment(key_id)}", nothing)


class UserOperations:
    """The users of the server. Needs `admin`."""

    @operation
    def list(self, *, name: str | None = None) -> Operation[tuple[User, ...]]:
        """All users, or those with this name."""
        return Operation("GET", USERS, all_of(User), query=asked(name=name), is_repeatable=True)

    @operation
    def create(self, name: str) -> Operation[User]:
        """Creates a user."""
        return Operation("POST", USERS, a(User), body=Body({"name": name}))

    @operation
    def update(
        self,
        user_id: str,
        *,
        disabled: bool | Unchanged = UNCHANGED,
        secrets_limit: int | Unchanged | None = UNCHANGED,
        bytes_limit: int | Unchanged | None = UNCHANGED,
    ) -> Operation[User]:
        """Changes the given fields; None restores a limit's default."""
        content = changed(disabled=disabled, secrets_limit=secrets_limit, bytes_limit=bytes_limit)
        return Operation("PATCH", f"{USERS}/{segment(user_id)}", a(User), body=Body(content))

    @operation
    def delete(self, user_id: str) -> Operation[None]:
        """Deletes a user with all their secrets and keys."""
        return Operation("DELETE", f"{USERS}/{segment(user_id)}", nothing, is_change=True)
