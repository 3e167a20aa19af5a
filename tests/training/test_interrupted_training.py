"""Ctrl-C in a training whose output goes to pipes."""

import os
import signal
import subprocess
import sys
import time

from inkread.training.runs import CHECKPOINT

# Small data, so that an epoch takes a second, and many epochs, so that it is still training.
CODE = """
import dataclasses, sys
from inkread.cli.app import main
from inkread.training import mnist
whole = mnist.load()
def first(split, count):
    return mnist.Split(split.images[:count], split.labels[:count])
small = dataclasses.replace(
    whole, train=first(whole.train, 640), validation=first(whole.validation, 300)
)
mnist.load = lambda *_, **__: small
sys.argv[0] = "inkread"
main()
"""


def start(folder, epochs, *more):
    words = ["train", "--recipe", "quick", "--epochs", str(epochs), "--out", str(folder), *more]
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "dumb"},
        start_new_session=True,
    )


def wait_until(is_so, process):
    while not is_so():
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.2)


def count_lines(path):
    return len(path.read_text().splitlines())


def test_a_training_in_pipes_ends_at_ctrl_c_and_can_be_gone_on_with(tmp_path):
    folder = tmp_path / "run"
    with start(folder, 500) as process:
        wait_until((folder / CHECKPOINT).exists, process)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told.decode()
    assert b"--resume" in told
    before = count_lines(folder / "history.csv")
    with start(folder, 500, "--resume") as process:
        wait_until(lambda: count_lines(folder / "history.csv") > before, process)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode == 130
