"""Test that damaged files raise nothing but ImageError, in limited time and memory.

Small valid files of every supported format are damaged at random: bits are flipped, files are
truncated or spliced with one another, parts are repeated or dropped, and sizes, offsets and counts
are set to extreme values. PNG checksums are mostly repaired, so that the damage reaches the
decoder. Each file's first pages are read with `Reader.read_pages` in a worker process. Files that
cause a crash, another exception, more than 5 s of CPU time or more than 1 GiB of memory are saved
in `--out`.

python benchmarks/fuzz.py --count 20000 --seed 0
"""

import argparse
import contextlib
import io
import itertools
import multiprocessing
import re
import resource
import struct
import sys
import time
import warnings
import zlib
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np
from PIL import Image
from provenance import print_provenance

from inkread import ImageError, Reader
from inkread.training.synthesis import drawn_digits

MAX_CPU_TIME_S = 5.0
MAX_MEMORY_BYTES = 1 << 30
MAX_WALL_TIME_S = 120.0  # then a worker is killed; the machine may be busy
MAX_ADDRESS_SPACE_BYTES = 6 << 30  # of a worker: larger allocations fail
MAX_NUM_PAGES = 3  # read of each file
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def make_valid_files() -> dict[str, bytes]:
    """Return the valid files to damage, by name."""
    rng = np.random.default_rng(0)
    ink = drawn_digits.write("407", rng, height_px=24, pen_px=2.5).ink
    colour = Image.fromarray(drawn_digits.put_on_paper(ink, rng))
    grey = colour.convert("L")
    alpha = colour.copy()
    alpha.putalpha(Image.fromarray(ink))
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    black = grey.point(lambda value: 255 * (value > 128)).convert("1")
    turned = Image.Exif()
    turned[0x0112] = 6
    several = {"save_all": True, "append_images": [grey, colour.resize((40, 30))]}
    kinds: list[tuple[str, Image.Image, str, dict[str, object]]] = [
        ("grey.png", grey, "PNG", {}),
        ("colour.png", colour, "PNG", {}),
        ("alpha.png", alpha, "PNG", {}),
        ("deep.png", deep, "PNG", {}),
        ("palette.png", colour.quantize(16), "PNG", {"transparency": 3}),
        ("black.png", black, "PNG", {}),
        ("grey.jpg", grey, "JPEG", {}),
        ("turned.jpg", colour, "JPEG", {"exif": turned}),
        ("progressive.jpg", colour, "JPEG", {"progressive": True}),
        ("plain.tif", colour, "TIFF", {}),
        ("deep.tif", deep, "TIFF", {}),
        ("lzw.tif", grey, "TIFF", {"compression": "tiff_lzw"}),
        ("deflate.tif", colour, "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("jpeg.tif", colour, "TIFF", {"compression": "jpeg"}),
        ("fax.tif", black, "TIFF", {"compression": "group4"}),
        ("pages.tif", colour, "TIFF", several),
        ("float.tif", Image.fromarray(np.asarray(grey, np.float32) / 255), "TIFF", {}),
        ("jpeg.pdf", colour, "PDF", several),
        ("fax.pdf", black, "PDF", {}),
        ("colour.bmp", colour, "BMP", {}),
        ("palette.bmp", colour.quantize(16), "BMP", {}),
        ("palette.gif", colour.quantize(16), "GIF", {}),
        ("lossy.webp", colour, "WEBP", {}),
        ("alpha.webp", alpha, "WEBP", {"lossless": True}),
        ("colour.ppm", colour, "PPM", {}),
        ("grey.jp2", grey, "JPEG2000", {}),
        ("colour.avif", colour, "AVIF", {}),
    ]
    files = {}
    for name, image, form, options in kinds:
        file = io.BytesIO()
        image.save(file, format=form, **options)
        files[name] = file.getvalue()
    return files | {"drawn.pdf": _make_pdf()}


def _make_pdf() -> bytes:
    """Return a PDF with strokes, text, an annotation, a pattern and an uncompressed image."""
    content = b"""q 2 w 10 10 m 40 60 l 50 5 l S 0 0 1 rg 60 10 30 40 re f Q
        BT /F 18 Tf 20 70 Td (40713) Tj ET /P cs /N scn 0 0 20 20 re f
        q 30 0 0 30 90 50 cm /I Do Q"""
    parts = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 144 100]>>",
        b"""<</Type/Page/Parent 2 0 R/Contents 4 0 R/Rotate 90/Annots[8 0 R]/Resources<<
            /Font<</F 5 0 R>>/ColorSpace<</P[/Pattern]>>/Pattern<</N 6 0 R>>/XObject<</I 7 0 R>>
        >>>>""",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"""<</Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 4 4]/XStep 4/YStep 4
            /Resources<<>>/Length 23>>stream\n1 0 0 rg 0 0 2 2 re f\n\nendstream""",
        b"""<</Type/XObject/Subtype/Image/Width 4/Height 4/BitsPerComponent 8
            /ColorSpace/DeviceGray/Length 16>>stream\n0123456789abcdef\nendstream""",
        b"<</Type/Annot/Subtype/Square/Rect[100 10 130 40]/C[1 0 0]/IC[0 1 0]>>",
    )
    body, table = b"%PDF-1.7\n", b"0000000000 65535 f \n"
    for number, part in enumerate(parts, start=1):
        table += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj %s endobj\n" % (number, part)
    size = len(parts) + 1
    return body + b"xref\n0 %d\n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        size, table, size, len(body),
    )  # fmt: skip


def damage_file(files: dict[str, bytes], rng: np.random.Generator) -> tuple[str, bytes]:
    """Return the name of a random file, and its content with one or several damages."""
    names = sorted(files)
    name = names[rng.integers(len(names))]
    data = bytearray(files[name])
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        other = files[names[rng.integers(len(names))]]
        _damage(data, other, name, rng)
    if name.endswith(".png") and rng.random() < 0.7:
        _repair_png(data)
    return name, bytes(data)


def _damage(data: bytearray, other: bytes, name: str, rng: np.random.Generator) -> None:
    way = rng.integers(8)
    # Half of all damage is done to the header.
    start = int(rng.integers(len(data) + 1) if rng.random() < 0.5 else rng.integers(64))
    length = int(2 ** rng.uniform(0, 9))
    if way == 0:
        for _ in range(rng.integers(1, 9)):
            if data:
                data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    elif way == 1:
        del data[rng.integers(len(data) + 1) :]
    elif way == 2:
        cut = int(rng.integers(len(other) + 1))
        data[start : start + length] = other[cut : cut + length]
    elif way == 3:
        data[start:start] = data[start : start + length] * int(rng.integers(1, 4))
    elif way == 4:
        del data[start : start + length]
    elif way == 5:
        data[start : start + length] = rng.bytes(min(length, max(0, len(data) - start)))
    elif name.endswith(".pdf") and (numbers := list(re.finditer(rb"\d+", bytes(data)))):
        number = numbers[rng.integers(len(numbers))]
        sign = b"-" if rng.random() < 0.1 else b""
        data[slice(*number.span())] = sign + b"%d" % _draw_extreme(rng)
    else:
        size = int(rng.choice([1, 2, 4, 8]))
        order = "little" if rng.random() < 0.5 else "big"
        value = _draw_extreme(rng) % (1 << (8 * size))
        data[start : start + size] = value.to_bytes(size, order)


def _draw_extreme(rng: np.random.Generator) -> int:
    if rng.random() < 0.6:
        return EXTREMES[rng.integers(len(EXTREMES))]
    return int(2 ** rng.uniform(0, 33))


def _repair_png(data: bytearray) -> None:
    """Recompute the checksum of each chunk, up to the first broken length."""
    place = 8
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            return
        struct.pack_into(">I", data, end, zlib.crc32(data[place + 4 : end]))
        place = end + 4


@dataclass(frozen=True)
class Outcome:
    """The outcome of one file.

    Attributes:
        number: index of the damaged file.
        outcome: ``read``, ``refused``, or a description of the crash or exception.
        seconds: CPU time.
        memory: peak memory in bytes.
    """

    number: int
    outcome: str
    seconds: float
    memory: int

    @property
    def is_failure(self) -> bool:
        """Whether the outcome, the time or the memory is not allowed."""
        allowed = self.outcome in ("read", "refused")
        return not allowed or self.seconds > MAX_CPU_TIME_S or self.memory > MAX_MEMORY_BYTES


def read_damaged(reader: Reader, data: bytes) -> str:
    """Read the first pages of a file; return `read`, `refused`, or the exception raised."""
    try:
        for _ in itertools.islice(reader.read_pages(data), MAX_NUM_PAGES):
            pass
    except ImageError:
        return "refused"
    except Exception as error:  # noqa: BLE001 - finding these is what it is for
        return f"{type(error).__name__}: {error}"
    return "read"


def _work(connection: Connection, seed: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE_BYTES, MAX_ADDRESS_SPACE_BYTES))
    warnings.filterwarnings("ignore", module="PIL")
    reader, files = Reader(threads=1), make_valid_files()
    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        _, data = damage_file(files, np.random.default_rng((seed, number)))
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
        start = time.process_time()
        outcome = read_damaged(reader, data)
        seconds = time.process_time() - start
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
        connection.send(Outcome(number, outcome, seconds, peak))


class _Worker:
    """A worker process that reads one file at a time."""

    def __init__(self, seed: int) -> None:
        self.connection, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_work, args=(other, seed), daemon=True)
        self.process.start()
        other.close()
        self.number, self.since = -1, 0.0

    def send(self, number: int) -> None:
        """Send the worker the index of a file to read."""
        self.number, self.since = number, time.monotonic()
        self.connection.send(number)

    def receive(self) -> Outcome:
        """Wait for the outcome; the end of the process counts as a crash."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            return Outcome(self.number, f"crash {self.process.exitcode}", 0.0, 0)


def read_files(count: int, seed: int, num_workers: int) -> "itertools.chain[Outcome]":
    """Read damaged files in worker processes; yield the outcome of each."""
    numbers = iter(range(count))
    workers = [_Worker(seed) for _ in range(num_workers)]
    for worker in workers:
        if (number := next(numbers, None)) is not None:
            worker.send(number)
    busy = {worker.connection: worker for worker in workers if worker.number >= 0}
    while busy:
        for connection in wait(list(busy), timeout=1.0):
            worker = busy.pop(connection)
            found = worker.receive()
            yield found
            if found.outcome.startswith("crash"):
                worker = _Worker(seed)
            if (number := next(numbers, None)) is not None:
                worker.send(number)
                busy[worker.connection] = worker
        for worker in list(busy.values()):
            if time.monotonic() - worker.since > MAX_WALL_TIME_S:
                worker.process.kill()  # its end is found like any other
    for worker in workers:
        worker.connection.close()


def main() -> None:
    """Read the damaged files, and print and save the failures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("fuzz-failures"))
    options = parser.parse_args()
    print_provenance()
    multiprocessing.set_start_method("spawn")
    files = make_valid_files()
    outcomes: Counter[str] = Counter()
    slowest = largest = Outcome(-1, "", 0.0, 0)
    failures = []
    for done, found in enumerate(read_files(options.count, options.seed, options.workers), start=1):
        outcomes[found.outcome if found.outcome in ("read", "refused") else "other"] += 1
        slowest = max(slowest, found, key=lambda each: each.seconds)
        largest = max(largest, found, key=lambda each: each.memory)
        if found.is_failure:
            failures.append(found)
            name, data = damage_file(files, np.random.default_rng((options.seed, found.number)))
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{found.number}-{name}").write_bytes(data)
            print(f"{name}: {found}", flush=True)
        if done % 1000 == 0:
            print(f"{done:,} of {options.count:,}: {dict(outcomes)}", flush=True)
    print(f"seed {options.seed}, {options.count:,} files: {dict(outcomes)}")
    print(f"slowest: {slowest.seconds:.2f} s of computing (file {slowest.number})")
    print(f"most memory: {largest.memory / 2**20:.0f} MiB (file {largest.number})")
    print(f"failures: {len(failures)}")
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
