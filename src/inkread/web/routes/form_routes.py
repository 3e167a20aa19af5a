"""Routes for forms: ``/v1/forms``; they need the extra [forms].

No file that a request names is opened: the picture of a blank form comes with the request.
"""

import contextlib
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from inkread.forms.align import Alignment, ScanError, corners_of
from inkread.forms.field_reader import make_field_reader
from inkread.forms.form_reader import MIN_CONFIDENCE, FieldReading, FormReader
from inkread.forms.propose import propose
from inkread.forms.template import PAGE_SIZES_MM, PictureAlignment, Template, TemplateError
from inkread.imaging import images
from inkread.imaging.pdf import Pdf, is_pdf
from inkread.reader import Reader
from inkread.web import examples, schemas, template_bodies
from inkread.web.middleware.problems import ProblemError, describe_problems
from inkread.web.routes.picture_routes import encode_png
from inkread.web.service import TheService
from inkread.web.uploads import (
    describe_picture_body,
    load_limited,
    media_type,
    merge_fields,
    receive_parts,
    receive_picture,
)

__all__ = ["Paper", "proposal", "read", "router", "shown", "template"]

router = APIRouter(prefix="/v1/forms", tags=["forms"])

_FORM_TYPE = "application/x-www-form-urlencoded"  # what curl says of any body
_YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/plain", _FORM_TYPE)
_POINTS_PER_MM = 72 / 25.4
PAPER_HEADER = "Inkread-Paper"
_SHOWN_PX = 2000  # the longer side of a picture that is sent back to be shown
_PROBLEMS = describe_problems(400, 408, 413, 415, 422, 503, 504)
_BINARY = {"type": "string", "format": "binary"}
_TEMPLATE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": examples.TEMPLATE},
            "application/yaml": {
                "schema": {"type": "string"},
                "example": examples.TEMPLATE_YAML,
            },
        },
    }
}
_READ_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "scan": _BINARY,
                        "template": {"type": "string", "description": "YAML"},
                        "blank": {**_BINARY, "description": "the form that nobody wrote on"},
                    },
                    "required": ["scan", "template"],
                    "additionalProperties": False,
                }
            }
        },
    }
}


class Paper(BaseModel):
    """The paper that a form is printed on."""

    model_config = ConfigDict(extra="forbid")

    page: str = Field(
        "a4",
        pattern=r"^(a4|a5|letter|[0-9]{2,4}(\.[0-9]{1,2})?x[0-9]{2,4}(\.[0-9]{1,2})?)$",
        description="`a4`, `a5`, `letter`, or `WIDTHxHEIGHT` in millimetres",
    )

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        if self.page in PAGE_SIZES_MM:
            return PAGE_SIZES_MM[self.page]
        width, height = self.page.split("x")
        return float(width), float(height)


@router.post(
    "/template",
    response_model=schemas.FormTemplate,
    responses={
        **examples.describe_answer({"yaml": examples.TEMPLATE_YAML, "template": examples.TEMPLATE}),
        **_PROBLEMS,
    },
    openapi_extra=_TEMPLATE_BODY,
)
async def template(request: Request, service: TheService) -> JSONResponse:
    """Check a template, and return it as YAML and as values.

    A problem names the lines and fields that are wrong; its `yaml` is the text with these lines.
    """
    service.check_room()
    kind = media_type(request)
    if kind != "application/json" and kind not in _YAML_TYPES:
        detail = f"expected application/json or application/yaml, received {kind[:80]}"
        raise ProblemError(415, "media-type", detail)
    body = await request.body()
    return JSONResponse(await service.work(_check_template, body, kind == "application/json"))


def _check_template(body: bytes, is_json: bool) -> dict[str, Any]:
    text = template_bodies.decode_template(body, is_json=is_json)
    return {
        "yaml": text,
        "template": template_bodies.list_values(template_bodies.parse_template(text)),
    }


@router.post(
    "/propose",
    response_model=schemas.Proposal,
    responses={**examples.describe_answer(examples.PROPOSAL), **_PROBLEMS},
    openapi_extra=describe_picture_body(page={"type": "string"}),
)
async def proposal(
    request: Request, service: TheService, paper: Annotated[Paper, Query()]
) -> JSONResponse:
    """Find the boxes on the picture of a blank form, edge to edge and straight."""
    service.check_room()
    upload = await receive_picture(request)
    paper = merge_fields(paper, upload.fields)
    megapixels = service.settings.max_megapixels
    return JSONResponse(
        await service.work(_propose_boxes, upload.picture, paper.size_mm, megapixels)
    )


def _propose_boxes(
    picture: bytes, page: tuple[float, float], max_megapixels: float
) -> dict[str, Any]:
    return {
        "page": list(page),
        "fields": [
            {
                "kind": field.kind,
                "cells": field.num_cells,
                "box": [round(side, 1) for side in field.rect],
            }
            for field in propose(load_limited(picture, max_megapixels), page)
        ],
    }


@router.post(
    "/picture",
    response_class=Response,
    responses={
        200: {
            "content": {"image/png": {"schema": _BINARY}},
            "headers": {
                PAPER_HEADER: {
                    "description": "of a PDF: the width and height of its page in millimetres, "
                    "such as `210.0x297.0`",
                    "schema": {"type": "string"},
                }
            },
        },
        **_PROBLEMS,
    },
    openapi_extra=describe_picture_body(),
)
async def shown(request: Request, service: TheService) -> Response:
    """Return a picture as browsers can show it: of a PDF or TIFF file, say."""
    service.check_room()
    upload = await receive_picture(request)
    png, paper = await service.work(_encode_png, upload.picture, service.settings.max_megapixels)
    return Response(png, media_type="image/png", headers={PAPER_HEADER: paper} if paper else {})


def _encode_png(picture: bytes, max_megapixels: float) -> tuple[bytes, str]:
    """Return a picture as PNG, and the size of its paper in millimetres; empty if unknown."""
    png = encode_png(images.load(load_limited(picture, max_megapixels)), _SHOWN_PX)
    return png, _measure_paper(picture) if is_pdf(picture) else ""


def _measure_paper(picture: bytes) -> str:
    with contextlib.closing(Pdf(picture)) as document:
        sides = document.measure_page(0)
    return "x".join(f"{side / _POINTS_PER_MM:.1f}" for side in sides)


@router.post(
    "/read",
    response_model=schemas.FormBody,
    responses={**examples.describe_answer(examples.FORM), **_PROBLEMS},
    openapi_extra=_READ_BODY,
)
async def read(
    request: Request,
    service: TheService,
    min_confidence: Annotated[
        float, Query(ge=0, le=1, description="Fields less sure than this are doubtful.")
    ] = MIN_CONFIDENCE,
) -> JSONResponse:
    """Read a scan of a form.

    A form that is found by its print needs the picture of the blank one, as `blank`: the file that
    its template names is never opened.
    """
    service.check_room()
    names = ("scan", "template", "blank")
    parts = await receive_parts(request, names, template_bodies.MAX_BYTES)
    missing = [name for name in names[:2] if name not in parts]
    if missing:
        raise ProblemError(422, "invalid", f"expected the part {missing[0]} in the form")
    megapixels = service.settings.max_megapixels
    return JSONResponse(await service.read(_read_form, parts, min_confidence, megapixels))


def _read_form(
    reader: Reader, parts: dict[str, bytes], min_confidence: float, max_megapixels: float
) -> dict[str, Any]:
    text = template_bodies.decode_template(parts["template"], is_json=False)
    form = template_bodies.parse_template(text)
    blank: npt.NDArray[np.uint8] | None = None
    if isinstance(form.align, PictureAlignment):
        if "blank" not in parts:
            detail = "expected the picture of the blank form as the part blank: it is found by it"
            raise ProblemError(422, "blank", detail)
        blank = load_limited(parts["blank"], max_megapixels)
    page = images.load(load_limited(parts["scan"], max_megapixels))
    try:
        fields = make_field_reader(reader)
        form_reader = FormReader(form, fields, min_confidence=min_confidence, blank=blank)
        reading = form_reader.read(page)
    except TemplateError as error:
        raise template_bodies.make_problem(error, text) from error
    except ScanError as error:
        raise ProblemError(422, "scan", str(error)) from error
    alignment = reading.alignment
    return {
        "form": form.form,
        "fields": [_to_dict(field, alignment, form) for field in reading.fields],
        "alignment": {
            "residual_mm": alignment.residual_mm,
            "dpi": alignment.dpi,
            "turned_deg": alignment.turned_deg,
        },
        "width": page.shape[1],
        "height": page.shape[0],
        "model": fields.name,
    }


def _to_dict(reading: FieldReading, alignment: Alignment, form: Template) -> dict[str, Any]:
    places = alignment.to_pixels(corners_of(form.rects[reading.name]))
    return {
        "name": reading.name,
        "value": reading.text,
        "confidence": reading.confidence,
        "status": reading.status.value,
        "note": reading.note,
        "corners": places.round(1).tolist(),
    }
