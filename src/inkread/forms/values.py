"""Converts digits of a field to values and back, and checks them against its constraints."""

import datetime
import itertools
from decimal import Decimal
from typing import TypeVar

from inkread.forms.fields import AmountField, CombField, DateField, FormField, NumberField

__all__ = ["Value", "find_objection", "format_digits", "format_value", "interpret_digits"]

Value = str | bool | datetime.date | Decimal | None  # None: the field is empty
_Ordered = TypeVar("_Ordered", int, Decimal, datetime.date)


def interpret_digits(field: FormField, text: str) -> Value:
    """Return the value of digits in a field: a number as text, a date, or an amount.

    Raises:
        ValueError: there is no such date, or the text isn't all digits.
    """
    if isinstance(field, DateField):
        return _parse_date(field, text)
    if isinstance(field, AmountField):
        return _parse_amount(field, text)
    return text


def format_digits(field: FormField, value: Value) -> str:
    """Return the digits that a value is written with; an empty text for no value or a tick."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(field, DateField) and isinstance(value, datetime.date):
        parts = {"D": f"{value.day:02}", "M": f"{value.month:02}", "Y": f"{value.year:04}"}
        places = itertools.groupby(field.format)
        return "".join(parts[unit][-len(list(run)) :] for unit, run in places)
    if isinstance(field, AmountField) and isinstance(value, Decimal):
        return f"{int(value.scaleb(field.decimals)):0{field.lengths[0]}}"
    return str(value)


def format_value(value: Value) -> str:
    """Return a value as text, as in CSV tables; an empty text for an empty field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def find_objection(field: FormField, text: str) -> str | None:
    """Describe the constraint of its field that a text breaks; ``None`` if it breaks none.

    Args:
        field: any but a box to tick.
        text: digits.
    """
    shortest, longest = field.lengths
    if not shortest <= len(text) <= longest:
        expected = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        return f"expected {expected} digits"
    if isinstance(field, NumberField | CombField):
        return _find_digits_objection(field, text)
    try:
        if isinstance(field, AmountField):
            return _find_range_objection(_parse_amount(field, text), field.min, field.max)
        if isinstance(field, DateField):
            return _find_range_objection(_parse_date(field, text), field.min, field.max)
    except ValueError:
        return "expected a date that there is"
    return None


def _find_digits_objection(field: NumberField | CombField, text: str) -> str | None:
    if not field.constraint.accepts(text):
        wanted = [f"the pattern {field.pattern}"] if field.pattern is not None else []
        wanted += [f"a check digit as {field.check} gives it"] if field.check is not None else []
        return f"expected {' and '.join(wanted)}"
    return _find_range_objection(int(text), field.min, field.max)


def _find_range_objection(
    value: _Ordered, low: _Ordered | None, high: _Ordered | None
) -> str | None:
    if low is not None and value < low:
        return f"expected at least {low}"
    if high is not None and value > high:
        return f"expected at most {high}"
    return None


def _parse_amount(field: AmountField, text: str) -> Decimal:
    if not text.isdecimal():
        raise ValueError(f"expected digits, received {text!r}")
    return Decimal(text).scaleb(-field.decimals)


def _parse_date(field: DateField, text: str) -> datetime.date:
    if len(text) != len(field.format) or not text.isdecimal():
        raise ValueError(f"expected {field.format}, received {text!r}")
    parts = {
        unit: int("".join(t for t, place in zip(text, field.format, strict=True) if place == unit))
        for unit in "DMY"
    }
    year = parts["Y"] + (2000 if field.format.count("Y") == 2 else 0)
    return datetime.date(year, parts["M"], parts["D"])
