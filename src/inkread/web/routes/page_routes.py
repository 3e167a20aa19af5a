"""The pages: files of the package, sent as they are."""

from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

__all__ = ["add"]


def add(app: FastAPI, shown: Mapping[str, str]) -> None:
    """Add pages, and what they load, to an application.

    Args:
        app: the application.
        shown: names of files in ``static`` by the paths they are shown at.
    """
    folder = Path(str(resources.files("inkread.web") / "static"))

    def page(name: str) -> Callable[[], Awaitable[FileResponse]]:
        async def respond() -> FileResponse:
            return FileResponse(folder / name, headers={"Cache-Control": "no-cache"})

        return respond

    for path, name in shown.items():
        app.add_api_route(path, page(name), methods=["GET", "HEAD"], include_in_schema=False)
    app.mount("/static", StaticFiles(directory=folder))
