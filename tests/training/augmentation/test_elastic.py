import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from inkread.training.augmentation.elastic import Augmentation, augment
from inkread.training.mnist import Mnist
from inkread.training.recipes import recipe_named

Glyphs = npt.NDArray[np.uint8]

EVERYTHING = Augmentation(
    rotation_deg=12.0,
    shear=0.25,
    log_scale=0.12,
    log_aspect=0.2,
    shift_px=1.8,
    elastic_px=1.2,
    stroke=0.7,
)
CROSS = ndimage.generate_binary_structure(2, 1)


@pytest.fixture(scope="session")
def digits(small_mnist: Mnist) -> Glyphs:
    return small_mnist.train.images[:300]


def rectangle(width: int, height: int) -> Glyphs:
    """A glyph with a solid rectangle in its middle; even sides make it exact."""
    glyph = np.zeros((28, 28), np.uint8)
    glyph[14 - height // 2 : 14 + height // 2, 14 - width // 2 : 14 + width // 2] = 255
    return glyph


def blob() -> Glyphs:
    """A glyph that is smooth enough for its moments to be exact to a few thousandths."""
    smooth = ndimage.gaussian_filter(rectangle(10, 10).astype(float), 2.0)
    return np.rint(smooth).astype(np.uint8)


def draws(glyph: Glyphs, rng: np.random.Generator, **how: float) -> Glyphs:
    """That glyph distorted 300 times."""
    return augment(np.repeat(glyph[None], 300, axis=0), Augmentation(**how), rng)


def moments(glyphs: Glyphs) -> tuple[np.ndarray, np.ndarray]:
    """The centres of mass, (N, 2), x then y, and the covariances of the ink, (N, 2, 2)."""
    axis = np.arange(28.0)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    weights = glyphs.reshape(len(glyphs), -1) / glyphs.sum((1, 2))[:, None]
    centres = weights @ points
    apart = points[None] - centres[:, None]
    return centres, np.einsum("np,npi,npj->nij", weights, apart, apart)


def tilts_deg(glyphs: Glyphs) -> np.ndarray:
    """Angle of the principal axis of the ink against the vertical."""
    _, covariances = moments(glyphs)
    xx, xy, yy = covariances[:, 0, 0], covariances[:, 0, 1], covariances[:, 1, 1]
    return np.rad2deg(0.5 * np.arctan2(2 * xy, yy - xx))


def test_no_distortion_gives_the_same_glyphs(digits: Glyphs, rng: np.random.Generator):
    assert np.array_equal(augment(digits, Augmentation(), rng), digits)


def test_the_result_is_a_new_array_and_the_input_is_left_alone(
    digits: Glyphs, rng: np.random.Generator
):
    before = digits.copy()
    for how in (Augmentation(), EVERYTHING):
        result = augment(digits, how, rng)
        assert result.shape == digits.shape
        assert result.dtype == np.uint8
        assert not np.shares_memory(result, digits)
        assert np.array_equal(digits, before)


def test_glyphs_that_cannot_be_written_to_are_taken(digits: Glyphs, rng: np.random.Generator):
    locked = digits.copy()
    locked.flags.writeable = False
    assert augment(locked, EVERYTHING, rng).shape == digits.shape


def test_the_layout_in_memory_makes_no_difference(digits: Glyphs):
    plain, columns_first = np.ascontiguousarray(digits), np.asfortranarray(digits)
    one, other = (
        augment(glyphs, EVERYTHING, np.random.default_rng(5)) for glyphs in (plain, columns_first)
    )
    assert np.array_equal(one, other)


@pytest.mark.parametrize("how", [Augmentation(), EVERYTHING])
def test_no_glyphs_give_no_glyphs(how: Augmentation, rng: np.random.Generator):
    assert augment(np.zeros((0, 28, 28), np.uint8), how, rng).shape == (0, 28, 28)


def test_the_seed_decides_the_result(digits: Glyphs):
    first, again, other = (
        augment(digits, EVERYTHING, np.random.default_rng(seed)) for seed in (7, 7, 8)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_second_batch_is_distorted_otherwise_than_the_first(
    digits: Glyphs, rng: np.random.Generator
):
    assert not np.array_equal(augment(digits, EVERYTHING, rng), augment(digits, EVERYTHING, rng))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Augmentation)])
def test_every_setting_distorts_and_each_glyph_in_its_own_way(
    field: str, digits: Glyphs, rng: np.random.Generator
):
    how = {field: getattr(EVERYTHING, field)}
    results = draws(digits[0], rng, **how)
    assert len(np.unique(results, axis=0)) > 100


def test_a_shift_moves_the_ink_by_at_most_shift_px_and_keeps_it(rng: np.random.Generator):
    glyph = rectangle(6, 14)
    results = draws(glyph, rng, shift_px=3.0)
    centres, _ = moments(results)
    moved = centres - 13.5
    assert np.abs(moved).max() <= 3.05
    assert (moved.min(0) < -2.5).all()
    assert (moved.max(0) > 2.5).all()
    assert results.sum((1, 2)) == pytest.approx(np.full(300, glyph.sum()), rel=0.01)


def test_a_shift_is_that_of_scipy(rng: np.random.Generator):
    glyph = rectangle(6, 14)
    for result in draws(glyph, rng, shift_px=3.0)[:20]:
        [centre], _ = moments(result[None])
        x, y = centre - 13.5
        expected = ndimage.shift(glyph.astype(float), (y, x), order=1)
        assert np.abs(result - expected).max() < 16


def test_a_rotation_turns_a_bar_by_at_most_rotation_deg(rng: np.random.Generator):
    tilts = tilts_deg(draws(rectangle(4, 20), rng, rotation_deg=15.0))
    assert np.abs(tilts).max() <= 15.5
    assert tilts.min() < -13
    assert tilts.max() > 13


def test_a_shear_slants_a_bar_by_at_most_its_tangent_and_keeps_its_rows(rng: np.random.Generator):
    glyph = rectangle(4, 16)
    results = draws(glyph, rng, shear=0.3)
    _, covariances = moments(results)
    slants = covariances[:, 0, 1] / covariances[:, 1, 1]
    assert np.abs(slants).max() <= 0.31
    assert slants.min() < -0.26
    assert slants.max() > 0.26
    ink_of_rows = results.sum(2, dtype=np.int64)
    assert np.abs(ink_of_rows - glyph.sum(1, dtype=np.int64)).max() <= 0.02 * glyph.sum(1).max()


def test_a_change_of_size_stays_within_log_scale_both_ways(rng: np.random.Generator):
    glyph = blob()
    growth = np.log(draws(glyph, rng, log_scale=0.2).sum((1, 2)) / glyph.sum()) / 2
    assert np.abs(growth).max() <= 0.21
    assert growth.min() < -0.17
    assert growth.max() > 0.17


def test_a_change_of_aspect_stays_within_log_aspect_and_keeps_the_area(rng: np.random.Generator):
    glyph = blob()
    results = draws(glyph, rng, log_aspect=0.3)
    _, covariances = moments(results)
    aspect = 0.5 * np.log(covariances[:, 0, 0] / covariances[:, 1, 1])
    assert np.abs(aspect).max() <= 0.31
    assert aspect.min() < -0.26
    assert aspect.max() > 0.26
    assert results.sum((1, 2)) == pytest.approx(np.full(300, glyph.sum()), rel=0.02)


def test_a_change_of_stroke_lies_between_erosion_and_dilation(
    digits: Glyphs, rng: np.random.Generator
):
    glyph = digits[0]
    thinnest = ndimage.grey_erosion(glyph, footprint=CROSS)
    thickest = ndimage.grey_dilation(glyph, footprint=CROSS)
    results = draws(glyph, rng, stroke=1.0)
    assert (results >= thinnest).all()
    assert (results <= thickest).all()
    ink = results.sum((1, 2))
    assert ink.min() < thinnest.sum() + 0.1 * (glyph.sum() - thinnest.sum())
    assert ink.max() > thickest.sum() - 0.1 * (thickest.sum() - glyph.sum())


def test_a_thicker_stroke_has_at_least_the_ink_of_a_thinner_one_everywhere(
    digits: Glyphs, rng: np.random.Generator
):
    results = draws(digits[0], rng, stroke=1.0)
    by_ink = results[np.argsort(results.sum((1, 2)))].astype(int)
    assert (np.diff(by_ink, axis=0) >= -1).all()


def test_a_smaller_range_of_stroke_changes_less(digits: Glyphs, rng: np.random.Generator):
    half, whole = (draws(digits[0], rng, stroke=stroke).sum((1, 2)) for stroke in (0.5, 1.0))
    assert np.ptp(half) == pytest.approx(0.5 * np.ptp(whole), rel=0.1)


def correlations(some: Glyphs, others: Glyphs) -> np.ndarray:
    return np.array(
        [
            np.corrcoef(one.ravel(), other.ravel())[0, 1]
            for one, other in zip(some, others, strict=True)
        ]
    )


def test_an_elastic_distortion_keeps_the_shape(digits: Glyphs, rng: np.random.Generator):
    kept = correlations(digits, augment(digits, Augmentation(elastic_px=1.2), rng))
    assert kept.mean() > 0.5
    assert kept.max() < 1.0


def test_a_stronger_elastic_distortion_keeps_less_of_the_shape(
    digits: Glyphs, rng: np.random.Generator
):
    weak, strong = (
        correlations(digits, augment(digits, Augmentation(elastic_px=px), rng)).mean()
        for px in (0.5, 2.0)
    )
    assert weak > strong


def test_an_elastic_distortion_is_smooth(rng: np.random.Generator):
    results = draws(rectangle(16, 16), rng, elastic_px=1.0)
    pieces = [ndimage.label(result > 127)[1] for result in results]
    holes = [ndimage.label(result < 128)[1] for result in results]
    assert set(pieces) == set(holes) == {1}


def test_the_shipped_recipes_distortions_keep_the_digits(digits: Glyphs, rng: np.random.Generator):
    how = recipe_named("standard").augmentation
    assert how is not None
    assert correlations(digits, augment(digits, how, rng)).mean() > 0.5


def test_a_scaled_augmentation_has_every_range_scaled():
    half = dataclasses.asdict(EVERYTHING.scale(0.5))
    assert half == pytest.approx(
        {name: value / 2 for name, value in dataclasses.asdict(EVERYTHING).items()}
    )


def test_an_augmentation_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVERYTHING.shear = 0.0
