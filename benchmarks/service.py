"""Measure the service under the load of 64 clients, the reader alone, and single glyphs.

python benchmarks/service.py [--seconds 60]

The clients keep their connections open, post cheque-sized pictures one after another, and after a
503 wait for its `Retry-After`. They run on the service's machine, so they use a part of its
processor time.
"""

import argparse
import asyncio
import io
import json
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from provenance import print_provenance
from serving import Served, run_service

from inkread.reader import Reader
from inkread.training.synthesis.drawn_digits import put_on_paper, write
from inkread.web.settings import Settings

NUM_CLIENTS, NUM_PICTURES, NUM_GLYPHS = 64, 16, 2000
SIZE_PX = (1200, 550)


def make_pictures() -> list[bytes]:
    """Make JPEG files of numbers on paper, each as large as a cheque at 170 dpi."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(NUM_PICTURES):
        number = "".join(map(str, rng.integers(0, 10, 6)))
        ink = write(number, rng, height_px=70, pen_px=5).ink
        page = np.zeros(SIZE_PX[::-1], np.uint8)
        top, left = rng.integers(0, np.subtract(page.shape, ink.shape))
        page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        file = io.BytesIO()
        Image.fromarray(put_on_paper(page, rng, paper="plain")).save(file, "JPEG", quality=90)
        made.append(file.getvalue())
    return made


def measure_reader(files: list[bytes], seconds: float, num_threads: int) -> float:
    """Return the pictures per second of the reader alone in so many threads."""
    reader = Reader(threads=1)
    reader.read(files[0])
    counts, end = [0] * num_threads, time.perf_counter() + seconds

    def work(place: int) -> None:
        while time.perf_counter() < end:
            reader.read(files[counts[place] % len(files)])
            counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(num_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


class Client:
    """An HTTP client with one persistent connection."""

    def __init__(self, url: str) -> None:
        """Store the address; ``open`` connects."""
        self.place = urlsplit(url)

    async def open(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection(
            self.place.hostname, self.place.port
        )

    async def post(self, path: str, body: bytes, kind: str) -> tuple[int, dict[str, str], bytes]:
        """Send one request; return its status, headers and body."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.place.netloc}\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        content = await self.reader.readexactly(int(headers["content-length"]))
        return int(lines[0].split()[1]), headers, content


async def load_service(
    url: str, files: list[bytes], seconds: float
) -> tuple[dict[int, int], list[float]]:
    """Load the service; return counts by status, and the latencies of 200 in seconds."""
    statuses: dict[int, int] = {}
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def one(number: int) -> None:
        client = Client(url)
        await client.open()
        turn = number
        while time.perf_counter() < end:
            start = time.perf_counter()
            status, headers, _ = await client.post(
                "/v1/read", files[turn % len(files)], "image/jpeg"
            )
            statuses[status] = statuses.get(status, 0) + 1
            if status == 200:
                took.append(time.perf_counter() - start)
                turn += 1
            else:
                await asyncio.sleep(float(headers.get("retry-after", 0)))
        client.writer.close()

    await asyncio.gather(*(one(number) for number in range(NUM_CLIENTS)))
    return statuses, took


def get_memory_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def load_and_watch(service: Served, files: list[bytes], seconds: float) -> None:
    """Load a service, sample its memory, and print throughput, latency and memory."""
    memory: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1):
            memory.append(get_memory_mb(service.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    statuses, took = asyncio.run(load_service(service.url, files, seconds))
    done.set()
    watcher.join()
    print(f"  statuses: {statuses}; {len(took) / seconds:.1f} pictures/s")
    p50, p99 = np.percentile(took, [50, 99])
    print(f"  answered in: p50 {p50:.3f} s, p99 {p99:.3f} s, most {max(took):.3f} s")
    thirds = [float(np.median(part)) for part in np.array_split(memory, 3)]
    print("  memory in the thirds of the run: " + ", ".join(f"{each:.0f} MB" for each in thirds))


async def measure_single_glyphs(url: str) -> None:
    """Print the latency of classifying one glyph, sent as bytes and as JSON."""
    client = Client(url)
    await client.open()
    glyph = np.random.default_rng(0).integers(0, 256, (1, 28, 28), np.uint8)
    bodies = {
        "application/octet-stream": glyph.tobytes(),
        "application/json": json.dumps({"glyphs": glyph.tolist()}).encode(),
    }
    for kind, body in bodies.items():
        took = []
        for _ in range(NUM_GLYPHS):
            start = time.perf_counter()
            await client.post("/v1/classify", body, kind)
            took.append(1000 * (time.perf_counter() - start))
        p50, p99 = np.percentile(took, [50, 99])
        print(f"one glyph, {kind}: p50 {p50:.2f} ms, p99 {p99:.2f} ms (n = {NUM_GLYPHS:,})")


def main() -> None:
    """Measure the reader alone, single glyphs, and the service under load."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    print_provenance()
    files, workers = make_pictures(), Settings().workers
    print(f"{NUM_PICTURES} pictures of {SIZE_PX[0]} x {SIZE_PX[1]}, {len(files[0]) / 1000:.0f} KB")
    for threads in sorted({1, workers}):
        print(
            f"bare reader, {threads} thread(s): {measure_reader(files, seconds / 4, threads):.1f}/s"
        )
    with run_service() as service:
        print(f"idle: {get_memory_mb(service.pid):.0f} MB")
        asyncio.run(measure_single_glyphs(service.url))
        print(f"{NUM_CLIENTS} clients for {seconds:g} s, {workers} workers:")
        load_and_watch(service, files, seconds)
    print(
        f"bare reader again, {workers} thread(s): "
        f"{measure_reader(files, seconds / 4, workers):.1f}/s"
    )


if __name__ == "__main__":
    main()
