"""Exports Keras networks to ONNX, LiteRT and SavedModel, and checks the files against Keras."""

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import onnx
from scipy.special import softmax

from inkread.errors import ConfigError, ModelError
from inkread.files import replace_atomically
from inkread.models.metadata import METADATA_KEY, ModelMetadata
from inkread.models.runtime import (
    INPUT,
    LOGITS,
    OUTPUT,
    STRIPS,
    LineModel,
    Model,
    prepare_glyphs,
    prepare_strips,
)
from inkread.training.networks import architectures

__all__ = [
    "HALF_TOLERANCE",
    "TOLERANCE",
    "away_from_threshold",
    "check_parity",
    "line_to_onnx",
    "store_in_half",
    "to_litert",
    "to_onnx",
    "to_saved_model",
    "write_onnx",
]

TOLERANCE = 1e-4  # largest difference of a probability between Keras and the exported file
HALF_TOLERANCE = 5e-3  # the same on the mean of a strip or page, with weights in half precision
_MIN_HALF_PRECISION_SIZE = 5000  # elements; smaller weight tensors stay in float32
_LARGEST_FULL_BYTES = 2_000_000  # of a digit model's file; larger ones get half precision

Glyphs = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]


def to_onnx(model: keras.Model, path: Path, metadata: ModelMetadata, glyphs: Glyphs) -> None:
    """Export a network to ONNX with inkread's metadata.

    In the file of a cascade, the other networks run only on glyphs that the first is unsure of. In
    a large file large weights are stored in half precision, as ``line_to_onnx`` does.

    Args:
        model: maps (N, 28, 28, 1) float32 in [0, 1] to (N, num_outputs) probabilities.
        path: the file to write; replaced atomically, and only if the check passes.
        metadata: the metadata to store in the file.
        glyphs: (N, 28, 28) uint8, ink 255 on paper 0: real glyphs for the check. For a cascade,
            pass them through ``away_from_threshold`` first.

    Raises:
        ModelError: the file's probabilities differ from Keras' by more than ``TOLERANCE``, or in
            half precision by more than ``HALF_TOLERANCE`` on the mean.
        OSError: the file can't be written.
    """
    expected = _run_network(model, prepare_glyphs(glyphs))
    sure = metadata.recipe.get("sure")
    with replace_atomically(path) as temporary:
        written = model if sure is None else architectures.branch_cascade(model, sure)
        written(written.inputs)  # Keras exports only what has been called
        proto = write_onnx(written, temporary, metadata, (INPUT, OUTPUT))
        check_parity(expected, Model(temporary, threads=1).predict_uncalibrated(glyphs))
        if temporary.stat().st_size > _LARGEST_FULL_BYTES:
            store_in_half(proto)
            onnx.save(proto, temporary)
            rounded = np.abs(Model(temporary, threads=1).predict_uncalibrated(glyphs) - expected)
            mean = np.asarray(rounded.mean(axis=0), np.float32)
            check_parity(np.zeros_like(mean), mean, HALF_TOLERANCE)


def line_to_onnx(
    model: keras.Model, path: Path, metadata: ModelMetadata, strips: Sequence[Glyphs]
) -> None:
    """Export a line network to ONNX with inkread's metadata.

    Large weights are stored in half precision, which halves the file, and cast to float32 when the
    file is loaded; this may change the probabilities of a strip by up to ``HALF_TOLERANCE`` on the
    mean. Of the many frames of unreadable strips one is always undecided, so that no more can be
    said of each.

    Args:
        model: maps (N, H, W, 1) float32 in [0, 1] to (N, frames, classes) logits.
        path: the file to write; replaced atomically, and only if the check passes.
        metadata: the metadata to store in the file.
        strips: (H, W) uint8 each, ink 255 on paper 0: strips for the check.

    Raises:
        ModelError: the file's probabilities differ from Keras' by more than ``TOLERANCE``, or in
            half precision by more than ``HALF_TOLERANCE`` on the mean.
        OSError: the file can't be written.
    """
    inputs = prepare_strips(strips)

    def run(file: Path) -> Probabilities:
        return np.asarray(softmax(LineModel(file, threads=1).run(inputs), axis=-1))

    expected = np.asarray(softmax(_run_network(model, inputs), axis=-1))
    with replace_atomically(path) as temporary:
        proto = write_onnx(model, temporary, metadata, (STRIPS, LOGITS))
        check_parity(expected, run(temporary))
        store_in_half(proto)
        onnx.save(proto, temporary)
        rounded = np.abs(run(temporary) - expected).mean(axis=1)
        check_parity(np.zeros_like(rounded), rounded, HALF_TOLERANCE)


def write_onnx(
    model: keras.Model, path: Path, metadata: ModelMetadata, names: tuple[str, str]
) -> onnx.ModelProto:
    """Write ONNX with the metadata and the given input and output names; return the graph too."""
    with _silence_known_warnings():
        model.export(path, format="onnx", verbose=False)
    proto = onnx.load(path)
    for value, name in zip((proto.graph.input[0], proto.graph.output[0]), names, strict=True):
        _rename(proto, value.name, name)
    onnx.helper.set_model_props(proto, {METADATA_KEY: metadata.to_json()})
    onnx.checker.check_model(proto)
    onnx.save(proto, path)
    return proto


def store_in_half(proto: onnx.ModelProto) -> None:
    """Store large weights as float16, each with a node that casts it to float32."""
    for weights in list(proto.graph.initializer):
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _MIN_HALF_PRECISION_SIZE:
            continue
        half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{weights.name}_half")
        cast = onnx.helper.make_node("Cast", [half.name], [weights.name], to=onnx.TensorProto.FLOAT)
        proto.graph.initializer.remove(weights)
        proto.graph.initializer.append(half)
        proto.graph.node.insert(0, cast)


def to_litert(model: keras.Model, path: Path, glyphs: Glyphs) -> None:
    """Export a network to a LiteRT (``.tflite``) file; arguments and errors as for ``to_onnx``."""
    import tensorflow as tf

    expected = _run_network(model, prepare_glyphs(glyphs))
    with replace_atomically(path) as temporary:
        model.export(temporary, format="litert", verbose=False)
        with _silence_known_warnings():
            interpreter = tf.lite.Interpreter(str(temporary))
        tensor_in, tensor_out = (
            interpreter.get_input_details()[0],
            interpreter.get_output_details()[0],
        )
        interpreter.resize_tensor_input(tensor_in["index"], [len(glyphs), *glyphs.shape[1:], 1])
        interpreter.allocate_tensors()
        interpreter.set_tensor(tensor_in["index"], prepare_glyphs(glyphs))
        interpreter.invoke()
        check_parity(expected, interpreter.get_tensor(tensor_out["index"]))


def to_saved_model(model: keras.Model, path: Path, glyphs: Glyphs) -> None:
    """Export a network to a TensorFlow SavedModel folder; arguments and errors as for ``to_onnx``.

    Raises:
        ConfigError: ``path`` exists and is not a SavedModel.
    """
    import tensorflow as tf

    expected = _run_network(model, prepare_glyphs(glyphs))
    path = path.resolve()
    if path.exists() and not (path / "saved_model.pb").exists():
        raise ConfigError(f"expected a new folder or an earlier SavedModel, received {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        model.export(temporary, format="tf_saved_model", verbose=False)
        loaded = tf.saved_model.load(
            str(temporary)
        )  # owns the weights: must outlive the call below
        check_parity(expected, loaded.serve(prepare_glyphs(glyphs)).numpy())
        if path.exists():
            path.rename(Path(folder) / "replaced")
        temporary.rename(path)


def away_from_threshold(model: keras.Model, glyphs: Glyphs, sure: float | None) -> Glyphs:
    """Return the glyphs for which rounding can't change which network of a cascade answers.

    Only for these can Keras' probabilities be compared with those of an exported file. For a model
    that is no cascade, all glyphs are returned.

    Args:
        model: maps (N, 28, 28, 1) float32 in [0, 1] to (N, num_outputs) probabilities.
        glyphs: (N, 28, 28) uint8, ink 255 on paper 0.
        sure: the highest probability from which on the first network's answer is used; ``None``: no
            cascade.
    """
    if sure is None:
        return glyphs
    answers = _run_network(architectures.get_members(model)[0], prepare_glyphs(glyphs))
    return np.asarray(glyphs[np.abs(answers.max(axis=1) - sure) > TOLERANCE])


def check_parity(
    expected: Probabilities, received: Probabilities, tolerance: float | None = None
) -> None:
    """Compare probabilities of the same glyphs or strips from Keras and from an exported file.

    Raises:
        ModelError: a probability differs by more than ``tolerance``, by default ``TOLERANCE``.
    """
    tolerance = TOLERANCE if tolerance is None else tolerance
    difference = float(np.abs(expected - received).max())
    if not difference <= tolerance:
        raise ModelError(
            f"the exported model's probabilities differ from Keras': expected at most {tolerance}, "
            f"received {difference:.2g}"
        )


def _run_network(model: keras.Model, inputs: npt.NDArray[np.float32]) -> Probabilities:
    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)))


@contextmanager
def _silence_known_warnings() -> Iterator[None]:
    """Silence warnings of the exporters' own code, about which the user can do nothing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
        yield


def _rename(proto: onnx.ModelProto, old: str, new: str) -> None:
    for value in (*proto.graph.input, *proto.graph.output):
        value.name = new if value.name == old else value.name
    for node in proto.graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
