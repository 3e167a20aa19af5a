"""Fine-tunes a line model on corrected numbers, with rehearsal of synthetic ones.

As in ``finetune``: some of the strips of each pool are corrections, augmented anew each time, the
others are synthetic numbers, and the resulting weights are interpolated between the old and the
fine-tuned ones. Everything random follows from the seed.
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import keras
import numpy as np
import numpy.typing as npt

from inkread.batch.allocator import keep_freed_memory
from inkread.corrections.correction import NOT_A_DIGIT, Correction
from inkread.corrections.store import Store
from inkread.errors import ConfigError, DataError
from inkread.files import replace_atomically
from inkread.models.runtime import LineModel
from inkread.training.batches.line_batches import StripPool, fits, pool
from inkread.training.finetune import HELD_OUT_EVERY, MIN_CORRECTIONS, SUFFIX
from inkread.training.history import LineEpoch, Step, write_history
from inkread.training.line_fitting import (
    NUM_PARITY_STRIPS,
    LineFitting,
    compile_line,
)
from inkread.training.line_recipes import LineRecipe
from inkread.training.mnist import Mnist
from inkread.training.networks.reconstruction import rebuild_line_network
from inkread.training.runs import CHECKPOINT, HISTORY, RECIPE, begin_run
from inkread.training.train_line import LineRun, write_validation_strips

__all__ = [
    "NumberCorrections",
    "finetune_line",
    "load_number_corrections",
    "split_number_corrections",
]

NUM_POOLS = 3
POOL_SIZE = 1_536  # strips, of which so many are corrections:
NUM_CORRECTIONS_PER_POOL = 512
LEARNING_RATE, WARMUP = 0.0005, 0.1
INTERPOLATION = 0.6  # of the weights: 0 keeps the old ones, 1 takes the fine-tuned ones
_MAX_SHEAR, _MAX_STRETCH, _MAX_SHIFT_PX = 0.1, 0.1, 1.5  # of the augmentation
_MAX_GAMMA = 0.25  # natural logarithm


@dataclass(frozen=True)
class NumberCorrections:
    """Corrections of whole numbers, split into training and held-out examples.

    Attributes:
        train: strips to train on, with what is written on them.
        held_out: strips to evaluate the result on.
        num_skipped: number of those that can't be learned from: no numbers, older corrections of
            the same strip, and texts that are too long for their strip.
    """

    train: StripPool
    held_out: StripPool
    num_skipped: int


def split_number_corrections(stored: Iterable[Correction], *, seed: int = 0) -> NumberCorrections:
    """Split corrections of whole numbers into training and held-out ones.

    Args:
        stored: the corrections, as from ``Store.export``; those of single digits, and those without
            a label, are ignored.
        seed: decides which corrections are held out.

    Raises:
        DataError: too few usable corrections.
    """
    judged = [each for each in stored if each.strip is not None and each.label is not None]
    newest = {each.content_sha256: each for each in sorted(judged, key=lambda each: each.created)}
    pairs = [
        (pixels, each.label)
        for each in newest.values()
        if each.label is not None
        and each.label != NOT_A_DIGIT
        and (pixels := each.strip_pixels) is not None
        and fits(pixels, each.label)
    ]
    if len(pairs) < MIN_CORRECTIONS:
        raise DataError(
            f"expected at least {MIN_CORRECTIONS} different corrections of whole numbers to learn "
            f"from, received {len(pairs)} ({len(judged) - len(pairs)} others can't be learned from)"
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pairs))
    is_held_out = np.arange(len(order)) % HELD_OUT_EVERY == 0

    def part(chosen: npt.NDArray[np.intp]) -> StripPool:
        return StripPool([pairs[k][0] for k in chosen], [pairs[k][1] for k in chosen])

    skipped = len(judged) - len(pairs)
    return NumberCorrections(part(order[~is_held_out]), part(order[is_held_out]), skipped)


def load_number_corrections(url: str, *, seed: int = 0) -> NumberCorrections:
    """Load and split the corrections of a database; as for ``split_number_corrections``.

    Args:
        url: the database, as for ``Store``.
        seed: decides which corrections are held out.

    Raises:
        StoreError: the database can't be used.
    """
    with contextlib.closing(Store(url)) as store:
        return split_number_corrections(store.export(judged=True), seed=seed)


def finetune_line(
    model: LineModel,
    corrections: StripPool,
    data: Mnist,
    directory: Path,
    *,
    seed: int = 0,
    on_step: Callable[[Step], None] | None = None,
) -> LineRun:
    """Fine-tune a line model on corrections, and write a run's folder.

    Args:
        model: a line model.
        corrections: strips with what is written on them.
        data: MNIST, of whose images the synthetic numbers are made.
        directory: the run's folder; created if missing.
        seed: decides everything random.
        on_step: called after every step.

    Raises:
        ConfigError: the folder holds a run.
        ModelError: the model can't be rebuilt.
        OSError: the folder can't be written.
    """
    if (directory / RECIPE).exists():
        raise ConfigError(f"{directory} holds a run already: choose another folder")
    keras.utils.set_random_seed(seed)
    keep_freed_memory()
    validation = write_validation_strips(data)
    network = rebuild_line_network(model, validation.strips[:NUM_PARITY_STRIPS])
    recipe = _make_recipe(model)
    compile_line(network, recipe)
    before = network.get_weights()
    fitting = LineFitting(network, recipe, seed, validation, on_step)
    history: list[LineEpoch] = []
    for number in range(recipe.num_pools):
        mixed = _mix(corrections, data, recipe, seed, number)
        history.append(fitting.train_pool(mixed, history))
    after = network.get_weights()
    network.set_weights(
        [old + INTERPOLATION * (new - old) for old, new in zip(before, after, strict=True)]
    )
    # Only now: an interrupted one must leave no run behind.
    begin_run(recipe, seed, directory, resume=False)
    write_history(directory / HISTORY, history)
    with replace_atomically(directory / CHECKPOINT) as temporary:
        network.save(temporary)
    # No licence is stated: the corrections are the user's own. Who made it possible stays named.
    fitting.finish(
        directory,
        seconds=history[-1].seconds,
        licence=None,
        attribution=model.metadata.attribution,
    )
    return LineRun(directory, tuple(history), validation)


def _make_recipe(model: LineModel) -> LineRecipe:
    """Make the recipe of the fine-tuning from that of the model."""
    recipe = LineRecipe.from_dict(model.metadata.recipe)
    return replace(
        recipe,
        name=recipe.name.removesuffix(SUFFIX) + SUFFIX,
        purpose="learning from corrections",
        num_pools=NUM_POOLS,
        pool_size=POOL_SIZE,
        passes=1,
        learning_rate=LEARNING_RATE,
        warmup=WARMUP,
        start=model.name,
        start_sha256=model.sha256,
    )


def _mix(
    corrections: StripPool, data: Mnist, recipe: LineRecipe, seed: int, number: int
) -> StripPool:
    """Return a pool of synthetic numbers and of corrections, which are distorted a little."""
    num_own = min(NUM_CORRECTIONS_PER_POOL, recipe.pool_size // 2)
    # Who corrects a model need not have other people's handwriting: MNIST's writes the numbers.
    replayed = pool(data.train, recipe.pool_size - num_own, seed, number)
    rng = np.random.default_rng([seed, number, 1])
    picked = rng.integers(len(corrections.strips), size=num_own)
    own = [_distort(corrections.strips[index], rng) for index in picked]
    texts = [corrections.texts[index] for index in picked]
    return StripPool(replayed.strips + own, replayed.texts + texts)


def _distort(strip: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return a strip sheared, stretched, moved, and with paler or darker ink."""
    height, width = strip.shape
    shear = rng.uniform(-_MAX_SHEAR, _MAX_SHEAR)
    along, down = 1 + rng.uniform(-_MAX_STRETCH, _MAX_STRETCH, 2)
    wide = max(1, round(width * max(1.0, along)))
    middle = height / 2
    moved = rng.uniform(-_MAX_SHIFT_PX, _MAX_SHIFT_PX)
    to_new = np.array([[along, shear, -shear * middle], [0, down, middle * (1 - down) + moved]])
    bent = cv2.warpAffine(strip, to_new, (wide, height), flags=cv2.INTER_LINEAR)
    level = np.asarray(bent, np.float32) / 255
    gamma = np.exp(rng.uniform(-_MAX_GAMMA, _MAX_GAMMA))
    return np.asarray(np.rint(255 * level**gamma), np.uint8)
