"""Loads model files and runs them with ONNX Runtime, which no other module imports."""

import hashlib
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import onnxruntime

from inkread.errors import ConfigError, ModelError
from inkread.imaging.normalize import FRAME_PX, GlyphShape, StripShape
from inkread.models.metadata import METADATA_KEY, ModelMetadata

__all__ = [
    "INPUT",
    "LOGITS",
    "OUTPUT",
    "STRIPS",
    "STRIP_STEP_PX",
    "Classification",
    "LineModel",
    "Model",
    "ModelFile",
    "apply_temperature",
    "calibrate_outputs",
    "list_shipped_models",
    "prepare_glyphs",
    "prepare_strips",
]

INPUT, OUTPUT = "glyphs", "probabilities"  # names of a glyph network's input and output
STRIPS, LOGITS = "strips", "logits"  # names of a line network's input and output
DEFAULT = "default"  # name of the shipped model of each kind
_SHIPPED = {
    "glyph": {DEFAULT: "glyph-cascade.onnx"},
    "line": {DEFAULT: "line.onnx"},
    "layout": {DEFAULT: "layout.onnx"},
}
_EXTERNAL_DATA = b"\x0a\x08location"  # how ONNX spells the name of a file with weights
STRIP_STEP_PX = 16  # widths of batches of strips are multiples of it
_NUM_BATCH_STRIPS = 16
_TRIED_SIDE_PX = 256
_NUM_BATCH_GLYPHS = 256  # large enough to be fast, small enough for the processor's cache


@dataclass(frozen=True)
class Classification:
    """Calibrated predictions for N glyphs.

    Attributes:
        probabilities: (N, len(labels)) float32, calibrated probability of each label given that the
            glyph is a digit; each row adds up to 1.
        junk: (N,) float32 in [0, 1], probability that the glyph is no digit; 0 if the network has
            no such output.
    """

    probabilities: npt.NDArray[np.float32]
    junk: npt.NDArray[np.float32]


def list_shipped_models(kind: str = "glyph") -> dict[str, Path]:
    """Return the model files that ship with the package, by name.

    Args:
        kind: ``glyph`` or ``line``.
    """
    folder = Path(str(resources.files("inkread.models") / "weights"))
    return {name: folder / file for name, file in _SHIPPED[kind].items()}


class ModelFile(ABC):
    """A loaded and validated model file of any kind.

    Attributes:
        path: of the model file.
        metadata: the metadata in the file.
        kind: ``glyph`` or ``line``.
    """

    kind: ClassVar[str]

    def __init__(
        self, model: str | os.PathLike[str] = DEFAULT, *, threads: int | None = None
    ) -> None:
        """Load a model file.

        Args:
            model: the name of a shipped model, or the path of a model file.
            threads: number of threads that ONNX Runtime uses; ``None`` for one per core.

        Raises:
            ModelError: the file is missing, corrupt, not written by inkread, of another kind, or of
                a newer format version.
            ConfigError: ``threads`` is below 1.
        """
        shipped = list_shipped_models(self.kind)
        self.path = shipped.get(str(model)) or Path(model)
        try:
            data = self.path.read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            raise ModelError(
                f"{model}: expected a model file or a name among {sorted(shipped)}: {error}"
            ) from error
        if _EXTERNAL_DATA in data:
            raise ModelError(f"{model}: expected all weights in the file, received names of others")
        options = onnxruntime.SessionOptions()
        # However it is spelled: the folder doesn't exist.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", os.devnull
        )
        options.log_severity_level = 4  # errors are raised, so they need not be printed as well
        if threads is not None:
            if threads < 1:
                raise ConfigError(f"expected at least one thread, received {threads}")
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ModelError(f"{model}: not a readable ONNX file: {_first_line(error)}") from error
        document = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if document is None:
            raise ModelError(
                f"{model}: expected metadata under the key {METADATA_KEY!r}, found none: "
                "this ONNX file was not exported by inkread"
            )
        try:
            self.metadata = ModelMetadata.from_json(document)
        except ModelError as error:
            raise ModelError(f"{model}: {error}") from error
        if self.metadata.kind != self.kind:
            raise ModelError(
                f"{model}: expected a model of kind {self.kind!r}, received {self.metadata.kind!r}"
            )
        self._check_signature(str(model))

    @property
    def name(self) -> str:
        """Name of the file without suffix; for ``model.onnx`` of a run, its recipe and seed."""
        if self.path.stem != "model":
            return self.path.stem
        return f"{self.metadata.recipe.get('name', 'model')}-{self.metadata.seed}"

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file, 64 hexadecimal digits; the file is read at the first call."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def run(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run the network on its own input format, without batches or calibration.

        Args:
            inputs: float32, of the shape of the network's input.

        Returns:
            float32, of the shape of the network's output.
        """
        (name_in, *_), (name_out, *_) = self._signature()
        return np.asarray(self._session.run([name_out], {name_in: inputs})[0])

    def try_out(self, timeout_s: float = 10.0) -> None:
        """Run the network on an empty input, and give up when it doesn't end.

        Raises:
            ModelError: it fails, or takes longer than that.
        """
        (name_in, _, sizes), (name_out, *_) = self._signature()
        # One glyph, strip or page, of a side that every network's steps divide.
        shape = [1 if size == "N" else int(size) for size in sizes[:1]]
        shape += [_TRIED_SIDE_PX if size == "N" else int(size) for size in sizes[1:]]
        options = onnxruntime.RunOptions()
        timer = threading.Timer(timeout_s, setattr, (options, "terminate", True))
        timer.start()
        try:
            self._session.run([name_out], {name_in: np.zeros(shape, np.float32)}, options)
        except Exception as error:
            reason = "it takes too long" if options.terminate else _first_line(error)
            raise ModelError(
                f"{self.path}: expected an answer to an empty picture in {timeout_s:g} s: {reason}"
            ) from error
        finally:
            timer.cancel()

    @abstractmethod
    def _signature(self) -> list[tuple[str, str, list[int | str]]]:
        """Return name, type and sizes of the network's input and output; "N" is any size."""

    def _check_signature(self, name: str) -> None:
        received = [
            # The size of a dynamic axis is a string or None.
            (
                node.name,
                node.type,
                ["N" if not isinstance(size, int) else size for size in node.shape],
            )
            for node in (*self._session.get_inputs(), *self._session.get_outputs())
        ]
        expected = self._signature()
        if received != expected:
            raise ModelError(f"{name}: expected inputs and outputs {expected}, received {received}")


class Model(ModelFile):
    """A loaded glyph model: it classifies single digits."""

    kind = "glyph"

    def predict_uncalibrated(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the network's own probabilities, without calibration.

        Args:
            glyphs: (N, side, side) uint8, ink 255 on paper 0.

        Returns:
            (N, num_outputs) float32, the labels first, then "no digit" if the network has such an
            output; each row adds up to 1.
        """
        outputs = np.empty((len(glyphs), self.metadata.num_outputs), np.float32)
        for start in range(0, len(glyphs), _NUM_BATCH_GLYPHS):
            outputs[start : start + _NUM_BATCH_GLYPHS] = self.run(
                prepare_glyphs(glyphs[start : start + _NUM_BATCH_GLYPHS])
            )
        return outputs

    def classify(self, glyphs: npt.NDArray[np.uint8]) -> Classification:
        """Return calibrated probabilities of the labels and of "no digit" from one run.

        Args:
            glyphs: (N, side, side) uint8, ink 255 on paper 0.
        """
        return calibrate_outputs(
            self.predict_uncalibrated(glyphs), len(self.metadata.labels), self.metadata.temperature
        )

    def predict_probabilities(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities of the labels, given that the glyphs are digits.

        Args:
            glyphs: (N, side, side) uint8, ink 255 on paper 0.

        Returns:
            (N, len(labels)) float32; each row adds up to 1.
        """
        return self.classify(glyphs).probabilities

    def rejects(self, junk: float | npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Say what is rejected as no digit: what the model's own threshold says, if it has one.

        Args:
            junk: the probability that a glyph is no digit, in [0, 1]; or (N,) of them.

        Returns:
            Of the same shape, bool.
        """
        threshold = self.metadata.junk_threshold
        return np.asarray(junk, np.float64) > (1.0 if threshold is None else threshold)

    @property
    def shape(self) -> GlyphShape:
        """The constants of the glyphs that it takes."""
        return cast("GlyphShape", self.metadata.shape)

    def _signature(self) -> list[tuple[str, str, list[int | str]]]:
        side = self.shape.side_px
        return [
            (INPUT, "tensor(float)", ["N", side, side, 1]),
            (OUTPUT, "tensor(float)", ["N", self.metadata.num_outputs]),
        ]


class LineModel(ModelFile):
    """A loaded line model: it reads runs of writing."""

    kind = "line"

    @property
    def shape(self) -> StripShape:
        """The constants of the strips that it takes."""
        return cast("StripShape", self.metadata.shape)

    @property
    def symbols(self) -> str:
        """The symbols of the classes 1, 2, …; class 0 is the blank of CTC."""
        return "".join(self.metadata.labels)

    def predict_log_probabilities(
        self, strips: Sequence[npt.NDArray[np.uint8]]
    ) -> list[npt.NDArray[np.float32]]:
        """Return the calibrated log probabilities of each frame of each strip.

        Args:
            strips: (height_px, W) uint8 each, ink bright on paper 0, as ``normalize.make_strip``
                makes them.

        Returns:
            For each strip (ceil(W / FRAME_PX), 1 + symbols) float32, natural logs of probabilities
            that add up to 1 in each row. Class 0 is the blank of CTC.
        """
        results: list[npt.NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(strips)
        # Sorted by width, since all strips of a batch are padded to the widest.
        order = sorted(range(len(strips)), key=lambda index: strips[index].shape[1])
        for start in range(0, len(order), _NUM_BATCH_STRIPS):
            chosen = order[start : start + _NUM_BATCH_STRIPS]
            logits = self.run(prepare_strips([strips[index] for index in chosen]))
            logits = logits * np.float32(1 / self.metadata.temperature)
            logits -= logits.max(axis=2, keepdims=True)
            logits -= np.log(np.exp(logits).sum(axis=2, keepdims=True))
            for row, index in enumerate(chosen):
                results[index] = logits[row, : -(-strips[index].shape[1] // FRAME_PX)]
        return results

    def _signature(self) -> list[tuple[str, str, list[int | str]]]:
        return [
            (STRIPS, "tensor(float)", ["N", self.shape.height_px, "N", 1]),
            (LOGITS, "tensor(float)", ["N", "N", self.metadata.num_outputs]),
        ]


def prepare_strips(
    strips: Sequence[npt.NDArray[np.uint8]], step_px: int = STRIP_STEP_PX
) -> npt.NDArray[np.float32]:
    """Convert strips to a line network's input: padded on the right with paper to one width.

    Args:
        strips: (H, W) uint8 each, ink bright on paper 0, of any widths; at least one.
        step_px: the width is a multiple of it, so that few different shapes occur; a multiple of 4.

    Returns:
        (N, H, the largest W rounded up to a multiple of ``step_px``, 1) float32 in [0, 1], paper 0.
    """
    width = -(-max(strip.shape[1] for strip in strips) // step_px) * step_px
    inputs = np.zeros((len(strips), strips[0].shape[0], width, 1), np.float32)
    for row, strip in zip(inputs, strips, strict=True):
        row[:, : strip.shape[1], 0] = strip * np.float32(1 / 255)
    return inputs


def prepare_glyphs(glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Convert glyphs to a glyph network's input.

    Args:
        glyphs: (N, side, side) uint8, ink 255 on paper 0.

    Returns:
        (N, side, side, 1) float32 in [0, 1], ink 1 on paper 0.
    """
    return glyphs[..., None] * np.float32(1 / 255)


def calibrate_outputs(
    outputs: npt.NDArray[np.float32], num_labels: int, temperature: float
) -> Classification:
    """Split a glyph network's output into calibrated probabilities and that of "no digit".

    Args:
        outputs: (N, num_labels), or (N, num_labels + 1) if the last is "no digit", float32; each
            row adds up to 1.
        num_labels: number of labels.
        temperature: of the labels' probabilities; above 0.
    """
    if outputs.shape[1] == num_labels:
        junk = np.zeros(len(outputs), np.float32)
        return Classification(apply_temperature(outputs, temperature), junk)
    # If "no digit" has a probability of 1, the labels become equally probable instead of NaN.
    labels = outputs[:, :num_labels] + np.finfo(np.float32).tiny
    return Classification(apply_temperature(labels, temperature), outputs[:, num_labels])


def apply_temperature(
    probabilities: npt.NDArray[np.float32], temperature: float
) -> npt.NDArray[np.float32]:
    """Apply temperature scaling: soften (temperature > 1) or sharpen (< 1) probabilities.

    Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks". The logits,
    which it divides, are the logarithms of the probabilities up to a constant that cancels.

    Args:
        probabilities: (N, K) float32; the largest of each row is above 0.
        temperature: above 0.

    Returns:
        (N, K) float32; each row adds up to 1.
    """
    # softmax(log p / T) is p ** (1 / T) over its sum; scaled so that the largest power is 1.
    relative = probabilities / probabilities.max(axis=1, keepdims=True)
    weights = relative ** np.float32(1 / temperature)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
