"""Refuses bodies that are too large or too slow, while they arrive."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkread.web.middleware.problems import ProblemError

__all__ = ["BodyLimit"]

# The rest of the body stays unread, so the connection can't be used for another request.
_CLOSE = {"Connection": "close"}


class BodyLimit:
    """ASGI middleware: bounds the bytes of a request's body, and the time it takes to arrive.

    The problem is raised where the body is read, so that it is answered as any other.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, timeout_s: float) -> None:
        """Wrap an application."""
        self.app = app
        self.max_bytes = max_bytes
        self.timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self.timeout_s
        announced = Headers(scope=scope).get("content-length", "")
        num_bytes = 0
        is_complete = False

        async def limited() -> Message:
            nonlocal num_bytes, is_complete
            if is_complete:  # the next message is the end of the connection, at any later time
                return await receive()
            if announced.isdecimal() and int(announced) > self.max_bytes:
                raise self._too_large(int(announced))
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
            is_complete = not message.get("more_body", False)
            return message

        await self.app(scope, limited, send)

    def _too_large(self, num_bytes: int) -> ProblemError:
        detail = f"expected at most {self.max_bytes:,} bytes, received {num_bytes:,} or more"
        return ProblemError(413, "too-large", detail, _CLOSE)
