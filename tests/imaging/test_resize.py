import numpy as np
import pytest
from picture_files import noise

from inkread.imaging.resize import resize_by


def test_the_same_scale_returns_the_same_pixels(rng):
    pixels = noise(rng, 20, 30)

    assert (resize_by(pixels, 1.0) == pixels).all()


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.7, 8])
def test_sides_are_scaled_and_a_flat_colour_stays(shape, scale):
    result = resize_by(np.full(shape, 77, np.uint8), scale)

    assert result.shape == (round(20 * scale), round(30 * scale), *shape[2:])
    assert (result == 77).all()


def test_shrinking_averages_what_falls_on_a_pixel(rng):
    pixels = noise(rng, 20, 30)

    means = pixels.reshape(10, 2, 15, 2).mean(axis=(1, 3))

    assert np.abs(resize_by(pixels, 0.5) - means).max() <= 0.5


def test_no_side_becomes_less_than_a_pixel():
    assert resize_by(np.zeros((2, 300), np.uint8), 0.01).shape == (1, 3)
