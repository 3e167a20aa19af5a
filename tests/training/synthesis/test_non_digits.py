import dataclasses

import cv2
import numpy as np
import pytest

from inkread.errors import DataError
from inkread.training.mnist import Split
from inkread.training.synthesis import non_digits
from inkread.training.synthesis.scribbles import draw_noise

PER_KIND = 40


@pytest.fixture(scope="module")
def digits(small_mnist):
    return small_mnist.train


@pytest.fixture(scope="module")
def by_kind(digits):
    """Glyphs of each kind, (PER_KIND, 28, 28)."""
    rng = np.random.default_rng(0)
    return {
        name: np.stack([kind.make(digits, rng) for _ in range(PER_KIND)])
        for name, kind in non_digits.KINDS.items()
    }


def inked_box(glyph):
    """Width and height of the box around the ink."""
    return cv2.boundingRect((glyph > 63).astype(np.uint8))[2:]


def is_like_a_1(glyph):
    """Whether the ink is an upright or slanted bar, by its principal axes."""
    y, x = np.nonzero(glyph > 63)
    if len(x) < 3:
        return False
    values, axes = np.linalg.eigh(np.cov(np.stack([x, y]).astype(float)))
    steepness = np.degrees(np.arctan2(abs(axes[1, 1]), abs(axes[0, 1])))
    return bool(np.sqrt(max(values[0], 0) / values[1]) < 0.15 and steepness > 45)


def test_glyphs_are_as_mnists_are(digits, rng):
    received = non_digits.draw_glyphs(60, digits, rng)

    assert received.shape == (60, 28, 28)
    assert received.dtype == np.uint8
    assert non_digits.draw_glyphs(0, digits, rng).shape == (0, 28, 28)


def test_the_same_state_gives_the_same_glyphs(digits):
    one, same, other = (
        non_digits.draw_glyphs(60, digits, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )

    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_hardly_two_glyphs_are_alike(digits, rng):
    received = non_digits.draw_glyphs(200, digits, rng)

    assert len(np.unique(received.reshape(200, -1), axis=0)) > 195  # clean paper may come twice


def test_the_digits_given_stay_as_they_are(digits, rng):
    before = digits.images.copy()

    non_digits.draw_glyphs(200, digits, rng)

    np.testing.assert_array_equal(digits.images, before)


def test_none_looks_like_a_1(digits, rng):
    assert not any(is_like_a_1(glyph) for glyph in non_digits.draw_glyphs(500, digits, rng))


def test_letters_are_most_of_it():
    shares = {name: kind.share for name, kind in non_digits.KINDS.items()}

    letters = shares["stroke letter"] + shares["font letter"] + shares["turned digit"]

    assert sum(shares.values()) == pytest.approx(1)
    assert letters == pytest.approx(0.65, abs=0.05)


@pytest.mark.parametrize("missing", [0, 7])
def test_digits_without_a_label_are_refused_by_name(digits, rng, missing):
    kept = digits.labels != missing

    with pytest.raises(DataError, match=rf"every label, received none of \[{missing}\]"):
        non_digits.draw_glyphs(5, Split(digits.images[kept], digits.labels[kept]), rng)


@pytest.mark.parametrize(
    "kind",
    ["stroke letter", "font letter", "turned digit", "fragment", "several digits", "bracket"],
)
def test_writing_has_the_size_and_place_of_a_digit(by_kind, kind):
    for glyph in by_kind[kind]:
        assert max(inked_box(glyph)) in (19, 20)
        places = np.indices(glyph.shape)
        centre = (places * glyph).sum(axis=(1, 2)) / glyph.sum()
        np.testing.assert_allclose(centre, 14, atol=1.0)


def test_paper_has_no_strokes(by_kind):
    for glyph in by_kind["paper"]:
        edges = np.abs(np.diff(cv2.GaussianBlur(glyph, (0, 0), 1.5).astype(float), axis=1))
        assert edges.max() < 60


def test_a_turned_3_is_a_3_no_more(digits, rng):
    threes = digits.labels == 3
    labels = np.arange(10, dtype=np.uint8)
    same = dataclasses.replace(digits, images=np.repeat(digits.images[threes][:1], 10, axis=0))
    upright = same.images[0]
    turned = non_digits.KINDS["turned digit"].make

    received = [turned(Split(same.images, labels), rng) for _ in range(20)]

    # Mirrored, turned or both: none is as the digit stands, not even nearly.
    alike = [np.corrcoef(upright.ravel(), glyph.ravel())[0, 1] for glyph in received]
    assert max(alike) < 0.8


def test_digits_of_no_use_are_refused_instead_of_tried_for_ever(rng):
    slim = np.zeros((10, 28, 28), np.uint8)
    slim[:, 4:24, 13:15] = 255
    with pytest.raises(DataError, match="none of use"):
        non_digits.draw_glyphs(200, Split(slim, np.arange(10, dtype=np.uint8)), rng)


def test_noise_is_everywhere_and_of_many_kinds():
    rng = np.random.default_rng(0)
    drawn = np.stack([draw_noise(rng) for _ in range(100)])
    assert drawn.shape == (100, 28, 28)
    assert drawn.dtype == np.uint8
    spread = drawn.max(axis=0) - drawn.min(axis=0)
    assert spread.min() > 100  # no pixel is always dark, or always light
    num_levels = [len(np.unique(each)) for each in drawn]
    assert num_levels.count(1) > 3  # solid ink
    assert max(num_levels) > 100
    np.testing.assert_array_equal(draw_noise(np.random.default_rng(0)), drawn[0])
