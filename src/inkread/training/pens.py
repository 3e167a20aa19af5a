"""Pen strokes of real writers, read from files in the format of UNIPEN extracts."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inkread.errors import DataError

__all__ = ["PenStrokes", "load_pens"]

_FILES = ("unipen-digits", "unipen-capitals", "unipen-small-letters", "pendigits-train")


@dataclass(frozen=True)
class PenStrokes:
    """Characters as strokes.

    Attributes:
        strokes: of each character (P, 2) float32 each, x to the right, y down, in a box whose
            longer side is 1.
        by_writer: for each writer, the indices of its characters by label.
    """

    strokes: list[list[npt.NDArray[np.float32]]]
    by_writer: tuple[dict[str, list[int]], ...]

    def of(self, label: str, writer: int) -> list[int]:
        """Return the indices of a writer's characters of a label; may be empty."""
        return self.by_writer[writer].get(label, [])


def load_pens(directory: Path) -> PenStrokes:
    """Load the pen files in a folder.

    Raises:
        DataError: one is missing, or is not such a file.
    """
    strokes: list[list[npt.NDArray[np.float32]]] = []
    writers: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for name in _FILES:
        path = directory / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as data:
                points, lengths, counts = data["points"], data["strokes"], data["samples"]
                labels, owners, names = data["labels"], data["writer"], data["writers"]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{path}: expected a file of pen strokes: {error}") from error
        pieces = np.split(points.astype(np.float32), np.cumsum(lengths)[:-1])
        start = 0
        for count, label, owner in zip(counts, labels, owners, strict=True):
            own = pieces[start : start + int(count)]
            start += int(count)
            together = np.concatenate(own)
            low = together.min(axis=0)
            size = float(np.ptp(together, axis=0).max()) or 1.0
            writers[str(names[owner])][str(label)].append(len(strokes))
            strokes.append([(piece - low) / np.float32(size) for piece in own])
    return PenStrokes(strokes, tuple(dict(own) for own in writers.values()))
