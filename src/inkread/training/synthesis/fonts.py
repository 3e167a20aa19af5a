"""Finds fonts; renders characters of matplotlib's bundled ones, and their skeletons.

Characters that could be taken for a digit are left out, as in ``letter_strokes``.
"""

from functools import cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

__all__ = ["CANVAS_PX", "FONTS", "find_fonts", "print_character", "thin_character"]

CANVAS_PX = 96  # width and height of a printed letter's picture
_LETTER_PX = 64  # size of the font in it

_SYSTEM_FONTS = Path("/usr/share/fonts")
# Fonts without Latin letters and digits, of symbols, or so like handwriting that they'd teach it.
_UNFIT = (
    "symbol", "dingbat", "d050", "z003", "chancery", "math", "stixsiz", "stixnon", "cmsy", "cmex",
    "cmmi", "emoji", "barcode", "initials", "keyboard", "opensymbol", "script", "cursive",
)  # fmt: skip

_LATIN = "ACDEFGHJKLMNPRTUVWXYacdefhjkmnprtuvwxy"
_SYMBOLS = "#%&?*+@$€£¥±÷≈≠√∑∆∇αγηκλμνπφψωΓΔΛΞΠΣΦΨΩДЖИЛФЦШЩЮЯжлпфцшюя"
_SCRIPT_CODE_POINT = (
    0x1D49C  # Unicode's script capitals, then small letters; the bold ones follow them
)
_DIGIT_LIKE_IN_SCRIPT = "Lj"  # in script they could be taken for a 2
_NOT_IN_SCRIPT_BLOCK = "BEFHILMRego"  # Unicode encodes these outside of the block


def _list_script_letters(first: int, gaps: str = "") -> str:
    capitals = {chr(ord("A") + k): chr(first + k) for k in range(26)}
    small = {chr(ord("a") + k): chr(first + 26 + k) for k in range(26)}
    return "".join(
        character
        for plain, character in (capitals | small).items()
        if plain in _LATIN and plain not in gaps + _DIGIT_LIKE_IN_SCRIPT
    )


def _list_fonts() -> list[tuple[str, str]]:
    """List fonts and the characters to render from each: (file stem, characters)."""
    dejavu = [
        f"DejaVu{family}{style}"
        for family, slanted in (("Sans", "Oblique"), ("SansMono", "Oblique"), ("Serif", "Italic"))
        for style in ("", "-Bold", f"-{slanted}", f"-Bold{slanted}")
    ]
    fonts = [(name, _LATIN + _SYMBOLS) for name in dejavu]
    fonts += [(name, _LATIN) for name in ("cmr10", "cmb10", "cmss10", "cmtt10")]
    # Italic and script fonts are nearest to handwriting, so they are listed several times.
    slanted_fonts = [(name, _LATIN) for name in ("cmmi10", "cmti10", "STIXGeneralBolIta")]
    slanted_fonts += [
        ("STIXGeneralItalic", _LATIN),
        ("STIXGeneralItalic", _list_script_letters(_SCRIPT_CODE_POINT, _NOT_IN_SCRIPT_BLOCK)),
        ("STIXGeneral", _list_script_letters(_SCRIPT_CODE_POINT + 52)),
        ("cmsy10", "ACDEFGHJKLMNPRTUVWXY"),
    ]
    return fonts + 4 * slanted_fonts


FONTS = _list_fonts()


@cache
def find_fonts() -> tuple[Path, ...]:
    """Return the fonts to print with: Matplotlib's, and those of the system that have Latin."""
    own = Path(mpl.get_data_path()) / "fonts" / "ttf"
    found = sorted(own.glob("*.ttf")) + sorted(_SYSTEM_FONTS.rglob("*.[to]tf"))
    return tuple(path for path in found if _is_fit(path))


def _is_fit(path: Path) -> bool:
    name = path.stem.lower()
    if any(part in name for part in _UNFIT):
        return False
    if name.startswith("noto"):  # the others are of other scripts
        return name.split("-")[0] in ("notosans", "notoserif", "notosansdisplay", "notosansmono")
    return True


@cache
def print_character(font: str, character: str) -> npt.NDArray[np.uint8]:
    """Render a character.

    Args:
        font: file stem of a font in ``FONTS``.
        character: one of that font's characters.

    Returns:
        (CANVAS_PX, CANVAS_PX) uint8, ink 255 on paper 0, the letter centred; read-only.
    """
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    picture = Image.new("L", (CANVAS_PX, CANVAS_PX))
    ImageDraw.Draw(picture).text(
        (CANVAS_PX / 2, CANVAS_PX / 2),
        character,
        fill=255,
        font=ImageFont.truetype(str(path), _LETTER_PX),
        anchor="mm",
    )
    return _make_read_only(np.array(picture))


@cache
def thin_character(font: str, character: str) -> npt.NDArray[np.uint8]:
    """Render a character and reduce it to its skeleton, lines of one pixel width.

    The method is that of Zhang and Suen 1984, "A fast parallel algorithm for thinning digital
    patterns".

    Args:
        font: file stem of a font in ``FONTS``.
        character: one of that font's characters.

    Returns:
        (CANVAS_PX, CANVAS_PX) uint8, ink 255 on paper 0; read-only.
    """
    mask = (print_character(font, character) > 127).astype(np.uint8)
    while True:
        before = mask
        for table in _REMOVAL_TABLES:
            neighbours = cv2.filter2D(mask, cv2.CV_8U, _BIT_OF_NEIGHBOUR, borderType=0)
            mask = mask & ~table[neighbours]
        if np.array_equal(mask, before):
            return _make_read_only(mask * np.uint8(255))


def _make_read_only(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Make a picture read-only, because the cached functions return the same array each time."""
    ink.flags.writeable = False
    return ink


# Each of a pixel's eight neighbours is one bit of its neighbourhood's code, clockwise from above.
_BIT_OF_NEIGHBOUR = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)


def _build_removal_tables() -> npt.NDArray[np.uint8]:
    """Tabulate which neighbourhoods let a pixel be removed, for both passes: (2, 256), 0 or 1."""
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    north, east, south, west = bits[:, [0, 2, 4, 6]].T
    count = bits.sum(axis=1)
    rises = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    on_outline = (count >= 2) & (count <= 6) & (rises == 1)
    first = on_outline & (north * east * south == 0) & (east * south * west == 0)
    second = on_outline & (north * east * west == 0) & (north * south * west == 0)
    return np.array([first, second]).astype(np.uint8)


_REMOVAL_TABLES = _build_removal_tables()
