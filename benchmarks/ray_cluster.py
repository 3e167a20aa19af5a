"""Test that no result is lost or doubled when a node of a Ray cluster and the driver are killed.

The cluster is three node processes on this machine, one core each. `inkread read --engine ray`
reads pictures of the size of a cheque's amount (`cheques.py`). A node is killed after a quarter of
them, and the driver after half of them; then the driver is started again. The exit code is 1 if a
picture is missing, occurs twice, or is read differently by a reader in this process.

python benchmarks/ray_cluster.py [--count 3000] [--check 200] [--seed 0]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cheques import make_cheques
from provenance import print_provenance
from pyarrow import parquet
from ray.cluster_utils import Cluster

from inkread import Reader
from inkread.scale.worker import BATCH_SIZE

MAX_WAIT_S = 3600


def count_staged(out: Path) -> int:
    """Return the number of batches that are read but not merged yet."""
    return len(list(out.glob("_staged/*.parquet")))


def wait_for(out: Path, count: int, driver: subprocess.Popen) -> None:
    """Wait until so many batches are read."""
    end = time.monotonic() + MAX_WAIT_S
    while count_staged(out) < count:
        assert driver.poll() is None, "the driver ended too early: choose a greater --count"
        assert time.monotonic() < end, "no batch was finished in time"
        time.sleep(0.02)


def main() -> None:
    """Read with both failures, and print what is missing, doubled or different."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--check", type=int, default=200, help="pictures to read once more")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print_provenance()
    num_batches = -(-options.count // BATCH_SIZE)
    node = {"num_cpus": 1, "object_store_memory": 200 * 2**20}
    head = {**node, "include_dashboard": False}
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "pictures", Path(name) / "out"
        folder.mkdir()
        make_cheques(folder, options.count, options.seed)
        cluster = Cluster(initialize_head=True, head_node_args=head)
        nodes = [cluster.add_node(**node) for _ in range(2)]
        command = [sys.executable, "-m", "inkread", "read", str(folder), "--as", "number"]
        command += ["--engine", "ray", "--ray-address", cluster.address, "--out", str(out)]
        start = time.perf_counter()
        driver = subprocess.Popen(command)
        wait_for(out, num_batches // 4, driver)
        cluster.remove_node(nodes[0], allow_graceful=False)
        print(f"a node killed after {count_staged(out)} of {num_batches} batches", flush=True)
        wait_for(out, num_batches // 2, driver)
        driver.kill()
        driver.wait()
        print(f"the driver killed after {count_staged(out)} of {num_batches} batches", flush=True)
        code = subprocess.run(command, check=False).returncode
        seconds = time.perf_counter() - start
        cluster.shutdown()
        rows = parquet.read_table(out).to_pylist()
        reader = Reader()
        texts = {row["uri"]: row["text"] for row in rows}
        checked = sorted(texts)[: options.check]
        different = [uri for uri in checked if reader.read_number(uri).text != texts[uri]]
    expected = Counter(str(folder / f"{index}.jpg") for index in range(options.count))
    found = Counter(row["uri"] for row in rows)
    missing, doubled = expected - found, found - expected
    print(
        f"{options.count:,} pictures in {seconds:.0f} s with both starts: "
        f"{missing.total()} missing, {doubled.total()} doubled, "
        f"{len(different)} of {len(checked)} read otherwise; exit code of the second driver {code}"
    )
    sys.exit(1 if code or missing or doubled or different else 0)


if __name__ == "__main__":
    main()
