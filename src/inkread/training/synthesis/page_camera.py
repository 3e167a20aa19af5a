"""From a sheet to a picture of it: how it lies, on what, in which light, through which camera."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.training.synthesis.papers import fine_print

__all__ = ["View", "see", "take"]

Floats = npt.NDArray[np.float32]
_VIEWS = ("scan", "page", "part", "desk", "border")
_VIEW_SHARES = (0.33, 0.15, 0.25, 0.19, 0.08)


@dataclass(frozen=True)
class View:
    """How a sheet is seen.

    Attributes:
        to_picture: (3, 3) float64, takes (x, y, 1) on the sheet to the picture, up to a factor.
        shape: height and width of the picture, in pixels.
        quarter: by how many quarter turns clockwise the sheet lies turned, at the nearest.
        has_desk: whether there is something around the sheet.
    """

    to_picture: npt.NDArray[np.float64]
    shape: tuple[int, int]
    quarter: int
    has_desk: bool
    desk: str = ""


def take(size: tuple[int, int], shape: tuple[int, int], rng: np.random.Generator) -> View:
    """Choose how a sheet is seen.

    Args:
        size: width and height of the sheet, in pixels; it is seen about as large.
        shape: height and width of the picture.
        rng: decides.
    """
    kind = str(rng.choice(_VIEWS, p=_VIEW_SHARES))
    quarter = int(rng.choice(4, p=(0.76, 0.08, 0.08, 0.08)))
    angle = 0.0
    lean = 0.0
    if kind in ("scan", "border"):
        angle = float(rng.choice([0.0, rng.normal(0, 0.012)], p=[0.4, 0.6]))
    elif kind in ("page", "part"):
        angle, lean = float(rng.normal(0, 0.06)), 0.05
    else:
        angle = float(rng.choice([rng.normal(0, 0.1), rng.uniform(-0.78, 0.78)], p=[0.7, 0.3]))
        lean = float(rng.choice([0.0, 0.07], p=[0.4, 0.6]))
    height, width = shape
    turned = (size[1], size[0]) if quarter % 2 else size
    cosine, sine = abs(np.cos(angle)), abs(np.sin(angle))
    spread = (turned[0] * cosine + turned[1] * sine, turned[0] * sine + turned[1] * cosine)
    scale = 1.0
    if kind in ("desk", "border", "page"):  # the whole sheet, or nearly
        share = {"desk": rng.uniform(0.7, 1.02), "border": rng.uniform(0.88, 1.0), "page": 1.03}
        scale = min(width / spread[0], height / spread[1]) * float(share[kind])
    room = np.array([width - spread[0] * scale, height - spread[1] * scale])
    # Where the sheet is larger than the picture, any part of it; else anywhere in the picture.
    centre = np.array([width, height]) / 2 + room / 2 * rng.uniform(-1, 1, 2)
    theta = angle + quarter * np.pi / 2
    turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    corners = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float64)
    placed = (corners - np.array(size) / 2) * scale @ turn.T + centre
    placed = placed + rng.uniform(-lean, lean, (4, 2)) * min(shape)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), placed.astype(np.float32))
    return View(matrix, shape, quarter, kind in ("desk", "border", "part", "page"), kind)


def see(
    grey: Floats, view: View, rng: np.random.Generator, sharp_px: float
) -> npt.NDArray[np.uint8]:
    """Return the picture of a sheet, as a camera or scanner gives it.

    Args:
        grey: (H, W) float32, the share of light that the sheet gives back, in [0, 1].
        view: how it is seen.
        rng: decides light, surroundings and camera.
        sharp_px: standard deviation of the strongest blur, in pixels.

    Returns:
        (H, W) uint8 of the view's shape.
    """
    height, width = view.shape
    is_scan = view.desk in ("scan", "border")
    is_clean = is_scan and rng.random() < 0.5  # as computers print and scanners smooth
    paper = float(rng.choice([rng.uniform(0.85, 1.0), rng.uniform(0.5, 0.9)], p=[0.6, 0.4]))
    paper = 1.0 if is_clean else paper
    faint = float(rng.choice([1.0, rng.uniform(0.45, 0.9)], p=[0.75, 0.25]))
    grey = paper * (1 - np.float32(faint) * (1 - grey))
    if not is_clean and rng.random() < 0.1:
        grey = grey * (1 - np.float32(rng.uniform(0.03, 0.22)) * _fine(grey.shape, rng))
    if not is_clean and rng.random() < 0.15:
        _fold(grey, rng)
    flags = cv2.INTER_LINEAR
    if view.has_desk:
        picture = _desk(view, paper, rng)
        picture = cv2.warpPerspective(
            grey, view.to_picture, (width, height), dst=picture, flags=flags,
            borderMode=cv2.BORDER_TRANSPARENT,
        )  # fmt: skip
        if rng.random() < 0.4:
            _edge_shadow(picture, grey.shape, view, rng)
    else:
        picture = cv2.warpPerspective(
            grey, view.to_picture, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
    light = 1.0 if is_scan else _light(view.shape, rng)
    if not is_clean:
        picture = picture * light * np.float32(rng.uniform(0.75, 1.0))
    if rng.random() < 0.08:  # chalk, screens, negatives
        picture = 1.0 - picture
    if is_scan and rng.random() < 0.08:  # a scanner that knows black and white only
        return np.where(picture > 0.72 * np.median(picture), 255, 0).astype(np.uint8)
    return _camera(picture, rng, 0.4 if is_clean else sharp_px, 0.6 if is_clean else 8.0)


def _fine(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Security print, made small and repeated: it is the same all over."""
    tile = fine_print((160, 160), rng, float(rng.uniform(12, 40)))
    rows, columns = -(-shape[0] // 160), -(-shape[1] // 160)
    return np.tile(tile, (rows, columns))[: shape[0], : shape[1]]


def _fold(grey: Floats, rng: np.random.Generator) -> None:
    """Crease the sheet: a thin line, light or dark, and a change of light across it."""
    height, width = grey.shape
    for _ in range(int(rng.integers(1, 3))):
        depth, step = rng.uniform(-0.12, 0.12), rng.uniform(-0.06, 0.06)
        if rng.random() < 0.5:
            place = int(rng.uniform(0.1, 0.9) * width)
            grey[:, place : place + int(rng.integers(1, 4))] *= np.float32(1 + depth)
            grey[:, place:] *= np.float32(1 + step)
        else:
            place = int(rng.uniform(0.1, 0.9) * height)
            grey[place : place + int(rng.integers(1, 4))] *= np.float32(1 + depth)
            grey[place:] *= np.float32(1 + step)


def _desk(view: View, paper: float, rng: np.random.Generator) -> Floats:
    """What the sheet lies on: black, grey, wood, a pattern, cloth, or a scanner's lid."""
    height, width = view.shape
    level = float(rng.choice([rng.uniform(0.0, 0.2), rng.uniform(0.15, 0.75), rng.uniform(0.6, 1)]))
    if view.desk == "border":
        level = float(rng.choice([0.0, rng.uniform(0, 0.15), 1.0], p=[0.5, 0.3, 0.2]))
        return np.full(view.shape, level, np.float32)
    if abs(level - paper) < 0.07:
        level = paper - 0.12
    desk = level + np.float32(rng.uniform(0.02, 0.13)) * _texture(view.shape, rng)
    if rng.random() < 0.3:  # things that lie about
        for _ in range(int(rng.integers(1, 4))):
            points = rng.uniform(-0.1, 1.1, (3, 1, 2)) * [width, height]
            shade = float(rng.uniform(0, 0.9))
            if rng.random() < 0.5:
                cv2.fillPoly(desk, [points.astype(np.int32)], shade)
            else:
                cv2.polylines(
                    desk, [points.astype(np.int32)], False, shade, int(rng.integers(2, 25))
                )
    return np.asarray(desk, np.float32)


def _texture(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """How uneven a desk is, about 0: not at all, wood, a pattern, cloth."""
    height, width = shape
    kind = rng.choice(5, p=(0.12, 0.3, 0.18, 0.28, 0.12))
    texture = np.zeros(shape, np.float32)
    if kind == 1:  # wood
        fine = int(rng.integers(1, 9))
        streaks = rng.standard_normal(
            (max(2, height // fine), int(rng.integers(3, 24))), np.float32
        )
        texture = cv2.resize(streaks, (width, height), interpolation=cv2.INTER_CUBIC)
        if rng.random() < 0.5:
            texture = cv2.resize(texture.T.copy(), (width, height))
        if rng.random() < 0.5:  # boards, and turned by some angle
            angle = rng.uniform(-40, 40)
            turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.5)
            texture = cv2.warpAffine(texture, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    elif kind == 2:
        tile = fine_print((128, 128), rng, float(rng.uniform(20, 90)))
        texture = np.tile(tile, (-(-height // 128), -(-width // 128)))[:height, :width] - 0.3
    elif kind == 3:  # cloth, stone
        grain = int(rng.integers(1, 7))
        coarse = rng.standard_normal((height // grain, width // grain), np.float32)
        texture = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), rng.uniform(0.5, 4)), (width, height))
        texture /= max(1e-6, float(texture.std()))
    return np.asarray(texture, np.float32)


def _edge_shadow(
    picture: Floats, shape: tuple[int, int], view: View, rng: np.random.Generator
) -> None:
    """Darken the desk along two edges of the sheet."""
    corners = np.array([[0, 0], [shape[1], 0], [shape[1], shape[0]], [0, shape[0]]], np.float32)
    outline = cv2.perspectiveTransform(corners[None], view.to_picture)[0]
    mask = np.zeros(view.shape, np.float32)
    cv2.fillConvexPoly(mask, np.rint(outline).astype(np.int32), 1.0)
    shift = rng.uniform(-8, 8, 2)
    moved = cv2.warpAffine(mask, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), view.shape[::-1])
    shadow = cv2.GaussianBlur(moved, (0, 0), rng.uniform(1, 6)) * (1 - mask)
    picture *= 1 - np.float32(rng.uniform(0.2, 0.7)) * shadow


def _light(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """How bright each place is, about 1: slow changes, and the edges of shadows."""
    spread = float(rng.choice([0.0, 0.05, 0.18], p=(0.3, 0.45, 0.25)))
    coarse = 1 + spread * rng.standard_normal((3, 3)).astype(np.float32)
    light = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.2:
        shade = np.ones(shape, np.float32)
        points = rng.uniform(-0.3, 1.3, (int(rng.integers(3, 6)), 1, 2)) * [shape[1], shape[0]]
        cv2.fillPoly(shade, [points.astype(np.int32)], float(rng.uniform(0.45, 0.9)))
        light = light * cv2.GaussianBlur(shade, (0, 0), rng.uniform(1, 25))
    return np.asarray(np.clip(light, 0.35, 1.25), np.float32)


def _camera(
    grey: Floats, rng: np.random.Generator, sharp_px: float, most_noise: float
) -> npt.NDArray[np.uint8]:
    """Blur, noise, low resolution, JPEG."""
    height, width = grey.shape
    kind = rng.random()
    if kind < 0.35:
        # Some are out of focus.
        blur = rng.uniform(1.0, 2.0) if kind < 0.06 else rng.uniform(0.2, 1.0)
        grey = cv2.GaussianBlur(grey, (0, 0), sharp_px * blur)
    elif kind < 0.42:  # moved
        length = int(rng.integers(2, 6))
        kernel = np.full((1, length) if rng.random() < 0.5 else (length, 1), 1 / length, np.float32)
        grey = cv2.filter2D(grey, -1, kernel)
    elif kind < 0.55:
        share = rng.uniform(0.5, 0.85)
        small = cv2.resize(
            grey, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA
        )
        grey = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    pixels = 255 * grey
    sd = float(rng.choice([0.0, rng.uniform(0.3, most_noise)], p=[0.25, 0.75]))
    if sd:
        noise = np.zeros(grey.shape, np.float32)
        cv2.setRNGSeed(int(rng.integers(2**31 - 1)))
        cv2.randn(noise, 0, sd)
        pixels = pixels + noise
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.45:
        _, data = cv2.imencode(
            ".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
        )
        result = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return result
