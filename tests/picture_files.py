"""Pictures and picture files for tests: noise, PNG headers, TIFF and PDF files."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(0, 256, shape, dtype=np.uint8)


def encoded(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format=file_format, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width: int, height: int) -> bytes:
    """A PNG of white pixels whose data fits in a few hundred kilobytes whatever its size."""
    rows = zlib.compressobj(9)
    row = b"\0" + b"\xff" * ((width + 7) // 8)
    data = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", data)
        + png_chunk(b"IEND", b"")
    )


def with_ink(paper: object, ink: object, mode: str) -> Image.Image:
    """A 64x64 picture with an upright stroke in its middle."""
    image = Image.new(mode, (64, 64), paper)
    image.paste(ink, (28, 12, 36, 52))
    return image


def sheets(rng: np.random.Generator, count: int = 3) -> list[Image.Image]:
    return [Image.fromarray(noise(rng, 20 + 4 * index, 40)) for index in range(count)]


def tiff(images: list[Image.Image]) -> bytes:
    return encoded(images[0], "TIFF", save_all=True, append_images=images[1:])


def pdf(images: list[Image.Image], resolution: float = 200) -> bytes:
    """A PDF with a picture on each page, which it fills at this many dots an inch."""
    return encoded(images[0], "PDF", save_all=True, append_images=images[1:], resolution=resolution)


def drawn_pdf(page: bytes, content: bytes = b"", *, count: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF of one page, by hand: entries of the page, what is drawn on it, the page count."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count %d>>" % count,
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R" + page + b">>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    )
    body, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj %s endobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        body
        + b"xref\n0 5\n0000000000 65535 f \n"
        + table
        + b"trailer<</Size 5/Root 1 0 R"
        + trailer
        + b">>\nstartxref\n%d\n%%%%EOF" % len(body)
    )
