"""Reads scans of a form: aligns them, extracts the fields' ink, reads it and applies the rules."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.errors import ConfigError
from inkread.forms import rules
from inkread.forms.align import Aligner, Alignment
from inkread.forms.candidates import Candidate, rank_cell_texts
from inkread.forms.extract import MIN_INK_MM2, FieldInk, extract_field
from inkread.forms.field_reader import FieldReader
from inkread.forms.fields import FormField, NumberField, TickField
from inkread.forms.template import Template
from inkread.forms.values import Value, format_value
from inkread.imaging import images
from inkread.imaging.resize import resize_by

__all__ = [
    "MIN_CONFIDENCE",
    "FieldReading",
    "FormReader",
    "FormReading",
    "Status",
    "crop_to_writing",
]

MIN_CONFIDENCE = 0.997
_MAX_WRITING_HEIGHT_PX = 100  # higher writing is shrunk to it
_MARGIN_HEIGHTS = 0.2  # white around the writing of a box, in heights of the writing
_NUM_CANDIDATES = 40  # of a comb
_DOUBTFUL_TICK_SHARES = (0.02, 0.05)  # with less ink a box is empty, with more it is ticked


class Status(StrEnum):
    """Whether a value can be used as it is."""

    OK = "ok"
    EMPTY = "empty"
    DOUBTFUL = "doubtful"
    MISSING = "missing"  # empty, though it must not be
    CORRECTED = "corrected"  # by a person


@dataclass(frozen=True)
class FieldReading:
    """The value that was read in a field.

    Attributes:
        name: name of the field.
        value: ``None`` where the field is empty or can't be read.
        confidence: probability that the value is right, in [0, 1].
        status: whether the value can be used, or a person has to review it.
        note: why a person has to; else empty.
    """

    name: str
    value: Value
    confidence: float
    status: Status
    note: str = ""

    @property
    def is_set_aside(self) -> bool:
        """Whether a person has to review it."""
        return self.status in (Status.DOUBTFUL, Status.MISSING)

    @property
    def text(self) -> str:
        """The value as text."""
        return format_value(self.value)


@dataclass(frozen=True)
class FormReading:
    """The values that were read on a form.

    Attributes:
        fields: in the template's order.
        alignment: where the form lies on its scan.
        crops: for each field that is set aside, by its name, its part of the scan, (H, W) uint8.
    """

    fields: tuple[FieldReading, ...]
    alignment: Alignment
    crops: dict[str, npt.NDArray[np.uint8]]


class FormReader:
    """Reads scans of one form."""

    def __init__(
        self,
        template: Template,
        reader: FieldReader,
        *,
        min_confidence: float = MIN_CONFIDENCE,
        blank: images.Picture | None = None,
    ) -> None:
        """Prepare for a form.

        Args:
            template: the form.
            reader: reads the writing in its fields.
            min_confidence: fields with less confidence are set aside, in [0, 1].
            blank: a picture of the blank form, as for ``Aligner``.

        Raises:
            ConfigError: ``min_confidence`` out of range.
            TemplateError: the picture of the blank form can't be used.
        """
        if not 0.0 <= min_confidence <= 1.0:
            raise ConfigError(f"expected min_confidence in [0, 1], received {min_confidence}")
        self.template = template
        self.min_confidence = min_confidence
        self._reader = reader
        self._aligner = Aligner(template, blank)

    def read(self, page: npt.NDArray[np.uint8]) -> FormReading:
        """Read a scan.

        Args:
            page: (H, W) uint8, 0 black, 255 white; any way up.

        Raises:
            ScanError: the form isn't on the scan, or can't be read from it.
        """
        alignment = self._aligner.locate(page)
        fields = {field.name: field for field in self.template.fields}
        ink = {
            name: extract_field(page, alignment, field, self.template.rects[name])
            for name, field in fields.items()
        }
        candidates: dict[str, tuple[Candidate, ...]] = {}
        notes: dict[str, str] = {}
        self._read_combs(ink, candidates, notes)
        for name, field in fields.items():
            if field.num_cells or isinstance(field, TickField) or not _has_ink(ink[name]):
                continue
            found = self._reader.read_number(crop_to_writing(ink[name].ink), _constraint_of(field))
            candidates[name] = found.candidates
            if not found.is_number:
                notes[name] = "expected digits alone"
        choices = rules.choose(self.template, candidates)
        readings = tuple(
            _read_tick(field, ink[name])
            if isinstance(field, TickField)
            else self._judge(field, choices.get(name), notes.get(name, ""))
            for name, field in fields.items()
        )
        crops = {each.name: ink[each.name].grey for each in readings if each.is_set_aside}
        return FormReading(readings, alignment, crops)

    def _read_combs(
        self,
        ink: dict[str, FieldInk],
        candidates: dict[str, tuple[Candidate, ...]],
        notes: dict[str, str],
    ) -> None:
        """Read the cells of all combs in one batch, which is faster than one by one."""
        filled = {
            field.name: ink[field.name].filled_cells
            for field in self.template.fields
            if field.num_cells
        }
        digits = self._reader.read_digits(
            [ink[name].cells[place] for name, places in filled.items() for place in places]
        )
        start = 0
        for name, places in filled.items():
            if not places:
                continue
            own = slice(start, start + len(places))
            start = own.stop
            candidates[name] = rank_cell_texts(digits.probabilities[own], _NUM_CANDIDATES)
            if places[-1] - places[0] >= len(places):
                notes[name] = "expected no empty cell between digits"
            elif not digits.is_digit[own].all():
                notes[name] = "expected digits alone"

    def _judge(self, field: FormField, choice: rules.Choice | None, note: str) -> FieldReading:
        if choice is None:
            if field.required:
                return FieldReading(field.name, None, 1.0, Status.MISSING, "expected a value")
            return FieldReading(field.name, None, 1.0, Status.EMPTY)
        note = note or choice.objection or ""
        if not note and choice.confidence < self.min_confidence:
            note = "not sure enough"
        status = Status.DOUBTFUL if note else Status.OK
        return FieldReading(field.name, choice.value, choice.confidence, status, note)


def _constraint_of(field: FormField) -> Constraint:
    if isinstance(field, NumberField):
        return field.constraint
    return Constraint(field.lengths)


def crop_to_writing(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Crop a box to its writing, with a margin, and invert it.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0; not empty.

    Returns:
        (h, w) uint8, dark ink on white 255.
    """
    x, y, width, height = cv2.boundingRect((ink > 63).astype(np.uint8))
    margin = round(_MARGIN_HEIGHTS * min(height, _MAX_WRITING_HEIGHT_PX))
    cut = resize_by(ink[y : y + height, x : x + width], min(1.0, _MAX_WRITING_HEIGHT_PX / height))
    return np.asarray(cv2.bitwise_not(np.pad(cut, margin)))


def _has_ink(found: FieldInk) -> bool:
    return sum(found.areas_mm2) >= MIN_INK_MM2


def _read_tick(field: TickField, found: FieldInk) -> FieldReading:
    low, high = _DOUBTFUL_TICK_SHARES
    ticked = found.inside_share > (low + high) / 2
    if low < found.inside_share < high:
        return FieldReading(field.name, ticked, 0.5, Status.DOUBTFUL, "ticked or not?")
    return FieldReading(field.name, ticked, 1.0, Status.OK)
