"""Checks bearer tokens, host names and origins, and sets security headers for browsers."""

import hmac
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkread.web.middleware.problems import ProblemError, problem_response
from inkread.web.settings import Settings

__all__ = ["Gate", "TokenCheck"]

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_BEARER = HTTPBearer(auto_error=False, description="The service's token, if it has one.")


class TokenCheck:
    """A FastAPI dependency that refuses requests without the token."""

    def __init__(self, token: str) -> None:
        """Set the token."""
        self._token = token.encode()

    def __call__(
        self, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> None:
        """Check one request.

        Raises:
            ProblemError: no token, or another one.
        """
        received = credentials.credentials.encode() if credentials else b""
        if not hmac.compare_digest(received, self._token):
            raise ProblemError(
                401,
                "unauthorized",
                "expected the header Authorization: Bearer with the service's token",
                {"WWW-Authenticate": "Bearer"},
            )


class Gate:
    """ASGI middleware: refuses unknown host names and other sites' pages, and sets headers.

    Pages of other sites can make a browser send forms here (cross-site request forgery), and can
    point a name of theirs at this host (DNS rebinding). Both are refused, even without a token.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Wrap an application."""
        self.app = app
        self.hosts = settings.hosts
        self.origins = settings.origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._find_refusal(scope["method"], headers)
        if refusal:
            response = problem_response(scope["state"]["request_id"], *refusal)
            await response(scope, receive, with_headers)
        else:
            await self.app(scope, receive, with_headers)

    def _find_refusal(self, method: str, headers: Headers) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if self.hosts and _host_name(host) not in self.hosts:
            detail = "expected one of the service's names in the header Host (--allow-host)"
            return 421, "host", detail
        origin = headers.get("origin")
        if origin is None or method in _SAFE_METHODS or origin in self.origins:
            return None
        if origin.partition("://")[2] == host:
            return None
        return 403, "cross-site", "expected a request from the service's own page"


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
