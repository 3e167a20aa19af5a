"""Training of the layout network, which finds what is written on a page: synthetic pages.

A run's folder holds what that of a line network does; an epoch is a pool of pages, seen as often as
the recipe says. A run that was killed goes on from its last pool.
"""

import datetime
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

import inkread
from inkread.batch.allocator import keep_freed_memory
from inkread.errors import ConfigError
from inkread.files import write_atomically
from inkread.imaging.layout_maps import MAPS, LayoutShape
from inkread.models.layout_model import LayoutModel
from inkread.models.metadata import ModelMetadata
from inkread.training.batches.page_pools import (
    PagePool,
    PoolPlan,
    as_input,
    page_batches,
    page_pool,
    page_pools,
)
from inkread.training.epoch import compile_for_pools
from inkread.training.handwriting.pens import load_pen_strokes
from inkread.training.history import LayoutEpoch, Step
from inkread.training.layout_recipes import LayoutRecipe
from inkread.training.mnist import TRAIN_IMAGES, Mnist
from inkread.training.networks.layout_export import layout_to_onnx
from inkread.training.networks.layout_network import LayoutLoss, layout
from inkread.training.networks.reconstruction import rebuild_layout_network
from inkread.training.runs import CHECKPOINT, METRICS, MODEL, Progress, begin_run, load_network
from inkread.training.synthesis.fonts import find_fonts
from inkread.training.synthesis.pages import PageMaker, targets

__all__ = ["LayoutRun", "export_layout", "train_layout"]

_NUM_VALIDATION = 96  # pages
_VALIDATION_SEED = 2**31  # apart from every training's
_PARITY_PAGES = 4
_NUM_BEGUN = 32  # pages that give the statistics of a network that is begun with


@dataclass(frozen=True)
class LayoutRun:
    """A finished training: its folder and history."""

    directory: Path
    history: tuple[LayoutEpoch, ...]

    @property
    def model_file(self) -> Path:
        """The run's ``model.onnx``."""
        return self.directory / MODEL


def train_layout(  # noqa: PLR0913 - what a training needs
    recipe: LayoutRecipe,
    data: Mnist,
    directory: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    start: Path | None = None,
    pens: Path | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> LayoutRun:
    """Train a layout network and leave a run in a folder; arguments and errors as for ``train``.

    Args:
        recipe: how to train.
        data: MNIST.
        directory: the run's folder.
        seed: decides the weights, the pages and all else that is random.
        resume: go on with the run in the folder, if there is one.
        start: the folder of a run, or a model file, whose weights this one begins with; none:
            random ones.
        pens: folder of the strokes of real writers; none: all is written by our own hands.
        on_step: told of each step.
    """
    if start is not None:
        recipe = replace(recipe, start_sha256=_sha256(_find_weights(start)))
    begin_run(recipe, seed, directory, resume)
    keep_freed_memory()
    keras.utils.set_random_seed(seed)

    validation = _validation(data, recipe, pens)

    def first() -> keras.Model:
        network = _compiled(recipe)
        if start is not None:
            begun = (
                load_network(start)
                if start.is_dir()
                else rebuild_layout_network(LayoutModel(start), validation.pictures[:_NUM_BEGUN])
            )
            for old, new in zip(begun.layers, network.layers, strict=True):
                new.set_weights(old.get_weights())
        return network

    progress = Progress(directory, LayoutEpoch, recipe.steps_per_pool, first)
    if not progress.is_finished(recipe.num_pools):
        left = range(len(progress.history), recipe.num_pools)
        plan = PoolPlan(recipe.pool_size, recipe.side_px, seed, directory / "pools", pens)
        for number, pages in zip(left, page_pools(data.train, plan, left), strict=True):
            if number >= (1 - recipe.frozen_share) * recipe.num_pools:
                progress.network = _frozen(progress.network, recipe)
            loss, seconds = _trained(progress.network, recipe, (seed, number), pages, on_step)
            before = progress.history[-1].seconds if progress.history else 0.0
            measured = _measured(progress.network, validation)
            progress.add(LayoutEpoch(number + 1, loss, *measured, seconds + before))
        export_layout(directory, recipe, seed, progress.network, validation)
        last = progress.history[-1]
        metrics = {
            "validation_loss": last.validation_loss,
            "core_f1": last.core,
            "training_seconds": last.seconds,
            "num_parameters": progress.network.count_params(),
        }
        write_atomically(directory / METRICS, json.dumps(metrics, indent=2) + "\n")
    return LayoutRun(directory, tuple(progress.history))


def export_layout(
    directory: Path,
    recipe: LayoutRecipe,
    seed: int,
    network: keras.Model,
    pages: PagePool,
) -> None:
    """Write a run's model file from its network, checked on some pages.

    Raises:
        ModelError: the file's maps differ from Keras'.
    """
    metadata = ModelMetadata(
        kind="layout",
        labels=MAPS,
        shape=LayoutShape(),
        temperature=1.0,
        recipe=recipe.to_dict(),
        seed=seed,
        data_sha256=TRAIN_IMAGES.sha256,
        package_version=inkread.__version__,
        trained=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )
    layout_to_onnx(network, directory / MODEL, metadata, pages.pictures[:_PARITY_PAGES])


def _validation(data: Mnist, recipe: LayoutRecipe, pens: Path | None) -> PagePool:
    maker = PageMaker(data.validation, find_fonts(), load_pen_strokes(pens) if pens else None)
    plan = PoolPlan(_NUM_VALIDATION, recipe.side_px, _VALIDATION_SEED, Path(), pens)
    return page_pool(maker, plan, 0)


def _trained(
    network: keras.Model,
    recipe: LayoutRecipe,
    place: tuple[int, int],
    pages: PagePool,
    on_step: Callable[[Step], None] | None,
) -> tuple[float, float]:
    """Train on a pool; returns the mean loss and how long it took, in seconds."""
    start = time.perf_counter()
    losses: list[float] = []
    for turn in range(recipe.passes):
        rng = np.random.default_rng([*place, turn])
        for pictures, planes in page_batches(pages, recipe.batch_size, rng):
            losses.append(float(network.train_on_batch(pictures, targets(planes))))
            if on_step:
                step = (place[1] + 1, recipe.num_pools, len(losses), recipe.steps_per_pool)
                on_step(Step(*step, float(np.mean(losses))))
    return float(np.mean(losses)), time.perf_counter() - start


def _measured(network: keras.Model, pages: PagePool) -> tuple[float, float, float, float, float]:
    """Return the loss, the F1 of the cores' pixels, and how much of what is said of them is right.

    The last three: handwritten or printed, a number or not, where the text's top is.
    """
    losses, counts = [], np.zeros(3)
    right = np.zeros(4)
    for pictures, planes in _in_order(pages, 8):
        wanted = targets(planes)
        found = np.asarray(keras.ops.convert_to_numpy(network(pictures, training=False)))
        losses.append(float(keras.ops.mean(LayoutLoss(reduction=None)(wanted, found))))
        counted = wanted[..., -2] > 0
        truth, said = (wanted[..., 0] > 0.5) & counted, (found[..., 0] > 0.5) & counted
        counts += (truth & said).sum(), truth.sum(), said.sum()
        inside = wanted[..., -1] > 0
        for place, index in enumerate(map(MAPS.index, ("handwritten", "number"))):
            agrees = (found[..., index] > 0.5) == (wanted[..., index] > 0.5)
            right[place] += agrees[inside].sum()
        first = MAPS.index("up")
        turned = found[..., first:].argmax(-1) == wanted[..., first:-2].argmax(-1)
        right[2] += turned[inside].sum()
        right[3] += inside.sum()
    f1 = 2 * counts[0] / max(1.0, counts[1] + counts[2])
    handwritten, number, direction = (right[:3] / max(1.0, right[3])).tolist()
    return float(np.mean(losses)), float(f1), handwritten, number, direction


def _in_order(
    pages: PagePool, batch_size: int
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]]:
    for start in range(0, len(pages.pictures), batch_size):
        chosen = slice(start, start + batch_size)
        yield as_input(pages.pictures[chosen]), pages.planes[chosen]


def _frozen(network: keras.Model, recipe: LayoutRecipe) -> keras.Model:
    """Return the network with frozen batch normalisation, at the same step of its training."""
    normalising = [
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not any(layer.trainable for layer in normalising):
        return network
    frozen = _compiled(recipe, frozen=True)
    for old, new in zip(network.layers, frozen.layers, strict=True):
        new.set_weights(old.get_weights())
    frozen.optimizer.build(frozen.trainable_variables)
    frozen.optimizer.iterations.assign(network.optimizer.iterations)
    return frozen


def _compiled(recipe: LayoutRecipe, *, frozen: bool = False) -> keras.Model:
    return compile_for_pools(layout(frozen=frozen), recipe, LayoutLoss())


def _find_weights(start: Path) -> Path:
    """Return the file with the weights of a run's folder, or the model file itself."""
    return start / CHECKPOINT if start.is_dir() else start


def _sha256(checkpoint: Path) -> str:
    try:
        return hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"expected a run to start from: {error}") from error
