"""Learning from corrected numbers, with tiny trainings."""

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from inkread.corrections.correction import NOT_A_DIGIT, Correction
from inkread.errors import ConfigError, DataError, ModelError
from inkread.models.registry import Registry
from inkread.models.runtime import LineModel, Model
from inkread.training import finetune_line as finetuning
from inkread.training import promotion, train_line
from inkread.training.batches.line_batches import StripPool, pool
from inkread.training.finetune_line import finetune_line, split_number_corrections


@pytest.fixture(scope="module")
def shipped():
    return LineModel("default")


@pytest.fixture(scope="module")
def strips(small_mnist):
    """Eight numbers that a person corrected."""
    return pool(small_mnist.test, 8, 1, 0)


def correction(strip, label, *, minute=0):
    return Correction(
        glyph=bytes(784),
        read="5",
        confidence=0.5,
        model="line",
        model_sha256="0" * 64,
        label=label,
        created=datetime(2026, 1, 1, 0, minute, tzinfo=UTC),
        strip=bytes(cv2.imencode(".png", strip)[1]),
    )


def strip_of(number):
    """A strip that is as wide as its text needs, and says its number."""
    strip = np.zeros((40, 120), np.uint8)
    strip[0, 0] = number
    return strip


def test_a_quarter_of_the_numbers_is_held_out():
    stored = [correction(strip_of(number), str(100 + number)) for number in range(40)]
    found = split_number_corrections(stored, seed=1)
    assert (len(found.train.texts), len(found.held_out.texts), found.num_skipped) == (30, 10, 0)
    for part in (found.train, found.held_out):
        assert [int(strip[0, 0]) + 100 for strip in part.strips] == [int(t) for t in part.texts]


def test_what_can_not_be_learned_from_is_skipped():
    stored = [correction(strip_of(number), "1.25") for number in range(8)]
    stored += [
        correction(strip_of(0), "7", minute=5),  # a later word on the first one
        correction(strip_of(50), NOT_A_DIGIT),
        correction(np.zeros((40, 8), np.uint8), "123"),  # too narrow for so many digits
        Correction(bytes(784), "5", 0.5, "glyph", "0" * 64, "4"),  # a single digit
    ]
    found = split_number_corrections(stored)
    assert found.num_skipped == 3
    assert sorted(found.train.texts + found.held_out.texts) == ["1.25"] * 7 + ["7"]
    with pytest.raises(DataError, match="at least 8 different corrections of whole numbers"):
        split_number_corrections(stored[:7])


def test_a_model_learns_from_numbers_and_is_promoted(
    shipped, strips, small_mnist, tmp_path, monkeypatch
):
    monkeypatch.setattr(train_line, "_NUM_VALIDATION_STRIPS", 16)
    for name, value in (("NUM_POOLS", 1), ("POOL_SIZE", 128), ("NUM_CORRECTIONS_PER_POOL", 64)):
        monkeypatch.setattr(finetuning, name, value)
    run = finetune_line(shipped, strips, small_mnist, tmp_path / "run", seed=3)
    learned = LineModel(run.model_file)
    recipe = learned.metadata.recipe
    assert (recipe["name"], recipe["start"]) == ("line-deep-corrected", "line")
    assert learned.metadata.licence is None
    assert learned.metadata.attribution == shipped.metadata.attribution
    inputs = strips.strips
    for before, after in zip(
        shipped.predict_log_probabilities(inputs),
        learned.predict_log_probabilities(inputs),
        strict=True,
    ):
        assert 0 < np.abs(np.exp(after) - np.exp(before)).max() < 1
    with pytest.raises(ConfigError, match="holds a run already"):
        finetune_line(shipped, strips, small_mnist, tmp_path / "run")

    trials = promotion.compare_lines(
        shipped, shipped.path, run.validation, StripPool(inputs, strips.texts)
    )
    assert all(trial.is_passed and trial.before == trial.after for trial in trials)
    registry = Registry(tmp_path / "models")
    version = promotion.promote(run.model_file, trials, registry, learned.name, LineModel)
    assert version.path.name == "line-deep-corrected-3-0001.line.onnx"
    assert registry.find_current(LineModel) == version.path
    assert registry.find_current(Model) is None
    worse = promotion.Trial("numbers", trials[0].before, promotion.estimate_share(0, 16), 0.005)
    with pytest.raises(ModelError, match="is not promoted, because it got worse; numbers"):
        promotion.promote(run.model_file, [worse], registry, learned.name, LineModel)
