"""Training batches of glyphs: sampling, augmentation and targets, all determined by the seed.

No random state is kept between epochs: the batches of an epoch follow from the seed and the epoch's
number, so a training resumed from a checkpoint gets the same batches as an uninterrupted one.
"""

import math
from functools import cached_property
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from inkread.models.runtime import Model, prepare_glyphs
from inkread.training.augmentation.distortions import spoil
from inkread.training.augmentation.elastic import augment
from inkread.training.mnist import Split
from inkread.training.recipes import Recipe
from inkread.training.synthesis import drawn_digits, non_digits
from inkread.training.synthesis.other_hands import OtherHands
from inkread.training.synthesis.scribbles import draw_noise

__all__ = ["Batches", "GlyphSource"]

NUM_LABELS = 10
# Synthetic glyphs are drawn once, enough for this many epochs, and reused with new distortions.
_NUM_DRAWN_EPOCHS = 2
# Seed keys of the synthetic glyphs, distinct from every epoch's number.
_DRAWN_SEED_KEY, _JUNK_SEED_KEY, _OTHERS_SEED_KEY = 2**32 - 1, 2**32 - 2, 2**32 - 3
_RARE_SHARE = 0.1  # of the digits of other people: shapes that even they write seldom

Targets = npt.NDArray[np.float32]


class GlyphSource:
    """The data of a training from which every epoch's batches are made."""

    def __init__(
        self,
        split: Split,
        recipe: Recipe,
        seed: int,
        teacher: Model | None = None,
        hands: OtherHands | None = None,
    ) -> None:
        """Store the data and options; synthetic glyphs are drawn when they are first used.

        Args:
            split: the training images.
            recipe: the shares of synthetic glyphs, the augmentation and the batch size.
            seed: determines all randomness.
            teacher: the model whose probabilities are mixed into the targets (distillation), if
                the recipe has one.
            hands: other people's handwriting, if the recipe has a share of it; without it that
                share stays MNIST's.
        """
        self.split, self.recipe, self.seed, self.teacher = split, recipe, seed, teacher
        self._hands = hands
        # Cache of the teacher's probabilities by augmented copy: (B, 10) for each of its batches.
        self.answers: dict[int, list[Targets]] = {}

    @property
    def num_batches(self) -> int:
        """Number of batches in an epoch."""
        return -(-len(self.split) // self.recipe.batch_size)

    @cached_property
    def drawn(self) -> Split | None:
        """Synthetic digits in shapes rare in MNIST; None if the recipe has no share of them."""
        if not self.recipe.drawn:
            return None
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _DRAWN_SEED_KEY]))
        return drawn_digits.draw_glyphs(self._count_drawn(self.recipe.drawn), rng)

    @cached_property
    def junk(self) -> npt.NDArray[np.uint8] | None:
        """Non-digit glyphs, (N, 28, 28) uint8; None if the recipe has no share of them."""
        if not self.recipe.junk:
            return None
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _JUNK_SEED_KEY]))
        count = self._count_drawn(self.recipe.junk)
        if self._hands is None:
            return non_digits.draw_glyphs(count, self.split, rng)
        of_others = self._hands.draw_non_digits(count // 2, rng)
        drawn = non_digits.draw_glyphs(count - count // 2, self.split, rng)
        return np.concatenate([drawn, of_others])

    @cached_property
    def others(self) -> Split | None:
        """Digits of other people than MNIST's; None if the training has none."""
        if self._hands is None:
            return None
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _OTHERS_SEED_KEY]))
        count = self._count_drawn(self.recipe.others)
        return self._hands.draw_digits(count, rng, rare_share=_RARE_SHARE)

    def _count_drawn(self, share: float) -> int:
        return math.ceil(_NUM_DRAWN_EPOCHS * share * len(self.split))


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of one epoch: (B, 28, 28, 1) float32 in [0, 1], and (B, outputs) targets."""

    def __init__(self, source: GlyphSource, epoch: int) -> None:
        """Shuffle the images, and compute the teacher's probabilities if they are not cached.

        They are computed before the epoch starts, because the threads of the teacher and those of
        the training would block one another.

        Args:
            source: the data of the training.
            epoch: number of the epoch, from 0.
        """
        super().__init__()
        self._source = source
        # With a teacher, a limited number of augmented copies is reused, so that its
        # probabilities can be cached.
        copies = source.recipe.taught_copies
        self._copy = epoch % copies if copies else epoch
        seeds = np.random.SeedSequence([source.seed, self._copy]).spawn(source.num_batches + 1)
        self._order = np.random.default_rng(seeds.pop()).permutation(len(source.split))
        self._seeds = seeds
        self._late_seeds = np.random.SeedSequence([source.seed, epoch, 1]).spawn(len(seeds))
        self._answers = source.answers.get(self._copy)
        if source.teacher is not None and self._answers is None:
            distorted = (self._distort_batch(batch)[0] for batch in range(len(self)))
            self._answers = [source.teacher.predict_probabilities(glyphs) for glyphs in distorted]
            if copies:  # without copies, the same batches never recur
                source.answers[self._copy] = self._answers

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._seeds)

    def __getitem__(self, batch: int) -> tuple[Any, Any]:
        """Return a batch by its number, from 0: glyphs (B, 28, 28, 1), targets (B, outputs)."""
        recipe = self._source.recipe
        glyphs, targets, is_mnist = self._distort_batch(batch)
        if self._answers is not None:
            # The teacher knows only MNIST's shapes, so all other glyphs keep their labels.
            taught = recipe.taught_share * is_mnist[:, None]
            targets[:, :NUM_LABELS] += taught * (self._answers[batch] - targets[:, :NUM_LABELS])
        if recipe.spoiled:
            rng = np.random.default_rng(self._late_seeds[batch])
            glyphs = spoil(glyphs, recipe.spoiled, rng)
        return prepare_glyphs(glyphs), targets

    def _distort_batch(
        self, batch: int
    ) -> tuple[npt.NDArray[np.uint8], Targets, npt.NDArray[np.bool_]]:
        """Return a batch's augmented glyphs, their targets, and which of them are from MNIST."""
        recipe = self._source.recipe
        rng = np.random.default_rng(self._seeds[batch])
        chosen = self._order[batch * recipe.batch_size : (batch + 1) * recipe.batch_size]
        glyphs, targets, is_mnist = self._mix_glyphs(chosen, rng)
        if recipe.augmentation:
            glyphs = augment(glyphs, recipe.augmentation, rng)
        if recipe.noise:
            for index in np.flatnonzero(rng.random(len(glyphs)) < recipe.noise):
                glyphs[index] = draw_noise(rng)
                targets[index] = np.eye(recipe.num_outputs, dtype=np.float32)[NUM_LABELS]
                is_mnist[index] = False
        return glyphs, targets, is_mnist

    def _mix_glyphs(
        self, chosen: npt.NDArray[np.intp], rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.uint8], Targets, npt.NDArray[np.bool_]]:
        """Replace some images by synthetic ones; return glyphs, targets, which are MNIST's."""
        source, recipe = self._source, self._source.recipe
        glyphs, labels = source.split.images[chosen], source.split.labels[chosen].astype(np.intp)
        is_mnist = np.ones(len(glyphs), np.bool_)
        for digits, share in ((source.drawn, recipe.drawn), (source.others, recipe.others)):
            if digits is None:
                continue
            replaced = rng.random(len(glyphs)) < share
            picked = rng.integers(len(digits), size=int(replaced.sum()))
            glyphs[replaced] = digits.images[picked]
            labels[replaced] = digits.labels[picked]
            is_mnist &= ~replaced
        if source.junk is not None:
            replaced = rng.random(len(glyphs)) < recipe.junk
            picked = rng.integers(len(source.junk), size=int(replaced.sum()))
            glyphs[replaced] = source.junk[picked]
            labels[replaced] = NUM_LABELS
            is_mnist &= ~replaced
        targets = np.eye(recipe.num_outputs, dtype=np.float32)[labels]
        return glyphs, targets, is_mnist
