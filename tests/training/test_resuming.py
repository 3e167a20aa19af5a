import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from short_trainings import (
    CLASSIC,
    COMPACT,
    RECIPES,
    RUN_FILES,
    SEED,
    Stop,
    assert_same_run,
    stopper,
    without_export,
)

from inkread.errors import ConfigError, ModelError
from inkread.training.augmentation.elastic import Augmentation
from inkread.training.history import Epoch, read_history, write_history
from inkread.training.runs import load_network, read_recipe
from inkread.training.train import Training, train

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


@pytest.fixture
def folder(interrupted, tmp_path):
    """A copy of the compact network's interrupted run."""
    return shutil.copytree(interrupted["compact"], tmp_path / "run")


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


def test_a_run_whose_recipe_is_described_in_other_words_is_resumed(folder, tiny):
    reworded = dataclasses.replace(COMPACT, purpose="the same training, in other words")
    assert Training(reworded, tiny, folder, seed=SEED, resume=True).history


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
