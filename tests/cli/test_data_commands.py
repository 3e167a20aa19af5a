import dataclasses
import json

import pytest
from command_line import run, run_for_real
from PIL import Image

from inkread.training import mnist


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
    assert result.exit_code == 2
    assert str(tmp_path / name) in result.stderr


def test_data_of_a_folder_without_mnist_names_every_source(tmp_path, unreachable):
    result = run_for_real("data", "info", "--data", tmp_path, environment=unreachable)
    assert result.returncode == 1
    message = result.stderr.decode()
    for part in (f"folder {tmp_path}", "cache", "mirror https://", "npm", "--data", "INKREAD_DATA"):
        assert part in message
