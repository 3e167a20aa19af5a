"""Handwriting of other people than MNIST's as pen strokes, to train on.

The strokes are those of UNIPEN train_r01_v07 (Guyon et al. 1994; International Unipen Foundation,
Zenodo 10.5281/zenodo.1195803, CC BY 4.0) and of UCI's Pen-Based Recognition of Handwritten Digits
(Alimoglu and Alpaydin 1996; CC BY 4.0).
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.training.handwriting.archives import find_archive, read_arrays, write_arrays

__all__ = [
    "BOX",
    "NUMBER_BOX",
    "PenSample",
    "PenStrokes",
    "Pens",
    "find_person",
    "is_validation",
    "load_pen_strokes",
    "load_pens",
    "read_pen_file",
    "write_pen_file",
]

BOX = 256  # the longer side of a character's box, in units of its points
NUMBER_BOX = 96  # the height of a whole number's box
_VALIDATION_SHARE = 8  # of so many writers, one is kept for validation
_NUMBER_CATEGORIES = ("7", "8")  # UNIPEN's, of whole numbers
_FOLDERS_OF_ONE = ("apa", "apb", "apc", "apd", "ape", "app")  # donors whose folders are persons
_DIGIT_LIKE = frozenset("OoQDlIiJjZzSsqgbBGyTtLUuVvYnrpPhCcade&")  # in somebody's hand
_LINE_LIKE = frozenset(".,-/=:;|_~'\"`^\\()!<>+?[]{}")  # dots, dashes and strokes, or near to them

Curve = npt.NDArray[np.float32]  # (N, 2): x, y, y down


@dataclass(frozen=True)
class PenSample:
    """Something that one person wrote with a pen on a tablet.

    Attributes:
        strokes: (N, 2) float32 each, x to the right and y down, in units of the sample's own box:
            its longer side is ``BOX`` units long, or its height ``NUMBER_BOX`` if it is a whole
            number.
        label: what is written.
        writer: donor and session; one person may have several sessions.
    """

    strokes: tuple[Curve, ...]
    label: str
    writer: str


@dataclass(frozen=True)
class Pens:
    """Pen strokes of many writers.

    Attributes:
        digits: single digits of UNIPEN's writers.
        pendigits: single digits of pendigits' writers, who are not told apart.
        numbers: whole numbers; labels have separators, and symbols and letters around them.
        letters: single letters and symbols that look like no digit and no separator.
    """

    digits: tuple[PenSample, ...]
    pendigits: tuple[PenSample, ...]
    numbers: tuple[PenSample, ...]
    letters: tuple[PenSample, ...]


@dataclass(frozen=True)
class PenStrokes:
    """Characters as strokes, of all writers.

    Attributes:
        strokes: of each character (P, 2) float32 each, x to the right, y down, in a box whose
            longer side is 1.
        by_writer: for each writer, the indices of its characters by label.
    """

    strokes: list[list[Curve]]
    by_writer: tuple[dict[str, list[int]], ...]

    def of(self, label: str, writer: int) -> list[int]:
        """Return the indices of a writer's characters of a label; may be empty."""
        return self.by_writer[writer].get(label, [])


def load_pens(folder: Path | None = None, *, validation: bool = False) -> Pens:
    """Load the pen strokes of the writers to train on, or of those kept for validation.

    Which writers are kept follows from their names; pendigits' are all for training.

    Args:
        folder: with the files of ``archives.ARCHIVES``; ``None``: the environment variable
            INKREAD_PENS names it.
        validation: load the writers that are kept for validation.

    Raises:
        DataError: no folder is known, or a file is missing or broken.
    """

    def load(key: str) -> tuple[PenSample, ...]:
        samples = read_pen_file(find_archive(key, folder))
        return tuple(each for each in samples if is_validation(each.writer) == validation)

    letters = load("capitals") + load("small_letters") + load("symbols")
    return Pens(
        digits=load("digits"),
        pendigits=() if validation else read_pen_file(find_archive("pendigits", folder)),
        numbers=load("numbers"),
        letters=tuple(each for each in letters if each.label not in _DIGIT_LIKE | _LINE_LIKE),
    )


def load_pen_strokes(folder: Path) -> PenStrokes:
    """Load the digits and letters of all writers.

    Raises:
        DataError: a file is missing or broken.
    """
    strokes: list[list[Curve]] = []
    writers: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for key in ("digits", "capitals", "small_letters", "pendigits"):
        for sample in read_pen_file(find_archive(key, folder)):
            together = np.concatenate(sample.strokes)
            low = together.min(axis=0)
            size = float(np.ptp(together, axis=0).max()) or 1.0
            writers[sample.writer][sample.label].append(len(strokes))
            strokes.append([(stroke - low) / np.float32(size) for stroke in sample.strokes])
    return PenStrokes(strokes, tuple(dict(own) for own in writers.values()))


def is_validation(writer: str) -> bool:
    """Return whether a writer's samples are kept for validation, whatever kind they are of.

    Args:
        writer: donor and session; a whole number's has UNIPEN's category between the two.
    """
    return zlib.crc32(find_person(writer).encode()) % _VALIDATION_SHARE == 0


def find_person(writer: str) -> str:
    """Return a name for the person who wrote in a session.

    Sessions of one folder may be of one person, and stay together; in folders of many people, as
    those of the donors ``ced``, ``ibm``, ``imp`` and ``pri`` are, a file is a person.

    Args:
        writer: donor and session; a whole number's has UNIPEN's category between the two.
    """
    parts = [part for part in writer.split("/") if part not in _NUMBER_CATEGORIES]
    return "/".join(parts[:-1] if parts[0] in _FOLDERS_OF_ONE else parts)


def read_pen_file(path: Path) -> tuple[PenSample, ...]:
    """Read a file of pen strokes, as ``write_pen_file`` makes it.

    Raises:
        DataError: it is missing or broken.
    """
    names = ("points", "strokes", "samples", "labels", "writer", "writers")
    arrays = read_arrays(path, names)
    points = arrays["points"].astype(np.float32)
    strokes, samples = (arrays[name].astype(np.int64) for name in ("strokes", "samples"))
    if (
        points.ndim != 2
        or strokes.sum() != len(points)
        or samples.sum() != len(strokes)
        or not len(samples) == len(arrays["labels"]) == len(arrays["writer"])
        or (len(samples) and arrays["writer"].max() >= len(arrays["writers"]))
    ):
        raise DataError(
            f"{path}: expected strokes that add up to its points, samples that add up to its "
            f"strokes, and a label and a writer for each sample, received {len(points)} points, "
            f"{strokes.sum()} in {len(strokes)} strokes, {samples.sum()} in {len(samples)} samples"
        )
    curves = np.split(points, np.cumsum(strokes)[:-1])
    return tuple(
        PenSample(tuple(curves[end - count : end]), str(label), str(arrays["writers"][writer]))
        for end, count, label, writer in zip(
            np.cumsum(samples), samples, arrays["labels"], arrays["writer"], strict=True
        )
    )


def write_pen_file(path: Path, samples: Iterable[PenSample]) -> None:
    """Write pen strokes as arrays of one compressed ``.npz`` file.

    ``points`` (P, 2) int16, ``strokes`` (S,) points of each stroke, ``samples`` (N,) strokes of
    each sample, ``labels`` (N,) text, ``writer`` (N,) an index into ``writers``.

    Raises:
        DataError: there are no samples.
        OSError: the file can't be written.
    """
    chosen = list(samples)
    if not chosen:
        raise DataError(f"{path.name}: expected samples to write, received none")
    writers = sorted({sample.writer for sample in chosen})
    number = {writer: index for index, writer in enumerate(writers)}
    strokes = [stroke for sample in chosen for stroke in sample.strokes]
    arrays = {
        "points": np.rint(np.concatenate(strokes)).astype(np.int16),
        "strokes": np.array([len(stroke) for stroke in strokes], np.uint16),
        "samples": np.array([len(sample.strokes) for sample in chosen], np.uint16),
        "labels": np.array([sample.label for sample in chosen]),
        "writer": np.array([number[sample.writer] for sample in chosen], np.uint16),
        "writers": np.array(writers),
    }
    write_arrays(path, arrays)
