import dataclasses

import numpy as np
import pytest

from inkread.errors import ConfigError
from inkread.runtime import Model
from inkread.training import robustness
from inkread.training.distortions import DISTORTIONS
from inkread.training.mnist import Split
from inkread.training.robustness import STRENGTHS, Robustness, measure


class Threes:
    """A model that reads everything as a 3, and keeps what it saw."""

    def __init__(self):
        self.seen = []

    def probabilities(self, glyphs):
        self.seen.append(glyphs)
        return np.tile(np.eye(10, dtype=np.float32)[3], (len(glyphs), 1))


@pytest.fixture
def split(small_mnist):
    return Split(small_mnist.validation.images[:8], np.array([3, 3, 1, 3, 5, 5, 5, 5], np.uint8))


def test_every_distortion_is_measured_at_every_strength(split):
    found = measure(Threes(), split)
    assert found == tuple(Robustness(name, (3 / 8,) * len(STRENGTHS)) for name in DISTORTIONS)


def test_the_limit_takes_the_first_glyphs(split):
    assert measure(Threes(), split, limit=2)[0].accuracy == (1.0,) * len(STRENGTHS)
    assert measure(Threes(), split, limit=100) == measure(Threes(), split)


def test_the_model_reads_what_the_distortion_makes(split, monkeypatch):
    def grey(glyphs, strength, rng):
        del rng
        return glyphs * 0 + (100 * strength)[:, None, None]

    monkeypatch.setattr(robustness, "DISTORTIONS", {"grey": grey})
    model = Threes()
    measure(model, split)
    assert [np.unique(seen).tolist() for seen in model.seen] == [[25], [50], [75], [100]]


def test_the_seed_decides_the_pictures(split):
    first, again, other = Threes(), Threes(), Threes()
    for model, seed in ((first, 1), (again, 1), (other, 2)):
        measure(model, split, seed=seed)
    np.testing.assert_array_equal(first.seen, again.seen)
    assert np.any(np.array(first.seen[0]) != np.array(other.seen[0]))


def test_a_distortion_more_changes_no_others_pictures(split, monkeypatch):
    before, after = Threes(), Threes()
    measure(before, split)
    more = {"new": lambda glyphs, _, rng: rng.permutation(glyphs)} | DISTORTIONS
    monkeypatch.setattr(robustness, "DISTORTIONS", more)
    measure(after, split)
    np.testing.assert_array_equal(before.seen, after.seen[len(STRENGTHS) :])


def test_the_mean_is_over_the_strengths():
    assert Robustness("fog", (1.0, 0.8, 0.6, 0.4)).mean == pytest.approx(0.7)


def test_a_shipped_model_reads_mildly_spoiled_digits(small_mnist):
    found = measure(Model(threads=1), small_mnist.validation, limit=20)
    assert np.mean([row.accuracy[0] for row in found]) > 0.9


@pytest.mark.parametrize("limit", [0, -1])
def test_there_must_be_something_to_read(split, limit):
    with pytest.raises(ConfigError, match="at least one glyph"):
        measure(Threes(), split, limit=limit)


def test_a_result_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Robustness("fog", (1.0,)).distortion = "rain"
