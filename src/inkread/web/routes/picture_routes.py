"""The route ``/v1/picture``: pages of files, as pictures that browsers can show."""

from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from inkread.imaging.images import MAX_PAGES
from inkread.imaging.resize import resize_by
from inkread.web.middleware.problems import describe_problems
from inkread.web.service import TheService
from inkread.web.uploads import (
    describe_picture_body,
    load_limited_page,
    merge_fields,
    receive_picture,
)

__all__ = ["NUM_PAGES_HEADER", "PageChoice", "encode_png", "picture", "router"]

router = APIRouter(tags=["reading"])

NUM_PAGES_HEADER = "Inkread-Pages"
_LONGEST_PX = 4000  # the longer side of a picture that is sent back


class PageChoice(BaseModel):
    """Which page of a file is wanted."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=MAX_PAGES, description="Of a PDF or TIFF file, from 1.")


@router.post(
    "/v1/picture",
    response_class=Response,
    responses={
        200: {
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
            "headers": {
                NUM_PAGES_HEADER: {
                    "description": "how many pages the file has",
                    "schema": {"type": "integer"},
                }
            },
        },
        **describe_problems(400, 408, 413, 415, 422, 503, 504),
    },
    openapi_extra=describe_picture_body(page={"type": "integer", "minimum": 1}),
)
async def picture(
    request: Request, service: TheService, choice: Annotated[PageChoice, Query()]
) -> Response:
    """Return one page of a file, such as a PDF or TIFF, as PNG, at most 4,000 pixels a side.

    `/v1/read` takes it as any other picture. The header `Inkread-Pages` is the number of pages.
    """
    service.check_room()
    upload = await receive_picture(request)
    choice = merge_fields(choice, upload.fields)
    megapixels = service.settings.max_megapixels
    png, num_pages = await service.work(_encode_page, upload.picture, choice.page, megapixels)
    return Response(png, media_type="image/png", headers={NUM_PAGES_HEADER: str(num_pages)})


def _encode_page(data: bytes, page: int, max_megapixels: float) -> tuple[bytes, int]:
    pixels, num_pages = load_limited_page(data, page, max_megapixels)
    return encode_png(pixels, _LONGEST_PX), num_pages


def encode_png(pixels: npt.NDArray[np.uint8], longest_px: int) -> bytes:
    """Encode a picture as PNG, shrunk if it is large.

    Args:
        pixels: (H, W) or (H, W, 3) uint8, RGB.
        longest_px: the most pixels of the longer side.
    """
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    small = resize_by(pixels, min(1.0, longest_px / max(pixels.shape[:2])))
    return bytes(cv2.imencode(".png", small)[1])
