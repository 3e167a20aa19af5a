"""Print the hardware, versions and command of a benchmark, and format means and deviations."""

import shlex
import sys

import numpy as np
import numpy.typing as npt

from inkread.training.evaluation.provenance import describe_hardware, list_versions


def print_provenance() -> None:
    """Print the hardware, the versions and the command of a benchmark."""
    print(f"hardware: {describe_hardware()}")
    print("versions: " + ", ".join(f"{name} {number}" for name, number in list_versions().items()))
    print(f"command: python {shlex.join(sys.argv)}", flush=True)


def mean_sd(values: npt.NDArray[np.float64], unit: str) -> str:
    """Format the mean ± the sample standard deviation."""
    sd = f"{values.std(ddof=1):.2f}" if len(values) > 1 else "-"
    return f"{values.mean():.2f} ± {sd} {unit} (n = {len(values)})"
