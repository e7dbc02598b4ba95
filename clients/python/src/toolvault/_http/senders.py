"""Wrappers of httpx clients that run operations, blocking and async."""

from __future__ import annotations

import asyncio
import time
from typing import Any, TypeVar

import httpx

from ..errors import ApiError
from .exchange import answer, options, outcome, pause, request, unreachable
from .operation import Answer, Operation
from .settings import Settings

T = TypeVar("T")


class Sender:
    """Runs operations, one at a time per calling thread."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        given: dict[str, Any] = options(settings)
        self.settings = settings
        self._client = httpx.Client(transport=transport, **given)
        self._sleep = time.sleep

    def run(self, operation: Operation[T]) -> T:
        """Returns the result of the operation, or raises its error."""
        attempt = 0
        while True:
            result = outcome(operation, self._exchange(operation))
            if not isinstance(result, ApiError):
                return result
            wait = pause(operation, result, attempt, self.settings.retries)
            if wait is None:
                raise result
            self._sleep(wait)
            attempt += 1

    def _exchange(self, operation: Operation[T]) -> Answer | ApiError:
        try:
            return answer(self._client.send(request(self._client, self.settings, operation)))
        except httpx.HTTPError as error:
            return unreachable(self.settings, error)
        except BaseException as error:
            raise error.with_traceback(None) from None

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


class AsyncSender:
    """Runs operations in an event loop."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        given: dict[str, Any] = options(settings)
        self.settings = settings
        self._client = httpx.AsyncClient(transport=transport, **given)
        self._sleep = asyncio.sleep

    async def run(self, operation: Operation[T]) -> T:
        """Returns the result of the operation, or raises its error."""
        attempt = 0
        while True:
            result = outcome(operation, await self._exchange(operation))
            if not isinstance(result, ApiError):
                return result
            wait = pause(operation, result, attempt, self.settings.retries)
            if wait is None:
                raise result
            await self._sleep(wait)
            attempt += 1

    async def _exchange(self, operation: Operation[T]) -> Answer | ApiError:
        try:
            return answer(await self._client.send(request(self._client, self.settings, operation)))
        except httpx.HTTPError as error:
            return unreachable(self.settings, error)
        except BaseException as error:
            raise error.with_traceback(None) from None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
