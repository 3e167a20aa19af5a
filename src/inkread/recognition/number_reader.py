"""Reads a picture of one number: the line with the most ink, found without a layout."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.imaging import crops, ink, segmentation
from inkread.imaging.crops import Crop
from inkread.imaging.segmentation import Region
from inkread.recognition.line_reader import LineReader
from inkread.results import Box, Number

__all__ = ["NumberReader"]

Grey = npt.NDArray[np.uint8]
_MAX_STRIP_HEIGHT_PX = 160  # pictures no higher than this are taken as cut to their number already


class NumberReader:
    """Reads pictures of one number."""

    def __init__(self, lines: LineReader) -> None:
        """Take what reads its crop."""
        self._lines = lines

    def candidates(
        self, page: Grey, constraint: Constraint | None, count: int
    ) -> tuple[Number, ...]:
        """Return the most probable readings of a picture that is known to hold a number.

        Args:
            page: (H, W) uint8, grey, of any polarity.
            constraint: what is known of the number.
            count: how many readings are wanted at most.

        Returns:
            At least one number, the most probable first; a rejected one if the picture is blank.
        """
        if page.shape[0] <= _MAX_STRIP_HEIGHT_PX:
            dark = ink.make_dark_on_light(page)

            def find() -> Sequence[Region]:
                return segmentation.find_single_line(ink.find_dark(dark))

            return self._lines.candidates(crops.crop_whole(dark), constraint, count, find)
        found = self._find(page)
        if found is None:
            height, width = page.shape
            return (Number("", 0.0, Box(0, 0, width, height), (), rejected=True),)
        crop, run = found
        return self._lines.candidates(crop, constraint, count, lambda: run)

    def read(self, page: Grey, constraint: Constraint | None) -> Number | None:
        """Read the number of a picture that may show none.

        Args:
            page: as for ``candidates``.
            constraint: as for ``candidates``.

        Returns:
            The number, rejected where it is doubtful; ``None`` if the picture is blank.
        """
        found = self._find(page)
        if found is None:
            return None
        crop, run = found
        (number,) = self._lines.read([crop], constraint, [run])
        return number

    def _find(self, page: Grey) -> tuple[Crop, Sequence[Region]] | None:
        found = ink.find(page)
        run = segmentation.find_single_line(found)
        if not run:
            return None
        return crops.crop_around([region.box for region in run], found.page), run
