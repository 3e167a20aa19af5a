import numpy as np

from inkread.training.handwriting.pens import Pens
from inkread.training.handwriting.scans import Scans
from inkread.training.mnist import Split
from inkread.training.synthesis.numbers import written_number
from inkread.training.synthesis.pen_writers import PenWriters
from inkread.training.synthesis.scanned_writers import split_by_writer


def scans_of(digits, writers):
    """Scans of MNIST's digits by some writers: dark on light, with more paper around."""
    chosen = [int(np.flatnonzero(digits.labels == label)[0]) for label, _ in writers]
    images = 255 - np.pad(digits.images[chosen], ((0, 0), (6, 6), (6, 6)))
    labels = digits.labels[chosen]
    return Scans(images, labels, np.array([writer for _, writer in writers], np.uint16))


def test_only_who_wrote_all_ten_digits_is_a_writer(small_mnist):
    of_all = [(label, 1) for label in range(10)]
    of_some = [(label, 2) for label in range(9)]
    scans = scans_of(small_mnist.train, [*of_some, *of_all])
    blank = np.full((1, *scans.images.shape[1:]), 255, np.uint8)
    scans = Scans(
        np.concatenate([scans.images, blank]),
        np.append(scans.labels, np.uint8(9)),
        np.append(scans.writers, np.uint16(2)),
    )
    (found,) = split_by_writer(scans)
    assert found.labels.tolist() == list(range(10))
    assert found.images.shape == (10, 28, 28)
    assert found.images.max(axis=(1, 2)).min() > 128


def test_some_numbers_are_written_by_them(small_mnist):
    """A writer whose digits are all a full square: the others' leave paper in theirs."""
    square = np.zeros((10, 28, 28), np.uint8)
    square[:, 4:24, 4:24] = 255
    writers = PenWriters(Pens((), (), (), ()), 0.0, [Split(square, np.arange(10, dtype=np.uint8))])
    filled = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        ink = written_number(small_mnist.train, rng, "8", writers=writers).ink
        filled += np.mean(ink > 0.5) > 0.65
    assert 5 < filled < 40
