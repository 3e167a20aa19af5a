"""Turns a form field that a person corrected into corrections for training, one a digit."""

import cv2
import numpy as np
import numpy.typing as npt

from inkread.corrections.correction import Correction
from inkread.forms.extract import FieldInk, extract_from_crop
from inkread.forms.field_reader import split_digits
from inkread.forms.fields import AmountField, FormField, Rect
from inkread.forms.form_reader import FieldReading, crop_to_writing
from inkread.forms.values import format_digits
from inkread.imaging import normalize
from inkread.reader import Reader

__all__ = ["make_corrections"]

Grey = npt.NDArray[np.uint8]


def make_corrections(
    reader: Reader, crop: Grey, place: tuple[FormField, Rect], before: FieldReading, digits: str
) -> list[Correction]:
    """Return the corrections that a corrected field makes.

    Where its ink has as many pieces as there are digits, each piece is a correction. Else the whole
    ink is a single one, from which no glyph model can learn.

    Args:
        reader: with the model that corrections are meant for.
        crop: (H, W) uint8, the picture of the field.
        place: the field, and its box on the form in millimetres.
        before: what was read in it.
        digits: that a person sees in it; empty: there are no corrections.
    """
    field, rect = place
    found = extract_from_crop(crop, field, rect)
    if not digits or not found.filled_cells:
        return []
    inks = _inks(field, found)
    if isinstance(field, AmountField):
        digits = digits.zfill(len(inks))  # an amount doesn't say how many zeros stand before it
    model = reader.model
    if len(inks) != len(digits):
        glyphs = [normalize.make_glyph(found.ink, model.shape)]
        reads, labels = [(format_digits(field, before.value), before.confidence)], [digits]
    else:
        glyphs, labels = [normalize.make_glyph(ink, model.shape) for ink in inks], list(digits)
        answer = model.classify(np.stack(glyphs))
        confidences = answer.probabilities.max(axis=1) * (1 - answer.junk)
        guesses = answer.probabilities.argmax(axis=1)
        reads = [
            (str(guess), float(confidence))
            for guess, confidence in zip(guesses, confidences, strict=True)
        ]
    picture = bytes(cv2.imencode(".png", crop)[1])
    return [
        Correction(glyph.tobytes(), *read, model.name, model.sha256, label, picture)
        for glyph, read, label in zip(glyphs, reads, labels, strict=True)
    ]


def _inks(field: FormField, found: FieldInk) -> list[Grey]:
    if field.num_cells:
        return [found.cells[place] for place in found.filled_cells]
    return split_digits(crop_to_writing(found.ink))
