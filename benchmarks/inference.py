"""Measure the latency of ways to run a network, for one glyph and for a thousand at once.

`Reader.classify` with the shipped model (or another) on one and two threads is compared with the
network of the classic example in Keras' `predict`, as a `tf.function`, in LiteRT, and in
`classify`. The last figure is the share of this machine's peak of matrix multiplication on as many
threads; a cascade's other networks count only for the glyphs that they process.

python benchmarks/inference.py [--model MODEL]
"""

import argparse
import itertools
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from inkread.privacy import keep_library_files_in_cache

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keep_library_files_in_cache()

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import tensorflow as tf
from peak import measure_peak_multiply_adds
from provenance import print_provenance

from inkread import Reader
from inkread.imaging.normalize import GlyphShape
from inkread.models.metadata import ModelMetadata
from inkread.models.runtime import INPUT, prepare_glyphs
from inkread.training import mnist
from inkread.training.evaluation.cost import measure_cost
from inkread.training.networks import architectures, export
from inkread.training.train import LABELS

ROUNDS = 7
CALLS = {1: 200, 1000: 9}  # of each way in each round, by the number of glyphs
SLOW_CALLS = {1: 20, 1000: 3}  # of `predict`
CLASSIFY = {1: "classify, 1 thread", 2: "classify, 2 threads"}  # by the number of threads

Call = Callable[[], object]


def time_calls_ms(call: Call, num_calls: int) -> list[float]:
    """Return the duration of each of several calls, in milliseconds."""
    times = []
    for _ in range(num_calls):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return times


def make_litert_call(path: Path, glyphs: npt.NDArray[np.uint8], threads: int) -> Call:
    """Return a function that runs a LiteRT file on these glyphs."""
    with warnings.catch_warnings():
        # TensorFlow's interpreter suffices; its successor would be another dependency.
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
        interpreter = tf.lite.Interpreter(str(path), num_threads=threads)
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, [*glyphs.shape, 1])
    interpreter.allocate_tensors()
    inputs = prepare_glyphs(glyphs)

    def call() -> None:
        interpreter.set_tensor(place, inputs)
        interpreter.invoke()

    return call


def make_calls(
    model: str, images: npt.NDArray[np.uint8], count: int, folder: Path
) -> dict[str, Call]:
    """Return a function by name for each way to read so many glyphs.

    The shipped model gets other glyphs in each call, since a cascade takes longer for some of them.
    """
    glyphs = images[:count]
    parts = np.array_split(images, len(images) // count)
    in_turn = {threads: itertools.cycle(parts) for threads in CLASSIFY}
    inputs = prepare_glyphs(glyphs)
    classic = architectures.build("classic", dropout=0.5)
    example = folder / "classic.onnx"
    metadata = ModelMetadata(LABELS, GlyphShape(), 1.0, {"name": "classic"}, 0, "", "", "")
    export.to_onnx(classic, example, metadata, glyphs[:50])
    export.to_litert(classic, folder / "classic.tflite", glyphs[:50])
    function = tf.function(lambda batch: classic(batch, training=False))
    constant = tf.constant(inputs)
    shipped = {threads: Reader(model, threads=threads) for threads in CLASSIFY}
    own = {threads: Reader(example, threads=threads) for threads in CLASSIFY}
    return {
        CLASSIFY[1]: lambda: shipped[1].classify(next(in_turn[1])),
        CLASSIFY[2]: lambda: shipped[2].classify(next(in_turn[2])),
        "the example's network: Keras predict": lambda: classic.predict(inputs, verbose=0),
        "the example's network: tf.function": lambda: function(constant),
        "the example's network: LiteRT, 1 thread": make_litert_call(
            folder / "classic.tflite", glyphs, 1
        ),
        "the example's network: LiteRT, 2 threads": make_litert_call(
            folder / "classic.tflite", glyphs, 2
        ),
        "the example's network: classify, 1 thread": lambda: own[1].classify(glyphs),
        "the example's network: classify, 2 threads": lambda: own[2].classify(glyphs),
    }


def compute_mean_multiply_adds(model: Path, glyphs: npt.NDArray[np.uint8]) -> float:
    """Return the mean multiply-adds per glyph; a cascade's other networks process a part."""
    cost, proto = measure_cost(model), onnx.load(model)
    choices = [node.output[0] for node in proto.graph.node if node.op_type == "NonZero"]
    if not choices:
        return cost.num_multiply_adds
    chosen = onnx.helper.make_tensor_value_info(choices[0], onnx.TensorProto.INT64, [1, None])
    proto.graph.output.append(chosen)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    (unsure,) = session.run(choices, {INPUT: prepare_glyphs(glyphs)})
    share = unsure.shape[1] / len(glyphs)
    print(f"{share:.2%} of {len(glyphs):,} glyphs are answered by the other networks")
    least, most = cost.least_multiply_adds, cost.num_multiply_adds
    return least + share * (most - least)


def main() -> None:
    """Measure every way, with one glyph and with a thousand, and print the latencies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    model = parser.parse_args().model
    print_provenance()
    peaks = {name: measure_peak_multiply_adds(threads) for threads, name in CLASSIFY.items()}
    images = mnist.load().validation.images[: max(CALLS)]
    multiply_adds = compute_mean_multiply_adds(Reader(model).model.path, images)
    with tempfile.TemporaryDirectory() as folder:
        for count, num_calls in CALLS.items():
            calls = make_calls(model, images, count, Path(folder))
            times: dict[str, list[float]] = {name: [] for name in calls}
            for call in calls.values():
                call()  # the first call of each compiles or allocates
            for _ in range(ROUNDS):  # in turn, because the machine's speed drifts
                for name, call in calls.items():
                    slow = "predict" in name
                    times[name] += time_calls_ms(call, SLOW_CALLS[count] if slow else num_calls)
            print(f"{count:,} glyph{'s' if count > 1 else ''} a call")
            predict = np.median(times["the example's network: Keras predict"])
            for name, found in times.items():
                p50, p99 = np.percentile(found, [50, 99])
                line = (
                    f"  {name}: p50 {p50:.3f} ms, p99 {p99:.3f} ms, n = {len(found)}; "
                    f"{1000 * count / p50:,.0f} glyphs/s; {predict / p50:.1f} times predict"
                )
                if name in peaks:
                    reached = multiply_adds * count / (np.mean(found) / 1000)
                    line += f"; {reached / peaks[name]:.0%} of the peak of matrix multiplication"
                print(line, flush=True)


if __name__ == "__main__":
    main()
