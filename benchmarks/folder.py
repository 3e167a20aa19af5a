"""Measure the speed of reading a folder of many pictures, and whether memory grows.

The pictures are synthetic (`inkread.training.synthesis.numbers`), a few hundred different ones,
repeated. A child process reads them with the command line; its resident memory and that of each of
its worker processes are sampled from /proc. The peaks, and the means over the second and the last
tenth of the time, show whether memory grows.

python benchmarks/folder.py [--count 10000] [--jobs 2] [--seed 0]
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from provenance import print_provenance

from inkread.training import mnist
from inkread.training.synthesis.numbers import number_on_paper

NUM_DISTINCT = 300
SAMPLING_INTERVAL_S = 0.1
MIB = 2**20


def make_pictures(folder: Path, count: int, seed: int) -> None:
    """Write pictures of numbers, a few hundred different ones in turn."""
    digits = mnist.load().train
    encoded = []
    for index in range(min(count, NUM_DISTINCT)):
        picture, _ = number_on_paper(digits, np.random.default_rng([seed, index]))
        encoded.append(cv2.imencode(".png", picture)[1].tobytes())
    for index in range(count):
        (folder / f"{index}.png").write_bytes(encoded[index % len(encoded)])


def get_resident_bytes(process: int) -> int:
    """Return the resident memory of a process in bytes; 0 if it has ended."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * 4096


def find_workers(parent: int) -> list[int]:
    """Return the ids of the command line's worker processes."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
        return [
            int(child)
            for child in children.split()
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    except OSError:  # one has ended meanwhile
        return []


def main() -> None:
    """Make the folder, read it, and print speed and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print_provenance()
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "pictures", Path(name) / "numbers.csv"
        folder.mkdir()
        make_pictures(folder, options.count, options.seed)
        command = [sys.executable, "-m", "inkread", "read", str(folder), "--as", "number"]
        command += ["--csv", "--out", str(out), "--jobs", str(options.jobs)]
        samples: dict[int, list[int]] = defaultdict(list)
        start = time.perf_counter()
        process = subprocess.Popen(command)
        while process.poll() is None:
            for each in (process.pid, *find_workers(process.pid)):
                if occupied := get_resident_bytes(each):
                    samples[each].append(occupied)
            time.sleep(SAMPLING_INTERVAL_S)
        seconds = time.perf_counter() - start
        with out.open(encoding="utf-8", newline="") as file:
            num_read = len({row["file"] for row in csv.DictReader(file)})
    print(
        f"{num_read:,} of {options.count:,} pictures in {seconds:.1f} s, start included: "
        f"{num_read / seconds:.1f} pictures/s with {options.jobs} processes"
    )
    for number, (each, occupied) in enumerate(samples.items()):
        who = "command line" if each == process.pid else f"reading process {number}"
        tenth = max(1, len(occupied) // 10)
        early, late = occupied[tenth : 2 * tenth] or occupied[:1], occupied[-tenth:]
        print(
            f"{who}: resident memory at its peak {max(occupied) / MIB:.0f} MiB, "
            f"in the second tenth of the time {np.mean(early) / MIB:.0f} MiB, "
            f"in the last {np.mean(late) / MIB:.0f} MiB ({len(occupied)} samples)"
        )
    raise SystemExit(process.returncode or num_read != options.count)


if __name__ == "__main__":
    main()
