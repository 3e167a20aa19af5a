"""The picture of a blank form: how large its paper is, and how it looks flat."""

import os
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from inkread.errors import ConfigError, ImageError
from inkread.forms.template import PAGE_SIZES_MM
from inkread.imaging import images, pdf

__all__ = ["BlankPage", "load_blank", "parse_page"]

Grey = npt.NDArray[np.uint8]
Size = tuple[float, float]  # width and height in millimetres

_MM = {"": 1.0, "mm": 1.0, "cm": 10.0, "in": 25.4}
_PAGE = re.compile(r"(\d{1,4}(?:\.\d{1,2})?)x(\d{1,4}(?:\.\d{1,2})?)(mm|cm|in)?")
_SIDES_MM = (50.0, 1000.0)  # of a page
_DPIS = (60.0, 1300.0)  # that a picture may state; 72 is what programs write that don't know
_UNKNOWN_DPI = 72.0
_MAX_ASPECT_ERROR = 0.03
_MIN_SHEET_SHARE = 0.3  # of a photo that its sheet covers
_SEARCH_SIDE_PX = 800
_EDGE_SHARE = 0.02  # of the sides: a sheet that comes so near to all edges needs no rectifying
_EXPECTED = "expected a page such as a4, 210x297 (in mm) or 8.5x11in"


@dataclass(frozen=True, eq=False)
class BlankPage:
    """A blank form, flat and edge to edge.

    Attributes:
        pixels: (H, W) uint8.
        size_mm: width and height of its paper.
        was_rectified: whether it is a photo of a sheet that was made flat.
    """

    pixels: Grey
    size_mm: Size
    was_rectified: bool

    def save(self, path: Path) -> None:
        """Write the picture as a PNG file.

        Raises:
            OSError: it can't be written.
        """
        path.write_bytes(bytes(cv2.imencode(".png", self.pixels)[1]))


def parse_page(page: str) -> Size:
    """Parse a paper's name, or its width and height: ``a4``, ``210x297``, ``8.5x11in``.

    Raises:
        ConfigError: it is none of these, or has sides below 50 or above 1,000 mm.
    """
    if page in PAGE_SIZES_MM:
        return PAGE_SIZES_MM[page]
    found = _PAGE.fullmatch(page)
    if not found:
        raise ConfigError(f"{_EXPECTED}, received {page!r}")
    unit = _MM[found[3] or ""]
    size = round(float(found[1]) * unit, 1), round(float(found[2]) * unit, 1)
    if not all(_SIDES_MM[0] <= side <= _SIDES_MM[1] for side in size):
        raise ConfigError(f"{_EXPECTED}, of 50 to 1000 mm, received {size[0]:g} x {size[1]:g} mm")
    return size


def load_blank(path: str | os.PathLike[str], page: str | None = None) -> BlankPage:
    """Load the picture of a blank form: a scan, a page of a PDF file, or a photo of a sheet.

    Args:
        path: of the picture.
        page: its paper, as for ``parse_page``; ``None``: that of the PDF file, what the picture's
            resolution says, or what its shape does (A4 or Letter).

    Raises:
        ImageError: it can't be read, or shows no whole page of this paper.
        ConfigError: ``page`` is no paper.
    """
    pixels = images.load(path)
    if page is not None:
        size = parse_page(page)
        sizes: Sequence[Size] = [_turn(size, pixels.shape) if page in PAGE_SIZES_MM else size]
    else:
        stated = _read_size(path, pixels.shape)
        named = [_turn(PAGE_SIZES_MM[name], pixels.shape) for name in ("a4", "letter")]
        sizes = [stated] if stated else named
    for size in sizes:
        if _has_aspect(pixels, size) and _find_sheet(pixels) is None:
            return BlankPage(pixels, size, was_rectified=False)
    return _rectify(pixels, sizes)


def _turn(size: Size, shape: tuple[int, ...]) -> Size:
    """Return the size of a paper that lies as its picture does."""
    return (max(size), min(size)) if shape[1] > shape[0] else (min(size), max(size))


def _has_aspect(pixels: Grey, size: Size) -> bool:
    aspect = pixels.shape[1] / pixels.shape[0]
    return bool(abs(aspect / (size[0] / size[1]) - 1) <= _MAX_ASPECT_ERROR)


def _read_size(path: str | os.PathLike[str], shape: tuple[int, ...]) -> Size | None:
    """Return the size of paper that a file states; ``None`` if it states none that can be."""
    data = Path(path).read_bytes()
    if pdf.is_pdf(data):
        with closing(pdf.Pdf(data)) as document:
            width, height = document.measure_page(0)
        return _check_size((width / 72 * 25.4, height / 72 * 25.4))
    try:
        with Image.open(path) as picture:
            dpi = picture.info.get("dpi")
    except (OSError, UnidentifiedImageError):
        return None
    if not dpi or not all(_DPIS[0] <= float(each) <= _DPIS[1] for each in dpi[:2]):
        return None
    if round(float(dpi[0])) == _UNKNOWN_DPI:
        return None
    return _check_size((shape[1] / float(dpi[0]) * 25.4, shape[0] / float(dpi[1]) * 25.4))


def _check_size(size: Size) -> Size | None:
    if not all(_SIDES_MM[0] <= side <= _SIDES_MM[1] for side in size):
        return None
    return round(size[0], 1), round(size[1], 1)


def _find_sheet(pixels: Grey) -> npt.NDArray[np.float32] | None:
    """Return the corners of a sheet that lies on something darker, clockwise from the top left."""
    scale = min(1.0, _SEARCH_SIDE_PX / max(pixels.shape))
    small = cv2.GaussianBlur(
        cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), (0, 0), 2
    )
    height, width = small.shape
    _, light = cv2.threshold(small, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    light = cv2.morphologyEx(light, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    outlines, _ = cv2.findContours(light, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(outlines, key=cv2.contourArea, default=None)
    if outline is None or cv2.contourArea(outline) < _MIN_SHEET_SHARE * height * width:
        return None
    hull = cv2.convexHull(outline)
    corners = cv2.approxPolyDP(hull, 0.02 * cv2.arcLength(hull, closed=True), closed=True)[:, 0]
    if len(corners) != 4:
        return None
    ends = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    order = [int(np.hypot(*(corners - end).T).argmin()) for end in ends]
    if len(set(order)) != 4:
        return None
    found = corners[order].astype(np.float32)
    if np.abs(found - ends).max() < _EDGE_SHARE * max(height, width):
        return None
    return np.asarray(found / scale, np.float32)


def _rectify(pixels: Grey, sizes: Sequence[Size]) -> BlankPage:
    corners = _find_sheet(pixels)
    shown = " or ".join(f"{width:g} x {height:g} mm" for width, height in sizes)
    if corners is None:
        raise ImageError(
            f"expected a picture of the whole page, {shown}, or a photo of the sheet with all its "
            f"corners, received {pixels.shape[1]} x {pixels.shape[0]} pixels; --page says how "
            "large the paper is"
        )
    across = max(np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[2] - corners[3])))
    down = max(np.hypot(*(corners[3] - corners[0])), np.hypot(*(corners[2] - corners[1])))
    # Perspective shortens one side, so the paper that is nearest in shape is taken.
    size = min(sizes, key=lambda each: abs(np.log(across / down * each[1] / each[0])))
    px_per_mm = max(across / size[0], down / size[1])
    width, height = round(size[0] * px_per_mm), round(size[1] * px_per_mm)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, flat)
    rectified = cv2.warpPerspective(pixels, matrix, (width, height), flags=cv2.INTER_AREA)
    return BlankPage(np.asarray(rectified, np.uint8), size, was_rectified=True)
