import numpy as np
import pytest
from drawn_pictures import DIGITS, enlarged, photographed, written

from inkread.training.synthesis.drawn_digits import put_on_paper, write
from inkread.training.synthesis.non_digits import draw_glyphs


def blended(first, second, share):
    """A picture between two digits: (H, W) uint8, dark ink on white paper."""
    mixed = share * first.astype(float) + (1 - share) * second
    return 255 - np.kron(mixed, np.ones((3, 3))).round().astype(np.uint8)


def number_picture(text, seed):
    rng = np.random.default_rng(seed)
    return put_on_paper(write(text, rng, height_px=48, pen_px=4, gap=0.35).ink, rng)


def test_no_digit_is_less_probable_than_its_runner_up(reader, full_mnist, rng):
    images = full_mnist.validation.images
    doubtful = 0
    for _ in range(40):
        first, second = images[rng.integers(len(images), size=2)]
        for number in reader.read(blended(first, second, rng.uniform(0.35, 0.65))).numbers:
            for digit in number.digits:
                best = max(digit.probabilities)
                assert digit.probabilities[digit.label] == pytest.approx(best, rel=1e-6)
                doubtful += digit.confidence < 0.9
    assert doubtful > 10


def test_what_is_no_digit_has_a_measured_confidence(reader, full_mnist, rng):
    found = []
    for glyph in draw_glyphs(40, full_mnist.validation, rng):
        found += [each for each in reader.read(enlarged(glyph)).numbers if each.text == "?"]
    assert len(found) > 5
    confidences = [each.confidence for each in found]
    assert len({round(each, 3) for each in confidences}) > len(found) / 2
    assert all(each.digits[0].junk == pytest.approx(each.confidence) for each in found)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("text", ["40713", "12", "900", "8888"])
def test_several_digits_are_no_digit(reader, text, seed):
    digit = reader.read_digit(number_picture(text, seed))
    assert digit.rejected
    assert digit.junk > 0.5
    assert digit.confidence < 0.5


def test_a_digit_is_no_several_digits(reader):
    read = [
        reader.read_digit(photographed(written(digit, seed)))
        for digit in DIGITS
        for seed in range(5)
    ]
    assert sum(digit.rejected for digit in read) <= 1
