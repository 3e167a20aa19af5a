"""Public originals of other people's handwriting, made into the files that trainings read.

Nothing is downloaded: whoever wants the files gets the originals from their publishers, under their
licences, and names the folders.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.files import replacing
from inkread.training.pens import BOX, NUMBER_BOX, PEN_FILES, PenSample, write_pen_file
from inkread.training.unipen import Segment, read_segments

__all__ = [
    "IMPORTS",
    "Imported",
    "import_omniglot",
    "import_pendigits",
    "import_swiss",
    "import_unipen",
]

# The folders of UNIPEN's train_r01_v07: what each holds.
_CATEGORIES = {"1a": "digits", "1b": "capitals", "1c": "small_letters", "1d": "symbols"}
_NUMBER_CATEGORIES = ("7", "8")
_NUM_PENDIGITS = 7494  # of pendigits-orig.tra
_NEAREST = 4.0  # units between two points that are kept: BOX units are a sample's longer side
_SWISS_PX = 40
_OMNIGLOT_PX = 105
_LONGEST_NUMBER = 19  # characters


@dataclass(frozen=True)
class Imported:
    """What an import wrote.

    Attributes:
        path: the file.
        count: samples in it.
        skipped: how many were left out, by reason.
    """

    path: Path
    count: int
    skipped: dict[str, int]

    @property
    def summary(self) -> str:
        """One line for people."""
        left_out = ", ".join(f"{count:,} {why}" for why, count in sorted(self.skipped.items()))
        return f"{self.path}: {self.count:,} samples" + (
            f"; left out: {left_out}" if left_out else ""
        )


def import_unipen(sources: Sequence[Path], out: Path) -> list[Imported]:
    """Import UNIPEN: isolated characters and whole numbers.

    Args:
        sources: folders of train_r01_v07, each with ``data`` (1a, 1b, 1c, 1d, 7 and 8, in which
            each donor has a folder) and ``include``.
        out: the folder to write to.

    Raises:
        DataError: a folder is not as expected, a file is broken, or nothing is found.
        OSError: a file can't be written.
    """
    collected = _Collected()
    for source in sources:
        data = source / "data"
        if not data.is_dir():
            raise DataError(f"expected the folder train_r01_v07 of UNIPEN, found no {data}")
        includes = source / "include"
        for category, kind in _CATEGORIES.items():
            for writer, segments, left_out in _categorised(data / category, includes):
                collected.add(kind, writer, segments, left_out)
        for category in _NUMBER_CATEGORIES:
            for writer, segments, left_out in _categorised(data / category, includes):
                donor, _, session = writer.partition("/")
                collected.add("numbers", f"{donor}/{category}/{session}", segments, left_out)
    if not collected.samples:
        raise DataError(
            f"expected characters of UNIPEN's categories {sorted(_CATEGORIES)} in "
            f"{', '.join(map(str, sources))}, found none"
        )
    return [
        _written(out, kind, samples, collected.skipped[kind])
        for kind, samples in collected.samples.items()
    ]


def import_pendigits(sources: Sequence[Path], out: Path) -> list[Imported]:
    """Import pendigits' original trajectories, pendigits-orig.tra of UCI, unpacked; see above."""
    samples: list[PenSample] = []
    skipped: Counter[str] = Counter()
    for source in sources:
        segments, left_out = read_segments(source)
        skipped["without a label or strokes"] += left_out
        for segment in segments:
            if segment.label in "0123456789" and len(segment.label) == 1:
                samples.append(_sample(segment, "pendigits/train", BOX))
            else:
                skipped["no digits"] += 1
    result = _written(out, "pendigits", samples, skipped)
    if result.count != _NUM_PENDIGITS:
        missing = _NUM_PENDIGITS - result.count
        result = Imported(
            result.path, result.count, {**result.skipped, "of pendigits-orig.tra missing": missing}
        )
    return [result]


def import_swiss(sources: Sequence[Path], out: Path) -> list[Imported]:
    """Import the Swiss digits, a checkout of kensanata/numbers: WRITER/DIGIT/*.png; see above."""
    images, labels, writers = [], [], []
    skipped: Counter[str] = Counter()
    people = [
        folder
        for source in sources
        for folder in sorted(source.iterdir() if source.is_dir() else ())
        if folder.is_dir() and any((folder / str(digit)).is_dir() for digit in range(10))
    ]
    for number, person in enumerate(people):
        for digit in range(10):
            for path in sorted((person / str(digit)).glob("*.png")):
                grey = _grey(path)
                if grey is None:
                    skipped["unreadable"] += 1
                    continue
                images.append(_squared(grey, _SWISS_PX))
                labels.append(digit)
                writers.append(number)
    if not images:
        raise DataError(
            "expected folders WRITER/DIGIT with .png files, as kensanata/numbers has them, in "
            f"{', '.join(map(str, sources))}, found none"
        )
    arrays: dict[str, npt.NDArray[Any]] = {
        "images": np.stack(images),
        "labels": np.array(labels, np.uint8),
        "writer": np.array(writers, np.uint8),
    }
    return [_saved(out / "swiss-digits.npz", arrays, len(images), skipped)]


def import_omniglot(sources: Sequence[Path], out: Path) -> list[Imported]:
    """Import Omniglot: folders ALPHABET/CHARACTER/*_DRAWER.png, as its archives hold; see above."""
    ink, names, drawers = [], [], []
    skipped: Counter[str] = Counter()
    for path in sorted(path for source in sources for path in source.glob("*/*/*_*.png")):
        grey = _grey(path)
        drawer = path.stem.rpartition("_")[2]
        if grey is None or grey.shape != (_OMNIGLOT_PX, _OMNIGLOT_PX) or not drawer.isdigit():
            skipped[f"not {_OMNIGLOT_PX} px square pictures of a numbered drawer"] += 1
            continue
        ink.append(np.packbits(grey < 128, axis=1))
        names.append("/".join(path.parts[-3:-1]))
        drawers.append(int(drawer))
    if not ink:
        raise DataError(
            "expected folders ALPHABET/CHARACTER with .png files, as Omniglot has them, in "
            f"{', '.join(map(str, sources))}, found none"
        )
    labels, label_id = np.unique(names, return_inverse=True)
    arrays: dict[str, npt.NDArray[Any]] = {
        "ink": np.stack(ink),
        "label_id": label_id.astype(np.uint16),
        "labels": labels,
        "drawer": np.array(drawers, np.uint8),
    }
    return [_saved(out / "omniglot-small.npz", arrays, len(ink), skipped)]


IMPORTS: dict[str, Callable[[Sequence[Path], Path], list[Imported]]] = {
    "unipen": import_unipen,
    "pendigits": import_pendigits,
    "swiss": import_swiss,
    "omniglot": import_omniglot,
}


class _Collected:
    """Samples of each kind, and how many were left out, by reason."""

    def __init__(self) -> None:
        self.samples: dict[str, list[PenSample]] = {}
        self.skipped: dict[str, Counter[str]] = {}

    def add(self, kind: str, writer: str, segments: Sequence[Segment], left_out: int) -> None:
        reasons = self.skipped.setdefault(kind, Counter())
        reasons["without a label or strokes"] += left_out
        box = NUMBER_BOX if kind == "numbers" else BOX
        for segment in segments:
            if _is_of_kind(segment, kind):
                self.samples.setdefault(kind, []).append(_sample(segment, writer, box))
            else:
                reasons["of another kind"] += 1


def _categorised(folder: Path, includes: Path) -> Iterator[tuple[str, list[Segment], int]]:
    """Give the segments of each file of a category, with its writer: donor and session."""
    for path in sorted(folder.rglob("*.dat")):
        inner = path.relative_to(folder)
        segments, left_out = read_segments(path, includes)
        yield f"{inner.parts[0]}/{inner.as_posix()}", segments, left_out


def _is_of_kind(segment: Segment, kind: str) -> bool:
    label = segment.label
    if kind == "numbers":
        return _is_number(label)
    if len(label) != 1 or not label.isascii():
        return False
    return {
        "digits": label.isdigit(),
        "capitals": label.isupper(),
        "small_letters": label.islower(),
        "symbols": label.isprintable() and not label.isalnum(),
    }[kind]


def _is_number(label: str) -> bool:
    """Whether a label is a number, perhaps with signs, symbols and a few letters about it."""
    digits = sum(character.isdigit() for character in label)
    letters = sum(character.isalpha() for character in label)
    return 0 < digits >= letters and len(label) <= _LONGEST_NUMBER


def _sample(segment: Segment, writer: str, box: int) -> PenSample:
    """Turn y down, and scale to the box: its longer side, or a whole number's height."""
    points = np.concatenate(segment.strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    size = (high - low).max() if box == BOX else high[1] - low[1]
    scale = box / max(size, 1.0)
    strokes = []
    for stroke in segment.strokes:
        turned = np.stack([stroke[:, 0] - low[0], high[1] - stroke[:, 1]], axis=1) * scale
        strokes.append(_thinned(turned).astype(np.float32))
    return PenSample(tuple(strokes), segment.label, writer)


def _thinned(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Leave out points that are nearly where the one before is; the ends stay."""
    kept = [0]
    for index in range(1, len(points) - 1):
        if np.hypot(*(points[index] - points[kept[-1]])) >= _NEAREST:
            kept.append(index)
    return points[[*kept, len(points) - 1]] if len(points) > 1 else points


def _written(out: Path, kind: str, samples: list[PenSample], skipped: Counter[str]) -> Imported:
    path = out / PEN_FILES[kind].name
    write_pen_file(path, samples)
    return Imported(path, len(samples), {why: count for why, count in skipped.items() if count})


def _saved(
    path: Path, arrays: dict[str, npt.NDArray[Any]], count: int, skipped: Counter[str]
) -> Imported:
    with replacing(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)
    return Imported(path, count, dict(skipped))


def _grey(path: Path) -> npt.NDArray[np.uint8] | None:
    read = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return None if read is None else np.asarray(read, np.uint8)


def _squared(grey: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Scale to a square with the aspect ratio kept, on paper as bright as the brightest."""
    scale = side / max(grey.shape)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    square = np.full((side, side), small.max(), np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square
