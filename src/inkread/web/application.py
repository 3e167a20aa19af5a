"""The application: routes, middleware, and the pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

import inkread
from inkread.web.middleware import problems
from inkread.web.middleware.access import Access
from inkread.web.middleware.limits import BodyLimit
from inkread.web.middleware.security import Gate, TokenCheck
from inkread.web.routes import (
    classify_routes,
    correction_routes,
    health_routes,
    page_routes,
    picture_routes,
    read_routes,
)
from inkread.web.service import Service
from inkread.web.settings import Settings

__all__ = ["create_app"]

_ABOUT = """Reads handwritten digits and numbers in pictures.

Errors are problem details (RFC 9457). A service may ask for a bearer token. Every answer carries
`X-Request-ID`; a request may bring one of its own.
"""


def create_app(settings: Settings) -> FastAPI:
    """Make the application, load its model and open its store.

    Args:
        settings: of the service.

    Raises:
        ModelError: the model can't be loaded.
        ConfigError: a setting out of range.
        StoreError: the database can't be used.
    """
    service = Service.start(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="inkread",
        version=inkread.__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    problems.install(app)
    needed = [Depends(TokenCheck(settings.token))] if settings.token else []
    refusals = problems.describe_problems(401) if settings.token else {}
    app.include_router(health_routes.probe_router)
    routers = [
        health_routes.about_router,
        read_routes.router,
        picture_routes.router,
        classify_routes.router,
        correction_routes.router,
    ]
    shown = {"/": "index.html", "/review": "review.html", "/docs": "docs.html"}
    if settings.forms:
        from inkread.web.routes import form_routes

        routers.append(form_routes.router)
        shown["/forms"] = "forms.html"
    for router in routers:
        app.include_router(router, dependencies=needed, responses=refusals)
    page_routes.add_pages(app, shown)
    app.add_middleware(problems.UnexpectedErrors)
    app.add_middleware(BodyLimit, settings.max_body_bytes, settings.body_timeout_s)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Inkread-Person", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID", picture_routes.NUM_PAGES_HEADER],
        )
    app.add_middleware(Gate, settings)
    app.add_middleware(Access, service.metrics)  # the outermost: it sees every answer
    return app
