"""Photos of a form that is found by its print: dark, blurred, curled; and of other forms."""

import cv2
import numpy as np
import pytest
from form_sample import SAMPLE

from inkread.forms.align import Aligner, Refusal, ScanError
from inkread.forms.template import PictureAlignment, load, parse
from inkread.training.synthesis import filled_forms

OTHER = """
form: leave
title: Application for leave
fields:
  - {name: days, label: Number of days of leave, kind: comb, cells: 3, box: [30, 60, 60, 70]}
  - {name: since, label: From this day on, kind: date, box: [30, 90, 100, 100]}
  - {name: until, label: To this day and no further, kind: date, box: [30, 120, 100, 130]}
  - {name: phone, label: Where you can be reached, kind: number, box: [30, 150, 120, 160]}
page: a5
"""


@pytest.fixture(scope="module")
def form():
    template = load(SAMPLE)
    blank = filled_forms.render_blank_page(template)
    by_print = template.model_copy(update={"align": PictureAlignment(picture="blank.png")})
    return Aligner(by_print, blank), blank


def photographed(page, *, blur_px, light):
    """The page seen from the side, out of focus, in a light that falls off to one side."""
    height, width = page.shape
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = flat + np.array([[60, 80], [-20, 30], [-70, -60], [30, -20]], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, seen)
    turned = cv2.warpPerspective(page, matrix, (width, height), borderValue=90)
    soft = cv2.GaussianBlur(turned, (0, 0), blur_px)
    return (soft * np.linspace(*light, width)).astype(np.uint8), matrix


@pytest.mark.parametrize(("blur_px", "light"), [(0.5, (1, 1)), (3, (0.25, 0.8)), (3, (0.9, 0.3))])
def test_a_dark_and_blurred_photo_is_of_the_form(form, blur_px, light):
    aligner, blank = form
    photo, matrix = photographed(blank, blur_px=blur_px, light=light)

    found = aligner.locate(photo)

    points = np.array([[20.0, 40.0], [128.0, 40.0], [74.0, 105.0], [20.0, 190.0]])
    true = cv2.perspectiveTransform(points[None] * 200 / 25.4, matrix.astype(np.float64))[0]
    assert np.hypot(*(found.to_pixels(points) - true).T).max() < 5  # 0.6 mm


@pytest.mark.parametrize(("blur_px", "light"), [(0.5, (1, 1)), (2, (0.3, 0.8))])
def test_another_form_is_refused_in_any_light(form, blur_px, light):
    other = filled_forms.render_blank_page(parse(OTHER))
    photo, _ = photographed(other, blur_px=blur_px, light=light)

    with pytest.raises(ScanError) as caught:
        form[0].locate(photo)

    assert caught.value.refusal is Refusal.OTHER_FORM
