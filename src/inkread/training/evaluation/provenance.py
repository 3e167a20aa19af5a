"""Describes the hardware and the package versions that results were measured with."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inkread.batch.processes import num_cores

__all__ = ["PACKAGES", "describe_hardware", "list_versions"]

PACKAGES = (
    "inkread",
    "keras",
    "tensorflow-cpu",
    "tensorflow",
    "onnxruntime",
    "numpy",
    "opencv-python-headless",
    "scikit-learn",
    "scipy",
)


def describe_hardware() -> str:
    """Return the processor's name and the number of available cores."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:  # not Linux
        pass
    return f"{processor}, {num_cores()} cores"


def list_versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages among ``PACKAGES``."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
