"""The metadata of a model file.

A model file is an ``.onnx`` whose metadata holds one JSON document under the key ``inkread``. It
describes the network's input and output, how it was trained, and how accurate it is.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from inkread.errors import ModelError
from inkread.imaging.layout_maps import LayoutShape
from inkread.imaging.normalize import GlyphShape, StripShape

__all__ = ["FORMAT_VERSION", "METADATA_KEY", "Figure", "ModelMetadata"]

FORMAT_VERSION = 2  # since 2, there may be an output for "no digit"
METADATA_KEY = "inkread"
_MAX_CHARACTERS = 1_000_000
_MAX_NAME_LENGTH = 40  # of an output of a layout model; others read one character each
_MAX_SIZE_PX = 4096  # of any constant of a shape
_SHAPES = {"glyph": GlyphShape, "line": StripShape, "layout": LayoutShape}


@dataclass(frozen=True)
class Figure:
    """A measured share with its confidence interval.

    Attributes:
        value: the share, in [0, 1].
        n: number of pictures that it was measured on.
        low: lower end of the 95 % interval (Wilson).
        high: upper end of it.
    """

    value: float
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class ModelMetadata:
    """The metadata of a model file.

    Attributes:
        labels: the meanings of the outputs, in order. In a glyph model, the output for "no digit",
            if there is one, follows them; in a line model, the blank of CTC precedes them.
        shape: the constants of the glyphs or strips that it was trained on.
        temperature: divides the labels' logits; fitted on validation images.
        recipe: the training configuration, as plain values.
        seed: of the training.
        data_sha256: of the file of training images.
        teacher_sha256: of the model file whose answers were the targets, or ``None``.
        package_version: of inkread, when it was trained.
        trained: date of the training, ISO 8601.
        figures: measured figures by name.
        kind: ``glyph`` for a model of single digits, ``line`` for one of whole runs of writing.
        format_version: of this document.
        junk_threshold: glyphs with a higher probability of "no digit" are rejected, in [0, 1];
            ``None`` if the network has no such output.
        licence: SPDX identifier of the licence of the weights; ``None`` if none is stated.
        attribution: one line for each data set it was trained on: title, authors, licence.
    """

    labels: tuple[str, ...]
    shape: GlyphShape | StripShape | LayoutShape
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
    licence: str | None = None
    attribution: tuple[str, ...] = ()

    @property
    def num_outputs(self) -> int:
        """Number of the network's outputs: the labels and, if there is one, "no digit" or blank."""
        if self.kind == "line":
            return len(self.labels) + 1
        return len(self.labels) + (self.junk_threshold is not None)

    def to_json(self) -> str:
        """Return the JSON document to store in the model file."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, document: str) -> "ModelMetadata":
        """Parse the JSON document of a model file.

        Raises:
            ModelError: it is no such document, or of a newer format version.
        """
        if len(document) > _MAX_CHARACTERS:
            raise ModelError(
                f"expected metadata of at most {_MAX_CHARACTERS:,} characters, received "
                f"{len(document):,}"
            )
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
            kind = values.get("kind", "glyph")
            if kind not in _SHAPES:
                raise ModelError(
                    f"expected a model of a kind among {sorted(_SHAPES)}, received {kind!r}"
                )
            values["shape"] = _SHAPES[kind](**values["shape"])
            values["figures"] = {
                name: Figure(**figure) for name, figure in values.get("figures", {}).items()
            }
            attribution = values.get("attribution", [])
            values["attribution"] = tuple(attribution)
            metadata = cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(f"the model's metadata is not as expected: {error!r}") from error
        _check_values(metadata)
        temperature = metadata.temperature
        if not (isinstance(temperature, int | float) and 0 < temperature < float("inf")):
            raise ModelError(f"expected a finite temperature above 0, received {temperature!r}")
        threshold = metadata.junk_threshold
        if not (threshold is None or (isinstance(threshold, int | float) and 0 <= threshold <= 1)):
            raise ModelError(f"expected a junk_threshold in [0, 1] or null, received {threshold!r}")
        if not (
            isinstance(attribution, list) and all(isinstance(line, str) for line in attribution)
        ):
            raise ModelError(f"expected a list of texts as attribution, received {attribution!r}")
        if not (metadata.licence is None or isinstance(metadata.licence, str)):
            raise ModelError(f"expected a text as licence or null, received {metadata.licence!r}")
        return metadata


def _check_values(metadata: ModelMetadata) -> None:
    """Check the values that reading relies on, each by its name.

    Raises:
        ModelError: a value is of another type, or out of its range.
    """
    for name, value in asdict(metadata.shape).items():
        if isinstance(value, bool) or (
            isinstance(value, int | float) and not 0 <= value <= _MAX_SIZE_PX
        ):
            raise ModelError(f"expected {name} from 0 to {_MAX_SIZE_PX}, received {value!r}")
    longest = _MAX_NAME_LENGTH if metadata.kind == "layout" else 1
    checks = (
        ("recipe", "keys and values", isinstance(metadata.recipe, dict)),
        ("seed", "an integer", isinstance(metadata.seed, int)),
        ("trained", "a date as text", isinstance(metadata.trained, str)),
        (
            "labels",
            "short texts",
            all(isinstance(each, str) and 0 < len(each) <= longest for each in metadata.labels),
        ),
    )
    for name, expected, is_so in checks:
        if not is_so:
            raise ModelError(f"expected {expected} as {name}, received {getattr(metadata, name)!r}")
