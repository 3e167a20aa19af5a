"""Routes that read pictures: ``/v1/read`` and ``/v1/explain``."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from inkread.explain.occlusion import explain_located
from inkread.reader import Reader
from inkread.results import Cell, Page
from inkread.web import examples, schemas
from inkread.web.middleware.problems import describe_problems
from inkread.web.reading_options import BOX, READ_FIELDS, ReadOptions, parse_box
from inkread.web.service import TheService
from inkread.web.uploads import describe_picture_body, load_limited, merge_fields, receive_picture

__all__ = ["ExplainOptions", "explanation", "read", "router"]

router = APIRouter(tags=["reading"])


class ExplainOptions(ReadOptions):
    """Which digit is explained, and how its picture was read."""

    box: Annotated[str | None, BOX] = None


@router.post(
    "/v1/read",
    response_model=schemas.PageBody,
    responses={
        **examples.describe_answer(examples.PAGE),
        **describe_problems(400, 408, 413, 415, 422, 503, 504),
    },
    openapi_extra=describe_picture_body(**READ_FIELDS),
)
async def read(
    request: Request, service: TheService, options: Annotated[ReadOptions, Query()]
) -> JSONResponse:
    """Read every number on a picture.

    The picture is the body itself, or the file `image` of a form. Options stand in the query, or in
    further fields of the form.
    """
    service.check_room()
    upload = await receive_picture(request)
    options = merge_fields(options, upload.fields)
    page = await service.read(_read, upload.picture, options, service.settings.max_megapixels)
    for number in page.numbers:
        for digit in number.digits:
            service.metrics.digits.labels(str(digit.rejected).lower()).inc()
    return JSONResponse(page.to_dict())


def _read(reader: Reader, picture: bytes, options: ReadOptions, max_megapixels: float) -> Page:
    pixels = load_limited(picture, max_megapixels)
    layout = options.layout
    page = reader.read(
        pixels,
        **options.constraints,
        printed=layout.printed,
        cells=layout.cells,
        grid=layout.grid,
    )
    return _reject_below(page, options.min_confidence)


def _reject_below(page: Page, min_confidence: float) -> Page:
    def reject(cell: Cell | None) -> Cell | None:
        if cell is None or cell.number is None:
            return cell
        return replace(cell, number=cell.number.reject_below(min_confidence))

    numbers = tuple(number.reject_below(min_confidence) for number in page.numbers)
    tables = tuple(
        replace(table, rows=tuple(tuple(reject(cell) for cell in row) for row in table.rows))
        for table in page.tables
    )
    return replace(page, numbers=numbers, tables=tables)


@router.post(
    "/v1/explain",
    response_model=schemas.ExplanationBody,
    responses={
        **examples.describe_answer(examples.EXPLANATION),
        **describe_problems(400, 408, 413, 415, 422, 503, 504),
    },
    openapi_extra=describe_picture_body(**READ_FIELDS, box={"type": "string", "maxLength": 40}),
)
async def explanation(
    request: Request, service: TheService, options: Annotated[ExplainOptions, Query()]
) -> JSONResponse:
    """Say which ink, and which empty paper, decided how a digit is read.

    With the options that the picture was read with, it is the digit that reading gave there.
    """
    service.check_room()
    upload = await receive_picture(request)
    options = merge_fields(options, upload.fields)
    found = await service.read(_explain, upload.picture, options, service.settings.max_megapixels)
    return JSONResponse(found)


def _explain(
    reader: Reader, picture: bytes, options: ExplainOptions, max_megapixels: float
) -> dict[str, Any]:
    box = parse_box(options.box) if options.box else None
    pixels = load_limited(picture, max_megapixels)
    located = reader.locate_digit(pixels, box, **options.constraints)
    digit = located.digit.reject_below(options.min_confidence)
    return explain_located(reader.model, replace(located, digit=digit)).to_dict()
