"""The client for event loops: `client` with `await`."""

from __future__ import annotations

import ssl
import threading
from types import TracebackType

import httpx

from ._http.senders import AsyncSender
from ._http.settings import settings
from ._operations.audit import AuditOperations
from ._operations.defaults import DefaultOperations, Defaults
from ._operations.keys import KeyOperations, UserOperations
from ._operations.method import Asynchronous
from ._operations.secrets import SecretOperations
from ._operations.tools import ToolOperations
from .client import Client, Toolvault
from .confidential import Confidential


class AsyncSecrets(SecretOperations, Asynchronous): ...


class AsyncKeys(KeyOperations, Asynchronous): ...


class AsyncUsers(UserOperations, Asynchronous): ...


class AsyncAudit(AuditOperations, Asynchronous): ...


class AsyncToolvault(Client, ToolOperations, DefaultOperations, Asynchronous):
    """A client for a Toolvault server, with one credential. Works in any number of event loops.

    Missing arguments are taken from `TOOLVAULT_URL` (default `http://127.0.0.1:8710`) and from `TOOLVAULT_API_KEY` or
    the file that `TOOLVAULT_API_KEY_FILE` names. `user` is the user for whom a key with `any_user` acts. `timeout` is
    in seconds, for each operation with all its retries. `retries` is the maximum number of retries, where a retry is
    safe. `verify` is as in httpx. Plain http is allowed only to this machine, unless `allow_http` is set. Calls that
    are resolved in the same turn of a loop, as with `asyncio.gather`, share a request.
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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        api_key = None if api_key is None else Confidential(api_key)
        found = settings(
            url, api_key, user=user, timeout=timeout, retries=retries, allow_http=allow_http, verify=verify
        )
        self._settings = found
        super().__init__(AsyncSender(found, transport))
        self.secrets = AsyncSecrets(self._sender)
        self.keys = AsyncKeys(self._sender)
        self.users = AsyncUsers(self._sender)
        self.audit = AsyncAudit(self._sender)
        self._defaults = Defaults(found)
        self._transport = transport
        self._lock = threading.Lock()
        self._blocking: Toolvault | None = None

    @property
    def blocking(self) -> Toolvault:
        """A blocking client with the same key, user and deadline, for code that cannot wait otherwise.

        `acting_for` holds for both, and a change by one is seen by the other at once.
        """
        with self._lock:
            if self._blocking is None:
                # Some transports, such as those of tests, serve both kinds of clients.
                both = self._transport if isinstance(self._transport, httpx.BaseTransport) else None
                self._blocking = Toolvault._of(self._settings, both)
            return self._blocking

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._blocking is not None:
            self._blocking.close()
        await self._sender.close()

    async def __aenter__(self) -> AsyncToolvault:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
