"""The Ray engine: on this machine's cores, one Ray for all tests."""

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
import ray
from form_sample import SAMPLE
from pyarrow import parquet
from typer.testing import CliRunner

import inkread
from inkread.batch import batch_reader
from inkread.batch.batch_reader import ReadAs
from inkread.batch.formats import make_number_rows
from inkread.cli.app import app
from inkread.errors import ConfigError
from inkread.forms.template import load
from inkread.scale import ray_engine
from inkread.scale.dataset import Dataset
from inkread.training.synthesis import filled_forms

SAMPLES = Path(inkread.__file__).parent / "samples"


@pytest.fixture(scope="module", autouse=True)
def _ray():
    # The processes of Ray can't import a test.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with ray_engine.connect("local", num_cpus=2):
        yield


def command(*words):
    return CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)


class DyingJob:
    """Notes what it reads; its process is killed at one file, once or always."""

    row_schema = pa.schema([("page", pa.int32()), ("text", pa.string()), ("error", pa.string())])
    settings = {"what": "text"}  # noqa: RUF012 - as the protocol has it

    def __init__(self, notes, *, always=False):
        self.notes, self.always = notes, always

    def load_reader(self):
        return self._rows

    def _rows(self, data, uri, _sha256):
        died = self.notes / "died"
        if data == b"7" and (self.always or not died.exists()):
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with (self.notes / f"{os.getpid()}.txt").open("a") as file:
            file.write(f"{Path(uri).name}\n")
        return [{"page": 1, "text": data.decode()}]


def test_numbers_are_those_of_the_local_engine(tmp_path):
    """A folder, a URI and a list of URIs; a duplicate; what can't be read; all of it again."""
    names = sorted(SAMPLES.glob("*.png"))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "same.png").write_bytes(names[0].read_bytes())
    (folder / "broken.png").write_bytes(b"broken")
    listed = pa.table({"uri": [f"file://{names[1]}", *map(str, names[2:]), "file:///none.png"]})
    parquet.write_table(listed, tmp_path / "list.parquet")
    out = tmp_path / "out"
    words = [folder, f"file://{names[0]}", tmp_path / "list.parquet", "--as", "number"]
    done = command("read", *words, "--engine", "ray", "--out", out)
    assert done.exit_code == 1, done.output  # some can't be read
    settings = batch_reader.ReadSettings(read_as=ReadAs.NUMBER)
    inputs = [
        batch_reader.PictureInput(str(name), str(name)) for name in [folder / "broken.png", *names]
    ]
    expected = {}
    for outcome in batch_reader.read_files(inputs, settings):
        found = list(make_number_rows(outcome.page, [0])) if outcome.page else [None]
        expected[Path(outcome.name).name] = found[0], outcome.error
    rows = parquet.read_table(out).to_pylist()
    found = {}
    for row in rows:
        name = Path(row["uri"]).name
        about = {key: row[key] for key in row if key not in ("sha256", "uri", "error", "part")}
        found[name] = (None if row["error"] else about), row["error"]
    assert len(rows) == len(found), done.output
    assert "No such file" in found.pop("none.png")[1]
    # Of two names of one content, it is not said which stands.
    first = found.pop("same.png", None) or found.pop(names[0].name)
    assert first == expected.pop(names[0].name)
    assert found == expected
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    again = command("read", *words, "--engine", "ray", "--out", out)
    assert "0 pictures read" in again.output
    after = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    unreadable = out / "part=unreadable" / "rows.parquet"
    assert before.pop(unreadable) < after.pop(unreadable)
    assert before == after


def test_a_killed_process_loses_and_doubles_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_engine, "BATCH_SIZE", 4)
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(20):
        (folder / f"{index}.png").write_bytes(str(index).encode())
    job = DyingJob(tmp_path)
    dataset = Dataset(str(tmp_path / "out"), job.row_schema)
    dataset.open(job.settings)
    summary = ray_engine.read([str(folder)], job, dataset)
    assert (tmp_path / "died").exists()
    assert (summary.num_inputs, summary.num_read, summary.unreadable) == (20, 20, [])
    counts = Counter(parquet.read_table(dataset.out)["text"].to_pylist())
    assert counts == {str(index): 1 for index in range(20)}
    times = Counter(line for path in tmp_path.glob("*.txt") for line in path.read_text().split())
    assert max(times.values()) == 2  # the batch of the one that died, at most
    assert sum(times.values()) <= 20 + 3


def test_forms_are_read_as_rows(tmp_path, full_mnist):
    template = load(SAMPLE)
    rng = np.random.default_rng(1)
    texts = filled_forms.draw_texts(template, rng)
    page = filled_forms.write_texts(
        template, filled_forms.render_blank_page(template), texts, full_mnist.validation, rng
    )
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    (scans / "1.jpg").write_bytes(filled_forms.scan_page(template, page, rng).data)
    cv2.imwrite(str(scans / "2.png"), np.full((900, 700), 255, np.uint8))
    words = ["form", "read", SAMPLE, scans, "--min-confidence", "0.9"]
    done = command(*words, "--engine", "ray", "--out", out)
    assert done.exit_code == 1, done.output  # one is blank
    command(*words, "--out", tmp_path / "local.parquet", "--processes", "1")
    (expected,) = parquet.read_table(tmp_path / "local.parquet").to_pylist()
    rows = parquet.read_table(out).to_pylist()
    (found,) = [row for row in rows if not row["error"]]
    assert {key: found[key] for key in expected if key != "scan"} == {
        key: value for key, value in expected.items() if key != "scan"
    }
    (refused,) = [row["error"] for row in rows if row["error"]]
    assert refused.startswith("blank")


def double(item):
    if item == 3:
        raise ConfigError("expected no 3")
    return 2 * item


def test_calls_are_made_side_by_side():
    assert sorted(ray_engine.run_in_parallel(double, [1, 2])) == [(1, 2), (2, 4)]
    with pytest.raises(ConfigError, match="expected no 3"):
        list(ray_engine.run_in_parallel(double, [3]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["read", "a.png", "--engine", "ray"], "name a folder with --out"),
        (["read", "a.png", "--engine", "ray", "--out", "o", "--json"], "--json"),
        (["form", "read", SAMPLE, "a", "--engine", "ray", "--out", "o", "--processes", 2],
         "--processes"),
        (["train", "--engine", "ray"], "add --seeds"),
    ],
)  # fmt: skip
def test_options_that_contradict_each_other_are_refused(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command(*words)
    assert done.exit_code == 2
    assert said in done.output
    assert list(tmp_path.iterdir()) == []
