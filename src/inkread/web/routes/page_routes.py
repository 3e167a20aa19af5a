"""The web pages: static files of the package, which never mix two versions of it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import cast

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["add_pages"]

_API = "/v1/"
_MISSING = "missing.html"
_UNCHANGING = "public, max-age=31536000, immutable"

Page = Callable[[], Awaitable[Response]]


class _UnchangingFiles(StaticFiles):
    """Files whose address says which version they are of: browsers need not ask for them again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _UNCHANGING
        return response


def add_pages(app: FastAPI, shown: Mapping[str, str]) -> None:
    """Add pages, with the static files and sample pictures that they load, to an application.

    A page names its files with a hash of all of them, so that it never gets another version's.
    People who ask for a page that isn't there get one that says so.

    Args:
        app: the application; its errors are answered by ``problems.install``.
        shown: names of files in ``static``, by the paths of their pages.
    """
    folder = Path(str(resources.files("inkread.web") / "static"))
    version = _hash_files(folder)

    def render(name: str, base: str = "") -> str:
        page = (folder / name).read_text(encoding="utf-8").replace('="./', f'="{base}./')
        return page.replace('="static/', f'="{base}static/{version}/')

    def answer(name: str) -> Page:
        page = render(name)

        async def respond() -> Response:
            return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

        return respond

    def lead_to(path: str) -> Page:
        async def respond() -> Response:
            return RedirectResponse(f"..{path}")

        return respond

    for path, name in shown.items():
        app.add_api_route(path, answer(name), methods=["GET", "HEAD"], include_in_schema=False)
        if path != "/":
            slashed = f"{path}/"
            app.add_api_route(slashed, lead_to(path), methods=["GET"], include_in_schema=False)
    app.mount(f"/static/{version}", _UnchangingFiles(directory=folder))
    app.mount("/static", StaticFiles(directory=folder))
    forms = str(resources.files("inkread.forms") / "samples")
    app.mount("/samples/forms", StaticFiles(directory=forms))
    app.mount("/samples", StaticFiles(directory=str(resources.files("inkread") / "samples")))

    problem = app.exception_handlers[HTTPException]

    async def on_missing(request: Request, error: Exception) -> Response:
        path = request.url.path
        if path.startswith(_API) or "text/html" not in request.headers.get("accept", ""):
            return await cast("Awaitable[Response]", problem(request, error))
        return HTMLResponse(render(_MISSING, "../" * (path.count("/") - 1)), 404)

    app.add_exception_handler(404, on_missing)


def _hash_files(folder: Path) -> str:
    """Return a hash of all files of a folder, the same for the same files."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
