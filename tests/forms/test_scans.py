"""Printed, filled in, scanned, found and read: the way of a form through paper."""

from pathlib import Path

import cv2
import numpy as np
import pypdfium2
import pytest
from form_sample import SAMPLE, TEXTS

import inkread
from inkread.forms import markers, print_layout
from inkread.forms.align import Aligner, Refusal, ScanError
from inkread.forms.field_reader import make_field_reader
from inkread.forms.form_reader import FormReader, Status
from inkread.forms.printing import print_form
from inkread.forms.propose import format_template, propose
from inkread.forms.template import PictureAlignment, TemplateError, load, parse
from inkread.imaging import images
from inkread.training.synthesis import filled_forms


@pytest.fixture(scope="module")
def template():
    return load(SAMPLE)


@pytest.fixture(scope="module")
def blank(template):
    return filled_forms.render_blank_page(template)


@pytest.fixture(scope="module")
def form_reader(template, reader):
    return FormReader(template, make_field_reader(reader))


@pytest.fixture(scope="module")
def clear_digits(full_mnist, reader):
    """The surest 20 validation images of each digit: reading forms is tested here, not digits."""
    split = full_mnist.validation
    images_, labels = split.images[:1500], split.labels[:1500]
    found = reader.model.classify(images_)
    confidence = found.probabilities[np.arange(len(labels)), labels] * (1 - found.junk)
    order = np.argsort(-confidence, kind="stable")
    surest = np.concatenate([order[labels[order] == digit][:20] for digit in range(10)])
    return type(split)(images_[surest], labels[surest])


def written(template, blank, texts, digits, seed=0):
    return filled_forms.write_texts(template, blank, texts, digits, np.random.default_rng(seed))


def scan_of(template, page, seed=0, **options):
    return filled_forms.scan_page(template, page, np.random.default_rng(seed), **options)


def turned(page, degrees):
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.75)
    return cv2.warpAffine(page, matrix, (width, height), borderValue=200)


def refusal(aligner, page):
    with pytest.raises(ScanError) as caught:
        aligner.locate(page)
    return caught.value


def test_the_pdf_is_exact_and_always_the_same(template, tmp_path):
    first, second = tmp_path / "a.pdf", tmp_path / "b.pdf"
    print_form(template, first)
    print_form(template, second)
    assert first.read_bytes() == second.read_bytes()
    document = pypdfium2.PdfDocument(first.read_bytes())
    assert [side / 72 * 25.4 for side in document[0].get_size()] == pytest.approx([148, 210])
    page = document[0].render(scale=10 * 25.4 / 72, grayscale=True).to_numpy()
    page = np.ascontiguousarray(page.reshape(page.shape[0], -1))
    document.close()
    found = markers.detect(cv2.resize(page, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    for identifier, rect in zip(
        markers.assign_identifiers(template), print_layout.place_markers(template.page), strict=True
    ):
        corners = (found[identifier] + 0.5) / 5
        expected = [[rect.left, rect.top], [rect.right, rect.top], [rect.right, rect.bottom]]
        assert corners[:3] == pytest.approx(np.array(expected), abs=0.1)
    # A comb's lines are where the template says, and nothing is in its cells.
    left, top, right, bottom = (round(10 * side) for side in template.rects["customer"])
    row = page[(top + bottom) // 2]
    dark = np.flatnonzero(row[left - 20 : right + 20] < 200) + left - 20
    centres = [part.mean() for part in np.split(dark, np.flatnonzero(np.diff(dark) > 1) + 1)]
    assert centres == pytest.approx([left + 70 * cell for cell in range(9)], abs=1)


def test_a_font_must_have_the_labels_characters(tmp_path):
    text = "form: x\nfields:\n  - {name: a, label: 数字, kind: tick, box: [20, 40, 30, 50]}\n"
    with pytest.raises(TemplateError, match="Vera"):
        print_form(parse(text), tmp_path / "a.pdf")
    with pytest.raises(TemplateError, match="TrueType"):
        print_form(parse(text), tmp_path / "a.pdf", font=SAMPLE)


@pytest.mark.parametrize("upside_down", [False, True])
def test_a_form_is_found_to_a_tenth_of_a_millimetre(template, blank, upside_down):
    scan = scan_of(template, blank, seed=4, upside_down=upside_down)
    found = Aligner(template).locate(images.load(scan.data))
    points = np.array([[20.0, 40.0], [128.0, 40.0], [74.0, 105.0], [20.0, 190.0]])
    true = cv2.perspectiveTransform(points[None], scan.homography)[0]
    distances = np.hypot(*(found.to_pixels(points) - true).T) / found.dpi * 25.4
    assert distances.max() < 0.1
    assert found.residual_mm < 0.1
    assert (abs(found.turned_deg) > 90) == upside_down


def test_what_is_no_form_is_refused_by_name(template, blank):
    aligner = Aligner(template)
    tiny = cv2.resize(blank, (58, 83), interpolation=cv2.INTER_AREA)
    assert refusal(aligner, tiny).refusal is Refusal.RESOLUTION
    assert "received about 10" in str(refusal(aligner, tiny))
    assert refusal(aligner, np.full_like(blank, 230)).refusal is Refusal.BLANK
    half = blank[: blank.shape[0] // 2]
    assert refusal(aligner, half).refusal is Refusal.CUT_OFF
    other = template.model_copy(update={"form": "another"})
    other.__dict__.pop("digest", None)
    assert refusal(aligner, filled_forms.render_blank_page(other)).refusal is Refusal.OTHER_FORM
    lined = np.full_like(blank, 255)
    lined[::40] = 0
    assert refusal(aligner, lined).refusal is Refusal.NO_FORM


def test_a_missing_marker_is_borne_but_no_missing_field(template, blank):
    aligner = Aligner(template)
    folded = blank.copy()
    corner = round(20 / 25.4 * 200)
    folded[:corner, :corner] = 255
    assert aligner.locate(folded).residual_mm < 0.1
    left = template.rects["customer"].left + 5
    cut = folded[:, round(left / 25.4 * 200) :]
    assert refusal(aligner, cut).refusal is Refusal.CUT_OFF


def test_paper_that_is_not_flat_is_refused_with_its_residual(template, blank):
    height, width = blank.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bent = cv2.remap(blank, x + 25 * np.sin(4 * np.pi * y / height), y, cv2.INTER_LINEAR)
    moved = bent.copy()
    moved[: height // 2, width // 2 :] = np.roll(bent, 30, axis=0)[: height // 2, width // 2 :]
    error = refusal(Aligner(template), moved)
    assert error.refusal is Refusal.NOT_FLAT
    assert error.residual_mm > 0.8


@pytest.fixture(scope="module")
def by_picture(template, blank, tmp_path_factory):
    folder = tmp_path_factory.mktemp("blank")
    cv2.imwrite(str(folder / "blank.png"), blank)
    return template.model_copy(
        update={"align": PictureAlignment(picture="blank.png"), "folder": folder}
    )


def test_a_form_is_found_by_its_print(by_picture, template, blank):
    aligner = Aligner(by_picture)
    scan = scan_of(template, blank, seed=5, upside_down=True)
    found = aligner.locate(images.load(scan.data))
    points = np.array([[20.0, 40.0], [128.0, 40.0], [20.0, 190.0], [128.0, 190.0]])
    true = cv2.perspectiveTransform(points[None], scan.homography)[0]
    assert np.hypot(*(found.to_pixels(points) - true).T).max() / found.dpi * 25.4 < 0.5
    rng = np.random.default_rng(0)
    strange = np.full_like(blank, 255)
    for _ in range(300):
        place = tuple(int(each) for each in rng.integers(20, 1000, 2))
        cv2.putText(strange, str(rng.integers(1000)), place, 0, 1.0, 0, 2)
    assert refusal(aligner, strange).refusal is Refusal.OTHER_FORM
    assert refusal(aligner, np.full_like(blank, 240)).refusal is Refusal.BLANK


def test_a_blank_picture_must_be_of_the_page(by_picture, blank):
    cv2.imwrite(str(by_picture.folder / "wide.png"), blank[:800])
    for name, said in (("none.png", "the blank form"), ("wide.png", "148 x 210 mm")):
        wrong = by_picture.model_copy(update={"align": PictureAlignment(picture=name)})
        with pytest.raises(TemplateError, match=said):
            Aligner(wrong)


def test_what_was_written_is_read(template, blank, form_reader, clear_digits):
    page = written(template, blank, TEXTS, clear_digits)
    reading = form_reader.read(images.load(scan_of(template, page).data))
    expected = filled_forms.texts_to_values(template, TEXTS)
    assert {each.name: each.value for each in reading.fields} == expected
    combs = [each for each in reading.fields if each.name != "phone"]
    assert {each.status for each in combs} == {Status.OK}


def test_empty_fields_are_told_from_missing_ones(template, blank, form_reader):
    reading = form_reader.read(images.load(scan_of(template, blank, seed=2).data))
    statuses = {each.name: each.status for each in reading.fields}
    assert statuses.pop("leak") is Status.OK
    needed = {"customer", "read_on", "current"}
    assert {name for name, status in statuses.items() if status is Status.MISSING} == needed
    assert {statuses[name] for name in set(statuses) - needed} == {Status.EMPTY}
    assert set(reading.crops) == needed
    assert reading.fields[-1].value is False


def test_what_breaks_a_rule_is_set_aside(template, blank, form_reader, clear_digits):
    page = written(template, blank, TEXTS | {"used": "6", "paid": ""}, clear_digits)
    reading = form_reader.read(page)
    read = {each.name: each for each in reading.fields}
    assert [read[name].status for name in ("previous", "used", "current")] == ["doubtful"] * 3
    assert read["used"].note == "expected previous + used = current"
    assert read["used"].value == "6"
    assert read["customer"].status is Status.OK
    assert read["paid"].status is Status.EMPTY


def test_scribbles_and_gaps_are_set_aside(template, blank, form_reader, clear_digits):
    page = written(
        template, blank, TEXTS | {"customer": "", "previous": "", "used": ""}, clear_digits
    )
    px = 200 / 25.4
    left, top, _, bottom = template.rects["previous"]
    for cell in (0, 2):  # a bar in the first and the third cell
        x = round((left + 7 * cell + 3.5) * px)
        page[round((top + 2) * px) : round((bottom - 2) * px), x - 2 : x + 3] = 40
    left, top, _, bottom = template.rects["customer"]
    points = np.array(
        [[left + 1 + step % 50, top + 1 + 3.5 * (step % 3)] for step in range(0, 150, 3)]
    )
    cv2.polylines(page, [np.rint(points * px).astype(np.int32)], False, 40, 4)
    read = {each.name: each for each in form_reader.read(page).fields}
    assert read["previous"].note == "expected no empty cell between digits"
    assert read["customer"].is_set_aside


def test_boxes_of_a_blank_form_are_proposed(template, blank, tmp_path):
    found = propose(blank, template.page)
    assert [(each.kind, each.num_cells) for each in found] == [
        (each.kind if each.kind in ("tick", "number") else "comb", each.num_cells)
        for each in template.fields
    ]
    for proposed, rect in zip(found, template.rects.values(), strict=True):
        assert proposed.rect == pytest.approx(rect, abs=0.4)
    text = format_template("meter", Path("blank.png"), "a5", found)
    assert [each.num_cells for each in parse(text).fields] == [each.num_cells for each in found]
    assert propose(np.full_like(blank, 255), template.page) == []
    with pytest.raises(inkread.ImageError, match="whole page"):
        propose(blank[:500], template.page)
