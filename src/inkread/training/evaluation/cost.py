"""Measures a model's file size, parameters, multiply-adds and latency."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from inkread.errors import ConfigError, ModelError
from inkread.models.runtime import Model

__all__ = ["Cost", "Speed", "measure_cost", "measure_speed"]

_WEIGHT_TYPES = {
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.BFLOAT16,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.INT8,
    onnx.TensorProto.UINT8,
}
_NUM_WARM_UP_CALLS = 5


@dataclass(frozen=True)
class Cost:
    """The size and the arithmetic of a network.

    Attributes:
        num_bytes: size of the file.
        num_parameters: number of trained parameters; integer tensors that hold shapes don't count.
        num_multiply_adds: multiply-adds of the convolutions and matrix products for one glyph; in a
            cascade, for a glyph that both networks process.
        least_multiply_adds: in a cascade, multiply-adds for a glyph that only the first network
            processes; otherwise as ``num_multiply_adds``.
    """

    num_bytes: int
    num_parameters: int
    num_multiply_adds: int
    least_multiply_adds: int


@dataclass(frozen=True)
class Speed:
    """Latency of a model on this machine.

    Attributes:
        num_glyphs: glyphs per call.
        num_calls: number of timed calls.
        median_ms: median time of a call, in milliseconds.
        p99_ms: 99th percentile of the time of a call, in milliseconds.
    """

    num_glyphs: int
    num_calls: int
    median_ms: float
    p99_ms: float

    @property
    def glyphs_per_second(self) -> float:
        """Throughput at the median latency."""
        return 1000 * self.num_glyphs / self.median_ms


def measure_cost(path: Path) -> Cost:
    """Count the bytes, parameters and multiply-adds of an ONNX file.

    Multiply-adds are counted for Conv, Gemm and MatMul; biases, pooling and normalisation are left
    out, as is usual. Exporting folds batch normalisation into the convolutions where possible, so
    the file has fewer parameters than the trained network.

    Raises:
        ModelError: not a readable ONNX file, or the size of a layer's output can't be inferred.
    """
    try:
        proto = onnx.load(path)
        onnx.checker.check_model(proto)
        for value in proto.graph.input:
            value.type.tensor_type.shape.dim[0].dim_value = 1  # one glyph
        chosen = _fix_selected_batch_to_one(proto.graph)
        inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    except Exception as error:
        raise ModelError(f"{path}: expected a readable ONNX file: {error}") from error
    weights = {tensor.name: tensor for tensor in proto.graph.initializer}
    shapes = {name: list(tensor.dims) for name, tensor in weights.items()}
    graph = inferred.graph
    for value in (*graph.input, *graph.value_info, *graph.output):
        shapes[value.name] = [size.dim_value for size in value.type.tensor_type.shape.dim]
    multiply_adds = {node.output[0]: _count_multiply_adds(node, shapes) for node in graph.node}
    followed = _find_dependent_values(graph, chosen)
    return Cost(
        num_bytes=path.stat().st_size,
        num_parameters=sum(
            int(np.prod(tensor.dims, dtype=np.int64))
            for tensor in weights.values()
            if tensor.data_type in _WEIGHT_TYPES
        ),
        num_multiply_adds=sum(multiply_adds.values()),
        least_multiply_adds=sum(
            count for name, count in multiply_adds.items() if name not in followed
        ),
    )


def _fix_selected_batch_to_one(graph: onnx.GraphProto) -> set[str]:
    """Replace each NonZero node, whose output size depends on the data, by an input of size 1.

    Returns:
        The names of the replaced outputs. A cascade selects the glyphs of its second network with
        such a node; with size 1, shape inference knows all sizes.
    """
    choices = [node for node in graph.node if node.op_type == "NonZero"]
    for node in choices:
        graph.node.remove(node)
        one = onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.INT64, [1, 1])
        graph.input.append(one)
    return {node.output[0] for node in choices}


def _find_dependent_values(graph: onnx.GraphProto, names: set[str]) -> set[str]:
    """Return the names of these values and of all that depend on them.

    ONNX sorts the nodes of a graph topologically, so one pass suffices.
    """
    found = set(names)
    for node in graph.node:
        if found & set(node.input):
            found.update(node.output)
    return found


def _count_multiply_adds(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int:
    """Return the number of a layer's outputs times the number of products summed in each."""
    if node.op_type not in ("Conv", "Gemm", "MatMul"):
        return 0
    outputs, inputs, weights = (
        shapes.get(name, []) for name in (node.output[0], node.input[0], node.input[1])
    )
    if node.op_type == "Conv":
        summed = weights[1:]  # (outputs, inputs / groups, height, width)
    elif node.op_type == "MatMul":
        summed = inputs[-1:]
    else:
        transposed = any(entry.name == "transA" and entry.i for entry in node.attribute)
        summed = inputs[:1] if transposed else inputs[1:]
    multiply_adds = int(np.prod([*outputs, *summed], dtype=np.int64))
    if not (outputs and summed and multiply_adds):
        raise ModelError(
            f"expected a layer whose size follows from the graph, received {node.op_type} "
            f"{node.name!r} with output {outputs}"
        )
    return multiply_adds


def measure_speed(model: Model, glyphs: npt.NDArray[np.uint8], num_calls: int) -> Speed:
    """Measure the latency of a model on a batch of glyphs, after a few warm-up calls.

    Args:
        model: the model, with the number of threads it was loaded with.
        glyphs: (N, 28, 28) uint8, ink 255 on paper 0.
        num_calls: number of timed calls.

    Raises:
        ConfigError: no glyphs, or ``num_calls`` below 1.
    """
    if not len(glyphs) or num_calls < 1:
        raise ConfigError(
            f"expected at least one glyph and one call, received {len(glyphs)} and {num_calls}"
        )
    for _ in range(_NUM_WARM_UP_CALLS):
        model.predict_probabilities(glyphs)
    times_ms = np.empty(num_calls)
    for call in range(num_calls):
        start = time.perf_counter()
        model.predict_probabilities(glyphs)
        times_ms[call] = 1000 * (time.perf_counter() - start)
    median, p99 = np.percentile(times_ms, [50, 99])
    return Speed(len(glyphs), num_calls, float(median), float(p99))
