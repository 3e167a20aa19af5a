import numpy as np
import pytest

from inkread.training.augmentation.blending import (
    blend,
    draw_clouds,
    draw_greys,
    draw_uniform,
    project_pixels,
    to_column,
    to_glyphs,
)


def test_a_column_multiplies_glyphs():
    glyphs = np.ones((3, 28, 28))
    np.testing.assert_array_equal((to_column([1, 2, 3]) * glyphs)[:, 5, 5], [1, 2, 3])


def test_uniform_numbers_are_one_a_glyph(rng):
    found = draw_uniform(rng, 2, 3, 1000)
    assert found.shape == (1000, 1, 1)
    assert 2 <= found.min() < 2.02
    assert 2.98 < found.max() <= 3


def test_greys_are_a_third_each_ink_paper_and_between(rng):
    found = draw_greys(rng, 6000)
    assert (found == 0).mean() == pytest.approx(1 / 3, abs=0.03)
    assert (found == 255).mean() == pytest.approx(1 / 3, abs=0.03)


def test_as_glyphs_rounds_and_limits():
    found = to_glyphs(np.array([-3.0, 0.4, 0.6, 254.6, 300.0]))
    assert found.dtype == np.uint8
    assert found.tolist() == [0, 0, 1, 255, 255]


@pytest.mark.parametrize(("opacity", "expected"), [(0, 100), (0.25, 125), (1, 200)])
def test_blend_of_a_hand_worked_pixel(opacity, expected):
    found = blend(np.full((1, 28, 28), 100, np.uint8), 200, opacity)
    assert set(found.ravel().tolist()) == {expected}


def test_across_grows_to_the_right_or_downwards():
    right, down = project_pixels(to_column([0, np.pi / 2]))
    np.testing.assert_allclose(right[7], np.arange(28) - 13.5, atol=1e-5)
    np.testing.assert_allclose(down[:, 7], np.arange(28) - 13.5, atol=1e-5)


def test_clouds_are_smooth_and_of_one_scale(rng):
    coarse, fine = (draw_clouds(rng, 50, cells) for cells in (3, 10))
    for fields in (coarse, fine):
        np.testing.assert_allclose(fields.mean(axis=(1, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(fields.std(axis=(1, 2)), 1, atol=1e-4)
    steps = [np.abs(np.diff(fields, axis=2)).mean() for fields in (coarse, fine)]
    assert steps[0] < 0.5 * steps[1] < 0.5
