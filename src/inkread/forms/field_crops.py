"""Saves and finds pictures of the fields that are set aside, or cuts them from the scan again."""

import hashlib
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inkread.batch.sources import find_path
from inkread.errors import ImageError
from inkread.forms.align import Aligner, Alignment
from inkread.forms.extract import extract_field
from inkread.forms.journal import FormRecord
from inkread.forms.template import Template
from inkread.imaging import images

__all__ = ["FieldCrops", "save_crop"]

Grey = npt.NDArray[np.uint8]


def save_crop(folder: Path, form_id: str, name: str, crop: Grey) -> None:
    """Save the picture of a field as PNG.

    Args:
        folder: made if it isn't there.
        form_id: id of the form's record.
        name: name of the field.
        crop: (H, W) uint8, 0 black, 255 white.

    Raises:
        OSError: the file can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _crop_path(folder, form_id, name).write_bytes(bytes(cv2.imencode(".png", crop)[1]))


def _crop_path(folder: Path, form_id: str, name: str) -> Path:
    return folder / f"{form_id}-{name}.png"


class FieldCrops:
    """Finds the pictures of fields of forms that were read."""

    def __init__(self, template: Template, folder: Path | None = None) -> None:
        """Prepare for a form.

        Args:
            template: the form.
            folder: where pictures were saved; those that aren't there are cut from the scan.

        Raises:
            TemplateError: the picture of the blank form can't be used.
        """
        self._template = template
        self._folder = folder
        self._aligner = Aligner(template)
        # A form's fields are reviewed one after the other: its scan is aligned once.
        self._locate_cached = lru_cache(maxsize=2)(self._locate)

    def find(self, record: FormRecord, name: str) -> Grey:
        """Return the picture of a field as it was when the form was read: (H, W) uint8.

        Raises:
            ImageError: it was not saved, and the scan is gone, has changed, or can't be read.
        """
        if self._folder and (path := _crop_path(self._folder, record.form_id, name)).is_file():
            return images.load(path)
        page, alignment = self._locate_cached(record.scan, record.page, record.sha256)
        field, rect = self._template.field_named(name), self._template.rects[name]
        return extract_field(page, alignment, field, rect).grey

    def _locate(self, scan: str, page: int, sha256: str) -> tuple[Grey, Alignment]:
        path = find_path(scan)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ImageError(f"{scan}: expected the scan that was read: {error}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ImageError(f"{scan}: expected the scan that was read, received another file")
        with images.open_pages(data) as opened:
            pixels = images.load(opened[page - 1])
        return pixels, self._aligner.locate(pixels)
