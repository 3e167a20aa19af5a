from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from inkread.errors import ConfigError
from inkread.training.evaluation import plots
from inkread.training.evaluation.evaluate import score_probabilities
from inkread.training.history import Epoch

HISTORY = (
    Epoch(1, 0.9, 0.7, 0.4, 0.88, 2.0),
    Epoch(2, 0.3, 0.9, 0.2, 0.94, 4.0),
)


@pytest.fixture(scope="module")
def evaluation(small_mnist):
    """Every digit read as 7, half sure: right a tenth of the time."""
    probabilities = np.full((len(small_mnist.test), 10), 0.5 / 9, np.float32)
    probabilities[:, 7] = 0.5
    return score_probabilities(probabilities, small_mnist.test.labels)


@pytest.fixture(scope="module")
def flawless(small_mnist):
    return score_probabilities(
        np.eye(10, dtype=np.float32)[small_mnist.test.labels], small_mnist.test.labels
    )


def saved_size(canvas, path):
    plots.save(canvas, path)
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert len(set(picture.convert("L").tobytes())) > 10
        return picture.size


def test_samples_are_drawn_in_rows_and_columns(small_mnist, tmp_path):
    indices = np.arange(40).reshape(4, 10)
    width, height = saved_size(
        plots.draw_samples(small_mnist.train, indices, "samples"), tmp_path / "samples.png"
    )
    assert 800 < width < 1600
    assert 300 < height < 800


def test_a_single_sample_is_drawn(small_mnist, tmp_path):
    canvas = plots.draw_samples(small_mnist.train, np.array([[3]]), "one")
    assert min(saved_size(canvas, tmp_path / "one.png")) > 100


def test_samples_are_captioned_with_label_and_index(small_mnist):
    canvas = plots.draw_samples(small_mnist.train, np.array([[3, 5]]), "two")
    captions = [axis.get_title() for axis in canvas.axes]
    assert captions == [f"{small_mnist.train.labels[index]}  #{index}" for index in (3, 5)]


@pytest.mark.parametrize("num_epochs", [1, 2])
def test_curves_show_loss_and_accuracy_beside_each_other(tmp_path, num_epochs):
    canvas = plots.draw_curves(HISTORY[:num_epochs], "curves")
    drawn = [list(line.get_ydata()) for axis in canvas.axes for line in axis.lines]
    wanted = [[0.9, 0.3], [0.4, 0.2], [70, 90], [88, 94]]
    assert drawn == [pytest.approx(values[:num_epochs]) for values in wanted]
    width, height = saved_size(canvas, tmp_path / "curves.png")
    assert width > 1.5 * height > 400


def test_confusion_is_drawn(evaluation, tmp_path):
    width, height = saved_size(plots.draw_confusion(evaluation, "confusion"), tmp_path / "c.png")
    assert min(width, height) > 500


def test_confusion_shows_every_count_that_is_not_zero(evaluation):
    (axis,) = plots.draw_confusion(evaluation, "confusion").axes
    shown = {(text.get_position()[1], text.get_position()[0]): int(text.get_text())
             for text in axis.texts}  # fmt: skip
    assert shown == {(row, 7): evaluation.confusion[row, 7] for row in range(10)}


def test_mistakes_are_drawn(evaluation, small_mnist, tmp_path):
    canvas = plots.draw_mistakes(evaluation, small_mnist.test, "mistakes")
    captions = [axis.get_title() for axis in canvas.axes if axis.get_title()]
    first = evaluation.mistakes[0]
    assert len(captions) == 40
    assert captions[0] == f"{first.label} read 7\n50%  #{first.index}"
    assert min(saved_size(canvas, tmp_path / "mistakes.png")) > 500


def test_no_mistakes_and_a_flawless_confusion_are_drawn(flawless, small_mnist, tmp_path):
    saved_size(plots.draw_mistakes(flawless, small_mnist.test, "none"), tmp_path / "mistakes.png")
    saved_size(plots.draw_confusion(flawless, "flawless"), tmp_path / "confusion.png")


def test_pick_samples_picks_images_of_each_digit(small_mnist):
    picked = plots.pick_samples(small_mnist.train, 8)
    assert picked.shape == (10, 8)
    for digit, row in enumerate(picked):
        assert set(small_mnist.train.labels[row]) == {digit}
        assert len(set(row)) == 8


def test_pick_samples_is_decided_by_its_seed(small_mnist):
    picked = plots.pick_samples(small_mnist.train, 8, seed=4)
    np.testing.assert_array_equal(picked, plots.pick_samples(small_mnist.train, 8, seed=4))
    assert (picked != plots.pick_samples(small_mnist.train, 8, seed=5)).any()


def named_lines(canvas):
    (axis,) = canvas.axes
    return {line.get_label(): line for line in axis.lines}


def test_reliability_shows_a_point_for_each_bin_as_distance_from_certainty(evaluation, tmp_path):
    canvas = plots.draw_reliability({"sevens": evaluation})
    line = named_lines(canvas)["sevens"]
    assert list(line.get_xdata()) == pytest.approx([0.5] * len(evaluation.reliability))
    wrong = [1 - each.accuracy for each in evaluation.reliability]
    assert list(line.get_ydata()) == pytest.approx(wrong)
    saved_size(canvas, tmp_path / "reliability.png")


def test_reliability_of_a_flawless_model_stays_within_the_picture(flawless):
    line = named_lines(plots.draw_reliability({"flawless": flawless}))["flawless"]
    (axis,) = [line.axes]
    assert min(line.get_xdata()) == min(line.get_ydata()) == min(axis.get_xlim()) > 0


def test_risk_coverage_ends_with_the_error_of_all(evaluation, tmp_path):
    canvas = plots.draw_risk_coverage({"sevens": evaluation})
    line = named_lines(canvas)["sevens"]
    assert line.get_xdata()[-1] == 100
    assert line.get_ydata()[-1] == pytest.approx(100 * (1 - evaluation.accuracy.value))
    saved_size(canvas, tmp_path / "risk.png")


def test_several_models_differ_by_more_than_colour(evaluation, flawless):
    models = {"sevens": evaluation, "flawless": flawless}
    lines = named_lines(plots.draw_risk_coverage(models))
    assert lines["sevens"].get_linestyle() != lines["flawless"].get_linestyle()
    bins = named_lines(plots.draw_reliability(models))
    assert bins["sevens"].get_marker() != bins["flawless"].get_marker()


def test_more_models_than_styles_are_drawn(flawless):
    canvas = plots.draw_risk_coverage({str(number): flawless for number in range(9)})
    assert len(named_lines(canvas)) == 9


def test_svg_is_an_element_with_text_and_the_same_for_the_same(evaluation):
    first, second = (plots.to_svg(plots.draw_reliability({"a & b": evaluation})) for _ in range(2))
    assert first == second
    root = ElementTree.fromstring(first)  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"a & b", "mean confidence of a bin"} <= texts


@pytest.mark.parametrize("name", ["$5 and $6", r"$\frac{", "_hidden", "_"])
def test_a_name_is_written_as_it_is(evaluation, flawless, small_mnist, name):
    models = {name: evaluation, "other": flawless}
    for canvas in (
        plots.draw_reliability(models),
        plots.draw_risk_coverage(models),
        plots.draw_confusion(evaluation, name),
        plots.draw_mistakes(evaluation, small_mnist.test, name),
        plots.draw_samples(small_mnist.test, np.array([[0]]), name),
        plots.draw_curves(HISTORY, name),
    ):
        root = ElementTree.fromstring(plots.to_svg(canvas))  # noqa: S314 - our own
        texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert texts.count(name) == 1


@pytest.mark.parametrize("name", ["curves.xyz", "curves", "curves."])
def test_an_unknown_suffix_is_refused_by_name(tmp_path, name):
    with pytest.raises(ConfigError, match=rf"png.*{name}"):
        plots.save(plots.draw_curves(HISTORY, "curves"), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind"), [("a.PNG", "PNG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP")]
)
def test_the_suffix_decides_the_format(tmp_path, name, kind):
    plots.save(plots.draw_curves(HISTORY, "curves"), tmp_path / "new" / name)
    with Image.open(tmp_path / "new" / name) as picture:
        assert picture.format == kind
