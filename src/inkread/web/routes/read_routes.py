"""Routes that read pictures: ``/v1/read`` and ``/v1/explain``."""

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from inkread.explain.occlusion import explain
from inkread.reader import Reader
from inkread.results import Number, Page
from inkread.web import examples, schemas
from inkread.web.digit_crops import ink_of, parsed_box, picture_of
from inkread.web.middleware.problems import documented
from inkread.web.service import TheService
from inkread.web.uploads import load_limited, merged, picture_body, received

__all__ = ["Options", "explanation", "read", "router"]

router = APIRouter(tags=["reading"])


class Options(BaseModel):
    """How a picture is read."""

    model_config = ConfigDict(extra="forbid")

    length: int | None = Field(None, ge=1, le=100, description="Every number has so many digits.")
    pattern: str | None = Field(
        None, max_length=200, description="Every number matches this regular expression."
    )
    check: str | None = Field(
        None, max_length=40, description="Every number has a valid check digit, such as `luhn`."
    )
    min_confidence: float = Field(
        0.0, ge=0, le=1, description="Digits less sure than this become `?`."
    )

    @property
    def constraints(self) -> dict[str, Any]:
        """What the reader is asked for; only what was given."""
        values = {"length": self.length, "pattern": self.pattern, "check": self.check}
        return {name: value for name, value in values.items() if value is not None}


_NUMBERS = {
    "length": {"type": "integer", "minimum": 1, "maximum": 100},
    "pattern": {"type": "string", "maxLength": 200},
    "check": {"type": "string", "maxLength": 40},
    "min_confidence": {"type": "number", "minimum": 0, "maximum": 1},
}


@router.post(
    "/v1/read",
    response_model=schemas.Page,
    responses={**examples.of(examples.PAGE), **documented(400, 408, 413, 415, 422, 503, 504)},
    openapi_extra=picture_body(**_NUMBERS),
)
async def read(
    request: Request, service: TheService, options: Annotated[Options, Query()]
) -> JSONResponse:
    """Read every number on a picture.

    The picture is the body itself, or the file `image` of a form. Options stand in the query, or in
    further fields of the form.
    """
    service.check_room()
    upload = await received(request)
    options = merged(options, upload.fields)
    page = await service.read(_read, upload.picture, options, service.settings.max_megapixels)
    for number in page.numbers:
        for digit in number.digits:
            service.metrics.digits.labels(str(digit.rejected).lower()).inc()
    return JSONResponse(page.to_dict())


def _read(reader: Reader, picture: bytes, options: Options, max_megapixels: float) -> Page:
    pixels = load_limited(picture, max_megapixels)
    page = reader.read(pixels, **options.constraints)
    least = options.min_confidence
    return replace(page, numbers=tuple(_sure(number, least) for number in page.numbers))


def _sure(number: Number, least: float) -> Number:
    """Reject the digits that are less sure, as a reader of this ``min_confidence`` does."""
    digits = tuple(
        replace(digit, rejected=digit.rejected or digit.confidence < least)
        for digit in number.digits
    )
    is_doubtful = number.confidence < least or any(digit.rejected for digit in digits)
    return replace(
        number,
        digits=digits,
        text="".join(digit.text for digit in digits),
        rejected=number.rejected or is_doubtful,
    )


@router.post(
    "/v1/explain",
    response_model=schemas.Explanation,
    responses={
        **examples.of(examples.EXPLANATION),
        **documented(400, 408, 413, 415, 422, 503, 504),
    },
    openapi_extra=picture_body(),
)
async def explanation(
    request: Request,
    service: TheService,
    box: Annotated[
        str | None,
        Query(
            max_length=40,
            description="The digit's `left,top,right,bottom`; else the picture is one digit.",
        ),
    ] = None,
) -> JSONResponse:
    """Say which ink, and which empty paper, decided how a digit is read."""
    service.check_room()
    upload = await received(request)
    found = await service.read(_explain, upload.picture, box, service.settings.max_megapixels)
    return JSONResponse(found)


def _explain(
    reader: Reader, picture: bytes, box: str | None, max_megapixels: float
) -> dict[str, Any]:
    place = parsed_box(box) if box else None
    pixels: npt.NDArray[np.uint8] = load_limited(picture, max_megapixels)
    if place is None:
        return explain(reader, pixels).to_dict()
    found = explain(reader, picture_of(ink_of(pixels, place)))
    return {**found.to_dict(), "box": list(place)}
