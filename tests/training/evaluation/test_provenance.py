import os
import platform
from importlib.metadata import version

from inkread.training.evaluation.provenance import PACKAGES, describe_hardware, list_versions


def test_hardware_names_the_processor_and_its_cores():
    name, cores = describe_hardware().rsplit(", ", 1)
    assert name
    count, word = cores.split()
    assert (int(count) > 0, word) == (True, "cores")


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert describe_hardware().endswith(", 3 cores")


def test_versions_are_those_installed():
    found = list_versions()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == version("numpy")
    assert set(found) <= {"python", *PACKAGES}
