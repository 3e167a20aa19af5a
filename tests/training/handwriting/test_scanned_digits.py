import numpy as np
import pytest

from inkread.errors import DataError
from inkread.training.handwriting.archives import ARCHIVES, write_arrays
from inkread.training.handwriting.scans import load_foreign, load_scans


@pytest.fixture
def scans(tmp_path):
    """Ten writers with two digits each; a writer's pictures are as bright as its number."""
    writers = np.repeat(np.arange(10), 2)
    images = np.broadcast_to(writers[:, None, None], (20, 40, 40)).astype(np.uint8)
    arrays = {"images": images, "labels": np.tile([3, 7], 10), "writer": writers}
    write_arrays(tmp_path / ARCHIVES["scans"].name, arrays)
    return arrays


def test_whole_writers_are_kept_for_validation(scans, tmp_path):
    trained, kept = (load_scans(tmp_path, validation=each) for each in (False, True))
    assert np.unique(trained.writers).tolist() == list(range(9))
    assert np.unique(kept.writers).tolist() == [9]
    for found in (trained, kept):
        np.testing.assert_array_equal(found.images[:, 0, 0], found.writers)
        assert found.labels.tolist() == [3, 7] * (len(found.labels) // 2)


@pytest.mark.parametrize(
    "broken",
    [
        {"labels": np.arange(3)},
        {"labels": np.full(20, 10)},
        {"images": np.zeros((20, 40, 40))},
        {"images": np.zeros((20, 40), np.uint8)},
    ],
)
def test_scans_that_do_not_fit_together_are_an_error(broken, scans, tmp_path):
    write_arrays(tmp_path / ARCHIVES["scans"].name, scans | broken)
    with pytest.raises(DataError, match=r"swiss-digits.npz: expected images \(N, H, W\) uint8"):
        load_scans(tmp_path)


@pytest.fixture
def foreign(tmp_path):
    """Two characters, one of them like a digit, by three drawers."""
    ink = np.zeros((6, 105, 105), bool)
    ink[np.arange(6), np.arange(6), 104] = True
    arrays = {
        "ink": np.packbits(ink, axis=2),
        "label_id": np.array([0, 1, 0, 1, 0, 1]),
        "labels": np.array(["Greek/character01", "Greek/character02"]),
        "drawer": np.array([1, 1, 2, 2, 8, 8]),
    }
    write_arrays(tmp_path / ARCHIVES["foreign"].name, arrays)
    return arrays


def test_foreign_characters_like_digits_are_left_out_and_drawers_kept(foreign, tmp_path):
    trained, kept = (load_foreign(tmp_path, validation=each) for each in (False, True))
    assert [np.argwhere(each).tolist() for each in trained] == [[[0, 104]], [[2, 104]]]
    assert [np.argwhere(each).tolist() for each in kept] == [[[4, 104]]]
    assert trained.shape == (2, 105, 105)
    assert set(np.unique(trained)) == {0, 255}


@pytest.mark.parametrize(
    "broken", [{"drawer": np.arange(3)}, {"label_id": np.full(6, 2)}, {"ink": np.zeros((6, 9, 14))}]
)
def test_foreign_characters_that_do_not_fit_together_are_an_error(broken, foreign, tmp_path):
    write_arrays(tmp_path / ARCHIVES["foreign"].name, foreign | broken)
    with pytest.raises(DataError, match=r"omniglot-small.npz: expected ink \(N, H, W / 8\)"):
        load_foreign(tmp_path)


def test_missing_files_are_named_with_the_command_that_makes_them(tmp_path):
    with pytest.raises(DataError, match=r"inkread data import swiss SOURCE --out"):
        load_scans(tmp_path)
    with pytest.raises(DataError, match=r"inkread data import omniglot SOURCE --out"):
        load_foreign(tmp_path)
