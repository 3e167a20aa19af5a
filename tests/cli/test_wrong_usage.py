"""What is refused before any work, with exit code 2, though the options by themselves are right."""

import pytest
from command_line import METER, run, run_for_real

from inkread.training import mnist

NO_HOME = """
import os, pwd, sys
def missing(_):
    raise KeyError("uid not found")
pwd.getpwuid = missing
for name in ("HOME", "INKREAD_CACHE", "INKREAD_MODELS", "INKREAD_DATA", "XDG_CACHE_HOME"):
    os.environ.pop(name, None)
os.environ.pop("XDG_DATA_HOME", None)
sys.argv[0] = "inkread"
from inkread.cli.app import main
main()
"""


@pytest.fixture(autouse=True)
def _no_work(monkeypatch):
    """Nothing is read or loaded."""

    def too_soon(*_, **__):
        raise AssertionError

    monkeypatch.setattr("inkread.batch.batch_reader.read_files", too_soon)
    monkeypatch.setattr(mnist, "load", too_soon)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["read", METER, "--pattern", "("], "'('"),
        (["read", METER, "--check", "foo"], "'foo'"),
        (["read", METER, "--out", "x.txt"], "expected a file ending in one of .csv"),
        (["read", METER, "--out", "x"], "expected a file ending in one of .csv"),
        (["read", METER, "--table", "--out", "x.txt"], ".xlsx"),
        (["read", METER, "--csv", "--out", "z.jsonl"], "--csv contradicts"),
        (["read", METER, "--json", "--out", "z.csv"], "--json contradicts"),
        (["read", METER, "--annotate", "file"], "file is a file"),
        (["read", METER, "--annotate", "file/below"], "file is a file"),
        (["read", METER, "--ray-address", "auto"], "--engine ray"),
        (["train", "--ray-address", "auto"], "--engine ray"),
        (["train", "--recipe", "nope"], "'nope'"),
        (["train", "--out", "file"], "file is a file"),
        (["train", "--seeds", "0-"], "--seeds"),
        (["train", "--from", "x", "--corrections", "y", "--out", "file"], "file is a file"),
        (["threshold", "--max-error", "2"], "--max-error"),
        (["evaluate", "default", "--out", "file"], "file is a file"),
        (["explain", METER, "--out", "x.txt"], ".png"),
        (["data", "show", "--out", "x.txt"], ".png"),
        (["data", "import", "swiss", "folder", "--out", "file"], "file is a file"),
        (["samples", "file"], "file is a file"),
        (["demo", "--out", "file"], "file is a file"),
        (["serve", "--max-megapixels", "1000"], "max_megapixels"),
    ],
    ids=lambda value: " ".join(map(str, value[:1] + value[-2:])) if isinstance(value, list) else "",
)
def test_it_is_refused_before_any_work(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a file")
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.replace("│", "").split())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        (["read", METER], None),
        (["explain", METER], None),
        (["samples", "here"], None),
        (["recipes"], None),
        (["form", "template"], None),
        (["models"], "INKREAD_MODELS"),
        (["models", "rollback"], "INKREAD_MODELS"),
        (["serve"], "INKREAD_MODELS"),
        (["data", "info"], "INKREAD_CACHE"),
        (["train", "--recipe", "quick"], "INKREAD_CACHE"),
        (["evaluate", "default"], "INKREAD_CACHE"),
    ],
    ids=lambda value: " ".join(map(str, value[:2])) if isinstance(value, list) else "",
)
def test_a_user_without_a_home_is_served_or_told_what_to_set(tmp_path, arguments, variable):
    result = run_for_real(*arguments, code=NO_HOME, cwd=tmp_path)
    if variable:
        expected = f"error: expected a home folder, found none: set {variable} to a folder, or HOME"
        assert expected in result.stderr.decode()
        assert result.returncode in {1, 2}
    else:
        assert result.returncode == 0
