import re

import cv2
import numpy as np
import pytest

from inkread.training.handwriting.pens import Pens, PenSample
from inkread.training.synthesis.letter_strokes import LETTERS
from inkread.training.synthesis.number_texts import JUNK, SEPARATORS, number_text
from inkread.training.synthesis.numbers import number_on_paper, written_number
from inkread.training.synthesis.papers import picture
from inkread.training.synthesis.pen_writers import PenWriters
from inkread.training.synthesis.writer import Hand

ALLOWED = re.compile(rf"[0-9 {re.escape(SEPARATORS)}{re.escape(JUNK)}]*")


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_texts_are_of_digits_separators_gaps_and_junk(rng):
    texts = [number_text(rng) for _ in range(2000)]

    assert all(ALLOWED.fullmatch(text) for text in texts)
    assert set("0123456789?") | set(SEPARATORS) <= set("".join(texts))
    assert "" in texts
    assert max(len(re.sub(r"[^0-9]", "", text)) for text in texts) == 12
    closed = sum(bool(re.fullmatch(r"[1-9][\d. ]*[.,]?[-=]", text)) for text in texts)
    assert closed > 100  # amounts, as on cheques


@pytest.mark.parametrize("seed", range(20))
def test_a_hand_writes_every_digit_at_its_height(seed, small_mnist):
    hand = Hand(small_mnist.train, generator(seed), 40.0)
    for digit in range(10):
        patch = hand.digit(digit)
        rows = np.flatnonzero((patch.ink > 0.5).any(axis=1))
        assert patch.ink.dtype == np.float32
        assert 0 <= patch.ink.min() <= patch.ink.max() <= 1
        assert rows.size
        # Zeros may be as small as 0.4 of it; wobble, bend and pen add to the tall ones.
        assert 10 < rows[-1] - rows[0] + 1 < 75
        assert patch.width > 0


@pytest.mark.parametrize("character", [*SEPARATORS])
def test_a_hand_writes_separators(character, small_mnist, rng):
    hand = Hand(small_mnist.train, rng, 40.0)
    patch = hand.separator(character)
    count, _ = cv2.connectedComponents((patch.ink > 0.5).astype(np.uint8))
    assert count - 1 in ({1, 2} if character in "=:" else {1})


@pytest.mark.parametrize("letter", ["A", "K", "W"])
def test_a_hand_writes_letters(letter, small_mnist, rng):
    assert letter in LETTERS
    assert Hand(small_mnist.train, rng, 40.0).letter(letter).ink.max() == 1


def test_the_seed_decides_everything(small_mnist):
    one, two = (number_on_paper(small_mnist.train, generator(3)) for _ in range(2))
    other, _ = number_on_paper(small_mnist.train, generator(4))

    assert one[1] == two[1]
    np.testing.assert_array_equal(one[0], two[0])
    assert other.shape != one[0].shape or (other != one[0]).any()


def test_what_was_written_is_the_text_without_its_gaps(small_mnist, rng):
    assert written_number(small_mnist.train, rng, "1 250 .-").raw == "1250.-"


def test_the_gap_sets_digits_apart(small_mnist):
    """Far apart there are as many pieces of ink as digits, or more; nearer, less width."""
    far, near = (
        written_number(small_mnist.train, generator(7), "111111", gap=gap) for gap in (1.0, 0.0)
    )
    count, _ = cv2.connectedComponents((far.ink > 0.3).astype(np.uint8))
    assert count - 1 >= 6
    assert near.ink.shape[1] < far.ink.shape[1]


def test_nothing_is_written_without_a_text(small_mnist, rng):
    written = written_number(small_mnist.train, rng, "")
    assert written.raw == ""
    assert not written.ink.any()


@pytest.mark.parametrize("seed", range(30))
def test_ink_is_darker_than_its_paper(seed):
    """On every paper, in every light: what is written on is darker than what is beside it."""
    ink = np.zeros((60, 120), np.float32)
    ink[15:45, 50:70] = 1

    seen = cv2.resize(picture(ink, generator(seed), 28.0), (120, 60)).astype(float)

    assert seen[22:38, 55:65].mean() < min(seen[22:38, 30:45].mean(), seen[22:38, 75:90].mean())


def test_pictures_are_grey_bytes(small_mnist, rng):
    for _ in range(20):
        seen, _ = number_on_paper(small_mnist.train, rng)
        assert seen.dtype == np.uint8
        assert seen.ndim == 2
        assert min(seen.shape) >= 8


def bar_writers(share):
    """A writer whose every digit is one long bar, and a whole number that is a bar."""
    bar = np.array([[0, 120], [256, 120]], np.float32)
    digits = tuple(PenSample((bar,), str(digit), "a") for digit in range(10))
    whole = (PenSample((bar * np.float32(0.375),), "1,5km", "b"),)
    return PenWriters(Pens(digits, (), whole, ()), share)


def test_real_writers_take_part(small_mnist):
    flat = written_number(small_mnist.train, generator(3), "888", writers=bar_writers(1.0), gap=0.5)

    assert flat.ink.shape[1] > 3 * flat.ink.shape[0]
    raws = [
        number_on_paper(small_mnist.train, generator(k), bar_writers(1.0))[1] for k in range(150)
    ]
    assert raws.count("1,5??") > 2


def test_some_hands_join_their_digits(small_mnist):
    """Of the same texts far apart, a few have fewer pieces of ink than digits."""
    pieces = []
    for seed in range(150):
        written = written_number(
            small_mnist.train, generator(seed), "111", gap=0.5, writers=bar_writers(0.0)
        )
        count, _ = cv2.connectedComponents((written.ink > 0.3).astype(np.uint8))
        pieces.append(count - 1)
    assert min(pieces) < 3
    assert np.median(pieces) >= 3


def test_more_kinds_of_texts_are_times_signs_units_and_dashes(rng):
    texts = [number_text(rng, more_kinds=True) for _ in range(4000)]

    assert all(ALLOWED.fullmatch(text) for text in texts)
    for kind in (r"\d{1,2}:\d{2}", r"-\d+", r"\?+ ?\d+[.,]\d+", r"-+"):
        assert any(re.fullmatch(kind, text) for text in texts), kind
