"""Threads that read, off the event loop; when they and their queue are full, more is refused."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

__all__ = ["Full", "Pool", "TimedOut"]

T = TypeVar("T")


class Full(Exception):  # noqa: N818 - a state, that the service answers with "busy"
    """Every thread is at work, and the queue is full."""


class TimedOut(Exception):  # noqa: N818
    """The work took longer than it may."""


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
        """How much work is being done or waits."""
        return self._taken

    @property
    def is_full(self) -> bool:
        """Whether work would be refused now."""
        return self._taken >= self.workers + self.queue

    async def run(self, work: Callable[..., T], *arguments: object, timeout_s: float) -> T:
        """Do work in a thread.

        What takes too long and is still waiting then is never begun; what has begun is done to its
        end, and its place is taken until it is.

        Args:
            work: what to call.
            arguments: what to call it with.
            timeout_s: seconds from now on.

        Raises:
            Full: there is no place for it; at once.
            TimedOut: it took longer than ``timeout_s``.
        """
        with self._lock:
            if self.is_full:
                raise Full
            self._taken += 1
        future = self._executor.submit(work, *arguments)
        future.add_done_callback(self._release)
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if not future.done() or future.cancelled():
                raise TimedOut from None
            raise  # the work's own

    def _release(self, _: Future[Any]) -> None:
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Wait for work that has begun, and drop what waits."""
        self._executor.shutdown(wait=True, cancel_futures=True)
