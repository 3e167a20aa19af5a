import dataclasses
import gzip

import numpy as np
import pytest
from mnist_sources import LAST, TINY, idx

from inkread.errors import DataError
from inkread.training import mnist
from inkread.training.mnist import IdxFile, Mnist, Split

TRAINING_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_read_idx_reads_labels():
    labels = mnist.read_idx(b"\x00\x00\x08\x01\x00\x00\x00\x03\x07\x00\xff")
    assert labels.dtype == np.uint8
    assert labels.tolist() == [7, 0, 255]


def test_read_idx_reads_images_row_by_row():
    header = b"\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x03"
    images = mnist.read_idx(header + bytes(range(12)))
    assert images.dtype == np.uint8
    assert images.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


def test_read_idx_reads_a_file_with_no_images():
    assert mnist.read_idx(idx((0, 28, 28), b"")).shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("data", "received"),
    [
        pytest.param(b"", "no bytes", id="empty"),
        pytest.param(b"\x00\x00\x08", "00 00 08", id="half a magic"),
        pytest.param(gzip.compress(TINY[LAST]), "1f 8b 08", id="gzipped"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "89 50 4e 47", id="a picture"),
        pytest.param(b"\x00\x00\x0d\x01\x00\x00\x00\x00", "00 00 0d 01", id="floats"),
        pytest.param(b"\x00\x00\x08\x00\x05", "00 00 08 00", id="no dimensions"),
        pytest.param(idx((2, 2, 2), b"")[:12], "12 bytes", id="header cut"),
        pytest.param(idx((2, 2), b"abc"), "15", id="too short"),
        pytest.param(idx((2, 2), b"abcde"), "17", id="too long"),
        pytest.param(idx((2**32 - 1,) * 3, b"ab"), "18", id="larger than any memory"),
        pytest.param(idx((2**31, 2**31, 4), b""), "16", id="size that wraps to 0 in 64 bits"),
        pytest.param(idx((0, 2**32 - 1, 2**32 - 1, 2**32 - 1), b""), "20", id="none, but huge"),
        pytest.param(idx((1,) * 255, b"a"), "255", id="255 dimensions"),
    ],
)
def test_read_idx_refuses_a_broken_file_and_says_what_it_received(data: bytes, received: str):
    with pytest.raises(DataError, match=r"labels\.idx: .*expected") as caught:
        mnist.read_idx(data, "labels.idx")
    assert received in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "num_bytes"), [((10_000,), 10_008), ((60_000, 28, 28), 47040016)]
)
def test_an_idx_file_knows_its_size(shape: tuple[int, ...], num_bytes: int):
    assert IdxFile("file", shape, "").num_bytes == num_bytes


def rows(split: Split) -> list[bytes]:
    return [
        image.tobytes() + bytes([label])
        for image, label in zip(split.images, split.labels, strict=True)
    ]


def same(one: Split, other: Split) -> bool:
    return np.array_equal(one.images, other.images) and np.array_equal(one.labels, other.labels)


def test_mnist_has_its_sizes(full_mnist: Mnist):
    splits = (full_mnist.train, full_mnist.validation, full_mnist.test)
    assert [len(split) for split in splits] == [55_000, 5_000, 10_000]
    for split in splits:
        assert split.images.shape == (len(split), 28, 28)
        assert split.labels.shape == (len(split),)
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert (split.images.min(), split.images.max()) == (0, 255)


def test_mnist_has_its_labels(full_mnist: Mnist):
    train, validation, test = (
        np.bincount(split.labels)
        for split in (full_mnist.train, full_mnist.validation, full_mnist.test)
    )
    assert (train + validation).tolist() == TRAINING_COUNTS
    assert test.tolist() == TEST_COUNTS


def test_mnist_is_light_ink_on_dark_paper(full_mnist: Mnist):
    borders = full_mnist.train.images[:, [0, -1]]
    assert borders.mean() < 1
    assert full_mnist.train.images[:, 9:19, 9:19].mean() > 60


def test_the_validation_split_is_stratified(full_mnist: Mnist):
    share = np.bincount(full_mnist.validation.labels) / 5_000
    assert np.abs(share - np.array(TRAINING_COUNTS) / 60_000).max() < 0.001


def test_the_splits_share_out_the_training_images_and_keep_the_test_images(full_mnist: Mnist):
    files, _ = mnist.fetch()
    arrays = {name: mnist.read_idx(data, name) for name, data in files.items()}
    whole = Split(arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"])
    assert sorted(rows(full_mnist.train) + rows(full_mnist.validation)) == sorted(rows(whole))
    test = Split(arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"])
    assert same(full_mnist.test, test)


def test_the_split_is_the_same_every_time(full_mnist: Mnist):
    again = mnist.load()
    assert same(again.train, full_mnist.train)
    assert same(again.validation, full_mnist.validation)


def test_mnist_is_frozen(full_mnist: Mnist):
    with pytest.raises(dataclasses.FrozenInstanceError):
        full_mnist.train = full_mnist.test
