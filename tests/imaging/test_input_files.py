import os
import socket
import struct
import tracemalloc

import pytest
from command_line import METER, run
from picture_files import encoded
from PIL import Image

from inkread.errors import ImageError
from inkread.imaging.images import MAX_PAGES, load, load_pages, open_pages
from inkread.imaging.tiff import count_pages


@pytest.fixture
def folder(tmp_path):
    """A good picture among what is none, or can't be read."""
    os.mkfifo(tmp_path / "1.png")
    with (tmp_path / "2.png").open("wb") as sparse:
        sparse.truncate(100_000_000_000)
    (tmp_path / "3.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "4.png"))
    (tmp_path / "5.png").write_bytes(METER.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1.png", "expected a file, received a pipe"),
        ("2.png", "expected a file of at most 1,000 MB"),
        ("3.png", "expected a file, received a device"),
        ("4.png", "expected a file, received a socket"),
    ],
)
def test_only_regular_files_of_limited_size_are_read(folder, name, said):
    with pytest.raises(ImageError, match=said):
        load(folder / name)


def test_what_cannot_be_read_in_a_folder_does_not_take_the_good_pictures_with_it(folder):
    result = run("read", folder)
    assert result.exit_code == 1
    assert "40713" in result.stdout
    assert [line.split(":")[1] for line in result.stderr.splitlines()] == [
        f" {folder / f'{number}.png'}" for number in (1, 2, 3, 4)
    ]


def test_an_endless_file_object_is_read_no_further_than_the_limit():
    class Endless:
        num_bytes = 0

        def read(self, count):
            self.num_bytes += count
            return b"\0" * (count // 1000) if count < 2e9 else b""

    endless = Endless()
    with pytest.raises(ImageError):
        load(endless)
    assert 0 < endless.num_bytes < 2e9


def tiff_of(num_directories):
    """A TIFF file of so many directories that all describe one picture of 8 x 8 pixels."""
    entries = [(256, 3, 8), (257, 3, 8), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    entries += [(278, 3, 8), (279, 4, 64)]
    data, size = bytearray(b"II*\0" + struct.pack("<I", 72) + bytes(64)), 2 + 12 * len(entries) + 4
    for number in range(num_directories):
        following = len(data) + size if number + 1 < num_directories else 0
        data += struct.pack("<H", len(entries))
        for tag, kind, value in entries:
            data += struct.pack("<HHII", tag, kind, 1, value)
        data += struct.pack("<I", following)
    return bytes(data)


def test_directories_are_counted_no_further_than_the_limit():
    with pytest.raises(ImageError, match=f"at most {MAX_PAGES:,} pages"):
        open_pages(tiff_of(40_000))
    with open_pages(tiff_of(300)) as opened:
        assert len(opened) == 300
        assert opened[299].shape == (8, 8)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_pages_of_any_kind_of_tiff_are_counted(order):
    big = (b"II+\0" if order == "<" else b"MM\0+") + struct.pack(order + "HHQ", 8, 0, 16)
    big += struct.pack(order + "QQ", 0, 32) + struct.pack(order + "QQ", 0, 0)
    assert count_pages(big, 9) == 2
    plain = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    plain += struct.pack(order + "HI", 0, 14) + struct.pack(order + "HI", 0, 8)
    assert count_pages(plain, 9) == 2  # the third would be the first again
    assert count_pages(plain[:12], 9) == 1
    assert count_pages(b"no TIFF", 9) == 1


def test_a_tiff_of_pillow_has_as_many_pages_as_pillow_counts():
    frames = [Image.new("L", (8, 8), shade) for shade in (10, 20, 30)]
    data = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert [page[0, 0] for page in load_pages(data)] == [10, 20, 30]


def test_the_frames_of_a_gif_are_not_decoded_to_be_counted():
    frames = [Image.new("L", (200, 200), shade) for shade in range(250)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    tracemalloc.start()
    with pytest.raises(ImageError, match="an animation: several frames"):
        load(data)
    tracemalloc.stop()
