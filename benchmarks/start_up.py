"""Measure the time of whole processes: `import inkread`, and `inkread read` of one picture.

python benchmarks/start_up.py
"""

import subprocess
import sys
import time
from importlib import resources

import numpy as np
from provenance import mean_sd, print_provenance

NUM_ROUNDS = 20
TIMED_IMPORT = (
    "import time; start = time.perf_counter(); import inkread; print(time.perf_counter() - start)"
)


def main() -> None:
    """Measure both, and print the times."""
    print_provenance()
    imports, processes = [], []
    picture = resources.files("inkread") / "samples" / "meter-40713.png"
    for _ in range(NUM_ROUNDS):
        done = subprocess.run(
            [sys.executable, "-c", TIMED_IMPORT], capture_output=True, text=True, check=True
        )
        imports.append(float(done.stdout))
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "inkread", "read", str(picture)],
            capture_output=True,
            check=True,
        )
        processes.append(time.perf_counter() - start)
    print(f"import inkread: {mean_sd(np.array(imports), 's')}, max {max(imports):.3f} s")
    print(f"inkread read one.png: {mean_sd(np.array(processes), 's')}, max {max(processes):.3f} s")


if __name__ == "__main__":
    main()
