"""The files of other people's handwriting: where they are, and the arrays in them.

No file is part of this project; the folder is named by ``--pens`` or an environment variable.
"""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inkread.errors import DataError

__all__ = ["ARCHIVES", "FOLDER_VARIABLE", "Archive", "find_archive", "read_arrays"]

FOLDER_VARIABLE = "INKREAD_PENS"


@dataclass(frozen=True)
class Archive:
    """A ``.npz`` file of handwriting.

    Attributes:
        name: of the file.
        source: the public collection that it is made from.
        holds: what is in it, for messages.
    """

    name: str
    source: str
    holds: str


ARCHIVES = {
    "digits": Archive("unipen-digits.npz", "UNIPEN", "single digits"),
    "numbers": Archive("unipen-numbers.npz", "UNIPEN", "whole numbers"),
    "capitals": Archive("unipen-capitals.npz", "UNIPEN", "capital letters"),
    "small_letters": Archive("unipen-small-letters.npz", "UNIPEN", "small letters"),
    "symbols": Archive("unipen-symbols.npz", "UNIPEN", "symbols"),
    "pendigits": Archive("pendigits-train.npz", "pendigits", "single digits"),
    "scans": Archive("swiss-digits.npz", "the Swiss digits", "scanned digits"),
    "foreign": Archive("omniglot-small.npz", "Omniglot", "characters of other alphabets"),
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
            f"--pens DIR or set {FOLDER_VARIABLE}"
        )
    path = (folder or Path(named)) / archive.name
    if not path.exists():
        raise DataError(f"expected {archive.holds} of {archive.source}, found no file {path}")
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
