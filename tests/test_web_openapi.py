"""Requests made from the service's own description, as it allows them and as it doesn't."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LEAKS = ("Traceback", "site-packages", "sqlite3", "sqlalchemy", "/src/inkread/")


@pytest.fixture
def description(served):
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_service(case):
    response = case.call()
    case.validate_response(response, checks=CHECKS)
    assert not [leak for leak in LEAKS if leak in response.text]
