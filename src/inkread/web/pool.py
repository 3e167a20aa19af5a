"""A thread pool with a bounded queue, for work off the event loop; it refuses work when full."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

__all__ = ["Pool", "PoolFullError", "WorkTimeoutError"]

T = TypeVar("T")


class PoolFullError(Exception):
    """Every thread is busy, and the queue is full."""


class WorkTimeoutError(Exception):
    """The work took longer than its time limit."""


class Pool:
    """A bounded number of threads with a bounded queue.

    Attributes:
        workers: threads.
        queue: how much work may wait.
    """

    def __init__(self, workers: int, queue: int) -> None:
        """Make a pool; its threads start with the first work."""
        self.workers = workers
        self.queue = queue
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="inkread")
        self._taken = 0
        self._lock = Lock()

    @property
    def taken(self) -> int:
        """How many pieces of work are being done or wait."""
        return self._taken

    @property
    def is_full(self) -> bool:
        """Whether work would be refused now."""
        return self._taken >= self.workers + self.queue

    async def run(self, work: Callable[..., T], *arguments: object, timeout_s: float) -> T:
        """Do work in a thread.

        Work that still waits when its time is up never begins. Work that has begun runs to its end,
        and counts as taken until then.

        Args:
            work: what to call.
            arguments: what to call it with.
            timeout_s: seconds from now on.

        Raises:
            PoolFullError: every thread is busy and the queue is full; raised at once.
            WorkTimeoutError: it took longer than ``timeout_s``.
        """
        with self._lock:
            if self.is_full:
                raise PoolFullError
            self._taken += 1
        future = self._executor.submit(work, *arguments)
        future.add_done_callback(self._release)
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            is_own = future.done() and not future.cancelled()
            if is_own and isinstance(future.exception(), TimeoutError):
                raise  # the work's own
            raise WorkTimeoutError from None

    def _release(self, _: Future[Any]) -> None:
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Wait for work that has begun, and drop work that has not."""
        self._executor.shutdown(wait=True, cancel_futures=True)
