"""A correction: a digit or a number as it was read, and what a person says that it is."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.imaging.normalize import GlyphShape

__all__ = [
    "LABEL",
    "MAX_LABEL_LENGTH",
    "MAX_NAME_LENGTH",
    "NOT_A_DIGIT",
    "Correction",
    "Cursor",
    "check_label",
    "hash_token",
]

NOT_A_DIGIT = "not a digit"
MAX_LABEL_LENGTH = 32
LABEL = f"^(-?[0-9][0-9.,/:=-]{{0,30}}|{NOT_A_DIGIT})$"  # a regular expression
MAX_NAME_LENGTH = 200
_DIGITS = "0123456789"
_SIDE_PX = GlyphShape.side_px
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Cursor(NamedTuple):
    """The position of a correction in the list, from which the next page of it starts.

    Attributes:
        confidence: the confidence of the reading.
        id: the id of the correction.
    """

    confidence: float
    id: int


@dataclass(frozen=True)
class Correction:
    """A reading, and what a person says it should have been.

    Attributes:
        glyph: 784 bytes, the (28, 28) uint8 input of the model, row by row, ink 255 on paper 0.
        read: the answer of the model: digits, ``?`` for a rejected one, or empty.
        confidence: the confidence of that answer, in [0, 1].
        model: the model's name.
        model_sha256: SHA-256 of the model file, 64 hexadecimal digits.
        label: the answer of the person: digits, and the separators between them as they are
            written, or ``NOT_A_DIGIT``; ``None``: the reading hasn't been reviewed yet.
        picture: the picture that the glyph was cut from, as a PNG file; ``None`` if not kept.
        person: who made it, a hash from ``hash_token``; empty: no particular person.
        box: where the digit is on the picture, in its pixels: left, top, right, bottom (the last
            two exclusive); ``None`` if that is unknown.
        strip: of a whole number: the strip that the line model reads, as a grey PNG file; ``None``:
            it is of a single digit.
        created: when it was made, with a time zone; by default now, in UTC.
        id: its id in the store, from 1; 0: it isn't stored yet.
    """

    glyph: bytes = field(repr=False)
    read: str
    confidence: float
    model: str
    model_sha256: str
    label: str | None = None
    picture: bytes | None = field(default=None, repr=False)
    person: str = ""
    box: tuple[int, int, int, int] | None = None
    strip: bytes | None = field(default=None, repr=False)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: int = 0

    def __post_init__(self) -> None:
        """Validate the values.

        Raises:
            DataError: a value is not as described above.
        """
        allowed = (
            ("a glyph of 784 bytes", len(self.glyph) == _SIDE_PX**2, len(self.glyph)),
            ("digits or ? as read", _is_text(self.read, _DIGITS + "?"), self.read),
            ("a confidence in [0, 1]", 0 <= self.confidence <= 1, self.confidence),
            ("a model's name", 0 < len(self.model) <= MAX_NAME_LENGTH, self.model),
            ("a SHA-256", _is_sha256(self.model_sha256), self.model_sha256),
            (
                "a picture as PNG",
                (self.picture or _PNG_SIGNATURE).startswith(_PNG_SIGNATURE),
                "another file",
            ),
            (
                "a strip as PNG",
                (self.strip or _PNG_SIGNATURE).startswith(_PNG_SIGNATURE),
                "another file",
            ),
            (
                "a person's hash from hash_token",
                _is_sha256(self.person or "0" * 64),
                "another text",
            ),
            ("a time with its zone", self.created.tzinfo is not None, self.created),
        )
        for expected, is_so, received in allowed:
            if not is_so:
                raise DataError(f"expected {expected}, received {str(received)[:80]!r}")
        if self.label is not None:
            check_label(self.label)

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The glyph: (28, 28) uint8, ink 255 on paper 0, read-only."""
        return np.frombuffer(self.glyph, np.uint8).reshape(_SIDE_PX, _SIDE_PX)

    @property
    def strip_pixels(self) -> npt.NDArray[np.uint8] | None:
        """The strip: (H, W) uint8, ink bright on paper 0; ``None`` for a single digit.

        Raises:
            DataError: it is no picture.
        """
        if self.strip is None:
            return None
        pixels = cv2.imdecode(np.frombuffer(self.strip, np.uint8), cv2.IMREAD_GRAYSCALE)
        if pixels is None:
            raise DataError("expected a strip as PNG, received a broken file")
        return np.asarray(pixels, np.uint8)

    @property
    def content_sha256(self) -> str:
        """SHA-256 of the strip, or else the glyph; a person has one correction per content."""
        return hashlib.sha256(self.strip or self.glyph).hexdigest()

    @property
    def cursor(self) -> Cursor:
        """Its position in the list."""
        return Cursor(self.confidence, self.id)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a person's token, which is stored in place of the secret itself.

    Args:
        token: a random token, as from ``secrets.token_urlsafe()``; a chosen word could be guessed
            from its hash.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def check_label(label: str) -> None:
    """Check what a person says that something is.

    Raises:
        DataError: neither a number nor ``NOT_A_DIGIT``.
    """
    if not re.fullmatch(LABEL.strip("^$"), label):
        raise DataError(f"expected a number or {NOT_A_DIGIT!r}, received {label[:40]!r}")


def _is_text(text: str, characters: str) -> bool:
    return len(text) <= MAX_LABEL_LENGTH and not set(text) - set(characters)


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and not set(text) - set(_DIGITS + "abcdef")
