"""Synthetic scans of filled-in forms: printed form, MNIST digits in its fields, simulated scan.

Used for tests and benchmarks, since every value and the homography from form to scan are known.
Requires pypdfium2 to render the printed form.
"""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pypdfium2

from inkread.errors import ConfigError
from inkread.forms import print_layout
from inkread.forms.fields import AmountField, DateField, FormField, Rect, TickField
from inkread.forms.printing import print_form
from inkread.forms.relations import OrderRule, SumRule
from inkread.forms.rules import holds
from inkread.forms.template import Template
from inkread.forms.values import Value, find_objection, interpret_digits
from inkread.training.mnist import Split

__all__ = [
    "TICKED",
    "Scan",
    "draw_texts",
    "render_blank_page",
    "scan_page",
    "texts_to_values",
    "write_texts",
]

TICKED = "x"
_PAGE_DPI = 200.0  # resolution of the page before it is scanned
_SCAN_DPI = 150.0
_MAX_NUM_DRAWS = 2_000  # attempts to draw texts for all fields that meet the rules
_MAX_NUM_TRIES = 20_000  # attempts to draw a text for one field

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Scan:
    """A simulated scan and its exact geometry.

    Attributes:
        data: the bytes of a JPEG file.
        homography: (3, 3) float64, maps millimetres on the form to pixels of the scan.
    """

    data: bytes
    homography: npt.NDArray[np.float64]


def render_blank_page(template: Template, dpi: float = _PAGE_DPI) -> Grey:
    """Print a form and render its first page.

    Args:
        template: the form.
        dpi: resolution of the result.

    Returns:
        (H, W) uint8, 0 black, 255 white.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "form.pdf"
        print_form(template, path)
        document = pypdfium2.PdfDocument(path.read_bytes())
        try:
            bitmap = document[0].render(scale=dpi / 72, grayscale=True)
            page = np.array(bitmap.to_numpy().reshape(bitmap.height, -1)[:, : bitmap.width])
            bitmap.close()
        finally:
            document.close()
    return page


def draw_texts(template: Template, rng: np.random.Generator) -> dict[str, str]:
    """Draw random digits for every field that meet its constraints and the form's rules.

    Returns:
        Digits by field name; for a tick box, ``TICKED`` or the empty string.

    Raises:
        ConfigError: no texts that meet them were found in a limited number of attempts.
    """
    rules = template.rules
    totals = {rule.equals for rule in rules if isinstance(rule, SumRule)}
    for _ in range(_MAX_NUM_DRAWS):
        texts = {
            field.name: _draw_text(template, field, rng)
            for field in template.fields
            if field.name not in totals
        }
        for rule in rules:
            if isinstance(rule, OrderRule) and not totals & set(rule.order):
                _sort_texts(template, rule, texts)
        for rule in rules:
            if isinstance(rule, SumRule):
                total = str(sum(int(texts[name]) for name in rule.sum))
                # Pad the total to the minimum number of digits of its field.
                texts[rule.equals] = total.zfill(template.field_named(rule.equals).lengths[0])
        values = texts_to_values(template, texts)
        if all(holds(rule, template, values) for rule in rules) and all(
            find_objection(field, texts[field.name]) is None
            for field in template.fields
            if field.name in totals
        ):
            return texts
    raise ConfigError(f"{template.form}: expected rules that random values can meet")


def texts_to_values(template: Template, texts: dict[str, str]) -> dict[str, Value]:
    """Return the value of each field: a bool for a tick box, else the value of its digits."""
    return {
        field.name: texts[field.name] == TICKED
        if isinstance(field, TickField)
        else interpret_digits(field, texts[field.name])
        for field in template.fields
    }


def write_texts(
    template: Template, page: Grey, texts: dict[str, str], digits: Split, rng: np.random.Generator
) -> Grey:
    """Write digits and ticks into the fields of a printed page.

    Args:
        template: the form.
        page: (H, W) uint8, from ``render_blank_page`` at its default resolution.
        texts: digits by field name, as ``draw_texts`` returns them.
        digits: images of the digits to write with; all labels must occur.
        rng: source of randomness for the images, their sizes, positions and the ink's darkness.

    Returns:
        (H, W) uint8, 0 black, 255 white; a new array.
    """
    ink = np.zeros(page.shape, np.float32)
    px_per_mm = page.shape[1] / template.page[0]
    by_label = [np.flatnonzero(digits.labels == label) for label in range(10)]
    for field in template.fields:
        rect = template.rects[field.name]
        if isinstance(field, TickField):
            if texts[field.name] == TICKED:
                _draw_tick(ink, rect, px_per_mm, rng)
            continue
        glyphs = [digits.images[rng.choice(by_label[int(digit)])] for digit in texts[field.name]]
        if field.num_cells:
            _write_in_cells(ink, field, rect, px_per_mm, (glyphs, rng))
        elif glyphs:
            _write_in_box(ink, rect, px_per_mm, (glyphs, rng))
    darkness = rng.uniform(0.55, 0.95)
    return np.asarray(page * (1 - darkness * np.minimum(ink, 1.0)), np.uint8)


def scan_page(
    template: Template, page: Grey, rng: np.random.Generator, *, upside_down: bool = False
) -> Scan:
    """Simulate a scan: rotation of up to 6 degrees, scaling, perspective, uneven light, noise.

    Args:
        template: the form on the page.
        page: (H, W) uint8, 0 black, 255 white.
        rng: source of randomness for all of it.
        upside_down: rotate by a further 180 degrees.

    Returns:
        The JPEG file, and the homography from the form to its pixels.
    """
    height, width = page.shape
    scale = _SCAN_DPI / _PAGE_DPI * rng.uniform(0.92, 1.06)
    angle = math.radians(rng.uniform(-6, 6) + (180 if upside_down else 0))
    turn = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    target = corners @ turn.T + rng.uniform(-0.012, 0.012, (4, 2)) * scale * width
    margins = rng.uniform(2, 40, 4)
    target -= target.min(axis=0) - margins[:2]
    size = tuple(np.ceil(target.max(axis=0) + margins[2:]).astype(int))
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
    # Here pixel i covers i to i + 1; OpenCV puts the origin at the centre of the first pixel.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    background = float(rng.choice([rng.uniform(15, 90), rng.uniform(225, 250)]))
    white = rng.uniform(225, 252)
    soft = cv2.GaussianBlur(page, (0, 0), 0.5 * _PAGE_DPI / _SCAN_DPI)
    picture = cv2.warpPerspective(
        (soft * (white / 255)).astype(np.float32),
        np.linalg.inv(half) @ matrix @ half,
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=background,
    )
    picture *= _simulate_light(picture.shape, rng)
    picture += rng.normal(0, rng.uniform(1.0, 7.0), picture.shape)
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    quality = int(rng.integers(40, 92))
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    to_page = np.diag([width / template.page[0], height / template.page[1], 1.0])
    return Scan(data.tobytes(), np.asarray(matrix @ to_page, np.float64))


def _draw_text(template: Template, field: FormField, rng: np.random.Generator) -> str:
    if isinstance(field, TickField):
        return TICKED if rng.random() < 0.5 else ""
    shortest, longest = field.lengths
    if not field.num_cells and not isinstance(field, DateField):
        longest = min(longest, max(shortest, 8))
    # Terms of a sum are kept shorter than the total, so that the total fits its field.
    for rule in template.rules:
        if isinstance(rule, SumRule) and field.name in rule.sum:
            longest = max(shortest, min(longest, template.field_named(rule.equals).lengths[1] - 1))
    for _ in range(_MAX_NUM_TRIES):
        if isinstance(field, DateField):
            day, month, year = rng.integers(1, 29), rng.integers(1, 13), rng.integers(2020, 2027)
            parts = {"DD": f"{day:02}", "MM": f"{month:02}", "YYYY": str(year), "YY": str(year)[2:]}
            text = str(field.format)
            for unit, digits in parts.items():
                text = text.replace(unit, digits)
        else:
            length = int(rng.integers(shortest, longest + 1))
            text = "".join(map(str, rng.integers(0, 10, length)))
            if length > shortest or isinstance(field, AmountField):  # numbers have no leading zero
                text = str(rng.integers(1, 10)) + text[1:]
        if find_objection(field, text) is None:
            return text
    raise ConfigError(f"{template.form}, {field.name}: expected constraints that a number can meet")


def _sort_texts(template: Template, rule: OrderRule, texts: dict[str, str]) -> None:
    ordered = sorted(
        (texts[name] for name in rule.order),
        key=lambda text: str(interpret_digits(template.field_named(rule.order[0]), text)).zfill(24),
    )
    texts.update(zip(rule.order, ordered, strict=True))


def _write_in_cells(
    ink: npt.NDArray[np.float32],
    field: FormField,
    rect: Rect,
    px_per_mm: float,
    writing: tuple[list[Grey], np.random.Generator],
) -> None:
    glyphs, rng = writing
    cells = print_layout.place_cells(field, rect)
    # Amounts are right-aligned, other numbers left-aligned.
    first = len(cells) - len(glyphs) if isinstance(field, AmountField) else 0
    size = rng.uniform(0.6, 0.8)
    for cell, image in zip(cells[first:], glyphs, strict=False):
        height = min(cell.height, 1.5 * cell.width) * size * rng.uniform(0.92, 1.08)
        digit = _resize_digit(image, height * px_per_mm)
        most = 0.92 * cell.width * px_per_mm
        if digit.shape[1] > most:
            digit = _resize_digit(image, height * px_per_mm * most / digit.shape[1])
        middle = np.array([(cell.left + cell.right) / 2, (cell.top + cell.bottom) / 2])
        middle += rng.normal(0, 0.06, 2) * (cell.width, cell.height)
        _paste(ink, digit, middle * px_per_mm)


def _write_in_box(
    ink: npt.NDArray[np.float32],
    rect: Rect,
    px_per_mm: float,
    writing: tuple[list[Grey], np.random.Generator],
) -> None:
    glyphs, rng = writing
    height = min(rect.height * rng.uniform(0.5, 0.75), 8.0) * px_per_mm
    gap = rng.uniform(0.05, 0.3) * height
    digits = [_resize_digit(image, height * rng.uniform(0.92, 1.08)) for image in glyphs]
    total = sum(digit.shape[1] for digit in digits) + gap * (len(digits) - 1)
    room = 0.94 * rect.width * px_per_mm
    shrink = min(1.0, room / total)
    left = rect.left * px_per_mm + (rect.width * px_per_mm - shrink * total) * rng.uniform(0.1, 0.9)
    base = (rect.top + rect.bottom) / 2 * px_per_mm
    for image, digit in zip(glyphs, digits, strict=True):
        small = _resize_digit(image, digit.shape[0] * shrink) if shrink < 1 else digit
        place = np.array([left + small.shape[1] / 2, base + rng.normal(0, 0.03) * height])
        _paste(ink, small, place)
        left += small.shape[1] + shrink * gap


def _resize_digit(image: Grey, height_px: float) -> npt.NDArray[np.float32]:
    """Crop an MNIST digit to its ink and resize it to a height: (H, W) float32, ink 1, paper 0."""
    x, y, width, height = cv2.boundingRect((image > 40).astype(np.uint8))
    cropped = image[y : y + height, x : x + width].astype(np.float32) / 255
    # A flat image, such as a horizontal stroke, must not be enlarged to a digit's full height;
    # MNIST digits are about 20 pixels high.
    scale = height_px / max(height, 14)
    size = max(2, round(width * scale)), max(2, round(height * scale))
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    sharpened = (cv2.resize(cropped, size, interpolation=how) - 0.25) / 0.5
    return np.asarray(np.clip(sharpened, 0, 1), np.float32)


def _paste(
    ink: npt.NDArray[np.float32], digit: npt.NDArray[np.float32], middle: npt.NDArray[np.float64]
) -> None:
    height, width = digit.shape
    left, top = np.rint(middle - np.array([width, height]) / 2).astype(int)
    target = ink[top : top + height, left : left + width]
    np.maximum(target, digit[: target.shape[0], : target.shape[1]], out=target)


def _draw_tick(
    ink: npt.NDArray[np.float32], rect: Rect, px_per_mm: float, rng: np.random.Generator
) -> None:
    shapes = (
        [[(0.15, 0.15), (0.85, 0.85)], [(0.85, 0.15), (0.15, 0.85)]],
        [[(0.15, 0.5), (0.4, 0.85), (0.95, 0.05)]],
    )
    for stroke in shapes[rng.integers(len(shapes))]:
        points = np.array(stroke) + rng.normal(0, 0.05, (len(stroke), 2))
        pixels = (points * (rect.width, rect.height) + (rect.left, rect.top)) * px_per_mm
        vertices = np.rint(pixels * 16).astype(np.int32).reshape(-1, 1, 2)
        thickness = max(1, round(rng.uniform(0.35, 0.7) * px_per_mm))
        cv2.polylines(ink, [vertices], False, 1.0, thickness, cv2.LINE_AA, 4)


def _simulate_light(shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return a brightness map: (H, W) float32, a smooth gradient, often with a shadow's edge."""
    height, width = shape[:2]
    coarse = rng.uniform(0.72, 1.0, (2, 2)).astype(np.float32)
    light = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.4:
        mask = np.ones((height, width), np.float32)
        ends = rng.uniform(0, 1, 2) * width
        edge = np.array([[0, 0], [ends[0], 0], [ends[1], height], [0, height]], np.int32)
        cv2.fillPoly(mask, [edge], float(rng.uniform(0.6, 0.85)))
        # The soft edge of a shadow is blurred at an eighth of the resolution, which is faster.
        small = cv2.resize(mask, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), rng.uniform(1.0, 6.0))
        light = light * cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(light, np.float32)
