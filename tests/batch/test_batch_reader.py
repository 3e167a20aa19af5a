import os
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkread.batch.batch_reader import (
    PictureInput,
    ReadAs,
    ReadSettings,
    choose_num_processes,
    read_files,
)
from inkread.errors import ConfigError, ImageError, ModelError
from inkread.imaging import images

SAMPLES = Path(str(resources.files("inkread") / "samples"))
METER, CHALK = SAMPLES / "meter-40713.png", SAMPLES / "chalk-1969.png"
NUMBERS = ReadSettings(read_as=ReadAs.NUMBER)


def inputs(*paths):
    return [PictureInput(str(path), str(path)) for path in paths]


def texts(outcome):
    return [number.text for number in outcome.page.numbers]


def blank(path, width):
    Image.new("L", (width, 20), 255).save(path)
    return path


def of_pages(path, *sources):
    pages = [Image.open(source).convert("L") for source in sources]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


@pytest.mark.parametrize("num_processes", [1, 2])
def test_outcomes_are_in_the_order_of_the_inputs(tmp_path, num_processes):
    """Slow ones and errors in between; more of them than are read ahead."""
    slow = of_pages(tmp_path / "slow.tif", METER, CHALK, METER)
    named = inputs(slow, *(blank(tmp_path / f"{width}.png", width) for width in range(30, 70)))
    named[7] = PictureInput("no.png", str(tmp_path / "no.png"))
    named[23] = PictureInput("known", "", problem="expected something else")
    outcomes = list(read_files(named, NUMBERS, num_processes=num_processes))
    assert [each.name for each in outcomes] == [str(slow)] * 2 + [each.name for each in named]
    assert [each.is_last for each in outcomes] == [False] * 2 + [True] * len(named)
    assert [each.page.page for each in outcomes[:3]] == [1, 2, 3]
    assert [texts(each) for each in outcomes[:3]] == [["40713"], ["1969"], ["40713"]]
    failed = {each.name: each.error for each in outcomes if each.error}
    assert set(failed) == {"no.png", "known"}
    assert failed["known"] == "expected something else"
    widths = [each.page.width for each in outcomes[3:] if each.page]
    assert widths == [width for index, width in enumerate(range(30, 70), start=1)
                      if index not in (7, 23)]  # fmt: skip


@pytest.mark.parametrize("num_processes", [1, 2])
def test_what_cannot_be_read_has_an_error_that_does_not_repeat_its_name(tmp_path, num_processes):
    text, half, missing = (tmp_path / name for name in ("t.png", "half.png", "missing.png"))
    text.write_text("not a picture")
    half.write_bytes(METER.read_bytes()[:500])
    named = [*inputs(text, half, missing, METER), PictureInput("-", b"nothing")]
    *failed, read, stdin = read_files(named, NUMBERS, num_processes=num_processes)
    for outcome in (*failed, stdin):
        assert (outcome.page, outcome.is_last) == (None, True)
        assert outcome.error
        assert outcome.name not in outcome.error.split()
        assert str(tmp_path) not in outcome.error
    assert (read.error, texts(read)) == (None, ["40713"])


def test_a_page_that_cannot_be_read_leaves_the_others_readable(monkeypatch, tmp_path):
    path = of_pages(tmp_path / "three.tif", METER, CHALK, METER)
    load = images.Pages.__getitem__

    def damaged(self, index):
        if index == 1:
            raise ImageError(f"{path}: page 2 is damaged")
        return load(self, index)

    monkeypatch.setattr(images.Pages, "__getitem__", damaged)
    outcomes = list(read_files(inputs(path), NUMBERS))
    assert [each.error for each in outcomes] == [None, "page 2 is damaged", None]
    assert [each.page.page for each in outcomes if each.page] == [1, 3]
    assert [each.is_last for each in outcomes] == [False, False, True]


def test_memory_that_is_short_is_an_error_of_one_picture(monkeypatch, tmp_path):
    wide = blank(tmp_path / "wide.png", 300)
    load = images.Pages.__getitem__

    def large(self, index):
        pixels = load(self, index)
        if pixels.shape[1] == 300:
            raise MemoryError
        return pixels

    monkeypatch.setattr(images.Pages, "__getitem__", large)
    first, second = read_files(inputs(wide, METER), NUMBERS)
    assert first.error == "there is not enough memory to read it"
    assert texts(second) == ["40713"]


def test_annotated_pictures_of_several_pages_are_numbered(tmp_path):
    path = of_pages(tmp_path / "two.tif", METER, CHALK)
    target = tmp_path / "out" / "two.tif.png"
    outcomes = list(read_files([PictureInput("two", str(path), target)], ReadSettings()))
    assert [each.error for each in outcomes] == [None, None]
    assert sorted(each.name for each in target.parent.iterdir()) == [
        "two.tif-2.png", "two.tif.png",
    ]  # fmt: skip


def test_an_annotated_picture_that_cannot_be_saved_leaves_what_was_read(tmp_path):
    (tmp_path / "file").touch()
    named = PictureInput("a", str(METER), tmp_path / "file" / "a.png")
    (outcome,) = read_files([named], NUMBERS)
    assert texts(outcome) == ["40713"]
    assert str(tmp_path / "file") in outcome.error


def _children():
    """The processes that this one started and that read pictures."""
    own = os.getpid()
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            command = (status.parent / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if f"PPid:\t{own}\n" in text and b"spawn_main" in command:
            found.append(int(status.parent.name))
    return found


def test_stopping_in_the_middle_ends_the_processes(tmp_path):
    named = inputs(*(blank(tmp_path / f"{width}.png", width) for width in range(30, 60)))
    outcomes = read_files(named, NUMBERS, num_processes=2)
    assert next(outcomes).name == named[0].name
    assert _children()
    outcomes.close()
    assert _children() == []


@pytest.mark.parametrize("num_processes", [1, 2])
@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (ReadSettings(model="no-such-model"), ModelError),
        (ReadSettings(min_confidence=1.5), ConfigError),
        (ReadSettings(check="no-such-check"), ConfigError),
    ],
    ids=["model", "min_confidence", "check"],
)
def test_a_wrong_setting_is_no_fault_of_a_picture(settings, error, num_processes):
    with pytest.raises(error):
        list(read_files(inputs(METER, CHALK), settings, num_processes=num_processes))
    assert _children() == []


def test_a_length_is_demanded_of_every_number(tmp_path):
    settings = ReadSettings(read_as=ReadAs.NUMBER, length=4)
    four, five = read_files(inputs(CHALK, METER), settings)
    assert texts(four) == ["1969"]
    (number,) = five.page.numbers
    assert number.rejected or len(number.text) == 4
    assert number.unconstrained == "40713"


def test_one_digit_of_a_blank_picture_is_rejected(tmp_path):
    (outcome,) = read_files(
        inputs(blank(tmp_path / "blank.png", 30)), ReadSettings(read_as=ReadAs.DIGIT)
    )
    (number,) = outcome.page.numbers
    assert (number.text, number.rejected, number.digits) == ("", True, ())


def test_no_pictures_give_no_outcomes():
    assert list(read_files([], ReadSettings(), num_processes=1)) == []
    assert list(read_files([], ReadSettings(), num_processes=2)) == []


def test_processes_are_started_where_there_is_enough_to_read(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    assert [choose_num_processes(count) for count in (0, 1, 32, 33, 64, 65, 10_000)] == [
        1, 1, 1, 2, 2, 3, 4,
    ]  # fmt: skip


def test_arrays_of_pages_are_what_the_reader_reads_too(reader):
    (outcome,) = read_files(inputs(METER), ReadSettings())
    assert outcome.page == reader.read(np.asarray(Image.open(METER)))
