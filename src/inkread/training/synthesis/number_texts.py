"""Random texts to write: amounts, codes, decimals, dates, and texts that are not numbers."""

import numpy as np

__all__ = ["JUNK", "SEPARATORS", "number_text"]

SEPARATORS = ".,-/=:"
JUNK = "?"  # a letter or symbol that is no digit and no separator

# If more kinds of texts are wanted: the share of these, and that of single digits, as in tables.
_MORE_SHARE = 0.06
_SINGLE_SHARE = 0.08

# How amounts are closed, so that nothing can be added.
_CLOSINGS = ("-", "-", ".-", ".-", "=", ".=", ",-", ":", ".", ".", ",", "--", ",00", ".00", ".:")


def number_text(rng: np.random.Generator, *, more_kinds: bool = False) -> str:
    """Return something to write: digits, separators, ``?`` for what is neither, spaces for gaps.

    Args:
        rng: decides the text.
        more_kinds: now and then a time, a number with a sign, a unit or a currency, or a mere dash;
            and more single digits.
    """
    if more_kinds and rng.random() < _SINGLE_SHARE:
        return str(rng.integers(0, 10))
    if more_kinds and rng.random() < _MORE_SHARE:
        others = (_time, _signed, _measured, _decimal, _dash)
        return others[rng.choice(len(others), p=(0.2, 0.2, 0.3, 0.2, 0.1))](rng)
    kinds = (_amount, _digits, _decimal, _date, _mixed, _junk, _nothing)
    kind = rng.choice(len(kinds), p=(0.52, 0.32, 0.05, 0.05, 0.025, 0.02, 0.015))
    return kinds[kind](rng)


def _digits(rng: np.random.Generator) -> str:
    count = int(rng.choice([rng.integers(1, 13), rng.integers(3, 8)]))
    text = "".join(str(digit) for digit in rng.integers(0, 10, count))
    if rng.random() < 0.15:  # the same digit again: what is hardest for CTC
        at = rng.integers(len(text))
        text = text[:at] + text[at] * int(rng.integers(2, 5)) + text[at + 1 :]
    return text[:12]


def _amount(rng: np.random.Generator) -> str:
    length = int(
        rng.choice([1, 2, 3, 4, 5, 6, 7, 8], p=(0.01, 0.04, 0.16, 0.3, 0.3, 0.12, 0.05, 0.02))
    )
    digits = [str(digit) for digit in rng.integers(0, 10, length)]
    # Amounts begin with small digits more often than with large ones (Benford's law).
    digits[0] = str(int(10 ** rng.uniform()))
    if rng.random() < 0.4:  # round ones
        zeros = int(rng.integers(1, length)) if length > 1 else 0
        digits[length - zeros :] = ["0"] * zeros
    text = "".join(digits)
    mark = rng.choice([".", "", ",", " ", ":", "-"], p=(0.5, 0.32, 0.06, 0.08, 0.02, 0.02))
    if mark:
        groups = [text[max(0, end - 3) : end] for end in range(len(text), 0, -3)][::-1]
        text = mark.join(groups)
    if rng.random() < 0.55:
        space = " " if rng.random() < 0.3 else ""
        text += space + str(rng.choice(_CLOSINGS))
    if rng.random() < 0.03:
        text = str(rng.choice(["-", "=", "?", ":"])) + text
    return text


def _decimal(rng: np.random.Generator) -> str:
    whole, part = rng.integers(0, 10 ** rng.integers(1, 4)), rng.integers(0, 100)
    return f"{whole}{rng.choice(['.', ','])}{part:0{rng.integers(1, 3)}d}"


def _date(rng: np.random.Generator) -> str:
    day, month, year = rng.integers(1, 32), rng.integers(1, 13), rng.integers(1900, 2100)
    pad = int(rng.integers(1, 3))
    shown = year if rng.random() < 0.5 else year % 100
    mark = str(rng.choice(["/", "-", "."]))
    return f"{day:0{pad}d}{mark}{month:0{pad}d}{mark}{shown:02d}"


def _time(rng: np.random.Generator) -> str:
    hour, minute = rng.integers(0, 24), rng.integers(0, 60)
    return f"{hour:0{rng.integers(1, 3)}d}{rng.choice([':', '.'])}{minute:02d}"


def _signed(rng: np.random.Generator) -> str:
    """A number with a minus, or with another sign before it."""
    number = _decimal(rng) if rng.random() < 0.5 else str(rng.integers(0, 1000))
    return str(rng.choice(["-", "-", JUNK])) + number


def _measured(rng: np.random.Generator) -> str:
    """A number with a currency sign before it, or a unit or per cent after it."""
    number = _decimal(rng) if rng.random() < 0.6 else str(rng.integers(0, 10000))
    space = " " if rng.random() < 0.4 else ""
    if rng.random() < 0.4:
        return JUNK * int(rng.choice([1, 1, 3])) + space + number
    return number + space + JUNK * int(rng.choice([1, 2, 2, 3]))


def _dash(rng: np.random.Generator) -> str:
    """A dash where a number might be: there is none."""
    return str(rng.choice(["-", "--", "-", "=", "---"]))


def _mixed(rng: np.random.Generator) -> str:
    """Digits beside letters, as in codes and units."""
    digits = "".join(str(digit) for digit in rng.integers(0, 10, rng.integers(1, 6)))
    letters = JUNK * int(rng.integers(1, 4))
    space = " " if rng.random() < 0.5 else ""
    return digits + space + letters if rng.random() < 0.5 else letters + space + digits


def _junk(rng: np.random.Generator) -> str:
    """A word."""
    return JUNK * int(rng.integers(1, 9))


def _nothing(rng: np.random.Generator) -> str:
    """Blank paper."""
    del rng
    return ""
