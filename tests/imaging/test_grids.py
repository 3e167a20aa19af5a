import numpy as np
import pytest

from inkread.imaging.grids import find_grids, is_comb, join_combs
from inkread.results import Box

CELL_PX = 4.0


def ruling(*cells, shape=(100, 200)):
    """A map of ruling with one-pixel rules around cells: (left, top, right, bottom), shared."""
    found = np.zeros(shape, np.float32)
    for left, top, right, bottom in cells:
        found[top, left : right + 1] = found[bottom, left : right + 1] = 0.9
        found[top : bottom + 1, left] = found[top : bottom + 1, right] = 0.9
    return found


def row(left, top, count, width=20, height=20):
    return [(left + i * width, top, left + (i + 1) * width, top + height) for i in range(count)]


def test_a_blank_map_has_no_grids():
    assert find_grids(np.zeros((50, 60), np.float32), CELL_PX) == []


def test_an_open_line_is_no_grid():
    found = np.zeros((50, 60), np.float32)
    found[20, 5:50] = 1
    assert find_grids(found, CELL_PX) == []


def test_a_box_is_a_grid_of_one_cell_inside_its_rules():
    (grid,) = find_grids(ruling((10, 20, 50, 40)), CELL_PX)
    assert grid.rows == ((Box(44, 84, 200, 160),),)


def test_a_table_has_its_cells_in_rows_and_columns():
    cells = [*row(10, 10, 4), *row(10, 30, 4), *row(10, 50, 4)]
    (grid,) = find_grids(ruling(*cells), CELL_PX)
    assert [len(cells) for cells in grid.rows] == [4, 4, 4]
    lefts = [[cell.left for cell in cells] for cells in grid.rows]
    assert lefts == [[44, 124, 204, 284]] * 3
    assert [cells[0].top for cells in grid.rows] == [44, 124, 204]


def test_a_table_that_leans_keeps_its_rows():
    shear = np.zeros((100, 200), np.float32)
    flat = ruling(*row(10, 10, 4), *row(10, 30, 4))
    for column in range(200):
        shear[:, column] = np.roll(flat[:, column], column // 20)
    (grid,) = find_grids(shear, CELL_PX)
    assert [len(cells) for cells in grid.rows] == [4, 4]


def test_pieces_of_ruling_apart_are_grids_of_their_own_from_top_to_bottom():
    found = find_grids(ruling((10, 60, 40, 80), (100, 10, 150, 30)), CELL_PX)
    assert [grid.cells[0].top for grid in found] == [44, 244]


@pytest.mark.parametrize(("count", "expected"), [(1, []), (2, [2]), (7, [7])])
def test_narrow_cells_in_one_row_are_a_comb(count, expected):
    found = find_grids(ruling(*row(10, 30, count)), CELL_PX)
    assert [len(comb) for comb in join_combs(found)] == expected


def test_boxes_side_by_side_are_a_comb():
    boxes = [(10 + 26 * i, 30, 30 + 26 * i, 52) for i in range(5)]
    combs = join_combs(find_grids(ruling(*boxes), CELL_PX))
    assert [len(comb) for comb in combs] == [5]


def test_boxes_far_apart_are_no_comb():
    boxes = [(10 + 60 * i, 30, 30 + 60 * i, 52) for i in range(3)]
    assert join_combs(find_grids(ruling(*boxes), CELL_PX)) == []


def test_wide_cells_are_no_comb():
    cells = row(10, 30, 3, width=50)
    assert join_combs(find_grids(ruling(*cells), CELL_PX)) == []


def test_the_rows_of_a_table_are_no_combs():
    cells = [*row(10, 10, 5), *row(10, 30, 5)]
    assert join_combs(find_grids(ruling(*cells), CELL_PX)) == []


def test_one_cell_alone_is_no_comb():
    assert not is_comb([Box(0, 0, 10, 12)])
