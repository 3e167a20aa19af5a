"""Batches, data sets and inputs: what the Ray engine is made of, without Ray."""

import shutil
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

import inkread
from inkread.errors import ConfigError
from inkread.scale import worker as worker_module
from inkread.scale.dataset import Dataset, input_key, is_known
from inkread.scale.inputs import Input, ParquetList, fetch, list_inputs, open_filesystem
from inkread.scale.worker import Summary, Worker

SAMPLES = Path(inkread.__file__).parent / "samples"


class LengthJob:
    """Reads how long a file is; refuses one that is empty; fails where it is told to."""

    row_schema = pa.schema([("page", pa.int32()), ("length", pa.int64()), ("error", pa.string())])
    settings = {"what": "length"}  # noqa: RUF012 - as the protocol has it

    def __init__(self):
        self.read = []

    def load_reader(self):
        return self._rows

    def _rows(self, data, uri, sha256):
        self.read.append(Path(uri).name)
        if data == b"fatal":
            raise KeyboardInterrupt
        if not data:
            return [{"page": 1, "error": "empty"}]
        return [{"page": page, "length": len(data)} for page in (1, 2)]


@pytest.fixture
def job():
    return LengthJob()


@pytest.fixture
def dataset(tmp_path, job):
    made = Dataset(str(tmp_path / "out"), job.row_schema)
    made.open(job.settings)
    return made


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    contents = {"1": b"a", "2": b"bb", "10": b"a", "11": b""}
    for name, data in contents.items():
        (folder / f"{name}.png").write_bytes(data)
    return folder


def inputs_of(*names):
    return [(each.uri, each.version) for each in list_inputs(map(str, names))]


def merge(dataset):
    staged = dataset.list_staged()
    table = pa.concat_tables([parquet.read_table(path, partitioning=None) for path in staged])
    for part in table["part"].unique().to_pylist():
        dataset.merge(part, table.filter(pc.equal(table["part"], part)))
    return staged


def rows_of(out):
    return parquet.read_table(out).to_pylist()


def test_names_mean_files_folders_patterns_and_uris(pictures):
    found = [Path(each.uri).name for each in list_inputs([str(pictures)])]
    assert found == ["1.png", "2.png", "10.png", "11.png"]
    assert len(list(list_inputs([str(pictures), str(pictures / "1*.png")]))) == 4
    uri = f"file://{pictures}"
    for names in ([uri], [f"{uri}/*.png"], [f"{uri}/{name}.png" for name in (1, 2, 10, 11)]):
        found = list(list_inputs(names))
        assert sorted(Path(each.uri).name for each in found) == [
            "1.png", "10.png", "11.png", "2.png"
        ]  # fmt: skip
        assert all(each.version and not each.problem for each in found)
    assert fetch(f"{uri}/2.png") == fetch(str(pictures / "2.png")) == b"bb"


def test_a_version_changes_with_the_file(pictures):
    (before,) = list_inputs([str(pictures / "1.png")])
    (pictures / "1.png").write_bytes(b"another")
    (after,) = list_inputs([str(pictures / "1.png")])
    assert before.uri == after.uri
    assert before.version != after.version


def test_folders_in_folders_of_a_store_are_asked_for():
    store = fsspec.filesystem("memory")
    for name in ("/bucket/a.png", "/bucket/deep/b.png", "/bucket/.c.png", "/bucket/notes.txt"):
        store.pipe_file(name, b"x")
    assert [each.uri for each in list_inputs(["memory://bucket"])] == ["memory:///bucket/a.png"]
    found = [each.uri for each in list_inputs(["memory://bucket"], recursive=True)]
    assert found == ["memory:///bucket/a.png", "memory:///bucket/deep/b.png"]


@pytest.mark.parametrize("name", ["file:///none/*.png", "file:///none.png", "memory://nothing"])
def test_what_names_nothing_has_its_problem(name):
    (found,) = list_inputs([name])
    assert found.problem


def test_impossible_names_are_refused():
    with pytest.raises(ConfigError, match="expected a URI that fsspec knows, received nope://x"):
        list(list_inputs(["nope://x"]))
    with pytest.raises(ConfigError, match="received -"):
        list(list_inputs(["-"]))
    (found,) = list_inputs([b"\xff.png".decode("utf-8", "surrogateescape")])
    uri = f"{Path.cwd().as_uri()}/%FF.png"
    assert found == Input(uri, problem="expected a name that is text")


def test_a_list_needs_a_column_of_uris(tmp_path):
    path = tmp_path / "list.parquet"
    parquet.write_table(pa.table({"name": ["a"], "uri": [1]}), path)
    with pytest.raises(ConfigError, match="a column uri of text, received name, uri"):
        ParquetList(str(path))
    path.write_bytes(b"none")
    with pytest.raises(ConfigError, match="expected a Parquet list"):
        ParquetList(str(path))
    parquet.write_table(pa.table({"version": ["1"], "uri": ["a"], "more": [2]}), path)
    assert ParquetList(f"file://{path}").read_group(0).to_pylist() == [{"uri": "a", "version": "1"}]
    parquet.write_table(pa.table({"uri": ["a", "b", None]}), path, row_group_size=1)
    found = ParquetList(str(path))
    assert found.num_groups == 3
    assert len(found.read_group(2)) == 0
    assert found.read_group(1).to_pylist() == [{"uri": "b", "version": ""}]


def test_what_was_read_is_there_once_and_not_read_again(job, dataset, pictures):
    inputs = inputs_of(pictures, pictures / "none.png")
    summary = Worker(job, dataset, dataset.read_known_keys()).read(inputs)
    assert job.read == ["1.png", "2.png", "11.png"]  # 10.png holds what 1.png does
    unreadable = [(str(pictures / "none.png"), "it can't be read: No such file or directory")]
    assert summary == Summary(5, 3, 5, 1, 1, unreadable)
    assert Summary.from_row(summary.to_table().to_pylist()[0]) == summary
    # A batch that is staged is not read again, nor what is in any other.
    assert Worker(job, dataset, dataset.read_known_keys()[:0]).read(inputs) == summary
    again = Worker(job, dataset, dataset.read_known_keys()).read(inputs)
    assert (again.num_known, again.num_read) == (4, 0)
    assert len(job.read) == 3
    merge(dataset)
    dataset.remove_staged(merge(dataset))  # merging twice is merging once
    dataset.write_unreadable(unreadable)
    assert dataset.list_staged() == []
    rows = rows_of(dataset.out)
    assert sorted((Path(row["uri"]).name, row["page"], row["length"], row["error"]) for row in rows
                  if row["page"]) == [
        ("1.png", 1, 1, None), ("1.png", 2, 1, None), ("11.png", 1, None, "empty"),
        ("2.png", 1, 2, None), ("2.png", 2, 2, None),
    ]  # fmt: skip
    assert all(row["part"] in (row["sha256"] or "")[:2] or row["part"] == "unreadable"
               for row in rows)  # fmt: skip
    final = Worker(job, dataset, dataset.read_known_keys()).read(inputs)
    assert (final.num_known, final.num_read, len(job.read)) == (4, 0, 3)
    dataset.write_unreadable([])
    assert len(rows_of(dataset.out)) == 5


def test_batches_that_overlap_double_nothing(job, dataset, pictures):
    """As when a killed driver's last batches and those of the next one hold the same inputs."""
    inputs = inputs_of(pictures)
    for part in (inputs[:3], inputs[1:], inputs):
        Worker(job, dataset, dataset.read_known_keys()[:0]).read(part)
    assert len(merge(dataset)) == 3
    assert len(rows_of(dataset.out)) == 5
    written = {path: path.stat().st_mtime_ns for path in Path(dataset.out).rglob("part=*/*")}
    merge(dataset)  # what is merged already
    assert written == {path: path.stat().st_mtime_ns for path in written}
    assert {key in dataset.read_known_keys() for key in (input_key(*each) for each in inputs)} == {
        True
    }


def test_new_names_of_known_contents_are_not_read(job, dataset, pictures, tmp_path):
    Worker(job, dataset, dataset.read_known_keys()).read(inputs_of(pictures))
    dataset.remove_staged(merge(dataset))
    shutil.copytree(pictures, tmp_path / "copy")
    summary = Worker(job, dataset, dataset.read_known_keys()).read(inputs_of(tmp_path / "copy"))
    assert (summary.num_known, summary.num_read) == (4, 0)
    dataset.remove_staged(merge(dataset))
    assert len(rows_of(dataset.out)) == 5
    assert len(dataset.read_known_keys()) == 8 + 3


def test_an_input_over_which_processes_die_is_given_up(job, dataset, pictures):
    (pictures / "3.png").write_bytes(b"fatal")
    inputs = inputs_of(pictures)
    for _ in range(1 + worker_module._MAX_CRASHES):  # noqa: SLF001
        with pytest.raises(KeyboardInterrupt):
            Worker(job, dataset, dataset.read_known_keys()).read(inputs)
    summary = Worker(job, dataset, dataset.read_known_keys()).read(inputs)
    assert [Path(uri).name for uri, _ in summary.unreadable] == ["3.png"]
    assert (summary.num_read, summary.num_known) == (3, 1)


def test_a_folder_of_something_else_is_refused(job, dataset, tmp_path):
    with pytest.raises(ConfigError, match="read with other settings"):
        dataset.open({"what": "width"})
    dataset.open({"what": "width"}, again=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="received the file"):
        Dataset(str(tmp_path / "file"), job.row_schema).open(job.settings)
    with pytest.raises(ConfigError, match="empty or holds results"):
        Dataset(str(tmp_path), job.row_schema).open(job.settings)


def test_a_data_set_may_lie_in_a_store(job, pictures):
    dataset = Dataset("memory://results", job.row_schema)
    dataset.open(job.settings)
    Worker(job, dataset, dataset.read_known_keys()).read(inputs_of(pictures))
    store, root = open_filesystem("memory://results")
    (staged,) = dataset.list_staged()
    with store.open(staged, "rb") as file:
        table = parquet.read_table(file)
    for part in table["part"].unique().to_pylist():
        dataset.merge(part, table.filter(pc.equal(table["part"], part)))
    dataset.remove_staged([staged])
    assert len(store.glob(f"{root}/part=*/rows.parquet")) == 3
    assert len(dataset.read_known_keys()) == 4 + 3


def test_keys_are_found():
    known = np.array(sorted([input_key("a", "1"), input_key("b", "")]), "S16")
    assert is_known(known, input_key("a", "1"))
    assert not is_known(known, input_key("a", "2"))
    assert not is_known(known[:0], input_key("a", "1"))
