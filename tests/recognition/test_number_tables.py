import pytest

from inkread.imaging.grids import Grid
from inkread.recognition.number_tables import divide_evenly, find_cell, is_table, make_tables
from inkread.results import Box, Number


def number(text, left, top, right, bottom, confidence=0.9):
    return Number(text, confidence, Box(left, top, right, bottom), (), False)


def grid(num_rows, num_columns, width=40, height=30, left=10, top=10):
    return Grid(
        tuple(
            tuple(
                Box(
                    left + c * width,
                    top + r * height,
                    left + (c + 1) * width,
                    top + (r + 1) * height,
                )
                for c in range(num_columns)
            )
            for r in range(num_rows)
        )
    )


def texts(table):
    return [[cell and cell.number and cell.number.text for cell in row] for row in table.rows]


def test_a_ruled_table_holds_its_numbers_in_their_cells():
    numbers = [number("7", 20, 15, 30, 35), number("12", 95, 45, 120, 65)]
    (table,) = make_tables([grid(2, 3)], numbers)
    assert texts(table) == [["7", None, None], [None, None, "12"]]


def test_an_empty_ruled_table_is_a_table():
    (table,) = make_tables([grid(2, 2)], [])
    assert texts(table) == [[None, None], [None, None]]


def test_a_frame_and_a_row_of_cells_are_no_tables():
    assert not is_table(grid(1, 1))
    assert not is_table(grid(1, 5))
    assert make_tables([grid(1, 1), grid(1, 5, top=100)], []) == ()


def test_of_two_numbers_in_a_cell_the_surer_one_counts():
    numbers = [number("1", 12, 12, 20, 30, 0.4), number("7", 25, 12, 40, 30, 0.9)]
    (table,) = make_tables([grid(2, 2)], numbers)
    assert texts(table)[0][0] == "7"


def test_columns_over_which_numbers_are_written_are_one():
    # Two columns of two narrow cells each, as combs in a table: 165 stands over the first two.
    numbers = [number("16", 15, 12, 85, 38), number("42", 15, 42, 85, 66),
               number("3", 95, 12, 115, 38), number("5", 135, 12, 155, 38)]  # fmt: skip
    (table,) = make_tables([grid(2, 4)], numbers)
    assert texts(table) == [["16", "3", "5"], ["42", None, None]]
    assert table.rows[0][0].box == Box(10, 10, 90, 40)


def test_numbers_in_rows_and_columns_are_a_table_without_rules():
    places = [(x, y) for y in (10, 60, 110) for x in (10, 100)]
    numbers = [number(str(k), x, y, x + 30, y + 30) for k, (x, y) in enumerate(places)]
    (table,) = make_tables([], numbers)
    assert texts(table) == [["0", "1"], ["2", "3"], ["4", "5"]]
    assert table.rows[1][1].box == Box(100, 60, 130, 90)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_numbers_below_one_another_are_no_table(count):
    numbers = [number(str(k), 10, 10 + 50 * k, 40, 40 + 50 * k) for k in range(count)]
    assert make_tables([], numbers) == ()


def test_numbers_beside_a_ruled_table_are_not_in_it():
    numbers = [number("7", 20, 15, 30, 35), number("99", 300, 15, 330, 35)]
    (table,) = make_tables([grid(2, 2)], numbers)
    assert texts(table) == [["7", None], [None, None]]


def test_a_known_grid_that_was_found_is_taken():
    found = grid(9, 9)
    assert divide_evenly((9, 9), [grid(1, 2), found], []) is found


def test_a_known_grid_divides_the_place_of_what_was_found():
    (first, *_, last) = divide_evenly((3, 3), [grid(2, 2, width=60, height=30)], []).cells
    assert first == Box(10, 10, 50, 30)
    assert last == Box(90, 50, 130, 70)


def test_a_known_grid_divides_the_place_of_the_writing_where_nothing_is_ruled():
    boxes = [Box(0, 0, 20, 20), Box(100, 0, 120, 20), Box(0, 40, 20, 60), Box(100, 40, 120, 60)]
    made = divide_evenly((2, 4), [], boxes)
    assert [len(row) for row in made.rows] == [4, 4]
    assert made.cells[0] == Box(0, 0, 30, 30)


def test_a_box_belongs_to_the_cell_of_its_middle():
    cells = grid(1, 3).cells
    assert find_cell(Box(45, 10, 85, 40), cells) == 1
    assert find_cell(Box(300, 10, 310, 40), cells) is None
