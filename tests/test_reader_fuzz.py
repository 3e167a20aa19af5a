import io

import cv2
import numpy as np
import pytest
from drawn_pictures import encoded, written
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import inkread
from inkread import Digit, ImageError, InkreadError, Number, Page, Reader


def read_every_way(reader: Reader, picture: object) -> None:
    for read, kind in (
        (reader.read, Page),
        (reader.read_number, Number),
        (reader.read_digit, Digit),
    ):
        try:
            result = read(picture)
        except InkreadError as error:
            assert str(error)  # noqa: PT017 - either a result or an error with a message is right
        else:
            assert isinstance(result, kind)
            assert kind.from_dict(result.to_dict()) == result


@settings(deadline=None, max_examples=60)
@given(
    array=hnp.arrays(
        hnp.scalar_dtypes()
        | hnp.byte_string_dtypes()
        | hnp.unicode_string_dtypes()
        | hnp.array_dtypes(),
        hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6),
    )
)
def test_no_array_raises_another_error(reader, array):
    read_every_way(reader, array)


@settings(deadline=None, max_examples=60)
@given(
    array=st.sampled_from(["uint8", "uint16", "float16", "float32", "float64"]).flatmap(
        lambda dtype: hnp.arrays(
            dtype,
            st.tuples(st.integers(3, 40), st.integers(3, 40), st.sampled_from([0, 3, 4])).map(
                lambda shape: shape if shape[2] else shape[:2]
            ),
            elements={"min_value": 0, "max_value": 1} if dtype.startswith("float") else None,
        )
    )
)
def test_no_small_picture_raises_another_error(reader, array):
    read_every_way(reader, array)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(3, 150), st.integers(3, 150)),
    cells=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    levels=st.integers(2, 5),
)
def test_no_picture_of_blots_raises_another_error(reader, seed, size, cells, levels):
    blots = np.random.default_rng(seed).integers(0, levels, cells) * (255 // (levels - 1))

    picture = cv2.resize(blots.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)

    read_every_way(reader, picture)


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=300))
def test_no_bytes_raise_another_error(reader, data):
    read_every_way(reader, data)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damage that it can repair
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"])
@settings(deadline=None, max_examples=20)
@given(
    changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=8),
    cut=st.floats(0, 1),
)
def test_no_damaged_file_raises_another_error(reader, file_format, changes, cut):
    data = bytearray(encoded(cv2.bitwise_not(written("4").ink), file_format))
    for place, value in changes:
        data[place % len(data)] = value

    read_every_way(reader, bytes(data))
    read_every_way(reader, bytes(data[: round(cut * len(data))]))


@pytest.mark.parametrize(
    "picture", [None, 5, [[0, 255]], object(), "", "no such file", io.StringIO("4")]
)
def test_no_other_object_raises_another_error(reader, picture):
    for read in (reader.read, reader.read_number, reader.read_digit, inkread.read):
        with pytest.raises(ImageError, match=r"expected"):
            read(picture)


@pytest.mark.parametrize("dtype", [object, "O,u1", "V4", "datetime64[D]", np.longdouble])
def test_no_unusual_dtype_raises_another_error(reader, dtype):
    read_every_way(reader, np.zeros((20, 20), dtype))
