"""Describes how numbers are written: their kind, decimal mark, digits after it, and range."""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from inkread import meanings
from inkread.errors import ConfigError
from inkread.meanings import NOTHING, Meaning

__all__ = ["PLAIN", "Bound", "Notation", "ValueKind"]

Bound = int | float | str | Decimal | datetime.date | datetime.time
_MAX_DECIMALS = 20
_FORMAT = re.compile(
    r"(D{1,2}|M{1,2}|Y{1,4})([/.-]?)(D{1,2}|M{1,2}|Y{1,4})\2(D{1,2}|M{1,2}|Y{1,4})"
)
_DATE_MARKS = "/-."
_CURRENCIES = "$€£¥"
_UNITS = "$€£¥%°"


class ValueKind(StrEnum):
    """What numbers are."""

    DECIMAL = "decimal"
    INTEGER = "integer"
    FRACTION = "fraction"
    DATE = "date"
    TIME = "time"


@dataclass(frozen=True)
class Notation:
    """How numbers are written, and which of them are possible.

    Attributes:
        kind: what every number is: ``decimal``, ``integer``, ``fraction`` (``2``, ``1/2``,
            ``1 1/2``), ``date`` or ``time``; ``None``: any of these, as its marks show. With a
            kind, only such numbers are read, and the confidence is that of the value.
        decimal: the marks that may part decimals: ``.``, ``,`` or both; with one of them, the
            other parts thousands. With both, what stands around a mark says what it does, and
            where nothing does, as in ``1.250``, the number has no value.
        decimals: how many digits follow the point: exactly, or at least and at most; ``None``: any.
        min: the least value, the first date or the first time.
        max: the greatest, or the last. Both may be given as text, such as ``2024-12-31``.
        signed: whether numbers may be negative: with a minus, or in brackets.
        format: of dates: the order of day, month and year, such as ``DMY``; their marks
            (``D/M/Y``; without any, ``/``, ``-`` and ``.`` are read) and the digits of the year
            (``YY``, ``YYYY``) may be given. Dates of the kind ``date`` need it.

    Raises:
        ConfigError: an attribute is none of these, or contradicts another.
    """

    kind: ValueKind | None = None
    decimal: str = ".,"
    decimals: int | tuple[int, int] | None = None
    min: Bound | None = None
    max: Bound | None = None
    signed: bool = True
    format: str | None = None

    def __post_init__(self) -> None:
        """Check the attributes, and convert bounds that are given as text."""
        if self.kind is not None:
            if self.kind not in list(ValueKind):
                raise ConfigError(f"expected as kind {_one_of(ValueKind)}, received {self.kind!r}")
            object.__setattr__(self, "kind", ValueKind(self.kind))
        if self.decimal not in (".", ",", ".,", ",."):
            raise ConfigError(
                f"expected as decimal mark '.', ',' or '.,', received {self.decimal!r}"
            )
        self._check_decimals()
        if self.format is not None and not _is_format(self.format):
            raise ConfigError(
                "expected as format an order of D, M and Y such as D/M/YYYY or YMD, "
                f"received {self.format!r}"
            )
        if (self.kind is ValueKind.DATE) != (self.format is not None) and self.kind is not None:
            expected = "a format with" if self.kind is ValueKind.DATE else "a format only with"
            raise ConfigError(f"expected {expected} the kind date, received {self.format!r}")
        for name in ("min", "max"):
            object.__setattr__(self, name, self._convert_bound(name, getattr(self, name)))
        if self.kind is None and (self.min is not None or self.max is not None):
            raise ConfigError("expected a kind with min and max, received none")
        if self.min is not None and self.max is not None and self.min > self.max:  # type: ignore[operator] # both of the kind's type
            raise ConfigError(f"expected min <= max, received {self.min} and {self.max}")

    def _check_decimals(self) -> None:
        if self.decimals is None:
            return
        if self.kind not in (None, ValueKind.DECIMAL):
            raise ConfigError(f"expected decimals with the kind decimal, received {self.kind}")
        low, high = bounds = (
            self.decimals if isinstance(self.decimals, tuple) else (self.decimals,) * 2
        )
        if not all(type(each) is int for each in bounds) or not 0 <= low <= high <= _MAX_DECIMALS:
            raise ConfigError(
                f"expected as decimals a number from 0 to {_MAX_DECIMALS}, or the least and the "
                f"greatest, received {self.decimals!r}"
            )

    def _convert_bound(self, name: str, bound: Bound | None) -> Bound | None:
        if bound is None:
            return None
        expected = {
            ValueKind.DATE: "a date such as 2024-12-31",
            ValueKind.TIME: "a time such as 09:30",
        }
        try:
            if self.kind is ValueKind.DATE:
                if isinstance(bound, datetime.date):
                    return bound
                return datetime.date.fromisoformat(str(bound))
            if self.kind is ValueKind.TIME:
                if isinstance(bound, datetime.time):
                    return bound
                return datetime.time.fromisoformat(str(bound))
            number = Decimal(str(bound))
            if number.is_finite():
                return number
        except (ValueError, InvalidOperation):
            pass
        shown = expected.get(self.kind, "a number") if self.kind else "a number"
        raise ConfigError(f"expected as {name} {shown}, received {bound!r}")

    def interpret(self, raw: str) -> Meaning:
        """Return what a number means; without value, date and time if it means nothing allowed.

        Args:
            raw: the number as written, with its separators.
        """
        found = self._interpret_kind(raw)
        meant = [each for each in (found.value, found.date, found.time) if each is not None]
        return found if all(map(self._is_in_range, meant)) else NOTHING

    def _is_in_range(self, meant: Decimal | datetime.date | datetime.time) -> bool:
        low: Any = self.min if isinstance(self.min, type(meant)) else meant
        high: Any = self.max if isinstance(self.max, type(meant)) else meant
        return bool(low <= meant <= high)

    def accepts(self, raw: str) -> bool:
        """Return whether a number means something allowed, or may mean one of several things."""
        found = self.interpret(raw)
        return bool(found.key)

    def _interpret_kind(self, raw: str) -> Meaning:
        interpreters = {
            ValueKind.FRACTION: meanings.interpret_fraction,
            ValueKind.TIME: meanings.interpret_time,
            ValueKind.DATE: self._interpret_date,
            ValueKind.INTEGER: self._interpret_quantity,
            ValueKind.DECIMAL: self._interpret_quantity,
        }
        if self.kind is not None:
            return interpreters[self.kind](raw)
        quantity = self._interpret_quantity(raw)
        if quantity != NOTHING:
            return quantity
        if ":" in raw:
            return meanings.interpret_time(raw)
        fraction = meanings.interpret_fraction(raw)
        return fraction if fraction != NOTHING else self._interpret_date(raw)

    def _interpret_quantity(self, raw: str) -> Meaning:
        number = 0 if self.kind is ValueKind.INTEGER else self.decimals
        bounds = (number, number) if isinstance(number, int) else number
        return meanings.interpret_quantity(
            raw, self.decimal, bounds, signed=self.signed, is_possible=self._is_in_range
        )

    def _interpret_date(self, raw: str) -> Meaning:
        if self.format is None:
            return _interpret_plain_date(raw)
        form = self.format
        order = "".join(dict.fromkeys(filter(str.isalpha, form)))
        marks = {char for char in form if not char.isalpha()}
        written = {char for char in raw if not char.isdigit()}
        if marks and written != marks:
            return NOTHING
        low, high = (
            bound if isinstance(bound, datetime.date) else None for bound in (self.min, self.max)
        )
        num_digits = form.count("Y")
        sizes = (2, 4) if num_digits == 1 else (num_digits,)
        return meanings.interpret_date(raw, order, (low, high), sizes)

    def build_pattern(self, symbols: str) -> str:
        """Return a regular expression of the ways to write such numbers; its kind must be known.

        More may match than is accepted: ``accepts`` decides.

        Args:
            symbols: that can be written.
        """
        match self.kind:
            case ValueKind.FRACTION:
                space = r"\ " if " " in symbols else ""
                return rf"\d{{1,4}}(/\d{{1,3}})?|\d{{1,3}}{space}\d{{1,3}}/\d{{1,3}}"
            case ValueKind.TIME:
                hour, minute = r"([01]?\d|2[0-3])", r"[0-5]\d"
                marks = _written(":.", symbols)
                forms = [f"{hour}{mark}{minute}({mark}{minute})?" for mark in marks]
                return "|".join([*forms, hour + minute])
            case ValueKind.DATE:
                return self._build_date_pattern(symbols)
        return self._build_quantity_pattern(symbols)

    def _build_date_pattern(self, symbols: str) -> str:
        form = str(self.format)
        order = "".join(dict.fromkeys(filter(str.isalpha, form)))
        given = [char for char in form if not char.isalpha()][:1]
        years = {2: r"\d\d", 4: r"[12]\d{3}"}.get(form.count("Y"), r"(\d\d|[12]\d{3})")
        spaced = {"D": r"(0?[1-9]|[12]\d|3[01])", "M": r"(0?[1-9]|1[0-2])", "Y": years}
        joined = {"D": r"(0[1-9]|[12]\d|3[01])", "M": r"(0[1-9]|1[0-2])", "Y": years}
        forms = [
            mark.join(spaced[unit] for unit in order)
            for mark in _written("".join(given) or _DATE_MARKS, symbols)
        ]
        return "|".join([*forms, *([] if given else ["".join(joined[unit] for unit in order)])])

    def _build_quantity_pattern(self, symbols: str) -> str:
        is_integer = self.kind is ValueKind.INTEGER
        number = 0 if is_integer else self.decimals
        low, high = number if isinstance(number, tuple) else (number or 0, number)
        groups = [rf"[1-9]\d{{0,2}}({mark}\d{{3}})+" for mark in _written(".,' ", symbols)]
        whole = rf"(\d+|{'|'.join(groups)})" if groups else r"\d+"
        points = "|".join(_written(self.decimal, symbols))
        marks, dashes = ("|".join(_written(each, symbols)) for each in (".,", "-="))
        dashed = rf"({marks})?({dashes}){{1,2}}" if dashes else ""
        part = rf"({points})\d{{{max(low, 1)},{'' if high is None else high}}}"
        if high == 0 or not points:
            core = whole
        else:
            core = rf"({whole}?{part}|{whole}{dashed})" if low else rf"({whole}({part})?|{part})"
        closing = f"({dashed}|{marks})?" if dashed and marks else f"({dashed or marks})?"
        minus = rf"({'|'.join(_written('-', symbols))})?" if self.signed and "-" in symbols else ""
        before, after = (
            "|".join(_written(_CURRENCIES, symbols)),
            "|".join(_written(_UNITS, symbols)),
        )
        plain = (rf"({before})?" if before else "") + minus + core + closing
        plain = minus + plain if before and minus else plain
        plain += rf"({after})?" if after else ""
        if self.signed and {"(", ")"} <= set(symbols):
            return rf"{plain}|\({plain.removeprefix(minus) if minus else plain}\)"
        return plain

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold, those that aren't the defaults."""
        values: dict[str, Any] = {}
        for name, value in vars(self).items():
            if value is not None and value != getattr(Notation, name, None):
                values[name] = list(value) if isinstance(value, tuple) else value
                if isinstance(value, Decimal | datetime.date | datetime.time):
                    values[name] = str(value)
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Notation":
        """Rebuild from ``to_dict``."""
        decimals = values.get("decimals")
        return cls(
            **{**values, "decimals": tuple(decimals) if isinstance(decimals, list) else decimals}
        )


PLAIN = Notation()  # nothing is known


def _written(marks: str, symbols: str) -> list[str]:
    """Return the marks that can be written, each escaped."""
    return [mark if mark in "/:=" else f"\\{mark}" for mark in marks if mark in symbols]


def _is_format(form: str) -> bool:
    found = _FORMAT.fullmatch(form)
    order = "".join(dict.fromkeys(filter(str.isalpha, form)))
    years = form.count("Y")
    return bool(found) and order in ("DMY", "MDY", "YMD") and years in (1, 2, 4)


def _interpret_plain_date(raw: str) -> Meaning:
    """Interpret a date of which nothing is known: only if it can mean but one."""
    if not set(raw) & set(_DATE_MARKS):
        return NOTHING
    dates = {meanings.interpret_date(raw, order).date for order in ("DMY", "MDY", "YMD")} - {None}
    if len(dates) != 1:
        return Meaning(is_ambiguous=bool(dates))
    return Meaning(date=dates.pop())


def _one_of(kinds: type[ValueKind]) -> str:
    return ", ".join(kinds)
