"""One epoch of a training, what decides it, and what the network reads after it."""

import time
from collections.abc import Callable, Sequence

import keras
import numpy as np
import numpy.typing as npt

from inkread.runtime import as_input, classified
from inkread.training.batches import NUM_LABELS
from inkread.training.evaluate import score
from inkread.training.history import Epoch, Step
from inkread.training.mnist import Split

__all__ = ["fitted", "one_cycle", "predict", "restart_dropout"]


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
    figures = network.fit(made, shuffle=False, verbose=0, callbacks=callbacks).history
    seconds = time.perf_counter() - start
    outputs = classified(predict(network, validation), NUM_LABELS, temperature=1.0)
    found = score(outputs.probabilities, validation.labels)
    return Epoch(
        epoch=place[0] + 1,
        loss=figures["loss"][0],
        accuracy=figures["accuracy"][0],
        validation_loss=found.negative_log_likelihood,
        validation_accuracy=found.accuracy.value,
        seconds=seconds + (before[-1].seconds if before else 0.0),
    )


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
    return np.asarray(network.predict(as_input(split.images), batch_size=500, verbose=0))


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
