"""The commands that need the extra [web]. Importing this module doesn't import it."""

import ipaddress
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from inkread.cli.form_commands import Out, TemplateFile
from inkread.cli.form_commands import app as form_app
from inkread.cli.usage import check_file, check_folder, wrong_usage
from inkread.errors import ConfigError

__all__ = ["app"]

app = typer.Typer()

_TOKEN_VARIABLE = "INKREAD_TOKEN"  # noqa: S105 - the name of a variable


class KeepChoice(StrEnum):
    """What is stored of a corrected picture."""

    GLYPH = "glyph"
    PICTURE = "picture"


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 is every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 is any free one.")] = 8000,
    model: Annotated[
        str, typer.Option(help="Name of a shipped model, or a model file; until one is promoted.")
    ] = "default",
    models: Annotated[
        Path | None, typer.Option(help="Folder of promoted models.", show_default=False)
    ] = None,
    corrections: Annotated[
        str | None,
        typer.Option(
            help="Store corrections here: sqlite:///FILE or postgresql://….", show_default=False
        ),
    ] = None,
    keep: Annotated[
        KeepChoice, typer.Option(help="What is stored of a corrected picture.")
    ] = KeepChoice.GLYPH,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help=f"File with the token that requests must carry; or set {_TOKEN_VARIABLE}.",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name that requests may call the service by.", show_default=False),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Web origin whose pages may use the service.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read; one a core if not given.")
    ] = None,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests that may wait; more are refused with 503.")
    ] = 12,
    worker_memory_mb: Annotated[
        float, typer.Option(min=50, help="Megabytes that each process may take to read.")
    ] = 400.0,
    max_body_mb: Annotated[
        float, typer.Option(min=0.01, help="Megabytes of a request, at most.")
    ] = 16.0,
    max_megapixels: Annotated[
        float, typer.Option(min=0.01, help="Megapixels of a picture, at most.")
    ] = 32.0,
    max_batch: Annotated[int, typer.Option(min=1, help="Glyphs of a request, at most.")] = 1024,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds to receive a request, and to answer it.")
    ] = 10.0,
) -> None:
    """Serve the page and the HTTP API."""
    from inkread.web.server import serve as run
    from inkread.web.settings import Settings

    chosen: dict[str, Any] = {"models": models, "workers": workers}
    token, hosts = _read_token(token_file), _list_hosts(host, allow_host or [])
    if not (token or hosts):
        raise typer.BadParameter(
            f"on {host} other machines, and other sites' pages under names of theirs, can use the "
            f"service: set a token (--token-file, {_TOKEN_VARIABLE}), or name it with --allow-host"
        )
    with wrong_usage():
        settings = Settings(
            model=model,
            token=token,
            hosts=hosts,
            origins=tuple(allow_origin or []),
            corrections=corrections,
            keep=keep.value,
            queue=queue,
            max_worker_bytes=round(worker_memory_mb * 1e6),
            max_body_bytes=round(max_body_mb * 1e6),
            max_megapixels=max_megapixels,
            max_batch=max_batch,
            body_timeout_s=timeout,
            work_timeout_s=timeout,
            **{name: value for name, value in chosen.items() if value is not None},
        )
    run(settings, host, port)


@form_app.command("review")
def review(
    template: TemplateFile,
    out: Out,
    crops: Annotated[
        Path | None,
        typer.Option(
            help="Where `form read --crops` saved pictures; else they are cut from the scans.",
            show_default=False,
        ),
    ] = None,
    corrections: Annotated[
        str | None,
        typer.Option(
            help="Store corrections here, to learn from: sqlite:///FILE or postgresql://….",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        KeepChoice, typer.Option(help="What is stored of a corrected field.")
    ] = KeepChoice.GLYPH,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 is any free one.")] = 8001,
) -> None:
    """Serve a page, for this machine alone, to correct a table's doubtful fields on."""
    from inkread.corrections.store import Store
    from inkread.forms.tables import SUFFIXES
    from inkread.forms.template import load
    from inkread.web.form_review import Review, create_app
    from inkread.web.server import run

    check_file(out, SUFFIXES)
    check_folder(crops)
    form = load(template)
    store = Store(corrections, keep.value) if corrections else None
    host = "127.0.0.1"
    app = create_app(Review.of_table(form, out, crops, store), _list_hosts(host, []))
    values = {"table": str(out), "corrections": keep.value if store else None}
    try:
        run(app, host, port, values)
    finally:
        if store:
            store.close()


def _read_token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(_TOKEN_VARIABLE) or None
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"expected a file with a token at {file}: {error}") from error


def _list_hosts(host: str, allowed: list[str]) -> tuple[str, ...]:
    """Return the host names that requests may use; those of this machine if it alone is served."""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    local = {host, "localhost", "127.0.0.1", "::1"} if is_local else set()
    return tuple(sorted(local | {name.lower() for name in allowed}))
