import numpy as np
import pytest

from inkread.training.synthesis.form_rules import form_rules, shading
from inkread.training.synthesis.papers import picture
from inkread.training.synthesis.printed_texts import print_text
from inkread.training.synthesis.surroundings import with_surroundings


def generator(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seed", range(30))
def test_the_number_stays_whole_within_its_margins(seed):
    ink = np.zeros((30, 80), np.float32)
    ink[[0, -1]] = ink[:, [0, -1]] = 0.75

    canvas = with_surroundings(ink, generator(seed), 30, lambda: np.ones((40, 50), np.float32))

    top, left = np.argwhere(canvas == 0.75).min(axis=0)
    inner = canvas[top : top + 30, left : left + 80]
    np.testing.assert_array_equal(inner, ink)
    assert canvas.shape[0] > 30
    assert canvas.shape[1] > 80


def test_neighbours_show_at_every_side_but_never_whole():
    sides = set()
    for seed in range(1500):
        ink = np.full((20, 60), 0.5, np.float32)
        canvas = with_surroundings(
            ink, generator(seed), 30, lambda: np.ones((25, 35), np.float32), beside=True
        )
        other = np.argwhere(canvas == 1)
        if not len(other):
            continue
        (top, left), (bottom, right) = other.min(axis=0), other.max(axis=0)
        height, width = canvas.shape
        at = (top == 0, bottom == height - 1, left == 0, right == width - 1)
        assert any(at)
        assert (canvas == 1).sum() < 25 * 35
        sides |= {index for index, is_there in enumerate(at) if is_there}
    assert sides == {0, 1, 2, 3}


@pytest.mark.parametrize("seed", range(40))
def test_rules_leave_most_of_a_crop_free(seed):
    rules = form_rules((60, 200), generator(seed), 1.0)
    assert rules.dtype == np.float32
    assert rules.shape == (60, 200)
    assert 0 <= rules.min() <= rules.max() <= 1
    assert (rules > 0.5).mean() < 0.35


def test_rules_lie_at_every_edge_and_under_the_writing():
    found = [form_rules((60, 200), generator(seed), 1.0) > 0.5 for seed in range(200)]
    level = [rules.mean(axis=1) > 0.5 for rules in found]
    upright = [rules.mean(axis=0) > 0.5 for rules in found]
    assert any(rows[:8].any() for rows in level)
    assert any(rows[-4:].any() for rows in level)
    assert any(rows[40:55].any() for rows in level)
    assert any(columns[:10].any() for columns in upright)
    assert any(columns[-10:].any() for columns in upright)
    # Some end on the way.
    assert any(0.2 < rules.any(axis=0).mean() < 0.8 for rules in found)


def test_shading_is_flat_or_has_one_edge():
    for seed in range(40):
        shade = shading((40, 100), generator(seed))
        assert 0 <= shade.min() <= shade.max() <= 0.35
        assert len(np.unique(shade)) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_printed_digits_have_the_height_that_is_asked_for(seed):
    ink = print_text("0168", generator(seed), 30)
    rows = np.flatnonzero((ink > 0.5).any(axis=1))
    assert 22 <= rows[-1] - rows[0] + 1 <= 34
    columns = (ink > 0.3).any(axis=0)
    assert np.count_nonzero(np.diff(columns.astype(int)) == 1) + columns[0] >= 1


def test_without_a_text_the_paper_is_blank(rng):
    assert not print_text(" ", rng, 20).any()


def test_papers_with_rules_are_still_lighter_than_ink():
    ink = np.zeros((60, 120), np.float32)
    for seed in range(20):
        blank = picture(ink, generator(seed), 28.0, forms=True)
        assert blank.dtype == np.uint8
        assert np.median(blank) > 40
