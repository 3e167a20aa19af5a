import csv
import dataclasses
import io
import json
import os
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from command_line import run, run_for_real
from PIL import Image

import inkread
from inkread.errors import DataError
from inkread.explain.occlusion import explain
from inkread.models.runtime import Model, prepare_glyphs
from inkread.training import mnist
from inkread.training import train as training
from inkread.training.evaluation import evaluate as evaluation
from inkread.training.networks.architectures import average_shifted_views
from inkread.training.recipes import RECIPES
from inkread.training.runs import load_network, read_recipe

SAMPLES = Path(str(resources.files("inkread") / "samples"))
METER, CHALK = SAMPLES / "meter-40713.png", SAMPLES / "chalk-1969.png"
WITHOUT_TRAIN_EXTRA = """
import sys
for name in "keras tensorflow sklearn scipy matplotlib onnx tf2onnx jinja2 markupsafe".split():
    sys.modules[name] = None
sys.argv[0] = "inkread"
from inkread.cli.app import main
main()
"""
NO_SPACE = Path("/dev/full")  # writing to it fails as on a full disk


@pytest.fixture
def small_data(monkeypatch, small_mnist):
    monkeypatch.setattr(mnist, "load", lambda *_, **__: small_mnist)
    return small_mnist


@pytest.fixture
def unreachable(tmp_path):
    """An environment in which no source of MNIST works."""
    return {
        "INKREAD_DATA": "",
        "INKREAD_CACHE": str(tmp_path / "cache"),
        "PATH": str(tmp_path / "no-programs"),
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
    }


@pytest.fixture(scope="module")
def trained(small_mnist, tmp_path_factory):
    """The folder and the result of ``inkread train`` on the small data."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "load", lambda *_, **__: small_mnist)
        result = run("train", "--recipe", "quick", "--seed", 4, "--out", folder)
    return folder, result


def blank_picture(path):
    Image.new("L", (60, 40), 255).save(path)
    return path


def test_read_prints_a_table():
    result = run("read", METER, CHALK)
    assert result.exit_code == 0
    assert result.stderr == ""
    for part in ("meter-40713.png", "40713", "chalk-1969.png", "1969", "%"):
        assert part in result.stdout


def test_read_prints_json_of_the_same_pages_that_the_reader_gives(reader):
    result = run("read", "--json", METER, CHALK)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.pop("file") for line in lines] == [str(METER), str(CHALK)]
    assert lines == [json.loads(json.dumps(reader.read(path).to_dict())) for path in (METER, CHALK)]


def test_read_prints_csv():
    result = run("read", "--csv", METER, CHALK)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["file"], row["text"]) for row in rows] == [
        (str(METER), "40713"),
        (str(CHALK), "1969"),
    ]


def test_read_takes_a_picture_from_standard_input():
    result = run("read", "--json", "-", stdin=METER.read_bytes())
    page = json.loads(result.stdout)
    assert (page["file"], page["numbers"][0]["text"]) == ("-", "40713")


@pytest.mark.parametrize("stdin", [b"", b"not a picture", METER.read_bytes()[:300]])
def test_read_names_standard_input_when_it_is_no_picture(stdin):
    result = run("read", "--csv", "-", METER, stdin=stdin)
    assert result.exit_code == 1
    assert "error: -: " in result.stderr
    assert "40713" in result.stdout


def test_read_saves_annotated_pictures(tmp_path):
    folder = tmp_path / "new" / "folder"
    result = run("read", METER, "-", "--annotate", folder, stdin=CHALK.read_bytes())
    assert result.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["meter-40713.png.png", "stdin.png"]
    with Image.open(folder / "stdin.png") as picture, Image.open(CHALK) as original:
        assert picture.width == original.width
        assert picture.height > original.height


def test_read_annotates_pictures_of_the_same_name_apart(tmp_path):
    for name in ("monday", "tuesday"):
        (tmp_path / name).mkdir()
    first = shutil.copy(METER, tmp_path / "monday" / "scan.png")
    second = shutil.copy(CHALK, tmp_path / "tuesday" / "scan.png")
    assert run("read", first, second, "--annotate", tmp_path / "out").exit_code == 0
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2


def test_read_as_one_number_and_as_one_digit(tmp_path, small_mnist):
    number = json.loads(run("read", "--json", "--as", "number", METER).stdout)
    assert [n["text"] for n in number["numbers"]] == ["40713"]
    path = tmp_path / "digit.png"
    Image.fromarray(small_mnist.test.images[0]).resize((112, 112)).save(path)
    digit = json.loads(run("read", "--json", "--as", "digit", path).stdout)
    assert [n["text"] for n in digit["numbers"]] == [str(small_mnist.test.labels[0])]
    assert (digit["width"], digit["height"]) == (112, 112)


@pytest.mark.parametrize(("read_as", "texts"), [("page", []), ("number", [""]), ("digit", [""])])
def test_read_of_a_blank_picture_reads_nothing(tmp_path, read_as, texts):
    result = run("read", "--json", "--as", read_as, blank_picture(tmp_path / "blank.png"))
    assert result.exit_code == 0
    numbers = json.loads(result.stdout)["numbers"]
    assert [number["text"] for number in numbers] == texts
    assert all(number["rejected"] for number in numbers)


def test_read_rejects_what_is_less_sure_than_asked_for():
    page = json.loads(run("read", "--json", "--min-confidence", "1", METER).stdout)
    assert set(page["numbers"][0]["text"]) <= set("?40713")
    assert "?" in page["numbers"][0]["text"]


def test_read_names_every_bad_picture_and_reads_the_others(tmp_path):
    good, half, empty, text = (tmp_path / name for name in ("ok.png", "half.png", "0.png", "t.png"))
    shutil.copy(METER, good)
    half.write_bytes(METER.read_bytes()[:500])
    empty.write_bytes(b"")
    text.write_text("not a picture")
    missing, folder = tmp_path / "missing.png", tmp_path / "folder.png"
    folder.mkdir()
    result = run("read", "--csv", half, empty, good, text, missing, folder, CHALK)
    assert result.exit_code == 1
    texts = [row["text"] for row in csv.DictReader(io.StringIO(result.stdout))]
    assert texts == ["40713", "1969"]
    errors = result.stderr.splitlines()
    assert len(errors) == 5
    for path, line in zip((half, empty, text, missing, folder), errors, strict=True):
        assert line.startswith("error:")
        assert str(path) in line


def test_read_with_a_model_file(small_run):
    of_digits = ["read", "--json", "--as", "digit", "--model", small_run.model_file, METER]
    assert json.loads(run(*of_digits).stdout)["model"] == "quick-3"
    line = Path(str(resources.files("inkread") / "weights" / "line.onnx"))
    expected = json.loads(run("read", "--json", METER).stdout)
    assert json.loads(run("read", "--json", "--line-model", line, METER).stdout) == expected


def test_read_with_a_model_of_the_wrong_kind_fails_by_name(small_run):
    result = run("read", "--line-model", small_run.model_file, METER)
    assert result.exit_code == 1
    assert f"error: {small_run.model_file}" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("model", ["no-such-model", METER, "."])
def test_read_with_a_bad_model_fails_by_name(model):
    result = run("read", "--model", model, METER)
    assert result.exit_code == 1
    assert f"error: {model}" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["read"],
        ["read", METER, "--json", "--csv"],
        ["read", METER, "--no-such-option"],
        ["read", METER, "--as", "letter"],
        ["read", METER, "--min-confidence", "1.5"],
        ["read", METER, "--min-confidence", "half"],
        ["read", METER, "--threads", "0"],
        ["write", METER],
        ["explain"],
        ["explain", METER, CHALK],
        ["data", "shred"],
        ["data", "show", "--per-digit", "0"],
        ["train", "--seed", "-1"],
        ["train", "--epochs", "0"],
        ["evaluate"],
        ["evaluate", "default", "--split", "train"],
        ["export"],
        ["export", "run", "--format", "pickle"],
    ],
    ids=lambda arguments: " ".join(map(str, arguments[:1] + arguments[-2:])),
)
def test_wrong_usage_exits_with_2(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage" in result.stderr
    assert result.stdout == ""


@pytest.fixture
def digit_picture(tmp_path, small_mnist):
    """A file with a picture of the 4 among the test images."""
    path = tmp_path / "four.png"
    Image.fromarray(small_mnist.test.images[4]).resize((112, 112)).save(path)
    return path


def test_explain_prints_why_in_a_sentence(reader, digit_picture):
    result = run("explain", digit_picture)
    assert result.exit_code == 0
    assert result.stdout == f"{explain(reader, digit_picture).summary}\n"
    assert result.stderr == ""


def test_explain_prints_json(reader, digit_picture):
    values = json.loads(run("explain", "--json", "-", stdin=digit_picture.read_bytes()).stdout)
    assert values.pop("file") == "-"
    assert values == json.loads(json.dumps(explain(reader, digit_picture).to_dict()))


def test_explain_saves_pictures(digit_picture, tmp_path):
    out, features = tmp_path / "new" / "why.png", tmp_path / "new" / "features.png"
    result = run("explain", digit_picture, "--out", out, "--features", features)
    assert result.exit_code == 0
    for path in (out, features):
        assert str(path) in result.stderr
        with Image.open(path) as picture:
            assert picture.width > picture.height > 200


def test_explain_with_another_model(digit_picture, small_run, tmp_path):
    values = json.loads(
        run("explain", digit_picture, "--json", "--model", small_run.model_file).stdout
    )
    glyph = np.array(values["glyph"], np.uint8)
    (expected,) = inkread.Reader(small_run.model_file).classify(glyph[None])
    assert values["probabilities"] == pytest.approx(expected.tolist(), rel=1e-5)


def test_explain_of_no_picture_names_it(tmp_path):
    absent, text = tmp_path / "absent.png", tmp_path / "text.png"
    text.write_text("no picture")
    for path in (absent, text, blank_picture(tmp_path / "blank.png")):
        result = run("explain", path, "--out", tmp_path / "why.png")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"error: {path}: ")
        assert result.stderr.count(str(path)) == 1
        assert result.stdout == ""
    assert not (tmp_path / "why.png").exists()


def test_explain_names_standard_input_when_it_is_blank(tmp_path):
    blank = blank_picture(tmp_path / "blank.png").read_bytes()
    result = run("explain", "-", stdin=blank)
    assert result.exit_code == 1
    assert "error: -: expected a picture of a digit, received one without ink" in result.stderr


@pytest.mark.parametrize(
    ("option", "name"), [("--out", "why.jpg"), ("--out", ""), ("--features", "z.txt")]
)
def test_explain_refuses_a_picture_that_cannot_be_written(digit_picture, tmp_path, option, name):
    result = run("explain", digit_picture, option, tmp_path / name)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: expected ")
    assert str(tmp_path / name) in result.stderr
    assert result.stdout == ""


def test_data_fetch_verifies_mnist_and_names_its_source(full_mnist):
    result = run("data", "fetch")
    assert result.exit_code == 0
    assert mnist.fetch()[1] in result.stdout


def test_data_info_counts_every_split(small_data):
    result = run("data", "info", "--json")
    info = json.loads(result.stdout)
    assert info["source"] == small_data.source
    assert {name: sum(counts) for name, counts in info["counts"].items()} == {
        "train": 640, "validation": 300, "test": 300,
    }  # fmt: skip
    assert info["counts"]["test"][7] == (small_data.test.labels == 7).sum()


def test_data_info_prints_a_table(monkeypatch, small_mnist):
    odd = dataclasses.replace(small_mnist, source="folder data[old]")
    monkeypatch.setattr(mnist, "load", lambda *_, **__: odd)
    result = run("data", "info")
    for part in ("source: folder data[old]", "train", "640", "validation", "test", "300"):
        assert part in result.stdout


def test_data_show_saves_samples_of_each_digit(small_data, tmp_path):
    out = tmp_path / "new" / "samples.png"
    result = run("data", "show", "--per-digit", 3, "--seed", 1, "--out", out)
    assert result.exit_code == 0
    assert str(out) in result.stdout
    with Image.open(out) as picture:
        assert picture.height > picture.width > 200


def test_data_show_of_chosen_indices(small_data, tmp_path):
    out = tmp_path / "two.png"
    assert run("data", "show", "--index", 0, "--index", 639, "--out", out).exit_code == 0
    assert out.exists()


@pytest.mark.parametrize("index", [-1, 640])
def test_data_show_of_an_index_that_is_not_there(small_data, tmp_path, index):
    result = run("data", "show", "--index", index, "--out", tmp_path / "no.png")
    assert result.exit_code == 1
    assert "expected indices of training images" in result.stderr
    assert f"received [{index}]" in result.stderr
    assert not (tmp_path / "no.png").exists()


@pytest.mark.parametrize("name", ["samples.xyz", ""])
def test_data_show_refuses_a_picture_that_cannot_be_written(small_data, tmp_path, name):
    result = run("data", "show", "--out", tmp_path / name)
    assert result.exit_code == 1
    assert str(tmp_path / name) in result.stderr


def test_data_of_a_folder_without_mnist_names_every_source(tmp_path, unreachable):
    result = run_for_real("data", "info", "--data", tmp_path, environment=unreachable)
    assert result.returncode == 1
    message = result.stderr.decode()
    for part in (f"folder {tmp_path}", "cache", "mirror https://", "npm", "--data", "INKREAD_DATA"):
        assert part in message


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


def test_train_with_an_unknown_recipe_names_the_known_ones_before_it_loads_anything():
    result = run_for_real("train", "--recipe", "nope", code=WITHOUT_TRAIN_EXTRA)
    assert result.returncode == 1
    message = result.stderr.decode()
    assert "'nope'" in message
    assert all(name in message for name in RECIPES)


def test_train_gives_an_ensemble_no_epochs(small_data, tmp_path):
    result = run("train", "--recipe", "ensemble", "--epochs", 1, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert "its epochs are its members'" in result.stderr
    assert not (tmp_path / "run").exists()


def test_an_interruption_elsewhere_exits_with_130(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(mnist, "fetch", interrupted)
    assert run("data", "fetch").exit_code == 130


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


def test_models_lists_the_shipped_models():
    result = run("models")
    assert result.exit_code == 0
    for part in (
        "default",
        "glyph",
        "cascade",
        "1.54 MB",
        "99.70% (n = 5,000)",
        "line",
        "1.30 MB",
    ):
        assert part in result.stdout


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


def test_demo_without_mnist_reads_the_samples(monkeypatch, tmp_path):
    def unavailable(*_, **__):
        raise DataError("no source works")

    monkeypatch.setattr(mnist, "load", unavailable)
    result = run("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 0
    for part in ("No training without MNIST", "no source works", "40713", "1969"):
        assert part in result.stdout
    assert (tmp_path / "demo" / f"read-{METER.name}").exists()


def test_version():
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"inkread {inkread.__version__}\n")


@pytest.mark.parametrize(
    "command",
    [
        [], ["read"], ["explain"], ["data"], ["data", "fetch"], ["data", "info"], ["data", "show"],
        ["train"], ["recipes"], ["evaluate"], ["export"], ["models"], ["demo"],
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(command, option):
    result = run(*command, option)
    assert result.exit_code == 0
    assert "Usage" in result.stdout


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm-256color"}])
def test_a_pipe_gets_plain_text_in_any_terminal(environment):
    result = run_for_real("read", METER, environment=environment)
    assert result.returncode == 0
    assert result.stderr == b""
    assert b"40713" in result.stdout
    assert b"\x1b" not in result.stdout


def test_results_are_printed_where_only_ascii_can_be():
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    result = run_for_real("read", METER, environment=ascii_only)
    assert result.returncode == 0
    assert b"40713" in result.stdout


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]], ids=["table", "json", "csv"])
def test_a_file_name_that_is_not_text_is_no_obstacle(tmp_path, form):
    name = os.fsencode(tmp_path) + b"/scan-\xff.png"
    shutil.copy(METER, name)
    strict = {"PYTHONIOENCODING": "utf-8:strict"}  # as in most locales
    result = run_for_real("read", *form, os.fsdecode(name), environment=strict)
    assert result.returncode == 0
    assert b"40713" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["read", "--json", METER, CHALK], ["read", "--csv", METER], ["read", METER], ["models"]],
    ids=["json", "csv", "table", "models"],
)
def test_a_closed_pipe_ends_it_quietly(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = run_for_real(*arguments, stdout=writing)
    finally:
        os.close(writing)
    assert result.returncode in (0, 1)
    assert result.stderr == b""


@pytest.mark.parametrize(
    "arguments",
    [["read", "--json", METER], ["read", "--csv", METER], ["read", METER], ["models"]],
    ids=["json", "csv", "table", "models"],
)
def test_a_full_disk_behind_standard_output_is_an_error(arguments):
    with NO_SPACE.open("wb") as full:
        result = run_for_real(*arguments, stdout=full)
    assert result.returncode == 1
    assert b"No space left" in result.stderr
    assert METER.name.encode() not in result.stderr  # the picture is not to blame


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "show", "--out", NO_SPACE / "samples.png"],
        ["evaluate", "default", "--out", NO_SPACE / "figures"],
        ["train", "--recipe", "quick", "--out", NO_SPACE / "run"],
        ["read", METER, "--annotate", NO_SPACE],
        ["explain", METER, "--out", NO_SPACE / "why.png"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]) if arguments[0] == "data" else arguments[0],
)
def test_a_place_that_cannot_be_written_is_an_error_that_names_it(small_data, arguments):
    result = run(*arguments)
    assert result.exit_code == 1
    assert str(NO_SPACE) in result.stderr


def test_a_disk_that_fills_up_while_saving_is_an_error(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run("read", "--csv", METER, CHALK, "--annotate", tmp_path)
    assert result.exit_code == 1
    for path in (METER, CHALK):
        assert f"error: {path}: [Errno 28] No space left on device" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["data", "info"],
        ["data", "show"],
        ["evaluate", "default"],
        ["export", "run"],
        ["demo"],
        ["explain", str(METER), "--features", "features.png"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_without_the_train_extra_it_says_what_to_install(arguments):
    result = run_for_real(*arguments, code=WITHOUT_TRAIN_EXTRA)
    assert result.returncode == 1
    assert b"pip install 'inkread[train]'" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["read", METER], ["explain", METER], ["models"], ["--version"]]
)
def test_reading_does_without_the_train_extra(arguments):
    result = run_for_real(*arguments, code=WITHOUT_TRAIN_EXTRA)
    assert result.returncode == 0
    assert result.stderr == b""
