"""Runs the application until it is told to stop."""

import logging
import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from inkread.web.application import create_app
from inkread.web.connections import LimitedRate, choose_max_connections, make_protocol
from inkread.web.middleware.access import JsonFormatter, log
from inkread.web.service import model_names
from inkread.web.settings import Settings

__all__ = ["run", "serve"]

_KEEP_ALIVE_S, _HEADER_TIMEOUT_S = 15, 10.0
_BACKLOG = 512


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; then requests in flight are finished, and no new ones taken.

    Logs JSON Lines to standard error; the first one says where the service listens.

    Args:
        settings: of the service.
        host: the address to listen on.
        port: 0: any that is free.

    Raises:
        OSError: the address can't be used.
        ModelError: the model can't be loaded.
        ConfigError: a setting out of range.
        StoreError: the database can't be used.
    """
    _log_json()
    app = create_app(settings)
    app.state.service.processes.start()  # before it listens: the first request needs one
    values = {
        "models": model_names(app.state.service.live.reader()),
        "corrections": settings.keep if settings.corrections else None,
    }
    run(app, host, port, values, settings.stop_timeout_s)


def run(
    app: FastAPI, host: str, port: int, values: dict[str, Any], stop_timeout_s: float = 30.0
) -> None:
    """Run an application until SIGTERM or Ctrl-C, as ``serve`` does.

    Args:
        app: the application.
        host: the address to listen on.
        port: 0: any that is free.
        values: logged with its address when it listens.
        stop_timeout_s: seconds that requests in flight get after the signal.

    Raises:
        OSError: the address can't be had.
    """
    _log_json()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=_BACKLOG) as listener:
        # Answers go out at once, also those of several packets; connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            app,
            http=make_protocol(_HEADER_TIMEOUT_S, choose_max_connections()),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="none",
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=round(stop_timeout_s),
        )
        address, at_port = listener.getsockname()[:2]
        shown = f"[{address}]" if family is socket.AF_INET6 else address
        url = f"http://{shown}:{at_port}"
        log.info("listening", extra={"values": {"url": url, **values}})
        uvicorn.Server(config).run(sockets=[listener])


def _log_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(LimitedRate())
    logging.captureWarnings(capture=True)
    for name in ("inkread", "uvicorn", "asyncio", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.INFO if name in ("inkread", "uvicorn") else logging.WARNING)
        logger.propagate = False
