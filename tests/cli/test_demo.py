import dataclasses
from contextlib import nullcontext
from importlib import resources
from pathlib import Path

import pytest
from command_line import METER, run
from PIL import Image

from inkread.cli.demo import run_demo
from inkread.errors import DataError
from inkread.models.runtime import Model
from inkread.training import mnist

SAMPLES = sorted(Path(str(resources.files("inkread") / "samples")).glob("*.png"))


def texts_in_name(path):
    """The numbers that a sample's name says are written on it, in reading order."""
    _, *texts = path.stem.split("-")
    return texts


@pytest.fixture
def no_mnist(monkeypatch):
    def load(*_args, **_options):
        raise DataError("MNIST could not be had from [any] source [/]: no route")

    monkeypatch.setattr(mnist, "load", load)


def no_bar():
    return nullcontext(lambda *_: None)


def assert_pictures(paths):
    for path in paths:
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) > 50


def test_samples_are_bundled():
    assert len(SAMPLES) >= 5
    assert all(texts_in_name(path) for path in SAMPLES)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_read_as_its_name_says(reader, path):
    assert [number.text for number in reader.read(path).numbers] == texts_in_name(path)


def test_without_mnist_the_demo_says_so_and_reads_the_samples(tmp_path, no_mnist, capsys):
    run_demo(tmp_path / "demo", None, downloads=no_bar, training=no_bar)
    text = capsys.readouterr().out
    assert "No training without MNIST" in text
    assert "MNIST could not be had from [any] source [/]: no route" in text
    for path in SAMPLES:
        assert path.name in text
    annotated = {f"read-{path.name}" for path in SAMPLES}
    assert {path.name for path in (tmp_path / "demo").iterdir()} == annotated
    assert_pictures((tmp_path / "demo").iterdir())


def test_the_demo_shows_the_whole_workflow_anew(tmp_path, monkeypatch, small_mnist, capsys):
    """What an earlier demo left there, even a broken run, is replaced."""
    source = "folder data[old]"
    monkeypatch.setattr(
        mnist, "load", lambda *_, **__: dataclasses.replace(small_mnist, source=source)
    )
    run = tmp_path / "run"
    run.mkdir()
    for name in ("recipe.json", "history.csv", "checkpoint.keras", "model.onnx"):
        (run / name).write_text("broken")
    steps = []
    run_demo(tmp_path, None, downloads=no_bar, training=lambda: nullcontext(steps.append))

    pictures = ["samples.png", "curves.png", "confusion.png", "mistakes.png"]
    assert_pictures([tmp_path / name for name in pictures])
    assert_pictures([tmp_path / f"read-{path.name}" for path in SAMPLES])
    assert Model(run / "model.onnx").metadata.recipe["name"] == "quick"
    assert [step.step for step in steps] == [5]  # quick joins ten steps in a call
    text = capsys.readouterr().out
    for part in (source, "640 images", "Conv2D", "Total params", "accuracy", "precision"):
        assert part in text
    for path in SAMPLES:
        for number in texts_in_name(path):
            assert number in text


def test_the_command_without_mnist_reads_the_samples(monkeypatch, tmp_path):
    def unavailable(*_, **__):
        raise DataError("no source works")

    monkeypatch.setattr(mnist, "load", unavailable)
    result = run("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 0
    for part in ("No training without MNIST", "no source works", "40713", "1969"):
        assert part in result.stdout
    assert (tmp_path / "demo" / f"read-{METER.name}").exists()
