import os
import platform
import subprocess
import sys

import pytest

from inkread.batch.allocator import keep_freed_memory

# Takes 64 MB and frees them, again and again; prints the page faults of ten rounds after a first.
CHURN = """
from resource import RUSAGE_SELF, getpagesize, getrusage
import numpy as np
from inkread.batch.allocator import keep_freed_memory

def use():
    arrays = [np.ones(1 << 23, np.uint8) for _ in range(8)]

taken = keep_freed_memory()
use()
before = getrusage(RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print(int(taken), getrusage(RUSAGE_SELF).ru_minflt - before, getpagesize())
"""


def test_the_settings_are_accepted_where_the_c_library_is_glibc():
    assert keep_freed_memory() is (platform.libc_ver()[0] == "glibc")


def test_asking_twice_gives_the_same_answer():
    assert keep_freed_memory() is keep_freed_memory()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "confstr", lambda _: None)
    assert keep_freed_memory() is False


def test_a_system_that_does_not_know_the_name_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "confstr")
    assert keep_freed_memory() is False


def test_memory_that_was_freed_is_used_again_without_asking_the_kernel():
    done = subprocess.run([sys.executable, "-c", CHURN], capture_output=True, text=True, check=True)
    taken, faults, page_bytes = map(int, done.stdout.split())
    pages_of_a_round = (64 << 20) // page_bytes
    assert not taken or faults < pages_of_a_round
