"""The UNIPEN 1.0 format: pen strokes in text files, with segments that say what they are.

Guyon, Schomaker, Plamondon, Liberman and Janet 1994, "UNIPEN project of on-line data exchange and
recognizer benchmarks". A line that begins with a dot holds a keyword; coordinates follow
``.PEN_DOWN`` and ``.PEN_UP``. Both make components, counted from 0, but one without coordinates
doesn't count. A segment names its components, such as ``0-2``, ``3:5-4:10`` (from point 5 of one
to point 10 of another) or ``1,4-5``; ``?`` means all that come before the next segment.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inkread.errors import DataError

__all__ = ["Segment", "read_segments"]

Stroke = npt.NDArray[np.float64]  # (N, 2): x to the right, y up

_LABEL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_MAX_INCLUDES = 8  # of files within one another


@dataclass(frozen=True)
class Segment:
    """A piece of writing with its label.

    Attributes:
        level: of the hierarchy, such as ``CHARACTER`` or ``WORD``.
        label: what is written.
        strokes: (N, 2) float64 each, x to the right and y up, in the tablet's units; only those
            with the pen down.
    """

    level: str
    label: str
    strokes: tuple[Stroke, ...]


@dataclass
class _Component:
    is_down: bool
    points: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class _Marked:
    """A segment as its line says it, and how many components had come before it."""

    level: str
    delineation: str
    label: str
    before: int


def read_segments(path: Path, includes: Path | None = None) -> tuple[list[Segment], int]:
    """Read the segments of a file.

    Args:
        path: of the file.
        includes: the folder where the files are that ``.INCLUDE`` names, if they are not found
            from the file's own folder.

    Returns:
        The segments with a label and strokes, in their order; and how many were left out because
        they have no label, or name components or points that are not there.

    Raises:
        DataError: the file or one that it includes can't be read, or isn't of this format.
    """
    reader = _Reader(includes)
    reader.read(path)
    if not reader.marked and not reader.components:
        raise DataError(f"{path}: expected a UNIPEN file with segments or strokes, received none")
    segments: list[Segment] = []
    ends = [marked.before for marked in reader.marked[1:]] + [len(reader.components)]
    for marked, end in zip(reader.marked, ends, strict=True):
        strokes = _cut_strokes(marked, end, reader.components)
        if marked.label and strokes:
            segments.append(Segment(marked.level, marked.label, strokes))
    return segments, len(reader.marked) - len(segments)


class _Reader:
    """What was read so far of a file and those that it includes."""

    def __init__(self, includes: Path | None) -> None:
        self._includes = includes
        self._axes = (0, 1)  # where x and y stand among a point's numbers
        self._open: _Component | None = None
        self.components: list[_Component] = []
        self.marked: list[_Marked] = []

    def read(self, path: Path, depth: int = 0) -> None:
        if depth > _MAX_INCLUDES:
            raise DataError(f"{path}: expected files that don't include one another in a circle")
        for number, line in _iterate_statements(path):
            place = f"{path}, line {number}"
            keyword, _, rest = line.partition(" ")
            if not keyword.startswith("."):
                self._add_point(line, place)
            elif keyword in (".PEN_DOWN", ".PEN_UP"):
                self._close()
                self._open = _Component(keyword == ".PEN_DOWN")
                if rest.strip():
                    self._add_point(rest, place)
            elif keyword == ".INCLUDE" and rest.strip().endswith((".dat", ".ink", ".seg")):
                self._close()
                self.read(_find_included(rest.strip(), path, self._includes), depth + 1)
            elif keyword == ".COORD":
                self._axes = _parse_axes(rest, place)
            elif keyword == ".SEGMENT":
                self._close()
                self.marked.append(_parse_segment(rest.strip(), len(self.components)))
            elif keyword != ".DT":  # text may follow: it is no point
                self._close()
        self._close()

    def _add_point(self, line: str, place: str) -> None:
        """Add a point to the open component; text that goes on after a keyword is no point."""
        if self._open is None:
            return
        values = line.split()
        try:
            point = float(values[self._axes[0]]), float(values[self._axes[1]])
        except (ValueError, IndexError) as error:
            raise DataError(f"{place}: expected coordinates, received {line!r}") from error
        self._open.points.append(point)

    def _close(self) -> None:
        """End the open component; without coordinates it doesn't count."""
        if self._open and self._open.points:
            self.components.append(self._open)
        self._open = None


def _iterate_statements(path: Path) -> Iterator[tuple[int, str]]:
    """Give the lines that say something, with their numbers from 1; tabs count as spaces."""
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise DataError(f"expected a UNIPEN file: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if stripped := line.replace("\t", " ").strip():
            yield number, stripped


def _parse_axes(rest: str, place: str) -> tuple[int, int]:
    names = rest.split()
    if "X" not in names or "Y" not in names:
        raise DataError(f"{place}: expected .COORD with X and Y, received {rest!r}")
    return names.index("X"), names.index("Y")


def _parse_segment(rest: str, before: int) -> _Marked:
    level, _, described = rest.partition(" ")
    label = _LABEL.search(described)
    delineation = described.split('"')[0].split()
    said = re.sub(r"\\(.)", r"\1", label[1]) if label else ""
    return _Marked(level, delineation[0] if delineation else "?", said, before)


def _find_included(name: str, path: Path, includes: Path | None) -> Path:
    places = [path.parent / name, *([includes / name] if includes else [])]
    for place in places:
        if place.exists():
            return place
    raise DataError(
        f"{path}: expected the file that it includes at one of "
        f"{', '.join(str(place) for place in places)}, found none"
    )


def _cut_strokes(marked: _Marked, end: int, components: list[_Component]) -> tuple[Stroke, ...]:
    """Cut a segment's strokes out; none if it names what is not there."""
    ranges = [(f"{marked.before}", f"{end - 1}")] if marked.delineation == "?" else []
    if not ranges:
        for part in marked.delineation.split(","):
            first, _, last = part.partition("-")
            ranges.append((first, last or first))
    result = []
    for first, last in ranges:
        start, stop = _parse_place(first), _parse_place(last)
        if start is None or stop is None or not start[0] <= stop[0] < len(components):
            return ()
        for index in range(start[0], stop[0] + 1):
            points = components[index].points
            begin = (start[1] or 0) if index == start[0] else 0
            until = len(points) if index < stop[0] or stop[1] is None else stop[1] + 1
            if components[index].is_down and points[begin:until]:
                result.append(np.array(points[begin:until]))
    return tuple(result)


def _parse_place(text: str) -> tuple[int, int | None] | None:
    """Parse ``component`` or ``component:point``."""
    found = re.fullmatch(r"(\d+)(?::(\d+))?", text.strip(), re.ASCII)
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None
