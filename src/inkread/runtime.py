"""Model file to ONNX Runtime session: the only module that knows onnxruntime.

A model file is an ``.onnx`` whose metadata holds one JSON document under the key ``inkread``. It
names what the network reads and answers, and the constants that its glyphs were made with.
"""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from inkread.errors import ConfigError, ModelError
from inkread.normalize import GlyphShape

__all__ = [
    "FORMAT_VERSION",
    "INPUT",
    "METADATA_KEY",
    "OUTPUT",
    "Classification",
    "Figure",
    "Model",
    "ModelMetadata",
    "as_input",
    "classified",
    "shipped_models",
    "with_temperature",
]

FORMAT_VERSION = 2  # 2: there may be an output for "no digit"
METADATA_KEY = "inkread"
INPUT, OUTPUT = "glyphs", "probabilities"
DEFAULT = "default"
_SHIPPED = {DEFAULT: "glyph-distilled.onnx"}
_BATCH = 256  # glyphs in one run: large enough to be fast, small enough to stay in the cache


@dataclass(frozen=True)
class Figure:
    """A measured share with what it was measured on.

    Attributes:
        value: in [0, 1].
        n: how many pictures.
        low: lower end of the 95 % interval (Wilson).
        high: upper end of it.
    """

    value: float
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class ModelMetadata:
    """What a model file says of itself.

    Attributes:
        labels: what the outputs stand for, in order; "no digit", if there is one, comes after them.
        shape: the constants of the glyphs it was trained on.
        temperature: divides the labels' logits; fitted on validation images.
        recipe: the training configuration, as plain values.
        seed: of the training.
        data_sha256: of the training images' file.
        teacher_sha256: of the model file that gave the targets, or ``None``.
        package_version: of inkread, when it was trained.
        trained: date, ISO 8601.
        figures: measured figures by name.
        kind: ``glyph``: it reads one digit at a time.
        format_version: of this document.
        junk_threshold: a glyph that is no digit with a higher probability is rejected, in [0, 1];
            ``None`` if the network has no output that says so.
    """

    labels: tuple[str, ...]
    shape: GlyphShape
    temperature: float
    recipe: dict[str, Any]
    seed: int
    data_sha256: str
    package_version: str
    trained: str
    figures: dict[str, Figure] = field(default_factory=dict)
    kind: str = "glyph"
    format_version: int = FORMAT_VERSION
    junk_threshold: float | None = None
    teacher_sha256: str | None = None

    @property
    def num_outputs(self) -> int:
        """How many outputs the network has: the labels, and "no digit" if there is a threshold."""
        return len(self.labels) + (self.junk_threshold is not None)

    def to_json(self) -> str:
        """Return the JSON document that the model file carries."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, document: str) -> "ModelMetadata":
        """Parse the JSON document of a model file.

        Raises:
            ModelError: not such a document, or of a newer format version.
        """
        try:
            values = json.loads(document)
            version = values["format_version"]
            if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
                raise ModelError(
                    f"expected model format version {FORMAT_VERSION} or older, received {version}; "
                    "a newer inkread reads it"
                )
            known = {entry.name for entry in fields(cls)}
            values = {key: value for key, value in values.items() if key in known}
            values["labels"] = tuple(values["labels"])
            values["shape"] = GlyphShape(**values["shape"])
            values["figures"] = {
                name: Figure(**figure) for name, figure in values.get("figures", {}).items()
            }
            metadata = cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"the model's metadata is not as expected: {error!r}") from error
        if metadata.kind != "glyph":
            raise ModelError(f"expected a model of kind 'glyph', received {metadata.kind!r}")
        temperature = metadata.temperature
        if not (isinstance(temperature, int | float) and 0 < temperature < float("inf")):
            raise ModelError(f"expected a finite temperature above 0, received {temperature!r}")
        threshold = metadata.junk_threshold
        if not (threshold is None or (isinstance(threshold, int | float) and 0 <= threshold <= 1)):
            raise ModelError(f"expected a junk_threshold in [0, 1] or null, received {threshold!r}")
        return metadata


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


def shipped_models() -> dict[str, Path]:
    """Return the model files that come with the package, by name."""
    folder = Path(str(resources.files("inkread") / "weights"))
    return {name: folder / file for name, file in _SHIPPED.items()}


class Model:
    """A model file, ready to run.

    Attributes:
        path: of the model file.
        metadata: what the file says of itself.
    """

    def __init__(
        self, model: str | os.PathLike[str] = DEFAULT, *, threads: int | None = None
    ) -> None:
        """Load a model file.

        Args:
            model: the name of a shipped model, or the path of a model file.
            threads: how many ONNX Runtime may use; ``None``: one a core.

        Raises:
            ModelError: missing, corrupt, not one of inkread's, or of a newer format version.
            ConfigError: ``threads`` below 1.
        """
        self.path = shipped_models().get(str(model)) or Path(model)
        try:
            data = self.path.read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            raise ModelError(
                f"{model}: expected a model file or a name among {sorted(_SHIPPED)}: {error}"
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
        self._check_signature(str(model))

    @property
    def name(self) -> str:
        """The file's name without its suffix; a run's says its recipe and seed."""
        if self.path.stem != "model":
            return self.path.stem
        return f"{self.metadata.recipe.get('name', 'model')}-{self.metadata.seed}"

    def raw(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the network's own probabilities, before calibration.

        Args:
            glyphs: (N, side, side) uint8, ink 255 on paper 0.

        Returns:
            (N, num_outputs) float32, the labels first, then "no digit" if the network has such an
            output; each row adds up to 1.
        """
        outputs = np.empty((len(glyphs), self.metadata.num_outputs), np.float32)
        for start in range(0, len(glyphs), _BATCH):
            batch = as_input(glyphs[start : start + _BATCH])
            outputs[start : start + _BATCH] = self._session.run([OUTPUT], {INPUT: batch})[0]
        return outputs

    def classify(self, glyphs: npt.NDArray[np.uint8]) -> Classification:
        """Say which digit each glyph is, and whether it is one, from one run of the network.

        Args:
            glyphs: (N, side, side) uint8, ink 255 on paper 0.
        """
        return classified(self.raw(glyphs), len(self.metadata.labels), self.metadata.temperature)

    def probabilities(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities of the labels, given that the glyphs are digits.

        Args:
            glyphs: (N, side, side) uint8, ink 255 on paper 0.

        Returns:
            (N, len(labels)) float32; each row adds up to 1.
        """
        return self.classify(glyphs).probabilities

    def _check_signature(self, name: str) -> None:
        side = self.metadata.shape.side_px
        received = [
            # A batch axis that is free has a name, or none, for its size.
            (
                node.name,
                node.type,
                ["N" if not isinstance(size, int) else size for size in node.shape],
            )
            for node in (*self._session.get_inputs(), *self._session.get_outputs())
        ]
        expected = [
            (INPUT, "tensor(float)", ["N", side, side, 1]),
            (OUTPUT, "tensor(float)", ["N", self.metadata.num_outputs]),
        ]
        if received != expected:
            raise ModelError(f"{name}: expected inputs and outputs {expected}, received {received}")


def as_input(glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return glyphs as the networks take them.

    Args:
        glyphs: (N, side, side) uint8, ink 255 on paper 0.

    Returns:
        (N, side, side, 1) float32, ink 1 on paper 0.
    """
    return glyphs[..., None] * np.float32(1 / 255)


def classified(
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
        return Classification(with_temperature(outputs, temperature), junk)
    # Where "no digit" took everything, nothing is left to share: the labels are then as likely.
    labels = outputs[:, :num_labels] + np.finfo(np.float32).tiny
    return Classification(with_temperature(labels, temperature), outputs[:, num_labels])


def with_temperature(
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
