import hashlib
from datetime import UTC, datetime

import keras
import numpy as np
import pytest

from inkread.corrections.correction import NOT_A_DIGIT, Correction
from inkread.corrections.store import Store
from inkread.errors import ConfigError, DataError
from inkread.models.runtime import Model
from inkread.training import finetune as finetuning
from inkread.training.finetune import NO_DIGIT, finetune, load_corrections, split_corrections
from inkread.training.mnist import Split
from inkread.training.promotion import mark_correct
from inkread.training.runs import load_network, read_recipe


def correction(number, label, *, minute=0, person=""):
    """A correction; its glyph says its number."""
    return Correction(
        glyph=number.to_bytes(2) * 392,
        read="5",
        confidence=0.5,
        model="any",
        model_sha256="0" * 64,
        label=label,
        person=person,
        created=datetime(2026, 1, 1, 0, minute, tzinfo=UTC),
    )


def numbers(split):
    return [int.from_bytes(image.tobytes()[:2]) for image in split.images]


@pytest.fixture(scope="module")
def shipped():
    return Model("default")


def test_a_quarter_of_each_label_is_held_out(shipped):
    labels = ["3"] * 40 + ["7"] * 20 + [NOT_A_DIGIT] * 4
    stored = [correction(number, label) for number, label in enumerate(labels)]
    found = split_corrections(stored, shipped, seed=1)
    assert np.bincount(found.held_out.labels).tolist() == [0, 0, 0, 10, 0, 0, 0, 5, 0, 0, 1]
    assert np.bincount(found.train.labels).tolist() == [0, 0, 0, 30, 0, 0, 0, 15, 0, 0, 3]
    assert sorted(numbers(found.train) + numbers(found.held_out)) == list(range(64))
    assert found.num_skipped == 0
    named = {"3": 3, "7": 7, NOT_A_DIGIT: NO_DIGIT}
    for part in (found.train, found.held_out):
        assert [named[labels[number]] for number in numbers(part)] == part.labels.tolist()


def test_the_seed_decides_what_is_held_out(shipped):
    stored = [correction(number, "3") for number in range(40)]
    held_out = [
        numbers(split_corrections(stored, shipped, seed=seed).held_out) for seed in (0, 0, 1)
    ]
    assert held_out[0] == held_out[1] != held_out[2]


def test_of_one_glyph_the_newest_correction_counts(shipped):
    stored = [correction(number, "3") for number in range(9)]
    stored += [correction(8, "4", minute=2, person="a" * 64)]
    stored += [correction(8, "5", minute=1, person="b" * 64)]
    found = split_corrections(stored, shipped)
    labels = np.concatenate([found.train.labels, found.held_out.labels])
    assert sorted(labels.tolist()) == [3] * 8 + [4]
    assert found.num_skipped == 2


def test_what_cannot_be_learned_is_left_out(shipped, small_run):
    stored = [correction(number, "3") for number in range(8)]
    stored += [correction(20, "42"), correction(21, None), correction(22, NOT_A_DIGIT)]
    found = split_corrections(stored, shipped)
    assert (len(found.train) + len(found.held_out), found.num_skipped) == (9, 1)
    without_output = split_corrections(stored, Model(small_run.model_file))
    assert NO_DIGIT not in without_output.train.labels
    assert without_output.num_skipped == 2


def test_too_few_are_refused(shipped):
    stored = [correction(number, "3") for number in range(7)] + [correction(9, "42")]
    expected = "expected at least 8 different corrections to learn from, received 7 .1 others"
    with pytest.raises(DataError, match=expected):
        split_corrections(stored, shipped)


def test_corrections_come_from_a_database(tmp_path, shipped):
    url = f"sqlite:///{tmp_path / 'corrections.db'}"
    store = Store(url)
    for number in range(12):
        store.add(correction(number, None if number == 5 else "3"))
    store.close()
    found = load_corrections(url, shipped)
    assert sorted(numbers(found.train) + numbers(found.held_out)) == [
        number for number in range(12) if number != 5
    ]


@pytest.fixture(scope="module")
def mirrored(small_mnist):
    """The odd hand of who writes mirrored threes, fours and sevens."""
    chosen = np.isin(small_mnist.train.labels, [3, 4, 7])
    return Split(small_mnist.train.images[chosen][:, :, ::-1], small_mnist.train.labels[chosen])


@pytest.fixture(scope="module")
def learned(small_mnist, mirrored, tmp_path_factory):
    """The shipped model and the run that taught it to read mirrored digits, shortened."""
    model = Model("default")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetuning, "NUM_EPOCHS", 2)
        patch.setattr(finetuning, "LEARNING_RATE", 0.001)
        patch.setattr(finetuning, "INTERPOLATION", 1.0)
        steps = []
        folder = tmp_path_factory.mktemp("runs") / "learned"
        run = finetune(model, mirrored, small_mnist, folder, seed=1, on_step=steps.append)
    return model, run, steps


def test_a_model_learns_from_corrections_and_forgets_little(learned, mirrored, small_mnist):
    before, run, _ = learned
    after = Model(run.model_file)
    wrong = [int((~mark_correct(model, mirrored)).sum()) for model in (before, after)]
    assert wrong[0] > len(mirrored) / 4
    assert wrong[1] < wrong[0] / 2
    right = mark_correct(after, small_mnist.validation)
    assert right.mean() > 0.9


def test_what_learned_the_users_corrections_states_no_licence(learned, shipped):
    _, run, _ = learned
    metadata = Model(run.model_file).metadata
    assert metadata.licence is None
    assert metadata.attribution == shipped.metadata.attribution


def test_digits_that_were_kept_before_are_not_called_none_afterwards(learned, shipped):
    """The threshold was fitted on more handwriting than is at hand when corrections are learned."""
    _, run, _ = learned
    threshold = Model(run.model_file).metadata.junk_threshold
    assert threshold >= shipped.metadata.junk_threshold


def test_a_run_is_left(learned, small_mnist):
    model, run, steps = learned
    assert [epoch.epoch for epoch in run.history] == [1, 2]
    assert (steps[-1].epoch, steps[-1].step) == (2, 7)  # 640 images, 96 a step
    recipe, seed = read_recipe(run.directory)
    assert (recipe.name, recipe.teacher, seed) == ("cascade-hands-corrected", model.name, 1)
    about = Model(run.model_file).metadata
    assert about.recipe == recipe.to_dict()
    assert about.teacher_sha256 == hashlib.sha256(model.path.read_bytes()).hexdigest()
    assert load_network(run.directory).count_params() == run.network.count_params()


def test_a_model_that_has_learned_can_learn_again(learned, small_mnist, mirrored, tmp_path):
    model = Model(learned[1].model_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetuning, "NUM_EPOCHS", 1)
        patch.setattr(finetuning, "NUM_REPLAYED_PER_EPOCH", 64)
        run = finetune(model, mirrored, small_mnist, tmp_path / "again")
    assert run.recipe.name == "cascade-hands-corrected"


def test_the_seed_decides_everything(shipped, small_mnist, mirrored, tmp_path, monkeypatch):
    monkeypatch.setattr(finetuning, "NUM_EPOCHS", 1)
    monkeypatch.setattr(finetuning, "NUM_REPLAYED_PER_EPOCH", 192)

    def weights(name, before, seed):
        keras.utils.set_random_seed(before)  # what was drawn before must not matter
        run = finetune(shipped, mirrored, small_mnist, tmp_path / name, seed=seed)
        return np.concatenate([each.ravel() for each in run.network.get_weights()])

    first, again, other = weights("a", 1, 0), weights("b", 2, 0), weights("c", 1, 1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_folder_that_holds_a_run_is_refused(learned, small_mnist, mirrored):
    with pytest.raises(ConfigError, match="holds a run already"):
        finetune(learned[0], mirrored, small_mnist, learned[1].directory)
