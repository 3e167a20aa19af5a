"""Converts digits of a field to values and back, and checks them against its constraints."""

import datetime
import itertools
from decimal import Decimal
from typing import TypeVar

from inkread.forms.fields import (
    AmountField,
    CombField,
    DateField,
    DecimalField,
    FormField,
    NumberField,
    TimeField,
)
from inkread.notation import PLAIN

__all__ = [
    "Value",
    "find_decimal_objection",
    "find_objection",
    "format_digits",
    "format_value",
    "interpret_digits",
]

Value = str | bool | datetime.date | datetime.time | Decimal | None  # None: the field is empty
_Ordered = TypeVar("_Ordered", int, Decimal, datetime.date, datetime.time)


def interpret_digits(field: FormField, text: str) -> Value:
    """Return the value of what is written in a field: a number as text, a date, or an amount.

    Args:
        field: any but a box to tick.
        text: digits; with separators, where the field's kind or pattern allows them; of several
            numbers in one box, with a space between each two.

    Raises:
        ValueError: there is no such date, the text isn't all digits, or may mean two things.
    """
    if isinstance(field, DecimalField | TimeField):
        return _interpret_written(field, text)
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
    if isinstance(value, datetime.time):
        return value.strftime("%H%M")
    return "".join(filter(str.isdigit, str(value)))


def format_value(value: Value) -> str:
    """Return a value as text, as in CSV tables; an empty text for an empty field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.time):
        return value.isoformat("seconds" if value.second else "minutes")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def find_objection(field: FormField, text: str) -> str | None:
    """Describe the constraint of its field that a text breaks; ``None`` if it breaks none.

    Args:
        field: any but a box to tick.
        text: as ``interpret_digits`` takes it.
    """
    if isinstance(field, NumberField) and field.count > 1:
        return _find_numbers_objection(field, text)
    shortest, longest = field.lengths
    if not shortest <= sum(map(str.isdigit, text)) <= longest:
        expected = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        return f"expected {expected} digits"
    if isinstance(field, NumberField | CombField):
        return _find_digits_objection(field, text)
    try:
        value = interpret_digits(field, text)
    except ValueError:
        if not isinstance(field, DecimalField | TimeField):
            return "expected a date that there is"
        kind = "number" if field.kind == "signed" else field.kind
        return f"expected a {kind} that means one thing{_describe_range(field)}"
    objection = None
    if isinstance(field, AmountField) and isinstance(value, Decimal):
        objection = _find_range_objection(value, field.min, field.max)
    if isinstance(field, DateField) and isinstance(value, datetime.date):
        objection = _find_range_objection(value, field.min, field.max)
    return objection


def find_decimal_objection(field: DecimalField, value: Decimal) -> str | None:
    """Describe the constraint of its field that a value breaks; ``None`` if it breaks none.

    Args:
        field: the field.
        value: as a table holds it.
    """
    if value < 0 and field.kind != "signed":
        return "expected no minus"
    return _find_range_objection(value, field.min, field.max)


def _interpret_written(field: DecimalField | TimeField, text: str) -> Value:
    meaning = field.notation.interpret(text)
    if isinstance(field, DecimalField) and meaning.value is not None:
        return _round(meaning.value, field)
    if isinstance(field, TimeField) and meaning.time is not None:
        return meaning.time
    raise ValueError(f"expected a {field.kind}, received {text!r}")


def _describe_range(field: DecimalField | TimeField) -> str:
    low, high = (None if bound is None else format_value(bound) for bound in (field.min, field.max))
    parts = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
    return "".join(f", {part}" for part in parts)


def _round(value: Decimal, field: DecimalField) -> Decimal:
    """Round a fraction to the decimals that tables hold."""
    least = Decimal(1).scaleb(-field.num_decimals)
    return value if value == value.quantize(least) else value.quantize(least)


def _find_numbers_objection(field: NumberField, text: str) -> str | None:
    """Check several numbers, with a space between each two."""
    numbers = text.split(" ")
    if len(numbers) != field.count:
        return f"expected {field.count} numbers"
    single = field.model_copy(update={"count": 1})
    objections = (find_objection(single, number) for number in numbers)
    return next((each for each in objections if each), None)


def _find_digits_objection(field: NumberField | CombField, text: str) -> str | None:
    if not field.constraint.accepts(text):
        wanted = [f"the pattern {field.pattern}"] if field.pattern is not None else []
        wanted += [f"a check digit as {field.check} gives it"] if field.check is not None else []
        return f"expected {' and '.join(wanted)}"
    if text.isdecimal():
        return _find_range_objection(int(text), field.min, field.max)
    value = PLAIN.interpret(text).value
    if value is None:
        return None if field.min is field.max is None else "expected a number that means one thing"
    low, high = (None if bound is None else Decimal(bound) for bound in (field.min, field.max))
    return _find_range_objection(value, low, high)


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
