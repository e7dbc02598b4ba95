"""Wrappers of httpx clients that run operations, blocking and async."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from contextlib import closing, suppress
from typing import Any, TypeVar

import httpx

from ..errors import ApiError, Unavailable
from .exchange import options, outcome, pause, request, unreachable
from .joint import AsyncJoint, Joint
from .operation import Answer, Operation
from .settings import Settings

T = TypeVar("T")


class Sender:
    """Runs operations, each in the thread that calls. With `batch`, calls of several threads share requests."""

    def __init__(
        self, settings: Settings, transport: httpx.BaseTransport | None = None, *, batch: bool = False
    ) -> None:
        given: dict[str, Any] = options(settings)
        self.settings = settings
        self._client = httpx.Client(transport=transport, **given)
        self._clock = time.monotonic
        self._sleep = time.sleep
        self._joint = Joint(self._run, lambda: self._clock()) if batch else None

    def run(self, operation: Operation[T]) -> T:
        """Returns the result of the operation, or raises its error."""
        ends = self._clock() + self.settings.timeout
        if self._joint is None or operation.join is None:
            return self._run(operation, ends)
        failure: Unavailable
        try:
            return self._joint.run(operation, ends)
        except TimeoutError as error:
            failure = unreachable(self.settings, error)
        raise failure

    def _run(self, operation: Operation[T], ends: float) -> T:
        attempt = 0
        try:
            while True:
                result = outcome(operation, self._exchange(operation, ends))
                if not isinstance(result, ApiError):
                    return result
                wait = pause(operation, result, attempt, self.settings.retries, ends - self._clock())
                if wait is None:
                    raise result
                self._sleep(wait)
                attempt += 1
        finally:
            # Also after a failure: the server may have made the change.
            if operation.is_change:
                self.settings.changes.made()

    def _exchange(self, operation: Operation[T], ends: float) -> Answer | ApiError:
        try:
            return self._received(operation, ends)
        except httpx.HTTPError as error:
            return unreachable(self.settings, error)
        except BaseException as error:
            raise error.with_traceback(None) from None

    def _received(self, operation: Operation[T], ends: float) -> Answer:
        sent = request(self._client, self.settings, operation, max(ends - self._clock(), 0.001))
        # httpx limits each step only, so an answer in many small parts could take for ever.
        with closing(self._client.send(sent, stream=True)) as response:
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if self._clock() > ends:
                    raise httpx.ReadTimeout("the answer is incomplete", request=sent)
            return Answer(response.status_code, response.headers, bytes(content))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


class AsyncSender:
    """Runs operations in event loops, with connections of its own for each loop."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.settings = settings
        self._transport = transport
        self._clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        self._joint = AsyncJoint(self._run)
        self._sleep = asyncio.sleep

    async def run(self, operation: Operation[T]) -> T:
        """Returns the result of the operation, or raises its error."""
        ends = time.monotonic() + self.settings.timeout
        return await (self._run if operation.join is None else self._joint.run)(operation, ends)

    async def _run(self, operation: Operation[T], ends: float) -> T:
        failure: Unavailable
        try:
            return await _within(ends - time.monotonic(), self._repeated(operation, ends))
        except (TimeoutError, asyncio.TimeoutError) as error:
            failure = unreachable(self.settings, error)
        finally:
            if operation.is_change:
                self.settings.changes.made()
        raise failure

    async def _repeated(self, operation: Operation[T], ends: float) -> T:
        attempt = 0
        while True:
            result = outcome(operation, await self._exchange(operation))
            if not isinstance(result, ApiError):
                return result
            wait = pause(operation, result, attempt, self.settings.retries, ends - time.monotonic())
            if wait is None:
                raise result
            await self._sleep(wait)
            attempt += 1

    async def _exchange(self, operation: Operation[T]) -> Answer | ApiError:
        try:
            client = self._client()
            response = await client.send(request(client, self.settings, operation, self.settings.timeout))
            return Answer(response.status_code, response.headers, response.content)
        except httpx.HTTPError as error:
            return unreachable(self.settings, error)
        except BaseException as error:
            raise error.with_traceback(None) from None

    def _client(self) -> httpx.AsyncClient:
        """The client of the running loop: connections of another loop cannot be used in this one."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            for ended in [one for one in list(self._clients) if one.is_closed()]:
                self._clients.pop(ended, None)
            given: dict[str, Any] = options(self.settings)
            self._clients[loop] = httpx.AsyncClient(transport=self._transport, **given)
        return self._clients[loop]

    async def close(self) -> None:
        """Closes the connections of all loops. A later call opens new ones."""
        here = asyncio.get_running_loop()
        while self._clients:
            loop, client = self._clients.popitem()
            if loop is here:
                await client.aclose()
            elif loop.is_running():
                with suppress(RuntimeError):  # It ended meanwhile.
                    asyncio.run_coroutine_threadsafe(client.aclose(), loop)


async def _within(seconds: float, result: Coroutine[Any, Any, T]) -> T:
    if sys.version_info >= (3, 11):
        # This needs no task of its own.
        async with asyncio.timeout(seconds):
            return await result
    else:
        return await asyncio.wait_for(result, seconds)
