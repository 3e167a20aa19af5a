"""Real writers for synthetic numbers whose digits are scanned."""

import numpy as np

from inkread.imaging import ink, segmentation
from inkread.imaging.normalize import make_glyph
from inkread.training.handwriting.scans import Scans
from inkread.training.mnist import Split

__all__ = ["split_by_writer"]


def split_by_writer(scans: Scans) -> tuple[Split, ...]:
    """Return the digits of each writer who wrote all ten, as glyphs: what MNIST's images are.

    Args:
        scans: of many writers; blank ones are left out.
    """
    found = []
    for writer in np.unique(scans.writers):
        own = np.flatnonzero(scans.writers == writer)
        regions = [segmentation.find_single_digit(ink.find(scans.images[index])) for index in own]
        glyphs = [make_glyph(region.ink) for region in regions if region is not None]
        labels = scans.labels[own[[region is not None for region in regions]]]
        if len(np.unique(labels)) == 10:
            found.append(Split(np.stack(glyphs), labels))
    return tuple(found)
