"""What stands beside every figure: hardware, versions, command, mean and standard deviation."""

import os
import platform
import shlex
import sys
from importlib.metadata import version

import numpy as np
import numpy.typing as npt


def print_provenance() -> None:
    """Print where and with what a figure is measured."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:  # noqa: PTH123 - not a file of ours
            cpu = next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    packages = (
        "inkread",
        "keras",
        "tensorflow-cpu",
        "onnxruntime",
        "numpy",
        "opencv-python-headless",
    )
    print(f"hardware: {cpu}, {os.cpu_count()} cores; Python {platform.python_version()}")
    print("versions: " + ", ".join(f"{name} {_version(name)}" for name in packages))
    print(f"command: python {shlex.join(sys.argv)}", flush=True)


def _version(package: str) -> str:
    try:
        return version(package)
    except ImportError:
        return "absent"


def mean_sd(values: npt.NDArray[np.float64], unit: str) -> str:
    """Return mean ± standard deviation (n - 1) as text."""
    sd = f"{values.std(ddof=1):.2f}" if len(values) > 1 else "-"
    return f"{values.mean():.2f} ± {sd} {unit} (n = {len(values)})"
