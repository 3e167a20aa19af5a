"""Glyphs of scanned digits, and the writers of them, for synthetic numbers."""

import numpy as np
import numpy.typing as npt

from inkread.imaging import ink, segmentation
from inkread.imaging.normalize import make_glyph
from inkread.training.handwriting.scans import Scans
from inkread.training.mnist import Split

__all__ = ["make_scan_glyph", "split_by_writer"]


def make_scan_glyph(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
    """Make a glyph of a scan as the reader does; ``None`` if nothing is written on it.

    Args:
        image: (H, W) uint8, dark ink on light paper.

    Returns:
        (28, 28) uint8, ink 255 on paper 0.
    """
    region = segmentation.find_single_digit(ink.find(image))
    return None if region is None else make_glyph(region.ink)


def split_by_writer(scans: Scans) -> tuple[Split, ...]:
    """Return the digits of each writer who wrote all ten, as glyphs: what MNIST's images are.

    Args:
        scans: of many writers; blank ones are left out.
    """
    found = []
    for writer in np.unique(scans.writers):
        own = np.flatnonzero(scans.writers == writer)
        made = [(make_scan_glyph(scans.images[index]), scans.labels[index]) for index in own]
        written = [(glyph, label) for glyph, label in made if glyph is not None]
        if len({int(label) for _, label in written}) == 10:
            glyphs, labels = zip(*written, strict=True)
            found.append(Split(np.stack(glyphs), np.array(labels, np.uint8)))
    return tuple(found)
