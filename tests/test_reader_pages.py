"""Whole pages: tables, boxes, combs, print, crossed-out numbers, sheets that lie turned."""

import itertools

import cv2
import numpy as np
import pytest
from drawn_pictures import written
from PIL import Image
from sheets import MARKS, SHEET

from inkread.errors import ConfigError
from inkread.imaging.layout_options import Cells
from inkread.training.synthesis.fonts import find_fonts
from inkread.training.synthesis.page_print import PagePrinter

PAPER, RULE = 235, 60


def put(page, text, left, top, *, seed=0, height_px=40, pen_px=4):
    """Write a number on a page; returns its box."""
    ink = written(text, seed, height_px, pen_px).ink
    x, y, width, height = cv2.boundingRect(ink)
    ink = ink[y : y + height, x : x + width]
    part = page[top : top + ink.shape[0], left : left + ink.shape[1]]
    np.minimum(part, 255 - (ink * 0.85).astype(np.uint8), out=part)
    return left, top, left + ink.shape[1], top + ink.shape[0]


def rule(page, *points, width=3):
    for start, end in itertools.pairwise(points):
        cv2.line(page, start, end, RULE, width, cv2.LINE_AA)


def blank(height=400, width=600):
    return np.full((height, width), PAPER, np.uint8)


def texts(page):
    return [number.text for number in page.numbers]


def marks_of(table):
    return [
        [cell.number.text if cell and cell.number else "" for cell in row[1:]]
        for row in table.rows[1:]
    ]


@pytest.fixture(scope="module")
def sheet():
    return np.asarray(Image.open(SHEET))


def test_a_photographed_table_is_read_into_its_cells(reader, sheet):
    page = reader.read(sheet)
    (table,) = page.tables
    assert marks_of(table) == MARKS
    assert sorted(texts(page)) == sorted(text for row in MARKS for text in row if text)
    assert not any(number.printed for number in page.numbers)


def test_print_is_reported_where_it_is_asked_for(reader):
    page = blank()
    fonts = tuple(path for path in find_fonts() if path.stem == "DejaVuSerif")
    left = 60
    for word in ("Invoice", "4711"):
        ink = PagePrinter(fonts, np.random.default_rng(0), 30).text(word)
        height, width = ink.shape
        page[80 : 80 + height, left : left + width] -= (ink * 200).astype(np.uint8)
        left += width + 12
    put(page, "385", 300, 230)
    assert texts(reader.read(page)) == ["385"]
    found = reader.read(page, printed=True).numbers
    assert [(number.text, number.printed) for number in found] == [("4711", True), ("385", False)]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_sheet_that_lies_turned_is_read_with_boxes_on_the_picture_as_it_came(
    reader, sheet, turns
):
    upright = reader.read(sheet)
    page = reader.read(np.ascontiguousarray(np.rot90(sheet, turns)))
    assert texts(page) == texts(upright)
    first, turned = upright.numbers[0].box, page.numbers[0].box
    size = (first.right - first.left, first.bottom - first.top)
    expected = size if turns == 2 else size[::-1]
    assert (turned.right - turned.left, turned.bottom - turned.top) == pytest.approx(
        expected, abs=8
    )


def test_a_number_in_a_closed_box_is_read(reader):
    page = blank()
    box = put(page, "4821", 200, 150)
    rule(page, (170, 130), (box[2] + 30, 130), (box[2] + 30, 220), (170, 220), (170, 130))
    assert texts(reader.read(page)) == ["4821"]


def test_an_underlined_number_is_read(reader):
    page = blank()
    left, _, right, bottom = put(page, "5360", 200, 150)
    rule(page, (left - 40, bottom + 8), (right + 60, bottom + 8))
    assert texts(reader.read(page)) == ["5360"]


def draw_comb(page, text, left=40, top=150, *, width=76, height=80, gap=0):
    for index, digit in enumerate(text):
        x = left + index * (width + gap)
        rule(
            page, (x, top), (x + width, top), (x + width, top + height), (x, top + height), (x, top)
        )
        put(page, digit, x + width // 2 - 12, top + 20, seed=index)


@pytest.mark.parametrize("gap", [0, 14])
def test_the_cells_of_a_comb_are_one_number(reader, gap):
    page = blank()
    draw_comb(page, "402753", gap=gap)
    assert texts(reader.read(page, cells="join")) == ["402753"]


def test_cells_that_are_split_are_a_number_each(reader):
    page = blank()
    draw_comb(page, "402753")
    assert texts(reader.read(page, cells=Cells.SPLIT)) == list("402753")


def test_a_length_joins_the_parts_of_a_number(reader):
    page = blank()
    right = put(page, "0721", 30, 150)[2]
    right = put(page, "555", right + 40, 150, seed=1)[2]
    put(page, "8890", right + 40, 150, seed=2)
    assert texts(reader.read(page, length=11)) == ["07215558890"]


def test_a_known_grid_says_how_many_cells_there_are(reader, sheet):
    page = reader.read(sheet, grid=(8, 5))
    assert [len(row) for row in page.tables[0].rows] == [5] * 8


@pytest.mark.parametrize("options", [{"cells": "both"}, {"grid": 9}, {"grid": (0, 3)},
                                     {"grid": (9, 9, 9)}, {"grid": "9x9"}])  # fmt: skip
def test_an_option_that_makes_no_sense_is_refused(reader, options):
    with pytest.raises(ConfigError, match="expected"):
        reader.read(blank(), **options)
