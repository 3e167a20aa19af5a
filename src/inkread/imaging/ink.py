"""Page to ink: which pixels were written on, whatever the light, the paper and the pen.

The paper is what remains when strokes are closed over (grey-level morphology); ink is what is
darker than the paper around it. Ruled lines and grids are taken out again.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.components import find_components
from inkread.imaging.normalize import estimate_stroke_width
from inkread.imaging.resize import resize_by

__all__ = ["Ink", "find", "find_dark", "make_dark_on_light"]

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]  # 255 where true

_WORK_SIDE_PX = 1200  # larger pages are shrunk to this
_PAPER_SIDE_PX = 256  # the paper is estimated at this size
_MIN_CONTRAST = 12.0  # grey levels of 255 between ink and paper
_CLEAR_SKEWNESS = 0.5
_FROM_EDGE_TO_EDGE = 0.97  # of the width: what a ruled line runs along
_SAMPLES = 40_000  # pixels that the paper and the ink are told by
_RAMP_SAMPLES = 2000  # pixels that the fall of the light is told by
_TIGHT_SIDE_PX = 48  # smaller pictures are tight crops: no shadow, no ruling


@dataclass(frozen=True)
class Ink:
    """The ink of a page.

    Attributes:
        pixels: (H, W) uint8, ink 255 on paper 0, with soft edges; all 0 on a blank page.
        page: (page height, page width) uint8, the page itself, dark ink on light paper.
        scale: pixels of the page a pixel of the ink, at least 1.
    """

    pixels: Grey
    page: Grey
    scale: float


def find(page: Grey) -> Ink:
    """Find the ink on a page.

    Args:
        page: (H, W) uint8, 0 black, 255 white; dark ink on light paper or the other way round.
    """
    return find_dark(make_dark_on_light(page))


def find_dark(page: Grey) -> Ink:
    """Find the ink on a page where it is known to be darker than the paper.

    Args:
        page: (H, W) uint8, 0 black, 255 white; dark ink on light paper.
    """
    scale = max(1.0, max(page.shape) / _WORK_SIDE_PX)
    grey = resize_by(page, 1 / scale)
    light = _Light.on(grey)
    darkness, mask = _darkness(grey, light.paper(_reach(grey, light)))
    mask = _without_ruling(mask)
    level = _ink_level(darkness, mask)
    if level < _MIN_CONTRAST:
        return Ink(np.zeros_like(grey), page, scale)
    mask = _without_crossings(mask, _above(darkness, 0.6 * level))
    steepness = 255 / (0.55 * level)
    soft = cv2.addWeighted(
        darkness, steepness, darkness, 0, -0.2 * level * steepness, None, cv2.CV_8U
    )
    soft = cv2.bitwise_and(soft, cv2.dilate(mask, np.ones((3, 3), np.uint8)))
    return Ink(soft, page, scale)


def make_dark_on_light(page: Grey) -> Grey:
    """Return a page with its ink darker than its paper: inverted if it was the other way round.

    Args:
        page: (H, W) uint8.
    """
    return cv2.bitwise_not(page) if _is_light_on_dark(page) else page


def _is_light_on_dark(grey: Grey) -> bool:
    """Ink is the rarer of the two: it makes the long tail of the deviations from the paper.

    In tight crops a bold digit can fill half of the picture: where the tails are alike, and in
    small pictures, which show no shadows, the paper is what most of the rim shows.
    """
    small = resize_by(grey, min(1.0, _PAPER_SIDE_PX / 2 / max(grey.shape)))
    window = min(65, max(3, (min(small.shape) // 2) | 1))
    margin = window // 2
    level = np.clip(small - _ramp(small), 0, 255).astype(np.uint8)
    framed = np.pad(level, margin, mode="symmetric")
    paper = cv2.medianBlur(framed, window)[margin:-margin, margin:-margin]
    deviation = level.astype(np.float64) - paper
    deviation[np.abs(deviation) < _MIN_CONTRAST] = 0
    if not deviation.any() and max(grey.shape) >= _TIGHT_SIDE_PX:
        return bool(np.median(small) < 128)
    spread = float(np.sqrt((deviation**2).mean()))
    skewness = float((deviation**3).mean()) / spread**3 if spread else 0.0
    if abs(skewness) < _CLEAR_SKEWNESS or max(grey.shape) < _TIGHT_SIDE_PX:
        _, bright = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        rim = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
        return bool(rim.mean() < 0.5)
    return skewness > 0


def _ramp(grey: Grey) -> npt.NDArray[np.float32]:
    """How the light falls off across the picture: (H, W) around 0.

    A bilinear surface fitted to the greater part of the pixels, which is the paper; what lies far
    from it, as ink does, is left out step by step. Small pictures are taken as evenly lit.
    """
    height, width = grey.shape
    if max(grey.shape) < _TIGHT_SIDE_PX:
        return np.zeros(grey.shape, np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    step = max(1, round((grey.size / _RAMP_SAMPLES) ** 0.5))
    values = grey[::step, ::step].ravel().astype(np.float32)
    sampled = np.empty((*grey[::step, ::step].shape, 4), np.float32)
    sampled[..., 0], sampled[..., 1], sampled[..., 2] = 1, x[:, ::step], y[::step]
    sampled[..., 3] = x[:, ::step] * y[::step]
    sampled = sampled.reshape(-1, 4)
    most = int(0.7 * (len(values) - 1))
    terms_near, values_near = sampled, values
    for _ in range(4):
        # By the normal equations, which four terms in [-1, 1] bear: faster than a factorisation.
        products = terms_near.T @ terms_near, terms_near.T @ values_near
        surface, *_ = np.linalg.lstsq(*products, rcond=None)
        distance = np.abs(values - sampled @ surface)
        near = distance <= np.partition(distance, most)[most]
        terms_near, values_near = sampled[near], values[near]
    _, along_x, along_y, twist = surface.astype(np.float32)
    ramp: npt.NDArray[np.float32] = along_x * x + along_y * y + twist * (x * y)
    # No ramp: the edge of a shadow, or bold writing.
    if np.partition(distance, len(distance) // 2)[len(distance) // 2] > 0.1 * np.ptp(ramp):
        return np.zeros(grey.shape, np.float32)
    return ramp


@dataclass(frozen=True)
class _Light:
    """How the paper is lit, at the size at which that is estimated.

    Attributes:
        level: (H, W) uint8, the page without its grain and without the ramp.
        ramp: (H, W) float32, at most 0, how the light falls off.
    """

    level: Grey
    ramp: npt.NDArray[np.float32]

    @classmethod
    def on(cls, grey: Grey) -> "_Light":
        small = resize_by(grey, min(1.0, _PAPER_SIDE_PX / max(grey.shape)))
        ramp = _ramp(small)
        ramp -= ramp.max()
        level = np.clip(cv2.medianBlur(small, 3) - ramp + 0.5, 0, 255).astype(np.uint8)
        return cls(level, ramp)

    def paper(self, reach: int) -> npt.NDArray[np.float32]:
        """Close the strokes that are narrower than ``reach`` pixels."""
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach | 1, reach | 1))
        closed = cv2.morphologyEx(self.level, cv2.MORPH_CLOSE, kernel).astype(np.float32)
        # Smoothed, but at the edge of a shadow no lighter than the darker side of it.
        paper = np.minimum(closed, cv2.GaussianBlur(closed, (0, 0), reach / 6))
        return np.asarray(cv2.erode(paper, np.ones((3, 3), np.uint8)) + self.ramp)


def _reach(grey: Grey, light: _Light) -> int:
    """How wide strokes may be, in pixels of a picture of ``_PAPER_SIDE_PX``.

    At first they may be wide; where they turn out fine, the light can be followed more closely.
    """
    widest = _PAPER_SIDE_PX // 4
    small = resize_by(grey, 0.5) if max(grey.shape) > 3.5 * _PAPER_SIDE_PX else grey
    _, mask = _darkness(small, light.paper(widest))
    width = estimate_stroke_width(mask) * min(1.0, _PAPER_SIDE_PX / max(small.shape))
    return max(12, round(5 * width)) if 0 < width < _PAPER_SIDE_PX / 24 else widest


def _darkness(grey: Grey, paper: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], Mask]:
    """Flatten the light.

    Args:
        grey: (H, W) uint8, dark ink on light paper.
        paper: float32, smaller, the grey level that the paper has where no ink is.

    Returns:
        (H, W) float32, how much darker than the paper each pixel is, paper about 0, black 255; and
        a mask of the ink.
    """
    paper = cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    np.maximum(paper, 40, out=paper)
    # In place: on a large page, fresh memory costs more time than sums.
    darkness = np.divide(grey, paper, out=paper)
    darkness *= -255
    if max(grey.shape) >= _TIGHT_SIDE_PX:
        smooth = cv2.GaussianBlur(darkness, (0, 0), 0.6 + max(grey.shape) / 1600)
    else:
        smooth = darkness.copy()
    # Most of the page is paper: its lower percentiles give its level and its roughness.
    step = _sampling(grey.shape)
    low, middle, half = np.percentile(smooth[::step, ::step], (5, 30, 50))
    roughness = float(middle - low) / 1.12  # as of a normal distribution
    # White paper clips its light grain, and then only the dark side shows how rough it is; but
    # there the ink begins too.
    roughness = max(roughness, min(float(half - middle) / 0.52, 2.5 * roughness + 1))
    level = float(middle) + 0.52 * roughness
    darkness -= level
    smooth -= level
    threshold = max(4.5 * roughness, _MIN_CONTRAST)
    mask = _without_specks(_above(smooth, threshold))
    for _ in range(2):  # the threshold follows the ink, and the ink the threshold
        threshold = max(threshold, 0.4 * _ink_level(smooth, mask))
        mask = _above(smooth, threshold)
    return darkness, _without_specks(mask)


def _above(values: npt.NDArray[np.float32], threshold: float) -> Mask:
    return (values > threshold) * np.uint8(255)


def _ink_level(darkness: npt.NDArray[np.float32], mask: Mask) -> float:
    """How dark the strokes are at their darkest parts; 0 without any."""
    step = _sampling(mask.shape)
    inked = darkness[::step, ::step][mask[::step, ::step] > 0]
    return float(np.percentile(inked, 75)) if inked.size else 0.0


def _sampling(shape: tuple[int, ...]) -> int:
    """Every so many pixels, along and across, are enough to tell how dark a large picture is."""
    return max(1, int((shape[0] * shape[1] / _SAMPLES) ** 0.5))


def _without_specks(mask: Mask) -> Mask:
    """Remove what is too small for a stroke."""
    smallest = max(4, round(3e-5 * mask.size))
    pieces = find_components(mask)
    return pieces.mask_of(pieces.areas >= smallest)


def _without_crossings(mask: Mask, strong: Mask) -> Mask:
    """Remove what is small and nowhere strong: faint lines leave dots where they cross."""
    pieces = find_components(mask)
    keep = np.maximum(pieces.widths, pieces.heights) > 2 * estimate_stroke_width(mask)
    keep[pieces.labels[strong > 0]] = True
    return pieces.mask_of(keep)


def _without_ruling(mask: Mask) -> Mask:
    """Remove ruled lines and grids: thin lines that run from edge to edge of the picture.

    In a tight crop a stem or a bar does so too. A line is ruling if it is finer than the pen, if it
    runs along a picture so long that no stroke does, or if it is one of a whole set.
    """
    height, width = mask.shape
    if min(mask.shape) < _TIGHT_SIDE_PX:
        return mask
    level, num_level = _ruled(mask)
    upright, num_upright = _ruled(cv2.transpose(mask))
    upright = cv2.transpose(upright)
    if not num_level + num_upright:
        return mask
    pen_px = estimate_stroke_width(
        cv2.bitwise_and(mask, cv2.bitwise_not(cv2.bitwise_or(level, upright)))
    )
    is_ruled = num_level >= 3 or width > 1.5 * height or estimate_stroke_width(level) < 0.7 * pen_px
    is_grid = num_level >= 3 and num_upright >= 2
    is_upright = is_grid or height > 1.5 * width or estimate_stroke_width(upright) < 0.7 * pen_px
    ruling = cv2.bitwise_or(level * np.uint8(is_ruled), upright * np.uint8(is_upright))
    if not ruling.any():
        return mask
    rest = cv2.bitwise_and(mask, cv2.bitwise_not(ruling))
    # Strokes that cross a line lose a piece: what lies between two remaining parts is given back.
    reach = 2 * round(estimate_stroke_width(ruling)) + 3
    healed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    rest = _without_specks(cv2.bitwise_or(rest, cv2.bitwise_and(healed, mask)))
    if num_upright and not num_level and _largest_side(rest) < 0.2 * height:
        return mask  # one upright line and nothing else to speak of is a 1
    return rest


def _largest_side(mask: Mask) -> int:
    """The height or width of the largest connected piece; 0 if there is none."""
    pieces = find_components(mask)
    return int(max(pieces.widths.max(), pieces.heights.max()))


def _ruled(mask: Mask) -> tuple[Mask, int]:
    """Return the nearly horizontal lines from the left edge to the right one, and their number."""
    height, width = mask.shape
    # Joined over small gaps and a slight slope, a line's pieces are one component.
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, max(3, width // 60)), np.uint8))
    pieces = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, max(9, width // 16)), np.uint8))
    linked = cv2.dilate(pieces, np.ones((3, max(3, width // 20)), np.uint8))
    if np.count_nonzero(cv2.reduce(linked, 0, cv2.REDUCE_MAX)) < _FROM_EDGE_TO_EDGE * width:
        return np.zeros_like(mask), 0  # most pages: no need to tell the pieces apart
    runs = find_components(linked)
    spans = (runs.widths >= _FROM_EDGE_TO_EDGE * width) & (runs.heights <= 0.25 * height)
    lines = cv2.bitwise_and(pieces, runs.mask_of(spans))
    line_px = estimate_stroke_width(lines)
    if not line_px or line_px > 0.04 * max(height, width):
        return np.zeros_like(mask), 0
    # A stroke that runs along a line is thicker than it, and stays.
    side = round(1.7 * line_px) + 1
    thick = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    lines = cv2.bitwise_and(lines, cv2.bitwise_not(thick))
    return cv2.dilate(lines, np.ones((3, 1), np.uint8)), int(spans.sum())
