"""Random requests against the OpenAPI document with a token of each role: nothing breaks, answers are as promised."""

from __future__ import annotations

import pytest
import schemathesis
from django.core.cache import cache
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from releaseflow.api.document import openapi
from releaseflow.wsgi import application
from tests.api.programs import Program
from tests.stages import Stage

ROLES = ("developer", "manager", "scrum_master", "devops", "director", "administrator")
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
load_all_checks()


@pytest.mark.parametrize("role", ROLES)
def test_random_requests(stage: Stage, role: str) -> None:
    stage.ready()
    cache.clear()
    program = Program(getattr(stage.cast, role))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    headers = {"Authorization": f"Bearer {program.key}"}
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=1, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def sends(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        sends()
        seen += 1

    assert seen == sum(len(each) for each in openapi()["paths"].values())
