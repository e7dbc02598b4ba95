"""Operations that run at the same time and share one request."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ..errors import ApiError, TooLarge, Unavailable, ValidationError
from .operation import Operation
from .settings import Settings

T = TypeVar("T")

# The most operations in one request.
MOST = 100
# One operation alone can be the cause of such an error. Then each is sent by itself.
OF_ONE = (ValidationError, TooLarge, TypeError, ValueError)


def joined(operations: Sequence[Operation[Any]]) -> Operation[list[Any]]:
    """One request for several operations with the same `join` and the same user."""
    first = operations[0]
    assert first.join is not None  # noqa: S101 - for the type checker
    return first.join([one.part for one in operations], first.user)


class AsyncJoint:
    """Joins the operations that begin in the same turn of an event loop."""

    def __init__(self, run: Callable[[Operation[Any]], Coroutine[Any, Any, Any]]) -> None:
        self._run = run
        self._waiting: dict[object, list[tuple[Operation[Any], asyncio.Future[Any]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, operation: Operation[T]) -> T:
        """Returns the result of the operation, or raises its error."""
        loop = asyncio.get_running_loop()
        key = (loop, operation.join, operation.user)
        future: asyncio.Future[T] = loop.create_future()
        waiting = self._waiting.setdefault(key, [])
        waiting.append((operation, future))
        if len(waiting) > 1:
            if len(waiting) == MOST:
                self._start(loop, self._waiting.pop(key))
            return await future
        try:
            # The others of this turn come now.
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            future.cancel()
            raise
        finally:
            if self._waiting.get(key) is waiting:
                del self._waiting[key]
                if len(waiting) > 1:
                    self._start(loop, waiting)
        return await (future if len(waiting) > 1 else self._run(operation))

    def _start(
        self, loop: asyncio.AbstractEventLoop, waiting: list[tuple[Operation[Any], asyncio.Future[Any]]]
    ) -> None:
        # A task of its own, so that one caller that is cancelled does not end the request of the others.
        task = loop.create_task(self._settle(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, waiting: list[tuple[Operation[Any], asyncio.Future[Any]]]) -> None:
        try:
            results = await self._results([operation for operation, future in waiting])
        except asyncio.CancelledError:
            for _, future in waiting:
                future.cancel()
            raise
        for (_, future), result in zip(waiting, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def _results(self, operations: list[Operation[Any]]) -> list[Any]:
        try:
            return await self._run(joined(operations))  # type: ignore[no-any-return]
        except OF_ONE:
            return await asyncio.gather(*map(self._run, operations), return_exceptions=True)
        except Exception as error:
            return [copy.copy(error) for _ in operations]


class _Turn:
    """One thread's operation. `woken` is set when it has a result, or when the thread is the next to send."""

    def __init__(self, operation: Operation[Any]) -> None:
        self.operation = operation
        self.woken = threading.Event()
        self.result: list[Any] = []


class Joint:
    """Joins the operations that threads begin while a request is under way."""

    def __init__(self, run: Callable[[Operation[Any]], Any], settings: Settings) -> None:
        self._run = run
        self._settings = settings
        self._lock = threading.Lock()
        self._is_busy = False
        self._queue: list[_Turn] = []

    def run(self, operation: Operation[T]) -> T:
        """Returns the result of the operation, or raises its error."""
        mine = _Turn(operation)
        try:
            with self._lock:
                self._queue.append(mine)
                is_next, self._is_busy = not self._is_busy, True
                if is_next:
                    mine.woken.set()
            if is_next or self._is_next(mine):
                self._send(mine)
        except BaseException:
            self._leave(mine)
            raise
        [result] = mine.result
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]

    def _is_next(self, mine: _Turn) -> bool:
        """Waits for a result or for the right to send. Raises `Unavailable` at the deadline."""
        if not mine.woken.wait(self._settings.timeout):
            with self._lock:
                if mine in self._queue and not mine.woken.is_set():
                    raise Unavailable(f"no answer from {self._settings.url} within {self._settings.timeout:g} s")
            # Its request is under way, and has a deadline itself.
            mine.woken.wait()
        return not mine.result

    def _send(self, mine: _Turn) -> None:
        first = mine.operation
        with self._lock:
            fitting = [
                one
                for one in self._queue
                if one is not mine and (one.operation.join, one.operation.user) == (first.join, first.user)
            ]
            taken = [mine, *fitting[: MOST - 1]]
            self._queue = [one for one in self._queue if one not in taken]
        try:
            results = self._results([one.operation for one in taken])
        except BaseException:
            # The other threads go on without this one.
            results = [Unavailable("the thread that sent this request was interrupted") for _ in taken]
            raise
        finally:
            for one, result in zip(taken, results, strict=True):
                one.result.append(result)
            with self._lock:
                self._hand_on()
            for one in taken:
                one.woken.set()

    def _leave(self, mine: _Turn) -> None:
        """For a thread that is interrupted: if it is its turn, the next one begins."""
        with self._lock:
            if mine in self._queue:
                self._queue.remove(mine)
                if mine.woken.is_set():
                    self._hand_on()

    def _hand_on(self) -> None:
        self._is_busy = bool(self._queue)
        if self._queue:
            self._queue[0].woken.set()

    def _results(self, operations: list[Operation[Any]]) -> list[Any]:
        if len(operations) == 1:
            return [self._alone(operations[0])]
        try:
            return self._run(joined(operations))  # type: ignore[no-any-return]
        except OF_ONE:
            return list(map(self._alone, operations))
        except Exception as error:
            return [copy.copy(error) for _ in operations]

    def _alone(self, operation: Operation[Any]) -> Any:
        try:
            return self._run(operation)
        except (ApiError, TypeError, ValueError) as error:
            return error
