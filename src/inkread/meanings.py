"""Works out the value of a written number, with sign, point and unit, or its date or time."""

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext

__all__ = [
    "NOTHING",
    "Meaning",
    "interpret_date",
    "interpret_fraction",
    "interpret_quantity",
    "interpret_time",
]

_PRECISION = 28  # digits of a fraction's value
_GROUP_MARKS = ".,' "  # between thousands
_UNIT = r"[$€£¥%°]|[A-Za-zµ°/%]*[A-Za-zµ°%][²³23]?"
_QUANTITY = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+]?)(?P<before>[$€£¥]|[A-Z]{{3}})?\s*(?P<inner>-?)"
    rf"(?P<core>[.,]?\d[\d.,' ]*?)(?P<closing>[.,:]?[-=]{{1,2}}|[.,])?\s*(?P<after>{_UNIT})?\s*"
    r"(?P<close>\))?"
)
_FRACTION = re.compile(r"(?:(?P<whole>\d+) )?(?P<top>\d+)/(?P<bottom>\d+)|(?P<plain>\d+)")
_TIME = re.compile(r"(?P<h>\d{1,2})(?P<mark>[:.]?)(?P<m>\d\d)(?:(?P=mark)(?P<s>\d\d))?")
_DATE_MARKS = "/-."


@dataclass(frozen=True)
class Meaning:
    """What a written number means.

    Attributes:
        value: with its sign and point; ``None`` where it isn't a number, or might be one of two.
        unit: written before or after the value, such as ``€`` or ``%``; empty if none is.
        date: if it is one.
        time: of day, if it is one.
        is_ambiguous: whether it means one of several things, and nothing says which.
    """

    value: Decimal | None = None
    unit: str = ""
    date: datetime.date | None = None
    time: datetime.time | None = None
    is_ambiguous: bool = False

    @property
    def is_one(self) -> bool:
        """Whether it means one thing."""
        return self.value is not None or self.date is not None or self.time is not None

    @property
    def key(self) -> str:
        """The value, date or time as text; the same for all ways to write it."""
        if self.value is not None:
            shown = format(self.value.normalize(), "f")
            return f"{shown} {self.unit}".rstrip()
        found = self.date if self.date is not None else self.time
        return found.isoformat() if found is not None else "?" if self.is_ambiguous else ""


NOTHING = Meaning()


def interpret_quantity(
    raw: str,
    decimal: str,
    decimals: tuple[int, int] | None,
    *,
    signed: bool,
    is_possible: Callable[[Decimal], bool],
) -> Meaning:
    """Interpret a number with its point, thousands separators, sign, brackets and unit.

    A mark before a group of three digits may part thousands or decimals: ``1.250``. What stands
    around it decides: another mark (``1.250,00``), a second group (``1.250.000``), a closing dash
    as of amounts (``1.250,-``), a currency, a leading zero (``0.250``), other than one to three
    digits before it (``1250.125``), how many decimals there are to be, or the possible values.

    Args:
        raw: the number as written.
        decimal: the marks that may part decimals; one that isn't among them parts thousands.
        decimals: the least and the greatest number of digits after the point; ``None``: any.
        signed: whether it may be negative.
        is_possible: whether a value may be meant.

    Returns:
        ``NOTHING`` if it is no such number.
    """
    found = _QUANTITY.fullmatch(raw.strip())
    if found is None or bool(found["open"]) != bool(found["close"]):
        return NOTHING
    sign, closing = found["sign"] or found["inner"], found["closing"] or ""
    is_negative = sign == "-" or bool(found["open"])
    if (found["sign"] and found["inner"]) or (sign and found["open"]):
        return NOTHING
    if is_negative and (not signed or set(closing) & set("-=")):
        return NOTHING  # dashes on both sides fill up an amount, and are no sign
    unit = found["before"] or found["after"] or ""
    if found["before"] and found["after"]:
        return NOTHING
    is_money = (
        bool(set(closing) & set("-="))
        or unit in ("$", "€", "£", "¥")
        or (len(unit) == 3 and unit.isupper())
    )
    sign_factor = -1 if is_negative else 1
    values = {
        value * sign_factor
        for value, count in _split_thousands(found["core"], closing, decimal)
        if (_is_allowed(count, decimals) or (not count and len(closing) > 1))
        and not (is_money and count > 2 and decimals is None)
        and is_possible(value * sign_factor)
    }
    if len(values) != 1:
        return Meaning(is_ambiguous=bool(values))
    return Meaning(values.pop(), unit)


def _is_allowed(count: int, decimals: tuple[int, int] | None) -> bool:
    return decimals is None or decimals[0] <= count <= decimals[1]


def _split_thousands(core: str, closing: str, decimal: str) -> Iterator[tuple[Decimal, int]]:
    """Yield each value that digits and marks may have, with its number of decimals."""
    digits = "".join(filter(str.isdigit, core))
    marks = [(place, char) for place, char in enumerate(core) if not char.isdigit()]
    closed = closing[:1] if closing[:1] in tuple(".,") and len(closing) > 1 else ""
    if _are_thousands(core, marks, decimal, closed):
        yield Decimal(digits), 0
    if not marks or closed:
        return
    place, point = marks[-1]
    whole, part = core[:place], core[place + 1 :]
    is_point = point in decimal and part and all(mark != point for _, mark in marks[:-1])
    others = decimal.replace(point, "")
    if is_point and (not whole or _are_thousands(whole, marks[:-1], others, point)):
        yield Decimal(f"{''.join(filter(str.isdigit, whole)) or '0'}.{part}"), len(part)


def _are_thousands(core: str, marks: list[tuple[int, str]], decimal: str, point: str) -> bool:
    """Return whether the marks, if there are any, part thousands.

    Args:
        core: digits and marks.
        marks: their places and themselves.
        decimal: the marks that may part decimals.
        point: the mark that does; empty if none does.
    """
    if not marks:
        return True
    kinds = {mark for _, mark in marks}
    if len(kinds) > 1 or kinds <= {point} or not kinds <= set(_GROUP_MARKS):
        return False
    if len(decimal) == 1 and kinds <= set(decimal) and not point:
        return False  # the only mark of decimals parts no thousands
    first, *others = core.split(marks[0][1])
    return 1 <= len(first) <= 3 and first[0] != "0" and all(len(group) == 3 for group in others)


def interpret_fraction(raw: str) -> Meaning:
    """Interpret a whole number, a fraction or both: ``2``, ``1/2``, ``1 1/2``.

    Without a space, ``11/2`` may be 1 1/2 or 11 halves: that is ambiguous.
    """
    found = _FRACTION.fullmatch(raw.strip())
    if found is None:
        return NOTHING
    if found["plain"]:
        return Meaning(Decimal(found["plain"]))
    top, bottom = found["top"], int(found["bottom"])
    if bottom == 0 or (found["whole"] and int(top) >= bottom):
        return NOTHING
    if not found["whole"] and int(top) > bottom and any(_find_mixed(top, bottom)):
        return Meaning(is_ambiguous=True)
    with localcontext() as context:
        context.prec = _PRECISION
        return Meaning(Decimal(found["whole"] or 0) + Decimal(int(top)) / bottom)


def _find_mixed(top: str, bottom: int) -> Iterator[bool]:
    """Yield for each way to split digits whether they may be a whole number and a numerator."""
    for place in range(1, len(top)):
        yield top[place] != "0" and int(top[place:]) < bottom


def interpret_time(raw: str) -> Meaning:
    """Interpret a time of day: ``9:30``, ``9.30``, ``0930``, ``21:15:30``."""
    found = _TIME.fullmatch(raw)
    if found is None or (found["s"] and not found["mark"] and len(raw) != 6):
        return NOTHING
    try:
        return Meaning(time=datetime.time(int(found["h"]), int(found["m"]), int(found["s"] or 0)))
    except ValueError:
        return NOTHING


def interpret_date(
    raw: str,
    order: str,
    bounds: tuple[datetime.date | None, datetime.date | None] = (None, None),
    year_sizes: tuple[int, ...] = (2, 4),
) -> Meaning:
    """Interpret a date with marks between its parts, the same twice, or with all its digits.

    Args:
        raw: the date as written.
        order: of day, month and year: ``DMY``, ``MDY`` or ``YMD``.
        bounds: the earliest and the latest date that is meant. A year of two digits is of this
            century, or of the last where only that is within these bounds.
        year_sizes: how many digits the year may have.
    """
    parts = _split_date(raw, order)
    if parts is None or len(parts["Y"]) not in year_sizes:
        return NOTHING
    low, high = bounds
    centuries = (2000, 1900) if len(parts["Y"]) == 2 else (0,)
    dates = []
    for century in centuries:
        try:
            found = datetime.date(century + int(parts["Y"]), int(parts["M"]), int(parts["D"]))
        except ValueError:
            continue
        dates.append(found)
    within = [d for d in dates if (low is None or d >= low) and (high is None or d <= high)]
    return Meaning(date=(within or dates)[0]) if dates else NOTHING


def _split_date(raw: str, order: str) -> dict[str, str] | None:
    marks = [char for char in raw if not char.isdigit()]
    if marks:
        parts = raw.split(marks[0])
        if len(marks) != 2 or len(set(marks)) > 1 or marks[0] not in _DATE_MARKS:
            return None
        named = dict(zip(order, parts, strict=True))
        return named if all(1 <= len(named[unit]) <= 2 for unit in "DM") else None
    if len(raw) not in (6, 8):
        return None
    sizes = {"D": 2, "M": 2, "Y": len(raw) - 4}
    named, start = {}, 0
    for unit in order:
        named[unit] = raw[start : start + sizes[unit]]
        start += sizes[unit]
    return named
