import dataclasses

import numpy as np
import pytest

from inkread.errors import ConfigError
from inkread.models.runtime import Model
from inkread.training.augmentation.distortions import DISTORTIONS
from inkread.training.evaluation import robustness
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.evaluation.robustness import (
    STRENGTHS,
    Distorted,
    Robustness,
    measure_robustness,
)
from inkread.training.mnist import Split


class Threes:
    """A model that reads everything as a 3, and keeps what it saw."""

    def __init__(self):
        self.seen = []

    def predict_probabilities(self, glyphs):
        self.seen.append(glyphs)
        return np.tile(np.eye(10, dtype=np.float32)[3], (len(glyphs), 1))


@pytest.fixture
def split(small_mnist):
    return Split(small_mnist.validation.images[:8], np.array([3, 3, 1, 3, 5, 5, 5, 5], np.uint8))


def test_every_distortion_is_measured_at_every_strength(split):
    found = measure_robustness(Threes(), split)
    assert found.distorted == tuple(
        Distorted(name, (3 / 8,) * len(STRENGTHS)) for name in DISTORTIONS
    )
    assert found.undistorted == estimate_share(3, 8)


def test_a_limit_draws_glyphs_that_the_seed_decides(small_mnist):
    drawn = []
    for seed in (1, 1, 2):
        model = Threes()
        found = measure_robustness(model, small_mnist.validation, limit=20, seed=seed)
        assert found.undistorted.n == 20
        drawn.append(model.seen[0])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.any(drawn[0] != drawn[2])
    known = {glyph.tobytes() for glyph in small_mnist.validation.images}
    assert len({glyph.tobytes() for glyph in drawn[0]} & known) == 20  # no glyph twice
    assert np.any(drawn[0] != small_mnist.validation.images[:20])


def test_the_drawn_glyphs_keep_their_labels(small_mnist):
    right = small_mnist.validation
    found = measure_robustness(Model(threads=1), right, limit=100)
    assert found.undistorted.value > 0.95


def test_a_limit_above_the_number_of_glyphs_takes_all(split):
    model = Threes()
    assert measure_robustness(model, split, limit=100) == measure_robustness(Threes(), split)
    np.testing.assert_array_equal(model.seen[0], split.images)


def test_the_model_reads_what_the_distortion_makes(split, monkeypatch):
    def grey(glyphs, strength, rng):
        del rng
        return glyphs * 0 + (100 * strength)[:, None, None]

    monkeypatch.setattr(robustness, "DISTORTIONS", {"grey": grey})
    model = Threes()
    measure_robustness(model, split)
    assert [np.unique(seen).tolist() for seen in model.seen[1:]] == [[25], [50], [75], [100]]


def test_the_seed_decides_the_pictures(split):
    first, again, other = Threes(), Threes(), Threes()
    for model, seed in ((first, 1), (again, 1), (other, 2)):
        measure_robustness(model, split, seed=seed)
    np.testing.assert_array_equal(first.seen, again.seen)
    np.testing.assert_array_equal(first.seen[0], other.seen[0])  # undistorted
    assert np.any(first.seen[1] != other.seen[1])


def test_a_distortion_more_changes_no_others_pictures(split, monkeypatch):
    before, after = Threes(), Threes()
    measure_robustness(before, split)
    more = {"new": lambda glyphs, _, rng: rng.permutation(glyphs)} | DISTORTIONS
    monkeypatch.setattr(robustness, "DISTORTIONS", more)
    measure_robustness(after, split)
    np.testing.assert_array_equal(before.seen[1:], after.seen[1 + len(STRENGTHS) :])


def test_the_means_are_over_strengths_and_distortions_without_the_undistorted():
    fog, blur = Distorted("fog", (1.0, 0.8, 0.6, 0.4)), Distorted("blur", (1.0, 1.0, 1.0, 0.6))
    assert fog.mean == pytest.approx(0.7)
    assert Robustness(estimate_share(8, 8), (fog, blur)).mean == pytest.approx(0.8)


def test_a_shipped_model_reads_mildly_spoiled_digits(small_mnist):
    found = measure_robustness(Model(threads=1), small_mnist.validation, limit=20)
    assert np.mean([row.accuracy[0] for row in found.distorted]) > 0.9


@pytest.mark.parametrize("limit", [0, -1])
def test_there_must_be_something_to_read(split, limit):
    with pytest.raises(ConfigError, match="at least one glyph"):
        measure_robustness(Threes(), split, limit=limit)


def test_a_result_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Distorted("fog", (1.0,)).distortion = "rain"
