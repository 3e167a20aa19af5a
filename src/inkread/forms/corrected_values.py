"""Parses the values of a table, and checks those that people give in place of what was read."""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal

from inkread.forms.fields import AmountField, DateField, FormField, TickField
from inkread.forms.values import (
    Value,
    find_objection,
    format_digits,
    format_value,
    interpret_digits,
)

__all__ = ["CorrectedValue", "parse_correction", "parse_value"]

_MAX_DIGITS = 20  # of any field
_MAX_CHARACTERS = 24  # of any value
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
    longest = form_field.num_cells or _MAX_DIGITS
    if len(text) > _MAX_CHARACTERS:
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
    return CorrectedValue(
        format_value(value), digits, find_objection(form_field, digits) if digits else None
    )


def parse_value(form_field: FormField, text: str) -> Value:
    """Parse the text of a value in a table; an empty text is ``None``.

    Raises:
        ValueError: the field can't have such a value.
    """
    if not text:
        return None
    if isinstance(form_field, TickField):
        if text not in ("true", "false"):
            raise ValueError(f"expected true or false, received {text!r}")
        return text == "true"
    if isinstance(form_field, DateField):
        if not _ISO_DATE.fullmatch(text):
            raise ValueError(f"expected a date such as 2021-10-04, received {text!r}")
        return datetime.date.fromisoformat(text)
    whole, _, decimals = text.partition(".")
    num_decimals = form_field.decimals if isinstance(form_field, AmountField) else 0
    if not _is_digits(whole + decimals) or len(decimals) > num_decimals:
        expected = "an amount such as 12.50" if num_decimals else "digits"
        raise ValueError(f"expected {expected}, received {text!r}")
    if isinstance(form_field, AmountField):
        return Decimal(text).quantize(Decimal(1).scaleb(-num_decimals))
    return text


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()
