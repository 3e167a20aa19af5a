"""The web pages: static files of the package."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

__all__ = ["add_pages"]


def add_pages(app: FastAPI, shown: Mapping[str, str]) -> None:
    """Add pages, with the static files and sample pictures that they load, to an application.

    Args:
        app: the application.
        shown: names of files in ``static``, by the paths of their pages.
    """
    folder = Path(str(resources.files("inkread.web") / "static"))

    def page(name: str) -> Callable[[], Awaitable[FileResponse]]:
        async def respond() -> FileResponse:
            return FileResponse(folder / name, headers={"Cache-Control": "no-cache"})

        return respond

    for path, name in shown.items():
        app.add_api_route(path, page(name), methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/static", StaticFiles(directory=folder))
    app.mount("/samples", StaticFiles(directory=str(resources.files("inkread") / "samples")))
