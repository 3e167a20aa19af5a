"""A part of benchmarks/fuzz.py: damaged files are read or refused, and nothing else."""

import sys
from pathlib import Path

import numpy as np
import pytest

from inkread import ImageError

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import fuzz

CASES = 300


@pytest.fixture(scope="module")
def files():
    return fuzz.make_valid_files()


def test_the_files_are_sound_before_they_are_damaged(files, reader):
    assert {name: fuzz.read_damaged(reader, data) for name, data in files.items()} == dict.fromkeys(
        files, "read"
    )


@pytest.mark.filterwarnings("ignore::Warning:PIL")  # as the command line does
def test_of_damaged_files_nothing_comes_but_readings_and_image_errors(files, reader):
    outcomes = {}
    for number in range(CASES):
        name, data = fuzz.damage_file(files, np.random.default_rng((2, number)))
        outcomes[f"{number}-{name}"] = fuzz.read_damaged(reader, data)
    assert {name: what for name, what in outcomes.items() if what not in ("read", "refused")} == {}
    # Damage that nobody notices, or that nothing survives, would find nothing.
    assert 0.1 < list(outcomes.values()).count("read") / CASES < 0.9


def test_another_error_would_be_found():
    class Broken:
        def __init__(self, error):
            self.error = error

        def read_pages(self, _):
            raise self.error

    assert fuzz.read_damaged(Broken(ImageError("no picture")), b"") == "refused"
    assert fuzz.read_damaged(Broken(ValueError("oh")), b"") == "ValueError: oh"


@pytest.mark.parametrize(
    ("found", "is_failure"),
    [
        (fuzz.Outcome(0, "read", 4.9, 2**29), False),
        (fuzz.Outcome(0, "refused", 0.1, 2**29), False),
        (fuzz.Outcome(0, "crash -11", 0.0, 0), True),
        (fuzz.Outcome(0, "ValueError: oh", 0.1, 2**29), True),
        (fuzz.Outcome(0, "read", 5.1, 2**29), True),
        (fuzz.Outcome(0, "refused", 0.1, 2**31), True),
    ],
)
def test_what_is_slow_large_or_unexpected_is_a_failure(found, is_failure):
    assert found.is_failure is is_failure
