"""The application: routes, middleware, and the page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

import inkread
from inkread.web import corrections, glyphs, health, problems, reading
from inkread.web.access import Access
from inkread.web.limits import BodyLimit
from inkread.web.security import Gate, TokenCheck
from inkread.web.service import Service
from inkread.web.settings import Settings

__all__ = ["create_app"]

_ABOUT = """Reads handwritten digits and numbers in pictures.

Errors are problem details (RFC 9457). A service may ask for a bearer token. Every answer carries
`X-Request-ID`; a request may bring one of its own.
"""


def create_app(settings: Settings) -> FastAPI:
    """Make the application; its model is loaded and its store opened here.

    Args:
        settings: what it is set to.

    Raises:
        ModelError: the model can't be loaded.
        ConfigError: a setting that can't be.
        StoreError: the database can't be used.
    """
    service = Service.started(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="inkread",
        version=inkread.__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    problems.install(app)
    needed = [Depends(TokenCheck(settings.token))] if settings.token else []
    refusals = problems.documented(401) if settings.token else {}
    app.include_router(health.probe_router)
    for router in (health.about_router, reading.router, glyphs.router, corrections.router):
        app.include_router(router, dependencies=needed, responses=refusals)
    _add_pages(app)
    app.add_middleware(problems.Bugs)
    app.add_middleware(BodyLimit, settings.max_body_bytes, settings.body_timeout_s)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Inkread-Person", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    app.add_middleware(Gate, settings)
    app.add_middleware(Access, service.metrics)  # the outermost: it sees every answer
    return app


def _add_pages(app: FastAPI) -> None:
    folder = Path(str(resources.files("inkread.web") / "static"))

    def page(name: str) -> Callable[[], Awaitable[FileResponse]]:
        async def respond() -> FileResponse:
            return FileResponse(folder / name, headers={"Cache-Control": "no-cache"})

        return respond

    for path, name in (("/", "index.html"), ("/review", "review.html")):
        app.add_api_route(path, page(name), methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/static", StaticFiles(directory=folder))
