import io
import tracemalloc
import warnings

import numpy as np
import pytest
from picture_files import (
    encoded,
    noise,
    png_of_size,
    with_ink,
)
from PIL import Image, ImageOps

from inkread.imaging.images import (
    MAX_MEGAPIXELS,
    MIN_SIDE_PX,
    load,
    load_upright,
)

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


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


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_transparency_is_blended_as_written_out_and_in_little_memory(rng, share):
    pixels = rng.integers(0, 256, (1500, 1000, 4), np.uint8)
    pixels[..., 3] = np.where(rng.random((1500, 1000)) < share, pixels[..., 3] | 128, 0)
    colour, alpha = pixels[..., :3].astype(float), pixels[..., 3:] / 255
    opaque = colour[alpha[..., 0] > 0.5]
    if alpha.mean() > 0.5:
        paper = np.median(opaque, axis=0)
    else:
        paper = np.full(3, 255.0 if opaque.mean() < 128 else 0.0)
    expected = colour * alpha + paper * (1 - alpha)
    tracemalloc.start()
    found = load_upright(pixels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.abs(found - expected).max() <= 0.51
    assert peak < 5 * pixels[..., 0].size
