"""Draws an explanation as a picture: the evidence for the digit and that for the runner-up."""

import textwrap
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from inkread.explain.occlusion import Explanation
from inkread.files import check_target, replace_atomically
from inkread.results import Box

__all__ = ["SUFFIXES", "draw_explanation", "save_explanation"]

SUFFIXES = (".png",)  # of the files that it is saved in
_SCALE = 9  # pixels of the picture for one of the glyph
_GAP_PX, _TEXT_PX, _LINE_PX = 16, 16, 24
_MARK_SCALE = 4  # marks are drawn this much larger, then shrunk: Pillow doesn't anti-alias
_MIN_SHARE = 0.1  # of the strongest evidence; weaker marks are left out
_DIGIT_COLOUR, _RUNNER_UP_COLOUR = (0, 70, 150), (180, 60, 0)
_FRAME, _PALE_INK = 150, 205


def draw_explanation(pixels: npt.NDArray[np.uint8], explanation: Explanation) -> Image.Image:
    """Draw an explanation: the digit, its glyph, what speaks for it, and for the runner-up.

    A disc is ink that speaks for the label above it; a ring is paper that does so by being empty.
    Their area is the evidence, on one scale for both labels.

    Args:
        pixels: (H, W) or (H, W, 3) uint8, RGB: the upright picture, as ``images.load_upright``
            gives it.
        explanation: of the digit on it.
    """
    glyph = explanation.glyph
    side = _SCALE * len(glyph)
    strongest = max(float(np.abs(explanation.ink).max()), float(np.abs(explanation.paper).max()))
    scale = 1 / strongest if strongest else 0.0
    panels = {
        "the picture": _crop_digit(pixels, explanation.digit.box, side),
        "what the network sees": Image.fromarray(255 - glyph).resize((side, side), 0),
        f"speaks for {explanation.digit.label}": _draw_evidence(
            glyph, scale * explanation.ink, scale * explanation.paper, _DIGIT_COLOUR
        ),
        f"speaks for {explanation.runner_up}": _draw_evidence(
            glyph, -scale * explanation.ink, -scale * explanation.paper, _RUNNER_UP_COLOUR
        ),
    }
    font = ImageFont.load_default(_TEXT_PX)
    width = _GAP_PX + len(panels) * (side + _GAP_PX)
    # The font's letters are about half as wide as it is high.
    sentence = textwrap.wrap(explanation.summary, (width - 2 * _GAP_PX) * 2 // _TEXT_PX)
    below = _GAP_PX + _LINE_PX + side
    height = below + _GAP_PX + (len(sentence) + 1) * _LINE_PX + _GAP_PX // 2
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    for index, (title, panel) in enumerate(panels.items()):
        left, top = _GAP_PX + index * (side + _GAP_PX), _GAP_PX + _LINE_PX
        draw.text((left, _GAP_PX // 2), title, fill="black", font=font)
        canvas.paste(panel, (left, top))
        draw.rectangle((left - 1, top - 1, left + side, top + side), outline=(_FRAME,) * 3)
    for index, line in enumerate(sentence):
        draw.text((_GAP_PX, below + _GAP_PX // 2 + index * _LINE_PX), line, fill="black", font=font)
    _draw_legend(canvas, below + _GAP_PX // 2 + len(sentence) * _LINE_PX)
    return canvas


def save_explanation(pixels: npt.NDArray[np.uint8], explanation: Explanation, path: Path) -> None:
    """Write the picture of an explanation as PNG; a finished file or none.

    Raises:
        ConfigError: the file's name does not end in ``.png``, or is a folder's.
        OSError: the file can't be written.
    """
    check_target(path, SUFFIXES)
    with replace_atomically(path) as temporary:
        draw_explanation(pixels, explanation).save(temporary, format="PNG")


def _crop_digit(pixels: npt.NDArray[np.uint8], box: Box, side: int) -> Image.Image:
    """Cut the digit out with some paper around it, and fit it into a square."""
    margin = max(2, round(0.15 * max(box.right - box.left, box.bottom - box.top)))
    crop = Image.fromarray(pixels).crop(
        (
            max(0, box.left - margin),
            max(0, box.top - margin),
            min(pixels.shape[1], box.right + margin),
            min(pixels.shape[0], box.bottom + margin),
        )
    )
    scale = side / max(crop.size)
    size = max(1, round(scale * crop.width)), max(1, round(scale * crop.height))
    panel = Image.new("RGB", (side, side), (_FRAME,) * 3)
    panel.paste(crop.resize(size), ((side - size[0]) // 2, (side - size[1]) // 2))
    return panel


def _draw_evidence(
    glyph: npt.NDArray[np.uint8],
    ink: npt.NDArray[np.float32],
    paper: npt.NDArray[np.float32],
    colour: tuple[int, int, int],
) -> Image.Image:
    """Draw discs and rings over a pale glyph: (28, 28) evidence, marked above 0, at most 1."""
    pixel = _SCALE * _MARK_SCALE
    pale = (255 - glyph / 255 * (255 - _PALE_INK)).astype(np.uint8)
    size = glyph.shape[1] * pixel, glyph.shape[0] * pixel
    panel = Image.fromarray(pale).resize(size, 0).convert("RGB")
    draw = ImageDraw.Draw(panel)
    for row, column in np.argwhere(np.maximum(ink, paper) > _MIN_SHARE).tolist():
        centre = (column + 0.5) * pixel, (row + 0.5) * pixel
        is_ink = ink[row, column] >= paper[row, column]
        strength = float(max(ink[row, column], paper[row, column]))
        _draw_mark(draw, centre, strength**0.5 * pixel / 2, colour, filled=is_ink)
    return panel.resize((size[0] // _MARK_SCALE, size[1] // _MARK_SCALE), Image.Resampling.BOX)


def _draw_mark(
    draw: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    radius: float,
    colour: tuple[int, int, int],
    *,
    filled: bool,
) -> None:
    fill = colour if filled else None
    draw.circle(centre, radius, fill=fill, outline=colour, width=_MARK_SCALE)


def _draw_legend(canvas: Image.Image, top: int) -> None:
    """Say what the marks mean, below everything else."""
    font = ImageFont.load_default(_TEXT_PX)
    draw = ImageDraw.Draw(canvas)
    left = float(_GAP_PX)
    for text, filled in (("ink", True), ("empty paper; the larger, the stronger", False)):
        mark = Image.new("RGB", (_TEXT_PX * _MARK_SCALE, _TEXT_PX * _MARK_SCALE), "white")
        middle = mark.width / 2
        _draw_mark(
            ImageDraw.Draw(mark),
            (middle, middle),
            middle - _MARK_SCALE * 4,
            (0, 0, 0),
            filled=filled,
        )
        canvas.paste(
            mark.resize((_TEXT_PX, _TEXT_PX), Image.Resampling.BOX), (round(left), top + 2)
        )
        draw.text((left + 1.3 * _TEXT_PX, top), text, fill="black", font=font)
        left += 1.3 * _TEXT_PX + font.getlength(text) + _GAP_PX
