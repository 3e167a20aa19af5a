"""Where and with what a figure was measured: hardware and versions."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
    """Return the processor's name and the number of its cores, as the system tells them."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:  # not Linux
        pass
    return f"{processor}, {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages among ``PACKAGES``."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
