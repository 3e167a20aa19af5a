"""Training batches: which images, how distorted, with which targets; all decided by the seed.

Nothing random outlives an epoch: an epoch's batches follow from the seed and its number, so that a
training resumed from a checkpoint gets the batches that it would have got.
"""

import math
from functools import cached_property
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from inkread.runtime import Model, as_input
from inkread.training import junk, synth
from inkread.training.augment import augment
from inkread.training.distortions import spoil
from inkread.training.mnist import Split
from inkread.training.other_hands import OtherHands
from inkread.training.recipes import Recipe

__all__ = ["Batches", "Source"]

NUM_LABELS = 10
# So many epochs' worth of glyphs are drawn by code; they come round, distorted anew each time.
EPOCHS_DRAWN = 2
# Words in the seeds of what is drawn, apart from any number of an epoch.
_DRAWN, _JUNK, _OTHERS = 2**32 - 1, 2**32 - 2, 2**32 - 3

Targets = npt.NDArray[np.float32]


class Source:
    """What a training takes its batches from, the same in every epoch."""

    def __init__(
        self,
        split: Split,
        recipe: Recipe,
        seed: int,
        teacher: Model | None = None,
        others: OtherHands | None = None,
    ) -> None:
        """Remember what an epoch is made of.

        Args:
            split: the training images.
            recipe: says how many of which glyphs are mixed in, and how all are distorted.
            seed: decides everything random.
            teacher: answers for the targets, if the recipe has one.
            others: other people's handwriting, if the recipe wants it.
        """
        self._others = others
        self.split, self.recipe, self.seed, self.teacher = split, recipe, seed, teacher
        # The teacher's probabilities of each copy's batches, (B, 10) each.
        self.answers: dict[int, list[Targets]] = {}

    @property
    def num_batches(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.split) // self.recipe.batch_size)

    @cached_property
    def drawn(self) -> Split | None:
        """Digits in shapes that MNIST lacks, if the recipe wants them."""
        if not self.recipe.drawn:
            return None
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _DRAWN]))
        return synth.glyphs(self._num_drawn(self.recipe.drawn), rng)

    @cached_property
    def junk(self) -> npt.NDArray[np.uint8] | None:
        """Glyphs that are no digits, (N, 28, 28) uint8, if the recipe wants them."""
        if not self.recipe.junk:
            return None
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _JUNK]))
        count = self._num_drawn(self.recipe.junk)
        if self._others is None:
            return junk.glyphs(count, self.split, rng)
        of_others = self._others.no_digits(count // 2, rng)
        return np.concatenate([junk.glyphs(count - count // 2, self.split, rng), of_others])

    @cached_property
    def others(self) -> Split | None:
        """Digits of other people, if the recipe wants them."""
        if self._others is None:
            return None
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _OTHERS]))
        return self._others.digits(self._num_drawn(self.recipe.others), rng)

    def _num_drawn(self, share: float) -> int:
        return math.ceil(EPOCHS_DRAWN * share * len(self.split))


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of one epoch: (B, 28, 28, 1) float32 in [0, 1], and (B, outputs) targets."""

    def __init__(self, source: Source, epoch: int) -> None:
        """Shuffle, and ask the teacher, if there is one, about every batch that is new to it.

        It is asked here, before the epoch, because its threads and those of the training would
        wait for one another.

        Args:
            source: what the batches are taken from.
            epoch: its number, from 0.
        """
        super().__init__()
        self._source = source
        # A teacher's answers are wanted again, so its pupil's distortions come round again.
        copies = source.recipe.taught_copies
        self._copy = epoch % copies if copies else epoch
        seeds = np.random.SeedSequence([source.seed, self._copy]).spawn(source.num_batches + 1)
        self._order = np.random.default_rng(seeds.pop()).permutation(len(source.split))
        self._seeds = seeds
        self._late_seeds = np.random.SeedSequence([source.seed, epoch, 1]).spawn(len(seeds))
        self._answers = source.answers.get(self._copy)
        if source.teacher is not None and self._answers is None:
            distorted = (self._distorted(batch)[0] for batch in range(len(self)))
            self._answers = [source.teacher.probabilities(glyphs) for glyphs in distorted]
            if copies:  # else the same batches never come again
                source.answers[self._copy] = self._answers

    def __len__(self) -> int:
        """How many batches."""
        return len(self._seeds)

    def __getitem__(self, batch: int) -> tuple[Any, Any]:
        """Return a batch by its number, from 0."""
        recipe = self._source.recipe
        glyphs, targets, is_mnist = self._distorted(batch)
        if self._answers is not None:
            # The teacher knows MNIST's shapes only; what was drawn keeps its label.
            taught = recipe.taught_share * is_mnist[:, None]
            targets[:, :NUM_LABELS] += taught * (self._answers[batch] - targets[:, :NUM_LABELS])
        if recipe.spoiled:
            rng = np.random.default_rng(self._late_seeds[batch])
            glyphs = spoil(glyphs, recipe.spoiled, rng)
        return as_input(glyphs), targets

    def _distorted(
        self, batch: int
    ) -> tuple[npt.NDArray[np.uint8], Targets, npt.NDArray[np.bool_]]:
        """Return a batch as a teacher sees it; its targets; which of it are MNIST's."""
        recipe = self._source.recipe
        rng = np.random.default_rng(self._seeds[batch])
        chosen = self._order[batch * recipe.batch_size : (batch + 1) * recipe.batch_size]
        glyphs, targets, is_mnist = self._mixed(chosen, rng)
        if recipe.augmentation:
            glyphs = augment(glyphs, recipe.augmentation, rng)
        return glyphs, targets, is_mnist

    def _mixed(
        self, chosen: npt.NDArray[np.intp], rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.uint8], Targets, npt.NDArray[np.bool_]]:
        """Return training images, some replaced by what MNIST lacks; targets; which are MNIST's."""
        source, recipe = self._source, self._source.recipe
        glyphs, labels = source.split.images[chosen], source.split.labels[chosen].astype(np.intp)
        is_mnist = np.ones(len(glyphs), np.bool_)
        for mixed, share in ((source.drawn, recipe.drawn), (source.others, recipe.others)):
            if mixed is None:
                continue
            replaced = rng.random(len(glyphs)) < share
            picked = rng.integers(len(mixed), size=int(replaced.sum()))
            glyphs[replaced] = mixed.images[picked]
            labels[replaced] = mixed.labels[picked]
            is_mnist &= ~replaced
        if source.junk is not None:
            replaced = rng.random(len(glyphs)) < recipe.junk
            picked = rng.integers(len(source.junk), size=int(replaced.sum()))
            glyphs[replaced] = source.junk[picked]
            labels[replaced] = NUM_LABELS
            is_mnist &= ~replaced
        targets = np.eye(recipe.num_outputs, dtype=np.float32)[labels]
        return glyphs, targets, is_mnist
