"""The blocking client."""

from __future__ import annotations

import ssl
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NoReturn, TypeVar

import httpx

from ._http.senders import Sender
from ._http.settings import Settings, settings
from ._operations.audit import AuditOperations
from ._operations.defaults import DefaultOperations, Defaults
from ._operations.keys import KeyOperations, UserOperations
from ._operations.method import Blocking
from ._operations.secrets import SecretOperations
from ._operations.tools import ToolOperations
from .confidential import Confidential

C = TypeVar("C")


class Secrets(SecretOperations, Blocking): ...


class Keys(KeyOperations, Blocking): ...


class Users(UserOperations, Blocking): ...


class Audit(AuditOperations, Blocking): ...


class Client:
    """What both clients have."""

    _settings: Settings

    @property
    def url(self) -> str:
        """The server's address."""
        return self._settings.url

    def acting_for(self, user: str) -> AbstractContextManager[None]:
        """Within this block, and in tasks that begin in it, the client acts for this user. Needs a key with `any_user`.

        The argument `user` of a call precedes it; it precedes the client's own `user`.
        """
        return self._settings.users.acting_for(user)

    def current_user(self, user: str | None = None) -> str | None:
        """The user for whom a request would be sent now; None for the key's own user."""
        return self._settings.users.now(user)

    @property
    def last_change(self) -> object:
        """Another object after each change of a secret by this client."""
        return self._settings.changes.last

    def __repr__(self) -> str:
        # A debugger may call this for a client whose constructor failed.
        return f"{type(self).__name__}({self.url!r})" if hasattr(self, "_settings") else f"{type(self).__name__}()"

    def __copy__(self: C) -> C:
        return self

    def __deepcopy__(self: C, memo: object) -> C:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a client holds a key and cannot be pickled")


class Toolvault(Client, ToolOperations, DefaultOperations, Blocking):
    """A client for a Toolvault server, with one credential. Safe to share between threads.

    Missing arguments are taken from `TOOLVAULT_URL` (default `http://127.0.0.1:8710`) and from `TOOLVAULT_API_KEY` or
    the file that `TOOLVAULT_API_KEY_FILE` names. `user` is the user for whom a key with `any_user` acts. `timeout` is
    in seconds, for each operation with all its retries. `retries` is the maximum number of retries, where a retry is
    safe. `verify` is as in httpx. Plain http is allowed only to this machine, unless `allow_http` is set. With `batch`,
    calls that several threads resolve at the same time share requests.
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
        batch: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        api_key = None if api_key is None else Confidential(api_key)
        found = settings(
            url, api_key, user=user, timeout=timeout, retries=retries, allow_http=allow_http, verify=verify
        )
        self._open(found, transport, batch)

    def _open(self, found: Settings, transport: httpx.BaseTransport | None, batch: bool) -> None:
        self._settings = found
        super().__init__(Sender(found, transport, batch=batch))
        self.secrets = Secrets(self._sender)
        self.keys = Keys(self._sender)
        self.users = Users(self._sender)
        self.audit = Audit(self._sender)
        self._defaults = Defaults(found)

    @classmethod
    def _of(cls, found: Settings, transport: httpx.BaseTransport | None) -> Toolvault:
        """A client with the settings of another one."""
        client = cls.__new__(cls)
        client._open(found, transport, batch=False)
        return client

    def close(self) -> None:
        """Closes the connections."""
        self._sender.close()

    def __enter__(self) -> Toolvault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
