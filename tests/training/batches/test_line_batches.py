import numpy as np
import pytest

from inkread.training.batches.line_batches import batches, pool, pools
from inkread.training.line_fitting import SYMBOLS


@pytest.fixture(scope="module")
def strips(small_mnist):
    return pool(small_mnist.train, 40, seed=1, number=0)


def test_a_pool_follows_from_its_seed_and_number(small_mnist, strips):
    same = pool(small_mnist.train, 40, seed=1, number=0)
    other = pool(small_mnist.train, 40, seed=1, number=1)

    assert same.texts == strips.texts
    for one, two in zip(same.strips, strips.strips, strict=True):
        np.testing.assert_array_equal(one, two)
    assert other.texts != strips.texts


def test_every_text_fits_into_the_frames_of_its_strip(strips):
    for strip, text in zip(strips.strips, strips.texts, strict=True):
        assert strip.shape[0] == 40
        assert strip.shape[1] >= 4 * len(text)


def test_another_process_writes_the_same_pools(small_mnist):
    made = list(pools(small_mnist.train, 5, seed=2, numbers=range(3)))

    assert [one.texts for one in made] == [
        pool(small_mnist.train, 5, seed=2, number=number).texts for number in range(3)
    ]


def test_batches_hold_every_strip_once(strips):
    found = list(batches(strips, SYMBOLS, 8, np.random.default_rng(0)))

    assert len(found) == 5
    seen = []
    for batch in found:
        assert batch.strips.shape[0] == 8
        assert batch.strips.dtype == np.float32
        assert batch.strips.shape[2] % 16 == 0
        for strip, width, labels in zip(batch.strips, batch.widths, batch.labels, strict=True):
            assert not strip[:, width:].any()
            text = "".join(SYMBOLS[label - 1] for label in labels if label)
            seen.append((text, round(float(strip.sum()), 2)))
    expected = [
        (text, round(float((strip * np.float32(1 / 255)).sum()), 2))
        for strip, text in zip(strips.strips, strips.texts, strict=True)
    ]
    assert sorted(text for text, _ in seen) == sorted(text for text, _ in expected)
    assert sorted(total for _, total in seen) == pytest.approx(
        sorted(total for _, total in expected), rel=1e-3
    )
