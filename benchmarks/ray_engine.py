"""Measure the speed of the local engine and of Ray on the same pictures and cores.

The pictures are of the size of a cheque's amount (`cheques.py`). Start-up is excluded: the time
runs from the first results to the end, with Ray including the merging of the results. The memory of
Ray's actors is sampled from /proc.

python benchmarks/ray_engine.py [--count 20000] [--cores N] [--seed 0]
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

from cheques import make_cheques
from provenance import print_provenance

from inkread.batch import batch_reader, formats
from inkread.batch.batch_reader import ReadAs
from inkread.batch.results_file import ResultsFile, ResultsFormat
from inkread.scale import ray_engine
from inkread.scale.dataset import Dataset
from inkread.scale.picture_job import PictureJob

MIB = 2**20
SETTINGS = batch_reader.ReadSettings(read_as=ReadAs.NUMBER)


class Clock:
    """A clock that measures throughput from the first results on."""

    def __init__(self) -> None:
        """Start the clock."""
        self.start = self.last = time.perf_counter()
        self.first: tuple[float, int] | None = None

    def note(self, num_done: int) -> None:
        """Record that so many pictures are done."""
        self.last = time.perf_counter()
        if self.first is None:
            self.first = self.last, num_done

    def rate(self, num_done: int, name: str) -> float:
        """Print and return the pictures per second since the first results."""
        end = time.perf_counter()
        begin, before = self.first or (self.start, 0)
        found = (num_done - before) / (end - begin)
        print(
            f"{name}: {num_done:,} pictures, start-up {begin - self.start:.1f} s, then "
            f"{end - begin:.1f} s, {end - self.last:.1f} s of them after the last picture: "
            f"{found:.1f} pictures/s",
            flush=True,
        )
        return found


def read_locally(folder: Path, out: Path, num_cores: int) -> float:
    """Read with the local engine; return the pictures per second."""
    inputs = [batch_reader.PictureInput(str(path), str(path)) for path in sorted(folder.iterdir())]
    record = ResultsFile(out, ResultsFormat.CSV, formats.CsvWriter.HEADER)
    show = formats.make_page_writer(ResultsFormat.CSV, record.write)
    clock = Clock()
    done = 0
    for outcome in batch_reader.read_files(inputs, SETTINGS, num_processes=num_cores):
        show.add(outcome.name, outcome.page)
        done += outcome.is_last
        clock.note(done)
    record.close()
    return clock.rate(done, f"local engine, {num_cores} processes")


def read_on_ray(folder: Path, out: Path, num_cores: int) -> float:
    """Read with Ray; return the pictures per second."""
    job = PictureJob(SETTINGS)
    dataset = Dataset(str(out), job.row_schema)
    dataset.open(job.settings)
    clock = Clock()
    peaks: dict[str, int] = {}
    finished = threading.Event()
    sampling = threading.Thread(target=sample_memory, args=(peaks, finished))
    with ray_engine.connect("local", num_cpus=num_cores):
        sampling.start()
        summary = ray_engine.read(
            [str(folder)], job, dataset, on_batch=lambda summary: clock.note(summary.num_inputs)
        )
        rate = clock.rate(summary.num_read, f"Ray, {num_cores} actors")
        finished.set()
        sampling.join()
    if peaks:
        print(f"an actor's memory at its peak: {max(peaks.values()) / MIB:.0f} MiB")
    return rate


def sample_memory(peaks: dict[str, int], finished: threading.Event) -> None:
    """Record the largest resident memory of each actor, in bytes."""
    while not finished.wait(0.5):
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if b"_Actor" in (process / "cmdline").read_bytes():
                    pages = int((process / "statm").read_text(encoding="ascii").split()[1])
                    peaks[process.name] = max(peaks.get(process.name, 0), 4096 * pages)
            except OSError:  # it has ended meanwhile
                continue


def main() -> None:
    """Read the pictures with both engines, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print_provenance()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        num_bytes = make_cheques(folder, options.count, options.seed)
        print(f"{options.count:,} pictures of {num_bytes / options.count:,.0f} bytes on average")
        before = read_locally(folder, Path(name) / "local.csv", options.cores)
        rate = read_on_ray(folder, Path(name) / "ray", options.cores)
        files = [path for path in (Path(name) / "ray").rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(f"results: {size / options.count:,.0f} bytes a picture in {len(files)} files")
    print(f"Ray has {rate / before:.1%} of the local engine's throughput")


if __name__ == "__main__":
    main()
