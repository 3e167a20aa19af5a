import dataclasses
import io
import math
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import inkread
from inkread import ConfigError, Digit, ImageError, InkreadError, ModelError, Number, Page, Reader
from inkread.models.metadata import METADATA_KEY
from inkread.training.synthesis.drawn_digits import PAPERS, Writing, put_on_paper, write

DIGITS = "0123456789"
ENLARGEMENT = 5
SIZES = [(60, 4), (120, 10)]  # heights and pens
COLOURS = {
    "pencil": ((250, 250, 250), (140, 140, 140)),
    "red pen": ((245, 240, 225), (200, 30, 40)),
    "blue on yellow": ((250, 230, 90), (30, 50, 160)),
    "red on green of the same luminance": ((60, 131, 60), (200, 60, 60)),
    "chalk": ((38, 60, 52), (225, 225, 215)),
    "yellow on black": ((5, 5, 5), (240, 220, 40)),
}


def written(text: str, seed: int = 0, height_px: int = 60, pen_px: float = 5) -> Writing:
    return write(text, np.random.default_rng(seed), height_px=height_px, pen_px=pen_px)


def photographed(writing: Writing, **options: object) -> np.ndarray:
    """(H, W, 3) uint8: the writing on paper."""
    return put_on_paper(writing.ink, np.random.default_rng(0), **options)


def numbers_written(count: int, length: int, height_px: int, pen_px: float) -> list[Writing]:
    """Numbers of random digits."""
    random_digits = random.Random(0)  # noqa: S311 - nothing is secret here
    texts = ["".join(random_digits.choices(DIGITS, k=length)) for _ in range(count)]
    return [written(text, seed, height_px, pen_px) for seed, text in enumerate(texts)]


def page_of(rows: list[list[Writing]], gap_px: int = 80) -> np.ndarray:
    """(H, W) uint8: the ink of lines of numbers, one below the other."""
    strips = []
    for row in rows:
        height = max(writing.ink.shape[0] for writing in row)
        parts = [np.pad(part.ink, ((0, height - part.ink.shape[0]), (0, gap_px))) for part in row]
        strips.append(np.hstack(parts))
    width = max(strip.shape[1] for strip in strips)
    return np.vstack([np.pad(strip, ((0, 0), (0, width - strip.shape[1]))) for strip in strips])


def encoded(pixels: np.ndarray, file_format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=file_format, **options)
    return file.getvalue()


def enlarged(image: np.ndarray) -> np.ndarray:
    """An MNIST image drawn larger and off the middle: black ink on white."""
    large = cv2.resize(image, None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC)
    return cv2.bitwise_not(np.pad(large, ((30, 100), (75, 15))))


def brush(glyph_px: float) -> np.ndarray:
    side = round(glyph_px * ENLARGEMENT) | 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def foreign_model() -> bytes:
    """A valid ONNX file that inkread didn't write."""
    shape = ["n", 28, 28, 1]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["glyphs"], ["probabilities"])],
        "identity",
        [helper.make_tensor_value_info("glyphs", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape)],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


# Glyphs


@pytest.fixture(scope="module")
def probabilities(reader, full_mnist) -> np.ndarray:
    """(10,000, 10): of all test images."""
    return reader.classify(full_mnist.test.images)


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


# One digit


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


# Numbers and pages


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize(("height_px", "pen_px"), SIZES)
def test_numbers_are_read_on_every_paper(reader, paper, height_px, pen_px):
    writings = numbers_written(10, 6, height_px, pen_px)

    read = [reader.read_number(photographed(writing, paper=paper)).text for writing in writings]

    right = [text == writing.text for text, writing in zip(read, writings, strict=True)]
    assert np.mean(right) >= 0.9


def test_a_number_is_made_of_its_digits(reader):
    writing = written("40713")

    number = reader.read_number(cv2.bitwise_not(writing.ink))

    assert number.text == "40713" == "".join(digit.text for digit in number.digits)
    for digit, box in zip(number.digits, writing.boxes, strict=True):
        assert digit.box == pytest.approx(box, abs=3)
    assert number.confidence == pytest.approx(
        math.prod(digit.confidence for digit in number.digits), rel=0.05
    )
    assert number.box == (
        min(digit.box.left for digit in number.digits),
        min(digit.box.top for digit in number.digits),
        max(digit.box.right for digit in number.digits),
        max(digit.box.bottom for digit in number.digits),
    )
    assert not number.rejected


@pytest.mark.parametrize("text", ["007", "1", "11", "1000001", "0", "5555555555"])
def test_leading_zeros_and_lone_ones_are_kept(reader, text):
    page = photographed(written(text))

    assert reader.read_number(page).text == text
    assert [number.text for number in reader.read(page).numbers] == [text]


@pytest.mark.parametrize("paper", PAPERS)
def test_pages_are_read_in_reading_order(reader, paper):
    rows = [["12345", "678"], ["90"], ["2468", "13579"]]
    writings = [[written(text, seed) for seed, text in enumerate(row)] for row in rows]
    ink = page_of(writings)

    page = reader.read(put_on_paper(ink, np.random.default_rng(0), paper=paper))

    assert [number.text for number in page.numbers] == ["12345", "678", "90", "2468", "13579"]
    assert (page.width, page.height) == ink.shape[::-1]
    assert page.model == reader.line_model.name


def test_a_number_may_be_one_line_of_several(reader):
    page = page_of([[written("12")], [written("345678")], [written("9")]])

    assert reader.read_number(cv2.bitwise_not(page)).text == "345678"


def test_boxes_are_those_of_the_upright_page(reader):
    writing = written("274")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.rot90(cv2.bitwise_not(writing.ink)).copy()

    page = reader.read(encoded(turned, "PNG", exif=exif))

    assert (page.width, page.height) == writing.ink.shape[::-1]
    assert [number.text for number in page.numbers] == ["274"]
    for digit, box in zip(page.numbers[0].digits, writing.boxes, strict=True):
        assert digit.box == pytest.approx(box, abs=3)


def test_boxes_are_those_of_a_large_page(reader):
    writing = written("40713", height_px=500, pen_px=40)
    page = np.pad(cv2.bitwise_not(writing.ink), ((300, 200), (700, 100)), constant_values=255)

    number = reader.read(page).numbers[0]

    assert number.text == "40713"
    for digit, (left, top, right, bottom) in zip(number.digits, writing.boxes, strict=True):
        expected = (left + 700, top + 300, right + 700, bottom + 300)
        assert digit.box == pytest.approx(expected, abs=8)


def test_the_bundled_samples_are_read_as_they_are_named(reader):
    samples = sorted(Path(str(resources.files("inkread") / "samples")).glob("*.png"))
    assert samples

    for sample in samples:
        texts = [number.text for number in reader.read(sample).numbers]
        assert texts == sample.stem.split("-")[1:], sample.name


def test_the_package_reads_with_a_reader_of_its_own(reader):
    picture = photographed(written("1969"), paper="shadow")

    page = inkread.read(picture)

    assert page == reader.read(picture)
    assert page.numbers[0].text == "1969"


def test_a_reader_can_be_shared_between_threads(reader):
    pictures = [photographed(writing) for writing in numbers_written(12, 4, 50, 4)]
    alone = [reader.read(picture) for picture in pictures]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(reader.read, pictures))
        by_the_package = list(pool.map(inkread.read, pictures))

    assert together == alone
    assert by_the_package == alone


def test_the_number_of_threads_changes_nothing(reader):
    picture = photographed(written("40713"))

    page = Reader(threads=1).read(picture)

    assert [number.text for number in page.numbers] == ["40713"]
    assert page.numbers[0].confidence == pytest.approx(reader.read(picture).numbers[0].confidence)


# Blank pictures


@pytest.mark.parametrize("size", [(3, 3), (28, 28), (200, 300)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_has_nothing_to_read(reader, size, level):
    picture = np.full(size, level, np.uint8)
    whole = (0, 0, size[1], size[0])

    assert reader.read(picture) == Page((), size[1], size[0], reader.line_model.name)
    assert reader.read_number(picture) == Number("", 0.0, whole, (), rejected=True)
    assert reader.read_digit(picture) == Digit(None, 0.0, whole, (0.0,) * 10, rejected=True)


@pytest.mark.parametrize("paper", PAPERS)
def test_blank_paper_has_nothing_to_read(reader, paper):
    picture = put_on_paper(np.zeros((300, 400), np.uint8), np.random.default_rng(0), paper=paper)

    assert reader.read(picture).numbers == ()
    assert reader.read_number(picture).text == ""
    assert reader.read_digit(picture).label is None


# Rejection and settings


def test_digits_below_the_least_confidence_are_rejected(reader, full_mnist, probabilities):
    hard = np.argsort(probabilities.max(axis=1))[[0, 10, 100, -1, -2]]
    page = np.hstack([np.pad(full_mnist.test.images[i], 4) for i in hard])
    sure = reader.read_number(page)
    threshold = sorted(digit.confidence for digit in sure.digits)[2]

    doubtful = Reader(min_confidence=threshold).read_number(page)

    below = [digit.confidence < threshold for digit in sure.digits]
    assert sum(below) == 2
    assert not sure.rejected
    assert doubtful.rejected
    assert [digit.rejected for digit in doubtful.digits] == below
    assert [digit.label for digit in doubtful.digits] == [digit.label for digit in sure.digits]
    assert doubtful.text == "".join(
        "?" if rejected else character for rejected, character in zip(below, sure.text, strict=True)
    )
    assert doubtful.confidence == sure.confidence


def test_a_picture_that_is_no_digit_can_be_rejected(rng):
    scribble = np.full((120, 120), 255, np.uint8)
    cv2.polylines(scribble, [rng.integers(15, 105, (25, 2), dtype=np.int32)], True, 0, 3)
    strict = Reader(min_confidence=1.0)

    digit = strict.read_digit(scribble)

    assert (digit.rejected, digit.text) == (True, "?")
    assert digit.label in range(10)


def model_that_answers(path: Path, outputs: list[float], junk_threshold: float | None) -> Path:
    """A model file that gives the same probabilities for every glyph, at temperature 1."""
    metadata = dataclasses.replace(
        Reader().model.metadata, temperature=1.0, junk_threshold=junk_threshold
    )
    kind, count = TensorProto.FLOAT, len(outputs)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["glyphs"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "zeros"], ["nothing"]),
            helper.make_node("Add", ["nothing", "outputs"], ["probabilities"]),
        ],
        "constant",
        [helper.make_tensor_value_info("glyphs", kind, ["N", 28, 28, 1])],
        [helper.make_tensor_value_info("probabilities", kind, ["N", count])],
        [
            numpy_helper.from_array(np.zeros((28 * 28, count), np.float32), "zeros"),
            numpy_helper.from_array(np.array(outputs, np.float32), "outputs"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: metadata.to_json()})
    onnx.save(model, path)
    return path


# One half for 4, an eighth for 9; what is left says that it is no digit.
ELEVEN = [0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.125, 0.375]


@pytest.mark.parametrize(
    ("junk_threshold", "min_confidence", "text"),
    [(0.4, 0.0, "4"), (0.375, 0.0, "4"), (0.3, 0.0, "?"), (0.4, 0.5, "4"), (0.4, 0.51, "?")],
)
def test_what_is_no_digit_is_rejected_above_the_models_threshold(
    tmp_path, monkeypatch, junk_threshold, min_confidence, text
):
    monkeypatch.setattr("inkread.reader._SURE", 0.0)  # the glyph model alone is meant
    path = model_that_answers(tmp_path / "eleven.onnx", ELEVEN, junk_threshold)

    digit = Reader(path, min_confidence=min_confidence).read_digit(
        cv2.bitwise_not(written("4").ink)
    )

    assert digit.text == text
    assert digit.rejected == (text == "?")
    assert (digit.label, digit.junk) == (4, 0.375)
    assert digit.confidence == pytest.approx(0.5)  # that it is a digit (0.625), and a 4 (0.8)
    assert digit.probabilities == pytest.approx([0, 0, 0, 0, 0.8, 0, 0, 0, 0, 0.2])


def test_a_number_with_something_that_is_no_digit_is_rejected(tmp_path):
    model = model_that_answers(tmp_path / "eleven.onnx", ELEVEN, 0.3)

    """A lone piece of ink that the glyph model takes for no digit is one to nobody."""
    (number,) = Reader(model).read(photographed(written("4"))).numbers

    assert (number.text, number.rejected) == ("?", True)
    assert number.digits[0].label == 4


def test_glyphs_are_classified_as_the_digits_that_they_would_be(tmp_path):
    model = model_that_answers(tmp_path / "eleven.onnx", ELEVEN, 0.3)

    probabilities = Reader(model).classify(np.zeros((3, 28, 28), np.uint8))

    assert probabilities.shape == (3, 10)
    np.testing.assert_allclose(probabilities[:, 4], 0.8, rtol=1e-6)


@pytest.mark.parametrize("value", [-0.01, 1.01, 95, math.nan, math.inf])
def test_a_least_confidence_outside_0_to_1_is_refused(value):
    with pytest.raises(
        ConfigError, match=rf"expected min_confidence in \[0, 1\], received {value}"
    ):
        Reader(min_confidence=value)


@pytest.mark.parametrize("value", [0, -1])
def test_fewer_threads_than_one_are_refused(value):
    with pytest.raises(ConfigError, match=f"expected at least one thread, received {value}"):
        Reader(threads=value)


# Model files


def test_a_model_can_be_named_or_given_as_a_file(reader, tmp_path):
    copied, line = tmp_path / "mine.onnx", tmp_path / "my-line.onnx"
    copied.write_bytes(reader.model.path.read_bytes())
    line.write_bytes(reader.line_model.path.read_bytes())
    picture = photographed(written("40713"))

    for model, line_model in ((copied, line), (str(copied), str(line))):
        mine = Reader(model, line_model=line_model)
        assert mine.model.name == "mine"
        assert mine.read(picture).model == "my-line"
        assert mine.read(picture).numbers == reader.read(picture).numbers
    assert Reader("default").model.path == reader.model.path
    assert Reader(line_model="default").line_model.path == reader.line_model.path


def test_a_model_of_the_other_kind_is_refused_by_name(reader):
    with pytest.raises(ModelError, match="kind 'glyph', received 'line'"):
        Reader(reader.line_model.path)
    with pytest.raises(ModelError, match="kind 'line', received 'glyph'"):
        Reader(line_model=reader.model.path)


@pytest.mark.parametrize("name", ["missing.onnx", "no-such-model", "", "null\0character"])
def test_a_missing_model_is_refused_by_name(name):
    with pytest.raises(ModelError, match="expected a model file or a name among") as info:
        Reader(name)

    assert name in str(info.value)


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="expected a model file"):
        Reader(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"not a model",
        lambda data: data[: len(data) // 2],
        lambda data: b"\0" * len(data),
    ],
    ids=["empty", "text", "truncated", "zeros"],
)
def test_a_corrupt_model_is_refused_by_name(reader, tmp_path, damage):
    path = tmp_path / "damaged.onnx"
    path.write_bytes(damage(reader.model.path.read_bytes()))

    with pytest.raises(ModelError, match=r"damaged\.onnx: "):
        Reader(path)


def test_a_foreign_model_is_refused_by_name(tmp_path):
    path = tmp_path / "foreign.onnx"
    path.write_bytes(foreign_model())

    with pytest.raises(ModelError, match=r"foreign\.onnx: expected metadata .*'inkread'"):
        Reader(path)


def test_a_model_whose_signature_is_another_is_refused_by_name(reader, tmp_path):
    model = onnx.load_model_from_string(foreign_model())
    shipped = onnx.load_model(reader.model.path)
    model.metadata_props.extend(shipped.metadata_props)
    path = tmp_path / "signature.onnx"
    path.write_bytes(model.SerializeToString())

    with pytest.raises(ModelError, match=r"signature\.onnx: expected inputs? and outputs?"):
        Reader(path)


# Whatever comes in, only the package's own errors come out


def read_every_way(reader: Reader, picture: object) -> None:
    for read, kind in (
        (reader.read, Page),
        (reader.read_number, Number),
        (reader.read_digit, Digit),
    ):
        try:
            result = read(picture)
        except InkreadError as error:
            assert str(error)  # noqa: PT017 - either a result or an error with a message is right
        else:
            assert isinstance(result, kind)
            assert kind.from_dict(result.to_dict()) == result


@settings(deadline=None, max_examples=60)
@given(
    array=hnp.arrays(
        hnp.scalar_dtypes()
        | hnp.byte_string_dtypes()
        | hnp.unicode_string_dtypes()
        | hnp.array_dtypes(),
        hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6),
    )
)
def test_no_array_raises_another_error(reader, array):
    read_every_way(reader, array)


@settings(deadline=None, max_examples=60)
@given(
    array=st.sampled_from(["uint8", "uint16", "float16", "float32", "float64"]).flatmap(
        lambda dtype: hnp.arrays(
            dtype,
            st.tuples(st.integers(3, 40), st.integers(3, 40), st.sampled_from([0, 3, 4])).map(
                lambda shape: shape if shape[2] else shape[:2]
            ),
            elements={"min_value": 0, "max_value": 1} if dtype.startswith("float") else None,
        )
    )
)
def test_no_small_picture_raises_another_error(reader, array):
    read_every_way(reader, array)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(3, 150), st.integers(3, 150)),
    cells=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    levels=st.integers(2, 5),
)
def test_no_picture_of_blots_raises_another_error(reader, seed, size, cells, levels):
    blots = np.random.default_rng(seed).integers(0, levels, cells) * (255 // (levels - 1))

    picture = cv2.resize(blots.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)

    read_every_way(reader, picture)


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=300))
def test_no_bytes_raise_another_error(reader, data):
    read_every_way(reader, data)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damage that it can repair
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"])
@settings(deadline=None, max_examples=20)
@given(
    changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=8),
    cut=st.floats(0, 1),
)
def test_no_damaged_file_raises_another_error(reader, file_format, changes, cut):
    data = bytearray(encoded(cv2.bitwise_not(written("4").ink), file_format))
    for place, value in changes:
        data[place % len(data)] = value

    read_every_way(reader, bytes(data))
    read_every_way(reader, bytes(data[: round(cut * len(data))]))


@pytest.mark.parametrize(
    "picture", [None, 5, [[0, 255]], object(), "", "no such file", io.StringIO("4")]
)
def test_no_other_object_raises_another_error(reader, picture):
    for read in (reader.read, reader.read_number, reader.read_digit, inkread.read):
        with pytest.raises(ImageError, match=r"expected"):
            read(picture)


@pytest.mark.parametrize("dtype", [object, "O,u1", "V4", "datetime64[D]", np.longdouble])
def test_no_unusual_dtype_raises_another_error(reader, dtype):
    read_every_way(reader, np.zeros((20, 20), dtype))
