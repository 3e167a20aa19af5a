import numpy as np
import pytest
from PIL import Image

from inkread.batch.annotate import draw_annotated, save_annotated
from inkread.results import Box, Digit, Number, Page

BOX = Box(100, 80, 160, 200)


def number(*, rejected: bool, box: Box = BOX) -> Number:
    text = "?" if rejected else "4"
    digit = Digit(4, 0.9, box, (0.1,) + (0.0,) * 3 + (0.9,) + (0.0,) * 5, rejected)
    return Number(text, 0.9, box, (digit,), rejected)


def page(width: int, height: int, *numbers: Number) -> Page:
    return Page(numbers, width, height, "glyph-cascade")


def white(width: int, height: int) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


def changed(pixels: np.ndarray, result: Page) -> np.ndarray:
    """(H, W) bool: where the annotation drew over the picture; the margin is cut off."""
    before = np.asarray(draw_annotated(pixels, page(result.width, result.height)))
    after = np.asarray(draw_annotated(pixels, result))
    margin = after.shape[0] - result.height
    return (before != after).any(axis=2)[margin:]


def test_the_picture_keeps_its_pixels_below_a_margin(rng):
    pixels = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)

    result = draw_annotated(pixels, page(400, 300))

    assert (result.mode, result.width) == ("RGB", 400)
    assert 300 < result.height < 360
    margin = result.height - 300
    assert (np.asarray(result)[margin:] == pixels).all()
    assert (np.asarray(result)[:margin] == 255).all()


def test_grey_pictures_come_out_as_colour():
    result = draw_annotated(np.full((300, 400), 90, np.uint8), page(400, 300))

    assert result.mode == "RGB"
    assert result.getpixel((200, result.height - 1)) == (90, 90, 90)


def test_the_box_is_outlined_and_its_inside_left_alone():
    drawn = changed(white(400, 300), page(400, 300, number(rejected=False)))

    assert drawn[80:200, 100].all()
    assert drawn[80, 100:160].all()
    assert drawn[80:200, 159:162].any(axis=1).all()
    assert drawn[199:202, 100:160].any(axis=0).all()
    assert not drawn[90:190, 106:154].any()
    assert not drawn[210:].any()


@pytest.mark.parametrize(("rejected", "channel"), [(False, 1), (True, 0)])
def test_a_read_digit_is_green_and_a_rejected_one_red(rejected, channel):
    result = draw_annotated(white(400, 300), page(400, 300, number(rejected=rejected)))

    colour = result.getpixel((BOX.left, result.height - 300 + 140))

    assert int(np.argmax(colour)) == channel
    assert max(colour) > 2 * sorted(colour)[1] - 1


@pytest.mark.parametrize(("rejected", "channel"), [(False, 1), (True, 0)])
def test_the_text_stands_above_the_box_in_the_same_colour(rejected, channel):
    result = draw_annotated(white(400, 300), page(400, 300, number(rejected=rejected)))

    top = result.height - 300 + BOX.top
    above = np.asarray(result)[top - 25 : top - 1].reshape(-1, 3)
    written = above[above.max(axis=1) < 220]

    assert len(written) > 20
    assert (written.argmax(axis=1) == channel).all()


def test_every_digit_of_every_number_has_its_box():
    boxes = [Box(20, 50, 40, 90), Box(60, 50, 80, 90), Box(200, 200, 230, 260)]

    drawn = changed(
        white(400, 300), page(400, 300, *(number(rejected=False, box=box) for box in boxes))
    )

    for box in boxes:
        assert drawn[box.top : box.bottom, box.left].all()


def test_writing_at_the_edges_stays_on_the_picture():
    corners = [Box(0, 0, 20, 20), Box(380, 280, 400, 300)]

    result = draw_annotated(
        white(400, 300), page(400, 300, *(number(rejected=True, box=box) for box in corners))
    )

    margin = result.height - 300
    last_columns = np.asarray(result)[margin + 240 : margin + 280, 330:400]
    assert (last_columns.max(axis=2) < 220).any()


@pytest.mark.parametrize("shape", [(3, 3), (28, 28), (3, 200), (200, 3)])
def test_tiny_pictures_are_enlarged_with_their_boxes(shape):
    height, width = shape
    whole = Box(0, 0, width, height)

    result = draw_annotated(
        np.zeros(shape, np.uint8), page(width, height, number(rejected=False, box=whole))
    )

    scale = 240 / max(shape)
    assert result.width == pytest.approx(scale * width, abs=1)
    assert result.height > scale * height
    assert (np.asarray(result).argmax(axis=2) == 1).any()


def test_the_given_pixels_are_not_changed():
    pixels = white(400, 300)

    draw_annotated(pixels, page(400, 300, number(rejected=False)))

    assert (pixels == 255).all()


def test_the_saved_file_is_the_drawn_picture_as_png(tmp_path):
    result = page(400, 300, number(rejected=False))
    path = tmp_path / "new" / "annotated.png"

    save_annotated(white(400, 300), result, path)

    with Image.open(path) as saved:
        assert saved.format == "PNG"
        assert (np.asarray(saved) == np.asarray(draw_annotated(white(400, 300), result))).all()
    assert list(path.parent.iterdir()) == [path]


def test_saving_where_a_file_stands_in_the_way_raises_and_leaves_it(tmp_path):
    (tmp_path / "file").write_text("kept")

    with pytest.raises(OSError, match="file"):
        save_annotated(white(30, 30), page(30, 30), tmp_path / "file" / "annotated.png")

    assert (tmp_path / "file").read_text() == "kept"
