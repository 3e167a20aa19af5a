"""Public originals of other people's handwriting, made into the files that trainings read.

Nothing is downloaded: whoever wants the files gets the originals from their publishers, under their
licences, and names the folders. What is left out is counted, and counts are compared with those
that the publishers state.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.training.handwriting.archives import ARCHIVES, write_arrays
from inkread.training.handwriting.pens import BOX, NUMBER_BOX, PenSample, write_pen_file
from inkread.training.handwriting.unipen import Segment, read_segments

__all__ = [
    "IMPORTS",
    "Imported",
    "import_omniglot",
    "import_pendigits",
    "import_swiss",
    "import_unipen",
]

# The categories of UNIPEN's train_r01_v07 that are read, what they are read for, and their segments
# as the International Unipen Foundation counts them.
_CATEGORIES = {
    "1a": ("digits", 15953),
    "1b": ("capitals", 28069),
    "1c": ("small_letters", 61351),
    "1d": ("symbols", 17286),
    "7": ("numbers", 85213),
    "8": ("numbers", 14544),
}
_NUM_PENDIGITS = 7494  # of pendigits-orig.tra
_NUM_DRAWERS = 20  # of each character of Omniglot
_MIN_DISTANCE = 4.0  # units between two points that are kept; a sample's longer side is BOX units
_MAX_UNITS = 30000.0  # files hold points as int16
_SWISS_PX = 40
_OMNIGLOT_PX = 105
_MAX_NUMBER_LENGTH = 19  # characters


@dataclass(frozen=True)
class Imported:
    """What an import wrote.

    Attributes:
        path: the file.
        count: number of samples in it.
        skipped: how many samples, or files, were left out, by reason.
        remarks: counts that are not those of the original.
    """

    path: Path
    count: int
    skipped: dict[str, int]
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """Say in one line what was written and what was left out."""
        left_out = [f"{count:,} {why}" for why, count in sorted(self.skipped.items()) if count]
        parts = [f"{self.path}: {self.count:,} samples"]
        if left_out:
            parts.append(f"left out: {', '.join(left_out)}")
        return "; ".join([*parts, *self.remarks])


def import_unipen(sources: Sequence[Path], out: Path) -> list[Imported]:
    """Import UNIPEN: isolated digits, letters and symbols, and whole numbers.

    Files that can't be read are left out and counted.

    Args:
        sources: folders of train_r01_v07, each with ``data`` (1a, 1b, 1c, 1d, 7 and 8, in which
            each donor has a folder) and ``include``.
        out: the folder to write to; created if missing.

    Returns:
        What was written, a file of each kind of samples that there are.

    Raises:
        DataError: a folder is not as expected, or nothing is found.
        OSError: a file can't be written.
    """
    collected: dict[str, _Collected] = {}
    for source in sources:
        if not (source / "data").is_dir():
            raise DataError(
                f"expected the folder train_r01_v07 of UNIPEN, found no {source / 'data'}"
            )
        for category, (kind, _) in _CATEGORIES.items():
            into = collected.setdefault(kind, _Collected(kind))
            into.add_category(source, category)
    if not any(each.samples for each in collected.values()):
        reasons = "; ".join(each.failure for each in collected.values() if each.failure)
        raise DataError(
            f"expected writing of UNIPEN's categories {', '.join(_CATEGORIES)} in "
            f"{', '.join(map(str, sources))}, found none; {reasons or 'there is no .dat file'}"
        )
    return [each.write(out) for each in collected.values() if each.samples]


def import_pendigits(sources: Sequence[Path], out: Path) -> list[Imported]:
    """Import the trajectories of pendigits' training writers.

    Args:
        sources: UCI's ``pendigits-orig.tra``, unpacked.
        out: the folder to write to; created if missing.

    Raises:
        DataError: a file can't be read or isn't of this format, or holds no digit.
        OSError: the file can't be written.
    """
    samples: list[PenSample] = []
    skipped: Counter[str] = Counter()
    for source in sources:
        segments, num_left_out = read_segments(source)
        skipped["without a label or strokes"] += num_left_out
        for segment in segments:
            if _is_of_kind(segment.label, "digits"):
                samples.append(_make_sample(segment, "pendigits/train", BOX))
            else:
                skipped["that are no digits"] += 1
    path = out / ARCHIVES["pendigits"].name
    write_pen_file(path, samples)
    remarks = _compare(len(samples), _NUM_PENDIGITS, "digits", "pendigits-orig.tra")
    return [Imported(path, len(samples), dict(skipped), remarks)]


def import_swiss(sources: Sequence[Path], out: Path) -> list[Imported]:
    """Import scanned digits of Swiss writers, scaled to 40 x 40 pixels with their aspect ratio.

    Args:
        sources: checkouts of kensanata/numbers: WRITER/DIGIT/*.png, dark on light.
        out: the folder to write to; created if missing.

    Raises:
        DataError: a folder is not as expected.
        OSError: the file can't be written.
    """
    images, labels, writers = [], [], []
    skipped: Counter[str] = Counter()
    people = [
        folder
        for source in sources
        for folder in sorted(source.iterdir() if source.is_dir() else ())
        if folder.is_dir() and any((folder / str(digit)).is_dir() for digit in range(10))
    ]
    remarks: list[str] = []
    for number, person in enumerate(people):
        for digit in range(10):
            pictures = sorted((person / str(digit)).glob("*.png"))
            if not pictures:
                remarks.append(f"{person.name} has no {digit}")
            for path in pictures:
                grey = _read_grey(path)
                if grey is None:
                    skipped["unreadable"] += 1
                    continue
                images.append(_fit_square(grey, _SWISS_PX))
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
        "writer": np.array(writers, np.uint16),
    }
    path = out / ARCHIVES["scans"].name
    write_arrays(path, arrays)
    return [Imported(path, len(images), dict(skipped), tuple(remarks))]


def import_omniglot(sources: Sequence[Path], out: Path) -> list[Imported]:
    """Import characters of Omniglot's alphabets.

    The two small archives have alphabets in common; the same file name counts once.

    Args:
        sources: folders ALPHABET/CHARACTER/*_DRAWER.png, as the archives hold them.
        out: the folder to write to; created if missing.

    Raises:
        DataError: a folder is not as expected.
        OSError: the file can't be written.
    """
    ink, names, drawers = [], [], []
    skipped: Counter[str] = Counter()
    seen: set[tuple[str, ...]] = set()
    for path in sorted(path for source in sources for path in source.glob("*/*/*_*.png")):
        if path.parts[-3:] in seen:
            skipped["that were there already"] += 1
            continue
        seen.add(path.parts[-3:])
        grey = _read_grey(path)
        drawer = path.stem.rpartition("_")[2]
        if grey is None or grey.shape != (_OMNIGLOT_PX, _OMNIGLOT_PX) or not drawer.isdigit():
            skipped[f"that are no {_OMNIGLOT_PX} px square pictures of a numbered drawer"] += 1
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
        "ink": np.stack(ink),  # (N, 105, 14): the bits of a row, and seven more
        "label_id": label_id.astype(np.uint16),
        "labels": labels,
        "drawer": np.array(drawers, np.uint8),
    }
    path = out / ARCHIVES["foreign"].name
    write_arrays(path, arrays)
    what = f"drawings of {len(labels)} characters"
    remarks = _compare(len(ink), _NUM_DRAWERS * len(labels), what, "Omniglot")
    return [Imported(path, len(ink), dict(skipped), remarks)]


IMPORTS: dict[str, Callable[[Sequence[Path], Path], list[Imported]]] = {
    "unipen": import_unipen,
    "pendigits": import_pendigits,
    "swiss": import_swiss,
    "omniglot": import_omniglot,
}


@dataclass
class _Collected:
    """Samples of one kind of UNIPEN's, and what was left out of their categories."""

    kind: str
    samples: list[PenSample] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    num_segments: Counter[str] = field(default_factory=Counter)  # by category
    failure: str = ""  # why the first file that can't be read can't

    def add_category(self, source: Path, category: str) -> None:
        """Add what a folder train_r01_v07 has of a category."""
        folder, box = source / "data" / category, BOX
        if self.kind == "numbers":
            box = NUMBER_BOX
        for path in sorted(folder.rglob("*.dat")):
            try:
                segments, num_left_out = read_segments(path, source / "include")
            except DataError as error:
                self.skipped["files that can't be read"] += 1
                self.failure = self.failure or str(error)
                continue
            self.num_segments[category] += len(segments) + num_left_out
            self.skipped["without a label or strokes"] += num_left_out
            inner = path.relative_to(folder)
            session = f"{category}/{inner.as_posix()}" if box == NUMBER_BOX else inner.as_posix()
            for segment in segments:
                if _is_of_kind(segment.label, self.kind):
                    writer = f"{inner.parts[0]}/{session}"
                    self.samples.append(_make_sample(segment, writer, box))
                else:
                    self.skipped["of another kind"] += 1

    def write(self, out: Path) -> Imported:
        """Write the samples into a folder."""
        path = out / ARCHIVES[self.kind].name
        write_pen_file(path, self.samples)
        remarks = [
            remark
            for category, (kind, known) in _CATEGORIES.items()
            if kind == self.kind
            for remark in _compare(
                self.num_segments[category], known, "segments", f"category {category}"
            )
        ]
        return Imported(path, len(self.samples), dict(self.skipped), tuple(remarks))


def _compare(count: int, known: int, what: str, of: str) -> tuple[str, ...]:
    """Return a remark if a count is not that of the original."""
    if count == known:
        return ()
    return (f"expected {known:,} {what} of {of}, found {count:,}",)


def _is_of_kind(label: str, kind: str) -> bool:
    if kind == "numbers":
        return _is_number(label)
    if len(label) != 1 or not label.isascii():
        return False
    return {
        "digits": label.isdigit(),
        "capitals": label.isupper(),
        "small_letters": label.islower(),
        "symbols": label.isprintable() and not label.isalnum() and label != " ",
    }[kind]


def _is_number(label: str) -> bool:
    """Return whether a label is a number, maybe with signs, symbols and a few letters around it."""
    num_digits = sum(character.isdigit() for character in label)
    num_letters = sum(character.isalpha() for character in label)
    return 0 < num_digits >= num_letters and len(label) <= _MAX_NUMBER_LENGTH


def _make_sample(segment: Segment, writer: str, box: int) -> PenSample:
    """Turn y down, and scale to the box: its longer side, or a whole number's height."""
    points = np.concatenate(segment.strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    size = (high - low).max() if box == BOX else high[1] - low[1]
    scale = min(box / max(size, 1.0), _MAX_UNITS / max((high - low).max(), 1.0))
    strokes = []
    for stroke in segment.strokes:
        turned = np.stack([stroke[:, 0] - low[0], high[1] - stroke[:, 1]], axis=1) * scale
        strokes.append(_thin_out(turned).astype(np.float32))
    return PenSample(tuple(strokes), segment.label, writer)


def _thin_out(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Leave out points that are close to the one before; the ends stay."""
    kept = [0]
    for index in range(1, len(points) - 1):
        if np.hypot(*(points[index] - points[kept[-1]])) >= _MIN_DISTANCE:
            kept.append(index)
    return points[[*kept, len(points) - 1]] if len(points) > 1 else points


def _read_grey(path: Path) -> npt.NDArray[np.uint8] | None:
    read = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return None if read is None else np.asarray(read, np.uint8)


def _fit_square(grey: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Scale to fit a square with the aspect ratio kept, on paper as bright as the brightest."""
    scale = side / max(grey.shape)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    square = np.full((side, side), small.max(), np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square
