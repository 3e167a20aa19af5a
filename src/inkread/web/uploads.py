"""Pictures that requests carry, as the raw body or as files in a form; their size is limited."""

import io
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from PIL import Image
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from inkread.imaging import images
from inkread.imaging.pdf import is_pdf
from inkread.web.middleware.problems import ProblemError

__all__ = [
    "Upload",
    "describe_picture_body",
    "load_limited",
    "load_limited_page",
    "media_type",
    "merge_fields",
    "receive_parts",
    "receive_picture",
]

T = TypeVar("T", bound=BaseModel)

_FORM_TYPE = "multipart/form-data"
_RAW_TYPES = ("", "application/octet-stream")
_PDF_TYPE = "application/pdf"
# How the files of pictures begin.
_SIGNATURES = (
    b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"RIFF", b"BM",
    b"GIF8", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51",
)  # fmt: skip
_MAX_FIELDS = 10
_MAX_FIELD_BYTES = 4096
_BINARY = {"type": "string", "format": "binary"}


@dataclass(frozen=True)
class Upload:
    """The picture in a request, and its other fields.

    Attributes:
        picture: the bytes of an image file.
        fields: the other fields of the form; empty if there was none.
    """

    picture: bytes
    fields: dict[str, str]


def describe_picture_body(**fields: dict[str, Any]) -> dict[str, Any]:
    """Describe the body of a request with a picture for OpenAPI.

    Args:
        fields: schemas of the form's other fields.
    """
    form = {
        "type": "object",
        "properties": {"image": _BINARY, **fields},
        "required": ["image"],
        "additionalProperties": False,
    }
    content = {
        **{kind: {"schema": _BINARY} for kind in ("image/png", "image/jpeg", _RAW_TYPES[1])},
        _FORM_TYPE: {"schema": form},
    }
    return {"requestBody": {"required": True, "content": content}}


def merge_fields(options: T, fields: dict[str, str]) -> T:
    """Return the options of the query, overridden by the fields of a form.

    Raises:
        RequestValidationError: an unknown field, or a value that is not as expected.
    """
    if not fields:
        return options
    try:
        return options.model_validate({**options.model_dump(exclude_unset=True), **fields})
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(errors) from error


def media_type(request: Request) -> str:
    """Return the media type of a request's body, in small letters and without parameters.

    Raises:
        ProblemError: the body is compressed as a whole.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise ProblemError(415, "media-type", f"expected a plain body, received one in {encoding}")
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def receive_picture(request: Request) -> Upload:
    """Read the picture that a request carries.

    Raises:
        ProblemError: another media type, no picture in the form, too large, too slow.
    """
    kind = media_type(request)
    if kind == _FORM_TYPE:
        return await _from_form(request)
    body = await request.body()
    # Curl says of any body that it is a form's: the bytes tell what it is.
    if kind in _RAW_TYPES or kind.startswith(("image/", _PDF_TYPE)) or _is_picture(body):
        return Upload(body, {})
    raise ProblemError(
        415, "media-type", f"expected a picture or a form with a picture, received {kind[:80]}"
    )


def _is_picture(body: bytes) -> bool:
    return body.startswith(_SIGNATURES) or body[4:8] == b"ftyp" or is_pdf(body)


async def _from_form(request: Request) -> Upload:
    limits = {"max_files": 1, "max_fields": _MAX_FIELDS, "max_part_size": _MAX_FIELD_BYTES}
    async with request.form(**limits) as form:
        picture = form.get("image")
        if not isinstance(picture, UploadFile):
            raise ProblemError(422, "invalid", "expected a file in the form's field image")
        fields = {name: text for name, text in form.items() if isinstance(text, str)}
        return Upload(await picture.read(), fields)


async def receive_parts(
    request: Request, names: Collection[str], max_text_bytes: int
) -> dict[str, bytes]:
    """Read the parts of a form, be they files or fields.

    Args:
        request: to read from.
        names: of the parts that may be there.
        max_text_bytes: of a part that is no file.

    Returns:
        The parts that the form has, by name.

    Raises:
        ProblemError: no form, an unknown part, too large, too slow.
    """
    kind = media_type(request)
    if kind != _FORM_TYPE:
        raise ProblemError(415, "media-type", f"expected {_FORM_TYPE}, received {kind[:80]}")
    count = len(names)
    limits = {"max_files": count, "max_fields": count, "max_part_size": max_text_bytes}
    async with request.form(**limits) as form:
        unknown = sorted(set(form) - set(names))
        if unknown:
            expected, received = ", ".join(names), ", ".join(unknown)[:80]
            raise ProblemError(
                422, "invalid", f"expected the parts {expected}, received {received}"
            )
        return {
            name: await part.read() if isinstance(part, UploadFile) else part.encode()
            for name, part in form.items()
        }


def load_limited(picture: bytes, max_megapixels: float) -> npt.NDArray[np.uint8]:
    """Load a picture, unless its header says that it has too many pixels.

    Args:
        picture: the bytes of an image file.
        max_megapixels: in millions of pixels.

    Returns:
        (H, W) or (H, W, 3) uint8, RGB, upright.

    Raises:
        ProblemError: it has more.
        ImageError: it can't be read.
    """
    _check_size(picture, max_megapixels)
    return images.load_upright(picture, max_megapixels)


def load_limited_page(
    picture: bytes, page: int, max_megapixels: float
) -> tuple[npt.NDArray[np.uint8], int]:
    """Load one page of a file, unless its header says that it has too many pixels.

    Args:
        picture: the bytes of an image file, of one page or several.
        page: from 1.
        max_megapixels: in millions of pixels.

    Returns:
        The page, (H, W) or (H, W, 3) uint8, RGB, upright; and how many pages there are.

    Raises:
        ProblemError: it has more pixels, or no such page.
        ImageError: it can't be read.
    """
    _check_size(picture, max_megapixels)
    with images.open_pages(picture, max_megapixels) as opened:
        if page > len(opened):
            detail = f"expected a page from 1 to {len(opened):,}, received {page:,}"
            raise ProblemError(422, "invalid", detail)
        return opened[page - 1], len(opened)


def _check_size(picture: bytes, max_megapixels: float) -> None:
    try:
        with Image.open(io.BytesIO(picture)) as opened:
            num_pixels = opened.width * opened.height
    except Image.DecompressionBombError as error:
        raise ProblemError(413, "too-large", f"{error}") from None
    except Exception:  # noqa: BLE001 - images.load_upright knows what Pillow raises, and says it well
        num_pixels = 0
    if num_pixels > max_megapixels * 1e6:
        raise ProblemError(
            413,
            "too-large",
            f"expected at most {max_megapixels:g} megapixels, received {num_pixels / 1e6:,.1f}",
        )
