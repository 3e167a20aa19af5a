"""Trains one epoch of a digit network and measures it on the validation images."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from inkread.models.runtime import calibrate_outputs, prepare_glyphs
from inkread.training.batches.glyph_batches import NUM_LABELS
from inkread.training.evaluation.evaluate import score_probabilities
from inkread.training.history import Epoch, Step
from inkread.training.layout_recipes import LayoutRecipe
from inkread.training.line_recipes import LineRecipe
from inkread.training.mnist import Split

__all__ = [
    "compile_for_pools",
    "make_dataset",
    "make_one_cycle_schedule",
    "predict",
    "reseed_dropout",
    "train_epoch",
]

_NUM_PREFETCHED_BATCHES = 4
_PREDICTION_BATCH_SIZE = 500  # images


def train_epoch(
    network: keras.Model,
    batches: Callable[[], keras.utils.PyDataset],
    validation: Split,
    place: tuple[int, int],
    before: Sequence[Epoch],
    on_step: Callable[[Step], None] | None,
) -> Epoch:
    """Train one epoch, and measure the network on the validation images.

    Args:
        network: the network, compiled.
        batches: makes the epoch's batches; its time counts as training time.
        validation: images of digits with labels 0 to 9.
        place: (index of the epoch from 0, number of epochs).
        before: the history of the earlier epochs.
        on_step: called as for ``train``.
    """
    start = time.perf_counter()
    made = batches()
    callbacks = [_StepReporter(on_step, *place, len(made))] if on_step else []
    # Keras would shuffle the batches again, with a random state that isn't in the checkpoint.
    figures = network.fit(make_dataset(made), shuffle=False, verbose=0, callbacks=callbacks).history
    seconds = time.perf_counter() - start
    outputs = calibrate_outputs(predict(network, validation), NUM_LABELS, temperature=1.0)
    found = score_probabilities(outputs.probabilities, validation.labels)
    return Epoch(
        epoch=place[0] + 1,
        loss=figures["loss"][0],
        accuracy=figures["accuracy"][0],
        validation_loss=found.negative_log_likelihood,
        validation_accuracy=found.accuracy.value,
        seconds=seconds + (before[-1].seconds if before else 0.0),
    )


def make_dataset(batches: keras.utils.PyDataset) -> Iterable[Any]:
    """Make the input of ``fit``: with TensorFlow, a ``tf.data`` dataset without autotuning.

    By default Keras lets TensorFlow tune its input pipeline. A thread then examines the pipeline
    after 10, 20, 40, ... ms, and the end of an epoch sometimes waits for the next examination, for
    up to the duration of the epoch (seen in TensorFlow 2.21: the destructor of
    ``RootDataset::Iterator`` joins that thread, which misses its wake-up).
    ``benchmarks/epoch_end.py`` measures it.
    """
    given: Iterable[Any] = batches
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # not installed with other backends

        signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0])
        options = tf.data.Options()
        options.autotune.enabled = False
        made = tf.data.Dataset.from_generator(
            lambda: (batches[number] for number in range(len(batches))), output_signature=signature
        )
        sized = made.apply(tf.data.experimental.assert_cardinality(len(batches)))
        given = sized.prefetch(_NUM_PREFETCHED_BATCHES).with_options(options)
    return given


class _StepReporter(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(
        self, on_step: Callable[[Step], None], epoch: int, num_epochs: int, steps: int
    ) -> None:
        super().__init__()
        self._on_step = on_step
        self._place = (epoch + 1, num_epochs)
        self._num_steps = steps

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = float((logs or {}).get("loss", float("nan")))
        # Keras counts the last call of an epoch as a full one.
        step = min(batch + 1, self._num_steps)
        self._on_step(Step(*self._place, step, self._num_steps, loss))


def predict(network: keras.Model, split: Split) -> npt.NDArray[np.float32]:
    """Return a network's uncalibrated probabilities for a split: (N, num_outputs) float32."""
    inputs = prepare_glyphs(split.images)
    # Not ``network.predict``, whose end may wait as an epoch's may; see ``make_dataset``.
    parts = np.array_split(
        inputs, range(_PREDICTION_BATCH_SIZE, len(inputs), _PREDICTION_BATCH_SIZE)
    )
    return np.concatenate([network.predict_on_batch(part) for part in parts])


def make_one_cycle_schedule(
    peak: float, warmup: float, num_steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Make a learning rate schedule: linear warm-up from a tenth of the peak, then cosine decay.

    Args:
        peak: the largest learning rate.
        warmup: share of the steps that the warm-up takes, in [0, 1].
        num_steps: number of steps of the whole training.
    """
    warmup_steps = max(1, round(warmup * num_steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 10,
        decay_steps=max(1, num_steps - warmup_steps),
        warmup_target=peak,
        warmup_steps=warmup_steps,
    )


def compile_for_pools(
    network: keras.Model, recipe: LineRecipe | LayoutRecipe, loss: keras.losses.Loss
) -> keras.Model:
    """Compile a network for all steps of a recipe that trains on pools, and return it."""
    num_steps = recipe.num_pools * recipe.steps_per_pool
    rate = make_one_cycle_schedule(recipe.learning_rate, recipe.warmup, num_steps)
    network.compile(
        optimizer=keras.optimizers.AdamW(
            rate, weight_decay=recipe.weight_decay, clipnorm=recipe.clipnorm
        ),
        loss=loss,
        jit_compile=False,  # XLA takes longer to compile than it saves
    )
    return network


def reseed_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Seed each dropout layer for an epoch, since a checkpoint doesn't hold their random state."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = np.random.SeedSequence([seed, epoch, index]).generate_state(2)
            layer.seed_generator.state.assign(state)
