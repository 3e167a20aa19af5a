import json
import shlex
import shutil

import numpy as np
import pytest
from command_line import SAMPLES, run
from PIL import Image
from typer.testing import CliRunner

from inkread.cli.app import app
from inkread.models.runtime import Model
from inkread.training import mnist
from inkread.training.evaluation import evaluate as evaluation

pytestmark = pytest.mark.usefixtures("small_data")


def test_a_report_is_written_beside_what_is_printed(small_run, tmp_path):
    path = tmp_path / "new" / "report[1].html"
    result = run("evaluate", small_run.directory, "--report", path, "--robustness-images", 3)
    assert result.exit_code == 0
    assert "accuracy" in result.stdout
    assert f"saved {path}" in result.stderr
    text = path.read_text()
    assert "<h1>quick-3</h1>" in text
    assert "3 test images, drawn at random" in " ".join(text.split())


def test_the_command_in_a_report_makes_it_again(small_run, tmp_path):
    path = tmp_path / "report.html"
    run(
        "evaluate",
        small_run.model_file,
        "--split",
        "validation",
        "--report",
        path,
        "--robustness-images",
        0,
    )
    command = path.read_text().partition("<pre><code>")[2].partition("</code>")[0]
    path.unlink()
    assert run("evaluate", *shlex.split(command)[2:]).exit_code == 0
    assert command in path.read_text()


def test_the_printed_table_holds_the_figures_of_calibration(small_run):
    printed = run("evaluate", small_run.directory).stdout
    for part in ("98 % most confident", "expected calibration error", "Brier", "log-likelihood"):
        assert part in printed


def test_several_models_are_compared(small_run, tmp_path):
    path = tmp_path / "comparison.html"
    result = run(
        "evaluate",
        "default",
        small_run.directory,
        "--report",
        path,
        "--robustness-images",
        0,
    )
    assert result.exit_code == 0
    for part in ("glyph-cascade", "quick-3", "accuracy", "Brier", "n = 300"):
        assert part in result.stdout
    assert "McNemar" in path.read_text()


def test_several_models_are_a_line_of_json_each(small_run):
    lines = run("evaluate", "default", small_run.directory, "--json").stdout.splitlines()
    assert [json.loads(line)["model"] for line in lines] == ["glyph-cascade", "quick-3"]
    assert all("expected_calibration_error" in json.loads(line) for line in lines)


def test_models_of_one_name_are_called_as_they_were_given(small_run):
    lines = run("evaluate", small_run.directory, small_run.model_file, "--json").stdout.splitlines()
    given = [str(small_run.directory), str(small_run.model_file)]
    assert [json.loads(line)["model"] for line in lines] == given


def test_a_threshold_is_chosen_on_the_validation_images(small_mnist):
    arguments = ["threshold", "--max-error", "0.05", "--certainty", "0.9"]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0
    chosen = json.loads(result.stdout)
    found = Model().classify(small_mnist.validation.images)
    confidence = found.probabilities.max(axis=1) * (1 - found.junk)
    accepted = confidence >= chosen["threshold"]
    right = found.probabilities.argmax(axis=1) == small_mnist.validation.labels
    assert chosen["n"] == len(accepted) == 300
    assert chosen["coverage"] == accepted.mean()
    assert chosen["error"] == (~right[accepted]).mean()
    assert chosen["error"] < chosen["bound"] <= 0.05

    printed = CliRunner().invoke(app, arguments).stdout
    assert np.float32(printed.split()[1]) == np.float32(chosen["threshold"])  # not rounded
    assert f"{chosen['bound']:.3%} (90% certain)" in printed


def test_a_threshold_that_no_confidence_gives_is_refused():
    result = CliRunner().invoke(app, ["threshold", "--max-error", "0.0001"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the best of 300 answers' bounds" in " ".join(result.stderr.split())


def test_a_model_beside_itself_is_refused():
    result = run("evaluate", "default", "default")
    assert result.exit_code == 1
    assert "expected different models, received default default" in result.stderr


def test_a_model_whose_name_looks_like_a_formula_has_a_report(small_run, tmp_path):
    model = shutil.copy(small_run.model_file, tmp_path / "_$a_{b$.onnx")
    path = tmp_path / "report.html"
    assert (
        run(
            "evaluate",
            model,
            "--report",
            path,
            "--robustness-images",
            0,
            "--out",
            tmp_path,
        ).exit_code
        == 0
    )
    assert ">_$a_{b$</text>" in path.read_text()


@pytest.mark.parametrize("option", ["--report", "--out"])
def test_what_cannot_be_written_is_refused_before_the_work(monkeypatch, tmp_path, option):
    def too_soon(*_, **__):
        raise AssertionError

    monkeypatch.setattr(mnist, "load", too_soon)
    place = tmp_path / "place"
    if option == "--report":
        place.mkdir()
    else:
        place.write_text("a file")
    result = run("evaluate", "default", option, place)
    assert result.exit_code == 2
    assert str(place) in result.stderr
    assert result.stdout == ""


def test_a_run_that_is_not_finished_is_refused_by_name(small_run, tmp_path):
    shutil.copy(small_run.directory / "recipe.json", tmp_path)
    result = run("evaluate", "default", tmp_path)
    assert result.exit_code == 1
    assert f"expected a finished run, received {tmp_path}" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["default", "other", "--out", "figures"], ["default", "--robustness-images", "-1"]],
    ids=lambda arguments: arguments[-2],
)
def test_wrong_usage_exits_with_2(arguments):
    result = run("evaluate", *arguments)
    assert result.exit_code == 2
    assert "Usage" in result.stderr


def test_evaluate_prints_what_evaluation_finds(small_data, small_run):
    result = run("evaluate", small_run.directory, "--json")
    found = evaluation.evaluate(Model(small_run.model_file), small_data.test)
    values = json.loads(result.stdout)
    assert (values.pop("model"), values.pop("split")) == ("quick-3", "test")
    assert values == json.loads(json.dumps(found.to_dict()))


def test_evaluate_prints_tables_and_saves_pictures(small_data, small_run, tmp_path):
    out = tmp_path / "new"
    result = run("evaluate", small_run.model_file, "--split", "validation", "--out", out)
    assert result.exit_code == 0
    for part in ("validation", "accuracy", "n = 300", "precision", "recall", "Confusion"):
        assert part in result.stdout
    for name in ("confusion.png", "mistakes.png"):
        with Image.open(out / name) as picture:
            picture.load()
        assert str(out / name) in result.stderr


def test_evaluate_names_the_pictures_as_their_folder_is_called(small_data, tmp_path):
    out = tmp_path / "figures[new]"
    assert str(out) in run("evaluate", "default", "--out", out).stderr


@pytest.mark.parametrize("model", ["no-such-model", SAMPLES])
def test_evaluate_of_a_bad_model_fails_by_name(small_data, model):
    result = run("evaluate", model)
    assert result.exit_code == 1
    assert str(model) in result.stderr
