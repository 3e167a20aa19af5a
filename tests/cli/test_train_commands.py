import contextlib
import dataclasses
import json
import shutil
import signal
from pathlib import Path

import pytest
from command_line import WITHOUT_TRAIN_EXTRA, run, run_for_real

from inkread.training import mnist
from inkread.training import train as training
from inkread.training.history import Step
from inkread.training.layout_recipes import LAYOUT_RECIPES
from inkread.training.line_recipes import LINE_RECIPES
from inkread.training.recipes import RECIPES
from inkread.training.runs import read_recipe


@pytest.fixture(scope="module")
def trained(small_mnist, tmp_path_factory):
    """The folder and the result of ``inkread train`` on the small data."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "load", lambda *_, **__: small_mnist)
        result = run("train", "--recipe", "quick", "--seed", 4, "--out", folder)
    return folder, result


def test_train_leaves_a_run_with_pictures(trained):
    folder, result = trained
    assert result.exit_code == 0
    assert {path.name for path in folder.iterdir()} == {
        "recipe.json", "history.csv", "checkpoint.keras", "model.onnx", "metrics.json",
        "samples.png", "curves.png",
    }  # fmt: skip
    assert read_recipe(folder) == (RECIPES["quick"], 4)
    accuracy = json.loads((folder / "metrics.json").read_text())["validation_accuracy"]["value"]
    assert f"model.onnx: validation accuracy {accuracy:.2%} (n = " in result.stdout


def test_train_refuses_a_second_run_in_the_same_folder(trained, small_data):
    folder, _ = trained
    before = {path: path.read_bytes() for path in folder.iterdir()}
    result = run("train", "--recipe", "quick", "--seed", 4, "--out", folder)
    assert result.exit_code == 1
    assert str(folder) in result.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_that_is_there_is_said_before_anything_is_loaded(monkeypatch, tmp_path):
    def load(*_, **__):
        raise AssertionError

    monkeypatch.setattr(mnist, "load", load)
    (tmp_path / "recipe.json").write_text("{}")
    result = run("train", "--recipe", "quick", "--out", tmp_path)
    assert result.exit_code == 1
    assert "holds a run already: add --resume, or choose another --out" in result.stderr


def test_an_unknown_recipe_is_answered_with_the_names_of_all():
    result = run("train", "--recipe", "nope")
    assert result.exit_code == 2
    told = " ".join(result.stderr.split())
    for name in (*RECIPES, *LINE_RECIPES, *LAYOUT_RECIPES):
        assert f" {name}," in told or f" {name};" in told


def test_train_resumes_a_finished_run_without_training(trained, small_data, tmp_path):
    folder = shutil.copytree(trained[0], tmp_path / "run")
    history = (folder / "history.csv").read_text()
    result = run("train", "--recipe", "quick", "--seed", 4, "--out", folder, "--resume")
    assert result.exit_code == 0
    assert (folder / "history.csv").read_text() == history


def test_train_refuses_to_resume_another_run(trained, small_data):
    result = run("train", "--recipe", "quick", "--seed", 5, "--out", trained[0], "--resume")
    assert result.exit_code == 1
    assert "seed 4" in result.stderr


def test_train_passes_its_options_on(monkeypatch, small_data, tmp_path):
    monkeypatch.chdir(tmp_path)
    seen = {}

    def record(recipe, data, directory, **options):
        seen.update(options, recipe=recipe, data=data, directory=directory)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", record)
    run("train", "--recipe", "baseline", "--seed", 2, "--epochs", 3, "--resume")
    assert seen["recipe"] == dataclasses.replace(RECIPES["baseline"], epochs=3)
    assert (seen["seed"], seen["resume"], seen["data"]) == (2, True, small_data)
    assert seen["directory"] == Path("runs/baseline-2")


def test_train_interrupted_tells_how_to_go_on(monkeypatch, small_data, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupted)
    result = run("train", "--recipe", "quick", "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "--resume" in result.stderr
    assert str(tmp_path / "run") in result.stderr


def test_an_interruption_that_a_library_swallows_ends_the_training_at_its_next_step(
    monkeypatch, small_data, tmp_path
):
    def swallowing(*_, on_step, **__):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        on_step(Step(1, 1, 1, 10, 0.5))
        raise AssertionError

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(training, "train", swallowing)
    result = run("train", "--recipe", "quick", "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is before


def test_train_with_an_unknown_recipe_names_the_known_ones_before_it_loads_anything():
    result = run_for_real("train", "--recipe", "nope", code=WITHOUT_TRAIN_EXTRA)
    assert result.returncode == 2
    message = result.stderr.decode()
    assert "'nope'" in message
    assert all(name in message for name in RECIPES)


def test_train_gives_an_ensemble_no_epochs(small_data, tmp_path):
    result = run("train", "--recipe", "ensemble", "--epochs", 1, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "its epochs are its members'" in result.stderr
    assert not (tmp_path / "run").exists()


def test_recipes_lists_the_recipes():
    result = run("recipes")
    assert result.exit_code == 0
    for recipe in RECIPES.values():
        assert recipe.name in result.stdout
        assert recipe.purpose in result.stdout


def test_recipes_shows_an_ensembles_members_and_a_pupils_teacher():
    lines = {line.split()[1]: line for line in run("recipes").stdout.splitlines() if "│" in line}
    cells = {
        name: [cell.strip() for cell in lines[name].split("│")[3:-1]]
        for name in ("ensemble", "distilled", "cascade", "standard")
    }
    cells = {
        name: [cell.replace("\N{MULTIPLICATION SIGN}", "x") for cell in row]
        for name, row in cells.items()
    }
    assert cells["ensemble"] == ["deep x3, broad", "4 x 36", ""]
    assert cells["distilled"] == ["deep", "30", "ensemble"]
    assert cells["cascade"] == ["compact, deep", "2 x 30", "ensemble"]
    assert cells["standard"] == ["medium", "16", ""]
