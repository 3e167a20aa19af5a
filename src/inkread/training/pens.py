"""Handwriting of other people than MNIST's, to train on: pen strokes, scans, foreign characters.

The files are made from public originals by ``inkread data import``; none of them is part of this
project. Sources and licences: UNIPEN train_r01_v07 (International Unipen Foundation, Zenodo
10.5281/zenodo.1195803, CC BY 4.0), UCI Pen-Based Recognition of Handwritten Digits (CC BY 4.0), the
Swiss digits of kensanata/numbers (CC0), Omniglot (MIT).
"""

import os
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.files import replacing

__all__ = [
    "FOLDER_VARIABLE",
    "PEN_FILES",
    "PenFile",
    "PenSample",
    "Pens",
    "Scans",
    "is_validation",
    "load_foreign",
    "load_pens",
    "load_scans",
    "read_pen_file",
    "write_pen_file",
]

FOLDER_VARIABLE = "INKREAD_PENS"
BOX = 256  # the longer side of a sample's box, in units of its points
NUMBER_BOX = 96  # the height of a whole number's box
_VALIDATION_SHARE = 8  # of so many writers, one is kept for validation
_NUMBER_CATEGORIES = ("7", "8")
_FOLDERS_OF_ONE = ("apa", "apb", "apc", "apd", "ape", "app")  # donors whose folders are persons
_DIGIT_LIKE = frozenset(
    "OoQDlIiJjZzSsqgbBGyTtLUuVvYnrpPhCcade&"
)  # may look like a digit in some hand
_LINE_LIKE = frozenset(".,-/=:;|_~'\"`^\\()!<>+?[]{}")  # dots, dashes and strokes, or near to them

# Characters of Omniglot's alphabets that may be taken for a digit; chosen by eye.
_LOOKALIKES = {
    "Balinese": (5, 14),
    "Early_Aramaic": tuple(range(1, 23)),
    "Greek": (2, 3, 4, 6, 8, 9, 11, 13, 14, 15, 17, 18, 19, 20, 21),
    "Japanese_(katakana)": (
        1, 2, 4, 9, 12, 13, 22, 24, 27, 30, 32, 36, 37, 38, 39, 41, 43, 45, 46,
    ),
    "Korean": (5, 9, 20, 21, 22, 24, 27, 28, 33, 14, 37),
    "Latin": (1, 2, 3, 7, 8, 9, 10, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 25, 26),
    "Sanskrit": (5, 11, 12, 13, 14, 27, 36, 37, 41),
    "Tagalog": (3, 4, 7, 8, 16),
}  # fmt: skip

Curve = npt.NDArray[np.float32]  # (N, 2): x, y, y down


@dataclass(frozen=True)
class PenSample:
    """Something that one person wrote with a pen on a tablet.

    Attributes:
        strokes: (N, 2) float32 each, x to the right and y down, in units of the sample's own box:
            its longer side is 256 units long, or its height 96 if it is a whole number.
        label: what is written.
        writer: donor and session; one person may have several sessions.
    """

    strokes: tuple[Curve, ...]
    label: str
    writer: str


@dataclass(frozen=True)
class PenFile:
    """What a file of pen strokes is called, and what it holds."""

    name: str
    source: str
    holds: str


PEN_FILES = {
    "digits": PenFile("unipen-digits.npz", "unipen", "single digits"),
    "numbers": PenFile("unipen-numbers.npz", "unipen", "whole numbers"),
    "capitals": PenFile("unipen-capitals.npz", "unipen", "capital letters"),
    "small_letters": PenFile("unipen-small-letters.npz", "unipen", "small letters"),
    "symbols": PenFile("unipen-symbols.npz", "unipen", "symbols"),
    "pendigits": PenFile("pendigits-train.npz", "pendigits", "single digits"),
}
_SCANS = PenFile("swiss-digits.npz", "swiss", "scanned digits")
_FOREIGN = PenFile("omniglot-small.npz", "omniglot", "characters of other alphabets")


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
class Scans:
    """Scanned digits.

    Attributes:
        images: (N, H, W) uint8, dark ink on light paper.
        labels: (N,) uint8, 0 to 9.
        writers: (N,) uint8, a number for each person.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    writers: npt.NDArray[np.uint8]


def load_pens(folder: Path | None = None, *, validation: bool = False) -> Pens:
    """Load the pen strokes of the writers to train on, or of those kept for validation.

    Which writers are kept follows from their names; pendigits' are all for training.

    Args:
        folder: with the files of ``PEN_FILES``; ``None``: the environment variable INKREAD_PENS.
        validation: the other writers.

    Raises:
        DataError: no folder is known, or a file is missing or broken.
    """
    place = _folder(folder)
    found = {
        key: read_pen_file(_existing(place, each))
        for key, each in PEN_FILES.items()
        if not (validation and key == "pendigits")
    }
    kept = {
        key: tuple(sample for sample in samples if is_validation(sample.writer) == validation)
        for key, samples in found.items()
        if key != "pendigits"
    }
    letters = kept["capitals"] + kept["small_letters"] + kept["symbols"]
    return Pens(
        digits=kept["digits"],
        pendigits=found.get("pendigits", ()),
        numbers=kept["numbers"],
        letters=tuple(each for each in letters if each.label not in _DIGIT_LIKE | _LINE_LIKE),
    )


def load_scans(folder: Path | None = None, *, validation: bool = False) -> Scans:
    """Load scanned digits; arguments and errors as for ``load_pens``."""
    path = _existing(_folder(folder), _SCANS)
    arrays = _arrays(path, ("images", "labels", "writer"))
    images, labels, writers = (arrays[name] for name in ("images", "labels", "writer"))
    if (
        images.ndim != 3
        or images.dtype != np.uint8
        or not len(images) == len(labels) == len(writers)
    ):
        raise DataError(
            f"{path}: expected images (N, H, W) uint8 with as many labels and writers, received "
            f"{images.shape} {images.dtype}, {labels.shape} and {writers.shape}"
        )
    # The last writers are kept: about as many of the images as of UNIPEN's writers.
    kept = np.unique(writers)[-max(1, round(len(np.unique(writers)) / _VALIDATION_SHARE)) :]
    chosen = np.isin(writers, kept) == validation
    return Scans(images[chosen], labels[chosen].astype(np.uint8), writers[chosen].astype(np.uint8))


def load_foreign(folder: Path | None = None, *, validation: bool = False) -> npt.NDArray[np.uint8]:
    """Load characters of other alphabets, which are no digits; errors as for ``load_pens``.

    Characters that somebody might take for a digit are left out.

    Args:
        folder: as for ``load_pens``.
        validation: those of the drawers kept for validation.

    Returns:
        (N, 105, 105) uint8, ink 255 on paper 0.
    """
    path = _existing(_folder(folder), _FOREIGN)
    arrays = _arrays(path, ("ink", "drawer", "label_id", "labels"))
    side = arrays["ink"].shape[1]
    ink = np.unpackbits(arrays["ink"].astype(np.uint8), axis=2)[:, :, :side] * np.uint8(255)
    lookalikes = {
        f"{alphabet}/character{number:02d}"
        for alphabet, numbers in _LOOKALIKES.items()
        for number in numbers
    }
    is_clear = ~np.isin(arrays["labels"], sorted(lookalikes))[arrays["label_id"]]
    chosen = ((arrays["drawer"] % _VALIDATION_SHARE == 0) == validation) & is_clear
    return np.asarray(ink[chosen])


def is_validation(writer: str) -> bool:
    """Whether a writer's samples are kept for validation, whatever kind they are of.

    Sessions of one folder may be of one person, and stay together; in folders of many people, as
    those of the donors ``ced``, ``ibm``, ``imp`` and ``pri`` are, a file is a person.

    Args:
        writer: donor and session; a whole number's has UNIPEN's category between the two.
    """
    parts = [part for part in writer.split("/") if part not in _NUMBER_CATEGORIES]
    person = "/".join(parts[:-1] if parts[0] in _FOLDERS_OF_ONE else parts)
    return zlib.crc32(person.encode()) % _VALIDATION_SHARE == 0


def read_pen_file(path: Path) -> tuple[PenSample, ...]:
    """Read a file of pen strokes, as ``write_pen_file`` makes it.

    Raises:
        DataError: it is missing or broken.
    """
    names = ("points", "strokes", "samples", "labels", "writer", "writers")
    arrays = _arrays(path, names)
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
    ends = np.cumsum(samples)
    return tuple(
        PenSample(tuple(curves[end - count : end]), str(label), str(arrays["writers"][writer]))
        for end, count, label, writer in zip(
            ends, samples, arrays["labels"], arrays["writer"], strict=True
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
    with replacing(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def _folder(folder: Path | None) -> Path:
    chosen = folder or Path(os.environ.get(FOLDER_VARIABLE, ""))
    if not str(chosen) or chosen == Path():
        raise DataError(
            "expected a folder of other people's handwriting to train on, received none: give "
            f"--pens DIR or set {FOLDER_VARIABLE}; inkread data import makes its files from "
            "UNIPEN, pendigits, the Swiss digits and Omniglot"
        )
    return chosen


def _existing(folder: Path, file: PenFile) -> Path:
    path = folder / file.name
    if not path.exists():
        raise DataError(
            f"expected {file.holds} in {path}, found no such file: make it with inkread data "
            f"import {file.source} SOURCE --out {folder}"
        )
    return path


def _arrays(path: Path, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: expected a .npz file with {', '.join(names)}: {error!r}"
        ) from error
