"""MNIST digits as pen strokes: thinned to lines, and the lines followed from end to end."""

import cv2
import numpy as np

__all__ = ["strokes"]

_FINER = 8  # the digit is thinned at so many times its size
_NEIGHBOURS = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)]


def strokes(image):
    """The strokes of a (28, 28) digit: lists of (x, y) in its pixels."""
    size = image.shape[1] * _FINER, image.shape[0] * _FINER
    finer = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    left = {tuple(point) for point in np.argwhere(_thinned(finer > 110))}
    found = []
    while left:
        found.append(_followed(left))
    paths = [path for path in found if len(path) > _FINER]
    return [[((x + 0.5) / _FINER, (y + 0.5) / _FINER) for y, x in path] for path in paths]


def _thinned(mask):
    """Zhang and Suen 1984, pixel by pixel: slow, and simple enough to be believed."""
    mask = np.pad(mask, 1)
    while True:
        changed = False
        for first in (True, False):
            gone = []
            for y, x in np.argwhere(mask).tolist():
                ring = [
                    mask[y - 1, x], mask[y - 1, x + 1], mask[y, x + 1], mask[y + 1, x + 1],
                    mask[y + 1, x], mask[y + 1, x - 1], mask[y, x - 1], mask[y - 1, x - 1],
                ]  # fmt: skip
                rises = sum(not a and b for a, b in zip(ring, ring[1:] + ring[:1], strict=True))
                north, east, south, west = ring[::2]
                corner = (
                    not (north and east and south) and not (east and south and west)
                    if first
                    else not (north and east and west) and not (north and south and west)
                )
                if 2 <= sum(ring) <= 6 and rises == 1 and corner:
                    gone.append((y, x))
            for place in gone:
                mask[place] = False
            changed = changed or bool(gone)
        if not changed:
            return mask[1:-1, 1:-1]


def _followed(left):
    """Take one line out of the pixels that are left: from an end of it, as far as it goes."""

    def around(point):
        return [q for dy, dx in _NEIGHBOURS if (q := (point[0] + dy, point[1] + dx)) in left]

    point = min(left, key=lambda each: (len(around(each)) != 1, each))
    path = [point]
    left.discard(point)
    while nearby := around(path[-1]):
        before = np.subtract(path[-1], path[-min(6, len(path))])
        straightest = max(nearby, key=lambda q: float(np.dot(np.subtract(q, path[-1]), before)))
        path.append(straightest)
        left.difference_update(nearby)
    return path
