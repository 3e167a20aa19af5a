"""Learning from corrections: a model is trained further on them, with MNIST replayed beside them.

A quarter of each batch are corrections, distorted anew each time. The rest is what the model was
trained on, with the model's own answers as targets: learning without forgetting (Li and Hoiem 2016)
with rehearsal. The result's weights lie between those before and after, which loses little of what
was learned and forgets much less (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
Everything random follows from the seed.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from inkread.batch.allocator import keep_freed_memory
from inkread.corrections.store import NOT_A_DIGIT, Correction, Store
from inkread.errors import ConfigError, DataError
from inkread.files import replacing
from inkread.models.runtime import Model, as_input
from inkread.training.augmentation.distortions import spoil
from inkread.training.augmentation.elastic import augment
from inkread.training.epoch import fitted
from inkread.training.glyph_batches import NUM_LABELS, Batches, Source
from inkread.training.history import Epoch, Step, write_history
from inkread.training.mnist import Mnist, Split
from inkread.training.networks.reconstruction import rebuilt
from inkread.training.recipes import Recipe, recipe_from_dict
from inkread.training.runs import CHECKPOINT, HISTORY, RECIPE, begin
from inkread.training.train import PARITY_GLYPHS, Run, finish, set_up

__all__ = ["NO_DIGIT", "Corrections", "corrections_of", "finetune", "stored_corrections"]

NO_DIGIT = NUM_LABELS  # the label of a glyph that is no digit: the output after those of the digits
LEAST_CORRECTIONS = 8
HELD_OUT = 4  # one in so many corrections is not trained on
EPOCHS, REPLAYED = 3, 9_600  # images of MNIST an epoch
BATCH_SIZE, CORRECTED = 96, 32  # images of MNIST a batch, and corrections
LEARNING_RATE, WARMUP = 0.0005, 0.1
TAUGHT_SHARE = 1.0  # what the model itself says of MNIST's images knows more than their labels
MOVED = 0.6
AUGMENTED = 0.5  # share of the recipe's distortions: a hand's habits are not to be washed out
_SUFFIX = "-corrected"


@dataclass(frozen=True)
class Corrections:
    """Corrections to learn from, parted.

    Attributes:
        train: those that are trained on; labels 0 to 9, and ``NO_DIGIT``.
        held_out: those that the result is judged by.
        num_skipped: how many can't be learned from: labels of several digits, corrections of one
            glyph but the newest, and what is no digit if the model has no output for it.
    """

    train: Split
    held_out: Split
    num_skipped: int


def corrections_of(stored: Iterable[Correction], model: Model, *, seed: int = 0) -> Corrections:
    """Part corrections into those to train on and those to judge by, label by label.

    Args:
        stored: as ``Store.export`` gives them; those without a label are left out.
        model: that will learn from them.
        seed: decides which are held out.

    Raises:
        DataError: too few to learn from and to judge by.
    """
    judged = [each for each in stored if each.label is not None]
    newest = {each.content_sha256: each for each in sorted(judged, key=lambda each: each.created)}
    may_be = {str(digit): digit for digit in range(NUM_LABELS)}
    if model.metadata.junk_threshold is not None:
        may_be[NOT_A_DIGIT] = NO_DIGIT
    usable = [each for each in newest.values() if each.label in may_be]
    if len(usable) < LEAST_CORRECTIONS:
        raise DataError(
            f"expected at least {LEAST_CORRECTIONS} different corrections to learn from, received "
            f"{len(usable)} ({len(judged) - len(usable)} others can't be learned from)"
        )
    labels = np.array([may_be[str(each.label)] for each in usable], np.uint8)
    rng = np.random.default_rng(seed)
    # Shuffled, then sorted by label: every fourth is a stratified draw, however rare a label is.
    order = rng.permutation(len(usable))
    order = order[np.argsort(labels[order], kind="stable")]
    is_held_out = np.arange(len(order)) % HELD_OUT == rng.integers(HELD_OUT)
    glyphs = np.stack([each.pixels for each in usable])

    def part(chosen: npt.NDArray[np.intp]) -> Split:
        return Split(glyphs[chosen], labels[chosen])

    skipped = len(judged) - len(usable)
    return Corrections(part(order[~is_held_out]), part(order[is_held_out]), skipped)


def stored_corrections(url: str, model: Model, *, seed: int = 0) -> Corrections:
    """Part the corrections of a database; arguments and errors as for ``corrections_of``.

    Args:
        url: as for ``Store``.
        model: that will learn from them.
        seed: decides which are held out.

    Raises:
        StoreError: the database can't be used.
    """
    with contextlib.closing(Store(url)) as store:
        return corrections_of(store.export(judged=True), model, seed=seed)


def finetune(  # noqa: PLR0913 - those of a training, and one more
    model: Model,
    corrections: Split,
    data: Mnist,
    directory: Path,
    *,
    seed: int = 0,
    moved: float = MOVED,
    on_step: Callable[[Step], None] | None = None,
) -> Run:
    """Train a model further, and leave a run in a folder.

    Args:
        model: of one network, or a cascade: each of its networks learns from the glyphs that it
            answers for, while dropout makes the first a little less sure than it is.
        corrections: to train on; labels 0 to 9, and ``NO_DIGIT``.
        data: ``data.train`` is replayed; ``data.validation`` gives the figures of each epoch, which
            are of the weights as trained, the temperature and the threshold. The test images are
            not touched.
        directory: the run's folder; made if need be.
        seed: decides everything random.
        moved: how far the result goes from the old weights to the trained ones, in [0, 1].
        on_step: called after every step, or after the steps of one call.

    Raises:
        ConfigError: the folder holds a run, or the model is an ensemble.
        ModelError: the model can't be rebuilt.
        OSError: the folder can't be written.
    """
    if (directory / RECIPE).exists():
        raise ConfigError(f"{directory} holds a run already: choose another folder")
    keras.utils.set_random_seed(seed)  # before there is any dropout, whose seeds follow from it
    network = rebuilt(model, data.validation.images[:PARITY_GLYPHS])
    recipe = _recipe(model)
    sha256 = hashlib.sha256(model.path.read_bytes()).hexdigest()
    keep_freed_memory()
    steps_an_epoch = -(-min(REPLAYED, len(data.train)) // recipe.batch_size)
    set_up(network, recipe, num_steps=EPOCHS * steps_an_epoch)
    before = network.get_weights()
    history: list[Epoch] = []
    for number in range(EPOCHS):
        batches = partial(_Mixed, model, corrections, data.train, recipe, seed, number)
        place = (number, EPOCHS)
        history.append(fitted(network, batches, data.validation, place, history, on_step))
    after = network.get_weights()
    network.set_weights([old + moved * (new - old) for old, new in zip(before, after, strict=True)])
    # Not before: it can't be resumed, so who interrupts it must be able to start anew.
    begin(recipe, seed, directory, resume=False, teacher_sha256=sha256)
    write_history(directory / HISTORY, history)
    with replacing(directory / CHECKPOINT) as temporary:
        network.save(temporary)
    run = Run(directory, recipe, seed, tuple(history), network)
    finish(run, data.validation, sha256, licence=None)  # the corrections are the user's own
    return run


def _recipe(model: Model) -> Recipe:
    """Return the recipe that a model is trained further with: on what its last network was."""
    recipe = recipe_from_dict(model.metadata.recipe)
    last = recipe.networks[-1]
    return replace(
        last,
        members=recipe.members,
        sure=recipe.sure,
        network=recipe.network,
        shifted=recipe.shifted,
        name=recipe.name.removesuffix(_SUFFIX) + _SUFFIX,
        purpose="learning from corrections",
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        warmup=WARMUP,
        augmentation=last.augmentation and last.augmentation.scaled(AUGMENTED),
        teacher=model.name,
        taught_share=TAUGHT_SHARE,
        taught_copies=0,
    )


class _Mixed(keras.utils.PyDataset):  # type: ignore[misc]
    """An epoch's batches: MNIST's images as the recipe wants them, and corrections."""

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
        chosen = rng.choice(len(train), min(REPLAYED, len(train)), replace=False)
        replayed = Split(train.images[chosen], train.labels[chosen])
        source = Source(replayed, recipe, int(seeds.generate_state(1)[0]), model)
        self._replayed = Batches(source, epoch)
        self._corrections, self._recipe = corrections, recipe
        self._seeds = seeds.spawn(len(self._replayed))

    def __len__(self) -> int:
        return len(self._replayed)

    def __getitem__(self, batch: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(self._seeds[batch])
        inputs, targets = self._replayed[batch]
        picked = rng.integers(len(self._corrections), size=CORRECTED)
        glyphs = self._corrections.images[picked]
        if self._recipe.augmentation:
            glyphs = augment(glyphs, self._recipe.augmentation, rng)
        if self._recipe.spoiled:
            glyphs = spoil(glyphs, self._recipe.spoiled, rng)
        labels = self._corrections.labels[picked]
        own = np.eye(self._recipe.num_outputs, dtype=np.float32)[labels]
        return np.concatenate([inputs, as_input(glyphs)]), np.concatenate([targets, own])
