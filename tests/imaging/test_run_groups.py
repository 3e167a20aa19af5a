from layouts import make_layout, make_run

from inkread.imaging.grids import Grid
from inkread.imaging.layout_options import Cells
from inkread.imaging.run_groups import group_runs, split_group
from inkread.results import Box

# Three cells of a comb, 40 pixels wide, with rules between them at x = 60, 100.
CELLS = [make_run(x, 40, x + 16, 72) for x in (32, 72, 112)]
RULES = [(56, 28, 64, 84), (96, 28, 104, 84)]
GRID = Grid((tuple(Box(x, 28, x + 40, 84) for x in (20, 60, 100)),))


def lefts(groups):
    return sorted([run.box.left for run in group] for group in groups)


def test_a_page_without_runs_has_no_groups():
    assert group_runs(make_layout(), []) == []


def test_digits_side_by_side_without_a_rule_are_one_number():
    layout = make_layout(*CELLS)
    assert lefts(group_runs(layout, [])) == [[32, 72, 112]]


def test_a_rule_parts_two_numbers():
    layout = make_layout(*CELLS, ruling=RULES)
    assert lefts(group_runs(layout, [])) == [[32], [72], [112]]


def test_a_link_across_rules_makes_one_number_of_a_comb():
    layout = make_layout(*CELLS, ruling=RULES, link=[(36, 48, 124, 64)])
    assert lefts(group_runs(layout, [GRID])) == [[32, 72, 112]]


def test_a_link_between_two_of_three_cells_leaves_the_third_alone():
    layout = make_layout(*CELLS, ruling=RULES, link=[(36, 48, 84, 64)])
    assert lefts(group_runs(layout, [GRID])) == [[32, 72], [112]]


def test_two_columns_hold_parts_of_one_number_in_all_rows_or_in_none():
    rows = [[make_run(x, y, x + 16, y + 32) for x in (32, 72)] for y in (40, 90, 140)]
    rules = [(56, 28, 64, 184)]

    def link(y):
        return (36, y + 8, 84, y + 24)

    def groups(*linked):
        layout = make_layout(*(run for row in rows for run in row), ruling=rules, link=linked)
        return sorted(len(group) for group in group_runs(layout, []))

    assert groups(link(40), link(140)) == [2, 2, 2]
    assert groups(link(90)) == [1] * 6


def test_cells_that_are_to_be_split_are_not_joined_by_links():
    layout = make_layout(*CELLS, ruling=RULES, link=[(36, 48, 124, 64)])
    assert lefts(group_runs(layout, [GRID], Cells.SPLIT)) == [[32], [72], [112]]


def test_cells_that_are_to_be_joined_need_no_link():
    layout = make_layout(*CELLS, ruling=RULES)
    assert lefts(group_runs(layout, [GRID], Cells.JOIN)) == [[32, 72, 112]]


def test_joining_cells_leaves_out_no_empty_cell():
    layout = make_layout(CELLS[0], CELLS[2], ruling=RULES)
    assert lefts(group_runs(layout, [GRID], Cells.JOIN)) == [[32], [112]]


def test_numbers_farther_apart_than_their_height_are_two():
    runs = [make_run(20, 40, 60, 70), make_run(95, 40, 140, 70)]
    assert lefts(group_runs(make_layout(*runs), [])) == [[20], [95]]


def test_numbers_on_two_lines_are_two():
    runs = [make_run(20, 40, 60, 70), make_run(70, 62, 110, 92)]
    assert lefts(group_runs(make_layout(*runs), [])) == [[20], [70]]


def test_a_number_and_the_word_after_it_are_two():
    runs = [make_run(20, 40, 60, 70), make_run(66, 40, 110, 70, number=0.1)]
    assert lefts(group_runs(make_layout(*runs), [])) == [[20], [66]]


def test_a_printed_label_is_not_a_part_of_the_number_beside_it():
    runs = [make_run(20, 40, 60, 70, handwritten=0.1), make_run(66, 40, 110, 70)]
    assert lefts(group_runs(make_layout(*runs), [])) == [[20], [66]]


def test_writing_of_another_size_is_another_number():
    runs = [make_run(20, 20, 60, 80), make_run(66, 40, 110, 60)]
    assert lefts(group_runs(make_layout(*runs), [])) == [[20], [66]]


def test_a_run_is_joined_with_the_nearest_one_only():
    runs = [make_run(20, 40, 50, 70), make_run(52, 44, 80, 72), make_run(82, 40, 110, 70)]
    assert lefts(group_runs(make_layout(*runs), [])) == [[20, 52, 82]]


def test_writing_that_points_elsewhere_is_not_joined():
    runs = [make_run(20, 40, 50, 70), make_run(52, 40, 82, 70, sideways=0.9)]
    assert lefts(group_runs(make_layout(*runs), [])) == [[20], [52]]


def test_a_run_is_cut_in_two_at_a_place_between_its_digits():
    first, second = split_group([make_run(20, 40, 120, 70)], [(60, 55)])
    assert [run.box for run in (*first, *second)] == [Box(20, 40, 60, 70), Box(60, 40, 120, 70)]


def test_a_run_that_a_cut_only_grazes_stays_whole():
    """Boxes of runs are a little larger than the writing, and may reach into the next cell."""
    left, right = make_run(20, 40, 66, 70), make_run(70, 40, 120, 70)
    assert split_group([left, right], [(60, 55)]) == [(left,), (right,)]
    assert split_group([left, right], [(75, 55)]) == [(left,), (right,)]


def test_runs_are_parted_between_them_without_a_cut_in_any():
    runs = [make_run(20, 40, 50, 70), make_run(60, 40, 90, 70), make_run(120, 40, 150, 70)]
    parts = split_group(runs, [(105, 55)])
    assert lefts(parts) == [[20, 60], [120]]


def test_without_cuts_a_number_stays_one():
    runs = [make_run(20, 40, 50, 70), make_run(60, 40, 90, 70)]
    assert split_group(runs, []) == [tuple(runs)]
