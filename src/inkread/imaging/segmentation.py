"""Segments ink: components are joined to digits, digits to lines, and lines split to numbers."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.components import find_components
from inkread.imaging.ink import Ink
from inkread.results import Box, find_box

__all__ = ["Region", "find_lines", "find_region", "find_single_digit", "find_single_line"]

_MAX_BAR_GAP = 0.12  # between a digit and a bar beside it, as a share of a digit's height


@dataclass(frozen=True)
class Region:
    """The ink of one digit.

    Attributes:
        ink: (H, W) uint8, ink 255 on paper 0, without the ink of neighbours.
        box: its place, in pixels of the page.
    """

    ink: npt.NDArray[np.uint8]
    box: Box


@dataclass(frozen=True)
class _Piece:
    """One or more connected components that belong together; all sides in pixels of the ink."""

    left: int
    top: int
    right: int
    bottom: int
    area: int
    components: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def size(self) -> int:
        return max(self.width, self.height)

    def join(self, other: "_Piece") -> "_Piece":
        return _Piece(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.area + other.area,
            self.components + other.components,
        )

    def gap_x(self, other: "_Piece") -> int:
        """Return the horizontal distance in pixels; negative if they overlap."""
        return max(self.left, other.left) - min(self.right, other.right)

    def gap_y(self, other: "_Piece") -> int:
        return max(self.top, other.top) - min(self.bottom, other.bottom)


def find_single_digit(ink: Ink) -> Region | None:
    """Find the digit on a picture of one digit; ``None`` on a blank picture.

    It is the largest piece, preferably one that doesn't touch the edge of the picture, with all
    strokes near it.
    """
    labels, pieces = _find_pieces(ink)
    if not pieces:
        return None
    height, width = ink.pixels.shape
    inner = [piece for piece in pieces if not _touches_edge(piece, height, width)]
    largest = max(pieces, key=_sum_of_sides)
    digit = max(inner, key=_sum_of_sides) if inner else largest
    # The digit itself may be cut by the edge, so an inner piece must not be much smaller.
    min_share = 0.2 if _is_frame(largest, height, width) else 0.5
    if digit.size < min_share * largest.size:
        digit = largest
    rest = [piece for piece in pieces if piece is not digit and piece.area >= 0.02 * digit.area]
    edge_allowed = _touches_edge(digit, height, width)
    while near := [
        piece
        for piece in rest
        if max(piece.gap_x(digit), piece.gap_y(digit)) <= 0.25 * digit.size
        and piece.size >= 0.12 * digit.size
        and (edge_allowed or not _touches_edge(piece, height, width))
    ]:
        for piece in near:
            digit = digit.join(piece)
            rest.remove(piece)
    return _make_region(ink, labels, digit)


def find_single_line(ink: Ink) -> tuple[Region, ...]:
    """Find the digits on a picture of one number, from left to right; none on a blank picture."""
    labels, rows = _find_rows(ink)
    if not rows:
        return ()
    largest = max(rows, key=lambda row: sum(piece.area for piece in row))
    return tuple(_make_region(ink, labels, piece) for piece in largest)


def find_lines(ink: Ink) -> tuple[tuple[tuple[Region, ...], ...], ...]:
    """Find all digits on a page.

    Returns:
        The lines from top to bottom, each a tuple of numbers from left to right, each a tuple of
        digits from left to right.
    """
    labels, rows = _find_rows(ink)
    return tuple(
        tuple(
            tuple(_make_region(ink, labels, piece) for piece in number)
            for number in _split_at_gaps(row)
        )
        for row in rows
    )


def find_region(box: Box, regions: Sequence[Region], ink: Ink) -> Region | None:
    """Return the ink in a box of a page; ``None`` if there is none.

    Args:
        box: in pixels of the page, inside it.
        regions: the digits that were found on the page. Where one of them has nearly this box, it
            is returned; else, as of digits that touch, all the ink in the box.
        ink: of the page.
    """
    index = find_box([region.box for region in regions], box)
    if index is not None:
        return regions[index]
    left, top, right, bottom = (round(side / ink.scale) for side in box)
    cut = ink.pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    return Region(cut, box) if cut.any() else None


def _find_pieces(ink: Ink) -> tuple[npt.NDArray[np.int32], list[_Piece]]:
    found = find_components((ink.pixels > 63).astype(np.uint8))
    boxes, areas = found.boxes.tolist(), found.areas.tolist()
    pieces = [
        _Piece(left, top, right, bottom, areas[label], (label,))
        for label, (left, top, right, bottom) in enumerate(boxes)
        if label
    ]
    return found.labels, pieces


def _make_region(ink: Ink, labels: npt.NDArray[np.int32], piece: _Piece) -> Region:
    rows, columns = slice(piece.top, piece.bottom), slice(piece.left, piece.right)
    own = np.isin(labels[rows, columns], piece.components).astype(np.uint8)
    own = cv2.dilate(own, np.ones((3, 3), np.uint8))  # includes the soft edges of strokes
    box = Box(
        int(piece.left * ink.scale),
        int(piece.top * ink.scale),
        min(round(piece.right * ink.scale), ink.page.shape[1]),
        min(round(piece.bottom * ink.scale), ink.page.shape[0]),
    )
    return Region(ink.pixels[rows, columns] * own, box)


def _sum_of_sides(piece: _Piece) -> int:
    return piece.width + piece.height


def _touches_edge(piece: _Piece, height: int, width: int) -> bool:
    return (
        piece.left <= 1 or piece.top <= 1 or piece.right >= width - 1 or piece.bottom >= height - 1
    )


def _is_frame(piece: _Piece, height: int, width: int) -> bool:
    """Return whether a piece is no writing: a frame around the picture, or a bar along a side."""
    wide, high = piece.width >= 0.98 * width, piece.height >= 0.98 * height
    flat, narrow = piece.height <= 0.04 * height, piece.width <= 0.04 * width
    return (wide and high) or (wide and flat) or (high and narrow)


def _find_rows(ink: Ink) -> tuple[npt.NDArray[np.int32], list[list[_Piece]]]:
    """Return the labels of the components, and the digits of each line of writing."""
    labels, pieces = _find_pieces(ink)
    height, width = ink.pixels.shape
    if len(pieces) > 1:
        pieces = [
            piece
            for piece in pieces
            if not (_touches_edge(piece, height, width) and _is_frame(piece, height, width))
        ] or pieces
    if not pieces:
        return labels, []
    typical = _estimate_digit_height(pieces)
    strokes = [piece for piece in pieces if piece.size >= 0.2 * typical]  # the rest are dots
    pieces = _join_strokes(strokes, typical)
    digits = [piece for piece in pieces if 0.45 * typical <= piece.height <= 3.0 * typical]
    rows = _group_rows(digits)
    rows.sort(key=lambda row: sum(piece.top + piece.bottom for piece in row) / len(row))
    return labels, rows


def _estimate_digit_height(pieces: list[_Piece]) -> float:
    """Return the median height, weighted by squared sizes, so that specks hardly count."""
    heights = np.array([piece.height for piece in pieces])
    weights = np.array([piece.size for piece in pieces], dtype=np.float64) ** 2
    order = np.argsort(heights)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(heights[order][np.searchsorted(share, 0.5)])


def _join_strokes(pieces: list[_Piece], typical: float) -> list[_Piece]:
    """Join strokes of one digit, such as the body and the bar of a 5, nearest pairs first."""
    pieces = sorted(pieces, key=lambda piece: piece.left)
    candidates = [
        (max(first.gap_x(second), 0) + max(first.gap_y(second), 0), i, j)
        for i, first in enumerate(pieces)
        for j, second in _iterate_followers(pieces, i, _MAX_BAR_GAP * typical)
        if _is_same_digit(first, second, typical)
    ]
    owner = list(range(len(pieces)))  # for each piece, the index of the digit it was joined to
    for _, i, j in sorted(candidates):
        first, second = owner[i], owner[j]
        if first != second and _is_same_digit(pieces[first], pieces[second], typical):
            pieces[first] = pieces[first].join(pieces[second])
            owner = [first if index == second else index for index in owner]
    return [pieces[index] for index in sorted(set(owner))]


def _iterate_followers(
    pieces: list[_Piece], index: int, max_gap_px: float
) -> Iterator[tuple[int, _Piece]]:
    """Yield the pieces after one, sorted by left side, that begin at most a gap to its right."""
    for other in range(index + 1, len(pieces)):
        if pieces[other].left > pieces[index].right + max_gap_px:
            return
        yield other, pieces[other]


def _is_same_digit(first: _Piece, second: _Piece, typical: float) -> bool:
    """Return whether two pieces are strokes of one digit, by sizes, overlap and distance."""
    small, large = sorted((first, second), key=lambda piece: piece.area)
    overlap = -small.gap_x(large) / small.width
    both = small.join(large)
    if both.height > 1.4 * max(typical, large.height):
        return False
    if small.gap_y(large) < 0 and overlap >= 0.6:  # boxes overlap, as in a 4 of two strokes
        return True
    if small.height >= 0.6 * typical:
        return False
    close = small.gap_y(large) <= 0.3 * typical
    if overlap >= 0.4:
        return close
    # The bar of a 5 that starts just beside its body, at the height of its upper half.
    beside = small.gap_x(large) <= _MAX_BAR_GAP * typical and small.left >= large.left
    upper = small.bottom <= (large.top + large.bottom) / 2
    return close and beside and upper


def _group_rows(digits: list[_Piece]) -> list[list[_Piece]]:
    """Group digits to lines: each is followed by the next to its right that overlaps vertically."""
    digits = sorted(digits, key=lambda piece: piece.left)
    tops = np.array([piece.top for piece in digits])
    bottoms = np.array([piece.bottom for piece in digits])
    heights = bottoms - tops
    free = np.ones(len(digits), dtype=bool)
    rows = []
    for start in range(len(digits)):
        if not free[start]:
            continue
        chain, last = [start], start
        free[start] = False
        while True:
            after = np.arange(len(digits)) > last
            overlap = np.minimum(bottoms, bottoms[last]) - np.maximum(tops, tops[last])
            low, high = np.minimum(heights, heights[last]), np.maximum(heights, heights[last])
            following = np.flatnonzero(free & after & (overlap >= 0.4 * low) & (high <= 2.5 * low))
            if not following.size:
                break
            last = int(following[0])
            free[last] = False
            chain.append(last)
        rows.append([digits[index] for index in chain])
    return rows


def _split_at_gaps(row: list[_Piece]) -> Iterator[list[_Piece]]:
    """Split a line to numbers at gaps that are wide compared with the others and the digits."""
    gaps = [max(0, after.gap_x(before)) for before, after in itertools.pairwise(row)]
    if gaps:
        height = float(np.median([piece.height for piece in row]))
        usual = sorted(gaps)[(len(gaps) - 1) // 2]
        max_gap_px = min(max(0.7 * height, 2.2 * usual), 4 * height)
        start = 0
        for index, gap in enumerate(gaps, start=1):
            if gap > max_gap_px:
                yield row[start:index]
                start = index
        row = row[start:]
    yield row
