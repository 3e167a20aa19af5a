import base64
import dataclasses
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from inkread.errors import ConfigError
from inkread.models.runtime import Model
from inkread.training.evaluation.evaluate import estimate_share, score_probabilities
from inkread.training.evaluation.report import MAX_PICTURES, Setting, examine, render_page
from inkread.training.mnist import Split
from inkread.training.recipes import recipe_named

VOID = {"meta", "img", "link", "br", "hr", "input"}
COMMAND = "inkread evaluate a.onnx --report '<a> & b.html'"


class Page(HTMLParser):
    """A page with what is asked of it; a tag left open or closed twice is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.cells, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.cells[-1][-1] += data

    @property
    def text(self):
        return " ".join("".join(self.texts).replace("\u202f", " ").split())

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def row(self, name):
        """The cells right of the first row whose first cell reads so."""
        for first, *others in self.cells:
            if first == name:
                return [cell.replace("\u202f", " ") for cell in others]
        raise AssertionError(f"no row {name!r}")


@pytest.fixture(scope="module")
def setting(small_mnist):
    """The test images, numbered from 5,000 on."""
    test = small_mnist.test
    split = Split(test.images, test.labels, 5_000 + np.arange(len(test)))
    return Setting(split, "test", COMMAND, robustness_images=5)


@pytest.fixture(scope="module")
def subject(small_run, setting):
    return examine(Model(small_run.model_file, threads=1), setting)


@pytest.fixture(scope="module")
def rival(subject, setting):
    """Another model, by name and answers: always right but at the first image, quite sure."""
    right = np.full((len(setting.split), 10), 0.2 / 9, np.float32)
    right[np.arange(len(setting.split)), setting.split.labels] = 0.8
    right[0] = np.roll(right[0], 1)
    return dataclasses.replace(
        subject, name="<rival> & co", evaluation=score_probabilities(right, setting.split.labels)
    )


@pytest.fixture(scope="module")
def single(subject, setting):
    return Page(render_page([subject], setting))


@pytest.fixture(scope="module")
def comparison(subject, rival, setting):
    return Page(render_page([subject, rival], setting))


def test_examine_measures_all_of_it(subject, setting, small_run):
    assert subject.name == "quick-3"
    assert subject.evaluation.accuracy.n == len(setting.split)
    assert [each.num_glyphs for each in subject.speeds] == [1, 300]
    assert len(subject.robustness.distorted) > 10
    assert subject.robustness.undistorted.n == 5
    assert subject.cost.num_bytes == small_run.model_file.stat().st_size


def test_examine_takes_an_evaluation_that_is_known_and_leaves_out_what_is_not_asked(
    subject, setting
):
    without = dataclasses.replace(setting, robustness_images=0)
    found = examine(subject.model, without, name="mine", evaluation=subject.evaluation)
    assert found.name == "mine"
    assert found.evaluation is subject.evaluation
    assert found.robustness is None
    for subjects in ([found], [found, dataclasses.replace(found, name="other")]):
        assert "Robustness" not in Page(render_page(subjects, without)).text


@pytest.mark.parametrize("kind", ["single", "comparison"])
def test_a_page_stands_alone_and_is_accessible(request, kind):
    made = request.getfixturevalue(kind)
    names = {tag for tag, _ in made.tags}
    assert not names & {"script", "link", "iframe", "object"}
    sources = [values["src"] for _, values in made.tags if "src" in values]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(values["href"].startswith("#") for values in made.of("a"))
    assert made.of("html")[0]["lang"] == "en"
    assert all(values.get("alt") for values in made.of("img"))
    assert all(values.get("scope") for values in made.of("th"))
    assert len(made.of("h1")) == 1
    ids = [values["id"] for _, values in made.tags if "id" in values]
    assert len(ids) == len(set(ids))
    pointed = [values["href"][1:] for values in made.of("a")]
    assert set(pointed) <= set(ids)


@pytest.mark.parametrize("kind", ["single", "comparison"])
def test_a_page_says_how_it_was_made(request, kind, subject, small_run):
    text = request.getfixturevalue(kind).text
    metadata = subject.model.metadata
    for part in (
        COMMAND, "n = 300", "5 test images, drawn at random", metadata.data_sha256,
        metadata.trained, subject.sha256, small_run.recipe.purpose, "numpy", "cores",
    ):  # fmt: skip
        assert part in text


def test_no_address_leads_outside(subject, rival, setting):
    for subjects in ([subject], [subject, rival]):
        text = re.sub(r'xmlns(:\w+)?="[^"]*"', "", render_page(subjects, setting))
        assert "://" not in text
        assert "@import" not in text
        assert set(re.findall(r"url\((.)", text)) <= {"#"}


def test_the_accuracy_stands_with_its_interval(single, subject):
    accuracy = subject.evaluation.accuracy
    low, high = f"{100 * accuracy.low:.2f} %", f"{100 * accuracy.high:.2f} %"
    expected = f"{100 * accuracy.value:.2f} % 95 % interval {low} to {high}, n = 300"
    assert expected.replace(" 95 %", "95 %") in single.text


def test_each_digit_has_its_row(single, subject):
    digit = subject.evaluation.digits[4]
    assert single.row("4") == [
        f"{100 * digit.precision:.2f} %",
        f"{100 * digit.recall:.2f} %",
        str(digit.count - subject.evaluation.confusion[4, 4]),
        str(digit.count),
    ]


def test_the_confusion_matrix_is_there_with_quiet_zeros(single, subject):
    counts = subject.evaluation.confusion
    rows = [row for row in single.cells if len(row) == 11][1:]
    assert [[int(cell) for cell in row[1:]] for row in rows] == counts.tolist()
    zeros = [values for values in single.of("td") if values.get("class") == "zero"]
    assert len(zeros) == (counts - np.diag(np.diag(counts)) == 0).sum() - 10


def test_every_misread_digit_is_shown_as_it_is(single, subject, setting):
    mistakes = subject.evaluation.mistakes[:MAX_PICTURES]
    pictures = single.of("img")
    assert len(pictures) == len(mistakes) > 0
    for values, mistake in zip(pictures, mistakes, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(values["src"].split(",")[1]))) as picture:
            np.testing.assert_array_equal(
                255 - np.asarray(picture), setting.split.images[mistake.index]
            )
        assert values["alt"] == f"Image {5_000 + mistake.index}, labelled {mistake.label}"
    first = mistakes[0]
    for part in (
        f"{first.label}, read as {first.read}",
        f"{100 * first.confidence:.1f} % sure",
        f"or {first.runner_up}: {100 * first.runner_up_confidence:.1f} %",
    ):
        assert part in single.text


def test_of_very_many_mistakes_only_the_most_confident_are_shown(subject, setting):
    seven = np.full((len(setting.split), 10), 0.05, np.float32)
    seven[:, 7] = 0.55
    found = score_probabilities(seven, setting.split.labels)
    made = Page(render_page([dataclasses.replace(subject, evaluation=found)], setting))
    assert len(found.mistakes) > MAX_PICTURES == len(made.of("img"))
    assert f"{MAX_PICTURES} of {len(found.mistakes)}" in made.text


def test_a_flawless_model_has_a_page_too(subject, setting):
    flawless = score_probabilities(
        np.eye(10, dtype=np.float32)[setting.split.labels], setting.split.labels
    )
    made = Page(render_page([dataclasses.replace(subject, evaluation=flawless)], setting))
    assert "Misread digits None." in made.text
    assert "100.00 %" in made.text


def test_the_share_kept_stands_where_junk_is_rejected(subject, setting, single):
    assert "Kept as digits" not in single.text
    metadata = dataclasses.replace(subject.model.metadata, junk_threshold=0.25)
    model = Model(subject.model.path)
    model.metadata = metadata
    found = dataclasses.replace(subject.evaluation, kept=estimate_share(299, 300))
    made = Page(render_page([dataclasses.replace(subject, model=model, evaluation=found)], setting))
    assert made.row("Kept as digits at the junk threshold 0.25")[0].startswith("99.67 %")


def test_robustness_size_and_recipe_are_there(single, subject, small_run):
    first = subject.robustness.distorted[0]
    shown = single.row(first.distortion.replace("_", " "))
    assert shown == [f"{100 * value:.1f} %" for value in (*first.accuracy, first.mean)]
    assert single.row("mean of all distortions")[-1] == f"{100 * subject.robustness.mean:.1f} %"
    undistorted = f"{100 * subject.robustness.undistorted.value:.2f} %"
    assert f"The same images as they are: {undistorted}" in single.text
    for bound in ("least", "most"):  # all of one network's are done for every glyph
        row = single.row(f"Multiply-adds a glyph, at {bound}")
        assert row == [f"{subject.cost.num_multiply_adds:,}"]
    assert single.row("batch size") == [str(small_run.recipe.batch_size)]
    assert single.row("seed") == ["3"]


def test_the_members_of_an_ensemble_have_a_row_for_each_setting(subject, setting):
    model = Model(subject.model.path)
    recipe = recipe_named("ensemble").to_dict()
    model.metadata = dataclasses.replace(model.metadata, recipe=json.loads(json.dumps(recipe)))
    made = Page(render_page([dataclasses.replace(subject, model=model)], setting))
    assert made.row("members.0.network") == ["deep"]
    assert made.row("members.3.name") == ["best-broad"]
    assert made.row("members.3.augmentation.rotation deg") == ["12.0"]
    assert "members.0.members" not in made.text
    assert "{" not in made.text


def test_robustness_stands_side_by_side_with_what_is_undistorted(comparison, subject):
    undistorted = f"{100 * subject.robustness.undistorted.value:.2f} %"
    assert comparison.row("undistorted") == [undistorted] * 2
    mean = f"{100 * subject.robustness.mean:.2f} %"
    assert comparison.row("mean of all distortions") == [mean] * 2


def test_the_models_stand_side_by_side_and_the_better_one_has_a_mark(comparison, subject, rival):
    accuracy = [each.evaluation.accuracy.value for each in (subject, rival)]
    assert accuracy[1] > accuracy[0]
    first, second = comparison.row("Accuracy")
    assert first == f"{100 * accuracy[0]:.2f} %"
    assert second == f"{100 * accuracy[1]:.2f} % (best)"
    assert comparison.row("Parameters") == [f"{subject.cost.num_parameters:,}"] * 2


def test_the_calibration_error_has_its_mark_where_it_is_smallest(comparison, subject, rival):
    errors = [each.evaluation.expected_calibration_error for each in (subject, rival)]
    marked = ["(best)" in cell for cell in comparison.row("Expected calibration error")]
    assert marked == [error == min(errors) for error in errors]


def test_names_are_escaped(comparison):
    assert "<rival> & co" in comparison.text
    assert not comparison.of("rival")


def test_mcnemars_test_counts_what_only_one_read_right(comparison, subject, rival):
    misread = {mistake.index for mistake in subject.evaluation.mistakes}
    name, only_first, only_second, _ = comparison.row("quick-3")
    assert name == "<rival> & co"
    assert int(only_first) == len({0} - misread)
    assert int(only_second) == len(misread - {0})


def test_only_what_all_misread_is_pictured(comparison, subject, rival):
    misread = {mistake.index for mistake in subject.evaluation.mistakes}
    assert len(comparison.of("img")) == len(misread & {0})


def test_three_models_make_three_pairs(subject, rival, setting):
    third = dataclasses.replace(subject, name="third")
    text = Page(render_page([subject, rival, third], setting)).text
    assert "With 3 pairs, call a difference real below 0.017" in text


def test_two_models_of_one_name_are_refused(subject, setting):
    for subjects in ([], [subject, subject]):
        with pytest.raises(ConfigError, match="each with its own name"):
            render_page(subjects, setting)
