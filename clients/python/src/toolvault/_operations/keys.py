"""API keys, and the caller's own identity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from .._http.operation import Body, Operation
from ..models import IssuedKey, Key, Me, Scope, Usage, User
from .reading import a, all_of, asked, given, nothing, segment
from .secrets import UNCHANGED, Unchanged, moment

PATH = "/v1/keys"
USERS = "/v1/users"


def list_keys(user_id: str | None) -> Operation[tuple[Key, ...]]:
    return Operation("GET", PATH, all_of(Key), query=asked(user_id=user_id), is_repeatable=True)


def create_key(
    name: str | None,
    scopes: Sequence[Scope],
    tools: Sequence[str] | None,
    expires_in: int | None,
    expires_at: datetime | None,
    any_user: bool,
    user_id: str | None,
) -> Operation[IssuedKey]:
    content = given(
        name=name,
        scopes=list(scopes),
        tools=None if tools is None else list(tools),
        expires_in=expires_in,
        expires_at=moment(expires_at),
        user_id=user_id,
    )
    content["any_user"] = any_user
    return Operation("POST", PATH, a(IssuedKey), body=Body(content))


def update_key(
    key_id: str,
    name: str | None,
    scopes: Sequence[Scope] | None,
    expires_in: int | None,
    expires_at: datetime | None,
) -> Operation[Key]:
    narrower = None if scopes is None else list(scopes)
    content = given(name=name, scopes=narrower, expires_in=expires_in, expires_at=moment(expires_at))
    return Operation("PATCH", f"{PATH}/{segment(key_id)}", a(Key), body=Body(content))


def rotate_key(key_id: str, overlap_seconds: int | None) -> Operation[IssuedKey]:
    body = Body(given(overlap_seconds=overlap_seconds))
    return Operation("POST", f"{PATH}/{segment(key_id)}/rotate", a(IssuedKey), body=body)


def delete_key(key_id: str) -> Operation[None]:
    return Operation("DELETE", f"{PATH}/{segment(key_id)}", nothing)


def get_me() -> Operation[Me]:
    return Operation("GET", "/v1/me", a(Me), is_repeatable=True)


def get_usage() -> Operation[Usage]:
    return Operation("GET", "/v1/usage", a(Usage), is_repeatable=True)


def list_users(name: str | None) -> Operation[tuple[User, ...]]:
    return Operation("GET", USERS, all_of(User), query=asked(name=name), is_repeatable=True)


def create_user(name: str) -> Operation[User]:
    return Operation("POST", USERS, a(User), body=Body({"name": name}))


def update_user(
    user_id: str,
    disabled: bool | Unchanged = UNCHANGED,
    secrets_limit: int | Unchanged | None = UNCHANGED,
    bytes_limit: int | Unchanged | None = UNCHANGED,
) -> Operation[User]:
    fields = {"disabled": disabled, "secrets_limit": secrets_limit, "bytes_limit": bytes_limit}
    content = {name: field for name, field in fields.items() if not isinstance(field, Unchanged)}
    return Operation("PATCH", f"{USERS}/{segment(user_id)}", a(User), body=Body(content))


def delete_user(user_id: str) -> Operation[None]:
    return Operation("DELETE", f"{USERS}/{segment(user_id)}", nothing)
