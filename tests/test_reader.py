import math
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_pictures import SIZES, encoded, numbers_written, page_of, photographed, written
from PIL import Image

import inkread
from inkread import Digit, Number, Page, Reader
from inkread.training.synthesis.drawn_digits import PAPERS, put_on_paper


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


@pytest.mark.parametrize("size", [(3, 3), (28, 28), (200, 300)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_has_nothing_to_read(reader, size, level):
    picture = np.full(size, level, np.uint8)
    whole = (0, 0, size[1], size[0])

    name = reader.line_model.name
    nothing = Page((), size[1], size[0], name, notes=("no writing found",))
    assert reader.read(picture) == nothing
    assert reader.read_number(picture) == Number("", 0.0, whole, (), rejected=True)
    assert reader.read_digit(picture) == Digit(None, 0.0, whole, (0.0,) * 10, rejected=True)


@pytest.mark.parametrize("paper", PAPERS)
def test_blank_paper_has_nothing_to_read(reader, paper):
    picture = put_on_paper(np.zeros((300, 400), np.uint8), np.random.default_rng(0), paper=paper)

    assert reader.read(picture).numbers == ()
    assert reader.read_number(picture).text == ""
    assert reader.read_digit(picture).label is None
