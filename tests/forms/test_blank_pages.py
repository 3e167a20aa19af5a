"""`form new`: blanks of any size, photographed or scanned, give templates that load."""

import cv2
import numpy as np
import pytest
from PIL import Image

from inkread.errors import ConfigError, ImageError
from inkread.forms.blank_page import load_blank, parse_page
from inkread.forms.fields import Rect
from inkread.forms.propose import ProposedField, format_template, propose
from inkread.forms.template import parse


def drawn(width_mm, height_mm, boxes, px_per_mm=6.0):
    """A blank form with boxes, and some print."""
    page = np.full((round(height_mm * px_per_mm), round(width_mm * px_per_mm)), 245, np.uint8)
    for left, top, right, bottom in boxes:
        corners = [(round(x * px_per_mm), round(y * px_per_mm)) for x, y in
                   ((left, top), (right, bottom))]  # fmt: skip
        cv2.rectangle(page, *corners, 30, 2)
    cv2.putText(page, "Reading of meters", (60, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 20, 2)
    return page


@pytest.mark.parametrize(
    ("page", "size"),
    [
        ("a4", (210, 297)),
        ("210x297", (210, 297)),
        ("21x29.7cm", (210, 297)),
        ("8.5x11in", (215.9, 279.4)),
        ("100.5x200mm", (100.5, 200)),
    ],
)
def test_a_page_is_given_by_name_or_by_its_sides(page, size):
    assert parse_page(page) == pytest.approx(size)


@pytest.mark.parametrize("page", ["a9", "210", "210x", "10x10", "5000x50", "210x297ft", "axb", ""])
def test_what_is_no_page_is_refused(page):
    with pytest.raises(ConfigError, match="expected a page such as a4, 210x297"):
        parse_page(page)


def test_the_paper_is_what_the_resolution_says(tmp_path):
    picture = Image.fromarray(drawn(100, 180, [(10, 30, 60, 40)]))
    picture.save(tmp_path / "blank.png", dpi=(6 * 25.4, 6 * 25.4))

    assert load_blank(tmp_path / "blank.png").size_mm == pytest.approx((100, 180), abs=0.3)
    assert load_blank(tmp_path / "blank.png", "50x90").size_mm == (50, 90)


def test_the_paper_is_the_pages_of_a_pdf(tmp_path):
    Image.fromarray(drawn(120, 160, [(10, 30, 60, 40)])).save(tmp_path / "a.pdf", resolution=152.4)

    assert load_blank(tmp_path / "a.pdf").size_mm == pytest.approx((120, 160), abs=0.3)


@pytest.mark.parametrize(
    ("sides", "size"), [((297, 210), (297, 210)), ((215.9, 279.4), (215.9, 279.4))]
)
def test_a_picture_that_states_no_resolution_is_of_the_paper_of_its_shape(tmp_path, sides, size):
    Image.fromarray(drawn(*sides, [(10, 30, 60, 40)], 4)).save(tmp_path / "a.png")

    assert load_blank(tmp_path / "a.png").size_mm == size


def test_a_part_of_a_page_is_refused(tmp_path):
    Image.fromarray(drawn(210, 100, [(10, 30, 60, 40)])).save(tmp_path / "a.png")

    with pytest.raises(ImageError, match="expected a picture of the whole page"):
        load_blank(tmp_path / "a.png", "a4")


def test_a_photo_of_a_sheet_is_made_flat(tmp_path):
    boxes = [(20, 60, 80, 70), (20, 100, 80, 110), (110, 150, 180, 160)]
    sheet = drawn(210, 297, boxes, 5)
    height, width = sheet.shape
    corners = np.array([[140, 120], [1230, 170], [1190, 1640], [90, 1580]], np.float32)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, corners)
    photo = cv2.warpPerspective(sheet, matrix, (1350, 1750), borderValue=70)
    Image.fromarray(photo).save(tmp_path / "photo.jpg", quality=95)

    found = load_blank(tmp_path / "photo.jpg", "a4")

    assert found.was_rectified
    rects = [each.rect for each in propose(found.pixels, found.size_mm)]
    assert len(rects) == len(boxes)
    for rect, box in zip(rects, boxes, strict=True):
        assert rect == pytest.approx(box, abs=1.5)


def test_what_is_proposed_always_loads(tmp_path):
    """Boxes that a template can't have stand in it as comments, with the reason."""
    fields = [
        ProposedField(Rect(20, 60, 80, 70), 0),
        ProposedField(Rect(50, 65, 90, 75), 0),  # overlaps the first
        ProposedField(Rect(20, 100, 50, 110), 60),  # cells of half a millimetre
        ProposedField(Rect(100, 200, 150, 210), 25),
        ProposedField(Rect(190, 250, 230, 260), 0),  # beyond the page
    ]

    text = format_template("Zähler: 2024/25", tmp_path / "blank.png", (210.0, 297.0), fields)

    template = parse(text)
    assert [each.name for each in template.fields] == ["field_1", "field_4"]
    assert template.form == "Z-hler- 2024-25"
    assert text.count("# not a field: ") == 3
    for reason in ("overlaps the box of 'field_1'", "expected cells of at least", "outside"):
        assert reason in text


def test_the_cells_of_a_table_are_named_by_row_and_column(tmp_path):
    cells = [(20 + 40 * column, 60 + 12 * row, 60 + 40 * column, 72 + 12 * row)
             for row in range(3) for column in range(2)]  # fmt: skip
    fields = [ProposedField(Rect(20, 30, 60, 40), 0)]
    fields += [ProposedField(Rect(*cell), 0) for cell in cells]

    template = parse(format_template("t", tmp_path / "b.png", "a4", fields))

    assert [each.name for each in template.fields] == [
        "field_1",
        *(f"table_1_row_{row}_column_{column}" for row in (1, 2, 3) for column in (1, 2)),
    ]
