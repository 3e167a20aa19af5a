"""Requests made from the service's own description, as it allows them and as it doesn't."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
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


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_request_breaks_the_service(served, mode):
    description = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    num_operations = 0
    for result in description.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=12,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def check(case):
            response = case.call()
            case.validate_response(response, checks=CHECKS)
            assert not [leak for leak in LEAKS if leak.encode() in response.content]

        try:
            check()
        except Unsatisfiable:  # an operation that takes nothing can't be asked wrongly
            assert mode is GenerationMode.NEGATIVE, operation.label
            continue
        num_operations += 1
    assert num_operations > 8
