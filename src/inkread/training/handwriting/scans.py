"""Handwriting of other people than MNIST's as pictures, to train on: digits and what is none.

The digits are the Swiss ones of kensanata/numbers (CC0); the other characters are those of Omniglot
(Lake, Salakhutdinov and Tenenbaum 2015; MIT licence).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.training.handwriting.archives import find_archive, read_arrays

__all__ = ["Scans", "load_foreign", "load_scans"]

_VALIDATION_SHARE = 8  # of so many writers, one is kept for validation

# Characters of Omniglot's alphabets that may be taken for a digit, by their numbers; chosen by eye.
_LOOKALIKES = {
    "Balinese": (5, 14),
    "Early_Aramaic": tuple(range(1, 23)),
    "Greek": (2, 3, 4, 6, 8, 9, 11, 13, 14, 15, 17, 18, 19, 20, 21),
    "Japanese_(katakana)": (
        1, 2, 4, 9, 12, 13, 22, 24, 27, 30, 32, 36, 37, 38, 39, 41, 43, 45, 46,
    ),
    "Korean": (5, 9, 14, 20, 21, 22, 24, 27, 28, 33, 37),
    "Latin": (1, 2, 3, 7, 8, 9, 10, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 25, 26),
    "Sanskrit": (5, 11, 12, 13, 14, 27, 36, 37, 41),
    "Tagalog": (3, 4, 7, 8, 16),
}  # fmt: skip


@dataclass(frozen=True)
class Scans:
    """Scanned digits.

    Attributes:
        images: (N, H, W) uint8, dark ink on light paper.
        labels: (N,) uint8, 0 to 9.
        writers: (N,) uint16, a number for each person.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    writers: npt.NDArray[np.uint16]


def load_scans(folder: Path | None = None, *, validation: bool = False) -> Scans:
    """Load scanned digits of the writers to train on, or of those kept for validation.

    An eighth of the writers is kept, the last ones.

    Args:
        folder: with the files of ``archives.ARCHIVES``; ``None``: the environment variable
            INKREAD_PENS names it.
        validation: load the writers that are kept for validation.

    Raises:
        DataError: no folder is known, or the file is missing or broken.
    """
    path = find_archive("scans", folder)
    arrays = read_arrays(path, ("images", "labels", "writer"))
    images, labels, writers = (arrays[name] for name in ("images", "labels", "writer"))
    if (
        images.ndim != 3
        or images.dtype != np.uint8
        or not len(images) == len(labels) == len(writers) > 0
        or labels.max() > 9
    ):
        raise DataError(
            f"{path}: expected images (N, H, W) uint8 with as many labels from 0 to 9 and writers, "
            f"received {images.shape} {images.dtype}, {labels.shape} and {writers.shape}"
        )
    people = np.unique(writers)
    kept = people[-max(1, round(len(people) / _VALIDATION_SHARE)) :]
    chosen = np.isin(writers, kept) == validation
    return Scans(images[chosen], labels[chosen].astype(np.uint8), writers[chosen].astype(np.uint16))


def load_foreign(folder: Path | None = None, *, validation: bool = False) -> npt.NDArray[np.uint8]:
    """Load characters of other alphabets, which are no digits.

    Characters that somebody might take for a digit are left out.

    Args:
        folder: with the files of ``archives.ARCHIVES``; ``None``: the environment variable
            INKREAD_PENS names it.
        validation: load those of the drawers that are kept for validation.

    Returns:
        (N, 105, 105) uint8, ink 255 on paper 0.

    Raises:
        DataError: no folder is known, or the file is missing or broken.
    """
    path = find_archive("foreign", folder)
    arrays = read_arrays(path, ("ink", "drawer", "label_id", "labels"))
    packed, drawers, label_ids = (arrays[name] for name in ("ink", "drawer", "label_id"))
    if (
        packed.ndim != 3
        or packed.shape[2] != -(-packed.shape[1] // 8)
        or not len(packed) == len(drawers) == len(label_ids) > 0
        or label_ids.max() >= len(arrays["labels"])
    ):
        raise DataError(
            f"{path}: expected ink (N, H, W / 8) of packed bits, H and W alike, with as many "
            f"drawers and labels, received {packed.shape}, {drawers.shape} and {label_ids.shape}"
        )
    side = packed.shape[1]
    ink = np.unpackbits(packed.astype(np.uint8), axis=2)[:, :, :side] * np.uint8(255)  # (N, H, W)
    lookalikes = [
        f"{alphabet}/character{number:02d}"
        for alphabet, numbers in _LOOKALIKES.items()
        for number in numbers
    ]
    is_clear = ~np.isin(arrays["labels"], lookalikes)[label_ids]
    is_kept = drawers % _VALIDATION_SHARE == 0
    return np.asarray(ink[(is_kept == validation) & is_clear])
