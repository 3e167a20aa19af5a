"""Routes for probes and metrics, and those that describe the service and its models."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

import inkread
from inkread.models.runtime import LineModel, Model
from inkread.web import examples, schemas
from inkread.web.middleware.problems import describe_problems
from inkread.web.service import TheService, model_names

__all__ = ["about", "about_router", "healthz", "metrics", "models", "probe_router", "readyz"]

probe_router = APIRouter(tags=["health"])
about_router = APIRouter(tags=["health"])


@probe_router.get("/healthz", response_class=PlainTextResponse)
async def healthz() -> str:
    """Say that the process is alive."""
    return "alive\n"


@probe_router.get(
    "/readyz",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **describe_problems(503),
    },
)
async def readyz(service: TheService) -> Response:
    """Say whether a request would be taken now."""
    service.check_ready()
    return PlainTextResponse("ready\n")


@about_router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"description": "Prometheus' text format"}},
)
async def metrics(service: TheService) -> Response:
    """Return the metrics."""
    return Response(service.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


@about_router.get(
    "/v1/about", response_model=schemas.About, responses=examples.describe_answer(examples.ABOUT)
)
async def about(service: TheService) -> JSONResponse:
    """Say what this service is and does."""
    settings = service.settings
    return JSONResponse(
        {
            "version": inkread.__version__,
            "models": model_names(service.live.reader()),
            "limits": {
                "body_bytes": settings.max_body_bytes,
                "megapixels": settings.max_megapixels,
                "batch": settings.max_batch,
            },
            "corrections": service.store.keep if service.store else None,
            "forms": settings.forms,
        }
    )


@about_router.get(
    "/v1/models", response_model=schemas.Models, responses=examples.describe_answer(examples.MODELS)
)
def models(service: TheService) -> JSONResponse:
    """Describe the models in use, and list those that were promoted."""
    reader = service.live.reader()
    return JSONResponse(
        {
            "current": {"glyph": _describe(reader.model), "line": _describe(reader.line_model)},
            "promoted": [
                {"version": each.number, "name": each.path.stem, "in_use": each.is_current}
                for each in service.registry.list_versions()
            ],
        }
    )


def _describe(model: Model | LineModel) -> dict[str, Any]:
    metadata = model.metadata
    return {
        "name": model.name,
        "recipe": str(metadata.recipe.get("name", "")),
        "trained": metadata.trained,
        "figures": {name: asdict(figure) for name, figure in metadata.figures.items()},
    }
