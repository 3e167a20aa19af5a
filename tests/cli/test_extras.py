"""The command line without the extra [train]."""

import pytest
from command_line import METER, WITHOUT_TRAIN_EXTRA, run_for_real


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
