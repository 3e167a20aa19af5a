"""The fields of a form and the rules between them, as validated from a template."""

import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from inkread.decoding.check_digits import CHECKS
from inkread.decoding.constraints import Constraint
from inkread.errors import ConfigError
from inkread.notation import Notation, ValueKind

__all__ = [
    "AmountField", "CombField", "DateField", "DecimalField", "FormField", "NumberField", "Rect",
    "StrictModel", "TickField", "TimeField", "validate_check",
]  # fmt: skip

_MAX_DIGITS = 20  # of a field without cells
_MAX_CELLS = 60
_MAX_NUMBERS = 10  # in one box
_MAX_DECIMALS = 6  # where their number isn't known
_EPSILON_MM = 0.01  # differences of positions below this are rounding
_RESERVED_NAMES = ("form_id", "scan", "page", "residual_mm", "dpi", "turned_deg", "notes")
_NAME_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"


class Rect(NamedTuple):
    """A rectangle on the form in millimetres, from its top left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def expand(self, margin: float) -> "Rect":
        """Return the rectangle with a margin in millimetres on every side."""
        return Rect(
            self.left - margin, self.top - margin, self.right + margin, self.bottom + margin
        )

    def overlaps(self, other: "Rect") -> bool:
        """Return whether the two share more than an edge."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width > _EPSILON_MM and height > _EPSILON_MM

    def is_within(self, other: "Rect") -> bool:
        """Return whether it lies inside the other."""
        return (
            self.left >= other.left - _EPSILON_MM
            and self.top >= other.top - _EPSILON_MM
            and self.right <= other.right + _EPSILON_MM
            and self.bottom <= other.bottom + _EPSILON_MM
        )


class StrictModel(BaseModel):
    """A model that refuses unknown keys and is immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Field(StrictModel):
    name: str = Field(pattern=_NAME_PATTERN)
    label: str = Field("", max_length=120)
    box: tuple[float, float, float, float]
    required: bool = False

    @field_validator("name")
    @classmethod
    def _name_is_not_reserved(cls, name: str) -> str:
        if name in _RESERVED_NAMES or name.endswith(("_confidence", "_status")):
            raise ValueError("expected another name: a column of the table has this one")
        return name

    @field_validator("box")
    @classmethod
    def _box_is_not_empty(
        cls, box: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        left, top, right, bottom = box
        if not (left < right and top < bottom):
            raise ValueError("expected left, top, right, bottom with left < right and top < bottom")
        return box

    @property
    def num_cells(self) -> int:
        """The number of cells that the box is divided into; 0: it has none."""
        return 0

    @property
    def lengths(self) -> tuple[int, int]:
        """The smallest and the largest number of digits."""
        return 1, _MAX_DIGITS

    @property
    def has_separators(self) -> bool:
        """Whether a point in it means something."""
        return False

    @property
    def heavy_after(self) -> tuple[int, ...]:
        """The cells, from 1, that a heavy line follows: the parts of a date, the whole units."""
        return ()


class _DigitsField(_Field):
    length: int | tuple[int, int] | None = None
    pattern: str | None = Field(None, max_length=200)
    check: str | None = None
    min: int | None = None
    max: int | None = None

    @field_validator("check")
    @classmethod
    def _is_known_check(cls, check: str | None) -> str | None:
        return validate_check(check) if check is not None else None

    @property
    def lengths(self) -> tuple[int, int]:
        """See ``_Field``."""
        if self.length is None:
            return super().lengths
        return (self.length, self.length) if isinstance(self.length, int) else self.length

    @model_validator(mode="after")
    def _is_satisfiable(self) -> Self:
        shortest, longest = self.lengths
        most = self.num_cells or _MAX_DIGITS
        if not 1 <= shortest <= longest <= max(most, _MAX_DIGITS):
            raise ValueError(f"expected a length from 1 to {most}, least first")
        if self.num_cells and longest > self.num_cells:
            raise ValueError(f"expected a length of at most the {self.num_cells} cells")
        try:
            constraint = self.constraint
        except ConfigError as error:
            raise ValueError(f"impossible: {error}") from error
        if constraint.names_separators and self.num_cells:
            raise ValueError("expected a pattern of digits alone: a comb has no separators")
        _validate_range(self.min, self.max)
        if self.min is not None and self.min >= 10**longest:
            raise ValueError(f"impossible range: {longest} digits are less than min = {self.min}")
        return self

    @property
    def constraint(self) -> Constraint:
        """The constraint on the digits, without the range of the value."""
        return Constraint(self.lengths, self.pattern, self.check)


class NumberField(_DigitsField):
    """A number written anywhere in its box, or ``count`` of them side by side."""

    kind: Literal["number"]
    count: int = Field(1, ge=1, le=_MAX_NUMBERS)

    @property
    def has_separators(self) -> bool:
        """See ``_Field``."""
        return self.constraint.names_separators


class CombField(_DigitsField):
    """A number with a cell for each digit; all cells are filled unless ``length`` is given."""

    kind: Literal["comb"]
    cells: int = Field(ge=1, le=_MAX_CELLS)

    @property
    def num_cells(self) -> int:
        """See ``_Field``."""
        return self.cells

    @property
    def lengths(self) -> tuple[int, int]:
        """See ``_Field``."""
        return (self.cells, self.cells) if self.length is None else super().lengths


class DateField(_Field):
    """A date, in cells unless ``comb`` is false; two-digit years are 2000 to 2099."""

    kind: Literal["date"]
    format: Literal["DDMMYYYY", "MMDDYYYY", "YYYYMMDD", "DDMMYY"] = "DDMMYYYY"
    comb: bool = True
    min: datetime.date | None = None
    max: datetime.date | None = None

    @property
    def num_cells(self) -> int:
        """See ``_Field``."""
        return len(self.format) if self.comb else 0

    @property
    def lengths(self) -> tuple[int, int]:
        """See ``_Field``."""
        return len(self.format), len(self.format)

    @property
    def heavy_after(self) -> tuple[int, ...]:
        """See ``_Field``."""
        return tuple(
            place
            for place in range(1, len(self.format))
            if self.format[place] != self.format[place - 1]
        )

    @model_validator(mode="after")
    def _is_satisfiable(self) -> Self:
        _validate_range(self.min, self.max)
        return self


class AmountField(_Field):
    """An amount of money, as digits; the last ``decimals`` of them are decimal places."""

    kind: Literal["amount"]
    decimals: int = Field(2, ge=0, le=4)
    cells: int | None = Field(None, ge=2, le=_MAX_DIGITS)
    min: Decimal | None = None
    max: Decimal | None = None

    @property
    def num_cells(self) -> int:
        """See ``_Field``."""
        return self.cells or 0

    @property
    def lengths(self) -> tuple[int, int]:
        """See ``_Field``."""
        return self.decimals + 1, self.cells or 15

    @property
    def heavy_after(self) -> tuple[int, ...]:
        """See ``_Field``."""
        return (self.cells - self.decimals,) if self.cells and self.decimals else ()

    @model_validator(mode="after")
    def _is_satisfiable(self) -> Self:
        if self.cells is not None and self.cells <= self.decimals:
            raise ValueError(f"expected more cells than the {self.decimals} decimals")
        _validate_range(self.min, self.max)
        return self


class DecimalField(_Field):
    """A number with a point, a sign, or a fraction, anywhere in its box."""

    kind: Literal["decimal", "signed", "fraction"]
    decimal: Literal[".", ",", ".,"] = ".,"
    decimals: int | tuple[int, int] | None = None
    min: Decimal | None = None
    max: Decimal | None = None

    @model_validator(mode="after")
    def _is_satisfiable(self) -> Self:
        if self.kind == "fraction" and self.decimals is not None:
            raise ValueError("expected decimals with the kinds decimal and signed")
        try:
            _ = self.constraint
        except ConfigError as error:
            raise ValueError(f"impossible: {error}") from error
        return self

    @property
    def has_separators(self) -> bool:
        """See ``_Field``."""
        return True

    @property
    def num_decimals(self) -> int:
        """The greatest number of digits after the point."""
        if self.decimals is None:
            return _MAX_DECIMALS
        return self.decimals if isinstance(self.decimals, int) else self.decimals[1]

    @property
    def notation(self) -> Notation:
        """How it is written."""
        if self.kind == "fraction":
            return Notation(ValueKind.FRACTION, min=self.min, max=self.max)
        return Notation(
            ValueKind.DECIMAL,
            self.decimal,
            (0, _MAX_DECIMALS) if self.decimals is None else self.decimals,
            self.min,
            self.max,
            self.kind == "signed",
        )

    @property
    def constraint(self) -> Constraint:
        """The constraint on what is written."""
        return Constraint(notation=self.notation)


class TimeField(_Field):
    """A time of day, anywhere in its box; ``min`` and ``max`` as text, such as ``08:00``."""

    kind: Literal["time"]
    min: datetime.time | None = None
    max: datetime.time | None = None

    @field_validator("min", "max", mode="before")
    @classmethod
    def _is_no_number(cls, bound: Any) -> Any:
        if isinstance(bound, int | float):  # YAML takes 08:30 without quotes for a number
            message = 'expected a time in quotes, such as "08:30"'
            raise ValueError(message)  # noqa: TRY004 - pydantic takes only this for a fault
        return bound

    @model_validator(mode="after")
    def _is_satisfiable(self) -> Self:
        _validate_range(self.min, self.max)
        return self

    @property
    def has_separators(self) -> bool:
        """See ``_Field``."""
        return True

    @property
    def notation(self) -> Notation:
        """How it is written."""
        return Notation(ValueKind.TIME, min=self.min, max=self.max)

    @property
    def constraint(self) -> Constraint:
        """The constraint on what is written."""
        return Constraint(notation=self.notation)


class TickField(_Field):
    """A box to tick."""

    kind: Literal["tick"]


FormField = Annotated[
    NumberField | CombField | DateField | AmountField | DecimalField | TimeField | TickField,
    Field(discriminator="kind"),
]


def validate_check(check: str) -> str:
    """Return the name of a check digit's rule.

    Raises:
        ValueError: there is no such rule.
    """
    if check not in CHECKS:
        raise ValueError(f"expected a check among {', '.join(CHECKS)}")
    return check


def _validate_range(low: Any, high: Any) -> None:
    if low is not None and high is not None and low > high:
        raise ValueError(f"impossible range: min = {low} is above max = {high}")
