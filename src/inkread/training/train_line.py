"""Training of the line network: strips of synthetic numbers in, CTC.

A run's folder holds ``recipe.json``, ``history.csv`` and ``checkpoint.keras``, and when it is done
``model.onnx`` and ``metrics.json``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from inkread.training.line_batches import Batch, batches, pools
from inkread.training.memory import keep_freed_memory
from inkread.training.mnist import Split
from inkread.training.models import line
from inkread.training.texts import JUNK, SEPARATORS

SYMBOLS = "0123456789" + SEPARATORS + JUNK
FRAME_PX = 2


@dataclass(frozen=True)
class LineRecipe:
    name: str = "line"
    pools: int = 50
    pool_size: int = 8192
    passes: int = 2
    batch_size: int = 64
    learning_rate: float = 0.003
    warmup: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.15


class CTC(keras.losses.Loss):
    """Connectionist temporal classification; the labels' row begins with the number of frames."""

    def call(self, y_true, y_pred):
        frames, labels = y_true[:, 0], y_true[:, 1:]
        lengths = ops.sum(ops.cast(labels > 0, "int32"), axis=1)
        return ops.ctc_loss(labels, y_pred, lengths, frames) / ops.cast(
            ops.maximum(lengths, 1), "float32"
        )


def targets(batch: Batch) -> npt.NDArray[np.int32]:
    frames = (batch.widths + FRAME_PX - 1) // FRAME_PX
    return np.concatenate([frames[:, None], batch.labels], axis=1).astype(np.int32)


def train(
    recipe: LineRecipe,
    digits: Split,
    directory: Path,
    seed: int,
    on_pool: Callable | None = None,
    network=None,
):
    keep_freed_memory()
    keras.utils.set_random_seed(seed)
    directory.mkdir(parents=True, exist_ok=True)
    network = network or line(len(SYMBOLS), recipe.dropout)
    steps = recipe.pools * recipe.passes * (recipe.pool_size // recipe.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        steps - round(recipe.warmup * steps),
        warmup_target=recipe.learning_rate,
        warmup_steps=round(recipe.warmup * steps),
    )
    network.compile(
        keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, clipnorm=2.0),
        CTC(),
        jit_compile=False,
    )
    started = time.time()
    for number, strips in enumerate(pools(digits, recipe.pool_size, seed, range(recipe.pools))):
        losses = []
        for turn in range(recipe.passes):
            rng = np.random.default_rng([seed, number, turn])
            for batch in batches(strips, SYMBOLS, recipe.batch_size, rng):
                losses.append(network.train_on_batch(batch.strips, targets(batch)))
        print(
            f"pool {number} loss {np.mean([float(v) for v in losses[-128:]]):.4f} {time.time() - started:.0f} s",
            flush=True,
        )
        network.save(directory / "checkpoint.keras")
        if on_pool:
            on_pool(network, number)
    return network
