import dataclasses
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import inkread
from inkread.errors import ConfigError, ModelError
from inkread.models.runtime import Model
from inkread.training.augmentation.elastic import Augmentation
from inkread.training.evaluation.evaluate import evaluate
from inkread.training.history import Epoch, read_history, write_history
from inkread.training.mnist import Split
from inkread.training.networks import export
from inkread.training.recipes import Recipe, recipe_named
from inkread.training.runs import load_network, read_recipe
from inkread.training.train import Step, Training, train

SEED = 5
NUM_STEPS = 4  # 100 images in batches of 32: the last batch is a short one
CLASSIC = Recipe(
    name="classic-dropout-augmentation",
    purpose="everything random",
    network="classic",
    epochs=3,
    batch_size=32,
    dropout=0.5,
    augmentation=Augmentation(rotation_deg=12, elastic_px=1, stroke=0.7),
    spoiled=0.2,
    drawn=0.1,
    junk=0.1,
)
COMPACT = Recipe(
    name="compact-schedule",
    purpose="batch normalisation, a schedule, weight decay",
    network="compact",
    epochs=3,
    batch_size=32,
    learning_rate=0.01,
    warmup=0.2,
    weight_decay=0.02,
    label_smoothing=0.1,
)
RECIPES = {"classic": CLASSIC, "compact": COMPACT}
TRIO = Recipe(
    name="trio",
    purpose="an ensemble of unlike members",
    members=(
        dataclasses.replace(COMPACT, epochs=1),
        dataclasses.replace(COMPACT, epochs=2, shifted=True),
        dataclasses.replace(COMPACT, epochs=1, network="classic", learning_rate=0.001),
    ),
)
PUPIL = dataclasses.replace(
    COMPACT,
    name="pupil",
    teacher="compact-schedule",
    taught_share=0.5,
    taught_copies=2,
    spoiled=0.2,
    junk=0.1,
)
DUO = Recipe(
    name="duo",
    purpose="a cascade whose second is taught",
    members=(
        dataclasses.replace(COMPACT, epochs=8, junk=0.1),
        dataclasses.replace(PUPIL, epochs=1),
    ),
    sure=0.5,
)

RUN_FILES = {"recipe.json", "history.csv", "checkpoint.keras", "model.onnx", "metrics.json"}

KILLED = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from inkread.training.mnist import Mnist, Split
from inkread.training.recipes import recipe_from_dict
from inkread.training.train import train

def killer(step):
    if (step.epoch, step.step) == (3, 2):
        os.kill(os.getpid(), signal.SIGKILL)

folder, seed = Path(sys.argv[1]), int(sys.argv[2])
arrays = np.load(folder / "data.npz")
names = ("train", "validation")
splits = [Split(arrays[f"{name}_images"], arrays[f"{name}_labels"]) for name in names]
recipe = recipe_from_dict(json.loads((folder / "recipe.json").read_text()))
train(recipe, Mnist(*splits, None, "npz"), folder / "run", seed=seed, on_step=killer)
"""

each_network = pytest.mark.parametrize("name", RECIPES)


class Stop(KeyboardInterrupt):
    """What Ctrl-C raises, told from a real one."""


def stopper(epoch, step):
    """An ``on_step`` that stops the training right after that step."""

    def on_step(at):
        if (at.epoch, at.step) == (epoch, step):
            raise Stop

    return on_step


def without_export(recipe, data, folder, **options):
    """Train every epoch that is left, and leave the run's other files out."""
    training = Training(recipe, data, folder, **options)
    for _ in training.epochs():
        pass
    return training


def assert_same_weights(received, expected):
    for ours, theirs in zip(received.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def assert_same_run(received, expected):
    assert_same_weights(received.network, expected.network)
    for ours, theirs in zip(received.history, expected.history, strict=True):
        values, wanted = dataclasses.asdict(ours), dataclasses.asdict(theirs)
        del values["seconds"], wanted["seconds"]
        assert values == pytest.approx(wanted, rel=1e-5)


@pytest.fixture(scope="module")
def tiny(small_mnist):
    """A hundred images, and none to test on: training must not touch those."""
    return dataclasses.replace(
        small_mnist,
        train=Split(small_mnist.train.images[:100], small_mnist.train.labels[:100]),
        validation=Split(small_mnist.validation.images[:60], small_mnist.validation.labels[:60]),
        test=None,
    )


@pytest.fixture(scope="module")
def unbroken(tiny, tmp_path_factory):
    """An unbroken run of each network; don't write to their folders."""
    root = tmp_path_factory.mktemp("unbroken")
    return {name: train(recipe, tiny, root / name, seed=SEED) for name, recipe in RECIPES.items()}


@pytest.fixture(scope="module")
def interrupted(tiny, tmp_path_factory):
    """The folders of runs of the same recipes that were stopped in their third epoch."""
    root = tmp_path_factory.mktemp("interrupted")
    for name, recipe in RECIPES.items():
        with pytest.raises(Stop):
            train(recipe, tiny, root / name, seed=SEED, on_step=stopper(3, 2))
    return {name: root / name for name in RECIPES}


@pytest.fixture
def folder(interrupted, tmp_path):
    """A copy of the compact network's interrupted run."""
    return shutil.copytree(interrupted["compact"], tmp_path / "run")


def test_a_run_folder_holds_what_the_design_says(small_run):
    assert {path.name for path in small_run.directory.iterdir()} == RUN_FILES
    assert read_recipe(small_run.directory) == (small_run.recipe, small_run.seed)
    assert tuple(read_history(small_run.directory / "history.csv", Epoch)) == small_run.history


def test_metrics_are_those_of_the_model_file_on_the_validation_images(small_run, small_mnist):
    metrics = json.loads((small_run.directory / "metrics.json").read_text())
    model = Model(small_run.model_file)
    found = evaluate(model, small_mnist.validation)
    assert metrics["validation_accuracy"] == vars(found.accuracy)
    assert metrics["validation_negative_log_likelihood"] == pytest.approx(
        found.negative_log_likelihood, rel=1e-3
    )
    assert metrics["temperature"] == model.metadata.temperature
    assert metrics["training_seconds"] == small_run.history[-1].seconds > 0
    assert metrics["num_parameters"] == small_run.network.count_params()


def test_the_model_file_tells_where_it_came_from(small_run, small_mnist):
    metadata = Model(small_run.model_file).metadata
    assert metadata.recipe == small_run.recipe.to_dict()
    assert metadata.seed == small_run.seed == 3
    assert metadata.package_version == inkread.__version__
    assert metadata.data_sha256.startswith("ba891046e6505d7a")
    assert metadata.figures["validation_accuracy"].n == len(small_mnist.validation)


def test_the_checkpoint_is_the_trained_network(small_run):
    loaded = load_network(small_run.directory)
    for received, wanted in zip(loaded.get_weights(), small_run.network.get_weights(), strict=True):
        np.testing.assert_array_equal(received, wanted)
    assert int(loaded.optimizer.iterations) == int(small_run.network.optimizer.iterations) == 20


def test_training_learns(small_run):
    first, last = small_run.history[0], small_run.history[-1]
    assert last.loss < first.loss
    assert last.validation_accuracy > 0.2  # twice as good as guessing


@each_network
def test_resuming_ends_as_an_unbroken_run(unbroken, interrupted, tiny, tmp_path, name):
    assert len(read_history(interrupted[name] / "history.csv", Epoch)) == 2
    copy = shutil.copytree(interrupted[name], tmp_path / "run")
    resumed = train(RECIPES[name], tiny, copy, seed=SEED, resume=True)
    assert_same_run(resumed, unbroken[name])
    assert {path.name for path in copy.iterdir()} == RUN_FILES


@each_network
def test_resuming_when_the_history_is_ahead_of_the_checkpoint(
    unbroken, interrupted, tiny, tmp_path, name
):
    copy = shutil.copytree(interrupted[name], tmp_path / "run")
    write_history(copy / "history.csv", unbroken[name].history)
    resumed = without_export(RECIPES[name], tiny, copy, seed=SEED, resume=True)
    assert_same_run(resumed, unbroken[name])
    assert read_history(copy / "history.csv", Epoch) == resumed.history


@each_network
def test_resuming_what_was_stopped_before_its_first_checkpoint(unbroken, tiny, tmp_path, name):
    with pytest.raises(Stop):
        train(RECIPES[name], tiny, tmp_path, seed=SEED, on_step=stopper(1, 2))
    assert {path.name for path in tmp_path.iterdir()} == {"recipe.json"}
    write_history(tmp_path / "history.csv", unbroken[name].history[:1])
    resumed = without_export(RECIPES[name], tiny, tmp_path, seed=SEED, resume=True)
    assert_same_run(resumed, unbroken[name])


def test_resuming_after_a_real_kill(unbroken, tiny, tmp_path):
    np.savez(
        tmp_path / "data.npz",
        train_images=tiny.train.images,
        train_labels=tiny.train.labels,
        validation_images=tiny.validation.images,
        validation_labels=tiny.validation.labels,
    )
    (tmp_path / "recipe.json").write_text(json.dumps(CLASSIC.to_dict()))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(SEED)], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    resumed = without_export(CLASSIC, tiny, tmp_path / "run", seed=SEED, resume=True)
    assert_same_run(resumed, unbroken["classic"])


def test_resuming_a_finished_run_changes_nothing(unbroken, tiny, tmp_path):
    finished = unbroken["compact"]
    copy = shutil.copytree(finished.directory, tmp_path / "run")
    steps = []
    run = train(COMPACT, tiny, copy, seed=SEED, resume=True, on_step=steps.append)
    assert steps == []
    assert (copy / "model.onnx").read_bytes() == finished.model_file.read_bytes()
    assert run.history == finished.history
    assert_same_run(run, finished)


def test_resume_starts_a_run_where_there_is_none(tiny, tmp_path):
    training = Training(COMPACT, tiny, tmp_path / "new" / "folder", seed=SEED, resume=True)
    assert training.history == []
    assert read_recipe(tmp_path / "new" / "folder") == (COMPACT, SEED)


def test_a_run_is_not_overwritten_unless_resumed(folder, tiny):
    with pytest.raises(ConfigError, match="resume"):
        train(COMPACT, tiny, folder, seed=SEED)


@pytest.mark.parametrize(
    ("recipe", "seed"),
    [
        (COMPACT, SEED + 1),
        (CLASSIC, SEED),
        (dataclasses.replace(COMPACT, epochs=4), SEED),
        (dataclasses.replace(COMPACT, augmentation=Augmentation(shear=0.1)), SEED),
    ],
    ids=["seed", "recipe", "epochs", "augmentation"],
)
def test_another_run_is_not_resumed(folder, tiny, recipe, seed):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ConfigError, match="expected the folder of a run"):
        train(recipe, tiny, folder, seed=seed, resume=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def foreign_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "not a network")


def truncated(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def overwritten_in_the_middle(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes(range(256)) * 20),
        truncated,
        overwritten_in_the_middle,
        foreign_zip,
    ],
    ids=["empty", "noise", "truncated", "overwritten", "another zip file"],
)
def test_a_broken_checkpoint_is_refused_by_name(folder, tiny, spoil):
    spoil(folder / "checkpoint.keras")
    with pytest.raises(ModelError, match=r"checkpoint\.keras"):
        train(COMPACT, tiny, folder, seed=SEED, resume=True)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"checkpoint\.keras"):
        load_network(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"seed": 5}',
        b'{"seed": 5, "recipe": null}',
        b'{"seed": 5, "recipe": {"name": "x"}}',
        b'{"seed": 5, "recipe": {"name": "x", "purpose": "", "network": "deep", "epocs": 3}}',
        b'{"seed": "?", "recipe": {"name": "x", "purpose": "", "network": "deep", "epochs": 3}}',
    ],
)
def test_a_broken_recipe_is_refused(folder, tiny, content):
    (folder / "recipe.json").write_bytes(content)
    with pytest.raises(ConfigError):
        train(COMPACT, tiny, folder, seed=SEED, resume=True)


def test_a_folder_without_a_run_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"expected the folder of a run.*recipe\.json"):
        read_recipe(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"epoch,loss\n1,2\n", b"\x89PNG", None], ids=repr
)
def test_a_broken_or_missing_history_is_refused_by_name(folder, tiny, content):
    path = folder / "history.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"history\.csv"):
        train(COMPACT, tiny, folder, seed=SEED, resume=True)


def test_on_step_is_called_after_every_step(tiny, tmp_path):
    steps = []
    recipe = dataclasses.replace(COMPACT, epochs=2)
    training = without_export(recipe, tiny, tmp_path, on_step=steps.append)
    assert [dataclasses.replace(step, loss=0.0) for step in steps] == [
        Step(epoch, 2, step, NUM_STEPS, 0.0) for epoch in (1, 2) for step in range(1, NUM_STEPS + 1)
    ]
    means = [step.loss for step in steps if step.step == NUM_STEPS]
    assert means == pytest.approx([epoch.loss for epoch in training.history])


def test_steps_joined_in_one_call_are_the_same_steps(unbroken, tiny, tmp_path):
    steps = []
    recipe = dataclasses.replace(COMPACT, steps_per_call=3)
    joined = without_export(recipe, tiny, tmp_path, seed=SEED, on_step=steps.append)
    assert_same_weights(joined.network, unbroken["compact"].network)
    assert [(step.epoch, step.step) for step in steps] == [
        (epoch, step) for epoch in (1, 2, 3) for step in (3, NUM_STEPS)
    ]


def test_another_seed_gives_another_run(unbroken, tiny, tmp_path):
    recipe = dataclasses.replace(COMPACT, epochs=1)
    other = without_export(recipe, tiny, tmp_path, seed=SEED + 1)
    assert other.history[0].loss != pytest.approx(unbroken["compact"].history[0].loss, rel=1e-4)


def test_the_seconds_only_rise(small_run):
    first, second = small_run.history
    assert 0 < first.seconds < second.seconds


def test_baseline_is_compiled_as_the_classic_is(tiny, tmp_path):
    recipe = recipe_named("baseline")
    assert (recipe.epochs, recipe.batch_size, recipe.augmentation) == (12, 128, None)
    network = Training(recipe, tiny, tmp_path).network
    assert type(network.optimizer) is keras.optimizers.Adam
    assert float(network.optimizer.learning_rate) == pytest.approx(0.001)
    assert network.optimizer.weight_decay is None
    assert type(network.loss) is keras.losses.CategoricalCrossentropy
    assert network.loss.label_smoothing == 0
    assert network.count_params() == 34_826
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == [
        0.5
    ]


def test_an_unwritable_folder_is_an_os_error(tiny, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(OSError, match="file"):
        train(COMPACT, tiny, file / "run")


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
