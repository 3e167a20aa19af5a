"""The route that classifies ready glyphs, such as MNIST's: ``/v1/classify``."""

from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic_core import from_json

from inkread.imaging.normalize import GlyphShape
from inkread.reader import Reader
from inkread.web import examples, schemas
from inkread.web.middleware.problems import ProblemError, describe_problems
from inkread.web.service import TheService
from inkread.web.uploads import media_type

__all__ = ["classify", "router"]

router = APIRouter(tags=["reading"])

_SIDE_PX = GlyphShape.side_px
_ROW = {
    "type": "array",
    "items": {"type": "integer", "minimum": 0, "maximum": 255},
    "minItems": _SIDE_PX,
    "maxItems": _SIDE_PX,
}
_GLYPH = {"type": "array", "items": _ROW, "minItems": _SIDE_PX, "maxItems": _SIDE_PX}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"glyphs": {"type": "array", "items": _GLYPH}},
                "required": ["glyphs"],
                "additionalProperties": False,
            },
            "example": examples.GLYPHS,
        },
        "application/octet-stream": {
            "schema": {
                "type": "string",
                "format": "binary",
                "description": f"{_SIDE_PX**2} bytes a glyph, row by row, "
                "one glyph after the other",
            }
        },
    },
}


@router.post(
    "/v1/classify",
    response_model=schemas.Classified,
    responses={
        **examples.describe_answer(examples.CLASSIFIED),
        **describe_problems(408, 413, 415, 422, 503, 504),
    },
    openapi_extra={"requestBody": _BODY},
)
async def classify(request: Request, service: TheService) -> JSONResponse:
    """Classify glyphs that are cut out already: 28 x 28, ink 255 on paper 0."""
    service.check_room()
    kind = media_type(request)
    if kind not in ("application/json", "application/octet-stream"):
        expected = "application/json or application/octet-stream"
        raise ProblemError(415, "media-type", f"expected {expected}, received {kind[:80]!r}")
    body = await request.body()
    is_packed = kind == "application/octet-stream"
    found = await service.read(_classify, body, is_packed, service.settings.max_batch)
    return JSONResponse(found)


def _classify(reader: Reader, body: bytes, is_packed: bool, max_batch: int) -> dict[str, Any]:
    side = reader.model.shape.side_px
    glyphs = _unpack(body, side) if is_packed else _parse(body, side)
    if len(glyphs) > max_batch:
        detail = f"expected at most {max_batch:,} glyphs, received {len(glyphs):,}"
        raise ProblemError(413, "too-large", detail)
    found = reader.model.classify(glyphs)
    return {
        "model": reader.model.name,
        "probabilities": found.probabilities.tolist(),
        "junk": found.junk.tolist(),
    }


def _unpack(body: bytes, side: int) -> npt.NDArray[np.uint8]:
    if len(body) % side**2:
        detail = f"expected a multiple of {side**2} bytes, received {len(body):,}"
        raise ProblemError(422, "glyphs", detail)
    return np.frombuffer(body, np.uint8).reshape(-1, side, side)


def _parse(body: bytes, side: int) -> npt.NDArray[np.uint8]:
    expected = f'expected {{"glyphs": …}} with N x {side} x {side} integers from 0 to 255'
    try:
        values = from_json(body)
    except ValueError as error:
        raise ProblemError(422, "glyphs", f"{expected}, received no JSON: {error}") from error
    if not isinstance(values, dict) or set(values) != {"glyphs"}:
        raise ProblemError(422, "glyphs", expected)
    try:
        array = np.asarray(values["glyphs"])
    except (ValueError, OverflowError):  # rows of different lengths
        raise ProblemError(422, "glyphs", f"{expected}, received something else") from None
    if array.size == 0 and values["glyphs"] == []:
        return np.zeros((0, side, side), np.uint8)
    if array.shape[1:] != (side, side) or array.ndim != 3 or array.dtype.kind not in "iu":
        received = f"{array.dtype} {array.shape}"
        raise ProblemError(422, "glyphs", f"{expected}, received {received}")
    if array.min() < 0 or array.max() > 255:
        received = f"{array.min()} to {array.max()}"
        raise ProblemError(422, "glyphs", f"{expected}, received values from {received}")
    return array.astype(np.uint8)
