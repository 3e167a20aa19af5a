"""Examples of requests and answers, for OpenAPI."""

from typing import Any

from inkread.imaging.normalize import GlyphShape

__all__ = [
    "ABOUT",
    "CLASSIFIED",
    "CORRECTIONS",
    "EXPLANATION",
    "FORM",
    "GLYPHS",
    "MODELS",
    "PAGE",
    "PROPOSAL",
    "SAVED",
    "TEMPLATE",
    "TEMPLATE_YAML",
    "describe_answer",
]

_DIGIT = {
    "label": 7,
    "confidence": 0.991,
    "box": [14, 9, 41, 52],
    "probabilities": [0.0, 0.006, 0.001, 0.0, 0.0, 0.0, 0.0, 0.993, 0.0, 0.0],
    "rejected": False,
    "junk": 0.002,
}
PAGE = {
    "numbers": [
        {
            "text": "7",
            "confidence": 0.991,
            "box": [14, 9, 41, 52],
            "digits": [_DIGIT],
            "rejected": False,
            "raw": "7",
            "unconstrained": None,
            "printed": False,
            "print_probability": 0.02,
            "struck": False,
        }
    ],
    "tables": [],
    "notes": [],
    "width": 64,
    "height": 60,
    "model": "line",
}
_BLANK: list[list[float]] = [[0] * GlyphShape.side_px] * GlyphShape.side_px
EXPLANATION = {
    **_DIGIT,
    "runner_up": 1,
    "summary": "7 (99.1%), not 1: most of all because of the ink at the upper left",
    "glyph": _BLANK,
    "evidence": {"ink": _BLANK, "paper": _BLANK},
}
GLYPHS = {"glyphs": [_BLANK]}
CLASSIFIED = {
    "model": "glyph-cascade",
    "probabilities": [_DIGIT["probabilities"]],
    "junk": [0.002],
}
_MODEL = {
    "name": "glyph-cascade",
    "recipe": "cascade",
    "trained": "2026-11-25",
    "figures": {"validation_accuracy": {"value": 0.997, "n": 5000, "low": 0.9951, "high": 0.9982}},
}
MODELS = {
    "current": {"glyph": _MODEL, "line": {**_MODEL, "name": "line", "figures": {}}},
    "promoted": [],
}
ABOUT = {
    "version": "0.1.0",
    "models": {"glyph": "glyph-cascade", "line": "line"},
    "limits": {"body_bytes": 16000000, "megapixels": 32, "batch": 1024},
    "corrections": "glyph",
    "forms": True,
}
SAVED = {"id": 12, "read": "1", "confidence": 0.61, "label": "7"}
CORRECTIONS = {
    "corrections": [
        {
            "id": 12,
            "read": "1",
            "confidence": 0.61,
            "model": "glyph-cascade",
            "label": None,
            "created": "2026-11-24T08:00:00+00:00",
            "glyph": "AAAA",
            "has_picture": False,
            "box": [14, 9, 41, 52],
            "strip": None,
        }
    ],
    "next": "0.61,12",
    "left": 1,
}

TEMPLATE = {
    "form": "meter",
    "page": "a5",
    "fields": [{"name": "reading", "kind": "comb", "cells": 6, "box": [20, 40, 62, 49]}],
}
TEMPLATE_YAML = """form: meter
page: a5
fields:
- name: reading
  kind: comb
  cells: 6
  box: [20, 40, 62, 49]
"""
PROPOSAL = {
    "page": [148.0, 210.0],
    "fields": [{"kind": "comb", "cells": 6, "box": [20.0, 40.0, 62.0, 49.0]}],
}
FORM = {
    "form": "meter",
    "fields": [
        {
            "name": "reading",
            "value": "004071",
            "confidence": 0.994,
            "status": "ok",
            "note": "",
            "corners": [[118.1, 236.2], [366.1, 236.9], [366.0, 290.1], [118.0, 289.4]],
        }
    ],
    "alignment": {"residual_mm": 0.031, "dpi": 150.2, "turned_deg": 0.16},
    "width": 874,
    "height": 1240,
    "model": "glyph-cascade, line",
}


def describe_answer(example: object) -> dict[int | str, dict[str, Any]]:
    """Describe a successful answer by an example."""
    return {200: {"content": {"application/json": {"example": example}}}}
