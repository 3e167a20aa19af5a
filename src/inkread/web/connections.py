"""HTTP connections with limits: on their number, and on the time without a whole request."""

import asyncio
import logging
import sys
import time

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if sys.platform != "win32":
    import resource

__all__ = ["LimitedRate", "choose_max_connections", "make_protocol"]

_log = logging.getLogger("inkread.web")

_MAX_CONNECTIONS = 512
_SPARE_DESCRIPTORS = 64  # for files, databases and models
_MAX_ALIKE, _ALIKE_S = 5, 10.0  # messages of one kind that are logged in so many seconds


def choose_max_connections() -> int:
    """Return how many connections there may be at once, so that descriptors are left for files."""
    if sys.platform == "win32":
        return _MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(8, min(_MAX_CONNECTIONS, soft - _SPARE_DESCRIPTORS, soft * 3 // 4))


class _Connection(H11Protocol):
    header_timeout_s: float
    max_connections: int
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            values = {"connections": self.max_connections}
            _log.warning("too many connections", extra={"values": values})
            transport.abort()
        else:
            self._set_deadline()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_waiting():
            self._set_deadline()
        else:
            self._drop_deadline()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:  # what comes is read by nobody
            self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop_deadline()
        super().connection_lost(exc)

    def _is_waiting(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.header_timeout_s, self._give_up)

    def _drop_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        is_unread = self.conn.their_state is h11.SEND_BODY
        if self._is_waiting() and (is_unread or self.conn.trailing_data[0] or not self.cycle):
            self.transport.abort()


def make_protocol(header_timeout_s: float, max_connections: int) -> type[asyncio.Protocol]:
    """Return a protocol for uvicorn that closes connections beyond a limit, and those that wait.

    Args:
        header_timeout_s: seconds in which the head of a request must arrive, from the beginning of
            the connection or of the head on; and in which a client must stop sending the body of a
            request that was answered.
        max_connections: at once; further ones are closed as they come.
    """
    limits = {"header_timeout_s": header_timeout_s, "max_connections": max_connections}
    return type("LimitedProtocol", (_Connection,), limits)


class LimitedRate(logging.Filter):
    """Lets warnings and errors of one kind pass a few times in ten seconds, and no more."""

    def __init__(self) -> None:
        """Start with nothing logged."""
        super().__init__()
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged."""
        if record.levelno < logging.WARNING:
            return True
        kind, now = (record.name, str(record.msg)[:200]), time.monotonic()
        start, count = self._counts.get(kind, (now, 0))
        if now - start > _ALIKE_S:
            start, count = now, 0
        if len(self._counts) > 1000:
            self._counts.clear()
        self._counts[kind] = start, count + 1
        return count < _MAX_ALIKE
