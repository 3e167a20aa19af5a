"""Gives requests ids, counts and times them, and logs each as a JSON line without its content."""

import json
import logging
import re
import time
import uuid
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkread.web.metrics import Metrics

__all__ = ["Access", "JsonFormatter", "log"]

log = logging.getLogger("inkread.web")

_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_MAX_PATH = 200  # characters of a path that are logged
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class JsonFormatter(logging.Formatter):
    """Formats log records as JSON Lines; what a record holds under ``values`` stands beside it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        values = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "values", {}),
        }
        if record.exc_info:
            values["trace"] = self.formatException(record.exc_info)
        return json.dumps(values)


class Access:
    """ASGI middleware: gives each request its id, then counts, times and logs it.

    The id is the one in the header ``X-Request-ID``, if that looks like one, and goes back in the
    same header.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap an application."""
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status, num_bytes = 500, 0

        async def counting() -> Message:
            nonlocal num_bytes
            message = await receive()
            num_bytes += len(message.get("body", b""))
            return message

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        self.metrics.in_flight.inc()
        try:
            await self.app(scope, counting, with_id)
        finally:
            seconds = time.perf_counter() - start
            self.metrics.in_flight.dec()
            # Unknown paths and methods are counted as one: each would be a series of its own.
            route = getattr(scope.get("route"), "path", "other") or "static"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.metrics.requests.labels(route, method, status).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            values = {
                "request_id": request_id,
                "method": scope["method"][:_MAX_PATH],
                "path": scope["path"][:_MAX_PATH],
                "status": status,
                "ms": round(1000 * seconds, 1),
                "bytes": num_bytes,
            }
            log.info("request", extra={"values": values})
