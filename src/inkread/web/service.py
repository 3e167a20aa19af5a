"""The objects that all routes share: settings, reader, thread pool, metrics and store."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from inkread.corrections.store import Store
from inkread.models.registry import Registry
from inkread.reader import Reader
from inkread.web.live_reader import LiveReader
from inkread.web.metrics import Metrics
from inkread.web.middleware.problems import ProblemError
from inkread.web.pool import Pool, PoolFullError, WorkTimeoutError
from inkread.web.reading_processes import ProcessOptions, ReadingProcesses
from inkread.web.settings import Settings

__all__ = ["Service", "TheService", "model_names"]

T = TypeVar("T")

_RETRY_AFTER_S = 1


@dataclass(frozen=True)
class Service:
    """The objects that all routes share.

    Attributes:
        settings: of the service.
        registry: the promoted models.
        live: gives the reader with the model in use.
        pool: its threads wait for the processes.
        processes: they do the reading.
        metrics: counters and timers.
        store: of corrections; ``None``: nothing is stored.
    """

    settings: Settings
    registry: Registry
    live: LiveReader
    pool: Pool
    processes: ReadingProcesses
    metrics: Metrics
    store: Store | None

    @classmethod
    def start(cls, settings: Settings) -> "Service":
        """Load the model and open the store.

        Raises:
            ModelError: the model can't be loaded.
            ConfigError: a setting out of range.
            StoreError: the database can't be used.
        """
        registry = Registry(settings.models)
        # One thread a picture: as many pictures are read at a time as there are workers.
        live = LiveReader(registry, settings.model, threads=1)
        pool = Pool(settings.workers, settings.queue)
        metrics = Metrics(pool, lambda: model_names(live.reader()))
        store = Store(settings.corrections, settings.keep) if settings.corrections else None
        options = ProcessOptions(settings.models, settings.model, settings.max_worker_bytes)
        processes = ReadingProcesses(settings.workers, options)
        return cls(settings, registry, live, pool, processes, metrics, store)

    def check_room(self) -> None:
        """Refuse a request before its body is read, if the pool is full.

        Raises:
            ProblemError: busy.
        """
        if self.pool.is_full:
            raise self._busy()

    def check_ready(self) -> None:
        """Refuse to be called ready, if the pool is full or no process can read now.

        Raises:
            ProblemError: busy.
        """
        self.check_room()
        if not self.processes.num_ready:
            raise self._busy()

    def check_store(self) -> Store:
        """Return the store.

        Raises:
            ProblemError: nothing is stored here.
        """
        if self.store is None:
            raise ProblemError(404, "no-store", "this service stores no corrections")
        return self.store

    async def read(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work with a reader in a process of its own.

        Args:
            work: a function of a module, with the reader first.
            arguments: what else to call it with; they and the result must be picklable.

        Raises:
            ProblemError: busy, it took too long or too much memory, or its process crashed.
        """
        return await self._run(self._call_process, work, arguments, True)

    async def work(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work without a reader in a process of its own; see ``read``.

        Args:
            work: a function of a module.
            arguments: what to call it with.
        """
        return await self._run(self._call_process, work, arguments, False)

    async def classify(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work with this process' reader: only what is checked, and takes milliseconds.

        Args:
            work: what to call, with the reader first.
            arguments: what else to call it with.

        Raises:
            ProblemError: busy, or it took too long.
        """

        def with_reader(_: float) -> T:
            return work(self.live.reader(), *arguments)

        return await self._run(with_reader)

    def _call_process(
        self, work: Callable[..., T], arguments: tuple[object, ...], with_reader: bool, end: float
    ) -> T:
        return self.processes.call(work, *arguments, with_reader=with_reader, deadline=end)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work in a thread of the pool; its last argument is when it must be done."""
        timeout_s = self.settings.work_timeout_s
        end = time.monotonic() + timeout_s
        try:
            return await self.pool.run(work, *arguments, end, timeout_s=timeout_s)
        except PoolFullError:
            raise self._busy() from None
        except WorkTimeoutError:
            detail = f"expected to be done within {timeout_s:g} s"
            raise ProblemError(504, "timeout", detail) from None

    async def with_store(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work with the store off the event loop.

        Args:
            work: a function of the store's class, such as ``Store.add``.
            arguments: what to call it with, after the store.

        Raises:
            ProblemError: nothing is stored here.
            StoreError: the database can't be used.
        """
        return await run_in_threadpool(work, self.check_store(), *arguments)

    def close(self) -> None:
        """Wait for work that has begun, and close the store."""
        self.pool.close()
        self.processes.close()
        if self.store:
            self.store.close()

    def _busy(self) -> ProblemError:
        self.metrics.refused.inc()
        detail = "every worker is busy and the queue is full"
        return ProblemError(503, "busy", detail, {"Retry-After": str(_RETRY_AFTER_S)})


def model_names(reader: Reader) -> dict[str, str]:
    """Return the names of the models that a reader uses: of single digits, and of numbers."""
    return {"glyph": reader.model.name, "line": reader.line_model.name}


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]
