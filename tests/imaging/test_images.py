import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from inkread.errors import ImageError
from inkread.imaging.images import (
    MAX_MEGAPIXELS,
    MAX_PAGES,
    MIN_SIDE_PX,
    load,
    load_pages,
    load_upright,
    open_pages,
)
from inkread.imaging.resize import resize_by

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


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


# Good pictures


@pytest.mark.parametrize("kind", ["str", "Path", "bytes", "bytearray", "BytesIO", "file"])
@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)], ids=["grey", "RGB"])
def test_every_kind_of_input_gives_the_pixels_of_the_file(rng, tmp_path, kind, file_format, shape):
    image = Image.fromarray(noise(rng, *shape))
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encoded(image, file_format, **options)
    path = tmp_path / "picture"
    path.write_bytes(data)
    with Image.open(path) as opened:
        expected = np.asarray(opened)
    with path.open("rb") as file:
        picture = {
            "str": str(path),
            "Path": path,
            "bytes": data,
            "bytearray": bytearray(data),
            "BytesIO": io.BytesIO(data),
            "file": file,
        }[kind]

        pixels = load_upright(picture)

    assert pixels.dtype == np.uint8
    assert (pixels == expected).all()


def test_jpeg_pixels_are_those_of_pillow(rng):
    data = encoded(Image.fromarray(noise(rng, 32, 48, 3)), "JPEG", quality=80)

    with Image.open(io.BytesIO(data)) as image:
        assert (load_upright(data) == np.asarray(image)).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_pil_images_are_taken_as_they_are(rng, mode):
    image = Image.fromarray(noise(rng, 20, 30, 3)).convert(mode)

    pixels = load_upright(image)

    expected = image.convert("RGB" if mode in ("P", "RGB") else "L")
    assert (pixels == np.asarray(expected)).all()


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "float16", "float32", "float64"])
def test_arrays_of_every_dtype_give_the_same_pixels(rng, shape, dtype):
    values = noise(rng, *shape)
    values[0, 0] = 255  # so that the full scale is there to be seen
    if shape[2:] == (4,):
        values[..., 3] = 255
    if dtype.startswith("float"):
        array = (values / 255).astype(dtype)
    elif dtype == "uint8":
        array = values
    else:
        array = values.astype(dtype) * 257

    pixels = load_upright(array)

    assert pixels.dtype == np.uint8
    assert (pixels == (values[..., :3] if len(shape) == 3 else values)).all()


def test_arrays_may_be_views_and_read_only(rng):
    values = noise(rng, 40, 60)
    values.setflags(write=False)

    assert (load_upright(values[::2, ::-3]) == values[::2, ::-3]).all()


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
def test_the_given_array_is_not_changed(rng, shape):
    values = noise(rng, *shape)
    before = values.copy()

    load(values)

    assert (values == before).all()


def test_a_file_object_is_read_from_where_it_stands(rng):
    data = encoded(Image.fromarray(noise(rng, 20, 30)))
    file = io.BytesIO(b"header" + data)
    file.seek(6)

    assert (load_upright(file) == load_upright(data)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_pictures_are_turned_as_exif_says(rng, orientation, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(noise(rng, 16, 24, 3)), file_format, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))

    pixels = load_upright(data)

    assert pixels.shape == ((16, 24, 3) if orientation <= 4 else (24, 16, 3))
    assert (pixels == expected).all()


def test_16_bit_png_keeps_its_high_byte(rng):
    values = rng.integers(0, 65536, (20, 30), dtype=np.uint16)
    values[0, 0] = 65535

    pixels = load_upright(encoded(Image.fromarray(values)))

    assert np.abs(pixels.astype(float) - values / 257).max() <= 0.5


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("as_file", [False, True], ids=["array", "file"])
def test_16_bit_data_is_scaled_from_its_real_depth(bits, as_file):
    full_scale = 2**bits - 1
    values = np.rint(np.linspace(0, full_scale, 600)).astype(np.uint16).reshape(20, 30)
    picture = encoded(Image.fromarray(values), "TIFF") if as_file else values

    pixels = load_upright(picture)

    assert np.abs(pixels - 255 * (values / full_scale)).max() <= 0.5


def test_float_tiff_in_0_to_1_is_accepted(rng):
    values = rng.random((20, 30), dtype=np.float32)

    pixels = load_upright(encoded(Image.fromarray(values), "TIFF"))

    assert np.abs(pixels - 255 * values).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0)], ids=["black ink", "white ink"])
def test_ink_on_transparent_ground_stands_out(mode, ink, paper):
    opaque = (ink, 255) if mode == "LA" else (ink, ink, ink, 255)
    clear = (ink, 0) if mode == "LA" else (ink, ink, ink, 0)

    page = load(with_ink(clear, opaque, mode))

    assert (page[12:52, 28:36] == ink).all()
    assert page[0, 0] == paper
    assert (page == paper).sum() == 64 * 64 - 40 * 8


def test_ink_on_a_transparent_palette_colour_stands_out():
    image = Image.new("P", (64, 64), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(0, (28, 12, 36, 52))
    data = encoded(image, "PNG", transparency=1)

    pixels = load_upright(data)

    assert (pixels[12:52, 28:36] == (10, 20, 30)).all()
    assert (pixels[:, :28] == WHITE).all()


def test_ink_on_a_transparent_rgb_colour_stands_out():
    image = with_ink((1, 2, 3), (90, 80, 70), "RGB")
    data = encoded(image, "PNG", transparency=(1, 2, 3))

    pixels = load_upright(data)

    assert (pixels[12:52, 28:36] == (90, 80, 70)).all()
    assert (pixels[:, :28] == WHITE).all()


@pytest.mark.parametrize("colour", [(200, 180, 150), (30, 50, 40)])
def test_transparent_corners_of_opaque_paper_become_paper(colour):
    image = with_ink((*colour, 255), (90, 80, 70, 255), "RGBA")
    image.paste((255, 0, 255, 0), (0, 0, 10, 10))

    pixels = load_upright(image)

    assert (pixels[:10, :10] == colour).all()
    assert (pixels[12:52, 28:36] == (90, 80, 70)).all()


def test_half_transparent_ink_is_mixed_with_the_paper():
    image = with_ink((0, 0, 0, 0), (0, 0, 0, 255), "RGBA")
    image.putpixel((5, 5), (0, 0, 0, 51))

    assert load_upright(image)[5, 5].tolist() == [204, 204, 204]


def test_a_wholly_transparent_picture_is_blank():
    assert np.ptp(load(Image.new("RGBA", (20, 20), (0, 0, 0, 0)))) == 0


def test_an_opaque_alpha_channel_changes_nothing(rng):
    values = noise(rng, 20, 30, 3)
    opaque = np.dstack([values, np.full((20, 30), 255, np.uint8)])

    assert (load_upright(opaque) == values).all()
    assert (load_upright(Image.fromarray(opaque)) == values).all()


def test_grey_is_luminance_where_that_shows_the_ink():
    page = load(with_ink(WHITE, BLACK, "RGB"))

    assert (page == np.asarray(with_ink(255, 0, "L"))).all()


def test_grey_is_a_channel_where_ink_and_paper_have_the_same_luminance():
    red, green = (200, 60, 60), (60, 131, 60)
    image = with_ink(green, red, "RGB")
    luminance = np.asarray(image.convert("L")).astype(int)
    assert np.ptp(luminance) <= 2

    page = load(image).astype(int)

    assert abs(page[30, 32] - page[30, 10]) >= 70


@pytest.mark.parametrize("shape", [(3, 3), (3, 100), (100, 3)])
def test_the_smallest_pictures_are_loaded(rng, shape):
    assert min(shape) == MIN_SIDE_PX
    values = noise(rng, *shape)

    assert (load(values) == values).all()


def test_a_picture_of_the_largest_size_is_loaded():
    side = int((MAX_MEGAPIXELS * 1e6) ** 0.5)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(png_of_size(side, side)).shape == (side, side)


# Files of several pages


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


@pytest.mark.parametrize("kind", ["path", "bytes", "file", "PIL"])
def test_the_pages_of_a_tiff_are_its_pictures(rng, tmp_path, kind):
    originals = sheets(rng)
    path = tmp_path / "scan.tif"
    path.write_bytes(tiff(originals))
    picture = {
        "path": lambda: path,
        "bytes": path.read_bytes,
        "file": lambda: io.BytesIO(path.read_bytes()),
        "PIL": lambda: Image.open(io.BytesIO(path.read_bytes())),
    }[kind]()

    found = list(load_pages(picture))

    assert [page.tolist() for page in found] == [np.asarray(each).tolist() for each in originals]


def test_every_page_of_a_tiff_is_turned_as_its_own_exif_says(rng):
    originals = sheets(rng)
    frames = []
    for orientation, image in zip((1, 6, 3), originals, strict=True):
        exif = Image.Exif()
        exif[0x0112] = orientation
        frames.append(Image.open(io.BytesIO(encoded(image, "TIFF", exif=exif))))

    found = [page.tolist() for page in load_pages(tiff(frames))]

    pixels = [np.asarray(each) for each in originals]
    assert found == [
        pixels[0].tolist(),
        np.rot90(pixels[1], -1).tolist(),
        pixels[2][::-1, ::-1].tolist(),
    ]


def test_the_pages_of_a_pdf_are_drawn_at_200_dots_an_inch():
    page = Image.new("L", (400, 300), 255)
    page.paste(0, (100, 50, 150, 250))
    other = page.transpose(Image.Transpose.ROTATE_90)

    first, second = load_pages(pdf([page, other]))

    assert (first.shape, second.shape) == ((300, 400, 3), (400, 300, 3))
    assert np.abs(first.astype(int) - np.asarray(page)[..., None]).mean() < 2
    assert np.abs(second.astype(int) - np.asarray(other)[..., None]).mean() < 2


def test_a_pdf_of_one_page_is_a_picture(tmp_path):
    path = tmp_path / "form.pdf"
    path.write_bytes(b"\n" + drawn_pdf(b"/MediaBox[0 0 144 72]", b"1 0 0 rg 72 0 72 72 re f"))

    page = load_upright(path)

    assert page.shape == (200, 400, 3)
    assert (page[:, :198] == WHITE).all()
    assert (page[:, 202:] == (255, 0, 0)).all()


def test_notes_drawn_on_a_pdf_are_seen():
    note = (
        b"/MediaBox[0 0 144 72]/Annots[<</Type/Annot/Subtype/Square/Rect[36 18 108 54]"
        b"/C[0 0 0]/IC[0 0 0]>>]"
    )

    page = load(drawn_pdf(note))

    assert (page[90:110, 150:250] < 10).all()
    assert (page[:40] == 255).all()


def test_a_pdf_page_is_turned_as_it_says():
    page = load(drawn_pdf(b"/MediaBox[0 0 144 72]/Rotate 90", b"0 0 72 72 re f"))

    assert page.shape == (400, 200)
    assert (page[:198] == 0).all()
    assert (page[202:] == 255).all()


@pytest.mark.parametrize("sides", [(14_400, 14_400), (200, 1_000_000), (100_000, 1_000)])
def test_a_huge_pdf_page_is_drawn_with_fewer_dots(sides):
    page = load_upright(drawn_pdf(b"/MediaBox[0 0 %d %d]" % sides))

    height, width, _ = page.shape
    assert 0.97 * MAX_MEGAPIXELS * 1e6 < width * height <= MAX_MEGAPIXELS * 1e6
    assert width / height == pytest.approx(sides[0] / sides[1], rel=0.02)


@pytest.mark.parametrize("encode", [tiff, pdf])
def test_several_pages_are_no_one_picture(rng, tmp_path, encode):
    path = tmp_path / "scans"
    path.write_bytes(encode(sheets(rng)))

    for picture, named in ((path, str(path)), (path.read_bytes(), "")):
        with pytest.raises(
            ImageError, match=r"expected one picture, received 3 pages.*read_pages"
        ) as info:
            load(picture)
        assert str(info.value).startswith(named)


@pytest.mark.parametrize("encode", [tiff, pdf])
def test_open_pages_are_loaded_in_any_order(rng, encode):
    data = encode(sheets(rng))
    in_order = list(load_pages(data))

    with open_pages(data) as opened:
        assert len(opened) == 3
        for index in (2, 0, 1, 0):
            assert (opened[index] == in_order[index]).all()
        for index in (-1, 3):
            with pytest.raises(IndexError, match="expected a page from 0 to 2"):
                _ = opened[index]


@pytest.mark.parametrize("picture", [np.full((20, 30), 255, np.uint8), Image.new("L", (30, 20))])
def test_any_other_picture_is_one_page(picture):
    assert [page.shape for page in load_pages(picture)] == [(20, 30)]


def test_pages_are_loaded_when_their_turn_comes(rng, tmp_path):
    good, bad = sheets(rng, 2)
    path = tmp_path / "half.tif"
    path.write_bytes(tiff([good, bad.resize((2, 2)), good]))

    turns = load_pages(path)

    assert next(turns).shape == (20, 40)
    with pytest.raises(ImageError, match=r"half.tif: page 2: expected at least 3 x 3"):
        next(turns)
    with open_pages(path) as opened:
        assert opened[2].shape == (20, 40)


def test_threads_may_read_pdfs_at_once(rng):
    data = [pdf(sheets(rng)) for _ in range(4)]
    expected = [[page.tolist() for page in load_pages(each)] for each in data]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each: [page.tolist() for page in load_pages(each)], data * 3))

    assert found == expected * 3


def test_reading_a_picture_loads_no_pdf_library():
    program = (
        "import sys, numpy; from inkread.imaging.images import load; "
        "load(numpy.zeros((9, 9), 'uint8')); "
        "print('pypdfium2' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


# Pictures that can't be read


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
        with pytest.raises(ImageError, match=r"expected one picture, received .*: 3 frames"):
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


# Scaling


def test_the_same_scale_returns_the_same_pixels(rng):
    pixels = noise(rng, 20, 30)

    assert (resize_by(pixels, 1.0) == pixels).all()


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.7, 8])
def test_sides_are_scaled_and_a_flat_colour_stays(shape, scale):
    result = resize_by(np.full(shape, 77, np.uint8), scale)

    assert result.shape == (round(20 * scale), round(30 * scale), *shape[2:])
    assert (result == 77).all()


def test_shrinking_averages_what_falls_on_a_pixel(rng):
    pixels = noise(rng, 20, 30)

    means = pixels.reshape(10, 2, 15, 2).mean(axis=(1, 3))

    assert np.abs(resize_by(pixels, 0.5) - means).max() <= 0.5


def test_no_side_vanishes():
    assert resize_by(np.zeros((2, 300), np.uint8), 0.01).shape == (1, 3)
