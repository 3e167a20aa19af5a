import cv2
import numpy as np
import pytest

from inkread.imaging.normalize import StripShape, make_strip

SHAPE = StripShape()
INK = 120  # of a strip: what is darker is written on


def page(height: int = 60, width: int = 200, paper: int = 220) -> np.ndarray:
    return np.full((height, width), paper, np.uint8)


def with_bars(picture: np.ndarray, top: int, bottom: int, ink: int = 60) -> np.ndarray:
    """Upright bars of 4 pixels, every 20 pixels."""
    result = picture.copy()
    for left in range(20, picture.shape[1] - 10, 20):
        result[top:bottom, left : left + 4] = ink
    return result


def inked_rows(pixels: np.ndarray) -> tuple[int, int]:
    rows = np.flatnonzero((pixels > INK).any(axis=1))
    return int(rows[0]), int(rows[-1]) + 1


@pytest.mark.parametrize(("top", "bottom"), [(16, 44), (4, 56), (30, 50)])
def test_writing_is_scaled_to_the_body_and_stands_in_the_middle(top, bottom):
    made = make_strip(with_bars(page(), top, bottom))

    assert made.pixels.shape[0] == SHAPE.height_px
    assert made.pixels.dtype == np.uint8
    first, last = inked_rows(made.pixels)
    assert last - first == pytest.approx(SHAPE.body_px, abs=2)
    assert (first + last) / 2 == pytest.approx(SHAPE.height_px / 2, abs=1)


def test_the_width_follows_the_height():
    made = make_strip(with_bars(page(), 16, 44))  # 28 rows: just as high as the body
    assert made.pixels.shape[1] == pytest.approx(200, abs=15)


def test_a_strip_knows_where_it_came_from():
    made = make_strip(with_bars(page(), 10, 50))

    first, last = inked_rows(made.pixels)
    assert made.top + first / made.y_scale == pytest.approx(10, abs=1.5)
    assert made.top + last / made.y_scale == pytest.approx(50, abs=1.5)
    columns = np.flatnonzero((made.pixels > INK).any(axis=0))
    assert columns[0] / made.x_scale == pytest.approx(20, abs=1.5)
    assert (columns[-1] + 1) / made.x_scale == pytest.approx(184, abs=1.5)


def test_a_large_picture_gives_the_same_strip():
    small = with_bars(page(), 16, 44)
    large = cv2.resize(small, None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST)

    one, other = make_strip(small), make_strip(large)

    assert other.x_scale * 6 == pytest.approx(one.x_scale, rel=0.08)
    assert other.y_scale * 6 == pytest.approx(one.y_scale, rel=0.08)
    assert inked_rows(other.pixels) == pytest.approx(inked_rows(one.pixels), abs=1)


@pytest.mark.parametrize("contrast", [30, 90, 200])
def test_ink_is_as_dark_whatever_the_pen(contrast):
    made = make_strip(with_bars(page(), 16, 44, ink=220 - contrast))

    assert np.percentile(made.pixels[made.pixels > INK], 50) == pytest.approx(204, abs=35)
    assert np.median(made.pixels) < 10


def test_a_shadow_is_taken_out():
    light = np.linspace(1.0, 0.45, 200)[None, :]
    made = make_strip((with_bars(page(), 16, 44) * light).astype(np.uint8))

    bars = made.pixels[15:25].max(axis=0)
    left, right = np.array_split(bars, 2)
    assert left.max() == pytest.approx(right.max(), rel=0.2)
    assert np.percentile(made.pixels, 40) < 40


def test_a_ruled_line_does_not_count_as_writing():
    ruled = with_bars(page(), 16, 44)
    ruled[54:56] = 40

    first, last = inked_rows(make_strip(ruled).pixels[:34])

    assert last - first == pytest.approx(SHAPE.body_px, abs=3)


def test_blank_paper_stays_paper(rng):
    grain = np.clip(page() + rng.normal(0, 1.0, (60, 200)), 0, 255).astype(np.uint8)
    assert make_strip(grain).pixels.max() < INK
    assert not make_strip(page()).pixels.any()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 3), (40, 9000)])
def test_a_picture_of_any_size_becomes_a_strip(size):
    made = make_strip(np.full(size, 200, np.uint8))

    assert made.pixels.shape[0] == SHAPE.height_px
    assert 16 <= made.pixels.shape[1] <= SHAPE.max_width_px


def test_a_strip_has_the_size_that_its_constants_state():
    made = make_strip(
        with_bars(page(), 16, 44), StripShape(height_px=64, body_px=40, max_width_px=150)
    )

    first, last = inked_rows(made.pixels)
    assert made.pixels.shape == (64, 150)
    assert last - first == pytest.approx(40, abs=2)
