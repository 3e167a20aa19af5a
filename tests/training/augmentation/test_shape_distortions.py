import numpy as np
import pytest
from scipy import ndimage

from inkread.training.augmentation.shape_distortions import (
    SHAPE_DISTORTIONS,
    dilate,
    get_neighbours,
)

CROSS = ndimage.generate_binary_structure(2, 1)[None]


@pytest.fixture(scope="session")
def digits(small_mnist):
    return small_mnist.validation.images[:100]


def blobs(count=40):
    """A smooth, slanted blob, whose moments are exact to a few hundredths."""
    glyph = np.zeros((28, 28))
    glyph[10:18, 11:17] = 255
    glyph[8:12, 9:13] = 255
    return np.repeat(np.rint(ndimage.gaussian_filter(glyph, 1.5)).astype(np.uint8)[None], count, 0)


def distorted(name, glyphs, strength, seed=0):
    strengths = np.full(len(glyphs), strength)
    return SHAPE_DISTORTIONS[name](glyphs, strengths, np.random.default_rng(seed))


def moments(glyph):
    """The ink's centre, (2,), x then y, and its covariance, (2, 2)."""
    rows, columns = np.indices(glyph.shape)
    points = np.stack([columns.ravel(), rows.ravel()])
    centre = np.average(points, axis=1, weights=glyph.ravel())
    return centre, np.cov(points, aweights=glyph.ravel(), ddof=0)


def test_neighbours_look_beyond_the_border():
    glyph = np.arange(28 * 28, dtype=np.uint16).reshape(1, 28, 28) % 250
    stacks = get_neighbours(glyph.astype(np.uint8), 255)
    corner = [int(stack[0, 0, 0]) for stack in stacks]
    assert sorted(corner) == [0, 1, 28, 255, 255]


def test_dilated_is_grey_dilation_with_a_cross(digits):
    expected = ndimage.grey_dilation(digits, footprint=CROSS, mode="constant")
    np.testing.assert_array_equal(dilate(digits), expected)


def test_half_strength_thickens_by_a_pixel_and_full_by_two(digits):
    once = ndimage.grey_dilation(digits, footprint=CROSS, mode="constant")
    twice = ndimage.grey_dilation(once, footprint=CROSS, mode="constant")
    np.testing.assert_array_equal(distorted("thick", digits, 0.5), once)
    np.testing.assert_array_equal(distorted("thick", digits, 1.0), twice)


def test_a_quarter_thickens_by_half_a_pixel(digits):
    once = ndimage.grey_dilation(digits, footprint=CROSS, mode="constant")
    expected = (digits.astype(float) + once) / 2
    np.testing.assert_allclose(distorted("thick", digits, 0.25), expected, atol=0.5)


def test_thinning_takes_a_pixel_off_each_side_and_then_another():
    glyph = np.zeros((1, 28, 28), np.uint8)
    glyph[:, 4:24, 11:17] = 255  # a bar, 6 pixels wide
    assert np.count_nonzero(distorted("thin", glyph, 0.5)[0, 14]) == 4
    assert np.count_nonzero(distorted("thin", glyph, 1.0)[0, 14]) == 2


def test_thinning_keeps_a_hairline():
    glyph = np.zeros((1, 28, 28), np.uint8)
    glyph[:, 4:24, 14] = 200
    np.testing.assert_array_equal(distorted("thin", glyph, 1.0), glyph)


def test_thinning_only_takes_ink_away(digits):
    assert np.all(distorted("thin", digits, 1.0) <= digits)


def test_a_shift_is_six_pixels_each_way():
    glyphs = blobs()
    before, _ = moments(glyphs[0])
    moved = np.array([moments(glyph)[0] - before for glyph in distorted("shift", glyphs, 1.0)])
    np.testing.assert_allclose(np.abs(moved), 6, atol=0.05)
    assert {tuple(np.sign(shift)) for shift in moved} == {(1, 1), (1, -1), (-1, 1), (-1, -1)}


def test_a_shift_keeps_nine_tenths_of_the_ink(digits):
    for seed in range(5):
        kept = distorted("shift", digits, 1.0, seed).sum((1, 2)) / digits.sum((1, 2))
        assert kept.min() > 0.9


@pytest.mark.parametrize(("strength", "scales"), [(1.0, (0.5, 1.3)), (0.5, (0.7071, 1.1402))])
def test_a_scale_is_smaller_or_larger(strength, scales):
    glyphs = blobs()
    _, before = moments(glyphs[0])
    found = [
        np.sqrt(np.linalg.det(moments(glyph)[1]) / np.linalg.det(before)) ** 0.5
        for glyph in distorted("scale", glyphs, strength)
    ]
    nearest = np.array([min(scales, key=lambda scale: abs(scale - value)) for value in found])
    assert set(nearest) == set(scales)
    np.testing.assert_allclose(found, nearest, rtol=0.03)


def test_a_rotation_turns_by_35_degrees_either_way():
    glyphs = blobs()
    _, before = moments(glyphs[0])
    angle = np.deg2rad(35)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    ways = turn @ before @ turn.T, turn.T @ before @ turn
    taken = set()
    for glyph in distorted("rotation", glyphs, 1.0):
        _, after = moments(glyph)
        apart = [np.abs(after - way).max() for way in ways]
        assert min(apart) < 0.25
        taken.add(int(np.argmin(apart)))
    assert taken == {0, 1}


def test_a_shear_slants_by_six_tenths_either_way():
    glyphs = blobs()
    _, before = moments(glyphs[0])
    ways = [np.array([[1, slant], [0, 1]]) for slant in (0.6, -0.6)]
    ways = [way @ before @ way.T for way in ways]
    taken = set()
    for glyph in distorted("shear", glyphs, 1.0):
        _, after = moments(glyph)
        apart = [np.abs(after - way).max() for way in ways]
        assert min(apart) < 0.25
        taken.add(int(np.argmin(apart)))
    assert taken == {0, 1}
