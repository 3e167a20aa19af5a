import dataclasses
from pathlib import Path

import pytest

from inkread.errors import ConfigError
from inkread.training.history import Epoch, read_history, write_history

HISTORY = [
    Epoch(1, 0.25, 0.9375, 0.125, 0.96875, 12.5),
    Epoch(2, 1 / 3, 0.1 + 0.2, 1e-7, 1.0, 25.000000000000004),
]
HEADER = "epoch,loss,accuracy,validation_loss,validation_accuracy,seconds\n"
ROW = "1,0.25,0.9375,0.125,0.96875,12.5\n"


@pytest.mark.parametrize("history", [[], HISTORY[:1], HISTORY])
def test_a_history_comes_back_as_it_was_written(history: list[Epoch], tmp_path: Path):
    write_history(tmp_path / "history.csv", history)
    assert read_history(tmp_path / "history.csv", Epoch) == history


def test_the_file_is_plain_csv_with_a_header(tmp_path: Path):
    write_history(tmp_path / "history.csv", HISTORY[:1])
    assert (tmp_path / "history.csv").read_bytes() == (HEADER + ROW).encode()


def test_writing_replaces_the_file_and_leaves_no_other(tmp_path: Path):
    write_history(tmp_path / "history.csv", HISTORY)
    write_history(tmp_path / "history.csv", HISTORY[:1])
    assert read_history(tmp_path / "history.csv", Epoch) == HISTORY[:1]
    assert [file.name for file in tmp_path.iterdir()] == ["history.csv"]


def test_a_file_that_cannot_be_written_is_an_os_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write_history(tmp_path / "file" / "history.csv", HISTORY)


def test_line_ends_of_another_system_are_read(tmp_path: Path):
    (tmp_path / "history.csv").write_bytes((HEADER + ROW).replace("\n", "\r\n").encode())
    assert read_history(tmp_path / "history.csv", Epoch) == HISTORY[:1]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"epoch,loss\n", id="columns missing, no rows"),
        pytest.param(b"epoch,loss\n1,0.25\n", id="columns missing"),
        pytest.param(ROW.encode(), id="no header"),
        pytest.param((HEADER + "1,0.25,0.9\n").encode(), id="row cut"),
        pytest.param((HEADER + ROW.replace("0.9375", "many")).encode(), id="no number"),
        pytest.param((HEADER + ROW.replace("1,", "one,", 1)).encode(), id="no epoch"),
        pytest.param(b"\x89PNG\r\n\x1a\n\xff\xfe", id="a picture"),
        pytest.param(b"x" * 200_000, id="a field longer than csv takes"),
    ],
)
def test_a_broken_file_is_a_config_error_that_names_it(data: bytes, tmp_path: Path):
    path = tmp_path / "history.csv"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="expected") as caught:
        read_history(path, Epoch)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_missing_file_is_a_config_error_that_names_it(name: str, tmp_path: Path):
    with pytest.raises(ConfigError, match="expected") as caught:
        read_history(tmp_path / name, Epoch)
    assert str(tmp_path / name) in str(caught.value)


def test_an_epoch_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        HISTORY[0].loss = 0.0
