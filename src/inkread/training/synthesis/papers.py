"""Renders ink as a grey picture: background print, ruling, uneven light, camera noise."""

import cv2
import numpy as np
import numpy.typing as npt

from inkread.training.synthesis.form_rules import form_rules, shading

__all__ = ["fine_print", "picture"]

_FORMS_SHARE = 0.08  # of the papers that may be forms, those with a form's rules
_SHADED_SHARE = 0.05  # of them, those with a shaded cell
_PALE_SHARE = 0.1  # of them, those with pale ink
_BLURRED_SHARE = 0.15  # of them, those photographed out of focus

Floats = npt.NDArray[np.float32]


def picture(
    ink: Floats, rng: np.random.Generator, height_px: float, *, forms: bool = False
) -> npt.NDArray[np.uint8]:
    """Put ink on some paper and look at it with some camera.

    Args:
        ink: (H, W) float32 in [0, 1].
        rng: decides the paper, the pen's colour, the light and the camera.
        height_px: of the tall digits: prints are scaled to them.
        forms: whether the paper may be a form, with edges of boxes, combs and shaded cells; and
            whether the ink may be pale, and the photograph out of focus.

    Returns:
        (H, W) uint8, dark ink on lighter paper; its size may differ a little from that of the ink.
    """
    shape = ink.shape
    unit = height_px / 28  # prints are described for digits of 28 pixels
    opacity = rng.uniform(0.35, 0.95)
    if forms and rng.random() < _PALE_SHARE:
        opacity = rng.uniform(0.12, 0.35)
    printed = np.zeros(shape, np.float32)
    if rng.random() < 0.7:
        depth = opacity * rng.uniform(0.05, 0.55)
        printed = depth * fine_print(shape, rng, height_px)
    if rng.random() < 0.4:
        printed = np.maximum(printed, opacity * rng.uniform(0.3, 1.1) * _ruling(shape, rng, unit))
    if forms and rng.random() < _FORMS_SHARE:
        rules = form_rules(shape, rng, unit)
        printed = np.maximum(printed, opacity * rng.uniform(0.3, 1.1) * rules)
    if forms and rng.random() < _SHADED_SHARE:
        printed = np.maximum(printed, shading(shape, rng))
    light = rng.uniform(0.45, 1.0) * _light(shape, rng)
    pen = opacity * ink * _flow(shape, rng)
    grey = light * (1 - np.clip(printed, 0, 1)) * (1 - pen)
    return _camera(grey, rng, unit, may_blur=forms)


def fine_print(shape: tuple[int, int], rng: np.random.Generator, height_px: float) -> Floats:
    """Return what a security paper is printed with: one to three patterns over one another.

    Args:
        shape: height and width, in pixels.
        rng: decides the patterns.
        height_px: of the tall digits on it.

    Returns:
        (H, W) float32 in [0, 1].
    """
    printed = np.zeros(shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        pattern = _pattern(shape, rng, height_px / 28)
        printed = np.maximum(printed, np.float32(rng.uniform(0.4, 1)) * pattern)
    return printed


def _axes(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    return (
        np.arange(shape[0], dtype=np.float32)[:, None],
        np.arange(shape[1], dtype=np.float32)[None, :],
    )


def _pattern(shape: tuple[int, int], rng: np.random.Generator, unit: float) -> Floats:
    """Fine print over the whole paper, in [0, 1]: waves, circles, hatching, dots, texture."""
    y, x = _axes(shape)
    kind = rng.integers(6)
    period = float(unit * rng.uniform(2.5, 11))
    angle = np.float32(rng.choice([rng.normal(0, 0.12), rng.uniform(0, np.pi)]))
    if kind == 5:
        texture = cv2.GaussianBlur(
            rng.standard_normal(shape, np.float32), (0, 0), unit * rng.uniform(0.5, 1.2)
        )
        return np.asarray(np.clip(texture / (2 * texture.std() + 1e-6), 0, 1), np.float32)
    if kind == 1:
        centre = rng.uniform(-1.5, 2.5, 2) * shape
        phase = np.hypot(y - np.float32(centre[0]), x - np.float32(centre[1])) / period
    else:
        along = x * np.cos(angle) + y * np.sin(angle)
        aside = y * np.cos(angle) - x * np.sin(angle)
        if kind in (0, 2):
            wave = np.float32(2 * np.pi / (unit * np.exp(rng.uniform(np.log(15), np.log(200)))))
            aside = aside + np.float32(unit * rng.uniform(0.5, 6)) * np.sin(
                along * wave + np.float32(rng.uniform(0, 6))
            )
        phase = aside / period
    share = rng.uniform(0.12, 0.5)  # of the paper that is printed
    lines = _lines(phase, share, period)
    if kind == 3:  # crossed
        other = (x * np.cos(angle) + y * np.sin(angle)) / period
        return np.asarray(np.maximum(lines, _lines(other, share, period)), np.float32)
    if kind == 4:  # dots
        other = (x * np.cos(angle) + y * np.sin(angle)) / period
        return np.multiply(lines, _lines(other, min(0.6, 2 * share), period))
    return np.asarray(lines, np.float32)


def _lines(phase: Floats, share: float, period: float) -> Floats:
    """Lines at whole numbers of the phase, anti-aliased."""
    distance = np.abs(phase - np.rint(phase)) * np.float32(period)  # pixels to the middle line
    return np.asarray(np.clip(np.float32(share * period / 2 + 0.5) - distance, 0, 1), np.float32)


def _ruling(shape: tuple[int, int], rng: np.random.Generator, unit: float) -> Floats:
    """Ruled lines, a frame or a comb of boxes, in [0, 1]."""
    height, width = shape
    y, x = _axes(shape)
    result = np.zeros(shape, np.float32)
    thickness = unit * rng.uniform(0.6, 2.2)
    slope = np.float32(rng.normal(0, 0.01))

    def add(distance: Floats) -> None:
        np.maximum(result, np.clip(thickness / 2 + 0.5 - np.abs(distance), 0, 1), out=result)

    # Upright lines are rare: most of what stands upright is a 1.
    kind = rng.choice(4, p=(0.45, 0.3, 0.15, 0.1))
    if kind == 0:  # a line to write on, or under
        add(
            y
            + slope * x
            - np.float32(height * rng.choice([rng.uniform(0.7, 1), rng.uniform(0, 1)]))
        )
    elif kind == 1:  # ruled paper
        spacing = unit * rng.uniform(12, 45)
        for row in np.arange(rng.uniform(0, spacing), height, spacing):
            add(y + slope * x - np.float32(row))
    elif kind == 2:  # grid, or a comb
        spacing = unit * rng.uniform(9, 34)
        for column in np.arange(rng.uniform(0, spacing), width, spacing):
            add(x - slope * y - np.float32(column))
        rows = spacing if rng.random() < 0.6 else height * rng.uniform(0.75, 0.95)
        for row in np.arange(rng.uniform(0, min(rows, 0.2 * height)), height, rows):
            add(y + slope * x - np.float32(row))
    else:  # a frame
        inset = rng.uniform(0, 0.08, 4)
        add(y - np.float32(height * inset[0]))
        add(y - np.float32(height * (1 - inset[1])))
        add(x - np.float32(height * inset[2]))
        add(x - np.float32(width - height * inset[3]))
    if rng.random() < 0.15:  # dotted
        dash = unit * rng.uniform(2, 5)
        result *= (x + y) % np.float32(2 * dash) < dash
    return result


def _light(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """How bright each place is, about 1: slow changes, and the edge of a shadow."""
    spread = rng.choice([0.0, 0.06, 0.2], p=(0.4, 0.45, 0.15))
    coarse = 1 + spread * rng.standard_normal((3, 5)).astype(np.float32)
    light = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.1:
        y, x = _axes(shape)
        angle = rng.uniform(0, 2 * np.pi)
        place = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
        edge = np.float32(np.quantile(place, rng.uniform(0.2, 0.8)))
        soft = np.float32(rng.uniform(1, 0.5 * shape[0]))
        light = light * (
            1 - np.float32(rng.uniform(0.1, 0.5)) * np.clip((place - edge) / soft, 0, 1)
        )
    return np.asarray(np.clip(light, 0.3, 1.3), np.float32)


def _flow(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """How much ink the pen gives, in [0, 1]: even, fading, or grainy as a pencil's."""
    flow: Floats = np.ones(shape, np.float32)
    if rng.random() < 0.5:
        coarse = rng.uniform(rng.uniform(0.3, 0.9), 1.1, (4, max(4, shape[1] // 14)))
        flow = cv2.resize(coarse.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        grain = cv2.GaussianBlur(
            rng.standard_normal(shape, np.float32), (0, 0), rng.uniform(0.6, 1.1)
        )
        flow = flow * (1 - rng.uniform(0.1, 0.5) * np.clip(0.5 + 2 * grain, 0, 1))
    return np.asarray(np.clip(flow, 0, 1), np.float32)


def _camera(
    grey: Floats, rng: np.random.Generator, unit: float, *, may_blur: bool
) -> npt.NDArray[np.uint8]:
    """Blur, low resolution, perspective, noise, and JPEG."""
    height, width = grey.shape
    if rng.random() < 0.35:
        lean = rng.uniform(-0.05, 0.05, (4, 2)) * height
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(corners, (corners + lean).astype(np.float32))
        grey = cv2.warpPerspective(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    blur = rng.uniform(0.0, 0.95) * unit
    if may_blur and rng.random() < _BLURRED_SHARE:
        blur = rng.uniform(1.0, 3.2) * unit
    if blur > 0.35:
        grey = cv2.GaussianBlur(grey, (0, 0), blur)
    if rng.random() < 0.25:
        factor = rng.uniform(0.4, 0.9)
        size = (max(8, round(width * factor)), max(8, round(height * factor)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    pixels = 255 * grey + rng.standard_normal(grey.shape, np.float32) * rng.uniform(0.5, 9)
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        _, data = cv2.imencode(
            ".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
        )
        result = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return np.asarray(result, np.uint8)
