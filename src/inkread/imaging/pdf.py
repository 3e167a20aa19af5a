"""Draws pages of PDF files with PDFium, which is imported when the first PDF is opened."""

import math
import threading

import numpy as np
import numpy.typing as npt

from inkread.errors import ImageError

__all__ = ["DPI", "Pdf", "is_pdf"]

DPI = 200  # the usual resolution of scanned forms; an A4 page has 1654 x 2339 pixels

_POINTS_PER_INCH = 72
_MAX_SIGNATURE_OFFSET = 1024  # bytes; PDF readers look for the signature as far into the file
# PDFium isn't thread-safe, even for different documents.
_lock = threading.RLock()


def is_pdf(data: bytes) -> bool:
    """Return whether a file is a PDF by its signature, before which white space may stand."""
    return data[:_MAX_SIGNATURE_OFFSET].lstrip(b"\0\t\n\f\r \xef\xbb\xbf").startswith(b"%PDF-")


class Pdf:
    """An open PDF file, which several threads may use. Close it after use."""

    def __init__(self, data: bytes) -> None:
        """Open a PDF.

        Args:
            data: the bytes of the file.

        Raises:
            ImageError: it is broken, without pages, or locked with a password.
        """
        with _lock:
            import pypdfium2

            try:
                self._document = pypdfium2.PdfDocument(data)
            except pypdfium2.PdfiumError as error:
                if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
                    raise ImageError(
                        "expected a PDF that opens without a password, received a locked one"
                    ) from error
                raise ImageError(f"the PDF is broken: {error}") from error

    def __len__(self) -> int:
        """Return the number of pages that the file declares."""
        with _lock:
            return len(self._document)

    def measure_page(self, index: int) -> tuple[float, float]:
        """Return the width and height of a page in points, 72 to an inch.

        Args:
            index: of the page, from 0.

        Raises:
            ImageError: the page is broken.
        """
        import pypdfium2

        with _lock:
            try:
                page = self._document[index]
                width, height = page.get_size()
                page.close()
            except pypdfium2.PdfiumError as error:
                raise ImageError(f"the page is broken: {error}") from error
        return width, height

    def render(self, index: int, max_pixels: float) -> npt.NDArray[np.uint8]:
        """Draw a page with its annotations on white.

        Args:
            index: of the page, from 0.
            max_pixels: largest number of pixels of the result; the resolution is ``DPI``, or as
                much lower as this demands.

        Returns:
            (H, W, 3) uint8, RGB.

        Raises:
            ImageError: the page is broken or has no size.
        """
        import pypdfium2

        with _lock:
            try:
                page = self._document[index]
            except pypdfium2.PdfiumError as error:
                raise ImageError(f"the page is broken: {error}") from error
            try:
                width, height = page.get_size()
                scale = _compute_scale(width, height, max_pixels)
                bitmap = page.render(scale=scale, rev_byteorder=True)
                pixels = np.asarray(bitmap.to_numpy())  # it keeps the memory alive, not the bitmap
                bitmap.close()
            except (pypdfium2.PdfiumError, ValueError, MemoryError) as error:
                raise ImageError(f"the page can't be drawn: {error}") from error
            finally:
                page.close()
        return pixels

    def close(self) -> None:
        """Close the file; closing it again does nothing."""
        with _lock:
            self._document.close()


def _compute_scale(width: float, height: float, max_pixels: float) -> float:
    """Return the resolution in pixels per point for a page of this size in points."""
    if not (0 < width < math.inf and 0 < height < math.inf):  # false for NaN too
        raise ImageError(f"expected a page with a size, received one of {width:g} x {height:g}")
    # PDFium rounds sides up: (width * scale + 1) * (height * scale + 1) <= max_pixels must hold.
    area, half_sides = width * height, (width + height) / 2
    largest = (max_pixels - 1) / (half_sides + math.sqrt(half_sides**2 + area * (max_pixels - 1)))
    return min(DPI / _POINTS_PER_INCH, largest)
