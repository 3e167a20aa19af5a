"""The files of other people's handwriting: where they are, and the arrays in them.

No file is part of this project: ``originals`` makes them from public collections, and the folder is
named by ``--pens`` or an environment variable.
"""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.files import replace_atomically

__all__ = [
    "ARCHIVES",
    "FOLDER_VARIABLE",
    "Archive",
    "find_archive",
    "read_arrays",
    "write_arrays",
]

FOLDER_VARIABLE = "INKREAD_PENS"


@dataclass(frozen=True)
class Archive:
    """A ``.npz`` file of handwriting.

    Attributes:
        name: of the file.
        source: the public collection that it is made from, as messages call it.
        original: the same as ``inkread data import`` calls it.
        holds: what is in it, for messages.
    """

    name: str
    source: str
    original: str
    holds: str


ARCHIVES = {
    "digits": Archive("unipen-digits.npz", "UNIPEN", "unipen", "single digits"),
    "numbers": Archive("unipen-numbers.npz", "UNIPEN", "unipen", "whole numbers"),
    "capitals": Archive("unipen-capitals.npz", "UNIPEN", "unipen", "capital letters"),
    "small_letters": Archive("unipen-small-letters.npz", "UNIPEN", "unipen", "small letters"),
    "symbols": Archive("unipen-symbols.npz", "UNIPEN", "unipen", "symbols"),
    "pendigits": Archive("pendigits-train.npz", "pendigits", "pendigits", "single digits"),
    "scans": Archive("swiss-digits.npz", "the Swiss digits", "swiss", "scanned digits"),
    "foreign": Archive(
        "omniglot-small.npz", "Omniglot", "omniglot", "characters of other alphabets"
    ),
}


def find_archive(key: str, folder: Path | None = None) -> Path:
    """Return the path of a file of handwriting.

    Args:
        key: one of ``ARCHIVES``.
        folder: with the files; ``None``: the environment variable INKREAD_PENS names it.

    Raises:
        DataError: no folder is known, or the file is not in it.
    """
    archive = ARCHIVES[key]
    named = os.environ.get(FOLDER_VARIABLE, "")
    if folder is None and not named:
        raise DataError(
            "expected a folder of other people's handwriting to train on, received none: give "
            f"--pens DIR or set {FOLDER_VARIABLE}; its files are made by inkread data import"
        )
    path = (folder or Path(named)) / archive.name
    if not path.exists():
        raise DataError(
            f"expected {archive.holds} of {archive.source}, found no file {path}: make it with "
            f"inkread data import {archive.original} SOURCE --out {path.parent}"
        )
    return path


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of a ``.npz`` file; never a pickled object.

    Raises:
        DataError: the file is missing, is no such file, or lacks one of them.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected a .npz file with {', '.join(names)}: {error!r}"
        ) from error


def write_arrays(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write arrays to a compressed ``.npz`` file, whole or not at all.

    Raises:
        OSError: the file can't be written.
    """
    with replace_atomically(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
