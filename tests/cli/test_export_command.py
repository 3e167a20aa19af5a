import json
import shutil

import numpy as np
import pytest
from command_line import run

from inkread.models.runtime import Model, prepare_glyphs
from inkread.training.networks.architectures import average_shifted_views
from inkread.training.runs import load_network


@pytest.mark.parametrize(
    ("form", "name"),
    [("onnx", "model.onnx"), ("litert", "model.tflite"), ("saved-model", "saved_model")],
)
def test_export_writes_into_the_runs_folder_or_elsewhere(
    small_data, small_run, tmp_path, form, name
):
    folder = shutil.copytree(small_run.directory, tmp_path / "run")
    result = run("export", folder, "--format", form)
    assert result.exit_code == 0
    assert str(folder / name) in result.stdout
    assert (folder / name).exists()
    elsewhere = tmp_path / "new" / name
    assert run("export", folder, "--format", form, "--out", elsewhere).exit_code == 0
    assert elsewhere.exists()


@pytest.mark.parametrize("form", ["onnx", "litert", "saved-model"])
def test_export_of_a_run_that_answers_from_several_views(
    small_data, small_mnist, small_run, tmp_path, form
):
    folder = shutil.copytree(small_run.directory, tmp_path / "run")
    described = json.loads((folder / "recipe.json").read_text())
    described["recipe"]["shifted"] = True
    (folder / "recipe.json").write_text(json.dumps(described))
    result = run("export", folder, "--format", form)
    assert result.exit_code == 0
    assert "agree with Keras'" in result.stdout
    if form == "onnx":
        glyphs = small_mnist.validation.images
        expected = average_shifted_views(load_network(folder))(prepare_glyphs(glyphs))
        np.testing.assert_allclose(
            Model(folder / "model.onnx").predict_uncalibrated(glyphs), expected, atol=1e-4
        )


def test_export_of_no_run_fails_by_name(small_data, tmp_path):
    result = run("export", tmp_path)
    assert result.exit_code == 1
    assert str(tmp_path) in result.stderr
