"""Trains the line network, which reads whole numbers, on synthetic strips with CTC.

A run's folder holds the same files as that of a digit network (see ``train``). An epoch is a pool
of strips, seen several times. Each pool, the order of its strips and its dropout masks follow from
the seed and the pool's index, so an interrupted run resumes from its last pool.
"""

import datetime
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
import numpy.typing as npt
from keras import ops
from scipy.optimize import minimize_scalar

import inkread
from inkread.batch.allocator import keep_freed_memory
from inkread.decoding import decoder
from inkread.decoding.ctc import Frames
from inkread.errors import ConfigError
from inkread.files import write_atomically
from inkread.imaging.normalize import FRAME_PX, StripShape
from inkread.models.metadata import ModelMetadata
from inkread.models.runtime import LineModel, list_shipped_models, prepare_strips
from inkread.results import REJECTED
from inkread.training.data_sources import WEIGHTS_LICENCE, line_sources_of
from inkread.training.epoch import make_one_cycle_schedule, reseed_dropout
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.handwriting.pens import load_pens
from inkread.training.history import LineEpoch, Step
from inkread.training.line_batches import Batch, StripPool, batches, pool, pools
from inkread.training.line_recipes import LineRecipe
from inkread.training.mnist import TRAIN_IMAGES, Mnist
from inkread.training.networks import architectures, export
from inkread.training.networks.reconstruction import rebuild_line_network
from inkread.training.runs import CHECKPOINT, METRICS, MODEL, Progress, begin_run, load_network
from inkread.training.synthesis.number_texts import SEPARATORS
from inkread.training.synthesis.pen_writers import PenWriters

__all__ = ["CTC", "SYMBOLS", "LineRun", "LineTraining", "remove_separators", "train_line"]

SYMBOLS = "0123456789" + SEPARATORS + REJECTED
Tensor = Any  # of Keras' backend
Real = TypeVar("Real", np.float32, np.float64)
_NUM_VALIDATION_STRIPS = 2000
_VALIDATION_SEED = 2**31  # differs from the seeds of trainings
_NUM_PARITY_STRIPS = 64  # strips that the exported file is checked with


@keras.saving.register_keras_serializable("inkread")
class CTC(keras.losses.Loss):  # type: ignore[misc]
    """Connectionist temporal classification loss, in nats per symbol.

    The targets are those of ``_make_targets``, the predictions logits.
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each strip: (B,) float32."""
        frames, labels = y_true[:, 0], y_true[:, 1:]
        lengths = ops.sum(ops.cast(labels > 0, "int32"), axis=1)
        losses = ops.ctc_loss(labels, y_pred, lengths, frames)
        return losses / ops.cast(ops.maximum(lengths, 1), "float32")


@dataclass(frozen=True)
class LineRun:
    """A finished training: its folder, its history and its validation strips."""

    directory: Path
    history: tuple[LineEpoch, ...]
    validation: StripPool

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
    """Train a line network and write a run's folder.

    Args:
        recipe: the configuration of the training.
        data: MNIST, whose digits the strips are made of.
        directory: the run's folder; created if missing.
        seed: decides the initial weights, the pools and everything else random.
        resume: resume the run in the folder, if there is one.
        start: the folder of a run, or the model file, whose weights are the initial weights;
            ``None``: those that the recipe names. From a model file, batch normalisation is
            frozen.
        pens: the folder of other people's handwriting, for a recipe with real writers; ``None``:
            see ``handwriting.pens.load_pens``.
        on_step: called after every step.

    Raises:
        ConfigError: the folder holds a run and ``resume`` is false, or another run; or ``start``
            holds no checkpoint, or one of another network.
        DataError: the recipe has real writers, and their files are missing or broken.
        ModelError: a checkpoint is broken, or the exported file differs from the network.
        OSError: the folder can't be written.
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
    """A training that runs pool by pool, so that callers can use the network in between."""

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
        """Begin or resume a run; arguments and errors as for ``train_line``."""
        if start is None and recipe.start:
            start = _find_shipped(recipe.start)
        if start is not None:
            recipe = replace(recipe, start_sha256=_sha256(_weights_file(start)))
        self._recipe, self._data, self._directory, self._seed = recipe, data, directory, seed
        self._on_step = on_step
        self._writers = _load_writers(recipe, pens, validation=False)
        begin_run(recipe, seed, directory, resume)
        keep_freed_memory()
        keras.utils.set_random_seed(seed)
        self.validation = pool(
            data.validation, _NUM_VALIDATION_STRIPS, _VALIDATION_SEED, 0,
            writers=_load_writers(recipe, pens, validation=True),
        )  # fmt: skip

        def build_network() -> keras.Model:
            network = _build_network(recipe, start, self.validation.strips[:_NUM_PARITY_STRIPS])
            return _compile_network(network, recipe)

        self._progress = Progress(directory, LineEpoch, recipe.steps_per_pool, build_network)

    @property
    def is_finished(self) -> bool:
        """Whether all pools are done and the model file and the metrics exist."""
        return self._progress.is_finished(self._recipe.num_pools)

    @property
    def network(self) -> keras.Model:
        """The network after the last pool."""
        return self._progress.network

    @property
    def history(self) -> list[LineEpoch]:
        """The history of the pools so far."""
        return self._progress.history

    def epochs(self) -> Iterator[LineEpoch]:
        """Train on the remaining pools; each is saved before it is yielded."""
        left = range(len(self.history), self._recipe.num_pools)
        made = pools(
            self._data.train, self._recipe.pool_size, self._seed, left, writers=self._writers
        )
        for number, strips in zip(left, made, strict=True):
            yield self._progress.add(self._train_pool(number, strips))

    def finish(self) -> None:
        """Calibrate and export the network, and measure it on synthetic validation numbers."""
        logits, _ = _run_network(self.network, self.validation)
        temperature = _fit_temperature(logits, self.validation)
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
            licence=WEIGHTS_LICENCE,
            attribution=tuple(each.attribution for each in line_sources_of(self._recipe)),
        )
        right = sum(
            decoder.decode_best(_log_softmax(frames / temperature), SYMBOLS).text
            == remove_separators(raw)
            for frames, raw in zip(logits, self.validation.texts, strict=True)
        )
        figures = {"validation_accuracy": estimate_share(right, len(logits))}
        metadata = ModelMetadata(**{**vars(metadata), "figures": figures})
        path = self._directory / MODEL
        export.line_to_onnx(
            self.network, path, metadata, self.validation.strips[:_NUM_PARITY_STRIPS]
        )
        LineModel(path)
        metrics = {
            "validation_accuracy": asdict(figures["validation_accuracy"]),
            "temperature": temperature,
            "training_seconds": self.history[-1].seconds,
            "num_parameters": self.network.count_params(),
        }
        write_atomically(self._directory / METRICS, json.dumps(metrics, indent=2) + "\n")

    def _train_pool(self, number: int, strips: StripPool) -> LineEpoch:
        recipe = self._recipe
        start = time.perf_counter()
        reseed_dropout(self.network, self._seed, number)
        losses: list[float] = []
        for turn in range(recipe.passes):
            rng = np.random.default_rng([self._seed, number, turn])
            for batch in batches(strips, SYMBOLS, recipe.batch_size, rng):
                losses.append(
                    float(self.network.train_on_batch(batch.strips, _make_targets(batch)))
                )
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
        logits, loss = _run_network(self.network, self.validation)
        right = [
            _decode_greedily(frames) == raw
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


def remove_separators(raw: str) -> str:
    """Return a text without its separators."""
    return "".join(symbol for symbol in raw if symbol not in SEPARATORS)


def _load_writers(recipe: LineRecipe, pens: Path | None, *, validation: bool) -> PenWriters | None:
    if not recipe.writers:
        return None
    return PenWriters(load_pens(pens, validation=validation), recipe.writers)


def _find_shipped(name: str) -> Path:
    shipped = list_shipped_models("line")
    if name not in shipped:
        raise ConfigError(
            f"expected a shipped line model among {sorted(shipped)}, received {name!r}"
        )
    return shipped[name]


def _weights_file(start: Path) -> Path:
    return start / CHECKPOINT if start.is_dir() else start


def _build_network(
    recipe: LineRecipe, start: Path | None, strips: list[npt.NDArray[np.uint8]]
) -> keras.Model:
    """Build the network that a training begins with; strips check one from a model file.

    Raises:
        ConfigError: the start is of another network.
    """
    network = architectures.build_line(recipe.network, len(SYMBOLS), recipe.dropout)
    if start is None:
        return network
    if start.is_dir():
        known = load_network(start)
    else:
        known = rebuild_line_network(LineModel(start), strips)
    shapes = [[weights.shape for weights in each.weights] for each in (known, network)]
    if shapes[0] != shapes[1]:
        raise ConfigError(f"expected weights of network {recipe.network!r}, received {start}")
    network.set_weights(known.get_weights())
    for layer, old in zip(network.layers, known.layers, strict=True):
        layer.trainable = old.trainable  # frozen batch normalisation stays so
    return network


def _compile_network(network: keras.Model, recipe: LineRecipe) -> keras.Model:
    num_steps = recipe.num_pools * recipe.steps_per_pool
    rate = make_one_cycle_schedule(recipe.learning_rate, recipe.warmup, num_steps)
    network.compile(
        optimizer=keras.optimizers.AdamW(
            rate, weight_decay=recipe.weight_decay, clipnorm=recipe.clipnorm
        ),
        loss=CTC(),
        jit_compile=False,  # XLA would take longer to compile than it saves
    )
    return network


def _make_targets(batch: Batch) -> npt.NDArray[np.int32]:
    """Return (B, 1 + L) int32: the number of frames, then the labels, padded with 0."""
    frames = -(-batch.widths // FRAME_PX)
    return np.concatenate([frames[:, None], batch.labels], axis=1)


def _run_network(
    network: keras.Model, strips: StripPool, batch_size: int = 64
) -> tuple[list[npt.NDArray[np.float32]], float]:
    """Return the logits of each strip, (T, C) float32, and the mean loss in nats per symbol."""
    logits: list[npt.NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(strips.strips)
    order = np.argsort([strip.shape[1] for strip in strips.strips])
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        inputs = prepare_strips([strips.strips[index] for index in chosen])
        found = ops.convert_to_numpy(network(inputs, training=False))
        for row, index in zip(found, chosen, strict=True):
            logits[index] = row[: -(-strips.strips[index].shape[1] // FRAME_PX)]
    return logits, _mean_loss(logits, strips, 1.0)


def _mean_loss(
    logits: list[npt.NDArray[np.float32]], strips: StripPool, temperature: float
) -> float:
    """Return the mean CTC loss of the texts, in nats per symbol."""
    losses = [
        -Frames(_log_softmax(frames.astype(np.float64) / temperature))
        .compute_prefixes([SYMBOLS.index(symbol) + 1 for symbol in text])[-1]
        .log_probability
        / max(1, len(text))
        for frames, text in zip(logits, strips.texts, strict=True)
    ]
    return float(np.mean(losses))


def _fit_temperature(logits: list[npt.NDArray[np.float32]], strips: StripPool) -> float:
    """Find the temperature with the smallest loss; see ``calibrate.fit_temperature``."""
    found = minimize_scalar(
        lambda log_temperature: _mean_loss(logits, strips, math.exp(log_temperature)),
        bounds=(-1.0, 1.5),
        method="bounded",
        options={"xatol": 0.01},
    )
    return float(math.exp(found.x))


def _log_softmax(logits: npt.NDArray[Real]) -> npt.NDArray[Real]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), logits.dtype)


def _decode_greedily(logits: npt.NDArray[np.float32]) -> str:
    """Decode the most probable class of each frame, without repeats and blanks."""
    classes = logits.argmax(axis=1)
    starts = classes[np.flatnonzero(np.diff(classes, prepend=0))]
    return "".join(SYMBOLS[index - 1] for index in starts if index)
