import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from picture_files import (
    drawn_pdf,
    encoded,
    noise,
    png_chunk,
)
from PIL import Image

from inkread.errors import ImageError
from inkread.imaging.images import (
    MAX_MEGAPIXELS,
    MAX_PAGES,
    load,
    load_pages,
    open_pages,
)


def test_a_locked_pdf_is_refused_as_such(tmp_path):
    path = tmp_path / "locked.pdf"
    secrets = b"/O<%s>/U<%s>" % (b"41" * 32, b"42" * 32)
    lock = b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4" + secrets + b">>"
    path.write_bytes(drawn_pdf(b"/MediaBox[0 0 72 72]", trailer=lock))

    with pytest.raises(ImageError, match=r"locked.pdf: expected a PDF that opens without a pass"):
        load(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.7", "the PDF is broken"),
        (b"%PDF-1.7\n" + b"\0" * 2_000, "the PDF is broken"),
        (drawn_pdf(b"/MediaBox[0 0 72 72]")[:150], "the PDF is broken"),
        (drawn_pdf(b"/MediaBox[0 0 0.5 0.5]"), "expected at least 3 x 3 pixels, received 2 x 2"),
    ],
    ids=["mark only", "zeros", "truncated", "tiny"],
)
def test_broken_pdfs_are_refused(data, message):
    with pytest.raises(ImageError, match=message):
        load(data)


def test_files_of_too_many_pages_are_refused():
    data = drawn_pdf(b"/MediaBox[0 0 72 72]", count=MAX_PAGES + 1)

    with pytest.raises(ImageError, match=r"expected at most 10,000 pages, received 10,001"):
        next(load_pages(data))


def animation(file_format: str) -> bytes:
    frames = [Image.new("RGB", (8, 8), (60 * i, 0, 0)) for i in range(3)]
    return encoded(frames[0], file_format, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_animations_are_refused_with_their_number(file_format):
    for refuse in (load, open_pages, lambda data: next(load_pages(data))):
        with pytest.raises(
            ImageError, match=r"expected one picture, received .*: (3|several) frames"
        ):
            refuse(animation(file_format))


def test_a_gif_of_one_frame_is_loaded():
    assert load(encoded(Image.new("L", (8, 8), 200), "GIF")).tolist() == [[200] * 8] * 8


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "HSV"])
def test_other_colour_spaces_are_refused_by_name(mode):
    with pytest.raises(ImageError, match=f"expected .*RGB.*, received mode {mode}"):
        load(Image.new(mode, (20, 20)))


def test_a_cmyk_jpeg_is_refused():
    with pytest.raises(ImageError, match="received mode CMYK"):
        load(encoded(Image.new("CMYK", (20, 20)), "JPEG"))


@pytest.mark.parametrize(
    "size", [(8_001, 8_001), (10_000, 10_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)]
)
def test_pictures_of_too_many_pixels_are_refused_by_their_header(size):
    width, height = size
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b""))
        + png_chunk(b"IEND", b"")
    )

    with pytest.raises(ImageError, match=rf"expected at most {MAX_MEGAPIXELS} megapixels"):
        load(data)


def test_arrays_of_too_many_pixels_are_refused():
    array = np.broadcast_to(np.uint8(255), (50_000, 50_000))

    with pytest.raises(ImageError, match=r"received 50000 x 50000: 2,500 megapixels"):
        load(array)


@pytest.mark.parametrize("size", [(1, 1), (2, 100), (100, 2)])
def test_pictures_of_too_few_pixels_are_refused(size):
    width, height = size
    image = Image.new("L", size, 255)

    for picture in (image, encoded(image), np.asarray(image)):
        with pytest.raises(
            ImageError, match=f"expected at least 3 x 3 pixels, received {width} x {height}"
        ):
            load(picture)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected an image file, received no bytes"),
        (b"40713, by hand", "expected an image file .*received 14 bytes of something else"),
        (b"\x89PNG\r\n\x1a\n", "expected an image file .*received 8 bytes"),
        (b"\0" * 5_000, "expected an image file .*received 5,000 bytes"),
    ],
    ids=["empty", "text", "signature only", "zeros"],
)
def test_bytes_that_are_no_picture_are_refused(data, message):
    for picture in (data, io.BytesIO(data)):
        with pytest.raises(ImageError, match=message):
            load(picture)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_files_are_refused(rng, file_format, share):
    data = encoded(Image.fromarray(noise(rng, 80, 80)), file_format)

    with pytest.raises(ImageError, match=r"expected|decoded"):
        load(data[: round(share * len(data))])


def test_a_png_with_a_wrong_checksum_is_refused(rng):
    data = bytearray(encoded(Image.fromarray(noise(rng, 80, 80))))
    data[len(data) // 2] ^= 0xFF

    with pytest.raises(ImageError, match="decoded"):
        load(bytes(data))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.01, 1.01, 255.0])
def test_floats_outside_0_to_1_are_refused(value):
    array = np.full((20, 20), 0.5)
    array[3, 4] = value

    with pytest.raises(ImageError, match=r"expected float values in \[0, 1\], received "):
        load(array)


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "int64", "uint32", "uint64", "bool", "complex64",
              "object", "S1", "U1", "datetime64[s]", "timedelta64[s]"]
)  # fmt: skip
def test_other_dtypes_are_refused_by_name(dtype):
    array = np.zeros((20, 20), dtype)

    with pytest.raises(ImageError, match="expected dtype uint8, uint16 or float, received") as info:
        load(array)

    assert str(array.dtype) in str(info.value)


@pytest.mark.parametrize(
    "shape", [(), (100,), (20, 20, 1), (20, 20, 2), (20, 20, 5), (20, 20, 3, 1), (1, 20, 20, 3)]
)
def test_other_shapes_are_refused(shape):
    with pytest.raises(ImageError, match=r"expected an array of shape \(H, W\)") as info:
        load(np.zeros(shape, np.uint8))

    assert str(info.value).endswith(f"received {shape}")


@pytest.mark.parametrize("shape", [(0, 0), (0, 20), (20, 0), (0, 0, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_arrays_without_pixels_are_refused(shape, dtype):
    with pytest.raises(ImageError, match="expected at least 3 x 3 pixels, received"):
        load(np.zeros(shape, dtype))


@pytest.mark.parametrize("picture", [None, 5, 3.5, [[1, 2], [3, 4]], {}, object()])
def test_other_types_are_refused_by_name(picture):
    with pytest.raises(ImageError, match=f"expected a path, .* received {type(picture).__name__}"):
        load(picture)


def test_a_text_file_object_is_refused(tmp_path):
    path = tmp_path / "picture.txt"
    path.write_text("40713")

    with path.open() as file, pytest.raises(ImageError, match=r"binary file object.* str"):
        load(file)


def test_a_binary_file_opened_as_text_is_refused(rng, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(Image.fromarray(noise(rng, 20, 20))))

    with path.open(encoding="utf-8") as file, pytest.raises(ImageError, match="file object"):
        load(file)


def test_closed_and_write_only_file_objects_are_refused(tmp_path):
    closed = io.BytesIO(b"something")
    closed.close()

    with pytest.raises(ImageError, match="closed file"):
        load(closed)
    with (tmp_path / "out").open("wb") as file, pytest.raises(ImageError, match="can't be read"):
        load(file)


def test_a_closed_pil_image_is_refused(rng):
    image = Image.open(io.BytesIO(encoded(Image.fromarray(noise(rng, 20, 20)))))
    image.close()

    with pytest.raises(ImageError, match="decoded"):
        load(image)


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path, as_path):
    for path in (tmp_path / "missing.png", tmp_path):
        with pytest.raises(ImageError, match="expected a picture") as info:
            load(as_path(path))
        assert str(path) in str(info.value)


@pytest.mark.parametrize("path", ["", "null\0character", "x" * 5_000])
def test_impossible_paths_are_refused(path):
    with pytest.raises(ImageError, match="expected a picture, but it can't be read"):
        load(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", encoded(Image.new("L", (1, 1))), animation("GIF"),
     encoded(Image.new("CMYK", (20, 20)), "JPEG"), encoded(Image.new("L", (80, 80)))[:-30]],
    ids=["empty", "text", "1x1", "animated", "CMYK", "truncated"],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path, data):
    path = tmp_path / "scan 17.png"
    path.write_bytes(data)

    with pytest.raises(ImageError, match=r"scan 17\.png: "):
        load(path)
