"""Model file to ONNX Runtime session: the only module that knows onnxruntime."""

import hashlib
import os
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

INPUT, OUTPUT = "glyphs", "probabilities"
STRIPS, LOGITS = "strips", "logits"
DEFAULT = "default"
_SHIPPED = {
    "glyph": {DEFAULT: "glyph-cascade.onnx"},
    "line": {DEFAULT: "line.onnx"},
}
_STRIPS_A_BATCH = 16
STRIP_STEP_PX = 16
_BATCH = 256  # glyphs in one run: large enough to be fast, small enough to stay in the cache


@dataclass(frozen=True)
class Classification:
    """What a network says of N glyphs.

    Attributes:
        probabilities: (N, len(labels)) float32, calibrated, of each label given that the glyph is a
            digit; each row adds up to 1.
        junk: (N,) float32 in [0, 1], the probability that the glyph is no digit; 0 where the
            network can't tell.
    """

    probabilities: npt.NDArray[np.float32]
    junk: npt.NDArray[np.float32]


def list_shipped_models(kind: str = "glyph") -> dict[str, Path]:
    """Return the model files of a kind that come with the package, by name."""
    folder = Path(str(resources.files("inkread.models") / "weights"))
    return {name: folder / file for name, file in _SHIPPED[kind].items()}


class ModelFile(ABC):
    """A model file, loaded and checked; its kinds say what it can be asked.

    Attributes:
        path: of the model file.
        metadata: what the file says of itself.
    """

    kind: ClassVar[str]

    def __init__(
        self, model: str | os.PathLike[str] = DEFAULT, *, threads: int | None = None
    ) -> None:
        """Load a model file.

        Args:
            model: the name of a shipped model, or the path of a model file.
            threads: how many ONNX Runtime may use; ``None``: one a core.

        Raises:
            ModelError: missing, corrupt, not one of inkread's, of another kind, or of a newer
                format version.
            ConfigError: ``threads`` below 1.
        """
        shipped = list_shipped_models(self.kind)
        self.path = shipped.get(str(model)) or Path(model)
        try:
            data = self.path.read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            raise ModelError(
                f"{model}: expected a model file or a name among {sorted(shipped)}: {error}"
            ) from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what is wrong is raised; it need not be printed as well
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
        """The file's name without its suffix; a run's says its recipe and seed."""
        if self.path.stem != "model":
            return self.path.stem
        return f"{self.metadata.recipe.get('name', 'model')}-{self.metadata.seed}"

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file, 64 hexadecimal digits; the file is read at the first call."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def run(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Run the network as it is; ``inputs`` and outputs as in the signature, float32."""
        (name_in, *_), (name_out, *_) = self._signature()
        return np.asarray(self._session.run([name_out], {name_in: inputs})[0])

    @abstractmethod
    def _signature(self) -> list[tuple[str, str, list[int | str]]]:
        """Name, type and sizes of the network's input and output; "N" is any size."""

    def _check_signature(self, name: str) -> None:
        received = [
            # An axis that is free has a name, or none, for its size.
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
    """A glyph model, ready to run."""

    kind = "glyph"

    def predict_uncalibrated(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the network's own probabilities, before calibration.

        Args:
            glyphs: (N, side, side) uint8, ink 255 on paper 0.

        Returns:
            (N, num_outputs) float32, the labels first, then "no digit" if the network has such an
            output; each row adds up to 1.
        """
        outputs = np.empty((len(glyphs), self.metadata.num_outputs), np.float32)
        for start in range(0, len(glyphs), _BATCH):
            outputs[start : start + _BATCH] = self.run(
                prepare_glyphs(glyphs[start : start + _BATCH])
            )
        return outputs

    def classify(self, glyphs: npt.NDArray[np.uint8]) -> Classification:
        """Say which digit each glyph is, and whether it is one, from one run of the network.

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
        """The constants of the glyphs that it reads."""
        return cast("GlyphShape", self.metadata.shape)

    def _signature(self) -> list[tuple[str, str, list[int | str]]]:
        side = self.shape.side_px
        return [
            (INPUT, "tensor(float)", ["N", side, side, 1]),
            (OUTPUT, "tensor(float)", ["N", self.metadata.num_outputs]),
        ]


class LineModel(ModelFile):
    """A line model, ready to run."""

    kind = "line"

    @property
    def shape(self) -> StripShape:
        """The constants of the strips that it reads."""
        return cast("StripShape", self.metadata.shape)

    @property
    def symbols(self) -> str:
        """What the classes from 1 stand for; 0 is the blank."""
        return "".join(self.metadata.labels)

    def predict_log_probabilities(
        self, strips: Sequence[npt.NDArray[np.uint8]]
    ) -> list[npt.NDArray[np.float32]]:
        """Return what the network says of each frame of each strip, calibrated.

        Args:
            strips: (height_px, W) uint8 each, as ``normalize.make_strip`` makes them.

        Returns:
            For each strip (ceil(W / FRAME_PX), 1 + symbols) float32, natural logs of probabilities;
            each row's add up to 1. Class 0 is the blank of CTC.
        """
        results: list[npt.NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(strips)
        # Of like widths together, since all of a batch are as wide as its widest.
        order = sorted(range(len(strips)), key=lambda index: strips[index].shape[1])
        for start in range(0, len(order), _STRIPS_A_BATCH):
            chosen = order[start : start + _STRIPS_A_BATCH]
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
    """Return strips as the network takes them: padded to one width with paper on their right.

    Args:
        strips: (H, W) uint8 each, widths may differ; at least one.
        step_px: the width is a multiple of it, so that few shapes come up; itself one of 4.

    Returns:
        (N, H, the widest W rounded up to a multiple of ``step_px``, 1) float32 in [0, 1].
    """
    width = -(-max(strip.shape[1] for strip in strips) // step_px) * step_px
    inputs = np.zeros((len(strips), strips[0].shape[0], width, 1), np.float32)
    for row, strip in zip(inputs, strips, strict=True):
        row[:, : strip.shape[1], 0] = strip * np.float32(1 / 255)
    return inputs


def prepare_glyphs(glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return glyphs as the networks take them.

    Args:
        glyphs: (N, side, side) uint8, ink 255 on paper 0.

    Returns:
        (N, side, side, 1) float32, ink 1 on paper 0.
    """
    return glyphs[..., None] * np.float32(1 / 255)


def calibrate_outputs(
    outputs: npt.NDArray[np.float32], num_labels: int, temperature: float
) -> Classification:
    """Part what a network puts out into calibrated probabilities and "no digit".

    Args:
        outputs: (N, num_labels), or (N, num_labels + 1) if the last is "no digit", float32; each
            row adds up to 1.
        num_labels: how many labels there are.
        temperature: of the labels' probabilities; above 0.
    """
    if outputs.shape[1] == num_labels:
        junk = np.zeros(len(outputs), np.float32)
        return Classification(apply_temperature(outputs, temperature), junk)
    # Where "no digit" took everything, nothing is left to share: the labels are then as likely.
    labels = outputs[:, :num_labels] + np.finfo(np.float32).tiny
    return Classification(apply_temperature(labels, temperature), outputs[:, num_labels])


def apply_temperature(
    probabilities: npt.NDArray[np.float32], temperature: float
) -> npt.NDArray[np.float32]:
    """Soften (temperature > 1) or sharpen (< 1) probabilities, as dividing the logits would.

    Temperature scaling: Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural
    networks". The logits are the logarithms of the probabilities, up to a constant that cancels.

    Args:
        probabilities: (N, K) float32; each row's largest above 0.
        temperature: above 0.

    Returns:
        (N, K) float32; each row adds up to 1.
    """
    # softmax(log p / T) is p ** (1 / T) over its sum; with the largest made 1, none overflows.
    relative = probabilities / probabilities.max(axis=1, keepdims=True)
    weights = relative ** np.float32(1 / temperature)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
