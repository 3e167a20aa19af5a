"""Answers errors with problem details (RFC 9457), which never hold a traceback or a secret."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkread.errors import ConfigError, DataError, ImageError, StoreError

__all__ = [
    "Invalid",
    "Problem",
    "ProblemError",
    "UnexpectedErrors",
    "describe_problems",
    "install",
    "problem_response",
]

log = logging.getLogger("inkread.web")

MEDIA_TYPE = "application/problem+json"
_TITLES = {
    400: "Not a request that can be understood",
    401: "A token is needed",
    403: "Not from here",
    404: "Not found",
    405: "Not with this method",
    408: "The request took too long to arrive",
    409: "In conflict with what is there",
    413: "Too large",
    415: "Not a type that can be read",
    421: "Not a name of this service",
    422: "Not as expected",
    500: "Something went wrong here",
    503: "Busy",
    504: "Took too long",
}


class Invalid(BaseModel):
    """One value that is not as expected."""

    where: list[str | int] = Field(examples=[["query", "min_confidence"]])
    message: str = Field(examples=["Input should be less than or equal to 1"])


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="A URN that stands for the kind of problem, or `about:blank`.")
    title: str
    status: int
    detail: str
    request_id: str = Field(description="As in the header `X-Request-ID`, and in the logs.")
    errors: list[Invalid] = Field(default_factory=list)


class ProblemError(HTTPException):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - members of JSON
    ) -> None:
        """Say what was expected and what was received.

        Args:
            status: of HTTP.
            kind: a word or two that identify the problem to programs, joined by hyphens.
            detail: a sentence for people.
            headers: to send along.
            more: ``errors`` as for ``problem_response``, and further members of the problem.
        """
        super().__init__(status, detail, headers)
        self.kind = kind
        self.more = more


def problem_response(
    request_id: str,
    status: int,
    kind: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, Any]] | None = None,
    **members: Any,  # noqa: ANN401 - of JSON
) -> JSONResponse:
    """Return a problem as a response.

    Args:
        request_id: of the request that failed.
        status: of HTTP.
        kind: as for ``ProblemError``; empty if the status says it all.
        detail: a sentence for people.
        headers: to send along.
        errors: the values that are not as expected, each with ``where`` and ``message``.
        members: further members of this kind of problem.
    """
    content = {
        **members,
        "type": f"urn:inkread:problem:{kind}" if kind else "about:blank",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "request_id": request_id,
        "errors": errors or [],
    }
    return JSONResponse(content, status, dict(headers or {}), MEDIA_TYPE)


def describe_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe problems for OpenAPI, each with an example."""
    return {
        status: {
            "description": _TITLES[status],
            "content": {MEDIA_TYPE: {"schema": _REFERENCE, "example": _example(status)}},
        }
        for status in statuses
    }


_REFERENCE = {"$ref": "#/components/schemas/Problem"}
_EXAMPLES = {
    400: ("", "There was an error parsing the body"),
    401: ("unauthorized", "expected the header Authorization: Bearer with the service's token"),
    403: ("cross-site", "expected a request from the service's own page"),
    404: ("not-found", "there is no correction with this id"),
    408: ("slow-body", "expected the whole request within 10 s"),
    413: ("too-large", "expected at most 16,000,000 bytes, received 20,000,000"),
    415: ("media-type", "expected a picture or a form with a picture, received text/plain"),
    421: ("host", "expected one of the service's names in the header Host"),
    422: ("picture", "the picture can't be decoded: image file is truncated"),
    503: ("busy", "every worker is busy and the queue is full"),
    504: ("timeout", "expected to be done within 10 s"),
}


def _example(status: int) -> dict[str, Any]:
    kind, detail = _EXAMPLES[status]
    return {
        "type": f"urn:inkread:problem:{kind}" if kind else "about:blank",
        "title": _TITLES[status],
        "status": status,
        "detail": detail,
        "request_id": "0f8fad5bd9cb469fa165",
        "errors": [],
    }


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem, and describe problems in OpenAPI."""

    def openapi() -> dict[str, Any]:
        document = FastAPI.openapi(app)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:  # nothing answers with it in FastAPI's own sense
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs") | {"Problem": problem}
        return document

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
        kind = getattr(error, "kind", "")
        more = getattr(error, "more", {})
        return _respond(
            request, error.status_code, kind, str(error.detail), headers=error.headers, **more
        )

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
        errors = [{"where": list(each["loc"]), "message": each["msg"]} for each in error.errors()]
        detail = "; ".join(f"{'.'.join(map(str, e['where']))}: {e['message']}" for e in errors)
        return _respond(request, 422, "invalid", detail, errors=errors)

    async def on_picture(request: Request, error: Exception) -> JSONResponse:
        return _respond(request, 422, "picture", str(error))

    async def on_setting(request: Request, error: Exception) -> JSONResponse:
        return _respond(request, 422, "invalid", str(error))

    async def on_store(request: Request, error: Exception) -> JSONResponse:
        log.error("the store failed", extra={"values": {"why": str(error)}})
        detail = "the corrections' database can't be used now"
        return _respond(request, 503, "store", detail, headers={"Retry-After": "5"})

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation does it
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(ImageError, on_picture)
    app.add_exception_handler(ConfigError, on_setting)
    app.add_exception_handler(DataError, on_setting)
    app.add_exception_handler(StoreError, on_store)


class UnexpectedErrors:
    """ASGI middleware: answers unexpected errors with a problem, and logs them."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http" or has_begun:
                raise
            request_id = scope["state"]["request_id"]
            log.exception("an unexpected error", extra={"values": {"request_id": request_id}})
            detail = "an error of the service's own; its log has it under this request_id"
            await problem_response(request_id, 500, "internal", detail)(scope, receive, send)


def _respond(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    **more: Any,  # noqa: ANN401 - as problem_response takes it
) -> JSONResponse:
    return problem_response(request.state.request_id, status, kind, detail, **more)
