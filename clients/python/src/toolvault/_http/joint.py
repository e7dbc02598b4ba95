"""Operations that run at the same time and share one request."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ..errors import TooLarge, Unavailable, ValidationError
from .operation import Operation

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

    def __init__(self, run: Callable[[Operation[Any], float], Coroutine[Any, Any, Any]]) -> None:
        self._run = run
        self._waiting: dict[object, list[tuple[Operation[Any], asyncio.Future[Any]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, operation: Operation[T], ends: float) -> T:
        """Returns the result of the operation, or raises its error, until `ends`."""
        loop = asyncio.get_running_loop()
        key = (loop, operation.join, operation.user)
        future: asyncio.Future[T] = loop.create_future()
        waiting = self._waiting.setdefault(key, [])
        waiting.append((operation, future))
        if len(waiting) > 1:
            if len(waiting) == MOST:
                self._start(loop, self._waiting.pop(key), ends)
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
                    self._start(loop, waiting, ends)
        return await (future if len(waiting) > 1 else self._run(operation, ends))

    def _start(
        self, loop: asyncio.AbstractEventLoop, waiting: list[tuple[Operation[Any], asyncio.Future[Any]]], ends: float
    ) -> None:
        # A task of its own, so that one caller that is cancelled does not end the request of the others.
        task = loop.create_task(self._settle(waiting, ends))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, waiting: list[tuple[Operation[Any], asyncio.Future[Any]]], ends: float) -> None:
        """Runs the operations of one turn, which have the same deadline."""
        operations = [operation for operation, _ in waiting]
        results: list[Any]
        try:
            results = await self._results(operations, ends)
        except Exception as error:
            results = [copy.copy(error) for _ in operations]
        except asyncio.CancelledError:
            for _, future in waiting:
                future.cancel()
            raise
        for (_, future), result in zip(waiting, results, strict=True):
            if future.done():
                continue
            if isinstance(result, asyncio.CancelledError):
                future.cancel()
            elif isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    async def _results(self, operations: list[Operation[Any]], ends: float) -> list[Any]:
        try:
            return await self._run(joined(operations), ends)  # type: ignore[no-any-return]
        except OF_ONE:
            alone = (self._run(operation, ends) for operation in operations)
            return await asyncio.gather(*alone, return_exceptions=True)


class _Turn:
    """One thread's operation. `woken` is set when it has an outcome, or when the thread is the next to send."""

    def __init__(self, operation: Operation[Any], ends: float) -> None:
        self.operation = operation
        self.ends = ends
        self.woken = threading.Event()
        # A result, an exception, or `ALONE`: each thread then sends its own operation by itself.
        self.outcome: Any = None


ALONE = object()


class Joint:
    """Joins the operations that threads begin while a request is under way."""

    def __init__(self, run: Callable[[Operation[Any], float], Any], clock: Callable[[], float]) -> None:
        self._run = run
        self._clock = clock
        self._lock = threading.Lock()
        self._is_busy = False
        self._queue: list[_Turn] = []

    def run(self, operation: Operation[T], ends: float) -> T:
        """Returns the result of the operation, or raises its error. Raises `TimeoutError` if it waits until `ends`."""
        mine = _Turn(operation, ends)
        try:
            with self._lock:
                self._queue.append(mine)
                is_next, self._is_busy = not self._is_busy, True
            if not is_next and not self._wait(mine):
                raise TimeoutError
            if mine.outcome is None:
                self._send(mine)
        except BaseException:
            self._leave(mine, is_next)
            raise
        if mine.outcome is ALONE:
            return self._run(operation, ends)  # type: ignore[no-any-return]
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return mine.outcome  # type: ignore[no-any-return]

    def _wait(self, mine: _Turn) -> bool:
        """Waits for an outcome or for the right to send; at most until the deadline, also of a request under way."""
        return mine.woken.wait(max(mine.ends - self._clock(), 0))

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
        outcomes: list[Any] = [ALONE] * len(taken)
        try:
            if len(taken) == 1:
                outcomes = [self._run(first, mine.ends)]
            else:
                outcomes = self._run(joined([one.operation for one in taken]), mine.ends)
        except OF_ONE as error:
            outcomes = outcomes if len(taken) > 1 else [error]
        except Exception as error:
            # The deadline of this request was that of one thread; those that have more time go on alone.
            is_late = isinstance(error, Unavailable) and self._clock() >= mine.ends
            outcomes = [ALONE if is_late and one.ends > mine.ends else copy.copy(error) for one in taken]
        finally:
            # Also if this thread is interrupted: the others go on without it.
            with self._lock:
                self._hand_on()
            for one, outcome in zip(taken, outcomes, strict=True):
                one.outcome = outcome
                one.woken.set()

    def _leave(self, mine: _Turn, is_next: bool) -> None:
        """For a thread that gives up: if it is its turn, the next one begins."""
        with self._lock:
            if mine in self._queue:
                self._queue.remove(mine)
                if is_next or mine.woken.is_set():
                    self._hand_on()

    def _hand_on(self) -> None:
        self._is_busy = bool(self._queue)
        if self._queue:
            self._queue[0].woken.set()
