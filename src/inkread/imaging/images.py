"""Loads pictures of any kind as upright pages: files, bytes, file objects, PIL images, arrays."""

import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from inkread.errors import ImageError
from inkread.imaging.input_files import read_file_object, read_path
from inkread.imaging.pdf import Pdf, is_pdf
from inkread.imaging.resize import resize_by
from inkread.imaging.tiff import count_pages

__all__ = [
    "MAX_MEGAPIXELS",
    "MAX_PAGES",
    "MIN_SIDE_PX",
    "Pages",
    "Picture",
    "load",
    "load_pages",
    "load_upright",
    "open_pages",
]

Picture = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | npt.NDArray[Any]

MAX_MEGAPIXELS = 64
MAX_PAGES = 10_000
MIN_SIDE_PX = 3
_MAX_VALUES = (255, 1023, 4095, 16383, 65535)  # of 8, 10, 12, 14 and 16 bit scanners
_BAND_ROWS = 64  # of a transparent picture that are blended at once, to save memory
_CONTRAST_SIDE_PX = 256  # of the longer side of the picture whose contrast is measured
_MIN_CONTRAST_RATIO = 1.6  # of a colour channel's contrast to luminance's, to be used instead
# The exceptions that Pillow's decoders raise on broken files; ImageError is none of these.
_DECODER_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, MemoryError,
    NotImplementedError, ArithmeticError, AttributeError, RuntimeError, struct.error,
)  # fmt: skip
# The file formats tried, in this order. Pillow knows more, some of them through other programs.
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM", "JPEG2000", "AVIF")
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX")


def load(picture: Picture) -> npt.NDArray[np.uint8]:
    """Load a picture as an upright grey page.

    As ``load_upright``; colours become the luminance, or the one of the three channels in which ink
    and paper differ clearly more.

    Args:
        picture: as for ``load_upright``.

    Returns:
        (H, W) uint8, 0 black, 255 white; ink may be darker or lighter than the paper.

    Raises:
        ImageError: as for ``load_upright``.
    """
    return _to_grey(load_upright(picture))


def load_upright(picture: Picture, max_megapixels: float = MAX_MEGAPIXELS) -> npt.NDArray[np.uint8]:
    """Load a picture as upright pixels.

    It is rotated as its EXIF orientation says. Transparent parts become paper: they get the median
    colour of the opaque parts if most of the picture is opaque, else white if the opaque parts are
    dark and black if they are light. 16 bit data is scaled from the smallest usual depth (8, 10,
    12, 14 or 16 bit) that holds it. A page of a PDF is drawn at 200 dots an inch, or fewer if that
    would be too large.

    Args:
        picture: a path, the bytes of an image file, a binary file object, a PIL image, or an array
            (H, W) or (H, W, 3 or 4), RGB or RGBA, uint8, uint16, or float in [0, 1].
        max_megapixels: that a page of a PDF is drawn with at most.

    Returns:
        (H, W) or (H, W, 3) uint8, RGB.

    Raises:
        ImageError: the picture is missing, empty, not an image, broken, animated, of several pages,
            locked with a password, too small, too large, or of another colour mode, dtype, shape or
            range than these.
    """
    with open_pages(picture, max_megapixels) as opened:
        if len(opened) != 1:
            raise ImageError(
                f"{opened.prefix}expected one picture, received {len(opened):,} pages: "
                "Reader.read_pages and the command `inkread read` read them all"
            )
        return opened[0]


def load_pages(picture: Picture) -> Iterator[npt.NDArray[np.uint8]]:
    """Load the pages of a PDF or TIFF file, or the single page of any other picture, lazily.

    Args:
        picture: as for ``load_upright``.

    Yields:
        Each page, (H, W) or (H, W, 3) uint8, RGB, as ``load_upright`` returns it.

    Raises:
        ImageError: as for ``load_upright``, except that several pages are allowed; a broken page
            raises it when its turn comes.
    """
    with open_pages(picture) as opened:
        for index in range(len(opened)):
            yield opened[index]


def open_pages(picture: Picture, max_megapixels: float = MAX_MEGAPIXELS) -> "Pages":
    """Open a picture for loading its pages in any order, even if some of them are broken.

    Args:
        picture: as for ``load_upright``.
        max_megapixels: that a page of a PDF is drawn with at most.

    Raises:
        ImageError: the picture is missing, empty, not an image, animated, locked with a password,
            or of too many pages.
    """
    if isinstance(picture, np.ndarray):
        array = picture
        return Pages(1, lambda _: _convert_array(array))
    if isinstance(picture, Image.Image):
        with _decoding():
            return _open_pil(picture)
    if isinstance(picture, str | os.PathLike):
        path = Path(picture)
        try:
            return _open_file(read_path(path), max_megapixels, prefix=f"{path}: ")
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error
    if isinstance(picture, bytes | bytearray | memoryview):
        return _open_file(bytes(picture), max_megapixels)
    if hasattr(picture, "read"):
        return _open_file(read_file_object(picture), max_megapixels)
    raise ImageError(
        "expected a path, bytes, a binary file object, a PIL image or a NumPy array, received "
        f"{type(picture).__name__}"
    )


class Pages:
    """The pages of an open picture, a context manager that closes it.

    ``len`` is the number of pages. An index, from 0, loads one page as ``load_upright`` does, or
    raises ImageError if that page is broken.
    """

    def __init__(
        self,
        num_pages: int,
        page: Callable[[int], npt.NDArray[np.uint8]],
        close: Callable[[], None] = lambda: None,
        prefix: str = "",
    ) -> None:
        """Wrap an open picture.

        Args:
            num_pages: number of pages.
            page: loads a page by its index.
            close: closes the picture.
            prefix: prepended to the texts of errors.
        """
        self._num_pages = num_pages
        self._page = page
        self.close = close
        self.prefix = prefix

    def __len__(self) -> int:
        """Return the number of pages."""
        return self._num_pages

    def __getitem__(self, index: int) -> npt.NDArray[np.uint8]:
        """Load one page: (H, W) or (H, W, 3) uint8, RGB."""
        if not 0 <= index < self._num_pages:
            raise IndexError(f"expected a page from 0 to {self._num_pages - 1}, received {index}")
        try:
            return self._page(index)
        except ImageError as error:
            which = f"page {index + 1}: " if self._num_pages > 1 else ""
            raise ImageError(f"{self.prefix}{which}{error}") from error

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the picture."""
        self.close()


def _open_file(data: bytes, max_megapixels: float, prefix: str = "") -> Pages:
    if not data:
        raise ImageError("expected an image file, received no bytes")
    if is_pdf(data):
        pdf = Pdf(data)
        return Pages(
            _check_count(len(pdf)),
            lambda index: _convert_array(pdf.render(index, max_megapixels * 1e6)),
            pdf.close,
            prefix,
        )
    with _decoding(len(data)):
        num_pages = _check_count(count_pages(data, MAX_PAGES))
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        opened = _open_pil(image, num_pages)
        opened.close, opened.prefix = image.close, prefix
        return opened


def _check_count(num_pages: int) -> int:
    if num_pages > MAX_PAGES:
        raise ImageError(f"expected at most {MAX_PAGES:,} pages, received {num_pages:,}")
    return num_pages


@contextmanager
def _decoding(num_bytes: int = 0) -> Iterator[None]:
    """Convert the exceptions that Pillow raises to ImageError."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise ImageError(
            "expected an image file (PNG, JPEG, TIFF, WebP, BMP, GIF, PDF, …), received "
            f"{num_bytes:,} bytes of something else"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"expected at most {MAX_MEGAPIXELS} megapixels: {error}") from error
    except _DECODER_ERRORS as error:
        raise ImageError(
            f"the picture can't be decoded: {error or type(error).__name__}"
        ) from error


def _open_pil(image: Image.Image, num_pages: int | None = None) -> Pages:
    _check_size(image.width, image.height)
    if num_pages is None:
        num_pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    # Phones and cameras write JPEGs with previews as further frames (MPO); the first is the photo.
    if image.format not in ("MPO", "TIFF") and getattr(image, "is_animated", False):
        # To count those of a GIF, Pillow decodes all of them.
        count = "several" if image.format == "GIF" else f"{getattr(image, 'n_frames', 0):,}"
        raise ImageError(f"expected one picture, received an animation: {count} frames")
    return Pages(_check_count(num_pages), lambda index: _load_pil_page(image, index))


def _load_pil_page(image: Image.Image, index: int) -> npt.NDArray[np.uint8]:
    with _decoding():
        if index or image.format == "TIFF":
            image.seek(index)
        _check_size(image.width, image.height)
        if not (image.mode in _MODES or image.mode.startswith(("I", "F"))):
            raise ImageError(
                "expected a grey, palette or RGB picture, received mode "
                f"{image.mode}; convert it first"
            )
        # Rotated and converted only if needed: Pillow copies the picture even if nothing changes.
        is_upright = image.getexif().get(ExifTags.Base.Orientation, 1) == 1
        upright = image if is_upright else ImageOps.exif_transpose(image)
        if upright.mode.startswith(("I", "F")):  # 16 bit, 32 bit and float
            return _convert_array(_narrow_to_16_bit(np.asarray(upright)))
        grey = upright.mode in ("1", "L")
        mode = "RGBA" if upright.has_transparency_data else "L" if grey else "RGB"
        return _convert_array(
            np.asarray(upright if upright.mode == mode else upright.convert(mode))
        )


def _narrow_to_16_bit(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert 32 bit integers that fit to 16 bit: Pillow loads some 16 bit files as 32 bit."""
    if pixels.dtype == np.int32 and pixels.size and pixels.min() >= 0 and pixels.max() <= 65535:
        return pixels.astype(np.uint16)
    return pixels


def _convert_array(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return an array of any allowed shape and dtype as (H, W) or (H, W, 3) uint8, RGB."""
    array = np.asarray(array)  # a masked array or another subclass becomes a plain one
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(
            f"expected an array of shape (H, W), (H, W, 3) or (H, W, 4), received {array.shape}"
        )
    _check_size(array.shape[1], array.shape[0])
    if array.dtype == np.uint8:
        pixels = array
    elif array.dtype == np.uint16:
        max_value = next(value for value in _MAX_VALUES if array.max() <= value)
        pixels = cv2.convertScaleAbs(array, alpha=255 / max_value)
    elif array.dtype.kind == "f":
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= 1):  # false for NaN too
            raise ImageError(f"expected float values in [0, 1], received {low} to {high}")
        pixels = np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    else:
        raise ImageError(f"expected dtype uint8, uint16 or float, received {array.dtype}")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _blend_onto_paper(pixels)
    return np.ascontiguousarray(pixels)


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE_PX:
        raise ImageError(
            f"expected at least {MIN_SIDE_PX} x {MIN_SIDE_PX} pixels, received {width} x {height}"
        )
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise ImageError(
            f"expected at most {MAX_MEGAPIXELS} megapixels, received {width} x {height}: "
            f"{width * height / 1e6:,.0f} megapixels"
        )


def _blend_onto_paper(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Replace transparency by the paper's colour (see ``load_upright``): (H, W, 4) to (H, W, 3)."""
    bands = [pixels[top : top + _BAND_ROWS] for top in range(0, len(pixels), _BAND_ROWS)]
    opacity = sum(int(band[..., 3].sum(dtype=np.int64)) for band in bands)
    opacity_share = opacity / (255 * pixels.shape[0] * pixels.shape[1])
    if opacity_share == 1.0:
        return np.ascontiguousarray(pixels[..., :3])
    # (3, 256): how often each value of each channel stands in the opaque parts
    counts = np.zeros((3, 256), np.int64)
    for band in bands:
        opaque = band[band[..., 3] >= 128]
        for channel in range(3):
            counts[channel] += np.bincount(opaque[:, channel], minlength=256)
    num_opaque = int(counts[0].sum())
    if opacity_share > 0.5 and num_opaque:
        paper = np.array([_find_median(channel) for channel in counts])
    else:
        dark = not num_opaque or (counts @ np.arange(256)).sum() / (3 * num_opaque) < 128
        paper = np.full(3, 255.0 if dark else 0.0)
    blended = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top, band in zip(range(0, len(pixels), _BAND_ROWS), bands, strict=True):
        alpha = band[..., 3:].astype(np.float32) / 255
        mixed = band[..., :3] * alpha + paper.astype(np.float32) * (1 - alpha)
        blended[top : top + _BAND_ROWS] = np.rint(mixed)
    return blended


def _find_median(counts: npt.NDArray[np.int64]) -> float:
    """Return the median of values from 0 by how often each occurs."""
    sums, total = np.cumsum(counts), int(counts.sum())
    low = np.searchsorted(sums, (total + 1) // 2)
    high = np.searchsorted(sums, total // 2 + 1)
    return float(low + high) / 2


def _to_grey(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the luminance, or a colour channel in which the ink has clearly more contrast."""
    if pixels.ndim == 2:
        return pixels
    small = resize_by(pixels, min(1.0, _CONTRAST_SIDE_PX / max(pixels.shape)))
    channels = cv2.split(small)
    if any(cv2.absdiff(channels[0], other).max() > 1 for other in channels[1:]):  # not grey
        luminance = _measure_contrast(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        contrasts = [_measure_contrast(channel) for channel in channels]
        best = int(np.argmax(contrasts))
        # Luminance has the least noise of the four, so another must be clearly better.
        if contrasts[best] > _MIN_CONTRAST_RATIO * luminance:
            return np.ascontiguousarray(pixels[..., best])
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))


def _measure_contrast(grey: npt.NDArray[np.uint8]) -> float:
    """Return the difference between strokes and the paper around them, in grey levels."""
    paper = cv2.medianBlur(grey, 31)
    return float(np.percentile(cv2.absdiff(grey, paper), 98)) + 1.0
