"""Fine-tunes a model on corrections, with rehearsal of MNIST against catastrophic forgetting.

A quarter of each batch are corrections, augmented anew each time. The rest are MNIST images with
the model's own predictions as targets: learning without forgetting (Li and Hoiem 2016) with
rehearsal. The resulting weights are interpolated between the old and the fine-tuned weights, which
keeps most of what was learned and forgets much less (Wortsman et al. 2022, "Robust fine-tuning of
zero-shot models"). Everything random follows from the seed.
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from inkread.batch.allocator import keep_freed_memory
from inkread.corrections.correction import NOT_A_DIGIT, Correction
from inkread.corrections.store import Store
from inkread.errors import ConfigError, DataError
from inkread.files import replace_atomically
from inkread.models.runtime import Model, prepare_glyphs
from inkread.training.augmentation.distortions import spoil
from inkread.training.augmentation.elastic import augment
from inkread.training.batches.glyph_batches import NUM_LABELS, Batches, GlyphSource
from inkread.training.epoch import train_epoch
from inkread.training.history import Epoch, Step, write_history
from inkread.training.mnist import Mnist, Split
from inkread.training.networks.reconstruction import rebuild_network
from inkread.training.recipes import Recipe, recipe_from_dict
from inkread.training.runs import CHECKPOINT, HISTORY, RECIPE, begin_run
from inkread.training.train import NUM_PARITY_GLYPHS, Run, compile_network, finish_run

__all__ = ["NO_DIGIT", "CorrectionSet", "finetune", "load_corrections", "split_corrections"]

NO_DIGIT = NUM_LABELS  # label of a glyph that is no digit: the output after the digits'
MIN_CORRECTIONS = 8
HELD_OUT_EVERY = 4  # one in this many corrections is held out from training
NUM_EPOCHS = 3
NUM_REPLAYED_PER_EPOCH = 9_600  # MNIST images
NUM_REPLAYED_PER_BATCH = 96  # MNIST images
NUM_CORRECTIONS_PER_BATCH = 32
LEARNING_RATE, WARMUP = 0.0005, 0.1
TAUGHT_SHARE = 1.0  # the model's predictions carry more information than the labels
INTERPOLATION = 0.6  # of the weights: 0 keeps the old ones, 1 takes the fine-tuned ones
# Of the recipe's distortions; stronger ones would hide the habits of a handwriting.
AUGMENTATION_SCALE = 0.5
SUFFIX = "-corrected"


@dataclass(frozen=True)
class CorrectionSet:
    """Corrections, split into training and held-out examples.

    Attributes:
        train: corrections to train on, with labels 0 to 9 or ``NO_DIGIT``.
        held_out: corrections to evaluate the result on.
        num_skipped: number of unusable corrections: labels of several digits, older corrections of
            the same glyph, and non-digits if the model has no output for them.
    """

    train: Split
    held_out: Split
    num_skipped: int


def split_corrections(
    stored: Iterable[Correction], model: Model, *, seed: int = 0
) -> CorrectionSet:
    """Split corrections into training and held-out ones, stratified by label.

    Args:
        stored: the corrections, as from ``Store.export``; those without a label, and those of whole
            numbers, are ignored.
        model: the model to fine-tune.
        seed: decides which corrections are held out.

    Raises:
        DataError: too few usable corrections.
    """
    judged = [each for each in stored if each.label is not None and each.strip is None]
    newest = {each.content_sha256: each for each in sorted(judged, key=lambda each: each.created)}
    may_be = {str(digit): digit for digit in range(NUM_LABELS)}
    if model.metadata.junk_threshold is not None:
        may_be[NOT_A_DIGIT] = NO_DIGIT
    usable = [each for each in newest.values() if each.label in may_be]
    if len(usable) < MIN_CORRECTIONS:
        raise DataError(
            f"expected at least {MIN_CORRECTIONS} different corrections to learn from, received "
            f"{len(usable)} ({len(judged) - len(usable)} others can't be learned from)"
        )
    labels = np.array([may_be[str(each.label)] for each in usable], np.uint8)
    rng = np.random.default_rng(seed)
    # Shuffled, then sorted by label, so that every fourth makes a stratified sample.
    order = rng.permutation(len(usable))
    order = order[np.argsort(labels[order], kind="stable")]
    is_held_out = np.arange(len(order)) % HELD_OUT_EVERY == rng.integers(HELD_OUT_EVERY)
    glyphs = np.stack([each.pixels for each in usable])

    def part(chosen: npt.NDArray[np.intp]) -> Split:
        return Split(glyphs[chosen], labels[chosen])

    skipped = len(judged) - len(usable)
    return CorrectionSet(part(order[~is_held_out]), part(order[is_held_out]), skipped)


def load_corrections(url: str, model: Model, *, seed: int = 0) -> CorrectionSet:
    """Load and split the corrections of a database; as for ``split_corrections``.

    Args:
        url: the database, as for ``Store``.
        model: the model to fine-tune.
        seed: decides which corrections are held out.

    Raises:
        StoreError: the database can't be used.
    """
    with contextlib.closing(Store(url)) as store:
        return split_corrections(store.export(judged=True), model, seed=seed)


def finetune(  # noqa: PLR0913 - the arguments of a training, and one more
    model: Model,
    corrections: Split,
    data: Mnist,
    directory: Path,
    *,
    seed: int = 0,
    interpolation: float = INTERPOLATION,
    on_step: Callable[[Step], None] | None = None,
) -> Run:
    """Fine-tune a model on corrections, and write a run's folder.

    Args:
        model: a single network, or a cascade, of which each network learns from the glyphs that it
            answers for; dropout makes the first network answer for slightly fewer.
        corrections: corrections to train on, with labels 0 to 9 or ``NO_DIGIT``.
        data: MNIST. ``data.train`` is replayed; ``data.validation`` gives the metrics of each
            epoch, before the interpolation, the temperature and the threshold. The test images
            aren't used.
        directory: the run's folder; created if missing.
        seed: decides everything random.
        interpolation: position of the result between the old weights and the fine-tuned ones, in
            [0, 1].
        on_step: called after every step, or once per ``steps_per_call`` steps.

    Raises:
        ConfigError: the folder holds a run, or the model is an ensemble.
        ModelError: the model can't be rebuilt.
        OSError: the folder can't be written.
    """
    if (directory / RECIPE).exists():
        raise ConfigError(f"{directory} holds a run already: choose another folder")
    keras.utils.set_random_seed(
        seed
    )  # before the dropout layers are built, which draw their seeds from it
    network = rebuild_network(model, data.validation.images[:NUM_PARITY_GLYPHS])
    recipe = _make_recipe(model)
    keep_freed_memory()
    steps_an_epoch = -(-min(NUM_REPLAYED_PER_EPOCH, len(data.train)) // recipe.batch_size)
    compile_network(network, recipe, num_steps=NUM_EPOCHS * steps_an_epoch)
    before = network.get_weights()
    history: list[Epoch] = []
    for number in range(NUM_EPOCHS):
        batches = partial(_RehearsalBatches, model, corrections, data.train, recipe, seed, number)
        place = (number, NUM_EPOCHS)
        history.append(train_epoch(network, batches, data.validation, place, history, on_step))
    after = network.get_weights()
    network.set_weights(
        [old + interpolation * (new - old) for old, new in zip(before, after, strict=True)]
    )
    # Only now: fine-tuning can't be resumed, so an interrupted one must leave no run behind.
    begin_run(recipe, seed, directory, resume=False, teacher_sha256=model.sha256)
    write_history(directory / HISTORY, history)
    with replace_atomically(directory / CHECKPOINT) as temporary:
        network.save(temporary)
    run = Run(directory, recipe, seed, tuple(history), network)
    # No licence is stated: the corrections are the user's own.
    finish_run(
        run, data.validation, model.sha256,
        licence=None, least_threshold=model.metadata.junk_threshold or 0.0,
    )  # fmt: skip
    return run


def _make_recipe(model: Model) -> Recipe:
    """Make the recipe of the fine-tuning from that of the model's last network."""
    recipe = recipe_from_dict(model.metadata.recipe)
    last = recipe.networks[-1]
    return replace(
        last,
        members=recipe.members,
        sure=recipe.sure,
        network=recipe.network,
        shifted=recipe.shifted,
        name=recipe.name.removesuffix(SUFFIX) + SUFFIX,
        purpose="learning from corrections",
        epochs=NUM_EPOCHS,
        batch_size=NUM_REPLAYED_PER_BATCH,
        learning_rate=LEARNING_RATE,
        warmup=WARMUP,
        augmentation=last.augmentation and last.augmentation.scale(AUGMENTATION_SCALE),
        teacher=model.name,
        taught_share=TAUGHT_SHARE,
        taught_copies=0,
    )


class _RehearsalBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of an epoch: MNIST images made as the recipe says, followed by corrections."""

    def __init__(
        self,
        model: Model,
        corrections: Split,
        train: Split,
        recipe: Recipe,
        seed: int,
        epoch: int,
    ) -> None:
        super().__init__()
        seeds = np.random.SeedSequence([seed, epoch])
        rng = np.random.default_rng(seeds)
        chosen = rng.choice(len(train), min(NUM_REPLAYED_PER_EPOCH, len(train)), replace=False)
        replayed = Split(train.images[chosen], train.labels[chosen])
        # Who corrects a model need not have other people's handwriting: MNIST's is replayed.
        source = GlyphSource(replayed, recipe, int(seeds.generate_state(1)[0]), model)
        self._replayed = Batches(source, epoch)
        self._corrections, self._recipe = corrections, recipe
        self._seeds = seeds.spawn(len(self._replayed))

    def __len__(self) -> int:
        return len(self._replayed)

    def __getitem__(self, batch: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(self._seeds[batch])
        inputs, targets = self._replayed[batch]
        picked = rng.integers(len(self._corrections), size=NUM_CORRECTIONS_PER_BATCH)
        glyphs = self._corrections.images[picked]
        if self._recipe.augmentation:
            glyphs = augment(glyphs, self._recipe.augmentation, rng)
        if self._recipe.spoiled:
            glyphs = spoil(glyphs, self._recipe.spoiled, rng)
        labels = self._corrections.labels[picked]
        own = np.eye(self._recipe.num_outputs, dtype=np.float32)[labels]
        return np.concatenate([inputs, prepare_glyphs(glyphs)]), np.concatenate([targets, own])
