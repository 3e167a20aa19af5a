import math

import pytest

from inkread.table import arrange_in_rows


def box(left, top, width, height=20):
    return left, top, left + width, top + height


def turned(boxes, degrees):
    """The boxes about the same middles after the page was turned clockwise."""
    angle = math.radians(degrees)
    result = []
    for left, top, right, bottom in boxes:
        x, y = (left + right) / 2, (top + bottom) / 2
        new_x = x * math.cos(angle) - y * math.sin(angle)
        new_y = x * math.sin(angle) + y * math.cos(angle)
        width, height = (right - left) / 2, (bottom - top) / 2
        result.append((new_x - width, new_y - height, new_x + width, new_y + height))
    return result


# Two columns aligned to the right, as sums are written.
SUMS = [
    box(60, 10, 40), box(150, 10, 50),
    box(80, 40, 20), box(190, 40, 10),
    box(90, 70, 10), box(170, 70, 30),
]  # fmt: skip


def test_no_boxes_have_no_rows():
    assert arrange_in_rows([]) == ()


def test_one_box_is_a_table_of_one_cell():
    assert arrange_in_rows([box(5, 5, 30)]) == ((0,),)


def test_a_line_is_a_row_from_left_to_right_whatever_the_order():
    assert arrange_in_rows([box(100, 12, 30), box(10, 10, 30), box(200, 8, 30)]) == ((1, 0, 2),)


def test_a_column_is_rows_of_one_cell():
    assert arrange_in_rows([box(10, 70, 30), box(12, 10, 30), box(8, 40, 30)]) == ((1,), (2,), (0,))


def test_numbers_aligned_to_the_right_are_columns():
    assert arrange_in_rows(SUMS) == ((0, 1), (2, 3), (4, 5))


def test_numbers_aligned_to_the_left_are_columns():
    boxes = [box(10, 10, 80), box(150, 10, 10), box(10, 40, 10), box(150, 40, 60)]

    assert arrange_in_rows(boxes) == ((0, 1), (2, 3))


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (0, ((None, 0), (1, 2), (3, 4))),
        (1, ((0, None), (1, 2), (3, 4))),
        (2, ((0, 1), (None, 2), (3, 4))),
        (3, ((0, 1), (2, None), (3, 4))),
        (5, ((0, 1), (2, 3), (4, None))),
    ],
)
def test_a_missing_cell_is_empty(missing, expected):
    assert (
        arrange_in_rows([each for index, each in enumerate(SUMS) if index != missing]) == expected
    )


def test_a_cell_missing_in_the_middle_is_empty():
    full = [box(x, y, 40) for y in (10, 40, 70) for x in (10, 110, 210)]
    del full[4]

    assert arrange_in_rows(full) == ((0, 1, 2), (3, None, 4), (5, 6, 7))


def test_no_line_need_have_every_column():
    boxes = [box(10, 10, 40), box(110, 10, 40), box(110, 40, 40), box(210, 40, 40)]

    assert arrange_in_rows(boxes) == ((0, 1, None), (None, 2, 3))


def test_a_column_that_no_other_line_has_stands_between_its_neighbours():
    boxes = [box(10, 10, 40), box(210, 10, 40), box(10, 40, 40), box(110, 70, 40)]

    assert arrange_in_rows(boxes) == ((0, None, 1), (2, None, None), (None, 3, None))


def test_lines_that_share_no_column_are_ordered_by_place():
    boxes = [box(10, 10, 40), box(210, 10, 40), box(90, 40, 40), box(300, 40, 40)]

    assert arrange_in_rows(boxes) == ((0, None, 1, None), (None, 2, None, 3))


def test_a_wide_number_above_two_columns_is_in_one_of_them():
    boxes = [box(10, 10, 190), *(box(x, y, 40) for y in (40, 70, 100) for x in (10, 160))]

    table = arrange_in_rows(boxes)

    assert table[1:] == ((1, 2), (3, 4), (5, 6))
    assert sorted(table[0], key=str) == [0, None]


def test_two_close_numbers_above_a_wide_one_keep_their_own_columns():
    boxes = [box(10, 10, 40), box(60, 10, 40), box(10, 40, 90)]

    table = arrange_in_rows(boxes)

    assert table[0] == (0, 1)
    assert sorted(table[1], key=str) == [2, None]


@pytest.mark.parametrize("degrees", [-4, -2, -1, 1, 2, 4])
def test_a_skewed_page_gives_the_same_table(degrees):
    full = [box(x, y, 40) for y in range(10, 310, 30) for x in range(10, 810, 100)]
    expected = arrange_in_rows(full)

    assert arrange_in_rows(turned(full, degrees)) == expected
    assert [len(row) for row in expected] == [8] * 10


@pytest.mark.parametrize("degrees", [-3, 3])
def test_a_skewed_table_keeps_its_missing_cells(degrees):
    full = [box(x, y, 40) for y in range(10, 190, 30) for x in range(10, 610, 100)]
    kept = [each for index, each in enumerate(full) if index % 5]
    places = iter(range(len(kept)))
    cells = [next(places) if index % 5 else None for index in range(len(full))]

    assert arrange_in_rows(turned(kept, degrees)) == tuple(
        tuple(cells[start : start + 6]) for start in range(0, 36, 6)
    )


def test_writing_that_goes_up_and_down_stays_on_its_line():
    heights = [0, 6, -5, 4, -7, 3]
    boxes = [box(10 + 60 * index, 20 + dy, 40) for index, dy in enumerate(heights)]
    below = [box(10 + 60 * index, 52 - dy, 40) for index, dy in enumerate(heights)]

    assert arrange_in_rows(boxes + below) == (tuple(range(6)), tuple(range(6, 12)))


def test_small_and_large_numbers_share_a_line():
    assert arrange_in_rows([box(10, 10, 60, 40), box(90, 22, 15, 15), box(120, 12, 50, 36)]) == (
        (0, 1, 2),
    )


def test_a_large_heading_is_a_line_of_its_own():
    boxes = [box(10, 10, 200, 80), box(10, 100, 40), box(110, 100, 40)]

    table = arrange_in_rows(boxes)

    assert len(table) == 2
    assert table[1] == (1, 2)


def test_boxes_above_one_another_are_never_on_one_line():
    assert arrange_in_rows([box(10, 10, 40, 30), box(12, 22, 40, 30)]) == ((0,), (1,))


def test_equal_boxes_each_have_a_cell():
    assert sorted(cell for row in arrange_in_rows([box(1, 1, 9)] * 3) for cell in row) == [0, 1, 2]


def test_every_box_is_in_one_cell_and_every_row_as_long(rng):
    for _ in range(100):
        count = int(rng.integers(1, 25))
        left, top = rng.integers(0, 400, (2, count))
        width, height = rng.integers(1, 120, (2, count))
        boxes = list(zip(left, top, left + width, top + height, strict=True))

        table = arrange_in_rows([tuple(map(float, each)) for each in boxes])

        assert len({len(row) for row in table}) == 1
        cells = [cell for row in table for cell in row if cell is not None]
        assert sorted(cells) == list(range(count))
        assert not any(all(cell is None for cell in column) for column in zip(*table, strict=True))
        for row in table:
            lefts = [boxes[cell][0] for cell in row if cell is not None]
            assert lefts == sorted(lefts)
