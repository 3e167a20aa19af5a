import cv2
import numpy as np
import pytest

from inkread.imaging import ink
from inkread.imaging.images import load
from inkread.training.synthesis.drawn_digits import PAPERS, Writing, put_on_paper, write

CHALK = {"paper_rgb": (38, 60, 52), "ink_rgb": (225, 225, 215)}
WRITING = [(60, 4), (60, 9), (120, 8), (300, 20)]  # heights and pens
SIZES = [(100, 100), (200, 300), (600, 800)]


def written(text: str, height_px: int, pen_px: float, seed: int = 0) -> Writing:
    return write(text, np.random.default_rng(seed), height_px=height_px, pen_px=pen_px)


def photographed(writing: np.ndarray, seed: int = 0, **options: object) -> np.ndarray:
    """(H, W) uint8: the writing on paper."""
    return load(put_on_paper(writing, np.random.default_rng(seed), **options))


def is_blank(page: np.ndarray) -> bool:
    return not ink.find(page).pixels.any()


def grown(mask: np.ndarray, px: int) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * px + 1, 2 * px + 1), np.uint8)) > 0


def precision_and_recall(found: ink.Ink, true: np.ndarray) -> tuple[float, float]:
    """How much of what was found is ink, and how much of the ink was found, to within 2 pixels."""
    mask = cv2.resize(found.pixels, true.shape[::-1]) > 63
    ink_mask = true > 127
    if not mask.any():
        return 1.0, 0.0
    precision = (mask & grown(ink_mask, 2)).sum() / mask.sum()
    recall = (ink_mask & grown(mask, 2)).sum() / ink_mask.sum()
    return float(precision), float(recall)


# Blank pages


@pytest.mark.parametrize("size", [(3, 3), (28, 28), (47, 47), (200, 300), (1700, 900)])
@pytest.mark.parametrize("level", [0, 1, 90, 200, 254, 255])
def test_a_flat_page_has_no_ink(size, level):
    assert is_blank(np.full(size, level, np.uint8))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("level", [40, 128, 250])
@pytest.mark.parametrize("sd", [2, 6])
def test_a_page_of_noise_has_no_ink(rng, size, level, sd):
    page = np.clip(rng.normal(level, sd, size), 0, 255).astype(np.uint8)

    assert is_blank(page)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_blank_page_has_no_ink(paper, size, seed):
    page = photographed(np.zeros(size, np.uint8), seed, paper=paper)

    assert is_blank(page)


@pytest.mark.parametrize("paper", ["plain", "grain", "gradient", "shadow"])
@pytest.mark.parametrize("size", SIZES)
def test_a_blank_board_has_no_ink(paper, size):
    page = photographed(np.zeros(size, np.uint8), paper=paper, **CHALK)

    assert is_blank(page)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("turned", [False, True], ids=["beside", "below"])
def test_the_edge_of_a_hard_shadow_is_not_ink(rng, size, turned):
    page = rng.normal(240, 2, size)
    half = page.T if turned else page
    half[:, : half.shape[1] // 2] *= 0.6

    assert is_blank(np.clip(page, 0, 255).astype(np.uint8))


# Writing


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize(
    ("text", "height_px", "pen_px"),
    [
        ("40713", 30, 3),
        *[(text, *size) for text in ("40713", "2865", "7", "1") for size in WRITING],
    ],
)
def test_the_ink_is_found_on_every_paper(text, height_px, pen_px, paper):
    writing = written(text, height_px, pen_px)

    precision, recall = precision_and_recall(
        ink.find(photographed(writing.ink, paper=paper)), writing.ink
    )

    assert recall > 0.93
    assert precision > 0.93


@pytest.mark.parametrize("paper", ["plain", "grain", "gradient", "shadow"])
@pytest.mark.parametrize(("height_px", "pen_px"), [(30, 3), (60, 4), (120, 12)])
@pytest.mark.parametrize("text", ["40713", "7"])
def test_chalk_is_found_on_every_board(text, height_px, pen_px, paper):
    writing = written(text, height_px, pen_px)

    precision, recall = precision_and_recall(
        ink.find(photographed(writing.ink, paper=paper, **CHALK)), writing.ink
    )

    assert recall > 0.93
    assert precision > 0.93


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("text", ["40713", "2"])
def test_a_negative_gives_nearly_the_same_ink(text, paper):
    page = photographed(written(text, 60, 4).ink, paper=paper)

    positive, negative = ink.find(page), ink.find(cv2.bitwise_not(page))

    assert positive.scale == negative.scale
    precision, recall = precision_and_recall(negative, positive.pixels)
    assert recall > 0.93
    assert precision > 0.93


@pytest.mark.parametrize("contrast", [30, 60, 200])
def test_faint_and_strong_ink_come_out_alike(contrast):
    writing = written("40713", 60, 5)
    level = 230 - contrast

    found = ink.find(
        photographed(writing.ink, paper_rgb=(230, 230, 230), ink_rgb=(level, level, level))
    )

    assert np.median(found.pixels[writing.ink == 255]) == 255
    assert min(precision_and_recall(found, writing.ink)) > 0.93


def test_ink_has_the_shape_and_polarity_that_glyphs_are_made_from():
    writing = written("40713", 60, 4)

    found = ink.find(photographed(writing.ink))

    assert found.scale == 1.0
    assert found.pixels.dtype == np.uint8
    assert found.pixels.shape == writing.ink.shape
    assert found.pixels[grown(writing.ink > 0, 4)].max() == 255
    assert not found.pixels[~grown(writing.ink > 0, 4)].any()


def test_edges_are_soft():
    found = ink.find(photographed(written("8", 200, 14).ink)).pixels

    assert ((found > 0) & (found < 255)).sum() > 100


@pytest.mark.parametrize("digit", "0123456789")
def test_a_tight_crop_filled_by_a_bold_digit_keeps_its_polarity(digit):
    writing = written(digit, 30, 9)
    box = writing.boxes[0]
    true = np.pad(writing.ink[box.top : box.bottom, box.left : box.right], 2)

    for page in (true, cv2.bitwise_not(true)):
        precision, recall = precision_and_recall(ink.find(page), true)
        assert min(precision, recall) > 0.93


def test_a_large_page_is_shrunk_and_its_scale_says_by_how_much():
    writing = np.pad(written("40713", 300, 24).ink, ((900, 800), (1000, 500)))

    found = ink.find(photographed(writing))

    assert found.scale > 1.5
    assert found.pixels.shape == pytest.approx(
        (writing.shape[0] / found.scale, writing.shape[1] / found.scale), abs=1
    )
    assert min(precision_and_recall(found, writing)) > 0.93


@pytest.mark.parametrize("size", [(28, 28), (200, 300), (900, 1200)])
def test_a_page_of_ordinary_size_is_not_shrunk(size):
    found = ink.find(np.full(size, 255, np.uint8))

    assert (found.scale, found.pixels.shape) == (1.0, size)


def test_ink_is_found_on_a_smaller_copy_of_a_large_page_and_the_page_kept():
    page = np.full((900, 1600), 255, np.uint8)

    found = ink.find(page)

    assert found.scale == pytest.approx(1600 / 1200)
    assert found.pixels.shape == (675, 1200)
    assert found.page is page


def test_the_given_page_is_not_changed():
    page = photographed(written("40713", 60, 4).ink, paper="grid")
    before = page.copy()

    ink.find(page)

    assert (page == before).all()


# Ruled lines and grids


@pytest.mark.parametrize("paper", ["ruled", "grid"])
@pytest.mark.parametrize("spacing_px", [20, 40])
def test_printed_lines_are_gone_between_the_digits(paper, spacing_px):
    writing = written("40713", 80, 5).ink
    lines = np.full_like(writing, 255)
    lines[spacing_px // 2 :: spacing_px] = 130
    if paper == "grid":
        lines[:, spacing_px // 2 :: spacing_px] = 130

    found = ink.find(np.minimum(lines, cv2.bitwise_not(writing)))

    precision, recall = precision_and_recall(found, writing)
    assert recall > 0.9
    assert precision > 0.9


def test_slightly_turned_ruling_is_gone():
    writing = written("40713", 80, 5).ink
    page = cv2.bitwise_not(writing)
    height, width = page.shape
    for y in range(15, height, 35):
        cv2.line(page, (0, y), (width, y + width // 60), 120, 1)

    precision, recall = precision_and_recall(ink.find(page), writing)

    assert recall > 0.9
    assert precision > 0.9


@pytest.mark.parametrize("width_px", [3, 6, 12])
@pytest.mark.parametrize("size", [(28, 20), (120, 60), (300, 300)])
def test_a_lone_one_that_spans_its_crop_is_kept(size, width_px):
    page = np.full(size, 240, np.uint8)
    left = size[1] // 2 - width_px // 2
    page[:, left : left + width_px] = 30

    found = ink.find(page).pixels

    assert (found[5:-5, left : left + width_px] > 63).mean() > 0.9
    assert not found[:, : left - 2].any()
    assert not found[:, left + width_px + 2 :].any()


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (2, 300), (300, 2), (1, 1), (1, 5000)])
def test_pictures_one_pixel_high_or_wide_are_no_obstacle(shape, rng):
    for values in (rng.integers(0, 256, shape), np.where(rng.random(shape) < 0.1, 0, 255)):
        assert ink.find(values.astype(np.uint8)).page.shape == shape
