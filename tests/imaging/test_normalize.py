import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inkread.errors import ImageError
from inkread.imaging.normalize import GlyphShape, estimate_stroke_width, make_glyph
from inkread.training.synthesis.drawn_digits import write

MNIST_SHAPE = GlyphShape()
PENS = GlyphShape(min_stroke_px=2.0, max_stroke_px=4.0)
ENLARGEMENT = 8


def filled(height: int, width: int, value: int = 255) -> np.ndarray:
    """A filled rectangle away from the middle of its picture."""
    return np.pad(np.full((height, width), value, np.uint8), ((30, 5), (3, 40)))


def straight(length: float, width: float, degrees: float) -> np.ndarray:
    """The pixels whose centres lie in a turned rectangle."""
    y, x = np.mgrid[-150:150, -150:150] + 0.5
    along = x * np.cos(np.deg2rad(degrees)) + y * np.sin(np.deg2rad(degrees))
    across = y * np.cos(np.deg2rad(degrees)) - x * np.sin(np.deg2rad(degrees))
    return ((abs(along) <= length / 2) & (abs(across) <= width / 2)).astype(np.uint8) * 255


def ring(radius: float, width: float) -> np.ndarray:
    y, x = np.mgrid[-150:150, -150:150] + 0.5
    return (abs(np.hypot(x, y) - radius) <= width / 2).astype(np.uint8) * 255


def enlarged(image: np.ndarray) -> np.ndarray:
    """A glyph drawn larger, in a corner of a larger picture."""
    large = cv2.resize(image, None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC)
    return np.pad(large, ((37, 11), (5, 160)))


def brush(glyph_px: float) -> np.ndarray:
    """A disc that adds that many glyph pixels to a stroke in an enlarged glyph, or takes them."""
    side = round(glyph_px * ENLARGEMENT) | 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def span(mask: np.ndarray) -> tuple[int, int]:
    """Height and width of the ink."""
    _, _, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return height, width


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    y, x = np.indices(image.shape)
    return np.average(y, weights=image), np.average(x, weights=image)


def correlations(first: list[np.ndarray], second: list[np.ndarray]) -> np.ndarray:
    return np.array(
        [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)]
    )


@pytest.fixture(scope="module")
def digits(full_mnist) -> np.ndarray:
    """(300, 28, 28) validation images."""
    return full_mnist.validation.images[:300]


@pytest.fixture(scope="module")
def glyphs_of_enlarged(digits) -> list[np.ndarray]:
    return [make_glyph(enlarged(image)) for image in digits]


# Worked examples


@pytest.mark.parametrize("side", [1, 2, 20, 28, 40, 999])
def test_a_filled_square_fills_the_box(side):
    result = make_glyph(filled(side, side))

    assert result.shape == (28, 28)
    assert result.dtype == np.uint8
    assert span(result > 0) == (20, 20)
    assert (result == 255).sum() == 400
    assert centre_of_mass(result) == pytest.approx((14, 14), abs=0.5)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (100, 20, (20, 4)),
        (20, 100, (4, 20)),
        (160, 24, (20, 3)),
        (24, 160, (3, 20)),
        (20, 3, (20, 3)),
        (1_000, 150, (20, 3)),
    ],
)
def test_a_bar_keeps_its_aspect_ratio(height, width, expected):
    result = make_glyph(filled(height, width), PENS)

    assert span(result > 0) == expected
    assert (result[result > 0] == 255).all()
    assert centre_of_mass(result) == pytest.approx((14, 14), abs=0.5)


@pytest.mark.parametrize(("height", "width"), [(400, 1), (1, 50), (100, 5), (3_000, 30)])
def test_a_hairline_is_thickened_to_the_finest_pen(height, width):
    result = make_glyph(filled(height, width), PENS)

    assert max(span(result > 0)) == 20
    assert estimate_stroke_width(result) == pytest.approx(2, abs=0.2)


def test_a_broad_bar_is_thinned_to_the_broadest_pen():
    result = make_glyph(filled(200, 60), PENS)

    assert span(result > 0) == (20, 4)


def test_a_frame_keeps_its_hole_and_its_proportions():
    ink = filled(200, 120)
    ink[60:200, 33:93] = 0  # strokes 30 px wide: 3 of 20

    result = make_glyph(ink, PENS)

    assert span(result > 127) == (20, 12)
    assert result[14, 14] == 0
    assert estimate_stroke_width(result) == pytest.approx(3, abs=0.3)


def test_the_heavier_part_is_drawn_to_the_middle():
    ink = np.zeros((200, 200), np.uint8)
    ink[:, 90:110] = 255
    ink[0:20, 40:160] = 255  # a T: more ink above than below

    rows = np.nonzero(make_glyph(ink).any(axis=1))[0]

    assert 14 - rows[0] < rows[-1] - 14
    assert centre_of_mass(make_glyph(ink)) == pytest.approx((14, 14), abs=0.6)


def test_faint_ink_comes_out_at_full_strength():
    assert (make_glyph(filled(100, 20, value=180)) == make_glyph(filled(100, 20))).all()


def test_place_and_margin_do_not_matter():
    ink = write("5", np.random.default_rng(0), height_px=100, pen_px=12).ink

    moved = np.pad(ink, ((3, 210), (140, 0)))

    assert (make_glyph(moved) == make_glyph(ink)).all()


def test_the_given_ink_is_not_changed():
    ink = filled(100, 3)
    before = ink.copy()

    make_glyph(ink)

    assert (ink == before).all()


def test_a_glyph_has_the_size_that_its_constants_state():
    result = make_glyph(filled(100, 50), GlyphShape(side_px=48, box_px=40, max_stroke_px=40))

    assert result.shape == (48, 48)
    assert span(result > 0) == (40, 20)
    assert centre_of_mass(result) == pytest.approx((24, 24), abs=0.5)


@pytest.mark.parametrize("value", [0, 30])
@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (300, 200)])
def test_a_blank_picture_has_no_glyph(shape, value):
    with pytest.raises(ImageError, match=r"expected a picture of a digit, received .*without ink"):
        make_glyph(np.full(shape, value, np.uint8))


@settings(deadline=None, max_examples=150)
@given(
    ink=hnp.arrays(
        np.uint8,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
        elements=st.sampled_from([0, 0, 0, 20, 63, 64, 128, 200, 255]),
    ),
    place=st.tuples(st.integers(0, 39), st.integers(0, 39)),
    level=st.integers(64, 255),
)
def test_any_ink_gives_a_glyph(ink, place, level):
    ink[place[0] % ink.shape[0], place[1] % ink.shape[1]] = level

    result = make_glyph(ink)

    assert result.shape == (28, 28)
    assert result.dtype == np.uint8
    assert result.max() == 255
    assert max(span(result > 0)) <= 20
    assert max(span(result > 0)) >= 18


# Stroke width


@pytest.mark.parametrize("width", [4, 10, 25])
@pytest.mark.parametrize("degrees", [0, 20, 45, 90])
@pytest.mark.parametrize("length", [100, 200])
def test_the_width_of_straight_strokes_is_that_of_the_pen(length, width, degrees):
    assert estimate_stroke_width(straight(length, width, degrees)) == pytest.approx(width, rel=0.15)


@pytest.mark.parametrize("width", [2, 4, 10, 25])
@pytest.mark.parametrize("radius", [40, 100])
def test_the_width_of_rings_is_that_of_the_pen(radius, width):
    assert estimate_stroke_width(ring(radius, width)) == pytest.approx(width, rel=0.15)


@pytest.mark.parametrize(("height", "width"), [(50, 1), (50, 2), (7, 90), (30, 30), (1, 1)])
def test_the_width_of_rectangles_is_their_shorter_side(height, width):
    assert estimate_stroke_width(filled(height, width)) == pytest.approx(
        min(height, width), rel=0.02
    )


def test_the_width_of_several_strokes_is_that_of_each():
    ink = np.hstack([straight(200, 10, degrees) for degrees in (0, 90, 30)])

    assert estimate_stroke_width(ink) == pytest.approx(10, rel=0.15)


def test_a_stroke_at_the_edge_of_the_picture_is_as_wide_as_inside():
    assert estimate_stroke_width(np.full((50, 6), 255, np.uint8)) == pytest.approx(6, rel=0.02)


@pytest.mark.parametrize("pen_px", [4, 8, 12, 16])
@pytest.mark.parametrize("digit", "0123456789")
def test_the_width_of_written_digits_is_the_pen(digit, pen_px):
    ink = write(digit, np.random.default_rng(1), height_px=150, pen_px=pen_px).ink

    assert estimate_stroke_width(ink) == pytest.approx(pen_px, rel=0.2)


def test_no_ink_has_no_width():
    assert estimate_stroke_width(np.zeros((20, 20), np.uint8)) == 0.0
    assert estimate_stroke_width(np.full((20, 20), 100, np.uint8)) == 0.0


# MNIST itself


def test_an_mnist_image_is_its_own_glyph(digits):
    usual = [
        image
        for image in digits
        if MNIST_SHAPE.min_stroke_px <= estimate_stroke_width(image) <= MNIST_SHAPE.max_stroke_px
    ]
    glyphs = [make_glyph(image) for image in usual]

    assert len(usual) >= 150
    assert np.mean(correlations(usual, glyphs)) > 0.97
    assert np.percentile(correlations(usual, glyphs), 5) > 0.9
    assert np.mean([cv2.absdiff(a, b).mean() for a, b in zip(usual, glyphs, strict=True)]) < 8


def test_mnist_images_of_any_pen_are_nearly_their_own_glyphs(digits):
    glyphs = [make_glyph(image) for image in digits]

    assert np.mean(correlations(list(digits), glyphs)) > 0.93


def test_the_centre_of_mass_is_where_that_of_mnist_is(digits):
    theirs = np.array([centre_of_mass(image) for image in digits])
    ours = np.array([centre_of_mass(make_glyph(image)) for image in digits])

    assert np.abs(theirs.mean(axis=0) - ours.mean(axis=0)).max() < 0.2
    assert np.percentile(np.abs(theirs - ours).max(axis=1), 95) <= 1.0


def test_a_digit_drawn_large_and_off_centre_gives_nearly_the_same_glyph(digits, glyphs_of_enlarged):
    agreement = correlations([make_glyph(image) for image in digits], glyphs_of_enlarged)

    assert agreement.mean() > 0.95
    assert np.percentile(agreement, 5) > 0.8


@pytest.mark.parametrize(("change", "glyph_px"), [(cv2.erode, 0.5), (cv2.dilate, 0.5),
                                                  (cv2.erode, 1.0), (cv2.dilate, 1.0)])  # fmt: skip
def test_thinned_and_thickened_digits_give_nearly_the_same_glyph(
    digits, glyphs_of_enlarged, change, glyph_px
):
    changed = [change(enlarged(image), brush(glyph_px)) for image in digits]
    pairs = [
        (make_glyph(ink), expected)
        for ink, expected in zip(changed, glyphs_of_enlarged, strict=True)
        if (ink > 127).any()
    ]
    glyphs = [pair[0] for pair in pairs]

    assert len(pairs) >= 0.98 * len(digits)
    assert correlations(glyphs, [pair[1] for pair in pairs]).mean() > 0.9
    low, high = np.percentile([estimate_stroke_width(image) for image in glyphs], (5, 95))
    assert low > MNIST_SHAPE.min_stroke_px - 0.4
    assert high < MNIST_SHAPE.max_stroke_px + 0.5


@pytest.mark.parametrize("digit", "0123456789")
def test_a_digit_gives_nearly_the_same_glyph_with_any_pen(digit):
    def written(pen_px: float) -> np.ndarray:
        rng = np.random.default_rng(2)
        return make_glyph(write(digit, rng, height_px=200, pen_px=pen_px).ink)

    fine, usual, broad = (written(pen_px) for pen_px in (3, 26, 40))

    assert correlations([fine, broad], [usual, usual]).min() > 0.75
    for result in (fine, usual, broad):
        width = estimate_stroke_width(result)
        assert MNIST_SHAPE.min_stroke_px - 0.5 < width < MNIST_SHAPE.max_stroke_px + 0.5
