"""The command line as a whole: help, wrong usage, interruption."""

import pytest
from command_line import CHALK, METER, run

import inkread
from inkread.training import mnist


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


def test_an_interruption_elsewhere_exits_with_130(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(mnist, "fetch", interrupted)
    assert run("data", "fetch").exit_code == 130


def test_the_version_is_printed():
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
