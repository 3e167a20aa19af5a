"""Sample pictures for a service, and checks of its answers."""

from importlib import resources
from pathlib import Path

import jsonschema_rs

__all__ = ["CHALK", "METER", "assert_problem", "validate"]

SAMPLES = Path(str(resources.files("inkread") / "samples"))
METER, CHALK = SAMPLES / "meter-40713.png", SAMPLES / "chalk-1969.png"


def assert_problem(response, status, kind):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"] == (f"urn:inkread:problem:{kind}" if kind else "about:blank")
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
    return problem


def validate(value, schema, document):
    """Check a value against a schema of an OpenAPI document."""
    whole = {**schema, "components": document["components"]}
    jsonschema_rs.validator_for(whole).validate(value)
