"""Simulated degradations of glyphs by pens, paper, cameras, scanners and faxes.

A distortion takes glyphs, (N, 28, 28) uint8, ink 255 on paper 0; a strength for each, (N,) float in
[0, 1]; and a random generator. It returns a new array of the same shape. Strength 0 changes nothing
or almost nothing; at strength 1 a person can still read almost all glyphs. The ranges were chosen
by eye on validation images; no published corruption benchmark was copied.
"""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import ConfigError
from inkread.training.augmentation.blending import (
    AXIS,
    CENTRE,
    SIDE,
    Distortion,
    Floats,
    Glyphs,
    Strengths,
    blend,
    draw_clouds,
    draw_greys,
    draw_uniform,
    project_pixels,
    to_column,
    to_glyphs,
)
from inkread.training.augmentation.shape_distortions import (
    SHAPE_DISTORTIONS,
    dilate,
    get_neighbours,
)

__all__ = ["DISTORTIONS", "Distortion", "spoil"]

_SECOND_DISTORTION_PROBABILITY = 0.3  # of a glyph that has a first one


def spoil(glyphs: Glyphs, share: float, rng: np.random.Generator) -> Glyphs:
    """Degrade a random part of the glyphs, each by one or two distortions.

    Args:
        glyphs: (N, 28, 28) uint8, ink 255 on paper 0.
        share: probability in [0, 1] that a glyph is distorted.
        rng: source of all randomness; the same state gives the same result.

    Returns:
        (N, 28, 28) uint8; a new array. Strengths are uniform in [0, 1].

    Raises:
        ConfigError: ``share`` outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"expected a share in [0, 1], received {share}")
    result = glyphs.copy()
    names = list(DISTORTIONS)
    first = np.where(
        rng.random(len(glyphs)) < share, rng.integers(len(names), size=len(glyphs)), -1
    )
    other = (first + rng.integers(1, len(names), len(glyphs))) % len(names)
    second = np.where(
        (first >= 0) & (rng.random(len(glyphs)) < _SECOND_DISTORTION_PROBABILITY), other, -1
    )
    for chosen in (first, second):
        strength = rng.random(len(glyphs))
        for index, name in enumerate(names):
            members = np.flatnonzero(chosen == index)
            if len(members):
                result[members] = DISTORTIONS[name](result[members], strength[members], rng)
    return result


def _compute_inversion_opacity(strength: Floats) -> Floats:
    """Map a strength to the opacity of the inverse; skips 0.5, where ink and paper are equal."""
    return np.where(strength < 0.5, 0.6 * strength, 0.4 + 0.6 * strength)


# Camera and light.


def _add_grain(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Add sensor noise: uniform, stronger on the ink, or stronger on the paper."""
    noise = rng.standard_normal(glyphs.shape, np.float32) * (80 * to_column(strength))
    side = np.clip(
        draw_uniform(rng, -1.5, 1.5, len(glyphs)), -0.8, 0.8
    )  # positive: stronger on the ink
    return to_glyphs(glyphs + noise * (1 + side * (glyphs / np.float32(127.5) - 1)))


def _add_specks(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Add dead pixels and dust: single pixels of any grey, mostly ink or paper."""
    hit = rng.random(glyphs.shape, np.float32) < 0.25 * to_column(strength)
    grey = np.clip(rng.random(glyphs.shape, np.float32) * 765 - 255, 0, 255)
    return np.where(hit, grey.astype(np.uint8), glyphs)


def _blur(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Blur with a Gaussian of up to 1.9 pixels standard deviation, as out of focus."""
    del rng
    result = glyphs.copy()
    for glyph, sigma in zip(result, 1.9 * strength, strict=True):
        if sigma > 0.1:
            glyph[:] = cv2.GaussianBlur(glyph, (0, 0), float(sigma))
    return result


def _blur_by_motion(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Blur along a line of up to 6 pixels, as a moving camera."""
    result = np.empty_like(glyphs)
    angles = rng.uniform(0, np.pi, len(glyphs))
    half = 3.2 * strength
    ends = np.stack([half * np.cos(angles), half * np.sin(angles)], axis=1)
    fixed = np.rint((4 + np.stack([ends, -ends], axis=1)) * 16).astype(int)  # 4 fractional bits
    for index, (start, end) in enumerate(fixed.tolist()):
        kernel = np.zeros((9, 9), np.float32)
        cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_8, 4)
        result[index] = cv2.filter2D(glyphs[index], -1, kernel / kernel.sum())
    return result


def _add_fog(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Blend in bright smooth noise, as fog between paper and camera."""
    field = draw_clouds(rng, len(glyphs), 3) + 0.5 * draw_clouds(rng, len(glyphs), 8)
    thickness = np.clip(0.64 + 0.14 * field, 0, 0.85)
    white = draw_uniform(rng, 150, 255, len(glyphs)) + 20 * field
    return blend(glyphs, white, thickness * to_column(strength))


def _change_brightness(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Add an offset to all pixels, so that paper and ink become lighter or darker."""
    offset = np.where(rng.random(len(glyphs)) < 0.7, 200.0, -170.0)
    return to_glyphs(glyphs + to_column(offset * strength))


def _reduce_contrast(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Blend ink and paper towards one random grey."""
    return blend(glyphs, draw_greys(rng, len(glyphs)), 0.85 * to_column(strength))


def _add_gradient(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Add uneven light that changes towards one side, or away from a spot."""
    count = len(glyphs)
    angle = draw_uniform(rng, 0, 2 * np.pi, count)
    side = (
        project_pixels(angle) / (2 * CENTRE * (np.abs(np.cos(angle)) + np.abs(np.sin(angle)))) + 0.5
    )
    x, y = draw_uniform(rng, -10, 10, count), draw_uniform(rng, -10, 10, count)
    spot = np.hypot(AXIS[None, None, :] - x, AXIS[None, :, None] - y) / 22
    shade = np.where(to_column(rng.random(count)) < 0.6, side, np.clip(spot, 0, 1))
    return blend(glyphs, draw_greys(rng, count), 0.9 * shade * to_column(strength))


def _invert(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Swap ink and paper from strength 0.5 on, as chalk on a board."""
    del rng
    return blend(glyphs, 255 - glyphs, _compute_inversion_opacity(to_column(strength)))


# Scanner, fax, file.


def _jitter(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Displace rows, as a slipping scanner, or single pixels, as rough glass."""
    count = len(glyphs)
    rows = rng.standard_normal((count, SIDE, 1), np.float32)
    pixels = rng.standard_normal((2, count, SIDE, SIDE), np.float32)
    slips = rng.random(count) < 0.4
    reach = 1.0 * to_column(strength)
    x = (
        AXIS[None, None, :]
        + np.float32(CENTRE)
        + reach * np.where(to_column(slips), rows, pixels[0])
    )
    y = AXIS[None, :, None] + np.float32(CENTRE) + reach * np.where(to_column(slips), 0, pixels[1])
    result = np.empty_like(glyphs)
    for index, glyph in enumerate(glyphs):
        result[index] = cv2.remap(glyph, x[index], y[index], cv2.INTER_LINEAR)
    return result


def _lower_resolution(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Scale down to as few as 9 pixels a side, and up again."""
    result = np.empty_like(glyphs)
    down = (cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR)
    up = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
    ways = rng.integers(3, size=(len(glyphs), 2)).tolist()
    sides = np.rint(SIDE - 19 * np.sqrt(strength)).astype(int).tolist()
    for index, (side, (first, then)) in enumerate(zip(sides, ways, strict=True)):
        small = cv2.resize(glyphs[index], (side, side), interpolation=down[first])
        result[index] = cv2.resize(small, (SIDE, SIDE), interpolation=up[then])
    return result


def _compress_as_jpeg(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Compress as JPEG with a quality down to 2 (of 100)."""
    del rng
    result = np.empty_like(glyphs)
    qualities = np.rint(2 + 93 * (1 - strength) ** 3).astype(int).tolist()
    for index, quality in enumerate(qualities):
        _, file = cv2.imencode(".jpg", glyphs[index], (cv2.IMWRITE_JPEG_QUALITY, quality))
        result[index] = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE))
    return result


def _quantise(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Reduce to few greys, down to two, as a fax; half of the glyphs are dithered with noise."""
    steps = np.rint(2.0 ** (4 - 4 * to_column(strength)))  # number of steps between the greys
    dither = rng.random(glyphs.shape, np.float32) - 0.5
    dither *= to_column(rng.random(len(glyphs)) < 0.5) * 0.9
    return to_glyphs(np.rint(glyphs * (steps / 255) + dither) * (255 / steps))


def _harden(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Raise the contrast about a grey that is too low or too high, up to thresholding at it."""
    middle = to_column(127.5 + rng.choice([-1.0, 1.0], len(glyphs)) * 90 * strength)
    return to_glyphs((glyphs - middle) / (1 - 0.97 * to_column(strength)) + middle)


def _keep_edges(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Blend towards the magnitude of the gradient, as an edge filter, soft or hard."""
    framed = np.pad(glyphs.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    change = np.hypot(
        framed[:, 1:-1, 2:] - framed[:, 1:-1, :-2], framed[:, 2:, 1:-1] - framed[:, :-2, 1:-1]
    )
    change *= 255 / np.maximum(change.max(axis=(1, 2), keepdims=True), 1)
    hardness = np.where(to_column(rng.random(len(glyphs))) < 0.5, 1.0, 4.0)
    return blend(glyphs, np.clip((change - 110) * hardness + 110, 0, 255), to_column(strength))


# Pen and paper.


def _hollow_out(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Replace strokes by their outlines."""
    del rng
    return blend(glyphs, dilate(glyphs) - glyphs, to_column(strength))


def _cut_gaps(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Cut up to five gaps through the strokes, as a failing pen."""
    result = glyphs.copy()
    for _ in range(5):
        offset = draw_uniform(rng, -9, 9, len(glyphs))
        width = draw_uniform(rng, 0.5, 1.0, len(glyphs)) * to_column(strength)
        gap = np.abs(project_pixels(draw_uniform(rng, 0, np.pi, len(glyphs))) - offset) < width
        present = to_column(rng.random(len(glyphs)) < 0.3 + 0.7 * strength)
        result[gap & (present > 0)] = 0
    return result


def _spatter(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Add blobs of ink, of paper, or of both."""
    field = draw_clouds(rng, len(glyphs), 10)
    rarity = 1.3 / np.sqrt(np.maximum(to_column(strength), 1e-6))  # in standard deviations
    kind = to_column(rng.integers(3, size=len(glyphs)))
    result = np.where((field > rarity) & (kind != 0), np.uint8(255), glyphs)
    return np.where((field < -rarity) & (kind != 1), np.uint8(0), result)


def _occlude(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Cover a part with a patch of any grey: up to 10 by 10 pixels, or 14 by 7."""
    count = len(glyphs)
    stretch = np.exp(draw_uniform(rng, -0.35, 0.35, count))
    x = np.abs(AXIS[None, None, :] - draw_uniform(rng, -8, 8, count)) / stretch
    y = np.abs(AXIS[None, :, None] - draw_uniform(rng, -8, 8, count)) * stretch
    distance = np.where(to_column(rng.random(count)) < 0.5, np.maximum(x, y), np.hypot(x, y))
    return blend(glyphs, draw_greys(rng, count), distance < 5 * to_column(strength))


def _add_stripes(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Add bars, narrow or wide, in which the glyph is lighter, darker or inverted."""
    count = len(glyphs)
    period = np.exp(draw_uniform(rng, np.log(8), np.log(30), count))
    place = project_pixels(draw_uniform(rng, 0, np.pi, count)) / period + draw_uniform(
        rng, 0, 1, count
    )
    bars = place % 1 < draw_uniform(rng, 0.3, 0.6, count)
    kind = to_column(rng.integers(3, size=count))
    amount = to_column(strength)
    opacity = bars * np.where(kind == 2, _compute_inversion_opacity(amount), 0.75 * amount)
    return blend(glyphs, np.where(kind == 2, 255 - glyphs, 255 * kind), opacity)


def _add_hatching(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Add fine lines everywhere: in one direction, crossed, or only the dots where they cross."""
    count = len(glyphs)
    angle = draw_uniform(rng, 0, np.pi, count)
    period = draw_uniform(rng, 3, 7, count)
    one, two = (
        (project_pixels(direction) / period + draw_uniform(rng, 0, 1, count)) % 1 < 1.2 / period
        for direction in (angle, angle + np.pi / 2)
    )
    kind = to_column(rng.integers(3, size=count))
    lines = np.where(kind == 0, one, np.where(kind == 1, one | two, one & two))
    return blend(glyphs, draw_greys(rng, count), lines * (0.75 * to_column(strength)))


def _show_reverse_side(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Add writing from the other side of the paper: another glyph, mirrored, paler and blurred."""
    behind = glyphs[rng.permutation(len(glyphs)), :, ::-1] * (0.6 * to_column(strength))
    soft = np.asarray(np.mean(get_neighbours(to_glyphs(behind), 0), axis=0))
    return np.maximum(glyphs, to_glyphs(soft))


# Draws one random stroke as polylines: (P, K, 2) in pixels, along the stroke, then across it.
_SamplePieces = Callable[[np.random.Generator], npt.NDArray[np.float64]]


def _draw_strokes_over(pieces: _SamplePieces, thickest: int) -> Distortion:
    """Return a distortion that draws strokes across glyphs, as ink or as paper.

    Below half strength it draws one stroke, from there on one or two, at full strength up to three.
    """

    def distortion(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
        canvases = np.zeros_like(glyphs)
        for canvas, amount in zip(canvases, strength, strict=True):
            for _ in range(rng.integers(1, 2 + int(2 * amount))):
                angle = rng.uniform(0, 2 * np.pi)
                turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
                points = rng.uniform(8, 20, 2) + pieces(rng) @ turn
                fixed = np.rint(points * 16).astype(np.int32)  # 4 fractional bits
                thickness = int(rng.integers(1, thickest + 1))
                cv2.polylines(canvas, list(fixed), False, 255, thickness, cv2.LINE_AA, 4)
        shade = np.minimum(1.6 * to_column(strength), 1) * draw_uniform(rng, 0.6, 1, len(glyphs))
        strokes = to_glyphs(canvases * shade)
        erased = np.minimum(glyphs, 255 - strokes)
        is_paper = to_column(rng.random(len(glyphs))) < 0.25
        return np.where(is_paper, erased, np.maximum(glyphs, strokes))

    return distortion


def _sample_line(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a straight line, solid or dashed."""
    period, length = (60.0, 60.0) if rng.random() < 0.6 else rng.uniform([4, 2], [8, 4])
    starts = np.arange(-30, 30, period)
    ends = starts + length
    return np.stack([np.stack([starts, ends], axis=1), np.zeros((len(starts), 2))], axis=2)


def _sample_zigzag(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a zigzag line that turns every few pixels."""
    along = np.arange(-30, 30, rng.uniform(3, 6))
    return np.stack([along, rng.uniform(1, 3.5) * (-1) ** np.arange(len(along))], axis=1)[None]


def _sample_dots(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a dotted line; its dots are 1.5 pixels long, as OpenCV draws shorter ones too pale."""
    starts = np.arange(-24, 24, rng.uniform(3.5, 6.5))
    return np.stack([np.stack([starts, starts + 1.5], axis=1), np.zeros((len(starts), 2))], axis=2)


DISTORTIONS: dict[str, Distortion] = {
    "grain": _add_grain,
    "specks": _add_specks,
    "blur": _blur,
    "motion_blur": _blur_by_motion,
    "fog": _add_fog,
    "brightness": _change_brightness,
    "contrast": _reduce_contrast,
    "gradient": _add_gradient,
    "inversion": _invert,
    "jitter": _jitter,
    "low_resolution": _lower_resolution,
    "jpeg": _compress_as_jpeg,
    "levels": _quantise,
    "threshold": _harden,
    "edges": _keep_edges,
    "hollow": _hollow_out,
    "gaps": _cut_gaps,
    "spatter": _spatter,
    "occlusion": _occlude,
    "stripes": _add_stripes,
    "hatching": _add_hatching,
    "show_through": _show_reverse_side,
    "lines": _draw_strokes_over(_sample_line, thickest=2),
    "zigzag": _draw_strokes_over(_sample_zigzag, thickest=1),
    "dots": _draw_strokes_over(_sample_dots, thickest=2),
    **SHAPE_DISTORTIONS,
}
