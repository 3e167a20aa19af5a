import dataclasses
from decimal import Decimal

import numpy as np
import pytest

from inkread import Box, ConfigError, Notation, Reader
from inkread.training.synthesis.drawn_digits import put_on_paper, write
from inkread.training.synthesis.numbers import written_number


def picture(text: str, seed: int = 0, gap: float = 0.35) -> np.ndarray:
    """(H, W, 3) uint8: a number on plain paper."""
    rng = np.random.default_rng(seed)
    return put_on_paper(write(text, rng, height_px=48, pen_px=4, gap=gap).ink, rng)


def page(lines: list[str]) -> np.ndarray:
    """(H, W) uint8: numbers one below the other."""
    rows = [picture(line, seed)[..., 1] for seed, line in enumerate(lines)]
    width = max(row.shape[1] for row in rows)
    pads = [((30, 30), (40, width - row.shape[1] + 40)) for row in rows]
    padded = [np.pad(row, pad, mode="edge") for row, pad in zip(rows, pads, strict=True)]
    return np.vstack(padded)


def quarter_turned(box: Box, turns: int, width: int, height: int) -> Box:
    """Where a box of a page is once the page is turned anticlockwise so many times."""
    for _ in range(turns):
        box = Box(box.top, width - box.right, box.bottom, width - box.left)
        width, height = height, width
    return box


def test_a_number_is_read_with_its_digits_in_their_places(reader):
    number = reader.read_number(picture("40713"))

    assert number.text == number.raw == "40713"
    assert not number.rejected
    assert number.unconstrained is None
    lefts = [digit.box.left for digit in number.digits]
    assert lefts == sorted(lefts)
    assert number.box.left == lefts[0]
    for digit, label in zip(number.digits, "40713", strict=True):
        assert digit.label == int(label)
        assert sum(digit.probabilities) == pytest.approx(1, abs=1e-3)
        assert int(np.argmax(digit.probabilities)) == digit.label


def test_the_true_length_changes_nothing(reader):
    image = picture("40713")
    assert reader.read_number(image, length=5).text == "40713"
    assert reader.read_number(image, length=(3, 6), pattern=r"\d+").unconstrained is None


@pytest.mark.parametrize(
    "constraint",
    [{"length": 12}, {"pattern": "9{5}"}, {"check": lambda digits: digits == "88888"}],
)
def test_what_nothing_written_satisfies_is_rejected_with_what_is_written(reader, constraint):
    number = reader.read_number(picture("40713"), **constraint)

    assert number.rejected
    assert number.text == ""
    assert number.unconstrained == "40713"


def test_a_constraint_chooses_among_the_ways_to_read(reader):
    """Whatever is second best is best where the best is ruled out."""
    image = picture("40713")
    best, second = reader.candidates(image, count=2)

    allowed = "|".join([second.text, "11111"])
    chosen = reader.read_number(image, pattern=allowed)

    assert best.text == "40713"
    assert second.confidence < best.confidence
    # It may be too improbable to be believed: then it is rejected, not read as something else.
    assert chosen.text in (second.text, "")
    assert chosen.unconstrained == "40713"


def test_candidates_differ_and_fall(reader):
    found = reader.candidates(picture("271828"), count=4)

    assert found[0].text == "271828"
    assert len({number.text for number in found}) == len(found)
    confidences = [number.confidence for number in found]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) <= 1 + 1e-6


def test_every_number_of_a_page_has_the_same_constraint(reader):
    numbers = reader.read(page(["12345", "678"]), length=5).numbers

    assert [number.text for number in numbers] == ["12345", ""]
    assert numbers[1].rejected
    assert numbers[1].unconstrained == "678"


@pytest.mark.parametrize("constraint", [{"length": 0}, {"pattern": "["}, {"check": "none such"}])
def test_an_impossible_constraint_is_refused(reader, constraint):
    with pytest.raises(ConfigError):
        reader.read_number(picture("1"), **constraint)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_page_is_read_whichever_way_up_it_lies(reader, turns):
    upright = page(["27345", "34754"])
    height, width = upright.shape
    expected = [
        (number.text, quarter_turned(number.box, turns, width, height))
        for number in reader.read(upright).numbers
    ]

    found = reader.read(np.ascontiguousarray(np.rot90(upright, turns)))

    assert (found.width, found.height) == np.rot90(upright, turns).shape[::-1]
    assert [number.text for number in found.numbers] == [text for text, _ in expected]
    for number, (_, box) in zip(found.numbers, expected, strict=True):
        assert number.box == pytest.approx(box, abs=2)


def test_a_leaning_line_is_read(reader):
    sheared = page(["34715"])
    rows = [np.roll(column, round(0.12 * x)) for x, column in enumerate(sheared.T)]
    assert [number.text for number in reader.read(np.stack(rows).T).numbers] == ["34715"]


def test_doubtful_numbers_are_set_aside_and_not_dropped(reader):
    image = picture("40713")
    sure = reader.read_number(image)
    strict = Reader(min_confidence=1.0)

    number = strict.read_number(image)

    assert number.rejected
    assert number.confidence == pytest.approx(sure.confidence)
    assert [digit.label for digit in number.digits] == [4, 0, 7, 1, 3]


def test_a_number_comes_back_from_plain_values(reader):
    number = reader.read_number(picture("40713"), length=12)
    assert type(number).from_dict(number.to_dict()) == number
    assert dataclasses.replace(number, raw="") == number


@pytest.mark.parametrize("seed", [2, 4, 10])
def test_a_gap_parts_a_whole_number_from_its_fraction(reader, small_mnist, seed):
    def read(text):
        ink = written_number(
            small_mnist.test, np.random.default_rng(seed), text, own_shapes=False
        ).ink
        paper = (235 * (1 - 0.75 * np.pad(ink, 12))).astype(np.uint8)
        return reader.read_number(paper, notation=Notation("fraction", max=20))

    number = read("2 3/4")
    assert number.raw == "2 3/4"
    assert number.value == Decimal("2.75")
