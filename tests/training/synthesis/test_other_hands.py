import numpy as np
import pytest

from inkread.errors import DataError
from inkread.training.handwriting.pens import Pens, PenSample
from inkread.training.handwriting.scans import Scans
from inkread.training.synthesis.other_hands import OtherHands

STEM = np.array([[100, 0], [100, 128], [100, 256]], np.float32)
RING = np.array(
    [[128 + 100 * np.cos(t), 128 + 128 * np.sin(t)] for t in np.linspace(0, 2 * np.pi, 30)],
    np.float32,
)
CROSS = (
    np.array([[0, 0], [256, 256]], np.float32),
    np.array([[256, 0], [0, 256]], np.float32),
)
BLANK = np.full((1, 40, 40), 230, np.uint8)


def of(label, writer, *strokes):
    return PenSample(strokes, label, writer)


def scanned(images):
    return Scans(images, np.array([7], np.uint8), np.array([0], np.uint16))


@pytest.fixture
def others():
    """Two writers: one of many zeros in two sessions, one of a one; a scan; no digits."""
    zeros = [of("0", f"apb/apb/apb1/{session}.dat", RING) for session in range(50)]
    scan = BLANK.copy()
    scan[0, 8:32, 18:22] = 20
    square = np.zeros((1, 105, 105), np.uint8)
    square[0, 20:85, [20, 84]] = square[0, [20, 84], 20:85] = 255
    letters = (of("X", "ced/c", *CROSS), of("/", "ced/c", STEM))
    digits = (*zeros, of("1", "ced/b", STEM))
    return OtherHands(Pens(digits, (), (), letters), scanned(scan), square)


def test_people_count_alike_however_much_they_wrote(others, rng):
    found = others.draw_digits(600, rng)
    assert found.images.shape == (600, 28, 28)
    counts = np.bincount(found.labels, minlength=10)
    # Twice as many of pens as of scans, and of the two people as many each.
    assert counts[[0, 1, 7]] == pytest.approx([200, 200, 200], abs=45)
    assert counts.sum() == counts[[0, 1, 7]].sum()


def test_scans_and_strokes_become_glyphs_as_mnists_are(others, rng):
    found = others.draw_digits(60, rng)
    for label, is_wide in ((0, True), (1, False), (7, False)):
        for image in found.images[found.labels == label]:
            rows, columns = (np.flatnonzero((image > 63).any(axis=axis)) for axis in (1, 0))
            assert 18 <= rows[-1] - rows[0] + 1 <= 22
            assert (columns[-1] - columns[0] > 8) == is_wide


def test_rare_shapes_have_their_share(others, rng):
    found = others.draw_digits(400, rng, rare_share=0.5)
    assert np.isin(found.labels, [2, 4, 5, 9]).mean() == pytest.approx(0.5 * 4 / 7, abs=0.08)


def test_what_is_as_slim_as_a_one_is_not_called_no_digit(others, rng):
    found = others.draw_non_digits(100, rng)
    assert found.shape == (100, 28, 28)
    widths = [np.ptp(np.flatnonzero((image > 63).any(axis=0))) for image in found]
    assert min(widths) > 10


def test_the_same_state_gives_the_same_glyphs(others):
    one, two = (others.draw_digits(20, np.random.default_rng(3), rare_share=0.2) for _ in "12")
    np.testing.assert_array_equal(one.images, two.images)
    one, two = (others.draw_non_digits(20, np.random.default_rng(3)) for _ in "12")
    np.testing.assert_array_equal(one, two)


def test_nothing_to_draw_from_is_an_error(others, rng):
    empty = Scans(BLANK[:0], np.zeros(0, np.uint8), np.zeros(0, np.uint16))
    nobody = OtherHands(Pens((), (), (), ()), empty, others.foreign)
    with pytest.raises(DataError, match="digits of other people, received none"):
        nobody.draw_digits(1, rng)
    with pytest.raises(DataError, match="letters of 0 people and 1 foreign"):
        nobody.draw_non_digits(1, rng)
    with pytest.raises(DataError, match="received blank ones"):
        OtherHands(Pens((), (), (), ()), scanned(BLANK), others.foreign).draw_digits(1, rng)
    slim = Pens((), (), (), (of("/", "a", STEM),))
    line = np.zeros((1, 105, 105), np.uint8)
    line[0, 10:90, 50] = 255
    with pytest.raises(DataError, match="none that is wider than a 1"):
        OtherHands(slim, empty, line).draw_non_digits(1, rng)
