import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from picture_files import (
    drawn_pdf,
    encoded,
    pdf,
    sheets,
    tiff,
)
from PIL import Image

from inkread.errors import ImageError
from inkread.imaging.images import (
    MAX_MEGAPIXELS,
    load,
    load_pages,
    load_upright,
    open_pages,
)

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


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
