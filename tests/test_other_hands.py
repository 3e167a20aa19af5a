import numpy as np
import pytest

from inkread.errors import DataError
from inkread.training.batches import Batches, Source
from inkread.training.other_hands import OtherHands
from inkread.training.pens import FOLDER_VARIABLE, Pens, PenSample, Scans
from inkread.training.recipes import RECIPES, Recipe
from inkread.training.train import Training

STEM = np.array([[100, 0], [100, 128], [100, 256]], np.float32)
RING = np.array(
    [[128 + 100 * np.cos(t), 128 + 128 * np.sin(t)] for t in np.linspace(0, 2 * np.pi, 30)],
    np.float32,
)
CROSS = (
    np.array([[0, 0], [256, 256]], np.float32),
    np.array([[256, 0], [0, 256]], np.float32),
)


def of(label, writer, *strokes):
    return PenSample(strokes, label, writer)


@pytest.fixture
def others():
    """Two writers of zeros, the first with many; scanned ones; crosses and a foreign square."""
    zeros = [of("0", "a", RING)] * 50 + [of("1", "b", STEM)]
    scan = np.full((1, 40, 40), 230, np.uint8)
    scan[0, 8:32, 18:22] = 20
    square = np.zeros((1, 105, 105), np.uint8)
    square[0, 20:85, [20, 84]] = square[0, [20, 84], 20:85] = 255
    return OtherHands(
        Pens(tuple(zeros), (), (), (of("X", "c", *CROSS), of("/", "c", STEM))),
        Scans(scan, np.array([7], np.uint8), np.array([0], np.uint8)),
        square,
    )


def test_writers_count_alike_however_much_they_wrote(others, rng):
    found = others.digits(600, rng)
    assert found.images.shape == (600, 28, 28)
    counts = np.bincount(found.labels, minlength=10)
    # Twice as many of pens as of scans, and of the two writers as many each.
    assert counts[[0, 1, 7]] == pytest.approx([200, 200, 200], abs=45)
    assert counts.sum() == counts[[0, 1, 7]].sum()


def test_scans_and_strokes_become_glyphs_as_mnists_are(others, rng):
    found = others.digits(60, rng)
    for label, is_wide in ((0, True), (1, False), (7, False)):
        for image in found.images[found.labels == label]:
            rows, columns = (np.flatnonzero((image > 63).any(axis=axis)) for axis in (1, 0))
            assert 18 <= rows[-1] - rows[0] + 1 <= 22
            assert (columns[-1] - columns[0] > 8) == is_wide


def test_what_is_as_slim_as_a_one_is_not_called_no_digit(others, rng):
    found = others.no_digits(100, rng)
    assert found.shape == (100, 28, 28)
    widths = [np.ptp(np.flatnonzero((image > 63).any(axis=0))) for image in found]
    assert min(widths) > 10


def test_a_batch_has_the_share_of_others_that_its_recipe_wants(others, small_mnist):
    recipe = Recipe("any", "", network="tiny", epochs=1, batch_size=200, others=0.5, junk=0.2)
    source = Source(small_mnist.train, recipe, seed=0, others=others)
    _, targets = Batches(source, 0)[0]
    labels = targets.argmax(axis=1)
    assert np.isin(labels, [0, 1, 7]).mean() == pytest.approx(0.4 + 0.4 * 0.3, abs=0.13)
    assert (labels == 10).mean() == pytest.approx(0.2, abs=0.1)


def test_recipes_of_mnist_alone_get_what_they_always_got(others, small_mnist):
    recipe = Recipe("any", "", network="tiny", epochs=1, junk=0.2, drawn=0.1)
    one, two = (Batches(Source(small_mnist.train, recipe, seed=0), 0)[0] for _ in range(2))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)
    for name in ("swift", "cascade", "standard"):
        assert not RECIPES[name].needs_others
    for name in ("swift-hands", "cascade-hands"):
        assert RECIPES[name].needs_others


def test_a_recipe_that_needs_others_says_how_to_get_them(small_mnist, tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with pytest.raises(DataError, match="--pens DIR"):
        Training(RECIPES["swift-hands"], small_mnist, tmp_path / "run")
    assert not (tmp_path / "run").exists()
