"""Reads scans of a form: aligns them, extracts the fields' ink, reads it and applies the rules."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.errors import ConfigError
from inkread.forms import rules
from inkread.forms.align import Aligner, Alignment
from inkread.forms.candidates import Candidate, rank_cell_texts, rank_combinations
from inkread.forms.extract import MIN_INK_MM2, FieldInk, extract_field
from inkread.forms.field_reader import (
    BoxReading,
    CellDigits,
    FieldReader,
    crop_to_writing,
    split_numbers,
)
from inkread.forms.fields import DecimalField, FormField, NumberField, TickField, TimeField
from inkread.forms.template import Template
from inkread.forms.values import Value, format_value
from inkread.forms.voids import find_void
from inkread.imaging import images

__all__ = [
    "MIN_CONFIDENCE",
    "FieldReading",
    "FormReader",
    "FormReading",
    "Status",
    "measure_marks",
    "measure_tick",
]

MIN_CONFIDENCE = 0.997  # by tools/fit_form_confidence.py: from 0.995 on too many wrong values stand
_NUM_CANDIDATES = 40  # of a comb
_PALER = 0.8  # than the form's pen: extracted again
_MIN_DASH_PROBABILITY = 0.998  # of what is a flat stroke: no digit is
_MIN_FAINT_MM = 1.5  # extent of a mark that may be writing
_EMPTY_LOGIT = (9.8, 3.7)  # log-odds of an empty field without marks; less for each millimetre
_TICK_SLOPE = 6.0  # log-odds of a tick, for ink off the middle by as much as the doubtful range
_DOUBTFUL_TICK_SHARES = (0.02, 0.05)  # with less ink a box is empty, with more it is ticked


class Status(StrEnum):
    """Whether a value can be used as it is."""

    OK = "ok"
    EMPTY = "empty"
    VOID = "void"  # crossed out, or a dash
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
        ink = self._extract(page, alignment)
        notes = {name: _note_marks(each) for name, each in ink.items()}
        candidates: dict[str, tuple[Candidate, ...]] = {}
        voids = self._read_combs(ink, candidates, notes)
        for name, field in fields.items():
            if field.num_cells or isinstance(field, TickField) or not _has_ink(ink[name]):
                continue
            if void := self._find_void(ink[name]):
                voids[name] = void
                continue
            found = self._read_box(field, ink[name].ink)
            candidates[name] = found.candidates
            if not found.is_number:
                notes[name] = "expected digits alone"
            if not found.candidates and _count_numbers(field) > 1:
                notes[name] = f"expected {_count_numbers(field)} numbers, with wide gaps between"
        choices = rules.choose(self.template, candidates)
        readings = []
        for name, field in fields.items():
            if isinstance(field, TickField):
                readings.append(self._set_aside(_read_tick(field, ink[name])))
            elif name in choices:
                readings.append(self._judge(field, choices[name], notes[name]))
            else:
                blank = _read_blank(field, ink[name], voids.get(name, 0.0), notes[name])
                readings.append(self._set_aside(blank))
        crops = {each.name: ink[each.name].grey for each in readings if each.is_set_aside}
        return FormReading(tuple(readings), alignment, crops)

    def _set_aside(self, reading: FieldReading) -> FieldReading:
        """Return a reading, doubtful if it isn't sure enough."""
        if reading.confidence >= self.min_confidence or reading.is_set_aside:
            return reading
        note = "faint marks: empty or not?" if reading.value is None else "not sure enough"
        return replace(reading, status=Status.DOUBTFUL, note=reading.note or note)

    def _extract(self, page: npt.NDArray[np.uint8], alignment: Alignment) -> dict[str, FieldInk]:
        """Extract the ink of all fields: once more where only print, or two pens, would be as pale.

        What is much paler than the form's pen is print where there is a pen's ink beside it; where
        all is as pale, it is faint writing.
        """
        crop_blank = self._aligner.crop_blank if self._aligner.has_blank else None
        extract = partial(extract_field, page, alignment, crop_blank=crop_blank)
        rects = self.template.rects
        found = {field.name: extract(field, rects[field.name]) for field in self.template.fields}
        pens = [each.darkness for each in found.values() if _has_ink(each)]
        if not pens:
            return found
        pen = float(np.percentile(pens, 75))
        for field in self.template.fields:
            if _has_ink(found[field.name]) and found[field.name].darkness < _PALER * pen:
                darker = extract(field, rects[field.name], pen_darkness=pen)
                if _has_ink(darker):
                    found[field.name] = darker
        return found

    def _read_combs(
        self,
        ink: dict[str, FieldInk],
        candidates: dict[str, tuple[Candidate, ...]],
        notes: dict[str, str],
    ) -> dict[str, float]:
        """Read the cells of all combs in one batch, which is faster than one by one.

        Returns:
            For each comb whose cells are all void, the probability that they are.
        """
        voids: dict[str, float] = {}
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
            own = range(start, start + len(places))
            start = own.stop
            sureness = [
                _rate_void(ink[name].cells[place], ink[name], digits, row)
                for place, row in zip(places, own, strict=True)
            ]
            kept = [each for each, sure in enumerate(sureness) if not sure]
            if not kept:
                voids[name] = float(np.prod(sureness))
                continue
            rows = [own[each] for each in kept]
            void_sure = float(np.prod([sure for sure in sureness if sure]))
            candidates[name] = tuple(
                Candidate(each.text, each.probability * void_sure)
                for each in rank_cell_texts(digits.probabilities[rows], _NUM_CANDIDATES)
            )
            if places[kept[-1]] - places[kept[0]] >= len(kept):
                notes[name] = "expected no empty cell between digits"
            elif not digits.is_digit[rows].all():
                notes[name] = "expected digits alone"
        return voids

    def _read_box(self, field: FormField, ink: npt.NDArray[np.uint8]) -> BoxReading:
        """Read a box without cells, which may hold several numbers."""
        count, constraint = _count_numbers(field), _constraint_of(field)
        if count == 1:
            return self._reader.read_number(crop_to_writing(ink), constraint)
        found = [
            self._reader.read_number(crop_to_writing(part), constraint)
            for part in split_numbers(ink, count)
        ]
        if not found or not all(each.candidates for each in found):
            return BoxReading((), is_number=False)
        weights = [[each.probability for each in part.candidates] for part in found]
        candidates = tuple(
            Candidate(
                " ".join(p.candidates[i].text for p, i in zip(found, chosen, strict=True)), product
            )
            for product, chosen in rank_combinations(weights, _NUM_CANDIDATES)
        )
        return BoxReading(candidates, all(each.is_number for each in found))

    def _find_void(self, found: FieldInk) -> float:
        """Return the probability that a box is crossed out, or holds a dash; 0 if it isn't."""
        if not find_void(found.ink, found.px_per_mm, is_cell=False):
            return 0.0  # which needs no network
        digits = self._reader.read_digits([found.ink])
        return _rate_void(found.ink, found, digits, 0)

    def _judge(self, field: FormField, choice: rules.Choice, note: str) -> FieldReading:
        note = note or choice.objection or ""
        if not note and choice.confidence < self.min_confidence:
            note = "not sure enough"
        status = Status.DOUBTFUL if note else Status.OK
        return FieldReading(field.name, choice.value, choice.confidence, status, note)


def _count_numbers(field: FormField) -> int:
    return field.count if isinstance(field, NumberField) else 1


def _constraint_of(field: FormField) -> Constraint:
    if isinstance(field, NumberField | DecimalField | TimeField):
        return field.constraint
    return Constraint(field.lengths)


def _has_ink(found: FieldInk) -> bool:
    return sum(found.areas_mm2) >= MIN_INK_MM2


def _rate_void(ink: npt.NDArray[np.uint8], found: FieldInk, digits: CellDigits, row: int) -> float:
    """Return the probability that a cell is void; 0 where it looks like a digit."""
    shape = find_void(ink, found.px_per_mm, is_cell=len(found.cells) > 1)
    if shape == "dash":
        return max(_MIN_DASH_PROBABILITY, float(digits.junk[row]))
    return float(digits.junk[row]) if shape and not digits.is_digit[row] else 0.0


def _note_marks(found: FieldInk) -> str:
    """Say why what is written may not be all that there is; empty if it is."""
    if found.lost_mm2 >= MIN_INK_MM2:
        return "expected writing inside the box, clear of what is printed"
    filled = set(found.filled_cells)
    faint = [mm for place, mm in enumerate(found.faint_mm) if place not in filled]
    return "too faint" if filled and max(faint, default=0.0) >= _MIN_FAINT_MM else ""


def measure_marks(found: FieldInk) -> float:
    """Measure the marks in a field that are no writing: about their extent in millimetres."""
    return max(found.faint_mm) + (found.lost_mm2 + sum(found.areas_mm2)) / MIN_INK_MM2


def measure_tick(found: FieldInk) -> float:
    """Measure the ink in a box to tick: from -0.5 to 0.5 it is doubtful, above that a tick."""
    low, high = _DOUBTFUL_TICK_SHARES
    return (found.inside_share - (low + high) / 2) / (high - low)


def _rate_empty(found: FieldInk) -> float:
    """Return the probability that nothing is written, by what faint marks there are."""
    offset, slope = _EMPTY_LOGIT
    return float(1 / (1 + np.exp(slope * measure_marks(found) - offset)))


def _read_blank(field: FormField, found: FieldInk, void: float, note: str) -> FieldReading:
    """Return the reading of a field without a value: void, empty, or too faint."""
    if void:
        return FieldReading(field.name, None, void, Status.VOID)
    sure = _rate_empty(found)
    if note or max(found.faint_mm) >= _MIN_FAINT_MM:
        return FieldReading(field.name, None, sure, Status.DOUBTFUL, note or "too faint")
    if field.required:
        return FieldReading(field.name, None, sure, Status.MISSING, "expected a value")
    return FieldReading(field.name, None, sure, Status.EMPTY)


def _read_tick(field: TickField, found: FieldInk) -> FieldReading:
    place = measure_tick(found)
    ticked = place > 0
    sure = float(1 / (1 + np.exp(-_TICK_SLOPE * abs(place))))
    if not ticked:
        sure = min(sure, _rate_empty(replace(found, areas_mm2=(0.0,))))
    if abs(place) < 0.5:
        return FieldReading(field.name, ticked, sure, Status.DOUBTFUL, "ticked or not?")
    return FieldReading(field.name, ticked, sure, Status.OK)
