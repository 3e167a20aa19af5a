"""One epoch of a training, what decides it, and what the network reads after it."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from inkread.models.runtime import calibrate_outputs, prepare_glyphs
from inkread.training.evaluation.evaluate import score
from inkread.training.glyph_batches import NUM_LABELS
from inkread.training.history import Epoch, Step
from inkread.training.mnist import Split

__all__ = ["fitted", "one_cycle", "predict", "restart_dropout", "stream"]

_PREFETCHED = 4  # batches made ahead of the step that wants them
_PREDICTED = 500  # images at once


def fitted(
    network: keras.Model,
    batches: Callable[[], keras.utils.PyDataset],
    validation: Split,
    place: tuple[int, int],
    before: Sequence[Epoch],
    on_step: Callable[[Step], None] | None,
) -> Epoch:
    """Train one epoch, and measure the network on the validation images.

    Args:
        network: compiled.
        batches: makes the epoch's; what it takes counts as training.
        validation: digits, with labels 0 to 9.
        place: number of the epoch, from 0, and how many there are.
        before: the epochs before this one.
        on_step: as for ``train``.
    """
    start = time.perf_counter()
    made = batches()
    callbacks = [_Reporter(on_step, *place, len(made))] if on_step else []
    # Keras would shuffle the batches once more, from a random state that no checkpoint holds.
    figures = network.fit(stream(made), shuffle=False, verbose=0, callbacks=callbacks).history
    seconds = time.perf_counter() - start
    outputs = calibrate_outputs(predict(network, validation), NUM_LABELS, temperature=1.0)
    found = score(outputs.probabilities, validation.labels)
    return Epoch(
        epoch=place[0] + 1,
        loss=figures["loss"][0],
        accuracy=figures["accuracy"][0],
        validation_loss=found.negative_log_likelihood,
        validation_accuracy=found.accuracy.value,
        seconds=seconds + (before[-1].seconds if before else 0.0),
    )


def stream(batches: keras.utils.PyDataset) -> Iterable[Any]:
    """Give an epoch's batches to ``fit``, to TensorFlow as a data set that it does not tune.

    Keras lets TensorFlow tune. Then a thread looks at the input pipeline after 10, 20, 40, ... ms,
    and now and then the end of an epoch waits for its next look, up to as long as the epoch took
    (seen in TensorFlow 2.21: the destructor of ``RootDataset::Iterator`` joins that thread, which
    misses that it was woken). ``benchmarks/epoch_end.py`` shows it.
    """
    given: Iterable[Any] = batches
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # other backends do without

        signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0])
        options = tf.data.Options()
        options.autotune.enabled = False
        made = tf.data.Dataset.from_generator(
            lambda: (batches[number] for number in range(len(batches))), output_signature=signature
        )
        sized = made.apply(tf.data.experimental.assert_cardinality(len(batches)))
        given = sized.prefetch(_PREFETCHED).with_options(options)
    return given


class _Reporter(keras.callbacks.Callback):  # type: ignore[misc]
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
    """Return a network's own probabilities for all images of a split: (N, outputs) float32."""
    inputs = prepare_glyphs(split.images)
    # Not ``network.predict``, whose end may wait as that of an epoch may; see ``stream``.
    parts = np.array_split(inputs, range(_PREDICTED, len(inputs), _PREDICTED))
    return np.concatenate([network.predict_on_batch(part) for part in parts])


def one_cycle(
    peak: float, warmup: float, num_steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Let the learning rate rise linearly from a tenth, then fall to zero on a half cosine.

    Args:
        peak: the largest learning rate.
        warmup: share of the steps in which it rises.
        num_steps: of the whole training.
    """
    warmup_steps = max(1, round(warmup * num_steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 10,
        decay_steps=max(1, num_steps - warmup_steps),
        warmup_target=peak,
        warmup_steps=warmup_steps,
    )


def restart_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Restart the random stream of each dropout layer, which a checkpoint does not hold."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = np.random.SeedSequence([seed, epoch, index]).generate_state(2)
            layer.seed_generator.state.assign(state)
