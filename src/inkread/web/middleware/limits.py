"""Refuses bodies that are too large, too slow or too many, while they arrive."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkread.web.middleware.problems import ProblemError

__all__ = ["BodyLimit"]

# The rest of the body stays unread, so the connection can't be used for another request.
_BODIES = 6  # as large as allowed, that are held at once
_CLOSE = {"Connection": "close"}


class BodyLimit:
    """ASGI middleware: bounds the bytes of a request's body and of all together, and its time.

    The bytes of a body are set aside before it is read, until its request is answered: those that
    it says it has, or else those that have come.

    The problem is raised where the body is read, so that it is answered as any other.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, timeout_s: float, max_total_bytes: int | None = None
    ) -> None:
        """Wrap an application.

        Args:
            app: to wrap.
            max_bytes: of one body.
            timeout_s: seconds in which a body must have arrived.
            max_total_bytes: of the bodies of all requests that are being answered.
        """
        self.app = app
        self.max_bytes = max_bytes
        self.timeout_s = timeout_s
        self.max_total_bytes = max_total_bytes or _BODIES * max_bytes
        self._num_taken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self.timeout_s
        announced = Headers(scope=scope).get("content-length", "")
        num_bytes = num_own = 0
        is_complete = False

        def take(wanted: int) -> None:
            nonlocal num_own
            more = wanted - num_own
            if more > 0:
                if self._num_taken + more > self.max_total_bytes:
                    detail = "the bodies of other requests take all the memory that is for them"
                    raise ProblemError(503, "busy", detail, {**_CLOSE, "Retry-After": "1"})
                self._num_taken += more
                num_own = wanted

        async def limited() -> Message:
            nonlocal num_bytes, is_complete
            if is_complete:  # the next message is the end of the connection, at any later time
                return await receive()
            if announced.isdecimal() and int(announced) > self.max_bytes:
                raise self._too_large(int(announced))
            take(int(announced) if announced.isdecimal() else num_bytes)
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise ProblemError(
                    408,
                    "slow-body",
                    f"expected the whole request within {self.timeout_s:g} s",
                    _CLOSE,
                ) from None
            num_bytes += len(message.get("body", b""))
            if num_bytes > self.max_bytes:
                raise self._too_large(num_bytes)
            take(num_bytes)
            is_complete = not message.get("more_body", False)
            return message

        try:
            await self.app(scope, limited, send)
        finally:
            self._num_taken -= num_own

    def _too_large(self, num_bytes: int) -> ProblemError:
        detail = f"expected at most {self.max_bytes:,} bytes, received {num_bytes:,} or more"
        return ProblemError(413, "too-large", detail, _CLOSE)
