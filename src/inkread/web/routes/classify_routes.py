"""The route that classifies ready glyphs, such as MNIST's: ``/v1/classify``."""

import re
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

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
_JSON, _PACKED = "application/json", "application/octet-stream"
_BROKEN_NUMBER = re.compile(rb"[0-9][ \t\r\n]++[0-9]")
_JSON_START, _JSON_END = b'{"glyphs":', b"}"
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
    body = await request.body()
    is_packed = kind == _PACKED
    if kind not in (_JSON, _PACKED):  # what curl says of any body, say: the bytes tell
        is_packed = not body.lstrip().startswith(b"{")
        if is_packed and (not body or len(body) % _SIDE_PX**2):
            detail = f"expected {_JSON} or {_PACKED}, received {kind[:80]!r}"
            raise ProblemError(415, "media-type", detail)
    found = await service.classify(_classify, body, is_packed, service.settings.max_batch)
    return JSONResponse(found)


def _classify(reader: Reader, body: bytes, is_packed: bool, max_batch: int) -> dict[str, Any]:
    side = reader.model.shape.side_px
    glyphs = _unpack(body, side, max_batch) if is_packed else _parse(body, side, max_batch)
    found = reader.model.classify(glyphs)
    return {
        "model": reader.model.name,
        "probabilities": found.probabilities.tolist(),
        "junk": found.junk.tolist(),
    }


def _check_count(count: float, max_batch: int) -> None:
    if count > max_batch:
        detail = f"expected at most {max_batch:,} glyphs, received {count:,.0f}"
        raise ProblemError(413, "too-large", detail)


def _unpack(body: bytes, side: int, max_batch: int) -> npt.NDArray[np.uint8]:
    if len(body) % side**2:
        detail = f"expected a multiple of {side**2} bytes, received {len(body):,}"
        raise ProblemError(422, "glyphs", detail)
    _check_count(len(body) / side**2, max_batch)
    return np.frombuffer(body, np.uint8).reshape(-1, side, side)


def _parse(body: bytes, side: int, max_batch: int) -> npt.NDArray[np.uint8]:
    """Parse glyphs in JSON: they are counted before anything is made of them."""
    expected = f'expected {{"glyphs": …}} with N x {side} x {side} integers from 0 to 255'
    if _BROKEN_NUMBER.search(body):
        raise ProblemError(422, "glyphs", f"{expected}, received numbers with spaces in them")
    text = body.translate(None, b" \t\r\n")
    if not (text.startswith(_JSON_START) and text.endswith(_JSON_END)):
        received = repr(body[:40].decode(errors="replace"))
        raise ProblemError(422, "glyphs", f"{expected}, received {received}")
    rows = text[len(_JSON_START) : -len(_JSON_END)]
    if other := rows.translate(None, b"0123456789,[]"):
        received = repr(other[:40].decode(errors="replace"))
        raise ProblemError(422, "glyphs", f"{expected}, received {received} in it")
    _check_count((rows.count(b"[") - 1) / (1 + side), max_batch)
    if not _match_glyphs(side).fullmatch(rows):
        num_values = rows.count(b",") + 1
        received = f"{num_values:,} values in {rows.count(b'['):,} lists"
        raise ProblemError(422, "glyphs", f"{expected}, received {received}")
    values = np.fromstring(rows.translate(None, b"[]").decode(), np.int64, sep=",")
    if values.size and values.max() > 255:
        raise ProblemError(422, "glyphs", f"{expected}, received {values.max()}")
    return values.astype(np.uint8).reshape(-1, side, side)


@cache
def _match_glyphs(side: int) -> re.Pattern[bytes]:
    """Match a list of glyphs in JSON without white space; atomic groups keep no way back."""

    def repeat(item: bytes) -> bytes:
        return rb"\[(?>" + item + rb"(?>," + item + rb"){%d})\]" % (side - 1)

    glyph = repeat(repeat(rb"(?>0|[1-9][0-9]{0,2})"))
    return re.compile(rb"\[(?>" + glyph + rb"(?>," + glyph + rb")*+)?\]")
