"""Draws annotated pictures: a box around every digit, and the text that was read above it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from inkread.files import replace_atomically
from inkread.results import Page

__all__ = ["draw_annotated", "save_annotated"]

_ACCEPTED_RGB, _REJECTED_RGB = (0, 120, 60), (200, 30, 30)


def draw_annotated(pixels: npt.NDArray[np.uint8], page: Page) -> Image.Image:
    """Draw results over a picture.

    The text of a number and its confidence stand above its boxes; what is rejected is red.

    Args:
        pixels: (H, W) or (H, W, 3) uint8, RGB: the upright picture, as ``images.load_upright``
            returns it.
        page: the results of reading it.
    """
    picture = Image.fromarray(pixels).convert("RGB")
    scale = max(1.0, 240 / max(picture.size))  # enlarges small pictures, so that text fits in
    if scale > 1:
        size = round(picture.width * scale), round(picture.height * scale)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    text_px = max(14, round(max(picture.size) / 40))
    margin = round(1.4 * text_px)
    canvas = Image.new("RGB", (picture.width, picture.height + margin), "white")
    canvas.paste(picture, (0, margin))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(text_px)
    line_px = max(1, text_px // 10)
    for number in page.numbers:
        for digit in number.digits:
            left, top, right, bottom = (round(scale * side) for side in digit.box)
            colour = _REJECTED_RGB if digit.rejected else _ACCEPTED_RGB
            draw.rectangle(
                (left, top + margin, right - 1, bottom + margin - 1), outline=colour, width=line_px
            )
        caption = f"{number.text}  {number.confidence:.0%}"
        left = min(round(scale * number.box.left), canvas.width - round(font.getlength(caption)))
        place = (max(0, left), round(scale * number.box.top))  # the margin moves it above the box
        colour = _REJECTED_RGB if number.rejected else _ACCEPTED_RGB
        draw.text(place, caption, fill=colour, font=font, stroke_width=2, stroke_fill="white")
    return canvas


def save_annotated(pixels: npt.NDArray[np.uint8], page: Page, path: Path) -> None:
    """Write an annotated picture as PNG, atomically.

    Args:
        pixels: as for ``draw_annotated``.
        page: the results of reading it.
        path: of the file.

    Raises:
        OSError: the file can't be written.
    """
    with replace_atomically(path) as temporary:
        draw_annotated(pixels, page).save(temporary, format="PNG")
