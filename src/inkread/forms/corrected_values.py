"""Parses the values of a table, and checks those that people give in place of what was read."""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal

from inkread.forms.fields import (
    AmountField,
    DateField,
    DecimalField,
    FormField,
    NumberField,
    TickField,
    TimeField,
)
from inkread.forms.values import (
    Value,
    find_decimal_objection,
    find_objection,
    format_digits,
    format_value,
    interpret_digits,
)
from inkread.meanings import interpret_time

__all__ = ["CorrectedValue", "parse_correction", "parse_value"]

_MAX_DIGITS = 20  # of any field
_MAX_CHARACTERS = 24  # of any value but a comb
_WRITTEN = "0123456789.,-/=:"
_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.([0-9]+))?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class CorrectedValue:
    """A value that a person gives.

    Attributes:
        text: as tables hold it; empty: the field is empty.
        digits: that it is written with; empty for a tick.
        objection: the constraint of its field that it breaks; ``None`` if it breaks none.
    """

    text: str
    digits: str
    objection: str | None


def parse_correction(form_field: FormField, text: str) -> CorrectedValue:
    """Check a value that a person gives for a field.

    Args:
        form_field: the field.
        text: as in the table; of a date, its digits as they are written will do; nothing: the field
            is empty.

    Raises:
        ValueError: the field can't have such a value, or not so many digits.
    """
    text = text.strip()
    count = form_field.count if isinstance(form_field, NumberField) else 1
    longest = form_field.num_cells or _MAX_DIGITS * count
    if len(text) > max(_MAX_CHARACTERS * count, longest):
        raise ValueError(f"expected at most {longest} digits, received {len(text):,} characters")
    if isinstance(form_field, DateField) and _is_digits(text):
        value = interpret_digits(form_field, text)
    else:
        value = parse_value(form_field, text)
    if value is None and isinstance(form_field, TickField):
        raise ValueError("expected true or false")
    digits = format_digits(form_field, value)
    if len(digits) > longest:
        raise ValueError(f"expected at most {longest} digits, received {text!r}")
    shown = format_value(value)
    if isinstance(form_field, DecimalField) and isinstance(value, Decimal):
        return CorrectedValue(shown, digits, find_decimal_objection(form_field, value))
    written = shown if isinstance(form_field, TimeField | NumberField) else digits
    return CorrectedValue(shown, digits, find_objection(form_field, written) if digits else None)


def parse_value(form_field: FormField, text: str) -> Value:
    """Parse the text of a value in a table; an empty text is ``None``.

    Raises:
        ValueError: the field can't have such a value.
    """
    if not text:
        return None
    match form_field:
        case TickField():
            if text not in ("true", "false"):
                raise ValueError(f"expected true or false, received {text!r}")
            value: Value = text == "true"
        case DateField():
            if not _ISO_DATE.fullmatch(text):
                raise ValueError(f"expected a date such as 2021-10-04, received {text!r}")
            value = datetime.date.fromisoformat(text)
        case TimeField():
            value = _parse_time(text)
        case DecimalField():
            value = _parse_decimal(text, form_field.num_decimals)
        case AmountField():
            value = _parse_amount(text, form_field.decimals)
        case _:
            value = _parse_number(form_field, text)
    return value


def _parse_amount(text: str, num_decimals: int) -> Decimal:
    whole, _, decimals = text.partition(".")
    if not _is_digits(whole + decimals) or len(decimals) > num_decimals:
        expected = "an amount such as 12.50" if num_decimals else "digits"
        raise ValueError(f"expected {expected}, received {text!r}")
    return Decimal(text).quantize(Decimal(1).scaleb(-num_decimals))


def _parse_number(form_field: FormField, text: str) -> str:
    has_separators = isinstance(form_field, NumberField) and form_field.constraint.names_separators
    count = form_field.count if isinstance(form_field, NumberField) else 1
    numbers = text.split(" ") if count > 1 else [text]
    if len(numbers) != count or not all(
        set(each) <= set(_WRITTEN) if has_separators else _is_digits(each) for each in numbers
    ):
        expected = "digits and separators" if has_separators else "digits"
        expected = f"{count} numbers with spaces between them" if count > 1 else expected
        raise ValueError(f"expected {expected}, received {text!r}")
    return text


def _parse_time(text: str) -> datetime.time:
    time = interpret_time(text).time
    if time is None:
        raise ValueError(f"expected a time such as 09:30, received {text!r}")
    return time


def _parse_decimal(text: str, num_decimals: int) -> Decimal:
    found = _DECIMAL.fullmatch(text)
    if not found or len(found[1] or "") > num_decimals:
        raise ValueError(f"expected a number such as -12.5, received {text!r}")
    return Decimal(text)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()
