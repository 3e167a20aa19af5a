"""Routes that store, list and delete people's corrections: ``/v1/corrections``."""

import base64
import json
from collections.abc import Iterator
from typing import Annotated, Any

import cv2
import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from inkread.corrections.correction import (
    LABEL,
    MAX_LABEL_LENGTH,
    Correction,
    Cursor,
    hash_token,
)
from inkread.corrections.store import Store
from inkread.decoding.constraints import Constraint
from inkread.imaging import images, normalize
from inkread.imaging.resize import resize_by
from inkread.models.runtime import ModelFile
from inkread.reader import Reader
from inkread.results import Box
from inkread.web import examples, schemas
from inkread.web.middleware.problems import ProblemError, describe_problems
from inkread.web.reading_options import BOX, NUMBER_FIELDS, NumberOptions, parse_box
from inkread.web.service import TheService
from inkread.web.settings import Settings
from inkread.web.uploads import describe_picture_body, load_limited, merge_fields, receive_picture

__all__ = [
    "Judgement",
    "Origin",
    "add",
    "delete",
    "delete_one",
    "export",
    "judge",
    "list_doubtful",
    "picture",
    "router",
]

router = APIRouter(prefix="/v1/corrections", tags=["corrections"])

Grey = npt.NDArray[np.uint8]

_PICTURE_SIDE_PX = 1600  # larger pictures are shrunk before they are stored
_LABEL = Field(
    pattern=LABEL,
    max_length=MAX_LABEL_LENGTH,
    description="what it should have been: a digit, a whole number as it is written, or "
    "`not a digit`",
)
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="the correction's id")]
Person = Annotated[
    str | None,
    Header(
        alias="Inkread-Person",
        min_length=16,
        max_length=200,
        description="A random token that only this person has; it deletes what it came with.",
    ),
]


class Judgement(BaseModel):
    """The label that a person gives a stored reading."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"label": "7"}, {"label": "not a digit"}]}
    )

    label: Annotated[str, _LABEL] | None


class Origin(NumberOptions):
    """Where on a picture a digit or number is, what it is, and how the picture was read."""

    label: Annotated[str | None, _LABEL] = None
    box: Annotated[str | None, BOX] = None
    whole: bool = Field(False, description="The box is of a whole number, not of a digit.")


_FIELDS: dict[str, dict[str, Any]] = {
    **NUMBER_FIELDS,
    "label": {"type": "string", "pattern": LABEL, "maxLength": MAX_LABEL_LENGTH},
    "box": {"type": "string", "maxLength": 40},
    "whole": {"type": "boolean"},
}
_CREATED: dict[int | str, dict[str, Any]] = {
    201: {"content": {"application/json": {"example": examples.SAVED}}}
}


@router.post(
    "",
    status_code=201,
    response_model=schemas.Saved,
    responses={**_CREATED, **describe_problems(400, 404, 408, 413, 415, 422, 503, 504)},
    openapi_extra=describe_picture_body(**_FIELDS),
)
async def add(
    request: Request,
    service: TheService,
    origin: Annotated[Origin, Query()],
    person: Person = None,
) -> JSONResponse:
    """Store a digit, or a whole number, of a picture with what it should have been.

    With the options that the picture was read with, it is stored as it was read there. Without a
    label it waits for review. The answer comes when it is stored for good.
    """
    service.check_store()
    service.check_room()
    upload = await receive_picture(request)
    origin = merge_fields(origin, upload.fields)
    correction = await service.read(
        _make_correction, upload.picture, origin, person, service.settings
    )
    number = await service.with_store(Store.add, correction)
    return JSONResponse(
        {
            "id": number,
            "read": correction.read,
            "confidence": correction.confidence,
            "label": correction.label,
        },
        201,
    )


def _make_correction(
    reader: Reader, picture: bytes, origin: Origin, person: str | None, settings: Settings
) -> Correction:
    box = parse_box(origin.box) if origin.box else None
    pixels = load_limited(picture, settings.max_megapixels)
    strip: bytes | None = None
    if origin.whole:
        if box is None:
            raise ProblemError(422, "invalid", "expected the box of the number, received none")
        read, where, ink, strip = _find_number(reader, pixels, box, origin)
        model: ModelFile = reader.line_model
    else:
        located = reader.locate_digit(pixels, box, **origin.constraints)
        read = located.digit.text, located.digit.confidence
        where, ink, model = located.digit.box, located.ink, reader.model
    picture_png, place = _shrink(pixels, where)
    return Correction(
        glyph=normalize.make_glyph(ink, reader.model.shape).tobytes(),
        read=read[0],
        confidence=read[1],
        model=model.name,
        model_sha256=model.sha256,
        label=origin.label,
        picture=picture_png if settings.keep == "picture" else None,
        box=place,
        person=hash_token(person) if person else "",
        strip=strip,
    )


def _find_number(
    reader: Reader, pixels: Grey, box: Box, origin: Origin
) -> tuple[tuple[str, float], Box, Grey, bytes]:
    """Return what is read in a box, where that is, its ink, and its strip as a PNG file."""
    num_digits = sum(character.isdigit() for character in origin.label or "")
    constraint = Constraint(**origin.constraints) if origin.constraints else None
    located = reader.locate_number(pixels, box, num_digits, constraint)
    strip = normalize.make_strip(located.crop, reader.line_model.shape).pixels
    read = located.text[:MAX_LABEL_LENGTH], located.confidence
    return read, located.box, located.ink, _to_png(strip)


def _shrink(pixels: Grey, box: Box) -> tuple[bytes, tuple[int, int, int, int]]:
    """Return a picture as a PNG file, grey, of limited size, without metadata; and a box on it."""
    grey = images.load(pixels)
    scale = min(1.0, _PICTURE_SIDE_PX / max(grey.shape))
    png = _to_png(resize_by(grey, scale))
    left, top, right, bottom = (round(scale * side) for side in box)
    return png, (left, top, right, bottom)


def _to_png(pixels: Grey) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])


@router.get(
    "",
    response_model=schemas.CorrectionsBody,
    responses={
        **examples.describe_answer(examples.CORRECTIONS),
        **describe_problems(404, 422, 503),
    },
)
async def list_doubtful(
    service: TheService,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[
        str | None, Query(max_length=60, description="`next` of the part before")
    ] = None,
    judged: Annotated[
        bool | None, Query(description="only those with a label, or only those without")
    ] = None,
) -> JSONResponse:
    """List corrections, the least confident reading first."""
    cursor = _parse_cursor(after) if after else None

    def listed(store: Store) -> dict[str, Any]:
        found = store.list_doubtful(limit, after=cursor, judged=judged)
        return {
            "corrections": [_to_dict(correction) for correction in found],
            "next": ",".join(map(repr, found[-1].cursor)) if len(found) == limit else None,
            "left": store.count(judged=False),
        }

    return JSONResponse(await service.with_store(listed))


def _parse_cursor(text: str) -> Cursor:
    confidence, _, number = text.partition(",")
    try:
        return Cursor(float(confidence), int(number))
    except ValueError:
        raise ProblemError(422, "invalid", "expected after to be a list's next") from None


def _to_dict(correction: Correction) -> dict[str, Any]:
    return {
        "id": correction.id,
        "read": correction.read,
        "confidence": correction.confidence,
        "model": correction.model,
        "label": correction.label,
        "created": correction.created.isoformat(),
        "glyph": base64.b64encode(correction.glyph).decode(),
        "has_picture": correction.picture is not None,
        "box": correction.box,
        "strip": _encode(correction.strip),
    }


def _encode(data: bytes | None) -> str | None:
    return base64.b64encode(data).decode() if data else None


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "JSON Lines, the oldest first; pictures in base64",
            "content": {"application/jsonl": {"schema": {"type": "string"}}},
        },
        **describe_problems(404, 503),
    },
)
async def export(service: TheService) -> StreamingResponse:
    """Export every correction."""
    corrections = await service.with_store(Store.export)
    headers = {"Content-Disposition": 'attachment; filename="corrections.jsonl"'}
    return StreamingResponse(
        _export_lines(corrections), headers=headers, media_type="application/jsonl"
    )


def _export_lines(corrections: Iterator[Correction]) -> Iterator[str]:
    for correction in corrections:
        values = _to_dict(correction)
        del values["has_picture"]
        yield json.dumps({**values, "picture": _encode(correction.picture)}) + "\n"


@router.get(
    "/{number}/picture",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
        **describe_problems(404, 422, 503),
    },
)
async def picture(service: TheService, number: Number) -> Response:
    """Return the picture that a correction's glyph was cut from, if it was kept."""
    correction = await service.with_store(Store.get, number)
    if correction is None or correction.picture is None:
        raise _not_found()
    return Response(correction.picture, media_type="image/png")


@router.put(
    "/{number}",
    response_model=schemas.StoredCorrection,
    responses=describe_problems(400, 404, 408, 413, 422, 503),
)
async def judge(service: TheService, number: Number, judgement: Judgement) -> JSONResponse:
    """Say what a stored reading should have been; without a label it waits for review again."""
    correction = await service.with_store(Store.judge, number, judgement.label)
    if correction is None:
        raise _not_found()
    return JSONResponse(_to_dict(correction))


@router.delete(
    "/{number}", response_model=schemas.Deleted, responses=describe_problems(404, 422, 503)
)
async def delete_one(service: TheService, number: Number) -> JSONResponse:
    """Delete one correction for good."""
    deleted = await service.with_store(lambda store: store.delete(number=number))
    if not deleted:
        raise _not_found()
    return JSONResponse({"deleted": deleted})


@router.delete("", response_model=schemas.Deleted, responses=describe_problems(404, 422, 503))
async def delete(
    service: TheService,
    person: Person = None,
    everything: Annotated[
        bool, Query(alias="all", description="delete everybody's corrections")
    ] = False,
) -> JSONResponse:
    """Delete one person's corrections for good, or everybody's."""
    if (person is None) is not everything:
        detail = "expected either a person's token in Inkread-Person, or all=true"
        raise ProblemError(422, "invalid", detail)
    whose = hash_token(person) if person else None
    return JSONResponse(
        {"deleted": await service.with_store(lambda store: store.delete(person=whose))}
    )


def _not_found() -> ProblemError:
    return ProblemError(404, "not-found", "there is no such correction, or no picture of it")
