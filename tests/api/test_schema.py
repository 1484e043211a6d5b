"""Random requests against the OpenAPI document with a token of each role: nothing breaks, answers are as promised."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
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


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """The application runs inside this test's transaction, so it must not close the connection after each request."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


ROLES = ("developer", "manager", "scrum_master", "devops", "director", "administrator")
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
load_all_checks()


def test_random_requests(stage: Stage) -> None:
    """Each address meets every role in turn over the examples. `SCHEMA_EXAMPLES=50` looks longer, by hand."""
    stage.ready()
    cache.clear()
    roles = cycle([Program(getattr(stage.cast, role)) for role in ROLES])
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    seen = 0
    for found in schema.get_all_operations():
        _sends(found.ok(), roles)  # type: ignore[union-attr]
        seen += 1

    assert seen == sum(len(each) for each in openapi()["paths"].values())


def _sends(operation: Any, roles: Iterator[Program]) -> None:
    @settings(
        max_examples=int(os.environ.get("SCHEMA_EXAMPLES", "1")),
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {next(roles).key}"}, checks=CHECKS)

    send()
