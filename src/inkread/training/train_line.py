"""Training of the line network, which reads numbers: synthetic strips, CTC.

A run's folder holds what that of a glyph network does (see ``train``); an epoch is a pool of
strips, seen as often as the recipe says. Pools follow from the seed and their numbers, and so do
the order of their strips and dropout: a run that was killed goes on from its last pool.
"""

import datetime
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops
from scipy.optimize import minimize_scalar

import inkread
from inkread import decode
from inkread.errors import ConfigError
from inkread.files import write_atomically
from inkread.memory import keep_freed_memory
from inkread.metadata import ModelMetadata
from inkread.normalize import StripShape
from inkread.results import REJECTED
from inkread.runtime import FRAME_PX, LineModel, as_strips
from inkread.training import export, models
from inkread.training.evaluate import share
from inkread.training.fitting import one_cycle, restart_dropout
from inkread.training.history import LineEpoch, Step
from inkread.training.line_batches import Batch, Pool, batches, pool, pools
from inkread.training.line_recipes import LineRecipe
from inkread.training.mnist import TRAIN_IMAGES, Mnist
from inkread.training.pen_writers import PenWriters
from inkread.training.pens import load_pens
from inkread.training.reconstruction import rebuild_line
from inkread.training.runs import CHECKPOINT, METRICS, MODEL, Progress, begin, load_network
from inkread.training.texts import SEPARATORS

__all__ = ["CTC", "SYMBOLS", "LineRun", "LineTraining", "text_of", "train_line"]

SYMBOLS = "0123456789" + SEPARATORS + REJECTED
Tensor = Any  # of Keras' backend
_NUM_VALIDATION = 2000  # strips
_VALIDATION_SEED = 2**31  # apart from every training's
_PARITY_STRIPS = 64


@keras.saving.register_keras_serializable("inkread")
class CTC(keras.losses.Loss):  # type: ignore[misc]
    """Connectionist temporal classification, nats a symbol; targets as ``_targets`` makes them."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each strip: (B,)."""
        frames, labels = y_true[:, 0], y_true[:, 1:]
        lengths = ops.sum(ops.cast(labels > 0, "int32"), axis=1)
        losses = ops.ctc_loss(labels, y_pred, lengths, frames)
        return losses / ops.cast(ops.maximum(lengths, 1), "float32")


@dataclass(frozen=True)
class LineRun:
    """A finished training: its folder, history, and the strips it was validated on."""

    directory: Path
    history: tuple[LineEpoch, ...]
    validation: Pool

    @property
    def model_file(self) -> Path:
        """The run's ``model.onnx``."""
        return self.directory / MODEL


def train_line(  # noqa: PLR0913 - what a training needs
    recipe: LineRecipe,
    data: Mnist,
    directory: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    start: Path | None = None,
    pens: Path | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> LineRun:
    """Train a line network and leave a run in a folder; arguments and errors as for ``train``.

    Args:
        recipe: how to train.
        data: MNIST.
        directory: the run's folder.
        seed: decides the weights, the pools and all else that is random.
        resume: go on with the run in the folder, if there is one.
        start: the folder of a run, or the model file, whose weights this one begins with; none:
            random ones.
        pens: the folder of the pen data, for a recipe with real writers; none: see ``load_pens``.
        on_step: told of each step.
    """
    training = LineTraining(
        recipe, data, directory, seed=seed, resume=resume, start=start, pens=pens, on_step=on_step
    )
    if not training.is_finished:
        for _ in training.epochs():
            pass
        training.finish()
    return LineRun(directory, tuple(training.history), training.validation)


class LineTraining:
    """A training that is taken pool by pool, for who wants to look at the network in between."""

    def __init__(  # noqa: PLR0913 - those of ``train_line``
        self,
        recipe: LineRecipe,
        data: Mnist,
        directory: Path,
        *,
        seed: int = 0,
        resume: bool = False,
        start: Path | None = None,
        pens: Path | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        """Begin a run, or take up the one in the folder; see ``train_line``."""
        if start is not None:
            recipe = replace(recipe, start_sha256=_sha256(_weights_file(start)))
        self._recipe, self._data, self._directory, self._seed = recipe, data, directory, seed
        self._on_step = on_step
        begin(recipe, seed, directory, resume)
        keep_freed_memory()
        keras.utils.set_random_seed(seed)
        self._writers = _writers(recipe, pens, validation=False)
        self.validation = pool(
            data.validation, _NUM_VALIDATION, _VALIDATION_SEED, 0,
            pens=_writers(recipe, pens, validation=True),
        )  # fmt: skip

        def first() -> keras.Model:
            network = _first_network(recipe, start, self.validation.strips[:_PARITY_STRIPS])
            return _compiled(network, recipe)

        self._progress = Progress(directory, LineEpoch, recipe.steps_per_pool, first)

    @property
    def is_finished(self) -> bool:
        """Whether no pool is left, and the model file and the metrics are there."""
        return self._progress.is_finished(self._recipe.num_pools)

    @property
    def network(self) -> keras.Model:
        """As the last pool left it."""
        return self._progress.network

    @property
    def history(self) -> list[LineEpoch]:
        """The pools so far."""
        return self._progress.history

    def epochs(self) -> Iterator[LineEpoch]:
        """Train on the pools that are left; each is on disk when it is handed out."""
        left = range(len(self.history), self._recipe.num_pools)
        made = pools(self._data.train, self._recipe.pool_size, self._seed, left, pens=self._writers)
        for number, strips in zip(left, made, strict=True):
            yield self._progress.add(self._trained(number, strips))

    def finish(self) -> None:
        """Calibrate, export, and measure on synthetic numbers of validation images."""
        logits, _ = _outputs(self.network, self.validation)
        temperature = _fitted_temperature(logits, self.validation)
        metadata = ModelMetadata(
            kind="line",
            labels=tuple(SYMBOLS),
            shape=StripShape(),
            temperature=temperature,
            recipe=self._recipe.to_dict(),
            seed=self._seed,
            data_sha256=TRAIN_IMAGES.sha256,
            package_version=inkread.__version__,
            trained=datetime.datetime.now(datetime.UTC).date().isoformat(),
        )
        right = sum(
            decode.best(_log_softmax(frames / temperature), SYMBOLS).text == text_of(raw)
            for frames, raw in zip(logits, self.validation.texts, strict=True)
        )
        figures = {"validation_accuracy": share(right, len(logits))}
        metadata = ModelMetadata(**{**vars(metadata), "figures": figures})
        path = self._directory / MODEL
        export.line_to_onnx(self.network, path, metadata, self.validation.strips[:_PARITY_STRIPS])
        LineModel(path)
        metrics = {
            "validation_accuracy": asdict(figures["validation_accuracy"]),
            "temperature": temperature,
            "training_seconds": self.history[-1].seconds,
            "num_parameters": self.network.count_params(),
        }
        write_atomically(self._directory / METRICS, json.dumps(metrics, indent=2) + "\n")

    def _trained(self, number: int, strips: Pool) -> LineEpoch:
        recipe = self._recipe
        start = time.perf_counter()
        restart_dropout(self.network, self._seed, number)
        losses: list[float] = []
        for turn in range(recipe.passes):
            rng = np.random.default_rng([self._seed, number, turn])
            for batch in batches(strips, SYMBOLS, recipe.batch_size, rng):
                losses.append(float(self.network.train_on_batch(batch.strips, _targets(batch))))
                if self._on_step:
                    self._on_step(
                        Step(
                            number + 1,
                            recipe.num_pools,
                            len(losses),
                            recipe.steps_per_pool,
                            float(np.mean(losses)),
                        )
                    )
        seconds = time.perf_counter() - start
        logits, loss = _outputs(self.network, self.validation)
        right = [
            _greedy(frames) == raw
            for frames, raw in zip(logits, self.validation.texts, strict=True)
        ]
        return LineEpoch(
            epoch=number + 1,
            loss=float(np.mean(losses)),
            validation_loss=loss,
            validation_accuracy=float(np.mean(right)),
            seconds=seconds + (self.history[-1].seconds if self.history else 0.0),
        )


def _sha256(checkpoint: Path) -> str:
    try:
        return hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"expected a run to start from: {error}") from error


def text_of(raw: str) -> str:
    """Return what is left of a raw string without its separators."""
    return "".join(symbol for symbol in raw if symbol not in SEPARATORS)


def _writers(recipe: LineRecipe, pens: Path | None, *, validation: bool) -> PenWriters | None:
    if not recipe.pens:
        return None
    return PenWriters(load_pens(pens, validation=validation), recipe.pens)


def _weights_file(start: Path) -> Path:
    return start / CHECKPOINT if start.is_dir() else start


def _first_network(
    recipe: LineRecipe, start: Path | None, strips: list[npt.NDArray[np.uint8]]
) -> keras.Model:
    """Build the network that a training begins with.

    Raises:
        ConfigError: the start is of another network.
    """
    network = models.build_line(recipe.network, len(SYMBOLS), recipe.dropout)
    if start is None:
        return network
    # The batch normalisation of a model file's network is frozen, and stays so.
    known = load_network(start) if start.is_dir() else rebuild_line(LineModel(start), strips)
    shapes = [[weights.shape for weights in each.weights] for each in (known, network)]
    if shapes[0] != shapes[1]:
        raise ConfigError(f"expected weights of network {recipe.network!r} to start from: {start}")
    return known


def _compiled(network: keras.Model, recipe: LineRecipe) -> keras.Model:
    num_steps = recipe.num_pools * recipe.steps_per_pool
    rate = one_cycle(recipe.learning_rate, recipe.warmup, num_steps)
    network.compile(
        optimizer=keras.optimizers.AdamW(
            rate, weight_decay=recipe.weight_decay, clipnorm=recipe.clipnorm
        ),
        loss=CTC(),
        jit_compile=False,  # XLA compiles longer than it saves here
    )
    return network


def _targets(batch: Batch) -> npt.NDArray[np.int32]:
    """Return (B, 1 + L) int32: the number of frames, then the labels, 0 after their end."""
    frames = -(-batch.widths // FRAME_PX)
    return np.concatenate([frames[:, None], batch.labels], axis=1)


def _outputs(
    network: keras.Model, strips: Pool, batch_size: int = 64
) -> tuple[list[npt.NDArray[np.float32]], float]:
    """Return the logits of each strip, (T, C), and the mean loss, in nats a symbol."""
    logits: list[npt.NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(strips.strips)
    order = np.argsort([strip.shape[1] for strip in strips.strips])
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        inputs = as_strips([strips.strips[index] for index in chosen])
        found = ops.convert_to_numpy(network(inputs, training=False))
        for row, index in zip(found, chosen, strict=True):
            logits[index] = row[: -(-strips.strips[index].shape[1] // FRAME_PX)]
    return logits, _loss(logits, strips, 1.0)


def _loss(logits: list[npt.NDArray[np.float32]], strips: Pool, temperature: float) -> float:
    """Mean negative log-likelihood of the texts, in nats a symbol."""
    num_frames = np.array([len(frames) for frames in logits], np.int32)
    longest, most = num_frames.max(), max(len(text) for text in strips.texts)
    padded = np.zeros((len(logits), longest, logits[0].shape[1]), np.float32)
    labels = np.zeros((len(logits), max(1, most)), np.int32)
    for index, (frames, text) in enumerate(zip(logits, strips.texts, strict=True)):
        padded[index, : len(frames)] = frames / temperature
        labels[index, : len(text)] = [SYMBOLS.index(symbol) + 1 for symbol in text]
    targets = np.concatenate([num_frames[:, None], labels], axis=1)
    return float(ops.mean(CTC(reduction=None)(targets, padded)))


def _fitted_temperature(logits: list[npt.NDArray[np.float32]], strips: Pool) -> float:
    """The temperature at which the truth is most likely, as for glyphs; see ``calibrate``."""
    found = minimize_scalar(
        lambda log_temperature: _loss(logits, strips, math.exp(log_temperature)),
        bounds=(-1.0, 1.5),
        method="bounded",
        options={"xatol": 0.01},
    )
    return float(math.exp(found.x))


def _log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _greedy(logits: npt.NDArray[np.float32]) -> str:
    """The most probable class of each frame, repeats and blanks left out."""
    classes = logits.argmax(axis=1)
    starts = classes[np.flatnonzero(np.diff(classes, prepend=0))]
    return "".join(SYMBOLS[index - 1] for index in starts if index)
