"""Connected components: the pieces of ink that hang together.

OpenCV finds them fast, but takes several times as long to count them out over the whole picture,
most of which is paper; here only the ink is counted.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Components", "find_components"]

Counts = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Components:
    """The pieces of a mask; what touches in a corner hangs together.

    Attributes:
        labels: (H, W) int32, 1 to n on the pieces, 0 elsewhere.
        count: n + 1.
    """

    labels: npt.NDArray[np.int32]
    count: int

    @cached_property
    def _ink(self) -> tuple[Counts, npt.NDArray[np.int32]]:
        places = np.flatnonzero(self.labels != 0)  # of booleans: several times as fast
        return places, self.labels.ravel()[places]

    @cached_property
    def areas(self) -> Counts:
        """Pixels of each label: (n + 1,); 0 of label 0."""
        return np.bincount(self._ink[1], minlength=self.count)

    @cached_property
    def boxes(self) -> Counts:
        """Left, top, right and bottom of each label: (n + 1, 4); all 0 of label 0."""
        places, labels = self._ink
        y, x = np.divmod(places, self.labels.shape[1])
        found = np.zeros((self.count, 4), np.intp)
        if labels.size:
            found[1:, :2] = max(self.labels.shape)
            for column, values in enumerate((x, y)):
                np.minimum.at(found[:, column], labels, values)
                np.maximum.at(found[:, column + 2], labels, values + 1)
        return found

    @property
    def widths(self) -> Counts:
        """Pixels from left to right of each label: (n + 1,)."""
        return self.boxes[:, 2] - self.boxes[:, 0]

    @property
    def heights(self) -> Counts:
        """Pixels from top to bottom of each label: (n + 1,)."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    def mask_of(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """Return the pieces whose labels are chosen, (n + 1,), as a mask: 255 on 0."""
        places, labels = self._ink
        mask = np.zeros(self.labels.size, np.uint8)
        mask[places[chosen[labels]]] = 255
        return mask.reshape(self.labels.shape)


def find_components(mask: npt.NDArray[np.uint8]) -> Components:
    """Tell the pieces of a mask apart.

    Args:
        mask: (H, W) uint8, what is not 0 belongs to a piece.
    """
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    return Components(np.asarray(labels, np.int32), count)
