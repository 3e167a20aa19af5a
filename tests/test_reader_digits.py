import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from drawn_pictures import COLOURS, DIGITS, SIZES, brush, encoded, enlarged, photographed, written
from PIL import Image

from inkread import ImageError
from inkread.training.synthesis.drawn_digits import PAPERS


def test_the_shipped_model_reads_the_10_000_test_images(probabilities, full_mnist):
    right = probabilities.argmax(axis=1) == full_mnist.test.labels

    assert len(right) == 10_000
    assert right.mean() >= 0.994


def test_its_confidence_is_calibrated(probabilities, full_mnist):
    right = probabilities.argmax(axis=1) == full_mnist.test.labels

    assert probabilities.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.005)


def test_probabilities_are_float32_and_add_up_to_1(reader, small_mnist):
    probabilities = reader.classify(small_mnist.test.images)

    assert probabilities.dtype == np.float32
    assert probabilities.shape == (300, 10)
    assert (probabilities >= 0).all()
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_batch_is_classified_as_one_by_one(reader, small_mnist):
    images = small_mnist.test.images

    one_by_one = np.concatenate([reader.classify(images[i : i + 1]) for i in range(len(images))])

    assert np.allclose(reader.classify(images), one_by_one, atol=1e-5)


def test_glyphs_may_be_views_and_read_only(reader, small_mnist):
    images = small_mnist.test.images[::-2]
    images.setflags(write=False)

    assert np.array_equal(reader.classify(images), reader.classify(images.copy()))


def test_no_glyphs_give_no_rows(reader):
    probabilities = reader.classify(np.zeros((0, 28, 28), np.uint8))

    assert probabilities.shape == (0, 10)
    assert probabilities.dtype == np.float32


@pytest.mark.parametrize(
    "glyphs",
    [
        np.zeros((28, 28), np.uint8),
        np.zeros((1, 28, 28, 1), np.uint8),
        np.zeros((1, 27, 28), np.uint8),
        np.zeros(784, np.uint8),
        np.uint8(3) + np.zeros((), np.uint8),
        np.zeros((1, 28, 28), np.float32),
        np.zeros((1, 28, 28), bool),
        [[0] * 28] * 28,
        None,
        "glyphs.png",
    ],
    ids=lambda glyphs: str(getattr(glyphs, "shape", type(glyphs).__name__)),
)
def test_other_glyphs_are_refused(reader, glyphs):
    with pytest.raises(ImageError, match=r"expected glyphs as uint8 \(N, 28, 28\), received "):
        reader.classify(glyphs)


@pytest.mark.parametrize(
    "changed",
    [
        lambda page: page,
        cv2.bitwise_not,
        lambda page: cv2.dilate(page, brush(1)),
        lambda page: cv2.erode(page, brush(1)),
    ],
    ids=["large and off centre", "inverted", "thinned", "thickened"],
)
def test_an_mnist_digit_is_read_as_it_is_classified(
    reader, full_mnist, probabilities, changed: Callable[[np.ndarray], np.ndarray]
):
    images = full_mnist.test.images[:100]
    expected = probabilities[:100].argmax(axis=1)

    labels = [reader.read_digit(changed(enlarged(image))).label for image in images]

    assert np.mean(labels == expected) >= 0.95


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize(("height_px", "pen_px"), SIZES)
def test_digits_are_read_on_every_paper(reader, paper, height_px, pen_px):
    truth = 2 * DIGITS

    read = [
        reader.read_digit(photographed(written(digit, seed, height_px, pen_px), paper=paper)).text
        for seed, digit in enumerate(truth)
    ]

    assert np.mean([a == b for a, b in zip(read, truth, strict=True)]) >= 0.95


@pytest.mark.parametrize("colours", COLOURS.values(), ids=COLOURS)
def test_digits_are_read_in_every_colour(reader, colours):
    paper_rgb, ink_rgb = colours

    read = "".join(
        reader.read_digit(photographed(written(digit), paper_rgb=paper_rgb, ink_rgb=ink_rgb)).text
        for digit in DIGITS
    )

    assert read == DIGITS


@pytest.mark.parametrize("rgb", [(0, 0, 0), (255, 255, 255), (200, 40, 40)])
@pytest.mark.parametrize("digit", "0458")
def test_a_digit_on_a_transparent_background_is_read(reader, digit, rgb):
    alpha = written(digit).ink
    pixels = np.dstack([np.broadcast_to(np.array(rgb, np.uint8), (*alpha.shape, 3)), alpha])

    assert reader.read_digit(pixels).text == digit
    assert reader.read_digit(encoded(pixels)).text == digit


@pytest.mark.parametrize("digit", "169")
def test_a_digit_is_read_upright_whatever_its_exif_says(reader, digit):
    page = photographed(written(digit))
    for orientation, turns in ((1, 0), (8, 3), (3, 2), (6, 1)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = encoded(np.rot90(page, turns).copy(), "JPEG", quality=95, exif=exif)

        assert reader.read_digit(data).text == digit


@pytest.mark.parametrize("digit", "2357")
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_a_digit_of_16_bit_data_is_read(reader, digit, bits):
    page = cv2.bitwise_not(written(digit).ink)
    deep = np.rint(page * ((2**bits - 1) / 255)).astype(np.uint16)

    assert reader.read_digit(deep).text == digit
    assert reader.read_digit(encoded(deep)).text == digit


def test_every_kind_of_picture_gives_the_same_digit(reader, tmp_path):
    page = photographed(written("5"))
    path = tmp_path / "five.png"
    path.write_bytes(encoded(page))
    pictures = [path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()),
                Image.fromarray(page), page / 255, page.astype(np.uint16) * 257]  # fmt: skip

    expected = reader.read_digit(page)

    assert expected.text == "5"
    assert [reader.read_digit(picture) for picture in pictures] == [expected] * len(pictures)


def test_a_digit_knows_its_box_and_probabilities(reader):
    writing = written("6", height_px=100, pen_px=8)

    digit = reader.read_digit(cv2.bitwise_not(writing.ink))

    assert digit.box == pytest.approx(writing.boxes[0], abs=2)
    assert max(digit.probabilities) == digit.probabilities[6]
    assert sum(digit.probabilities) == pytest.approx(1, abs=1e-5)
    # That it is a digit, and this one; of strokes as clean as these the model is sure of both.
    assert digit.confidence == digit.probabilities[6] * (1 - digit.junk)
    assert 0 < digit.junk < 1e-3
    assert (digit.label, digit.text, digit.rejected) == (6, "6", False)


def test_pictures_are_left_as_they_were(reader):
    page = photographed(written("40713"), paper="grid")
    before = page.copy()

    reader.read(page)
    reader.read_number(page)
    reader.read_digit(page)

    assert (page == before).all()
