import cv2
import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from inkread.errors import ConfigError
from inkread.training.augmentation.distortions import DISTORTIONS, spoil
from inkread.training.mnist import Mnist

Glyphs = npt.NDArray[np.uint8]

CROSS = ndimage.generate_binary_structure(2, 1)


@pytest.fixture(scope="session")
def digits(small_mnist: Mnist) -> Glyphs:
    """Real digits that nothing may write to."""
    glyphs = small_mnist.validation.images[:100].copy()
    glyphs.setflags(write=False)
    return glyphs


def distorted(name: str, glyphs: Glyphs, strength: float, seed: int = 0) -> Glyphs:
    return DISTORTIONS[name](glyphs, np.full(len(glyphs), strength), np.random.default_rng(seed))


def plain(grey: int, count: int = 200) -> Glyphs:
    """Glyphs of one grey."""
    return np.full((count, 28, 28), grey, np.uint8)


def square(count: int = 50) -> Glyphs:
    """Glyphs with a square of solid ink in the middle, 10 pixels a side."""
    glyphs = plain(0, count)
    glyphs[:, 9:19, 9:19] = 255
    return glyphs


def change(name: str, glyphs: Glyphs, strength: float) -> npt.NDArray[np.float64]:
    """The mean change of each glyph's pixels."""
    return np.abs(distorted(name, glyphs, strength) - glyphs.astype(float)).mean(axis=(1, 2))


@pytest.mark.parametrize("name", DISTORTIONS)
class TestEveryDistortion:
    def test_gives_new_glyphs(self, name, digits):
        result = distorted(name, digits, 0.7)
        assert (result.shape, result.dtype) == (digits.shape, np.uint8)
        assert not np.shares_memory(result, digits)

    def test_follows_from_the_generators_state(self, name, digits):
        first, again = (distorted(name, digits, 0.7, seed=5) for _ in range(2))
        np.testing.assert_array_equal(first, again)

    def test_changes_nearly_nothing_at_strength_0(self, name, digits):
        assert change(name, digits, 0.0).max() < 2

    def test_is_seen_at_half_strength_and_more_at_full(self, name, digits):
        half, full = change(name, digits, 0.5), change(name, digits, 1.0)
        assert half.mean() > 1
        assert full.mean() > 1.15 * half.mean()

    def test_gives_every_glyph_its_own_strength(self, name, digits, rng):
        strength = np.where(np.arange(len(digits)) % 2, 1.0, 0.0)
        result = DISTORTIONS[name](digits, strength, rng)
        apart = np.abs(result - digits.astype(float)).mean(axis=(1, 2))
        assert apart[::2].max() < 2
        assert apart[1::2].mean() > 1

    def test_takes_one_glyph_and_none(self, name, digits, rng):
        for count in (1, 0):
            result = DISTORTIONS[name](digits[:count], np.ones(count), rng)
            assert result.shape == (count, 28, 28)

    def test_leaves_most_glyphs_unlike_the_others(self, name, digits):
        """No distortion wipes the digits out: what it makes of two of them differs."""
        flat = distorted(name, digits, 1.0).reshape(len(digits), -1).astype(float)
        assert (np.ptp(flat, axis=1) >= 30).mean() > 0.95


def test_grain_has_its_standard_deviation():
    # On a middle grey there is neither ink nor paper to have more of it than the other.
    result = distorted("grain", plain(127), 0.25).astype(float)
    assert result.mean() == pytest.approx(127, abs=0.5)
    assert result.std() == pytest.approx(0.25 * 80, rel=0.02)


def test_specks_hit_a_quarter_of_the_pixels_at_full_strength():
    result = distorted("specks", plain(77), 1.0)
    assert (result != 77).mean() == pytest.approx(0.25, abs=0.01)
    assert (result == 255).mean() == pytest.approx(0.25 / 3, abs=0.01)
    assert (result == 0).mean() == pytest.approx(0.25 / 3, abs=0.01)


def test_blur_is_gaussian(digits):
    expected = ndimage.gaussian_filter(digits.astype(float), (0, 1.9, 1.9), mode="mirror")
    np.testing.assert_allclose(distorted("blur", digits, 1.0), expected, atol=2.5)


def test_motion_blur_draws_a_dot_out_to_a_line():
    dot = plain(0, 50)
    dot[:, 14, 14] = 250
    result = distorted("motion_blur", dot, 1.0)
    np.testing.assert_allclose(result.sum(axis=(1, 2)), 250, atol=5)
    for glyph in result:
        rows, columns = np.nonzero(glyph)
        assert 5 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 8
        assert len(rows) <= 8


@pytest.mark.parametrize("name", ["blur", "motion_blur", "low_resolution", "jpeg"])
def test_even_paper_stays_even(name):
    result = distorted(name, plain(96), 0.8).astype(int)
    assert np.ptp(result.reshape(len(result), -1), axis=1).max() == 0
    assert np.abs(result - 96).max() <= 20  # a JPEG of low quality has few greys


def test_fog_lightens_the_paper_and_lowers_the_contrast(digits):
    result = distorted("fog", digits, 1.0).astype(float)
    assert result[digits == 0].mean() > 80
    assert result[digits == 255].mean() - result[digits == 0].mean() < 150


def test_brightness_is_an_offset():
    glyphs = plain(0)
    glyphs[:, 14] = 100
    papers_and_inks = {
        (glyph[0, 0].item(), glyph[14, 0].item()) for glyph in distorted("brightness", glyphs, 0.5)
    }
    assert papers_and_inks == {(100, 200), (0, 15)}


def test_contrast_shrinks_to_what_is_left_of_it():
    result = distorted("contrast", square(), 1.0).astype(int)
    np.testing.assert_allclose(result[:, 14, 14] - result[:, 0, 0], 0.15 * 255, atol=1)
    assert result[:, 0, 0].min() == 0
    assert result[:, 14, 14].max() == 255


def test_a_gradient_leaves_some_place_as_it_was():
    result = distorted("gradient", plain(128), 1.0)
    nearest = np.abs(result.astype(int) - 128).reshape(len(result), -1).min(axis=1)
    assert nearest.max() <= 3
    assert np.ptp(result.reshape(len(result), -1), axis=1).mean() > 40


@pytest.mark.parametrize(
    ("strength", "paper", "ink"),
    [(0.0, 0, 255), (0.25, 38, 217), (0.5, 178, 76), (0.75, 217, 38), (1.0, 255, 0)],
)
def test_inversion_jumps_over_the_middle_grey(strength, paper, ink):
    result = distorted("inversion", square(), strength).astype(int)
    np.testing.assert_allclose(result[:, 0, 0], paper, atol=1)
    np.testing.assert_allclose(result[:, 14, 14], ink, atol=1)


@pytest.mark.parametrize(
    ("strength", "greys"), [(0.5, {0, 64, 128, 191, 255}), (0.75, {0, 128, 255}), (1.0, {0, 255})]
)
def test_levels_are_few(digits, strength, greys):
    assert set(np.unique(distorted("levels", digits, strength)).tolist()) == greys


def test_a_threshold_is_too_low_or_too_high():
    glyphs = plain(0)
    glyphs[:, 0], glyphs[:, 1], glyphs[:, 2] = 30, 127, 225  # the thresholds are 37.5 and 217.5
    result = distorted("threshold", glyphs, 1.0)
    assert set(result[:, 0, 0].tolist()) == {0}
    assert set(result[:, 1, 0].tolist()) == {0, 255}
    assert set(result[:, 2, 0].tolist()) == {255}


def test_edges_of_a_square_are_its_outline():
    result = distorted("edges", square(), 1.0)
    assert result[:, 11:17, 11:17].max() == 0
    assert result[:, :7].max() == 0
    assert result[:, 9, 9:19].min() > 100


def test_a_hollow_square_is_the_line_around_it():
    glyphs = square()
    ink = glyphs > 0
    ring = ndimage.binary_dilation(ink, CROSS[None]) & ~ink
    np.testing.assert_array_equal(distorted("hollow", glyphs, 1.0), 255 * ring)


def test_gaps_only_take_ink_away(digits):
    result = distorted("gaps", digits, 1.0)
    assert np.all((result == digits) | (result == 0))
    assert 0.5 < result.sum() / digits.sum() < 0.95


def test_spatter_is_ink_or_paper(digits):
    result = distorted("spatter", digits, 1.0)
    assert np.all((result == digits) | (result == 0) | (result == 255))
    assert np.any(result > digits)
    assert np.any(result < digits)


def test_an_occlusion_is_one_patch():
    for glyph in distorted("occlusion", plain(77), 1.0):
        hidden = glyph != 77
        assert ndimage.label(hidden)[1] <= 1
        assert hidden.sum() <= 120
        assert len(np.unique(glyph)) <= 2


def test_stripes_on_paper_are_lighter_or_inverted_bars():
    result = distorted("stripes", plain(0), 1.0)
    kinds = {tuple(np.unique(glyph).tolist()) for glyph in result}
    assert {(0,), (0, 191), (0, 255)} <= kinds <= {(0,), (0, 191), (0, 255), (191,), (255,)}


def test_hatching_covers_a_part_of_everything():
    shares = (distorted("hatching", plain(77), 1.0) != 77).mean(axis=(1, 2))
    # Dots every 7 pixels cover least, crossed lines every 3 pixels most.
    assert np.quantile(shares, 0.05) > 0.5 * (1.2 / 7) ** 2
    assert shares.max() < 1 - (1 - 1.2 / 3) ** 2 + 0.05


def test_what_shows_through_is_mirrored_and_paler():
    glyph = plain(0, 1)
    glyph[:, 5:20, 3:8] = 255
    result = distorted("show_through", glyph, 1.0)
    assert result[0, 12, 5] == 255
    assert result[0, 12, 22] == pytest.approx(0.6 * 255, abs=1)
    assert result[0, 12, 14] == 0


@pytest.mark.parametrize("name", ["lines", "zigzag", "dots"])
def test_drawn_strokes_are_ink_or_papers_colour(name, digits):
    result = distorted(name, digits, 1.0)
    inked = np.all(result >= digits, axis=(1, 2))
    erased = np.all(result <= digits, axis=(1, 2))
    assert np.all(inked | erased)
    assert inked.mean() == pytest.approx(0.75, abs=0.12)


@pytest.mark.parametrize("name", ["lines", "zigzag", "dots"])
def test_drawn_strokes_cross_the_glyph(name):
    result = distorted(name, plain(0), 1.0)
    inked = result[result.any(axis=(1, 2))]
    assert len(inked) > 120
    middle = inked[:, 6:22, 6:22].max(axis=(1, 2))
    assert (middle > 80).mean() > 0.95


def test_the_stronger_the_more_strokes_may_be_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(cv2, "polylines", lambda *_: drawn.append(1))

    def mean_strokes(strength):
        drawn.clear()
        distorted("lines", plain(0, 1_000), strength)
        return len(drawn) / 1_000

    assert mean_strokes(0.0) == 1
    assert mean_strokes(0.5) == pytest.approx(1.5, abs=0.1)  # one or two
    assert mean_strokes(1.0) == pytest.approx(2, abs=0.15)  # one to three


def test_spoil_without_a_share_changes_nothing(digits, rng):
    result = spoil(digits, 0.0, rng)
    np.testing.assert_array_equal(result, digits)
    assert not np.shares_memory(result, digits)


def test_spoil_follows_from_the_generators_state(digits):
    first, again = (spoil(digits, 0.5, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_spoil_distorts_the_share_and_three_tenths_of_it_twice(monkeypatch, rng):
    def brighter(glyphs, strength, rng):
        assert np.all((strength >= 0) & (strength < 1))
        del rng
        return glyphs + np.uint8(1)

    for name in DISTORTIONS:
        monkeypatch.setitem(DISTORTIONS, name, brighter)
    times = spoil(plain(0, 20_000), 0.5, rng)[:, 0, 0]
    shares = np.bincount(times) / len(times)
    np.testing.assert_allclose(shares, [0.5, 0.5 * 0.7, 0.5 * 0.3], atol=0.015)


def test_spoil_draws_all_alike_and_none_twice(monkeypatch, rng):
    def marked(bit):
        """A distortion that flips the glyph's pixel of its own."""

        def distortion(glyphs, strength, rng):
            del strength, rng
            result = glyphs.copy()
            result.reshape(len(glyphs), -1)[:, bit] ^= 255
            return result

        return distortion

    for bit, name in enumerate(DISTORTIONS):
        monkeypatch.setitem(DISTORTIONS, name, marked(bit))
    used = spoil(plain(0, 20_000), 1.0, rng).reshape(20_000, -1)[:, : len(DISTORTIONS)] > 0
    assert set(used.sum(axis=1).tolist()) == {1, 2}  # one twice would undo itself
    assert used.mean(axis=0) == pytest.approx(1.3 / len(DISTORTIONS), rel=0.2)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_spoil_wants_a_probability(share, digits, rng):
    with pytest.raises(ConfigError, match=r"a share in \[0, 1\], received"):
        spoil(digits, share, rng)
