"""The blocking client."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, NoReturn

import httpx

from ._http.senders import Sender
from ._http.settings import settings
from ._operations import audit, keys, secrets, tools
from ._operations.secrets import UNCHANGED, Unchanged
from .confidential import Confidential
from .errors import ApiError
from .models import (
    AuditPage,
    Completed,
    Explanation,
    IssuedKey,
    Key,
    Me,
    Policy,
    PolicyInfo,
    Record,
    Scope,
    SecretInfo,
    SecretPage,
    ToolCall,
    Usage,
    User,
    Version,
)

PAGE = 1000


class Secrets:
    """Secrets, their versions and their policies. Needs `manage`; no call returns a value."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        secret_name: str | None = None,
        tool_name: str | None = None,
        q: str | None = None,
    ) -> SecretPage:
        """A page, oldest first: with this name, with a pattern that matches a tool, or with `q` in the name."""
        return self._sender.run(secrets.list_secrets(limit, offset, secret_name, tool_name, q))

    def iterate(
        self, *, secret_name: str | None = None, tool_name: str | None = None, q: str | None = None
    ) -> Iterator[SecretInfo]:
        """All secrets, page by page. Concurrent changes do not hide a secret that existed all the time."""
        seen: set[str] = set()
        last: str | None = None
        offset = 0
        while True:
            # Pages overlap by one secret. If the overlap is missing, something was deleted meanwhile.
            page = self._sender.run(secrets.list_secrets(PAGE, offset, secret_name, tool_name, q))
            if last is not None and (not page.data or page.data[0].secret_id != last):
                last, offset = None, 0
                continue
            for one in page.data:
                if one.secret_id not in seen:
                    seen.add(one.secret_id)
                    yield one
            if offset + len(page.data) >= page.total or not page.data:
                return
            last = page.data[-1].secret_id
            offset += len(page.data) - 1

    def create(
        self,
        secret_name: str,
        secret_value: str | Confidential,
        *,
        tool_name: str | None = None,
        tool_arg: str | None = None,
        is_default_for_tool: bool = False,
        idempotency_key: str | None = None,
    ) -> SecretInfo:
        """Stores a secret. Retries with the same `idempotency_key` (random by default) store it only once."""
        secret_value = Confidential(secret_value)
        return self._sender.run(
            secrets.create_secret(secret_name, secret_value, tool_name, tool_arg, is_default_for_tool, idempotency_key)
        )

    def get(self, secret_id: str) -> SecretInfo:
        """One secret without its value."""
        return self._sender.run(secrets.get_secret(secret_id))

    def update(
        self,
        secret_id: str,
        *,
        secret_name: str | Unchanged = UNCHANGED,
        secret_value: str | Confidential | Unchanged = UNCHANGED,
        tool_name: str | Unchanged | None = UNCHANGED,
        tool_arg: str | Unchanged | None = UNCHANGED,
        is_default_for_tool: bool | Unchanged = UNCHANGED,
        if_match: str | None = None,
    ) -> SecretInfo:
        """Changes the given fields; None unbinds `tool_name` or `tool_arg`.

        With `if_match`, the `etag` of an earlier answer, only if the secret has not changed since then.
        """
        if not isinstance(secret_value, Unchanged):
            secret_value = Confidential(secret_value)
        return self._sender.run(
            secrets.update_secret(
                secret_id, secret_name, secret_value, tool_name, tool_arg, is_default_for_tool, if_match
            )
        )

    def put_value(self, secret_id: str, secret_value: str | Confidential, *, if_match: str | None = None) -> SecretInfo:
        """Replaces the value with one of 4 to 65,536 bytes, such as a PEM file or the JSON of a service account."""
        secret_value = Confidential(secret_value)
        return self._sender.run(secrets.put_value(secret_id, secret_value, if_match))

    def delete(self, secret_id: str, *, if_match: str | None = None) -> None:
        """Deletes a secret with all its versions."""
        return self._sender.run(secrets.delete_secret(secret_id, if_match))

    def versions(self, secret_id: str) -> tuple[Version, ...]:
        """The versions that are kept, without their values."""
        return self._sender.run(secrets.list_versions(secret_id))

    def restore(self, secret_id: str, version: int) -> SecretInfo:
        """Makes an old value the newest version."""
        return self._sender.run(secrets.restore_version(secret_id, version))

    def delete_version(self, secret_id: str, version: int) -> None:
        """Deletes an old version."""
        return self._sender.run(secrets.delete_version(secret_id, version))

    def policy(self, secret_id: str) -> Policy:
        """The policy of a secret."""
        return self._sender.run(secrets.get_policy(secret_id))

    def set_policy(
        self,
        secret_id: str,
        *,
        expires_at: datetime | None = None,
        rotate_after_days: int | None = None,
        when: Mapping[str, Sequence[str]] | None = None,
        protected: bool = False,
        redact: bool = True,
    ) -> Policy:
        """Replaces the policy; fields that are not given get their defaults."""
        return self._sender.run(
            secrets.set_policy(secret_id, expires_at, rotate_after_days, when or {}, protected, redact)
        )

    def policies(self) -> tuple[PolicyInfo, ...]:
        """The policies that differ from the default."""
        return self._sender.run(secrets.list_policies())


class Keys:
    """API keys. Needs `manage`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self, *, user_id: str | None = None) -> tuple[Key, ...]:
        """The user's keys or, with `admin`, those of another user."""
        return self._sender.run(keys.list_keys(user_id))

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
    ) -> IssuedKey:
        """Creates a key. `expires_in` is in seconds; `tools` are patterns that limit all its scopes."""
        return self._sender.run(keys.create_key(name, scopes, tools, expires_in, expires_at, any_user, user_id))

    def update(
        self,
        key_id: str,
        *,
        name: str | None = None,
        scopes: Sequence[Scope] | None = None,
        expires_in: int | None = None,
        expires_at: datetime | None = None,
    ) -> Key:
        """Renames a key, or narrows its scopes or its lifetime."""
        return self._sender.run(keys.update_key(key_id, name, scopes, expires_in, expires_at))

    def rotate(self, key_id: str, *, overlap_seconds: int | None = None) -> IssuedKey:
        """Creates a successor; the old key stays valid during the overlap."""
        return self._sender.run(keys.rotate_key(key_id, overlap_seconds))

    def delete(self, key_id: str) -> None:
        """Revokes a key and its descendants."""
        return self._sender.run(keys.delete_key(key_id))


class Users:
    """The users of the server. Needs `admin`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self, *, name: str | None = None) -> tuple[User, ...]:
        """All users, or those with this name."""
        return self._sender.run(keys.list_users(name))

    def create(self, name: str) -> User:
        """Creates a user."""
        return self._sender.run(keys.create_user(name))

    def update(
        self,
        user_id: str,
        *,
        disabled: bool | Unchanged = UNCHANGED,
        secrets_limit: int | Unchanged | None = UNCHANGED,
        bytes_limit: int | Unchanged | None = UNCHANGED,
    ) -> User:
        """Changes the given fields; None restores a limit's default."""
        return self._sender.run(keys.update_user(user_id, disabled, secrets_limit, bytes_limit))

    def delete(self, user_id: str) -> None:
        """Deletes a user with all their secrets and keys."""
        return self._sender.run(keys.delete_user(user_id))


class Audit:
    """The audit trail, newest first. Needs `audit`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
        secret_id: str | None = None,
        tool: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AuditPage:
        """A page of records; the next one has `cursor=page.next_cursor`."""
        return self._sender.run(audit.list_audit(since, until, action, secret_id, tool, limit, cursor))

    def iterate(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
        secret_id: str | None = None,
        tool: str | None = None,
    ) -> Iterator[Record]:
        """All records, page after page."""
        cursor: str | None = None
        while True:
            page = self._sender.run(audit.list_audit(since, until, action, secret_id, tool, PAGE, cursor))
            yield from page.data
            cursor = page.next_cursor
            if cursor is None:
                return


class Toolvault:
    """A client for a Toolvault server, with one credential. Safe to share between threads.

    Missing arguments are taken from `TOOLVAULT_URL` (default `http://127.0.0.1:8710`) and from `TOOLVAULT_API_KEY` or
    the file that `TOOLVAULT_API_KEY_FILE` names. `user` is the user for whom a key with `any_user` acts. `timeout` is
    in seconds. `retries` is the maximum number of retries, where a retry is safe. `verify` is as in httpx. Plain http
    is allowed only to this machine, unless `allow_http` is set.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | Confidential | None = None,
        *,
        user: str | None = None,
        timeout: float = 10.0,
        retries: int = 2,
        allow_http: bool = False,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        api_key = None if api_key is None else Confidential(api_key)
        found = settings(
            url, api_key, user=user, timeout=timeout, retries=retries, allow_http=allow_http, verify=verify
        )
        self._sender = Sender(found, transport)
        self.secrets = Secrets(self._sender)
        self.keys = Keys(self._sender)
        self.users = Users(self._sender)
        self.audit = Audit(self._sender)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._sender.settings.url

    def resolve(
        self,
        tool: str,
        args: Mapping[str, Any] | None = None,
        *,
        bindings: Mapping[str, str] | None = None,
        accepts: Iterable[str] | None = None,
        require: Iterable[str] | None = None,
    ) -> Completed:
        """The completed arguments of a tool call. Needs `resolve`.

        `args` come from a model and are data; `bindings` are references (`secret://name`) from trusted configuration;
        `accepts` are the arguments that defaults may complete, all if not given; `require` are those that must have a
        value. Raises `SecretMissing` or a related error, with the argument's name.
        """
        return self._sender.run(tools.resolve(tools.call(tool, args, bindings, accepts, require)))

    def resolve_many(self, calls: Sequence[ToolCall]) -> list[Completed | ApiError]:
        """Up to 100 calls at once. Returns for each the result of `resolve`, or the exception that it would raise."""
        return self._sender.run(tools.resolve_many(calls))

    def explain(
        self,
        tool: str,
        args: Mapping[str, Any] | None = None,
        *,
        bindings: Mapping[str, str] | None = None,
        accepts: Iterable[str] | None = None,
        require: Iterable[str] | None = None,
    ) -> Explanation:
        """Explains what `resolve` would do with the same call, and why; without values."""
        return self._sender.run(tools.explain(tools.call(tool, args, bindings, accepts, require)))

    def me(self) -> Me:
        """The user and the rights of the credential."""
        return self._sender.run(keys.get_me())

    def usage(self) -> Usage:
        """How much the user has stored."""
        return self._sender.run(keys.get_usage())

    def close(self) -> None:
        """Closes the connections."""
        self._sender.close()

    def __enter__(self) -> Toolvault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        # A debugger may call this for a client whose constructor failed.
        return f"Toolvault({self.url!r})" if hasattr(self, "_sender") else "Toolvault()"

    def __copy__(self) -> Toolvault:
        return self

    def __deepcopy__(self, memo: object) -> Toolvault:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a client holds a key and cannot be pickled")
