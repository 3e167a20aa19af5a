"""Time `Reader.classify` beside Keras' `predict` of the same network, in turn, in one run.

python benchmarks/inference.py RUN

RUN is the folder of a run; its model.onnx and its checkpoint.keras hold the same network.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from provenance import print_provenance

from inkread import Reader
from inkread.runtime import as_input
from inkread.training import mnist
from inkread.training.train import load_network

ROUNDS = 7


def seconds_a_call(call: Callable[[], object], num_calls: int) -> float:
    """Return the median time of a call."""
    times = []
    for _ in range(num_calls):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    """Measure one glyph and a thousand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    folder = parser.parse_args().run
    print_provenance()
    glyphs = mnist.load().test.images[:1000]
    reader, network = Reader(folder / "model.onnx"), load_network(folder)
    for count, calls in ((1, (200, 20)), (1000, (5, 3))):
        batch = glyphs[:count]
        inputs = as_input(batch)
        ours, keras = (
            lambda batch=batch: reader.classify(batch),
            lambda inputs=inputs: network.predict(inputs, verbose=0),
        )
        ours(), keras()  # the first call of each compiles or allocates
        pairs = np.array(
            [
                (seconds_a_call(ours, calls[0]), seconds_a_call(keras, calls[1]))
                for _ in range(ROUNDS)
            ]
        )
        ours_ms, keras_ms = 1000 * pairs.mean(axis=0)
        sd_ours, sd_keras = 1000 * pairs.std(axis=0, ddof=1)
        print(
            f"{count} glyph{'s' if count > 1 else ''}: classify {ours_ms:.3f} ± {sd_ours:.3f} ms, "
            f"Keras predict {keras_ms:.1f} ± {sd_keras:.1f} ms, n = {ROUNDS} medians of "
            f"{calls[0]} and {calls[1]} calls: {keras_ms / ours_ms:.0f} times faster "
            f"({keras_ms / ours_ms:.1f}), {count / ours_ms * 1000:,.0f} glyphs/s"
        )


if __name__ == "__main__":
    main()
