"""Test that no acknowledged correction is lost when the storing process is killed.

Four threads of a child process add corrections and print what ``Store.add`` returned. After a
random time the process gets SIGKILL, and the database is opened again: it must hold each printed
id, with the glyph printed beside it. The exit code is 1 if one is missing.

python benchmarks/durability.py [--url URL] [--kills N] [--seed S]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from provenance import print_provenance

from inkread.corrections.correction import Correction
from inkread.corrections.store import Store

NUM_THREADS = 4


def store_corrections(url: str) -> None:
    """Add corrections until killed; print the id and the content hash of each stored one."""
    store = Store(url)
    printing = threading.Lock()

    def add() -> None:
        while True:
            correction = Correction(
                glyph=os.urandom(784),
                read="7",
                confidence=0.5,
                model="durability",
                model_sha256="0" * 64,
                label="1",
            )
            number = store.add(correction)
            with printing:
                print(number, correction.content_sha256, flush=True)

    for _ in range(NUM_THREADS):
        threading.Thread(target=add).start()


def kill_storing_process(url: str, delay_s: float) -> dict[int, str]:
    """Start a storing process, kill it some time after its first output, and return the output."""
    with subprocess.Popen(
        [sys.executable, __file__, "--url", url, "--stream"], stdout=subprocess.PIPE, text=True
    ) as process:
        first = process.stdout.readline()
        time.sleep(delay_s)
        process.kill()
        printed = first + process.stdout.read()
    whole = printed[: printed.rfind("\n") + 1].splitlines()
    return {int(number): content for number, content in map(str.split, whole)}


def main() -> None:
    """Kill storing processes repeatedly, and print how many corrections are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="database; a new SQLite file if not given")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        store_corrections(options.url)
        return
    print_provenance()
    rng = np.random.default_rng(options.seed)
    acknowledged: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'corrections.db'}"
        store = Store(url)
        print(
            f"database: {store.name.partition(':')[0]}, {NUM_THREADS} threads, seed {options.seed}"
        )
        for _ in range(options.kills):
            acknowledged |= kill_storing_process(url, float(rng.uniform(0, 0.5)))
        stored = {each.id: each.content_sha256 for each in store.export()}
        store.close()
    missing = [number for number, content in acknowledged.items() if stored.get(number) != content]
    print(
        f"{options.kills} kills: {len(acknowledged):,} acknowledged, "
        f"{len(missing)} of them missing; "
        f"{len(stored) - len(acknowledged)} stored that were not acknowledged before the kill"
    )
    sys.exit(1 if missing or not acknowledged else 0)


if __name__ == "__main__":
    main()
