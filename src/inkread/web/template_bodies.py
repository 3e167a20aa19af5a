"""Templates that requests carry, as YAML or JSON; errors in them become problem details."""

import json
from typing import Any

import yaml

from inkread.forms import template
from inkread.forms.template import Template, TemplateError
from inkread.web.middleware.problems import ProblemError

__all__ = ["MAX_BYTES", "decode_template", "list_values", "make_problem", "parse_template"]

MAX_BYTES = 200_000  # a template of a hundred fields has 20,000
_NAME = "template.yaml"
_WIDTH = 100


def decode_template(body: bytes, *, is_json: bool) -> str:
    """Return a template as YAML: as it came, or converted from JSON.

    Raises:
        ProblemError: too large, not UTF-8, or not JSON.
    """
    if len(body) > MAX_BYTES:
        detail = f"expected a template of at most {MAX_BYTES:,} bytes, received {len(body):,}"
        raise ProblemError(413, "too-large", detail)
    try:
        text = body.decode()
        if not is_json:
            return text
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        expected = "JSON" if is_json else "YAML in UTF-8"
        raise ProblemError(
            422, "template", f"expected a template as {expected}: {_safe(str(error))}"
        ) from None
    return str(
        yaml.safe_dump(
            values, sort_keys=False, allow_unicode=True, default_flow_style=None, width=_WIDTH
        )
    )


def parse_template(text: str) -> Template:
    """Read a template; no file that it names is opened.

    Raises:
        ProblemError: as ``inkread.forms.template.parse`` refuses it.
    """
    try:
        return template.parse(text, _NAME)
    except TemplateError as error:
        raise make_problem(error, text) from error


def make_problem(error: TemplateError, text: str) -> ProblemError:
    """Return the errors in a template as a problem, with their lines and fields.

    The problem's member ``yaml`` is the text whose lines are meant.
    """
    errors = [
        {"where": [_safe(part) for part in path], "message": _safe(message)}
        for path, message in error.faults
    ]
    return ProblemError(422, "template", _safe(str(error)), errors=errors, yaml=_safe(text))


def list_values(form: Template) -> dict[str, Any]:
    """Return a template's values for JSON, without those that have their default."""
    values: dict[str, Any] = form.model_dump(mode="json", exclude_defaults=True)
    return values


def _safe(part: Any) -> Any:  # noqa: ANN401 - a key, or a place in a list
    """Escape halves of surrogate pairs, which YAML can spell and UTF-8 can't."""
    return part.encode(errors="backslashreplace").decode() if isinstance(part, str) else part
