import dataclasses
import hashlib

import keras
import numpy as np
import pytest
from short_trainings import (
    COMPACT,
    DUO,
    NUM_STEPS,
    PUPIL,
    TRIO,
    Stop,
    assert_same_run,
    assert_same_weights,
    stopper,
)

from inkread.errors import ConfigError
from inkread.models.runtime import Model, prepare_glyphs
from inkread.training.networks import export
from inkread.training.runs import load_network, read_recipe
from inkread.training.train import Training, train


def test_an_ensemble_answers_with_the_mean_of_its_members(tiny, tmp_path):
    run = train(TRIO, tiny, tmp_path / "run", seed=2)
    members = sorted((tmp_path / "run" / "members").iterdir())
    assert [read_recipe(member) for member in members] == list(
        zip(TRIO.members, (6, 7, 8), strict=True)
    )
    glyphs = tiny.validation.images
    each = [Model(member / "model.onnx").predict_uncalibrated(glyphs) for member in members]
    np.testing.assert_allclose(
        Model(run.model_file).predict_uncalibrated(glyphs), np.mean(each, 0), atol=1e-5
    )
    assert [epoch.epoch for epoch in run.history] == [1, 2, 3, 4]
    assert np.all(np.diff([epoch.seconds for epoch in run.history]) > 0)
    reloaded = load_network(run.directory)
    assert_same_weights(reloaded, run.network)


def test_a_cascade_asks_its_second_member_where_the_first_is_not_sure(unbroken, tiny, tmp_path):
    teacher = unbroken["compact"].model_file
    run = train(DUO, tiny, tmp_path / "run", seed=2, teacher=teacher)
    members = sorted((tmp_path / "run" / "members").iterdir())
    assert [read_recipe(member) for member in members] == list(
        zip(DUO.members, (4, 5), strict=True)
    )
    glyphs = tiny.validation.images
    first, second = (
        Model(member / "model.onnx").predict_uncalibrated(glyphs) for member in members
    )
    is_unsure = first.max(axis=1, keepdims=True) < DUO.sure
    assert 0 < is_unsure.sum() < len(glyphs)
    expected = np.where(is_unsure, second, first)
    model = Model(run.model_file)
    np.testing.assert_allclose(model.predict_uncalibrated(glyphs), expected, atol=1e-5)
    for index in (is_unsure.argmin(), is_unsure.argmax()):  # the second is asked about none, one
        answer = model.predict_uncalibrated(glyphs[index : index + 1])
        np.testing.assert_allclose(answer, expected[index : index + 1], atol=1e-5)
    assert model.metadata.junk_threshold is not None
    assert model.metadata.teacher_sha256 == hashlib.sha256(teacher.read_bytes()).hexdigest()
    assert_same_weights(load_network(run.directory), run.network)


def test_a_cascade_wants_the_teacher_of_its_members(unbroken, tiny, tmp_path):
    with pytest.raises(ConfigError, match=r"'pupil' needs a teacher.*compact-schedule"):
        train(DUO, tiny, tmp_path / "run")
    with pytest.raises(ConfigError, match="expected no teacher"):
        train(TRIO, tiny, tmp_path / "run", teacher=unbroken["compact"].model_file)
    assert not (tmp_path / "run").exists()


def test_an_ensemble_is_resumed_in_the_member_that_was_stopped(tiny, tmp_path):
    whole = train(TRIO, tiny, tmp_path / "whole", seed=2)
    seen = []

    def stop_in_the_second(step):
        seen.append(step)
        if len(seen) == NUM_STEPS + 2:
            raise Stop

    with pytest.raises(Stop):
        train(TRIO, tiny, tmp_path / "run", seed=2, on_step=stop_in_the_second)
    steps = []
    keras.backend.clear_session()  # as in a new process, where names are numbered anew
    resumed = train(TRIO, tiny, tmp_path / "run", seed=2, resume=True, on_step=steps.append)
    assert len(steps) == 3 * NUM_STEPS
    assert_same_run(resumed, whole)


def test_an_ensemble_is_not_one_training(tiny, tmp_path):
    with pytest.raises(ConfigError, match="trio"):
        Training(TRIO, tiny, tmp_path / "run")


def test_a_pupil_resumes_as_if_it_had_not_been_stopped(unbroken, tiny, tmp_path):
    teacher = unbroken["compact"].model_file
    whole = train(PUPIL, tiny, tmp_path / "whole", seed=1, teacher=teacher)
    with pytest.raises(Stop):
        train(PUPIL, tiny, tmp_path / "run", seed=1, teacher=teacher, on_step=stopper(3, 1))
    resumed = train(PUPIL, tiny, tmp_path / "run", seed=1, teacher=teacher, resume=True)
    assert_same_run(resumed, whole)
    model = Model(resumed.model_file)
    assert model.metadata.junk_threshold is not None
    junk = model.classify(tiny.validation.images).junk
    assert np.mean(junk <= model.metadata.junk_threshold + export.TOLERANCE) >= 0.995


def test_a_pupil_may_begin_with_its_teachers_weights(tiny, tmp_path):
    """Those of the network of the same architecture, if there is one."""
    known = dataclasses.replace(DUO.members[0], name="known", epochs=1)
    other = dataclasses.replace(known, network="tiny")
    two = dataclasses.replace(DUO, name="known", members=(other, known))
    teacher = train(two, tiny, tmp_path / "teacher")
    recipe = dataclasses.replace(PUPIL, teacher="known", from_teacher=True)

    begun = Training(recipe, tiny, tmp_path / "run", teacher=teacher.model_file)
    glyphs = tiny.validation.images
    answers = np.asarray(begun.network(prepare_glyphs(glyphs), training=False))
    folder = tmp_path / "teacher" / "members" / "1-known"
    expected = Model(folder / "model.onnx").predict_uncalibrated(glyphs)
    np.testing.assert_allclose(answers, expected, atol=1e-4)

    for wrong in ({"network": "deep"}, {"teacher": None, "taught_share": 0.0}):
        with pytest.raises(ConfigError, match="expected a teacher"):
            Training(
                dataclasses.replace(recipe, **wrong),
                tiny,
                tmp_path / "other",
                teacher=teacher.model_file,
            )


def test_a_member_may_keep_its_teachers_weights(tiny, tmp_path):
    """It is not trained: beside it another member learns from the same teacher."""
    known = dataclasses.replace(DUO.members[0], name="known", epochs=1)
    teacher = train(dataclasses.replace(known, name="known"), tiny, tmp_path / "teacher")
    kept = dataclasses.replace(PUPIL, teacher="known", from_teacher=True, epochs=0)
    learning = dataclasses.replace(kept, epochs=1)
    recipe = dataclasses.replace(DUO, members=(learning, learning, kept))

    run = train(recipe, tiny, tmp_path / "run", teacher=teacher.model_file)
    again = train(recipe, tiny, tmp_path / "run", teacher=teacher.model_file, resume=True)

    glyphs = tiny.validation.images
    members = sorted((tmp_path / "run" / "members").iterdir())
    answers = [Model(each / "model.onnx").predict_uncalibrated(glyphs) for each in members]
    expected = Model(teacher.model_file).predict_uncalibrated(glyphs)
    np.testing.assert_allclose(answers[2], expected, atol=1e-4)
    assert np.abs(answers[1] - expected).max() > 1e-3
    assert len(run.history) == 2
    assert_same_run(again, run)


def test_a_pupil_without_its_teacher_is_refused(tiny, tmp_path):
    with pytest.raises(ConfigError, match=r"needs a teacher.*compact-schedule"):
        train(PUPIL, tiny, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_teacher_of_another_recipe_is_refused(unbroken, tiny, tmp_path):
    with pytest.raises(ConfigError, match="expected a teacher of recipe 'compact-schedule'"):
        train(PUPIL, tiny, tmp_path / "run", teacher=unbroken["classic"].model_file)


def test_a_pupil_is_not_resumed_with_another_teacher(unbroken, tiny, tmp_path):
    teacher = unbroken["compact"].model_file
    with pytest.raises(Stop):
        train(PUPIL, tiny, tmp_path / "run", teacher=teacher, on_step=stopper(2, 1))
    other = train(dataclasses.replace(COMPACT, epochs=1), tiny, tmp_path / "other").model_file
    with pytest.raises(ConfigError, match="expected the teacher"):
        train(PUPIL, tiny, tmp_path / "run", teacher=other, resume=True)


@pytest.mark.parametrize("seed", [-1, 2**32 // 3])
def test_a_seed_that_leaves_none_for_the_members_is_refused(tiny, tmp_path, seed):
    with pytest.raises(ConfigError, match="expected a seed from 0 to 1431655764"):
        train(TRIO, tiny, tmp_path / "run", seed=seed)
    assert not (tmp_path / "run").exists()


def test_a_teacher_that_nobody_asked_for_is_refused(unbroken, tiny, tmp_path):
    with pytest.raises(ConfigError, match="expected no teacher"):
        train(COMPACT, tiny, tmp_path / "run", teacher=unbroken["compact"].model_file)
