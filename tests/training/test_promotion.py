import numpy as np
import pytest

from inkread.errors import ModelError
from inkread.models.registry import Registry
from inkread.models.runtime import Model, list_shipped_models
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.mnist import Split
from inkread.training.promotion import Margins, Trial, compare, mark_correct, promote

SHIPPED = list_shipped_models()["default"]


def trial(before, after, n, margin):
    return Trial("images", estimate_share(before, n), estimate_share(after, n), margin)


@pytest.mark.parametrize(
    ("before", "after", "n", "margin", "is_passed"),
    [
        (90, 90, 100, 0.0, True),
        (90, 95, 100, 0.0, True),
        (90, 89, 100, 0.0, False),
        (4985, 4983, 5000, 0.0005, True),  # 2.5 images may be lost
        (4985, 4982, 5000, 0.0005, False),
        (29, 28, 50, 0.02, True),  # exactly the margin
        (29, 27, 50, 0.02, False),
    ],
)
def test_a_trial_is_passed_up_to_its_margin(before, after, n, margin, is_passed):
    assert trial(before, after, n, margin).is_passed is is_passed


def test_a_trial_says_what_was_lost():
    assert trial(4985, 4975, 5000, 0.0005).summary == (
        "images: 99.70% read right before, 99.50% after (-0.20 points, n = 5,000; at most 0.05 "
        "may be lost)"
    )


def test_glyphs_are_read_right_as_a_reader_would(full_mnist):
    model = Model("default")
    images = full_mnist.validation.images[:200]
    found = model.classify(images)
    answers = found.probabilities.argmax(axis=1).astype(np.uint8)
    is_kept = found.junk <= model.metadata.junk_threshold
    assert mark_correct(model, Split(images, answers)).tolist() == is_kept.tolist()
    no_digits = Split(images, np.full(200, 10, np.uint8))
    assert mark_correct(model, no_digits).tolist() == (~is_kept).tolist()
    noise = np.random.default_rng(0).integers(0, 256, (1, 28, 28), np.uint8)
    assert mark_correct(model, Split(noise, np.array([10], np.uint8))).tolist() == [True]


@pytest.fixture(scope="module")
def trials(small_mnist, small_run):
    """The shipped model against itself, and against one that is worse."""
    model, held_out = Model("default"), small_mnist.test
    return [
        compare(model, after, small_mnist.validation, held_out)
        for after in (SHIPPED, small_run.model_file)
    ]


def test_an_equal_model_is_promoted(trials, tmp_path):
    assert [each.is_passed for each in trials[0]] == [True, True]
    assert [each.before.n for each in trials[0]] == [300, 300]
    registry = Registry(tmp_path)
    version = promote(SHIPPED, trials[0], registry, "glyph")
    assert registry.find_current() == version.path


def test_a_worse_model_is_refused_and_says_where_and_by_how_much(trials, small_run, tmp_path):
    registry = Registry(tmp_path)
    with pytest.raises(ModelError, match="is not promoted, because it got worse") as caught:
        promote(small_run.model_file, trials[1], registry, "glyph")
    for each in trials[1]:
        assert each.summary in str(caught.value)
    assert registry.find_current() is None


def test_only_the_failed_trial_is_named(trials, small_run, tmp_path):
    failed = [trials[0][0], trials[1][1]]
    with pytest.raises(ModelError) as caught:
        promote(small_run.model_file, failed, Registry(tmp_path), "glyph")
    assert "corrections held out" in str(caught.value)
    assert "validation" not in str(caught.value)


def test_the_margins_can_be_others(small_mnist, small_run):
    found = compare(
        Model("default"),
        small_run.model_file,
        small_mnist.validation,
        small_mnist.test,
        Margins(validation=1.0, held_out=1.0),
    )
    assert [each.is_passed for each in found] == [True, True]
