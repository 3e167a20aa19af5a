"""Connected components, against SciPy's."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage

from inkread.imaging.components import find_components

CORNERS_TOUCH = np.ones((3, 3))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 1.0])
def test_areas_and_boxes_are_those_that_scipy_finds(share):
    mask = (np.random.default_rng(1).random((37, 53)) < share).astype(np.uint8) * 255
    labels, count = ndimage.label(mask, CORNERS_TOUCH)
    found = find_components(mask)
    assert found.count == count + 1
    # The same pieces, whatever their order.
    pairs = set(zip(labels.ravel().tolist(), found.labels.ravel().tolist(), strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    names = dict(pairs)
    assert found.areas[0] == 0
    assert not found.boxes[0].any()
    for label, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        own = names[label]
        assert found.areas[own] == (labels == label).sum()
        assert found.boxes[own].tolist() == [columns.start, rows.start, columns.stop, rows.stop]
        assert found.widths[own] == columns.stop - columns.start
        assert found.heights[own] == rows.stop - rows.start


def test_a_mask_shows_the_chosen_components_alone():
    mask = np.zeros((6, 8), np.uint8)
    mask[1, 1] = 1
    mask[3:5, 3:6] = 1
    mask[5, 6] = 1  # touches the one before in a corner
    found = find_components(mask)
    assert sorted(found.areas.tolist()) == [0, 1, 7]
    expected = np.zeros_like(mask)
    expected[1, 1] = 255
    assert_array_equal(found.mask_of(found.areas == 1), expected)
    assert_array_equal(found.mask_of(np.ones(3, bool)), mask * 255)
    assert not found.mask_of(np.zeros(3, bool)).any()
