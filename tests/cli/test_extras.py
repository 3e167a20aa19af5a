"""The command line without the extras."""

import json
import sys
from importlib import metadata

import pytest
from command_line import METER, WITHOUT_TRAIN_EXTRA, run, run_for_real

HIDING = """
import sys
sys.modules["%s"] = None
sys.argv[0] = "inkread"
from inkread.cli.app import main
main()
"""


class Installed:
    """An installed package that remembers where it came from."""

    def __init__(self, origin):
        self.origin = origin

    def read_text(self, _):
        return self.origin and json.dumps(self.origin)


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
    assert b"error: this needs " in result.stderr
    assert b"[train]'" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["read", METER], ["explain", METER], ["models"], ["--version"]]
)
def test_reading_does_without_the_train_extra(arguments):
    result = run_for_real(*arguments, code=WITHOUT_TRAIN_EXTRA)
    assert result.returncode == 0
    assert result.stderr == b""


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        (["serve"], "fastapi", "web"),
        (["train", "--from", "default", "--corrections", "c.db"], "sqlalchemy", "web"),
        (["form", "print", "a.yaml"], "yaml", "forms"),
        (["form", "read", "a.yaml", "scans", "--out", "t.csv"], "pydantic", "forms"),
        (["form", "review", "a.yaml", "--out", "t.csv"], "uvicorn", "web"),
        (["read", METER, "--engine", "ray", "--out", "t"], "ray", "ray"),
        (["read", METER, "--engine", "ray", "--out", "t"], "pyarrow", "ray"),
        (["read", METER, "--engine", "ray", "--out", "t"], "fsspec", "ray"),
    ],
    ids=lambda value: " ".join(map(str, value[:2])) if isinstance(value, list) else value,
)
def test_a_missing_extra_is_named(tmp_path, arguments, missing, extra):
    result = run_for_real(*arguments, code=HIDING % missing, cwd=tmp_path)
    assert result.returncode == 1
    told = result.stderr.decode()
    assert told.startswith(f"error: this needs {missing}")
    assert f"[{extra}]'" in told


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'inkread[web]'"),
        ({"url": "file:///a%20b", "dir_info": {}}, "pip install '/a b[web]'"),
        (
            {"url": "file:///a", "dir_info": {"editable": True}},
            "pip install -e '/a[web]'",
        ),
        ({"url": "https://x/inkread.whl", "archive_info": {}}, "pip install 'inkread[web]'"),
    ],
    ids=["index", "folder", "editable", "archive"],
)
def test_what_to_install_is_named_from_where_inkread_came(monkeypatch, origin, command):
    monkeypatch.setattr(metadata, "distribution", lambda _: Installed(origin))
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "inkread.web.server", raising=False)
    result = run("serve")
    assert (result.exit_code, result.stderr.strip()) == (1, f"error: this needs fastapi: {command}")


def test_in_a_clone_it_is_the_folder_itself(monkeypatch, tmp_path):
    origin = {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}
    monkeypatch.setattr(metadata, "distribution", lambda _: Installed(origin))
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "inkread.web.server", raising=False)
    monkeypatch.chdir(tmp_path)
    assert "pip install -e '.[web]'" in run("serve").stderr
