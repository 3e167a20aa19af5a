import dataclasses

import keras
import numpy as np
import pytest

from inkread.models.runtime import prepare_glyphs
from inkread.training.augmentation.elastic import Augmentation
from inkread.training.batches.glyph_batches import Batches, GlyphSource
from inkread.training.mnist import Split
from inkread.training.recipes import Recipe

PLAIN = Recipe(name="plain", purpose="no distortion", network="classic", epochs=3, batch_size=32)
DISTORTED = dataclasses.replace(PLAIN, augmentation=Augmentation(rotation_deg=12.0))


class Oracle:
    """A teacher with the same answer for every glyph; it counts what it is asked."""

    def __init__(self):
        self.asked = []

    def predict_probabilities(self, glyphs):
        self.asked.append(glyphs.copy())
        return np.full((len(glyphs), 10), 0.1, np.float32)


@pytest.fixture(scope="module")
def split(small_mnist):
    return Split(small_mnist.train.images[:100], small_mnist.train.labels[:100])


def whole(batches):
    pairs = [batches[number] for number in range(len(batches))]
    return tuple(np.concatenate(part) for part in zip(*pairs, strict=True))


def test_an_epoch_holds_every_image_once_with_its_label(split):
    batches = Batches(GlyphSource(split, PLAIN, seed=0), epoch=0)
    assert isinstance(batches, keras.utils.PyDataset)
    assert [len(batches[number][0]) for number in range(len(batches))] == [32, 32, 32, 4]
    glyphs, targets = whole(batches)
    assert glyphs.dtype == targets.dtype == np.float32
    pairs = {
        (glyph.tobytes(), label) for glyph, label in zip(glyphs, targets.argmax(1), strict=True)
    }
    expected = prepare_glyphs(split.images)
    assert pairs == {
        (glyph.tobytes(), label) for glyph, label in zip(expected, split.labels, strict=True)
    }
    assert np.array_equal(np.sort(targets, axis=1)[:, -2:], np.tile([0.0, 1.0], (100, 1)))


def test_seed_and_epoch_decide_a_batch(split):
    def batch(seed, epoch):
        return Batches(GlyphSource(split, DISTORTED, seed), epoch)[1][0]

    assert np.array_equal(batch(1, 2), batch(1, 2))
    assert not np.array_equal(batch(1, 2), batch(1, 3))
    assert not np.array_equal(batch(1, 2), batch(2, 2))


def test_the_asked_for_share_is_replaced(split):
    large = Split(np.tile(split.images, (20, 1, 1)), np.tile(split.labels, 20))
    recipe = dataclasses.replace(PLAIN, junk=0.2, drawn=0.3)
    glyphs, targets = whole(Batches(GlyphSource(large, recipe, seed=0), epoch=0))
    assert targets.shape == (2000, 11)
    assert targets[:, 10].mean() == pytest.approx(0.2, abs=0.03)
    originals = {image.tobytes() for image in prepare_glyphs(split.images)}
    kept = np.mean([glyph.tobytes() in originals for glyph in glyphs])
    assert kept == pytest.approx(0.8 * 0.7, abs=0.04)


def test_spoiling_changes_about_the_asked_for_share(split):
    plain, _ = whole(Batches(GlyphSource(split, PLAIN, seed=0), epoch=0))
    recipe = dataclasses.replace(PLAIN, spoiled=0.5)
    spoiled, _ = whole(Batches(GlyphSource(split, recipe, seed=0), epoch=0))
    changed = np.any(plain != spoiled, axis=(1, 2, 3)).mean()
    assert changed == pytest.approx(0.5, abs=0.15)


def test_the_teachers_answers_are_mixed_with_the_labels(split):
    recipe = dataclasses.replace(
        PLAIN, teacher="oracle", taught_share=0.6, taught_copies=2, junk=0.2
    )
    _, targets = whole(Batches(GlyphSource(split, recipe, 0, Oracle()), epoch=0))
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, rtol=1e-6)
    is_junk = targets[:, 10] == 1
    assert 0.05 < is_junk.mean() < 0.4
    # 0.6 of a tenth for each label, and 0.4 more for the true one.
    taught = np.sort(targets[~is_junk, :10], axis=1)
    np.testing.assert_allclose(taught[:, :9], 0.06, rtol=1e-5)
    np.testing.assert_allclose(taught[:, 9], 0.46, rtol=1e-5)


def test_drawn_digits_keep_their_labels(split):
    recipe = dataclasses.replace(
        PLAIN, teacher="oracle", taught_share=1.0, taught_copies=1, drawn=0.3
    )
    _, targets = whole(Batches(GlyphSource(split, recipe, 0, Oracle()), epoch=0))
    is_drawn = targets.max(axis=1) == 1
    assert 0.15 < is_drawn.mean() < 0.45
    np.testing.assert_allclose(targets[~is_drawn, :10], 0.1, rtol=1e-5)


def test_the_teacher_is_asked_once_a_copy_and_before_spoiling(split):
    recipe = dataclasses.replace(
        DISTORTED, teacher="oracle", taught_share=0.5, taught_copies=2, spoiled=1.0
    )
    oracle = Oracle()
    source = GlyphSource(split, recipe, 0, oracle)
    epochs = [whole(Batches(source, epoch))[0] for epoch in range(4)]
    assert len(oracle.asked) == 2 * source.num_batches
    assert not np.array_equal(epochs[0], epochs[2])  # the same copy, spoiled another way
    unspoiled = dataclasses.replace(DISTORTED, taught_copies=2)
    seen, _ = whole(Batches(GlyphSource(split, unspoiled, 0), epoch=2))
    assert np.array_equal(prepare_glyphs(np.concatenate(oracle.asked[:4])), seen)


class Hands:
    """Other people, all of whose digits are blank and whose letters are full of ink."""

    def draw_digits(self, count, rng, *, rare_share):
        assert 0 < rare_share < 1
        return Split(np.zeros((count, 28, 28), np.uint8), np.full(count, 7, np.uint8))

    def draw_non_digits(self, count, rng):
        return np.full((count, 28, 28), 255, np.uint8)


def test_digits_and_letters_of_others_have_their_shares(split):
    large = Split(np.tile(split.images, (20, 1, 1)), np.tile(split.labels, 20))
    recipe = dataclasses.replace(PLAIN, junk=0.2, others=0.3)
    glyphs, targets = whole(Batches(GlyphSource(large, recipe, 0, hands=Hands()), epoch=0))
    labels = targets.argmax(axis=1)
    is_blank = glyphs.max(axis=(1, 2, 3)) == 0
    is_full = glyphs.min(axis=(1, 2, 3)) == 1
    assert set(labels[is_blank & (labels != 10)]) == {7}
    assert np.mean(is_blank & (labels == 7)) == pytest.approx(0.3 * 0.8, abs=0.03)
    assert set(labels[is_full]) == {10}
    assert is_full.mean() == pytest.approx(0.2 / 2, abs=0.03)
    assert (labels == 10).mean() == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("share", [0.01, 0.0])
def test_noise_that_nothing_smooths_is_no_digit(split, share):
    large = Split(np.tile(split.images, (40, 1, 1)), np.tile(split.labels, 40))
    recipe = dataclasses.replace(DISTORTED, junk=1e-6, noise=share)
    glyphs, targets = whole(Batches(GlyphSource(large, recipe, 0), epoch=0))
    is_noise = targets[:, 10] == 1
    assert is_noise.mean() == pytest.approx(share, abs=0.004)
    corners = [glyphs[is_noise][:, y : y + 8, x : x + 8] for y in (0, 20) for x in (0, 20)]
    has_ink = np.array([corner.max(axis=(1, 2, 3)) > 0 for corner in corners])
    assert share == 0 or has_ink.all(axis=0).mean() > 0.9


def test_a_teacher_of_mnist_is_not_believed_about_other_hands(split):
    recipe = dataclasses.replace(
        PLAIN, others=0.5, teacher="any", taught_share=0.5, taught_copies=2
    )
    glyphs, targets = whole(Batches(GlyphSource(split, recipe, 0, Oracle(), Hands()), epoch=0))
    is_other = glyphs.max(axis=(1, 2, 3)) == 0
    assert 20 < is_other.sum() < 80
    np.testing.assert_array_equal(targets[is_other], np.tile(np.eye(10)[7], (is_other.sum(), 1)))
    np.testing.assert_allclose(targets[~is_other].min(axis=1), 0.05)


def test_without_the_others_a_recipe_that_has_them_trains_on_mnist(split):
    """As a model does that learns further from corrections."""
    recipe = dataclasses.replace(PLAIN, others=0.3)
    for ours, known in zip(
        whole(Batches(GlyphSource(split, recipe, 0), 0)),
        whole(Batches(GlyphSource(split, PLAIN, 0), 0)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, known)
