"""Where and with what a figure was measured: hardware and versions."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inkread.batch.processes import num_cores

__all__ = ["PACKAGES", "hardware", "versions"]

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


def hardware() -> str:
    """Return the processor's name, as the system tells it, and the number of cores in use."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:  # not Linux
        pass
    return f"{processor}, {num_cores()} cores"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages among ``PACKAGES``."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
