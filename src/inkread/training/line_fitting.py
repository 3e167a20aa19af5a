"""Fits a line network to strips with CTC, and writes the files of a finished run."""

import datetime
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
import numpy.typing as npt
from keras import ops
from scipy.optimize import minimize_scalar

import inkread
from inkread.decoding import decoder
from inkread.decoding.ctc import Frames
from inkread.files import write_atomically
from inkread.imaging.normalize import FRAME_PX, StripShape
from inkread.models.metadata import Figure, ModelMetadata
from inkread.models.runtime import LineModel, prepare_strips
from inkread.results import REJECTED
from inkread.training.batches.line_batches import Batch, StripPool, batches
from inkread.training.epoch import compile_for_pools, reseed_dropout
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.history import LineEpoch, Step
from inkread.training.line_recipes import LineRecipe
from inkread.training.mnist import TRAIN_IMAGES
from inkread.training.networks import architectures, export
from inkread.training.runs import METRICS, MODEL
from inkread.training.synthesis.number_texts import SEPARATORS

__all__ = [
    "CTC",
    "NUM_PARITY_STRIPS",
    "SYMBOLS",
    "LineFitting",
    "compile_line",
    "measure_share_right",
    "remove_separators",
]

SYMBOLS = "0123456789" + SEPARATORS + REJECTED
NUM_PARITY_STRIPS = 64  # strips that the exported file is checked with
Tensor = Any  # of Keras' backend
Real = TypeVar("Real", np.float32, np.float64)


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


def compile_line(network: keras.Model, recipe: LineRecipe) -> keras.Model:
    """Compile a line network for a recipe's steps, and return it."""
    return compile_for_pools(network, recipe, CTC())


@dataclass(frozen=True)
class LineFitting:
    """A line network that is being trained.

    Attributes:
        network: compiled by ``compile_line``.
        recipe: of the training.
        seed: with a pool's index it decides the order of its strips and the dropout.
        validation: strips that aren't trained on.
        on_step: called after every step.
    """

    network: keras.Model
    recipe: LineRecipe
    seed: int
    validation: StripPool
    on_step: Callable[[Step], None] | None = None

    def train_pool(self, strips: StripPool, before: Sequence[LineEpoch]) -> LineEpoch:
        """Train on one pool of strips, and measure the network on the validation strips.

        Args:
            strips: the pool.
            before: the pools so far.
        """
        number, recipe = len(before), self.recipe
        start = time.perf_counter()
        reseed_dropout(self.network, self.seed, number)
        losses: list[float] = []
        for turn in range(recipe.passes):
            rng = np.random.default_rng([self.seed, number, turn])
            for batch in batches(strips, SYMBOLS, recipe.batch_size, rng):
                loss = self.network.train_on_batch(batch.strips, _make_targets(batch))
                losses.append(float(loss))
                if self.on_step:
                    steps, mean = recipe.steps_per_pool, float(np.mean(losses))
                    self.on_step(Step(number + 1, recipe.num_pools, len(losses), steps, mean))
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
            seconds=seconds + (before[-1].seconds if before else 0.0),
        )

    def finish(
        self, directory: Path, *, seconds: float, licence: str | None, attribution: tuple[str, ...]
    ) -> None:
        """Calibrate and export the network, and measure it on the validation strips.

        Args:
            directory: the run's folder.
            seconds: that the training took.
            licence: of the weights.
            attribution: of the data.

        Raises:
            ModelError: the exported file differs from the network.
        """
        logits, _ = _run_network(self.network, self.validation)
        metadata = ModelMetadata(
            kind="line",
            labels=tuple(SYMBOLS),
            shape=StripShape(),
            temperature=_fit_temperature(logits, self.validation),
            recipe=self.recipe.to_dict(),
            seed=self.seed,
            data_sha256=TRAIN_IMAGES.sha256,
            package_version=inkread.__version__,
            trained=datetime.datetime.now(datetime.UTC).date().isoformat(),
            licence=licence,
            attribution=attribution,
        )
        outputs = [_log_softmax(frames / metadata.temperature) for frames in logits]
        accuracy = _share_right(outputs, self.validation)
        metadata = replace(metadata, figures={"validation_accuracy": accuracy})
        path = directory / MODEL
        checked = self.validation.strips[:NUM_PARITY_STRIPS]
        # In float32, whatever the precision of the training.
        network = architectures.build_line(self.recipe.network, len(SYMBOLS), self.recipe.dropout)
        network.set_weights(self.network.get_weights())
        export.line_to_onnx(network, path, metadata, checked)
        LineModel(path)
        metrics = {
            "validation_accuracy": asdict(accuracy),
            "temperature": metadata.temperature,
            "training_seconds": seconds,
            "num_parameters": self.network.count_params(),
        }
        write_atomically(directory / METRICS, json.dumps(metrics, indent=2) + "\n")


def measure_share_right(model: LineModel, strips: StripPool) -> Figure:
    """Return the share of strips whose digits a model reads right, all of them."""
    return _share_right(model.predict_log_probabilities(strips.strips), strips)


def _share_right(outputs: list[npt.NDArray[np.float32]], strips: StripPool) -> Figure:
    right = sum(
        decoder.decode_best(frames, SYMBOLS).text == remove_separators(raw)
        for frames, raw in zip(outputs, strips.texts, strict=True)
    )
    return estimate_share(right, len(outputs))


def remove_separators(raw: str) -> str:
    """Return a text without its separators."""
    return "".join(symbol for symbol in raw if symbol not in SEPARATORS)


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
