"""Options of requests that read a picture: what is known of its numbers, and where a digit is."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from inkread.errors import ImageError
from inkread.imaging.layout_options import Cells, LayoutOptions
from inkread.notation import PLAIN, Notation, ValueKind
from inkread.results import Box

__all__ = ["BOX", "NUMBER_FIELDS", "READ_FIELDS", "NumberOptions", "ReadOptions", "parse_box"]

_GRID = "^[1-9][0-9]{0,1}x[1-9][0-9]{0,1}$"  # rows and columns, each from 1 to 99
_MAX_LENGTH, _MAX_PATTERN, _MAX_CHECK, _MAX_BOX = 100, 200, 40, 40
_MAX_DECIMALS, _MAX_BOUND, _MAX_FORMAT = 20, 40, 10
_DECIMAL_MARKS = (".", ",", ".,")

BOX = Field(
    max_length=_MAX_BOX,
    description="The digit's `left,top,right,bottom`; else the picture is one digit.",
)

NUMBER_FIELDS: dict[str, dict[str, Any]] = {
    "length": {"type": "integer", "minimum": 1, "maximum": _MAX_LENGTH},
    "pattern": {"type": "string", "maxLength": _MAX_PATTERN},
    "check": {"type": "string", "maxLength": _MAX_CHECK},
    "kind": {"type": "string", "enum": list(ValueKind)},
    "decimal": {"type": "string", "enum": list(_DECIMAL_MARKS)},
    "decimals": {"type": "integer", "minimum": 0, "maximum": _MAX_DECIMALS},
    "min": {"type": "string", "maxLength": _MAX_BOUND},
    "max": {"type": "string", "maxLength": _MAX_BOUND},
    "signed": {"type": "boolean"},
    "format": {"type": "string", "maxLength": _MAX_FORMAT},
}
READ_FIELDS: dict[str, dict[str, Any]] = {
    **NUMBER_FIELDS,
    "min_confidence": {"type": "number", "minimum": 0, "maximum": 1},
    "printed": {"type": "boolean"},
    "cells": {"type": "string", "enum": list(Cells)},
    "grid": {"type": "string", "pattern": _GRID},
}


class NumberOptions(BaseModel):
    """What is known of every number on a picture."""

    model_config = ConfigDict(extra="forbid")

    length: int | None = Field(
        None, ge=1, le=_MAX_LENGTH, description="Every number has so many digits."
    )
    pattern: str | None = Field(
        None, max_length=_MAX_PATTERN, description="Every number matches this regular expression."
    )
    check: str | None = Field(
        None,
        max_length=_MAX_CHECK,
        description="Every number has a valid check digit, such as `luhn`.",
    )

    kind: ValueKind | None = Field(None, description="Every number is one of these.")
    decimal: Literal[".", ",", ".,"] = Field(
        ".,", description="The marks that may part decimals; any other parts thousands."
    )
    decimals: int | None = Field(
        None, ge=0, le=_MAX_DECIMALS, description="So many digits follow the decimal point."
    )
    min: str | None = Field(
        None, max_length=_MAX_BOUND, description="With `kind`: the least value, date or time."
    )
    max: str | None = Field(
        None, max_length=_MAX_BOUND, description="With `kind`: the greatest value, date or time."
    )
    signed: bool = Field(True, description="Whether numbers may be negative.")
    format: str | None = Field(
        None, max_length=_MAX_FORMAT, description="The order of a date, such as `D/M/YYYY`."
    )

    @property
    def constraints(self) -> dict[str, Any]:
        """The arguments of ``Reader.read``; only what was given.

        Raises:
            ConfigError: they contradict each other.
        """
        values = {"length": self.length, "pattern": self.pattern, "check": self.check}
        given = {name: value for name, value in values.items() if value is not None}
        notation = Notation(
            self.kind, self.decimal, self.decimals, self.min, self.max, self.signed, self.format
        )
        return {**given, "notation": notation} if notation != PLAIN else given


class ReadOptions(NumberOptions):
    """How a picture is read."""

    printed: bool = Field(
        False, description="Report printed numbers, too, not only handwritten ones."
    )
    cells: Cells = Field(
        Cells.AUTO,
        description="Narrow cells with a digit each: one number, a number each, or as the page "
        "suggests.",
    )
    grid: str | None = Field(
        None, pattern=_GRID, description="How many rows and columns the table has, such as `9x9`."
    )
    min_confidence: float = Field(
        0.0, ge=0, le=1, description="Digits less sure than this become `?`."
    )

    @property
    def layout(self) -> LayoutOptions:
        """How the page is read."""
        grid = None
        if self.grid is not None:
            rows, columns = self.grid.split("x")
            grid = int(rows), int(columns)
        return LayoutOptions(self.printed, self.cells, grid)


def parse_box(text: str) -> Box:
    """Parse a box as requests give it: ``left,top,right,bottom``.

    Raises:
        ImageError: not four numbers, or nothing is inside.
    """
    try:
        box = Box(*(int(side) for side in text.split(",")))
    except (ValueError, TypeError) as error:
        raise ImageError(f"expected a box as left,top,right,bottom, received {text!r}") from error
    if not (0 <= box.left < box.right and 0 <= box.top < box.bottom):
        raise ImageError(f"expected a box with something inside, received {text!r}")
    return box
